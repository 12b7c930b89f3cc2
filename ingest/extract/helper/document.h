/* One document into text, whatever it is: by its first bytes, then by what the mail claims.
 *
 * Pure but for the libraries: no file, no clock. Bounded in bytes unpacked, members, depth and
 * text; time is bounded by whoever runs this. Threads: one at a time (poppler).
 */
#pragma once

#include "ingest/extract/helper/text_out.h"
#include "ingest/extractor.h"

#define EXTRACT_DEPTH_MAX 3                  /* archives within archives */
#define EXTRACT_MEMBERS_MAX 10000            /* of all archives of a document */
#define EXTRACT_UNPACKED_MAX (256ull << 20)  /* bytes that come out of all its archives */
#define EXTRACT_MEMBER_LEN_MAX (32ull << 20) /* of one member that is held whole */
#define EXTRACT_PAGES_MAX 20000
#define EXTRACT_SNIFF_LEN 4096

typedef struct {
    const void *bytes;
    gsize len;
    const char *type; /* lower case, or "" */
    const char *name; /* or "" */
} ExtractDocument;

/* What is left for a document and all that lies in it. */
typedef struct {
    ExtractTextOut *out;
    guint depth; /* archives around */
    guint members_left;
    guint64 unpacked_left;
} ExtractRun;

void extract_run_init(ExtractRun *run, ExtractTextOut *out);

/* Never FAILED. Text is added to run->out, which the caller finishes. */
IngestExtractOutcome extract_document(ExtractRun *run, const ExtractDocument *document);

/* A document within another: one step deeper, its name is text too. CUT when it lies too deep. */
IngestExtractOutcome extract_nested(ExtractRun *run, const ExtractDocument *document);

/* Of a document and a part of it: the one that a reader must know of. */
IngestExtractOutcome extract_outcome_join(IngestExtractOutcome whole, IngestExtractOutcome part);

/* Whether the name ends in one of the words: extract_name_ends(name, ".htm|.html"). */
gboolean extract_name_ends(const char *name, const char *endings);
gboolean extract_has_magic(const ExtractDocument *document, gsize at, const char *magic, gsize len);
