/* A tree as a query, and in words. */
#include "search/query_internal.h"

#include <string.h>

/* ---- canonical text -------------------------------------------------------------------------- */

static void format_node(GString *text, const SearchNode *node);

static void format_joined(GString *text, const SearchNode *node, const char *between)
{
    for (guint i = 0; i < node->children->len; i++) {
        const SearchNode *child = node->children->pdata[i];
        gboolean is_group = node->kind == SEARCH_NODE_AND && child->kind == SEARCH_NODE_OR &&
                            search_any_mark_text(child) == NULL;

        g_string_append(text, i == 0 ? "" : between);
        g_string_append(text, is_group ? "(" : "");
        format_node(text, child);
        g_string_append(text, is_group ? ")" : "");
    }
}

static void format_not(GString *text, const SearchNode *child)
{
    gboolean is_group = child->children != NULL && child->kind != SEARCH_NODE_NOT &&
                        search_any_mark_text(child) == NULL;

    g_string_append(text, is_group ? "-(" : "-");
    format_node(text, child);
    g_string_append(text, is_group ? ")" : "");
}

static void format_near(GString *text, const SearchNode *node)
{
    format_node(text, node->children->pdata[0]);
    g_string_append_printf(text, " NEAR/%u ", node->distance);
    format_node(text, node->children->pdata[1]);
}

static void format_marks(GString *text, guint32 marks)
{
    const char *between = "";

    for (guint32 bit = 1; bit != 0; bit <<= 1) {
        if ((marks & bit) == 0 || search_mark_text(bit) == NULL)
            continue;
        g_string_append_printf(text, "%s%s", between, search_mark_text(bit));
        between = " ";
    }
}

/* What would end a value must stand in quotes. */
static void format_value(GString *text, const char *name, const char *value)
{
    gboolean is_bare = TRUE;

    for (const char *at = value; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar letter = g_utf8_get_char(at);

        is_bare = is_bare && !g_unichar_isspace(letter) && letter != '(' && letter != ')' &&
                  !(letter >= 0x201C && letter <= 0x201E);
    }
    g_string_append_printf(text, is_bare ? "%s:%s" : "%s:\"%s\"", name, value);
}

static void format_node(GString *text, const SearchNode *node)
{
    g_autofree char *range = NULL;

    switch (node->kind) {
    case SEARCH_NODE_ALL:
        g_string_append_c(text, '*');
        return;
    case SEARCH_NODE_AND:
        format_joined(text, node, " ");
        return;
    case SEARCH_NODE_OR:
        if (search_any_mark_text(node) != NULL)
            g_string_append(text, search_any_mark_text(node));
        else
            format_joined(text, node, " OR ");
        return;
    case SEARCH_NODE_NOT:
        format_not(text, node->children->pdata[0]);
        return;
    case SEARCH_NODE_WORDS:
        g_string_append(text, search_field_prefix(node->fields));
        g_string_append(text, node->text);
        return;
    case SEARCH_NODE_NEAR:
        format_near(text, node);
        return;
    case SEARCH_NODE_DATE:
        range = search_date_text(node->from, node->to);
        g_string_append(text, range);
        return;
    case SEARCH_NODE_SIZE:
        range = search_size_text(node->from, node->to);
        g_string_append(text, range);
        return;
    case SEARCH_NODE_MARKS:
        format_marks(text, node->marks);
        return;
    case SEARCH_NODE_MAILBOX:
        format_value(text, "mailbox", node->text);
        return;
    case SEARCH_NODE_ID:
        format_value(text, "id", node->text == NULL ? VAULT_ID_TEXT(node->id) : node->text);
        return;
    }
    g_assert_not_reached();
}

char *search_query_format(const SearchQuery *query)
{
    GString *text = g_string_new(NULL);

    format_node(text, query->root);
    return g_string_free(text, FALSE);
}

/* ---- in words -------------------------------------------------------------------------------- */

static void explain_node(GString *text, const SearchNode *node, guint level);

static void indent(GString *text, guint level)
{
    for (guint i = 0; i < level; i++)
        g_string_append(text, "  ");
}

static void explain_word(GString *text, const SearchWord *word)
{
    const char *exact = word->text + strlen(word->text) + 1;

    switch (word->match) {
    case SEARCH_WORD_FOLDED:
        g_string_append_printf(text, "\"%s\"", word->text);
        return;
    case SEARCH_WORD_EXACT:
        g_string_append_printf(text, "\"%.*s\" (with just these marks)",
                               (int)(word->len - strlen(word->text) - 1), exact);
        return;
    case SEARCH_WORD_PREFIX:
        g_string_append_printf(text, "what begins with \"%s\"", word->text);
        return;
    }
    g_assert_not_reached();
}

static void explain_words(GString *text, const SearchNode *node)
{
    const char *place = search_field_prefix(node->fields);

    g_string_append(text, *place == '\0' ? "anywhere:" : place);
    if (node->words->len > 1)
        g_string_append(text, " side by side,");
    for (guint i = 0; i < node->words->len; i++) {
        g_string_append_c(text, ' ');
        explain_word(text, &g_array_index(node->words, SearchWord, i));
    }
    g_string_append_c(text, '\n');
}

static void explain_children(GString *text, const SearchNode *node, const char *head, guint level)
{
    g_string_append_printf(text, "%s\n", head);
    for (guint i = 0; i < node->children->len; i++)
        explain_node(text, node->children->pdata[i], level + 1);
}

static void explain_near(GString *text, const SearchNode *node, guint level)
{
    g_autofree char *head = g_strdup_printf("with at most %u word%s between them", node->distance,
                                            node->distance == 1 ? "" : "s");

    explain_children(text, node, head, level);
}

static char *day_time(gint64 time_s)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
    g_autofree char *rest = g_date_time_format(time, "-%m-%d %H:%M:%S UTC");

    return g_strdup_printf("%04d%s", g_date_time_get_year(time), rest);
}

static void explain_dates(GString *text, const SearchNode *node)
{
    g_autofree char *from = node->from == G_MININT64 ? NULL : day_time(node->from);
    g_autofree char *last = node->to == G_MAXINT64 ? NULL : day_time(node->to - 1);

    g_string_append(text, "sent");
    if (from != NULL)
        g_string_append_printf(text, " from %s on", from);
    if (last != NULL)
        g_string_append_printf(text, " up to %s", last);
    g_string_append_c(text, '\n');
}

static void explain_sizes(GString *text, const SearchNode *node)
{
    g_string_append_printf(text, "%" G_GINT64_FORMAT " bytes or more", node->from);
    if (node->to != G_MAXINT64)
        g_string_append_printf(text, ", %" G_GINT64_FORMAT " at most", node->to - 1);
    g_string_append_c(text, '\n');
}

static void explain_node(GString *text, const SearchNode *node, guint level)
{
    indent(text, level);
    switch (node->kind) {
    case SEARCH_NODE_ALL:
        g_string_append(text, "every message\n");
        return;
    case SEARCH_NODE_AND:
        explain_children(text, node, "all of", level);
        return;
    case SEARCH_NODE_OR:
        explain_children(text, node, "any of", level);
        return;
    case SEARCH_NODE_NOT:
        explain_children(text, node, "not", level);
        return;
    case SEARCH_NODE_WORDS:
        explain_words(text, node);
        return;
    case SEARCH_NODE_NEAR:
        explain_near(text, node, level);
        return;
    case SEARCH_NODE_DATE:
        explain_dates(text, node);
        return;
    case SEARCH_NODE_SIZE:
        explain_sizes(text, node);
        return;
    case SEARCH_NODE_MARKS:
        format_marks(text, node->marks);
        g_string_append_c(text, '\n');
        return;
    case SEARCH_NODE_MAILBOX:
        g_string_append_printf(text, "in the mailbox %s\n", node->text);
        return;
    case SEARCH_NODE_ID:
        g_string_append_printf(text, node->text == NULL ? "archive id %s\n" : "Message-ID %s\n",
                               node->text == NULL ? VAULT_ID_TEXT(node->id) : node->text);
        return;
    }
    g_assert_not_reached();
}

char *search_query_explain(const SearchQuery *query)
{
    GString *text = g_string_new(NULL);

    explain_node(text, query->root, 0);
    return g_string_free(text, FALSE);
}
