/* Records fetched before they are asked for: what was released will be read next, in that order.
 *
 * Requests for them go out without waiting for answers, so that distance costs time once and not
 * for every record. What is under way or lies here is bounded by REMOTE_AHEAD_LEN_MAX; what nobody
 * fetches (a copy that did not open names no body) is dropped after a while. A record shared by
 * several copies comes once. Threads: safe. Errors: of restore/remote_link.h.
 */
#pragma once

#include "restore/remote_link.h"

#define REMOTE_AHEAD_LEN_MAX (16u << 20)
/* Planned records after which an older one that nobody took is dropped. */
#define REMOTE_AHEAD_AGE_MAX 16384

typedef struct RemoteAhead RemoteAhead;
/* The link is borrowed and must be ended before this is freed: it calls back. */
RemoteAhead *remote_ahead_new(RemoteLink *link);
void remote_ahead_free(RemoteAhead *ahead);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RemoteAhead, remote_ahead_free)

/* A record, of this length as far as is known; one over SERVE_READ_LEN_MAX is left to others. */
void remote_ahead_plan(RemoteAhead *ahead, const RecordId *record_id, guint64 len);
/* Sends what there is room for: after planning. */
void remote_ahead_start(RemoteAhead *ahead);
/* The answer's payload, for the caller to check; waits when it is under way. NULL without an error:
 * this record does not come ahead. NULL with the error: it could not be had. */
GBytes *remote_ahead_take(RemoteAhead *ahead, const RecordId *record_id, GError **error);
