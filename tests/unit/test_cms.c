/* S/MIME parts in one piece: told apart, and opened where they are only signed. */
#include "ingest/mime/cms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OID(last) "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" last
#define OPEN(bytes, ret_content)                                                                   \
    ingest_cms_open((const guint8 *)(bytes), sizeof(bytes) - 1, ret_content)

static void assert_content(GByteArray *content, const char *expected)
{
    assert_non_null(content);
    assert_int_equal(content->len, strlen(expected));
    assert_memory_equal(content->data, expected, content->len);
}

/* version 1, no algorithms, data with "Hello" */
#define SIGNED_DATA "\x02\x01\x01\x31\x00\x30\x14" OID("\x01") "\xa0\x07\x04\x05Hello"

static void signed_content_is_taken_out(void **state)
{
    static const char der[] = "\x30\x2a" OID("\x02") "\xa0\x1d\x30\x1b" SIGNED_DATA;
    g_autoptr(GByteArray) content = NULL;

    assert_int_equal(OPEN(der, &content), INGEST_CMS_SIGNED);
    assert_content(content, "Hello");
}

static void content_in_pieces_is_joined(void **state)
{
    static const char ber[] = "\x30\x80" OID(
        "\x02") "\xa0\x80\x30\x80\x02\x01\x01\x31\x80\x30\x80\x00\x00\x00\x00"
                "\x30\x80" OID(
                    "\x01") "\xa0\x80\x24\x80\x04\x03Hel\x04\x02lo\x00\x00\x00\x00\x00\x00"
                            "\x00\x00\x00\x00\x00\x00";
    g_autoptr(GByteArray) content = NULL;

    assert_int_equal(OPEN(ber, &content), INGEST_CMS_SIGNED);
    assert_content(content, "Hello");
}

static void others_are_told(void **state)
{
    static const char enveloped[] = "\x30\x0f" OID("\x03") "\xa0\x02\x30\x00";
    static const char authenticated[] =
        "\x30\x11\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17\xa0\x02\x30\x00";
    static const char certificates[] =
        "\x30\x21" OID("\x02") "\xa0\x14\x30\x12\x02\x01\x01\x31\x00\x30\x0b" OID("\x01");
    g_autoptr(GByteArray) content = NULL;

    assert_int_equal(OPEN(enveloped, &content), INGEST_CMS_ENCRYPTED);
    assert_int_equal(OPEN(authenticated, &content), INGEST_CMS_ENCRYPTED);
    assert_int_equal(OPEN(certificates, &content), INGEST_CMS_CERTIFICATES);
    assert_null(content);
}

static void anything_else_is_unknown(void **state)
{
    static const char der[] = "\x30\x2a" OID("\x02") "\xa0\x1d\x30\x1b" SIGNED_DATA;
    static const char deep[] =
        "\x30\x80" OID("\x02") "\xa0\x80\x30\x80\x30\x80\x30\x80\x30\x80\x30\x80"
                               "\x30\x80\x30\x80\x30\x80\x30\x80\x30\x80\x30\x80";
    g_autoptr(GByteArray) content = NULL;

    assert_int_equal(OPEN("", &content), INGEST_CMS_UNKNOWN);
    assert_int_equal(OPEN("Hello, this is text", &content), INGEST_CMS_UNKNOWN);
    assert_int_equal(OPEN(deep, &content), INGEST_CMS_UNKNOWN);
    for (gsize len = 0; len < sizeof der - 6; len++) {
        g_autoptr(GByteArray) cut = NULL;
        g_autofree guint8 *copy = g_memdup2(der, len);

        if (ingest_cms_open(copy, len, &cut) == INGEST_CMS_SIGNED)
            assert_non_null(cut);
        else
            assert_null(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_content_is_taken_out),
        cmocka_unit_test(content_in_pieces_is_joined),
        cmocka_unit_test(others_are_told),
        cmocka_unit_test(anything_else_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
