/* What a claimed charset is worth, and that the cut does not matter. */
#include "ingest/mime/charset.h"
#include "ingest/mime/charset_names.h"
#include "tests/unit/text_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *convert_in_pieces(const char *claimed, const char *bytes, gsize len, gsize step)
{
    GString *text = g_string_new(NULL);
    g_autoptr(IngestCharset) charset = ingest_charset_new(claimed, keep_text, text);

    for (gsize at = 0; at < len; at += MIN(step, len - at))
        ingest_charset_add(charset, bytes + at, MIN(step, len - at));
    ingest_charset_end(charset);
    return g_string_free(text, FALSE);
}

static void assert_text(const char *claimed, const char *bytes, const char *expected)
{
    static const gsize steps[] = {1, 2, 3, 7, 1000};

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autofree char *text = convert_in_pieces(claimed, bytes, strlen(bytes), steps[i]);

        assert_string_equal(text, expected);
    }
}

static void claimed_charsets_are_converted(void **state)
{
    assert_text("iso-8859-2", "\xa3\xf3\x64\xbc", "Łódź");
    assert_text("koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет");
    assert_text("windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет");
    assert_text("shift_jis", "\x93\xfa\x96{", "日本");
    assert_text("iso-2022-jp", "\x1b$BF|K\\\x1b(B!", "日本!");
    assert_text("big5", "\xa4\xa4\xa4\xe5", "中文");
    assert_text("utf-7", "Hi +ZeVnLIqe-!", "Hi 日本語!");
    assert_text("unicode-1-1-utf-7", "+AOQ-", "ä");
    assert_text("utf-8", "日本", "日本");
    assert_text("iso-8859-8-i", "\xf9\xec\xe5\xed", "שלום");
}

static void lies_mean_the_larger_set(void **state)
{
    assert_text("iso-8859-1", "\x93quoted\x94 \x80 5", "“quoted” € 5");
    assert_text("Latin1",
                "Gr\xfc\xdf"
                "e",
                "Grüße");
    /* A character that GB2312 lacks, one that KS C 5601 lacks. */
    assert_text("gb2312", "\xd6\xec\xe9\x46\xbb\xf9", "朱镕基");
    assert_text("ks_c_5601-1987", "\xc6\xe9\xb9\xe6\xb0\xa2\xc7\xcf", "펩방각하");
    assert_text("ks_c_5601-1987", "\x8c\x63", "똠");
    assert_text("iso-8859-9",
                "\xfe"
                "eker \x80",
                "şeker €");
}

static void valid_utf8_is_utf8_whatever_is_claimed(void **state)
{
    assert_text("iso-8859-1", "Grüße aus München", "Grüße aus München");
    assert_text("gb2312", "你好，世界", "你好，世界");
    assert_text(NULL, "naïve", "naïve");
    /* Two bytes that are UTF-8 by chance. */
    assert_text("gb2312", "\xc4\xa3", "模");
    /* One wrong byte among good ones does not make it another charset. */
    assert_text("utf-8", "Grüße \xff München", "Grüße \xef\xbf\xbd München");
}

static void what_is_claimed_falsely_is_guessed(void **state)
{
    assert_text("utf-8",
                "Gr\xfc\xdf"
                "e",
                "Grüße");
    assert_text("us-ascii",
                "Gr\xfc\xdf"
                "e",
                "Grüße");
    assert_text("x-unknown",
                "Gr\xfc\xdf"
                "e",
                "Grüße");
    assert_text("",
                "Gr\xfc\xdf"
                "e",
                "Grüße");
    assert_text(NULL,
                "\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7\xa1\xa3\xce\xd2\xc3\xc7\xca\xc7\xd6\xd0"
                "\xb9\xfa\xc8\xcb\xa3\xac\xd5\xe2\xca\xc7\xd2\xbb\xb8\xf6\xb2\xe2\xca\xd4\xa1\xa3",
                "你好，世界。我们是中国人，这是一个测试。");
}

static void a_utf16_document_says_so_itself(void **state)
{
    static const char bytes[] = "\xff\xfe"
                                "H\0i\0 \0t\0h\0e\0r\0e\0";
    g_autofree char *text = convert_in_pieces(NULL, bytes, sizeof bytes - 1, 3);

    assert_non_null(strstr(text, "Hi there"));
}

static void output_is_valid_without_nul(void **state)
{
    static const char bytes[] = "a\0b\xc3(\xed\xa0\x80\xf4\x90\x80\x80 \xe2\x82";
    static const char *const claims[] = {NULL,    "utf-8",  "gb2312", "iso-2022-jp",
                                         "utf-7", "utf-16", "koi8-r", "hz"};

    for (gsize i = 0; i < G_N_ELEMENTS(claims); i++) {
        g_autofree char *text = convert_in_pieces(claims[i], bytes, sizeof bytes - 1, 2);
        g_autofree char *whole = convert_in_pieces(claims[i], bytes, sizeof bytes - 1, 100);

        assert_true(g_utf8_validate(text, -1, NULL));
        assert_true(strlen(text) > 4);
        assert_string_equal(text, whole);
    }
}

static void a_late_character_is_looked_at_where_it_is(void **state)
{
    g_autoptr(GString) bytes = g_string_new(NULL);
    g_autofree char *text = NULL;

    for (guint i = 0; i < 3 * INGEST_CHARSET_WINDOW; i++)
        g_string_append_c(bytes, 'x');
    g_string_append(bytes, "\xe4");
    for (guint i = 0; i < 3 * INGEST_CHARSET_WINDOW; i++)
        g_string_append(bytes, "\xfc");
    text = convert_in_pieces("iso-8859-1", bytes->str, bytes->len, 1000);
    assert_int_equal(strlen(text), 3 * INGEST_CHARSET_WINDOW + 2 + 6 * INGEST_CHARSET_WINDOW);
    assert_true(g_str_has_suffix(text, "üü"));
}

static void names_are_read_as_people_write_them(void **state)
{
    char name[INGEST_CHARSET_NAME_MAX];

    assert_int_equal(ingest_charset_lookup("UTF8", name), INGEST_CHARSET_UTF8);
    assert_int_equal(ingest_charset_lookup("\"utf-8\"", name), INGEST_CHARSET_UTF8);
    assert_int_equal(ingest_charset_lookup("ANSI_X3.4-1968", name), INGEST_CHARSET_GUESS);
    assert_int_equal(ingest_charset_lookup("ISO-2022-KR", name), INGEST_CHARSET_STATEFUL);
    assert_int_equal(ingest_charset_lookup("ibm037", name), INGEST_CHARSET_GUESS);
    assert_int_equal(ingest_charset_lookup("ibm866", name), INGEST_CHARSET_SINGLE);
    assert_int_equal(ingest_charset_lookup("EUC-KR", name), INGEST_CHARSET_CJK);
    assert_string_equal(name, "windows-949");
    assert_int_equal(ingest_charset_lookup("big5", name), INGEST_CHARSET_CJK);
    assert_int_equal(ingest_charset_lookup("xxbig5", name), INGEST_CHARSET_CJK);
    assert_int_equal(ingest_charset_lookup("8bit", name), INGEST_CHARSET_GUESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claimed_charsets_are_converted),
        cmocka_unit_test(lies_mean_the_larger_set),
        cmocka_unit_test(valid_utf8_is_utf8_whatever_is_claimed),
        cmocka_unit_test(what_is_claimed_falsely_is_guessed),
        cmocka_unit_test(a_utf16_document_says_so_itself),
        cmocka_unit_test(output_is_valid_without_nul),
        cmocka_unit_test(a_late_character_is_looked_at_where_it_is),
        cmocka_unit_test(names_are_read_as_people_write_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
