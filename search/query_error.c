/* A mistake, shown under the text. */
#include "search/query_internal.h"

/* Of a long text, what is shown before and behind the mistake. */
#define SHOWN_BEFORE_MAX 48
#define SHOWN_BEHIND_MAX 24

void search_query_error_clear(SearchQueryError *error)
{
    g_clear_pointer(&error->message, g_free);
}

static guint columns_of(gunichar letter)
{
    if (!g_unichar_isprint(letter))
        return 1;
    if (g_unichar_iszerowidth(letter))
        return 0;
    return g_unichar_iswide(letter) ? 2 : 1;
}

static void append_times(GString *line, guint count, char letter)
{
    for (guint i = 0; i < count; i++)
        g_string_append_c(line, letter);
}

/* The letter at `at`, as a terminal may see it, and where the next one begins. */
static gunichar take_letter(const char *text, gsize len, gsize *at)
{
    gunichar letter = g_utf8_get_char_validated(text + *at, (gssize)(len - *at));

    if (letter == (gunichar)-1 || letter == (gunichar)-2 || text[*at] == '\0') {
        (*at)++;
        return 0xFFFD;
    }
    *at = (gsize)(g_utf8_next_char(text + *at) - text);
    if (g_unichar_isspace(letter))
        return ' ';
    return g_unichar_isprint(letter) || g_unichar_iszerowidth(letter) ? letter : 0xFFFD;
}

/* The beginning of a letter at most SHOWN_BEFORE_MAX letters before `offset`. */
static gsize first_shown(const char *text, gsize offset)
{
    gsize at = offset;

    for (guint count = 0; at > 0 && count < SHOWN_BEFORE_MAX; count++) {
        at--;
        while (at > 0 && ((guint8)text[at] & 0xC0) == 0x80)
            at--;
    }
    return at;
}

char *search_query_error_show(const SearchQueryError *error, const char *text, gsize len)
{
    g_autoptr(GString) line = g_string_new(NULL), carets = g_string_new(NULL);
    gsize at = first_shown(text, error->offset);
    guint behind_count = 0;

    if (at > 0) {
        g_string_append(line, "…");
        g_string_append_c(carets, ' ');
    }
    while (at < len && behind_count < SHOWN_BEHIND_MAX) {
        gsize begin = at;
        gunichar letter = take_letter(text, len, &at);

        g_string_append_unichar(line, letter);
        if (begin < error->offset)
            append_times(carets, columns_of(letter), ' ');
        else if (begin < error->end)
            append_times(carets, columns_of(letter), '^');
        behind_count += begin >= error->end;
    }
    if (at < len)
        g_string_append(line, "…");
    if (error->offset == error->end)
        g_string_append_c(carets, '^');
    return g_strdup_printf("%s\n%s\n%s", line->str, carets->str, error->message);
}
