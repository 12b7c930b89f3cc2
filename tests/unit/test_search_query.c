/* The query language: what is typed, as a tree and as canonical text. */
#include "tests/unit/query_world.h"

static void assert_canonical(const char *text, const char *canonical)
{
    g_autoptr(SearchQuery) query = query_parse(text), again = NULL;
    g_autofree char *written = search_query_format(query), *rewritten = NULL;

    assert_string_equal(written, canonical);
    again = query_parse(written);
    assert_true(nodes_are_equal(query->root, again->root));
    rewritten = search_query_format(again);
    assert_string_equal(rewritten, written);
}

static void every_construct_has_a_canonical_text(void **state)
{
    static const char *const texts[][2] = {
        {"invoice", "invoice"},
        {"  two\twords\n", "two words"},
        {"a AND b", "a b"},
        {"a AND b OR c d", "a b OR c d"},
        {"a (b OR c) d", "a (b OR c) d"},
        {"(a b) c", "a b c"},
        {"(a OR b) OR c", "a OR b OR c"},
        {"NOT a", "-a"},
        {"a -(b c)", "a -(b c)"},
        {"a -b NEAR/3 c", "a -(b NEAR/3 c)"},
        {"NOT NOT a", "--a"},
        {"a NEAR b", "a NEAR/10 b"},
        {"a NEAR/0 \"b c\"", "a NEAR/0 \"b c\""},
        {"subject:(a NEAR/255 b*)", "subject:a NEAR/255 subject:b*"},
        {"*", "*"},
        {"From:Bob", "from:Bob"},
        {"from:bob@example.org", "from:bob@example.org"},
        {"to:\"x  y\"", "to:\"x  y\""},
        {"to:“x y”", "to:\"x y\""},
        {"„x“", "\"x\""},
        {"subject:(a b)", "subject:a subject:b"},
        {"subject:(a OR -b)", "subject:a OR -subject:b"},
        {"cc:a bcc:b list:c body:d attachment:e", "cc:a bcc:b list:c body:d attachment:e"},
        {"filename:*.xlsx filename:q*", "filename:*.xlsx filename:q*"},
        {"http://example.org/x 12:30", "http://example.org/x 12:30"},
        {"and or not near", "and or not near"},
        {"\"AND\" \"-x\" \"from:x\"", "\"AND\" \"-x\" \"from:x\""},
        {"has:attachment is:TRUNCATED", "has:attachment is:truncated"},
        {"is:unsearchable is:incomplete", "is:unsearchable is:incomplete"},
        {"is:encrypted OR x", "is:encrypted OR x"},
        {"-is:signed a", "-is:signed a"},
        {"encrypted:smime OR encrypted:pgp", "is:encrypted"},
        {"encrypted:pgp signed:smime signed:pgp", "encrypted:pgp signed:smime signed:pgp"},
        {"is:(encrypted OR signed)", "is:encrypted OR is:signed"},
        {"mailbox:Bob@Example.org", "mailbox:bob@example.org"},
        {"mailbox:(*@example.org OR unassigned)", "mailbox:*@example.org OR mailbox:unassigned"},
        {"id:<a@B>", "id:a@B"},
        {"id:\"a(1)@b\"", "id:\"a(1)@b\""},
        {"id:00112233445566778899AABBCCDDEEFF", "id:00112233445566778899aabbccddeeff"},
        {"size:>5M", "size:>=5242881"},
        {"size:>=5mb", "size:>=5242880"},
        {"size:<100k", "size:<102400"},
        {"size:<=1", "size:<2"},
        {"size:1M..2M", "size:1048576..2097152"},
        {"size:..1G", "size:<1073741825"},
        {"size:7..", "size:>=7"},
        {"size:0..", "size:>=0"},
        {"larger:10 smaller:1K", "size:>=11 size:<1024"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_canonical(texts[i][0], texts[i][1]);
}

static void dates_become_ranges_of_seconds(void **state)
{
    static const char *const texts[][2] = {
        {"date:2025", "date:2025-01-01..2025-12-31"},
        {"date:2025-02", "date:2025-02-01..2025-02-28"},
        {"date:2024/02/29", "date:2024-02-29"},
        {"date:2025-03-30T01:02:03Z", "date:2025-03-30T01:02:03Z..2025-03-30T01:02:03Z"},
        {"date:2025-03-30t03:02:03+02:00", "date:2025-03-30T01:02:03Z..2025-03-30T01:02:03Z"},
        {"date:2025-01..2025-06", "date:2025-01-01..2025-06-30"},
        {"date:2025-01..", "after:2025-01-01"},
        {"date:..2025-01", "before:2025-02-01"},
        {"after:2025-03", "after:2025-03-01"},
        {"before:2025-03", "before:2025-03-01"},
        {"before:2025-03-01T10:00:00Z", "before:2025-03-01T10:00:00Z"},
        {"date:today", "date:2025-11-26"},
        {"date:yesterday..today", "date:2025-11-25..2025-11-26"},
        {"newer_than:30d", "after:2025-10-27"},
        {"newer_than:12h", "after:2025-11-25T12:00:00Z"},
        {"newer_than:2w", "after:2025-11-12"},
        {"older_than:3m", "before:2025-08-26"},
        {"older_than:1y", "before:2024-11-26"},
        {"newer_than:99999y", "after:0001-01-01"},
        {"date:..9999", "date:..9999-12-31"},
        {"date:0001..9999-12-31", "date:0001-01-01..9999-12-31"},
        {"before:1960", "before:1960-01-01"},
    };
    g_autoptr(SearchQuery) march = query_parse("date:2025-03");

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_canonical(texts[i][0], texts[i][1]);
    assert_int_equal(march->root->from, 1740787200);
    assert_int_equal(march->root->to, 1743465600);
}

/* ---- words ----------------------------------------------------------------------------------- */

/* The words of a query that is one node, as text: exact ones in quotes, prefixes with an asterisk.
 */
static char *words_of(const char *text)
{
    g_autoptr(SearchQuery) query = query_parse(text);
    GString *words = g_string_new(NULL);

    assert_int_equal(query->root->kind, SEARCH_NODE_WORDS);
    for (guint i = 0; i < query->root->words->len; i++) {
        const SearchWord *word = &g_array_index(query->root->words, SearchWord, i);
        gsize folded_len = strlen(word->text);

        g_string_append_printf(words, "%s%s", i == 0 ? "" : " ", word->text);
        if (word->match == SEARCH_WORD_EXACT)
            g_string_append_printf(words, "=%s", word->text + folded_len + 1);
        else
            assert_int_equal(word->len, folded_len);
        g_string_append(words, word->match == SEARCH_WORD_PREFIX ? "*" : "");
    }
    return g_string_free(words, FALSE);
}

static void words_are_those_of_mail(void **state)
{
    static const char *const texts[][2] = {
        {"Invoice", "invoice"},
        {"résumé", "resume"},
        {"\"Résumé\"", "resume=résumé"},
        {"\"resume\"", "resume"},
        {"\"my résumé\"", "my resume=résumé"},
        {"\"my résum*\"", "my resum*"},
        {"\"my résum *\"", "my resum=résum"},
        {"inv*", "inv*"},
        {"subject:foo-ba*", "foo ba*"},
        {"from:anna-lena@example", "anna lena example"},
        {"filename:*.xlsx", "xlsx"},
        {"\"5 * 3\"", "5 3"},
        /* Pairs, and not the lone last character, behind which the text may go on. */
        {"日本", "日本"},
        {"日本語", "日本 本語"},
        {"語", "語*"},
        {"\"日本 x\"", "日本 本 x"},
        {"\"x 語\"", "x 語*"},
        {"\"語 x\"", "語 x"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *words = words_of(texts[i][0]);

        assert_string_equal(words, texts[i][1]);
    }
}

static void fields_are_masks(void **state)
{
    g_autoptr(SearchQuery) to = query_parse("to:a"), cc = query_parse("cc:a");
    g_autoptr(SearchQuery) anywhere = query_parse("a");

    assert_int_equal(to->root->fields,
                     1 << INGEST_FIELD_TO | 1 << INGEST_FIELD_CC | 1 << INGEST_FIELD_BCC);
    assert_int_equal(cc->root->fields, 1 << INGEST_FIELD_CC);
    assert_int_equal(anywhere->root->fields, 0x3fe);
}

/* ---- in words -------------------------------------------------------------------------------- */

static void a_query_is_explained_in_words(void **state)
{
    g_autoptr(SearchQuery) query =
        query_parse("from:bob (inv* OR \"my résumé\") -is:truncated before:2025 size:1..2 "
                    "a NEAR/1 b mailbox:x@y id:z@z date:2025-03 size:>1 *");
    g_autofree char *text = search_query_explain(query);

    assert_string_equal(text, "all of\n"
                              "  from: \"bob\"\n"
                              "  any of\n"
                              "    anywhere: what begins with \"inv\"\n"
                              "    anywhere: side by side, \"my\" \"résumé\" (with just these "
                              "marks)\n"
                              "  not\n"
                              "    is:truncated\n"
                              "  sent up to 2024-12-31 23:59:59 UTC\n"
                              "  1 bytes or more, 2 at most\n"
                              "  with at most 1 word between them\n"
                              "    anywhere: \"a\"\n"
                              "    anywhere: \"b\"\n"
                              "  in the mailbox x@y\n"
                              "  Message-ID z@z\n"
                              "  sent from 2025-03-01 00:00:00 UTC on up to 2025-03-31 23:59:59 "
                              "UTC\n"
                              "  2 bytes or more\n"
                              "  every message\n");
}

/* ---- any query ------------------------------------------------------------------------------- */

static void append_random_query(GString *text, guint level)
{
    static const char *const leaves[] = {"inv*",
                                         "résumé",
                                         "\"résumé x\"",
                                         "日本語",
                                         "\"x 語\"",
                                         "from:bob",
                                         "to:(a OR b)",
                                         "is:encrypted",
                                         "is:signed",
                                         "date:2025-03",
                                         "newer_than:3d",
                                         "size:>5k",
                                         "size:1..2k",
                                         "mailbox:*@example.org",
                                         "id:a@b",
                                         "a NEAR/3 b",
                                         "*",
                                         "subject:\"OR -x\"",
                                         "filename:*.pdf",
                                         "encrypted:pgp"};
    guint kind = level == 0 ? 0 : (guint)g_random_int_range(0, 6);

    switch (kind) {
    case 1:
        g_string_append(text, g_random_boolean() ? "-" : "NOT ");
        append_random_query(text, level - 1);
        return;
    case 2:
    case 3:
    case 4:
        g_string_append_c(text, '(');
        append_random_query(text, level - 1);
        g_string_append(text, kind == 2 ? " OR " : kind == 3 ? " AND " : " ");
        append_random_query(text, level - 1);
        g_string_append_c(text, ')');
        return;
    default:
        g_string_append(text, leaves[g_random_int_range(0, G_N_ELEMENTS(leaves))]);
    }
}

static void any_query_written_again_is_the_same_tree(void **state)
{
    g_random_set_seed(5);
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(SearchQuery) query = NULL;
        g_autofree char *written = NULL;

        append_random_query(text, 6);
        query = query_parse(text->str);
        written = search_query_format(query);
        assert_canonical(text->str, written);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_construct_has_a_canonical_text),
        cmocka_unit_test(dates_become_ranges_of_seconds),
        cmocka_unit_test(words_are_those_of_mail),
        cmocka_unit_test(fields_are_masks),
        cmocka_unit_test(a_query_is_explained_in_words),
        cmocka_unit_test(any_query_written_again_is_the_same_tree),
    };

    return run_crypto_tests(tests);
}
