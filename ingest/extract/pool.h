/* Helpers that take the text out of documents, as ingest/extractor.h wants it.
 *
 * Each helper is a process of muniment-extract in a sandbox (helper/sandbox.h), started when it is
 * needed first, used for one document at a time, and replaced after a crash, a time-out or
 * `documents_per_helper` documents. A document whose helper fails has no text, or what came before;
 * nothing else is harmed. Nothing is written to disk.
 *
 *   extract() -> a free helper, a new one, or waiting for one -> exchange -> back, or ended
 *
 * Time: a call takes `time_ms` at most, waiting included, and the documents of one message
 * INGEST_EXTRACT_MESSAGE_TIMES as long together (IngestDocument.taken_us). What is plainly a
 * picture, a sound, a film or a program is UNKNOWN without asking a helper. Threads: extract() and
 * status() any, at once; free after the last call returned.
 */
#pragma once

#include "ingest/extractor.h"

#define INGEST_EXTRACT_TIME_MS_DEFAULT 10000
#define INGEST_EXTRACT_MESSAGE_TIMES 2
#define INGEST_EXTRACT_DOCUMENTS_PER_HELPER 100
/* After a helper could not be started no other is tried for so long. */
#define INGEST_EXTRACT_PAUSE_MS 5000

typedef struct {
    const char *program;        /* NULL: ingest_extract_program_find() */
    guint helper_count_max;     /* 0: as many as processors */
    guint documents_per_helper; /* 0: the default */
    guint time_ms;              /* 0: the default */
} IngestExtractPoolOptions;

typedef struct IngestExtractPool IngestExtractPool;
/* Starts nothing yet, and cannot fail: see status. */
IngestExtractPool *ingest_extract_pool_new(const IngestExtractPoolOptions *options);
void ingest_extract_pool_free(IngestExtractPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestExtractPool, ingest_extract_pool_free)

/* Owned by the pool. */
IngestExtractor *ingest_extract_pool_extractor(IngestExtractPool *pool);

/* Since the pool was made. */
typedef struct {
    guint64 document_count; /* all that was asked for */
    guint64 cut_count, encrypted_count, malformed_count, unknown_count, unread_count;
    guint64 failed_count;    /* crash, or no helper to be had */
    guint64 timed_out_count; /* not among the failed ones */
    guint64 helper_count;    /* started */
    const char *problem;     /* why helpers cannot be started, and what to do; NULL: they can */
} IngestExtractStatus;
void ingest_extract_pool_status(IngestExtractPool *pool, IngestExtractStatus *ret_status);

/* Where muniment-extract is: beside this program, in libexec/muniment of its installation, or in
 * its build tree. NULL: nowhere. */
char *ingest_extract_program_find(void);
