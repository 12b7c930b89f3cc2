/* One helper process and the socket to it. Private to the pool.
 *
 * Every wait ends at a deadline of g_get_monotonic_time(). Threads: one user.
 */
#pragma once

#include "ingest/extract/protocol.h"

typedef struct IngestHelper IngestHelper;

typedef enum {
    INGEST_HELPER_GOOD,
    INGEST_HELPER_TIMED_OUT,
    INGEST_HELPER_BROKEN,     /* it ended, or said what the protocol does not allow */
    INGEST_HELPER_NO_SANDBOX, /* of start: it refused to run without */
} IngestHelperState;

/* NULL: *ret_state says why. It is ready when this returns. */
IngestHelper *ingest_helper_start(const char *program, gint64 deadline_us,
                                  IngestHelperState *ret_state);
/* Kills it, if it still runs. */
void ingest_helper_stop(IngestHelper *helper);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestHelper, ingest_helper_stop)

/* Waits for its next document, as far as can be seen. */
gboolean ingest_helper_is_idle(const IngestHelper *helper);
guint ingest_helper_document_count(const IngestHelper *helper);

/* Sets *ret_outcome when GOOD; after anything else the helper can only be stopped. */
IngestHelperState ingest_helper_exchange(IngestHelper *helper, const IngestDocument *document,
                                         gint64 deadline_us, IngestTextSink sink,
                                         gpointer sink_user, IngestExtractOutcome *ret_outcome);
