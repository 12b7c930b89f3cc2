/* The grammar of muniment-search(7), by recursive descent. */
#include "search/query_internal.h"
#include "search/query_text.h"

#include <stdarg.h>
#include <string.h>

/* Of parentheses and negations as they are typed. The canonical form of a tree of
 * SEARCH_QUERY_DEPTH_MAX levels has at most two for each level. */
#define NESTED_MAX (4 * SEARCH_QUERY_DEPTH_MAX)
#define NEAR_DISTANCE_DEFAULT 10
#define NEAR_DISTANCE_MAX 255
G_STATIC_ASSERT(NEAR_DISTANCE_MAX < INGEST_POSITION_GAP);

typedef struct {
    SearchText in;
    guint64 now_s;
    IngestWordSplitter *splitter;
    const SearchField *group; /* of a group such as subject:(a b); else words anywhere */
    guint nested, node_count;
    SearchQueryError *error;
} SearchParser;

static SearchNode *parse_or(SearchParser *parser);

static SearchNode *fail(SearchParser *parser, gsize offset, gsize end, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
static SearchNode *fail(SearchParser *parser, gsize offset, gsize end, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    parser->error->offset = offset;
    parser->error->end = end;
    g_free(parser->error->message);
    parser->error->message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static SearchNode *count_node(SearchParser *parser, SearchNode *node, gsize offset, gsize end)
{
    parser->node_count += node->kind == SEARCH_NODE_OR ? node->children->len + 1 : 1;
    if (parser->node_count <= SEARCH_QUERY_NODES_MAX)
        return node;
    search_node_free(node);
    return fail(parser, offset, end, "the query is too long: it has more than %d parts",
                SEARCH_QUERY_NODES_MAX);
}

/* Children of the same kind give theirs: (a OR b) OR c has three. */
static void adopt(GPtrArray *children, SearchNode *child, SearchNodeKind kind)
{
    if (child->kind != kind || search_any_mark_text(child) != NULL) {
        g_ptr_array_add(children, child);
        return;
    }
    g_ptr_array_extend_and_steal(children, g_steal_pointer(&child->children));
    search_node_free(child);
}

/* Takes the children over. One alone stands for itself. */
static SearchNode *join(SearchParser *parser, SearchNodeKind kind, GPtrArray *children,
                        gsize offset)
{
    SearchNode *node;

    if (children->len == 1)
        return g_ptr_array_steal_index(children, 0);
    node = search_node_new(kind);
    node->children = g_ptr_array_ref(children);
    if (++parser->node_count <= SEARCH_QUERY_NODES_MAX)
        return node;
    search_node_free(node);
    return fail(parser, offset, parser->in.at, "the query is too long: it has more than %d parts",
                SEARCH_QUERY_NODES_MAX);
}

static GPtrArray *nodes_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)search_node_free);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A query is one line: every blank becomes a space. What is not seen and turns the direction of
 * text is no part of a word; joiners (U+200C, U+200D) are. */
static char *plain_text(const char *text, gsize len)
{
    g_autoptr(GString) plain = g_string_sized_new(len);

    for (const char *at = text; at < text + len; at = g_utf8_next_char(at)) {
        gunichar letter = g_utf8_get_char(at);

        if (g_unichar_isspace(letter))
            g_string_append_c(plain, ' ');
        else if (g_unichar_type(letter) != G_UNICODE_FORMAT || letter == 0x200C || letter == 0x200D)
            g_string_append_unichar(plain, letter);
    }
    return g_string_free(g_steal_pointer(&plain), FALSE);
}

static SearchNode *make(SearchParser *parser, const SearchField *field, gsize offset, gsize end,
                        gboolean is_quoted)
{
    g_autofree char *text = plain_text(parser->in.text + offset, end - offset);
    SearchValue value = {.text = text,
                         .len = strlen(text),
                         .is_quoted = is_quoted,
                         .now_s = parser->now_s,
                         .splitter = parser->splitter};
    g_autofree char *mistake = NULL;
    SearchNode *node = field->make(field, &value, &mistake);

    return node == NULL ? fail(parser, offset, end, "%s", mistake)
                        : count_node(parser, node, offset, end);
}

/* Straight quotes end at a straight one; those of a word processor at either. */
static SearchNode *parse_quoted(SearchParser *parser, const SearchField *field)
{
    gsize begin = parser->in.at, offset = search_text_behind(&parser->in, begin), end = offset;
    gboolean is_straight = search_text_letter(&parser->in, begin) == '"';

    while (end < parser->in.len && search_text_letter(&parser->in, end) != '"' &&
           (is_straight || (search_text_letter(&parser->in, end) != 0x201D &&
                            search_text_letter(&parser->in, end) != 0x201C)))
        end = search_text_behind(&parser->in, end);
    if (end == parser->in.len)
        return fail(parser, begin, offset, "this quote is not closed");
    parser->in.at = search_text_behind(&parser->in, end);
    return make(parser, field, offset, end, TRUE);
}

static SearchNode *parse_bare(SearchParser *parser, const SearchField *field)
{
    gsize offset = parser->in.at;

    parser->in.at = search_text_end_of_bare(&parser->in, offset);
    if (field == search_field_anywhere() && parser->in.at == offset + 1 &&
        parser->in.text[offset] == '*')
        return count_node(parser, search_node_new(SEARCH_NODE_ALL), offset, parser->in.at);
    return make(parser, field, offset, parser->in.at, FALSE);
}

static gboolean enter(SearchParser *parser, gsize offset)
{
    if (parser->nested++ < NESTED_MAX)
        return TRUE;
    fail(parser, offset, offset + 1, "the query is nested more than %d levels deep",
         SEARCH_QUERY_DEPTH_MAX);
    return FALSE;
}

static SearchNode *parse_group(SearchParser *parser, const SearchField *field)
{
    gsize opening = parser->in.at++;
    const SearchField *outer = parser->group;
    g_autoptr(SearchNode) inner = NULL;

    if (!enter(parser, opening))
        return NULL;
    parser->group = field;
    inner = parse_or(parser);
    parser->group = outer;
    parser->nested--;
    if (inner == NULL)
        return NULL;
    if (search_text_letter(&parser->in, parser->in.at) != ')')
        return fail(parser, opening, opening + 1, "this parenthesis is not closed");
    parser->in.at++;
    return g_steal_pointer(&inner);
}

static SearchNode *parse_value(SearchParser *parser, const SearchField *field)
{
    gunichar letter = search_text_letter(&parser->in, parser->in.at);

    if (letter == '(')
        return parse_group(parser, field);
    return search_text_is_quote(letter) ? parse_quoted(parser, field) : parse_bare(parser, field);
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Length of a field's name before a colon; 0: there is none. What looks like a URL is text. */
static gsize field_name_len(const SearchParser *parser)
{
    gsize end = parser->in.at;

    while (end < parser->in.len &&
           (g_ascii_isalpha(parser->in.text[end]) || parser->in.text[end] == '_'))
        end++;
    return end > parser->in.at && search_text_letter(&parser->in, end) == ':' &&
                   !search_text_begins_with(&parser->in, end, "://")
               ? end - parser->in.at
               : 0;
}

static SearchNode *fail_unknown_field(SearchParser *parser, gsize name_len)
{
    const char *name = parser->in.text + parser->in.at;
    const char *near = search_field_near(name, name_len);
    g_autofree char *meant =
        near == NULL ? g_strdup("") : g_strdup_printf(" (was %s: meant?)", near);

    return fail(parser, parser->in.at, parser->in.at + name_len,
                "there is no field %.*s:%s; in quotes it is text", (int)name_len, name, meant);
}

static SearchNode *parse_field(SearchParser *parser, gsize name_len)
{
    gsize begin = parser->in.at;
    const SearchField *field = search_field_find(parser->in.text + begin, name_len);

    if (field == NULL)
        return fail_unknown_field(parser, name_len);
    if (parser->group != search_field_anywhere())
        return fail(parser, begin, begin + name_len,
                    "a field within the group of %s: put it "
                    "outside the parentheses, or in quotes as text",
                    parser->group->name);
    parser->in.at += name_len + 1;
    if (search_text_letter(&parser->in, parser->in.at) != '(' &&
        !search_text_is_quote(search_text_letter(&parser->in, parser->in.at)) &&
        search_text_end_of_bare(&parser->in, parser->in.at) == parser->in.at)
        return fail(parser, parser->in.at, parser->in.at,
                    "expected a value right behind %s:", field->name);
    return parse_value(parser, field);
}

/* ---- operators ------------------------------------------------------------------------------- */

static SearchNode *parse_primary(SearchParser *parser)
{
    gunichar letter = search_text_letter(&parser->in, parser->in.at);
    gsize name_len = field_name_len(parser);

    if (letter == 0)
        return fail(parser, parser->in.at, parser->in.at,
                    "expected something to look for here (* is every message)");
    if (letter == ')')
        return fail(parser, parser->in.at, parser->in.at + 1,
                    "expected something to look for before this parenthesis");
    if (letter == 0x201D)
        return fail(parser, parser->in.at, search_text_behind(&parser->in, parser->in.at),
                    "no quote was opened");
    if (search_text_is_operator(&parser->in))
        return fail(parser, parser->in.at, search_text_end_of_bare(&parser->in, parser->in.at),
                    "expected something to look for before this (in quotes it is a word)");
    return name_len > 0 ? parse_field(parser, name_len) : parse_value(parser, parser->group);
}

static gboolean take_distance(SearchParser *parser, guint32 *ret_distance)
{
    gsize offset = parser->in.at + 1, end;
    guint64 distance = 0;

    *ret_distance = NEAR_DISTANCE_DEFAULT;
    if (search_text_letter(&parser->in, parser->in.at) != '/')
        return TRUE;
    end = search_text_end_of_bare(&parser->in, parser->in.at);
    for (gsize i = offset; i < end && distance <= NEAR_DISTANCE_MAX; i++)
        distance = g_ascii_isdigit(parser->in.text[i])
                       ? 10 * distance + (guint64)(parser->in.text[i] - '0')
                       : NEAR_DISTANCE_MAX + 1;
    if (offset == end || distance > NEAR_DISTANCE_MAX) {
        fail(parser, offset, end, "expected how many words may lie between: 0 to %d",
             NEAR_DISTANCE_MAX);
        return FALSE;
    }
    parser->in.at = end;
    *ret_distance = (guint32)distance;
    return TRUE;
}

/* What cannot be an operand of NEAR, and why; or NULL. */
static const char *near_mistake(const SearchNode *left, const SearchNode *right)
{
    if (left->kind == SEARCH_NODE_NEAR)
        return "NEAR joins two: put AND between two of them";
    if (left->kind != SEARCH_NODE_WORDS || right->kind != SEARCH_NODE_WORDS)
        return "NEAR stands between words or phrases";
    return left->fields == right->fields ? NULL : "NEAR stands between words of the same field";
}

/* Takes `left` over. */
static SearchNode *parse_right_of_near(SearchParser *parser, SearchNode *left, gsize begin)
{
    g_autoptr(SearchNode) node = search_node_new(SEARCH_NODE_NEAR);
    SearchNode *right = NULL;
    const char *mistake;

    node->children = nodes_new();
    g_ptr_array_add(node->children, left);
    search_text_take_keyword(&parser->in, "NEAR");
    if (!take_distance(parser, &node->distance))
        return NULL;
    search_text_skip_blanks(&parser->in);
    right = parse_primary(parser);
    if (right == NULL)
        return NULL;
    g_ptr_array_add(node->children, right);
    mistake = near_mistake(left, right);
    return mistake != NULL ? fail(parser, begin, parser->in.at, "%s", mistake)
                           : count_node(parser, g_steal_pointer(&node), begin, parser->in.at);
}

static SearchNode *parse_near(SearchParser *parser)
{
    gsize begin = parser->in.at;
    SearchNode *node = parse_primary(parser);

    search_text_skip_blanks(&parser->in);
    while (node != NULL && search_text_is_keyword(&parser->in, "NEAR")) {
        node = parse_right_of_near(parser, node, begin);
        search_text_skip_blanks(&parser->in);
    }
    return node;
}

static SearchNode *parse_unary(SearchParser *parser)
{
    gsize begin = parser->in.at;
    gboolean is_minus = search_text_letter(&parser->in, begin) == '-';
    g_autoptr(SearchNode) node = NULL;
    SearchNode *child;

    if (!is_minus && !search_text_is_keyword(&parser->in, "NOT"))
        return parse_near(parser);
    parser->in.at += is_minus ? 1 : strlen("NOT");
    if (is_minus && (parser->in.at == parser->in.len ||
                     g_unichar_isspace(search_text_letter(&parser->in, parser->in.at))))
        return fail(parser, begin, begin + 1,
                    "expected right behind - what must not be there (in quotes it is text)");
    search_text_skip_blanks(&parser->in);
    child = enter(parser, begin) ? parse_unary(parser) : NULL;
    if (child == NULL)
        return NULL;
    parser->nested--;
    node = search_node_new(SEARCH_NODE_NOT);
    node->children = nodes_new();
    g_ptr_array_add(node->children, child);
    return count_node(parser, g_steal_pointer(&node), begin, parser->in.at);
}

static gboolean is_at_end_of_and(const SearchParser *parser)
{
    return parser->in.at == parser->in.len ||
           search_text_letter(&parser->in, parser->in.at) == ')' ||
           search_text_is_keyword(&parser->in, "OR");
}

static SearchNode *parse_and(SearchParser *parser)
{
    g_autoptr(GPtrArray) children = nodes_new();
    gsize begin = parser->in.at;

    do {
        SearchNode *child;

        search_text_skip_blanks(&parser->in);
        child = parse_unary(parser);
        if (child == NULL)
            return NULL;
        adopt(children, child, SEARCH_NODE_AND);
        search_text_skip_blanks(&parser->in);
    } while (search_text_take_keyword(&parser->in, "AND") || !is_at_end_of_and(parser));
    return join(parser, SEARCH_NODE_AND, children, begin);
}

static SearchNode *parse_or(SearchParser *parser)
{
    g_autoptr(GPtrArray) children = nodes_new();
    gsize begin = parser->in.at;

    do {
        SearchNode *child = parse_and(parser);

        if (child == NULL)
            return NULL;
        adopt(children, child, SEARCH_NODE_OR);
    } while (search_text_take_keyword(&parser->in, "OR"));
    return join(parser, SEARCH_NODE_OR, children, begin);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static gboolean check_text(SearchParser *parser)
{
    gsize offset, end;
    const char *mistake = search_text_mistake(&parser->in, &offset, &end);

    if (parser->in.len > SEARCH_QUERY_LEN_MAX)
        fail(parser, 0, 0, "the query is too long: it may have %d bytes", SEARCH_QUERY_LEN_MAX);
    else if (mistake != NULL)
        fail(parser, offset, end, "%s", mistake);
    return parser->error->message == NULL;
}

static guint depth_of(const SearchNode *node)
{
    guint deepest = 0;

    for (guint i = 0; node->children != NULL && i < node->children->len; i++) {
        guint depth = depth_of(node->children->pdata[i]);

        deepest = MAX(deepest, depth);
    }
    return deepest + 1;
}

static SearchNode *parse_all(SearchParser *parser)
{
    g_autoptr(SearchNode) root = NULL;

    if (!check_text(parser))
        return NULL;
    root = parse_or(parser);
    if (root == NULL)
        return NULL;
    if (parser->in.at < parser->in.len)
        return fail(parser, parser->in.at, parser->in.at + 1, "no parenthesis was opened");
    if (depth_of(root) > SEARCH_QUERY_DEPTH_MAX)
        return fail(parser, 0, parser->in.len, "the query is nested more than %d levels deep",
                    SEARCH_QUERY_DEPTH_MAX);
    return g_steal_pointer(&root);
}

SearchQuery *search_query_parse(const char *text, gsize len, guint64 now_s,
                                SearchQueryError *ret_error)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_autoptr(SearchQuery) query = g_new0(SearchQuery, 1);
    SearchParser parser = {.in = {.text = text, .len = len},
                           .now_s = now_s,
                           .splitter = splitter,
                           .group = search_field_anywhere(),
                           .error = ret_error};
    g_autofree char *canonical = NULL;

    *ret_error = (SearchQueryError){0};
    query->root = parse_all(&parser);
    if (query->root == NULL)
        return NULL;
    canonical = search_query_format(query);
    if (strlen(canonical) <= SEARCH_QUERY_LEN_MAX)
        return g_steal_pointer(&query);
    fail(&parser, 0, len, "the query is too long: each field written out, it may have %d bytes",
         SEARCH_QUERY_LEN_MAX);
    return NULL;
}
