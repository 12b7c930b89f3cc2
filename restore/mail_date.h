/* Delivery dates as mail writes them: in postmarks and in Received: fields. Pure; hostile input.
 * A date that names no zone is taken as UTC. Years 1970 to 9999; anything else is no date. Source:
 * RFC 5322 section 3.3 and 4.3; asctime(3).
 */
#pragma once

#include <glib.h>

/* "Thu Jan  1 00:00:00 1970", also without seconds, with a zone before the year or after it. */
gboolean mail_date_parse_postmark(const char *text, guint64 *ret_time_s);
/* "Thu, 1 Jan 1970 00:00:00 +0000 (comment)", the day's name and the seconds may be missing. */
gboolean mail_date_parse_rfc5322(const char *text, guint64 *ret_time_s);
