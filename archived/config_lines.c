#include "archived/config_lines.h"

#include <string.h>

typedef struct {
    guint line;
    char *text;
} Mistake;

struct ArchivedMistakes {
    char *file_name;
    GPtrArray *list; /* Mistake */
};

static void mistake_free(gpointer mistake)
{
    g_free(((Mistake *)mistake)->text);
    g_free(mistake);
}

ArchivedMistakes *archived_mistakes_new(const char *file_name)
{
    ArchivedMistakes *mistakes = g_new0(ArchivedMistakes, 1);

    mistakes->file_name = g_strdup(file_name);
    mistakes->list = g_ptr_array_new_with_free_func(mistake_free);
    return mistakes;
}

void archived_mistakes_free(ArchivedMistakes *mistakes)
{
    if (mistakes == NULL)
        return;
    g_free(mistakes->file_name);
    g_ptr_array_unref(mistakes->list);
    g_free(mistakes);
}

void archived_mistakes_add(ArchivedMistakes *mistakes, guint line, const char *format, ...)
{
    Mistake *mistake = g_new(Mistake, 1);
    va_list arguments;

    va_start(arguments, format);
    *mistake = (Mistake){.line = line, .text = g_strdup_vprintf(format, arguments)};
    va_end(arguments);
    g_ptr_array_add(mistakes->list, mistake);
}

guint archived_mistakes_count(const ArchivedMistakes *mistakes)
{
    return mistakes->list->len;
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    const Mistake *first = *(const Mistake *const *)a;
    const Mistake *second = *(const Mistake *const *)b;

    return first->line < second->line ? -1 : first->line > second->line;
}

char *archived_mistakes_format(const ArchivedMistakes *mistakes)
{
    GString *text = g_string_new(NULL);

    g_ptr_array_sort(mistakes->list, compare_lines);
    for (guint i = 0; i < mistakes->list->len; i++) {
        const Mistake *mistake = mistakes->list->pdata[i];

        g_string_append_printf(text, "%s%s:", i > 0 ? "\n" : "", mistakes->file_name);
        if (mistake->line > 0)
            g_string_append_printf(text, "%u:", mistake->line);
        g_string_append_printf(text, " %s", mistake->text);
    }
    return g_string_free(text, FALSE);
}

static void entry_free(gpointer entry)
{
    ArchivedConfigEntry *gone = entry;

    g_free(gone->group);
    g_free(gone->key);
    g_free(gone->value);
    g_free(gone);
}

typedef struct {
    GPtrArray *entries;
    ArchivedMistakes *mistakes;
    char *group; /* NULL before the first group line, or after a bad one */
    gboolean is_group_bad;
    guint line, section;
} LineParser;

static void parse_group(LineParser *parser, const char *text)
{
    gsize len = strlen(text);

    g_clear_pointer(&parser->group, g_free);
    parser->section = parser->line;
    parser->is_group_bad = len < 3 || text[len - 1] != ']' || strcspn(text + 1, "[]") != len - 2;
    if (parser->is_group_bad)
        archived_mistakes_add(parser->mistakes, parser->line,
                              "this is no group line: write [lmtp], [mailboxes], [limits], "
                              "[search], [control] or [log] alone on the line");
    else
        parser->group = g_strndup(text + 1, len - 2);
}

static void note_repeated(LineParser *parser, const char *key)
{
    for (guint i = parser->entries->len; i > 0; i--) {
        const ArchivedConfigEntry *earlier = parser->entries->pdata[i - 1];

        if (earlier->section != parser->section)
            return;
        if (strcmp(earlier->key, key) == 0) {
            archived_mistakes_add(parser->mistakes, parser->line,
                                  "%s= was given on line %u already: keep one of the two", key,
                                  earlier->line);
            return;
        }
    }
}

static void parse_key(LineParser *parser, const char *text)
{
    const char *equals = strchr(text, '=');
    g_autofree char *key = NULL;
    ArchivedConfigEntry *entry;

    if (equals == NULL || equals == text) {
        archived_mistakes_add(parser->mistakes, parser->line,
                              "this line is neither [group], key=value nor a # comment");
        return;
    }
    if (parser->group == NULL) {
        if (!parser->is_group_bad)
            archived_mistakes_add(parser->mistakes, parser->line,
                                  "a key before the first group: put a line such as [lmtp] above");
        return;
    }
    if (strchr(text, '\\') != NULL) {
        archived_mistakes_add(parser->mistakes, parser->line,
                              "a backslash: this file knows no escapes, remove it");
        return;
    }
    key = g_strchomp(g_strndup(text, (gsize)(equals - text)));
    note_repeated(parser, key);
    entry = g_new(ArchivedConfigEntry, 1);
    *entry = (ArchivedConfigEntry){.group = g_strdup(parser->group),
                                   .key = g_steal_pointer(&key),
                                   .value = g_strchug(g_strdup(equals + 1)),
                                   .line = parser->line,
                                   .section = parser->section};
    g_ptr_array_add(parser->entries, entry);
}

static gboolean has_control_character(const char *text)
{
    for (; *text != '\0'; text++) {
        if (g_ascii_iscntrl(*text) && *text != '\t')
            return TRUE;
    }
    return FALSE;
}

static void parse_line(LineParser *parser, char *text)
{
    gsize len = strlen(text);

    if (len > 0 && text[len - 1] == '\r') /* edited on Windows */
        text[len - 1] = '\0';
    if (!g_utf8_validate(text, -1, NULL) || has_control_character(text)) {
        archived_mistakes_add(parser->mistakes, parser->line,
                              "characters that are not UTF-8 text: retype the line");
        return;
    }
    g_strstrip(text);
    if (*text == '\0' || *text == '#')
        return;
    if (*text == '[')
        parse_group(parser, text);
    else
        parse_key(parser, text);
}

GPtrArray *archived_config_lines_parse(const char *text, gsize len, ArchivedMistakes *mistakes)
{
    LineParser parser = {.entries = g_ptr_array_new_with_free_func(entry_free),
                         .mistakes = mistakes};
    g_autofree char *copy = NULL;
    g_auto(GStrv) lines = NULL;

    if (len == 0) /* text may be NULL then */
        return parser.entries;
    if (memchr(text, '\0', len) != NULL) {
        archived_mistakes_add(mistakes, 0, "holds NUL bytes: this is no configuration file");
        return parser.entries;
    }
    copy = g_strndup(text, len);
    lines = g_strsplit(copy, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        parser.line++;
        parse_line(&parser, *line);
    }
    g_free(parser.group);
    return parser.entries;
}
