/* Dates and sizes, as they are typed and in their one form. */
#include "search/query_internal.h"

#include <string.h>

#define YEAR_MAX 9999
/* 9999-12-31T23:59:59Z and a second; 0001-01-01T00:00:00Z. */
#define DATE_END_S G_GINT64_CONSTANT(253402300800)
#define DATE_BEGIN_S G_GINT64_CONSTANT(-62135596800)
#define DAY_S 86400
#define NUMBER_DIGITS_MAX 15
#define AGO_DIGITS_MAX 5

static const char date_forms[] =
    "a date such as 2025, 2025-03, 2025-03-31, today or 2025-03-31T12:00:00Z";

/* ---- dates ----------------------------------------------------------------------------------- */

/* As the pattern, where a d is a digit and - also stands for a slash. */
static gboolean has_shape(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++) {
        gboolean fits = *pattern == 'd'   ? g_ascii_isdigit(*text)
                        : *pattern == '-' ? *text == '-' || *text == '/'
                                          : *text == *pattern;
        if (!fits)
            return FALSE;
    }
    return TRUE;
}

static int number_at(const char *text, gsize digit_count)
{
    int number = 0;

    for (gsize i = 0; i < digit_count; i++)
        number = 10 * number + (text[i] - '0');
    return number;
}

static GDateTime *day_at(const char *text, gsize len)
{
    return g_date_time_new_utc(number_at(text, 4), len >= 7 ? number_at(text + 5, 2) : 1,
                               len >= 10 ? number_at(text + 8, 2) : 1, 0, 0, 0);
}

static GDateTime *time_at(const char *text)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();

    return g_date_time_new_from_iso8601(text, utc);
}

static GDateTime *today(guint64 now_s, int days_ago)
{
    return g_date_time_new_from_unix_utc(
        ((gint64)MIN(now_s, (guint64)DATE_END_S - 1) / DAY_S - days_ago) * DAY_S);
}

static gboolean set_range(GDateTime *from, GDateTime *to, gint64 *ret_from_s, gint64 *ret_to_s)
{
    if (from == NULL)
        return FALSE;
    *ret_from_s = g_date_time_to_unix(from);
    *ret_to_s = to == NULL ? DATE_END_S : g_date_time_to_unix(to);
    return *ret_from_s >= DATE_BEGIN_S && *ret_from_s < DATE_END_S;
}

/* The first second of what is named, and the first one behind it. */
static gboolean parse_date(const char *typed, guint64 now_s, gint64 *ret_from_s, gint64 *ret_to_s)
{
    g_autofree char *text = g_ascii_strup(typed, -1);
    gsize len = strlen(text);
    g_autoptr(GDateTime) from = NULL, to = NULL;

    if (g_str_equal(text, "TODAY"))
        from = today(now_s, 0);
    else if (g_str_equal(text, "YESTERDAY"))
        from = today(now_s, 1);
    else if ((len == 4 && has_shape(text, "dddd")) || (len == 7 && has_shape(text, "dddd-dd")) ||
             (len == 10 && has_shape(text, "dddd-dd-dd")))
        from = day_at(text, len);
    else if (len >= 19 && has_shape(text, "dddd-dd-ddTdd:dd:dd"))
        from = time_at(text);
    if (from == NULL)
        return FALSE;
    to = len == 4                         ? g_date_time_add_years(from, 1)
         : len == 7                       ? g_date_time_add_months(from, 1)
         : has_shape(text, "dddd-dd-ddT") ? g_date_time_add_seconds(from, 1)
                                          : g_date_time_add_days(from, 1);
    return set_range(from, to, ret_from_s, ret_to_s);
}

/* A..B, with either end left out, or a single date. */
static gboolean parse_date_range(const char *text, guint64 now_s, gint64 *ret_from_s,
                                 gint64 *ret_to_s)
{
    const char *dots = strstr(text, "..");
    g_autofree char *first = g_strndup(text, dots == NULL ? strlen(text) : (gsize)(dots - text));
    gint64 unused;

    if (dots == NULL)
        return parse_date(text, now_s, ret_from_s, ret_to_s);
    *ret_from_s = G_MININT64;
    *ret_to_s = G_MAXINT64;
    return (*first != '\0' || dots[2] != '\0') &&
           (*first == '\0' || parse_date(first, now_s, ret_from_s, &unused)) &&
           (dots[2] == '\0' || parse_date(dots + 2, now_s, &unused, ret_to_s));
}

/* "30d": so long before now. */
static gboolean parse_ago(const char *text, guint64 now_s, gint64 *ret_s)
{
    gsize digit_count = strspn(text, "0123456789");
    g_autoptr(GDateTime) now =
        g_date_time_new_from_unix_utc((gint64)MIN(now_s, (guint64)DATE_END_S - 1));
    g_autoptr(GDateTime) then = NULL;
    int count;

    if (digit_count == 0 || digit_count > AGO_DIGITS_MAX || text[digit_count] == '\0' ||
        text[digit_count + 1] != '\0' || strchr("hdwmy", text[digit_count]) == NULL)
        return FALSE;
    count = -number_at(text, digit_count);
    switch (text[digit_count]) {
    case 'h':
        then = g_date_time_add_hours(now, count);
        break;
    case 'd':
        then = g_date_time_add_days(now, count);
        break;
    case 'w':
        then = g_date_time_add_weeks(now, count);
        break;
    case 'm':
        then = g_date_time_add_months(now, count);
        break;
    default:
        then = g_date_time_add_years(now, count);
        break;
    }
    *ret_s = then == NULL ? DATE_BEGIN_S : g_date_time_to_unix(then);
    return TRUE;
}

static SearchNode *date_node(gint64 from_s, gint64 to_s, char **ret_mistake)
{
    SearchNode *node;

    if (from_s >= to_s) {
        *ret_mistake = g_strdup("the range is empty: its end is before its beginning");
        return NULL;
    }
    node = search_node_new(SEARCH_NODE_DATE);
    node->from = from_s;
    node->to = to_s;
    return node;
}

static SearchNode *make_ago(const char *name, const char *text, guint64 now_s, char **ret_mistake)
{
    gint64 then_s;

    if (!parse_ago(text, now_s, &then_s)) {
        *ret_mistake =
            g_strdup_printf("%s: expects a number and h, d, w, m or y, such as 30d", name);
        return NULL;
    }
    return g_str_equal(name, "newer_than") ? date_node(then_s, G_MAXINT64, ret_mistake)
                                           : date_node(G_MININT64, then_s, ret_mistake);
}

SearchNode *search_date_make(const SearchField *field, const SearchValue *value, char **ret_mistake)
{
    g_autofree char *text = g_strndup(value->text, value->len);
    gint64 from_s, to_s;

    if (g_str_has_suffix(field->name, "_than"))
        return make_ago(field->name, text, value->now_s, ret_mistake);
    if (g_str_equal(field->name, "date") && parse_date_range(text, value->now_s, &from_s, &to_s))
        return date_node(from_s, to_s, ret_mistake);
    if (!g_str_equal(field->name, "date") && parse_date(text, value->now_s, &from_s, &to_s))
        return g_str_equal(field->name, "after") ? date_node(from_s, G_MAXINT64, ret_mistake)
                                                 : date_node(G_MININT64, from_s, ret_mistake);
    *ret_mistake = g_strdup_printf("%s: expects %s%s", field->name, date_forms,
                                   g_str_equal(field->name, "date") ? ", or two with .." : "");
    return NULL;
}

static char *time_text(gint64 time_s, gboolean is_day)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
    g_autofree char *rest = g_date_time_format(time, is_day ? "-%m-%d" : "-%m-%dT%H:%M:%SZ");

    return g_strdup_printf("%04d%s", g_date_time_get_year(time), rest);
}

/* Days where both ends are midnights. Of a range the end belongs to it, as people write it. */
char *search_date_text(gint64 from_s, gint64 to_s)
{
    gboolean is_day =
        (from_s == G_MININT64 || from_s % DAY_S == 0) && (to_s == G_MAXINT64 || to_s % DAY_S == 0);
    g_autofree char *from = from_s == G_MININT64 ? g_strdup("") : time_text(from_s, is_day);
    g_autofree char *last = NULL;

    if (to_s == G_MAXINT64)
        return g_strconcat("after:", from, NULL);
    if (from_s == G_MININT64 && to_s < DATE_END_S) {
        last = time_text(to_s, is_day);
        return g_strconcat("before:", last, NULL);
    }
    last = time_text(to_s - 1, is_day);
    return is_day && g_str_equal(from, last) ? g_strconcat("date:", from, NULL)
                                             : g_strconcat("date:", from, "..", last, NULL);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* Digits and perhaps a unit; moves past them. */
static gboolean take_size(const char **at, gint64 *ret_size)
{
    static const char units[] = "kmg";
    gsize digit_count = strspn(*at, "0123456789");
    const char *unit;
    gint64 size = 0;
    guint shift = 0;

    if (digit_count == 0 || digit_count > NUMBER_DIGITS_MAX)
        return FALSE;
    for (gsize i = 0; i < digit_count; i++)
        size = 10 * size + ((*at)[i] - '0');
    *at += digit_count;
    unit = **at == '\0' ? NULL : strchr(units, g_ascii_tolower(**at));
    if (unit != NULL) {
        shift = 10 * ((guint)(unit - units) + 1);
        (*at)++;
    }
    if (g_ascii_tolower(**at) == 'b')
        (*at)++;
    if (size > G_MAXINT64 >> (shift + 1))
        return FALSE;
    *ret_size = size << shift;
    return TRUE;
}

static gboolean parse_size_bound(const char *text, gint64 *ret_from, gint64 *ret_to)
{
    const char *at = text + (text[1] == '=' ? 2 : 1);
    gint64 size;

    if (!take_size(&at, &size) || *at != '\0')
        return FALSE;
    *ret_from = *text == '<' ? 0 : size + (text[1] != '=');
    *ret_to = *text == '>' ? G_MAXINT64 : size + (text[1] == '=');
    return TRUE;
}

static gboolean parse_size_range(const char *text, gint64 *ret_from, gint64 *ret_to)
{
    const char *at = text;

    *ret_from = 0;
    *ret_to = G_MAXINT64;
    if (g_str_equal(text, ".."))
        return FALSE;
    if (*at != '.' && !take_size(&at, ret_from))
        return FALSE;
    if (!g_str_has_prefix(at, ".."))
        return FALSE;
    at += 2;
    if (*at == '\0')
        return TRUE;
    if (!take_size(&at, ret_to) || *at != '\0')
        return FALSE;
    (*ret_to)++; /* its end belongs to a range */
    return TRUE;
}

static gboolean parse_size(const char *name, const char *text, gint64 *ret_from, gint64 *ret_to)
{
    g_autofree char *bound = NULL;

    if (g_str_equal(name, "size"))
        return *text == '<' || *text == '>' ? parse_size_bound(text, ret_from, ret_to)
                                            : parse_size_range(text, ret_from, ret_to);
    bound = g_strconcat(g_str_equal(name, "larger") ? ">" : "<", text, NULL);
    return bound[1] != '=' && parse_size_bound(bound, ret_from, ret_to);
}

SearchNode *search_size_make(const SearchField *field, const SearchValue *value, char **ret_mistake)
{
    g_autofree char *text = g_strndup(value->text, value->len);
    SearchNode *node;
    gint64 from, to;

    if (!parse_size(field->name, text, &from, &to)) {
        *ret_mistake = g_strdup_printf("%s: expects %s", field->name,
                                       g_str_equal(field->name, "size")
                                           ? "a bound or a range, such as >5M, <100k or 1M..2M"
                                           : "a size such as 5M or 100k");
        return NULL;
    }
    if (from >= to) {
        *ret_mistake = g_strdup("the range is empty: no size is in it");
        return NULL;
    }
    node = search_node_new(SEARCH_NODE_SIZE);
    node->from = from;
    node->to = to;
    return node;
}

char *search_size_text(gint64 from, gint64 to)
{
    if (to == G_MAXINT64)
        return g_strdup_printf("size:>=%" G_GINT64_FORMAT, from);
    if (from == 0)
        return g_strdup_printf("size:<%" G_GINT64_FORMAT, to);
    return g_strdup_printf("size:%" G_GINT64_FORMAT "..%" G_GINT64_FORMAT, from, to - 1);
}
