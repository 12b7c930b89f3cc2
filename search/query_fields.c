/* The names of the fields, and the fields with few values. */
#include "search/query_internal.h"

#include <string.h>

#define FIELD(name) (1u << INGEST_FIELD_##name)
#define ANYWHERE (((1u << INGEST_FIELD_COUNT) - 1) & ~1u)
/* So many letters may be wrong in a name that is still recognised. */
#define MISTAKES_MAX 2
#define NAME_LEN_MAX 16

static const SearchField fields[] = {
    {"from", search_words_make, FIELD(FROM)},
    {"to", search_words_make, FIELD(TO) | FIELD(CC) | FIELD(BCC)},
    {"cc", search_words_make, FIELD(CC)},
    {"bcc", search_words_make, FIELD(BCC)},
    {"subject", search_words_make, FIELD(SUBJECT)},
    {"body", search_words_make, FIELD(BODY)},
    {"attachment", search_words_make, FIELD(ATTACHMENT)},
    {"filename", search_words_make, FIELD(FILENAME)},
    {"list", search_words_make, FIELD(LIST)},
    {"has", search_marks_make, 0},
    {"is", search_marks_make, 0},
    {"encrypted", search_marks_make, 0},
    {"signed", search_marks_make, 0},
    {"date", search_date_make, 0},
    {"before", search_date_make, 0},
    {"after", search_date_make, 0},
    {"newer_than", search_date_make, 0},
    {"older_than", search_date_make, 0},
    {"size", search_size_make, 0},
    {"larger", search_size_make, 0},
    {"smaller", search_size_make, 0},
    {"mailbox", search_mailbox_make, 0},
    {"id", search_id_make, 0},
};
static const SearchField anywhere = {"", search_words_make, ANYWHERE};

const SearchField *search_field_find(const char *name, gsize len)
{
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (strlen(fields[i].name) == len && g_ascii_strncasecmp(fields[i].name, name, len) == 0)
            return &fields[i];
    }
    return NULL;
}

const SearchField *search_field_anywhere(void)
{
    return &anywhere;
}

const char *search_field_prefix(guint32 mask)
{
    static const char *const prefixes[] = {
        "from:", "to:", "cc:", "bcc:", "subject:", "body:", "attachment:", "filename:", "list:"};

    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (fields[i].fields == mask)
            return prefixes[i];
    }
    return "";
}

/* Damerau's distance, bounded by the length of names. */
static guint distance(const char *a, gsize a_len, const char *b, gsize b_len)
{
    guint table[NAME_LEN_MAX + 1][NAME_LEN_MAX + 1];

    for (guint i = 0; i <= a_len; i++) {
        for (guint j = 0; j <= b_len; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            table[i][j] =
                MIN(MIN(table[i - 1][j], table[i][j - 1]) + 1,
                    table[i - 1][j - 1] + (g_ascii_tolower(a[i - 1]) != b[j - 1] ? 1 : 0));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                table[i][j] = MIN(table[i][j], table[i - 2][j - 2] + 1);
        }
    }
    return table[a_len][b_len];
}

const char *search_field_near(const char *name, gsize len)
{
    const char *nearest = NULL;
    guint least = MISTAKES_MAX + 1;

    for (gsize i = 0; len <= NAME_LEN_MAX && i < G_N_ELEMENTS(fields); i++) {
        guint mistakes = distance(name, len, fields[i].name, strlen(fields[i].name));

        if (mistakes < least && mistakes < len) {
            least = mistakes;
            nearest = fields[i].name;
        }
    }
    return nearest;
}

/* ---- marks ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *value;
    guint32 any_of[2]; /* 0 = none */
} marks[] = {
    {"has", "attachment", {INGEST_MARK_ATTACHMENT, 0}},
    {"is", "truncated", {INGEST_MARK_TRUNCATED, 0}},
    {"is", "unsearchable", {INGEST_MARK_UNSEARCHABLE, 0}},
    {"is", "incomplete", {INGEST_MARK_INCOMPLETE, 0}},
    {"encrypted", "smime", {INGEST_MARK_SMIME_ENCRYPTED, 0}},
    {"encrypted", "pgp", {INGEST_MARK_PGP_ENCRYPTED, 0}},
    {"signed", "smime", {INGEST_MARK_SMIME_SIGNED, 0}},
    {"signed", "pgp", {INGEST_MARK_PGP_SIGNED, 0}},
    {"is", "encrypted", {INGEST_MARK_SMIME_ENCRYPTED, INGEST_MARK_PGP_ENCRYPTED}},
    {"is", "signed", {INGEST_MARK_SMIME_SIGNED, INGEST_MARK_PGP_SIGNED}},
};
static const char *const mark_texts[] = {
    "has:attachment", "is:truncated", "is:unsearchable", "is:incomplete", "encrypted:smime",
    "encrypted:pgp",  "signed:smime", "signed:pgp",      "is:encrypted",  "is:signed"};
G_STATIC_ASSERT(G_N_ELEMENTS(marks) == G_N_ELEMENTS(mark_texts));

const char *search_mark_text(guint32 mask)
{
    for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (marks[i].any_of[0] == mask && marks[i].any_of[1] == 0)
            return mark_texts[i];
    }
    return NULL;
}

static gboolean is_mark(const SearchNode *node, guint32 mask)
{
    return node->kind == SEARCH_NODE_MARKS && node->marks == mask;
}

const char *search_any_mark_text(const SearchNode *node)
{
    if (node->kind != SEARCH_NODE_OR || node->children->len != 2)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (marks[i].any_of[1] != 0 && is_mark(node->children->pdata[0], marks[i].any_of[0]) &&
            is_mark(node->children->pdata[1], marks[i].any_of[1]))
            return mark_texts[i];
    }
    return NULL;
}

static SearchNode *mark_node(guint32 mask)
{
    SearchNode *node = search_node_new(SEARCH_NODE_MARKS);

    node->marks = mask;
    return node;
}

static SearchNode *any_of(const guint32 *masks)
{
    SearchNode *either;

    if (masks[1] == 0)
        return mark_node(masks[0]);
    either = search_node_new(SEARCH_NODE_OR);
    either->children = g_ptr_array_new_with_free_func((GDestroyNotify)search_node_free);
    g_ptr_array_add(either->children, mark_node(masks[0]));
    g_ptr_array_add(either->children, mark_node(masks[1]));
    return either;
}

static char *values_of(const char *name)
{
    g_autoptr(GString) values = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (g_str_equal(marks[i].name, name))
            g_string_append_printf(values, "%s%s", values->len == 0 ? "" : ", ", marks[i].value);
    }
    return g_strdup_printf("%s: has one of these values: %s", name, values->str);
}

SearchNode *search_marks_make(const SearchField *field, const SearchValue *value,
                              char **ret_mistake)
{
    for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (g_str_equal(marks[i].name, field->name) && strlen(marks[i].value) == value->len &&
            g_ascii_strncasecmp(marks[i].value, value->text, value->len) == 0)
            return any_of(marks[i].any_of);
    }
    *ret_mistake = values_of(field->name);
    return NULL;
}

/* ---- mailbox and id -------------------------------------------------------------------------- */

static gboolean is_id(const char *text)
{
    RecordId id;

    return strlen(text) == 2 * VAULT_ID_LEN && vault_id_parse(text, id.bytes, NULL);
}

SearchNode *search_mailbox_make(const SearchField *field, const SearchValue *value,
                                char **ret_mistake)
{
    g_autofree char *name = g_utf8_strdown(value->text, (gssize)value->len);
    const char *at = strrchr(name, '@');
    const char *star = strrchr(name, '*');
    SearchNode *node;

    if ((at != NULL && at > name && at[1] != '\0' &&
         (star == NULL || (star == name && at == name + 1))) ||
        g_str_equal(name, "unassigned") || is_id(name)) {
        node = search_node_new(SEARCH_NODE_MAILBOX);
        node->text = g_steal_pointer(&name);
        return node;
    }
    *ret_mistake = g_strdup_printf("%s: expects an address, *@domain or unassigned", field->name);
    return NULL;
}

/* Angle brackets of a Message-ID are no part of it. */
static char *without_brackets(const SearchValue *value)
{
    if (value->len >= 2 && value->text[0] == '<' && value->text[value->len - 1] == '>')
        return g_strndup(value->text + 1, value->len - 2);
    return g_strndup(value->text, value->len);
}

SearchNode *search_id_make(const SearchField *field, const SearchValue *value, char **ret_mistake)
{
    g_autoptr(SearchNode) node = search_node_new(SEARCH_NODE_ID);

    node->text = without_brackets(value);
    if (*node->text == '\0' || g_str_has_prefix(node->text, "<") ||
        g_str_has_suffix(node->text, ">") || strpbrk(node->text, " ") != NULL) {
        *ret_mistake = g_strdup_printf("%s: expects an archive id or a Message-ID", field->name);
        return NULL;
    }
    if (is_id(node->text)) {
        (void)vault_id_parse(node->text, node->id.bytes, NULL);
        g_clear_pointer(&node->text, g_free);
    }
    return g_steal_pointer(&node);
}
