/* Plain text without armor, alternatives without what was said, and the beginning of it all. */
#include "ingest/mime/alternatives.h"
#include "ingest/mime/plain_text.h"
#include "ingest/mime/snippet.h"
#include "tests/unit/text_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const gsize steps[] = {1, 2, 7, 16, 100000};

static guint read_plain(const char *text, gboolean is_delsp, gsize step, GString *read)
{
    g_autoptr(IngestPlainText) plain = ingest_plain_text_new(is_delsp, keep_text, read);
    gsize len = strlen(text);

    for (gsize at = 0; at < len; at += MIN(step, len - at))
        ingest_plain_text_add(plain, text + at, MIN(step, len - at));
    return ingest_plain_text_end(plain);
}

static void assert_plain(const char *text, gboolean is_delsp, const char *expected, guint marks)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GString) read = g_string_new(NULL);

        assert_int_equal(read_plain(text, is_delsp, steps[i], read), marks);
        assert_string_equal(read->str, expected);
    }
}

#define ARMOR(what)                                                                                \
    "-----BEGIN PGP " what "-----\nVersion: 1\n\nhQEMA1+/abcdefghijklmnop\n=ab12\n"                \
    "-----END PGP " what "-----\n"

static void armor_is_left_out_and_told(void **state)
{
    assert_plain("before\n" ARMOR("MESSAGE") "after\n", FALSE, "before\nafter\n",
                 INGEST_PLAIN_PGP_MESSAGE);
    assert_plain(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nthe text\n" ARMOR("SIGNATURE"), FALSE,
        "Hash: SHA256\n\nthe text\n", INGEST_PLAIN_PGP_SIGNED);
    assert_plain("key:\n" ARMOR("PUBLIC KEY BLOCK") "bye", FALSE, "key:\nbye", 0);
}

static void talk_of_armor_hides_nothing(void **state)
{
    assert_plain("-----BEGIN PGP MESSAGE-----\nis how it begins, you know\nand more\n", FALSE,
                 "is how it begins, you know\nand more\n", INGEST_PLAIN_PGP_MESSAGE);
    assert_plain("- item\n-- \nAnna\n-----", FALSE, "- item\n-- \nAnna\n-----", 0);
}

static void flowed_lines_are_joined_where_delsp_says_so(void **state)
{
    assert_plain("one \ntwo\nfo \r\nur\r\n-- \nAnna\n", TRUE, "onetwo\nfour\r\n-- \nAnna\n", 0);
    assert_plain("one \ntwo\n", FALSE, "one \ntwo\n", 0);
}

/* ---- alternatives ---------------------------------------------------------------------------- */

static char *read_alternatives(const char *const *texts, gsize count, gsize step)
{
    GString *read = g_string_new(NULL);
    g_autoptr(IngestAlternatives) alternatives = ingest_alternatives_new(keep_text, read);

    for (gsize i = 0; i < count; i++) {
        gsize len = strlen(texts[i]);

        for (gsize at = 0; at < len; at += MIN(step, len - at))
            ingest_alternatives_add(alternatives, texts[i] + at, MIN(step, len - at));
        ingest_alternatives_end_text(alternatives);
    }
    return g_string_free(read, FALSE);
}

static void assert_alternatives(const char *const *texts, gsize count, const char *expected)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autofree char *read = read_alternatives(texts, count, steps[i]);

        assert_string_equal(read, expected);
    }
}

static void what_was_said_is_not_said_again(void **state)
{
    static const char *const same[] = {"Hello World,\nsee you on Monday.\n",
                                       "\nHello world,\nsee you on Monday.\n"};
    static const char *const other[] = {"Your program shows no HTML.\n",
                                        "Hello World,\nyour program shows\nthe 5 prices.\n"};
    static const char *const empty[] = {"\n", "Hello\n", "Hello\n"};

    assert_alternatives(same, 2, "Hello World,\nsee you on Monday.\n");
    assert_alternatives(other, 2, "Your program shows no HTML.\nHello World,\nthe 5 prices.\n");
    assert_alternatives(empty, 3, "\nHello\n");
}

static void past_their_number_words_count_as_new(void **state)
{
    g_autoptr(GString) many = g_string_new(NULL);
    const char *texts[] = {NULL, "word0\n", "nobody\n", "nobody\n"};
    g_autofree char *read = NULL;

    for (guint i = 0; i < INGEST_ALTERNATIVES_WORDS_MAX; i++)
        g_string_append_printf(many, "word%u\n", i);
    texts[0] = many->str;
    read = read_alternatives(texts, G_N_ELEMENTS(texts), 1000);
    assert_string_equal(read + many->len, "nobody\nnobody\n");
}

static void a_long_line_is_taken_in_parts(void **state)
{
    g_autoptr(GString) line = g_string_new(NULL);
    const char *texts[] = {"word\n", NULL};
    g_autofree char *read = NULL;

    while (line->len < 3 * INGEST_ALTERNATIVES_LINE_LEN_MAX)
        g_string_append(line, "word ");
    g_string_append(line, "other");
    texts[1] = line->str;
    read = read_alternatives(texts, 2, 1000);
    assert_true(g_str_has_suffix(read, "word other"));
    assert_true(strlen(read) < 2 * INGEST_ALTERNATIVES_LINE_LEN_MAX);
}

/* ---- snippets -------------------------------------------------------------------------------- */

static void assert_snippet(const char *text, const char *expected)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(IngestSnippet) snippet = ingest_snippet_new(20);
        g_autofree char *taken = NULL;
        gsize len = strlen(text);

        for (gsize at = 0; at < len; at += MIN(steps[i], len - at))
            ingest_snippet_add(snippet, text + at, MIN(steps[i], len - at));
        ingest_snippet_add(snippet, NULL, 0);
        taken = ingest_snippet_take(snippet);
        if (expected == NULL)
            assert_null(taken);
        else
            assert_string_equal(taken, expected);
    }
}

static void a_snippet_is_the_beginning_of_what_is_new(void **state)
{
    assert_snippet("\n  Hello,\n\n > old\nOn Monday Anna wrote:\n> older\nnew\n",
                   "Hello, > old new");
    assert_snippet("----- Original Message -----\nFrom: a\nSubject: b\n\nText\n", "Text");
    assert_snippet("\n\n", NULL);
    assert_snippet("> only quoted", NULL);
    assert_snippet("0123456789 0123456789 0123", "0123456789 012345678");
    assert_snippet("0123456789 01234567üüü", "0123456789 01234567");
    assert_snippet("a\xc2\xa0\xe2\x80\x8b b\xc2\xad", "a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(armor_is_left_out_and_told),
        cmocka_unit_test(talk_of_armor_hides_nothing),
        cmocka_unit_test(flowed_lines_are_joined_where_delsp_says_so),
        cmocka_unit_test(what_was_said_is_not_said_again),
        cmocka_unit_test(past_their_number_words_count_as_new),
        cmocka_unit_test(a_long_line_is_taken_in_parts),
        cmocka_unit_test(a_snippet_is_the_beginning_of_what_is_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
