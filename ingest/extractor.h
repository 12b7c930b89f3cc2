/* Text out of attached documents, as an interface: ingest neither starts processes nor knows
 * clocks, so archived and import give it an extractor (ingest/extract/pool.h).
 *
 * Threads: extract() may be called by many threads at once; it waits for a free helper no longer
 * than its own time limit.
 */
#pragma once

#include <glib.h>

typedef enum {
    INGEST_EXTRACT_TEXT,      /* all the text that there is, perhaps none */
    INGEST_EXTRACT_CUT,       /* text_len_max or another limit was reached: some of the text */
    INGEST_EXTRACT_ENCRYPTED, /* a password would be needed */
    INGEST_EXTRACT_UNKNOWN,   /* no document: pictures, sounds, programs */
    INGEST_EXTRACT_UNREAD,    /* a document in a format that is not read: Word before 2007, .msg */
    INGEST_EXTRACT_MALFORMED, /* of a known format, and broken; what came out counts */
    INGEST_EXTRACT_FAILED,    /* crash, time-out, no helper to be had; what came out counts */
} IngestExtractOutcome;

typedef struct {
    const void *bytes; /* the attachment, decoded */
    gsize len;
    const char *content_type; /* "application/pdf"; what the mail claims */
    const char *filename;     /* or NULL; what the mail claims */
    guint64 text_len_max;
    /* In, out: how long the documents of this message took so far; the extractor adds to it, and
     * fails at once when it is too much. NULL: this one is the only one. */
    guint64 *taken_us;
} IngestDocument;

/* Called with each piece of text, UTF-8; words do not span two calls with a NULL between them. */
typedef void (*IngestTextSink)(gpointer user, const char *text, gsize len);

typedef struct IngestExtractor IngestExtractor;
struct IngestExtractor {
    /* `sink` is called only while this runs. Names of members of an archive are text too. */
    IngestExtractOutcome (*extract)(IngestExtractor *self, const IngestDocument *document,
                                    IngestTextSink sink, gpointer sink_user);
    gpointer user;
};
