/* Dates as they are typed: YYYY-MM, YYYY-MM-DD or RFC 3339, UTC where no offset is given.
 * Pure. Errors: G_OPTION_ERROR_BAD_VALUE (exit status "usage").
 */
#pragma once

#include <glib.h>

typedef enum {
    RESTORE_DATE_FROM, /* the first second of the month, the day, or the second itself */
    RESTORE_DATE_TO,   /* the first second after the month or day; an RFC 3339 time itself */
} RestoreDateEdge;

/* Seconds since 1970. `option` is named in the message. */
gboolean restore_date_parse(const char *option, const char *text, RestoreDateEdge edge,
                            guint64 *ret_s, GError **error);
/* Period [from, to): BAD_VALUE when it is empty. A text that is NULL is 0 or the end of time. */
gboolean restore_period_parse(const char *from, const char *to, guint64 *ret_from_s,
                              guint64 *ret_to_s, GError **error);
/* "2026-11-24 00:21:08 UTC"; new string. */
char *restore_date_text(guint64 time_s);
/* The same of an end that may be none (VAULT_REQUEST_NO_END_S), which is called `none`. */
char *restore_end_text(guint64 end_s, const char *none);
/* 0 for none: what json_text_add_time() makes null of. */
guint64 restore_end_or_zero(guint64 end_s);
