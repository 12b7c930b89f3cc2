/* What is no query: the place of the mistake, and what was expected there. */
#include "tests/unit/query_world.h"

static void assert_shown(const char *text, const char *shown)
{
    g_auto(SearchQueryError) mistake = {0};
    g_autoptr(SearchQuery) query = search_query_parse(text, strlen(text), QUERY_NOW_S, &mistake);
    g_autofree char *lines = NULL;

    assert_null(query);
    assert_true(mistake.offset <= mistake.end && mistake.end <= strlen(text));
    lines = search_query_error_show(&mistake, text, strlen(text));
    assert_string_equal(lines, shown);
}

static const char *const mistakes[][2] = {
    {"", "\n^\nexpected something to look for here (* is every message)"},
    {"a OR", "a OR\n    ^\nexpected something to look for here (* is every message)"},
    {"a NEAR/2", "a NEAR/2\n        ^\nexpected something to look for here (* is every message)"},
    {"a ()", "a ()\n   ^\nexpected something to look for before this parenthesis"},
    {"OR a", "OR a\n^^\nexpected something to look for before this (in quotes it is a word)"},
    {"a AND AND b", "a AND AND b\n      ^^^\nexpected something to look for before this (in "
                    "quotes it is a word)"},
    {"NEAR/2 a", "NEAR/2 a\n^^^^^^\nexpected something to look for before this (in quotes it "
                 "is a word)"},
    {"a)", "a)\n ^\nno parenthesis was opened"},
    {"a (b", "a (b\n  ^\nthis parenthesis is not closed"},
    {"a \"b c", "a \"b c\n  ^\nthis quote is not closed"},
    {"a ”", "a ”\n  ^\nno quote was opened"},
    {"form:bob", "form:bob\n^^^^\nthere is no field form: (was from: meant?); in quotes it is "
                 "text"},
    {"zzzzz:bob", "zzzzz:bob\n^^^^^\nthere is no field zzzzz:; in quotes it is text"},
    {"subject:(a from:b)", "subject:(a from:b)\n           ^^^^\na field within the group of "
                           "subject: put it outside the parentheses, or in quotes as text"},
    {"from: bob", "from: bob\n     ^\nexpected a value right behind from:"},
    {"a - b", "a - b\n  ^\nexpected right behind - what must not be there (in quotes it is "
              "text)"},
    {"a !!", "a !!\n  ^^\nthere is no word in this: a word has letters or digits"},
    {"\"\"", "\"\"\n ^\nthere is no word in this: a word has letters or digits"},
    {"*a", "*a\n^^\na word may end with *, which stands for any letters; * stands nowhere else "
           "(but in filename:*.pdf)"},
    {"subject:*.pdf", "subject:*.pdf\n        ^^^^^\na word may end with *, which stands for any "
                      "letters; * stands nowhere else (but in filename:*.pdf)"},
    {"is:read", "is:read\n   ^^^^\nis: has one of these values: truncated, unsearchable, "
                "incomplete, encrypted, signed"},
    {"has:star", "has:star\n    ^^^^\nhas: has one of these values: attachment"},
    {"signed:x", "signed:x\n       ^\nsigned: has one of these values: smime, pgp"},
    {"encrypted:x", "encrypted:x\n          ^\nencrypted: has one of these values: smime, pgp"},
    {"mailbox:bob", "mailbox:bob\n        ^^^\nmailbox: expects an address, *@domain or "
                    "unassigned"},
    {"mailbox:b*@x", "mailbox:b*@x\n        ^^^^\nmailbox: expects an address, *@domain or "
                     "unassigned"},
    {"id:<>", "id:<>\n   ^^\nid: expects an archive id or a Message-ID"},
    {"id:\"a b\"", "id:\"a b\"\n    ^^^\nid: expects an archive id or a Message-ID"},
    {"size:5M", "size:5M\n     ^^\nsize: expects a bound or a range, such as >5M, <100k or "
                "1M..2M"},
    {"larger:x", "larger:x\n       ^\nlarger: expects a size such as 5M or 100k"},
    {"size:2..1", "size:2..1\n     ^^^^\nthe range is empty: no size is in it"},
    {"size:<0", "size:<0\n     ^^\nthe range is empty: no size is in it"},
    {"date:x", "date:x\n     ^\ndate: expects a date such as 2025, 2025-03, 2025-03-31, today "
               "or 2025-03-31T12:00:00Z, or two with .."},
    {"before:2025-13", "before:2025-13\n       ^^^^^^^\nbefore: expects a date such as 2025, "
                       "2025-03, 2025-03-31, today or 2025-03-31T12:00:00Z"},
    {"date:2025..2024", "date:2025..2024\n     ^^^^^^^^^^\nthe range is empty: its end is "
                        "before its beginning"},
    {"newer_than:3", "newer_than:3\n           ^\nnewer_than: expects a number and h, d, w, m "
                     "or y, such as 30d"},
    {"older_than:123456d", "older_than:123456d\n           ^^^^^^^\nolder_than: expects a number "
                           "and h, d, w, m or y, such as 30d"},
    {"a NEAR/256 b", "a NEAR/256 b\n       ^^^\nexpected how many words may lie between: 0 to "
                     "255"},
    {"a NEAR/ b", "a NEAR/ b\n       ^\nexpected how many words may lie between: 0 to 255"},
    {"a NEAR b NEAR c", "a NEAR b NEAR c\n^^^^^^^^^^^^^^^\nNEAR joins two: put AND between two "
                        "of them"},
    {"a NEAR (b OR c)", "a NEAR (b OR c)\n^^^^^^^^^^^^^^^\nNEAR stands between words or "
                        "phrases"},
    {"a NEAR to:b", "a NEAR to:b\n^^^^^^^^^^^\nNEAR stands between words of the same field"},
    {"a \x01", "a \xEF\xBF\xBD\n  ^\na control character is no text"},
    {"a \xFF", "a \xEF\xBF\xBD\n  ^\nthis is no UTF-8 text"},
};

static void each_mistake_has_its_place(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(mistakes); i++)
        assert_shown(mistakes[i][0], mistakes[i][1]);
}

static void carets_stand_below_wide_and_combining_characters(void **state)
{
    assert_shown("日本 a)", "日本 a)\n      ^\nno parenthesis was opened");
    assert_shown("e\u0301 x)", "e\u0301 x)\n   ^\nno parenthesis was opened");
    assert_shown("x\ny)", "x y)\n   ^\nno parenthesis was opened");
    assert_shown("a date:日本", "a date:日本\n       ^^^^\ndate: expects a date such as 2025, "
                                "2025-03, 2025-03-31, today or 2025-03-31T12:00:00Z, or two with "
                                "..");
}

static void of_a_long_query_the_surroundings_are_shown(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_auto(SearchQueryError) mistake = {0};
    g_autofree char *lines = NULL;
    g_auto(GStrv) each = NULL;

    for (guint i = 0; i < 100; i++)
        g_string_append(text, "語 ");
    g_string_append(text, ") ");
    for (guint i = 0; i < 100; i++)
        g_string_append(text, "x ");
    assert_null(search_query_parse(text->str, text->len, QUERY_NOW_S, &mistake));
    lines = search_query_error_show(&mistake, text->str, text->len);
    each = g_strsplit(lines, "\n", -1);
    assert_true(g_str_has_prefix(each[0], "…語"));
    assert_true(g_str_has_suffix(each[0], "x…"));
    assert_int_equal(strlen(each[1]), 1 + 24 * 3 + 1);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static SearchQuery *parse_repeated(const char *begin, const char *middle, guint count,
                                   const char *end, SearchQueryError *mistake)
{
    g_autoptr(GString) text = g_string_new(begin);

    for (guint i = 0; i < count; i++)
        g_string_append(text, middle);
    g_string_append(text, end);
    return search_query_parse(text->str, text->len, QUERY_NOW_S, mistake);
}

static void assert_repeated(const char *begin, const char *middle, guint count, const char *end,
                            const char *message)
{
    g_auto(SearchQueryError) mistake = {0};
    g_autoptr(SearchQuery) query = parse_repeated(begin, middle, count, end, &mistake);

    if (message == NULL) {
        assert_non_null(query);
        return;
    }
    assert_null(query);
    assert_string_equal(mistake.message, message);
}

static void a_query_has_limits(void **state)
{
    static const char deep[] = "the query is nested more than 64 levels deep";

    assert_repeated("", "x", SEARCH_QUERY_LEN_MAX, "", NULL);
    assert_repeated("", "x", SEARCH_QUERY_LEN_MAX + 1, "",
                    "the query is too long: it may have 65536 bytes");
    assert_repeated("x", " x", SEARCH_QUERY_NODES_MAX - 2, "", NULL);
    assert_repeated("x", " x", SEARCH_QUERY_NODES_MAX - 1, "",
                    "the query is too long: it has more than 4096 parts");
    assert_repeated("x", " OR is:signed", SEARCH_QUERY_NODES_MAX / 3, "",
                    "the query is too long: it has more than 4096 parts");
    assert_repeated("attachment:(xxxxxxxx", " xxxxxxxx", 3500, ")",
                    "the query is too long: each field written out, it may have 65536 bytes");
    assert_repeated("", "-", SEARCH_QUERY_DEPTH_MAX - 1, "x", NULL);
    assert_repeated("", "-", SEARCH_QUERY_DEPTH_MAX, "x", deep);
    assert_repeated("", "-", 1000, "x", deep);
    assert_repeated("", "(", 1000, "x", deep);
}

static void nested_parentheses_that_say_nothing_are_no_levels(void **state)
{
    g_autofree char *closing = g_strnfill(4 * SEARCH_QUERY_DEPTH_MAX, ')');
    g_autofree char *rest = g_strconcat("x", closing, NULL);

    assert_repeated("", "(", 4 * SEARCH_QUERY_DEPTH_MAX, rest, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_has_its_place),
        cmocka_unit_test(carets_stand_below_wide_and_combining_characters),
        cmocka_unit_test(of_a_long_query_the_surroundings_are_shown),
        cmocka_unit_test(a_query_has_limits),
        cmocka_unit_test(nested_parentheses_that_say_nothing_are_no_levels),
    };

    return run_crypto_tests(tests);
}
