/* Fields of a header, and what their values say. */
#include "ingest/mime/header_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_value(const char *value, const char *charset, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    ingest_header_decode(text, value, strlen(value), charset);
    assert_string_equal(text->str, expected);
}

static void fields_are_told_from_stray_lines(void **state)
{
    static const char header[] = "From x@y Thu Jan  1 00:00:00 1970\nSubject: a\r\n b\r\n"
                                 "nonsense here\nX-Empty:\nTo : c@d\n";
    static const char *const expected[][2] = {{"", "From x@y Thu Jan  1 00:00:00 1970"},
                                              {"Subject", " a\r\n b"},
                                              {"", "nonsense here"},
                                              {"X-Empty", ""},
                                              {"To", " c@d"}};
    IngestHeaderFields fields;

    ingest_header_fields_init(&fields, header, strlen(header));
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
        assert_true(ingest_header_fields_next(&fields));
        assert_int_equal(fields.name_len, strlen(expected[i][0]));
        assert_memory_equal(fields.name, expected[i][0], fields.name_len);
        assert_int_equal(fields.value_len, strlen(expected[i][1]));
        assert_memory_equal(fields.value, expected[i][1], fields.value_len);
    }
    assert_false(ingest_header_fields_next(&fields));
    ingest_header_fields_init(&fields, "sUbJect: x", 10);
    assert_true(ingest_header_fields_next(&fields));
    assert_true(ingest_header_fields_is(&fields, "Subject"));
    assert_false(ingest_header_fields_is(&fields, "Subjec"));
}

static void folds_and_blanks_become_one_blank(void **state)
{
    assert_value("  a\r\n\t b  c ", NULL, "a b c");
    assert_value("", NULL, "");
}

static void encoded_words_are_decoded(void **state)
{
    assert_value("=?utf-8?q?J=C3=BCrgen_M?= <j@example.org>", NULL, "Jürgen M <j@example.org>");
    assert_value("Re: =?ISO-8859-1?B?R3L832U=?=!", NULL, "Re: Grüße!");
    assert_value("=?gb2312?B?1uzpRrv5?=", NULL, "朱镕基");
    assert_value("=?utf-8*en?q?a?=", NULL, "a");
    assert_value("=?utf-8?q?a b?=", NULL, "a b");
    assert_value("=?utf-8?q?a=5Fb?=", NULL, "a_b");
    assert_value("=?nonsense?q?caf=E9 au lait?=", NULL, "café au lait");
}

static void a_character_may_be_split_between_two_words(void **state)
{
    assert_value("=?utf-8?q?J=C3?=\r\n =?utf-8?q?=BCrgen?=", NULL, "Jürgen");
    assert_value("=?utf-8?b?5pc=?= =?UTF-8?b?peacrA==?=", NULL, "日本");
    /* Not between words in two charsets; blanks between words are none, others stay. */
    assert_value("=?utf-8?q?a?= =?iso-8859-1?q?=FC?= b", NULL, "aü b");
    assert_value("=?utf-8?q?a?= x =?utf-8?q?b?=", NULL, "a x b");
}

static void what_is_no_encoded_word_stays(void **state)
{
    assert_value("a =?b", NULL, "a =?b");
    assert_value("=?utf-8?x?abc?=", NULL, "=?utf-8?x?abc?=");
    assert_value("=?utf-8?q?abc", NULL, "=?utf-8?q?abc");
    assert_value("=?\?=", NULL, "=?\?=");
}

static void raw_bytes_are_utf8_or_the_charset_of_the_message(void **state)
{
    assert_value("Grüße", NULL, "Grüße");
    assert_value("\xcf\xf0\xe8\xe2\xe5\xf2", "windows-1251", "Привет");
    assert_value("Gr\xfc\xdf"
                 "e",
                 NULL, "Grüße");
    assert_value("\xc4\xe3\xba\xc3 =?utf-8?q?x?=", "gb2312", "你好 x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_told_from_stray_lines),
        cmocka_unit_test(folds_and_blanks_become_one_blank),
        cmocka_unit_test(encoded_words_are_decoded),
        cmocka_unit_test(a_character_may_be_split_between_two_words),
        cmocka_unit_test(what_is_no_encoded_word_stays),
        cmocka_unit_test(raw_bytes_are_utf8_or_the_charset_of_the_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
