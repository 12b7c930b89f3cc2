/* Queries: what is taken is written again as a query that means the same; what is not has a place
 * within the text. */
#include "search/query.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_mistake(const SearchQueryError *mistake, const char *text, gsize len)
{
    g_autofree char *shown = search_query_error_show(mistake, text, len);

    g_assert(mistake->message != NULL && mistake->offset <= mistake->end && mistake->end <= len);
    g_assert(g_utf8_validate(shown, -1, NULL));
}

static void check_query(const SearchQuery *query)
{
    g_auto(SearchQueryError) mistake = {.message = NULL};
    g_autofree char *written = search_query_format(query), *rewritten = NULL;
    g_autofree char *meant = search_query_explain(query), *still_meant = NULL;
    /* Another day: dates are no longer relative. */
    g_autoptr(SearchQuery) again = search_query_parse(written, strlen(written), 0, &mistake);

    g_assert(again != NULL);
    rewritten = search_query_format(again);
    still_meant = search_query_explain(again);
    g_assert(g_str_equal(written, rewritten) && g_str_equal(meant, still_meant));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = size > 0 ? (const char *)data : "";
    g_auto(SearchQueryError) mistake = {.message = NULL};
    g_autoptr(SearchQuery) query = search_query_parse(text, size, 1764115200, &mistake);

    if (query == NULL)
        check_mistake(&mistake, text, size);
    else
        check_query(query);
    return 0;
}
