#include "restore/mail_date.h"

#include <string.h>

/* The last second of 9999. */
#define LAST_S G_GINT64_CONSTANT(253402300799)

typedef struct {
    gint64 year;
    guint month, day, hour, minute, second; /* month from 1 */
    gint zone_s;                            /* east of UTC */
    gboolean has_zone;
} MailDate;

static const char month_names[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static gboolean parse_number(const char *text, guint64 most, guint64 *ret_number)
{
    return g_ascii_string_to_unsigned(text, 10, 0, most, ret_number, NULL);
}

static gboolean parse_small(const char *text, guint most, guint *ret_number)
{
    guint64 number;

    if (!parse_number(text, most, &number))
        return FALSE;
    *ret_number = (guint)number;
    return TRUE;
}

static gboolean parse_month(const char *text, guint *ret_month)
{
    for (guint i = 0; i < G_N_ELEMENTS(month_names); i++) {
        if (g_ascii_strcasecmp(text, month_names[i]) == 0) {
            *ret_month = i + 1;
            return TRUE;
        }
    }
    return FALSE;
}

/* A leap second counts as the second before it. */
static gboolean parse_clock(const char *text, MailDate *date)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 4);
    guint count = g_strv_length(parts);

    if (count < 2 || count > 3 || !parse_small(parts[0], 23, &date->hour) ||
        !parse_small(parts[1], 59, &date->minute))
        return FALSE;
    date->second = 0;
    if (count == 3 && !parse_small(parts[2], 60, &date->second))
        return FALSE;
    date->second = MIN(date->second, 59);
    return TRUE;
}

/* "+0130" or a name; names that are not known are UTC, as RFC 5322 section 4.3 advises. */
static gboolean parse_zone(const char *text, MailDate *date)
{
    static const struct {
        const char *name;
        gint hours;
    } zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7},
                 {"MDT", -6}, {"PST", -8}, {"PDT", -7}, {"CET", 1},  {"CEST", 2}};
    guint number;

    date->has_zone = TRUE;
    date->zone_s = 0;
    if (*text == '+' || *text == '-') {
        if (strlen(text) != 5 || !parse_small(text + 1, 9999, &number) || number % 100 > 59)
            return FALSE;
        date->zone_s = (gint)(number / 100 * 3600 + number % 100 * 60) * (*text == '-' ? -1 : 1);
        return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(zones); i++) {
        if (g_ascii_strcasecmp(text, zones[i].name) == 0)
            date->zone_s = zones[i].hours * 3600;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (!g_ascii_isalpha(*at))
            return FALSE;
    }
    return *text != '\0';
}

static gboolean to_time(const MailDate *date, guint64 *ret_time_s)
{
    g_autoptr(GDateTime) moment = NULL;
    gint64 time_s;

    if (date->year < 1970 || date->year > 9999)
        return FALSE;
    moment = g_date_time_new_utc((gint)date->year, (gint)date->month, (gint)date->day,
                                 (gint)date->hour, (gint)date->minute, date->second);
    if (moment == NULL)
        return FALSE;
    time_s = g_date_time_to_unix(moment) - date->zone_s;
    /* The zone may have led out of these years again. */
    if (time_s < 0 || time_s > LAST_S)
        return FALSE;
    *ret_time_s = (guint64)time_s;
    return TRUE;
}

/* Words of a text, empty ones left out. */
static GPtrArray *split_words(const char *text)
{
    g_auto(GStrv) parts = g_strsplit_set(text, " \t\r\n", 16);
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (char **part = parts; *part != NULL; part++) {
        if (**part != '\0')
            g_ptr_array_add(words, g_strdup(*part));
    }
    return words;
}

static gboolean parse_year(const char *text, MailDate *date)
{
    guint64 year;

    if (strlen(text) != 4 || !parse_number(text, 9999, &year))
        return FALSE;
    date->year = (gint64)year;
    return TRUE;
}

gboolean mail_date_parse_postmark(const char *text, guint64 *ret_time_s)
{
    g_autoptr(GPtrArray) words = split_words(text);
    MailDate date = {0};
    guint at = 4;

    if (words->len < 5 || !parse_month(words->pdata[1], &date.month) ||
        !parse_small(words->pdata[2], 31, &date.day) || !parse_clock(words->pdata[3], &date))
        return FALSE;
    /* Up to two words of zone ("MET DST") may stand before the year. */
    while (at < words->len && at < 7 && !parse_year(words->pdata[at], &date)) {
        if (!date.has_zone && !parse_zone(words->pdata[at], &date))
            return FALSE;
        at++;
    }
    if (date.year == 0)
        return FALSE;
    if (at + 1 < words->len && !date.has_zone)
        (void)parse_zone(words->pdata[at + 1], &date);
    return to_time(&date, ret_time_s);
}

/* Two-digit and three-digit years: RFC 5322 section 4.3. */
static gboolean parse_year_rfc5322(const char *text, MailDate *date)
{
    guint64 year;
    gsize len = strlen(text);

    if (len < 2 || !parse_number(text, 9999, &year))
        return FALSE;
    if (len == 2)
        year += year < 50 ? 2000 : 1900;
    else if (len == 3)
        year += 1900;
    date->year = (gint64)year;
    return TRUE;
}

gboolean mail_date_parse_rfc5322(const char *text, guint64 *ret_time_s)
{
    const char *comma = strchr(text, ',');
    g_autoptr(GPtrArray) words = split_words(comma == NULL ? text : comma + 1);
    MailDate date = {0};
    guint at = 0;

    if (words->len > 0 && g_ascii_isalpha(((char *)words->pdata[0])[0]))
        at = 1; /* a day's name without its comma */
    if (words->len < at + 4 || !parse_small(words->pdata[at], 31, &date.day) ||
        !parse_month(words->pdata[at + 1], &date.month) ||
        !parse_year_rfc5322(words->pdata[at + 2], &date) ||
        !parse_clock(words->pdata[at + 3], &date))
        return FALSE;
    if (words->len > at + 4 && ((char *)words->pdata[at + 4])[0] != '(' &&
        !parse_zone(words->pdata[at + 4], &date))
        date.zone_s = 0;
    return to_time(&date, ret_time_s);
}
