/* Hits, marked in what a list of results shows. */
#include "tests/unit/query_world.h"

#include "search/snippet.h"

static char *marked(const char *query_text, IngestField field, const char *text)
{
    g_autoptr(SearchQuery) query = query_parse(query_text);
    g_autoptr(SearchMarker) marker = search_marker_new(query);
    g_autoptr(GArray) places = search_marker_find(marker, field, text);

    return search_marked_text(text, places, "[", "]");
}

static void what_the_query_wants_is_marked(void **state)
{
    static const struct {
        const char *query, *text, *marked;
    } cases[] = {
        {"invoice", "An INVOICE, invoices", "An [INVOICE], invoices"},
        {"inv*", "An INVOICE, invoices", "An [INVOICE], [invoices]"},
        {"resume", "Résumé resume", "[Résumé] [resume]"},
        {"\"résumé\"", "Résumé resume", "[Résumé] resume"},
        {"\"b c\"", "b, c b d c", "[b, c] b d c"},
        {"\"a b\" \"b c\"", "a b c", "[a b c]"},
        {"x OR -a", "a x", "a [x]"},
        {"a NEAR/1 b", "a x b", "[a] x [b]"},
        {"subject:a", "a", "a"},
        {"a", "", ""},
        {"日本", "日本語", "[日本]語"},
        {"本語", "日本語", "日[本語]"},
        {"語", "日本語", "日本[語]"},
        {"b c d", "a b", "a [b]"},
        {"*", "a", "a"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = marked(cases[i].query, INGEST_FIELD_BODY, cases[i].text);

        assert_string_equal(text, cases[i].marked);
    }
    assert_null(marked("a", INGEST_FIELD_BODY, NULL));
}

static void only_the_field_that_is_asked_for_is_marked(void **state)
{
    g_autofree char *cc = marked("to:bob", INGEST_FIELD_CC, "bob@x.org");
    g_autofree char *from = marked("to:bob", INGEST_FIELD_FROM, "bob@x.org");

    assert_string_equal(cc, "[bob]@x.org");
    assert_string_equal(from, "bob@x.org");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_query_wants_is_marked),
        cmocka_unit_test(only_the_field_that_is_asked_for_is_marked),
    };

    return run_crypto_tests(tests);
}
