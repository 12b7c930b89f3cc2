#include "search/query_internal.h"

SearchNode *search_node_new(SearchNodeKind kind)
{
    SearchNode *node = g_new0(SearchNode, 1);

    node->kind = kind;
    return node;
}

void search_node_free(SearchNode *node)
{
    if (node == NULL)
        return;
    g_clear_pointer(&node->children, g_ptr_array_unref);
    g_clear_pointer(&node->words, g_array_unref);
    g_free(node->text);
    g_free(node);
}

void search_query_free(SearchQuery *query)
{
    if (query == NULL)
        return;
    search_node_free(query->root);
    g_free(query);
}
