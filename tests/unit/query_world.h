/* Queries for tests: parsed, compared as trees, and mistakes. */
#pragma once

#include "tests/unit/crypto_world.h"

#include "search/query.h"

#define QUERY_NOW_S 1764115200 /* 2025-11-26T00:00:00Z */

static inline SearchQuery *query_parse(const char *text)
{
    g_auto(SearchQueryError) mistake = {0};
    SearchQuery *query = search_query_parse(text, strlen(text), QUERY_NOW_S, &mistake);

    if (query == NULL)
        fail_msg("%s: %s", text, mistake.message);
    return query;
}

static inline gboolean words_are_equal(const GArray *a, const GArray *b)
{
    gboolean is_equal = (a == NULL) == (b == NULL) && (a == NULL || a->len == b->len);

    for (guint i = 0; is_equal && a != NULL && i < a->len; i++) {
        const SearchWord *x = &g_array_index(a, SearchWord, i);
        const SearchWord *y = &g_array_index(b, SearchWord, i);

        is_equal =
            x->match == y->match && x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
    }
    return is_equal;
}

static inline gboolean nodes_are_equal(const SearchNode *a, const SearchNode *b)
{
    guint count = a->children == NULL ? 0 : a->children->len;

    if (a->kind != b->kind || count != (b->children == NULL ? 0 : b->children->len) ||
        a->fields != b->fields || a->distance != b->distance || a->from != b->from ||
        a->to != b->to || a->marks != b->marks || g_strcmp0(a->text, b->text) != 0 ||
        !VAULT_ID_EQUAL(a->id, b->id) || !words_are_equal(a->words, b->words))
        return FALSE;
    for (guint i = 0; i < count; i++) {
        if (!nodes_are_equal(a->children->pdata[i], b->children->pdata[i]))
            return FALSE;
    }
    return TRUE;
}
