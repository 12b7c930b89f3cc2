#include "restore/dates.h"

#include "vault/act/request_file.h"
#include "vault/act/text_file.h"

/* Does the text begin with digits and signs like "dddd-dd-dd", as far as the pattern goes? */
static gboolean has_shape(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++) {
        if (*pattern == 'd' ? !g_ascii_isdigit(*text) : *text != *pattern)
            return FALSE;
    }
    return TRUE;
}

static GDateTime *parse_month(const char *text)
{
    return g_date_time_new_utc(atoi(text), atoi(text + 5), 1, 0, 0, 0);
}

static GDateTime *parse_day(const char *text)
{
    return g_date_time_new_utc(atoi(text), atoi(text + 5), atoi(text + 8), 0, 0, 0);
}

/* RFC 3339 allows a space and small letters; GLib wants them large and a T. */
static GDateTime *parse_time(const char *text)
{
    g_autofree char *upper = g_ascii_strup(text, -1);
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();

    if (!has_shape(upper + 11, "dd:dd:dd") || (upper[10] != 'T' && upper[10] != ' '))
        return NULL;
    upper[10] = 'T';
    return g_date_time_new_from_iso8601(upper, utc);
}

static GDateTime *parse(const char *text, RestoreDateEdge edge)
{
    gsize len = strlen(text);
    g_autoptr(GDateTime) start = NULL;

    if (len == 7 && has_shape(text, "dddd-dd")) {
        start = parse_month(text);
        return start != NULL && edge == RESTORE_DATE_TO ? g_date_time_add_months(start, 1)
                                                        : g_steal_pointer(&start);
    }
    if (len == 10 && has_shape(text, "dddd-dd-dd")) {
        start = parse_day(text);
        return start != NULL && edge == RESTORE_DATE_TO ? g_date_time_add_days(start, 1)
                                                        : g_steal_pointer(&start);
    }
    return len >= 19 && has_shape(text, "dddd-dd-dd") ? parse_time(text) : NULL;
}

gboolean restore_date_parse(const char *option, const char *text, RestoreDateEdge edge,
                            guint64 *ret_s, GError **error)
{
    g_autoptr(GDateTime) time = parse(text, edge);

    if (time != NULL && g_date_time_to_unix(time) >= 0 &&
        (guint64)g_date_time_to_unix(time) < VAULT_TEXT_TIME_END_S) {
        *ret_s = (guint64)g_date_time_to_unix(time);
        return TRUE;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s: \"%s\" is not a date between 1970 and 9999; write 2026-11, 2026-11-24 or "
                "2026-11-24T09:30:00Z",
                option, text);
    return FALSE;
}

gboolean restore_period_parse(const char *from, const char *to, guint64 *ret_from_s,
                              guint64 *ret_to_s, GError **error)
{
    *ret_from_s = 0;
    *ret_to_s = VAULT_TEXT_TIME_END_S - 1;
    if ((from != NULL &&
         !restore_date_parse("--from", from, RESTORE_DATE_FROM, ret_from_s, error)) ||
        (to != NULL && !restore_date_parse("--to", to, RESTORE_DATE_TO, ret_to_s, error)))
        return FALSE;
    if (*ret_from_s < *ret_to_s)
        return TRUE;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "the period is empty: --from is not before --to");
    return FALSE;
}

char *restore_date_text(guint64 time_s)
{
    g_autofree char *text = vault_text_time(MIN(time_s, VAULT_TEXT_TIME_END_S - 1));

    text[10] = ' ';
    text[19] = '\0';
    return g_strconcat(text, " UTC", NULL);
}

char *restore_end_text(guint64 end_s, const char *none)
{
    return end_s == VAULT_REQUEST_NO_END_S ? g_strdup(none) : restore_date_text(end_s);
}

guint64 restore_end_or_zero(guint64 end_s)
{
    return end_s == VAULT_REQUEST_NO_END_S ? 0 : end_s;
}
