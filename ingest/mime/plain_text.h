/* The text of a text/plain part: what its lines say to a person.
 *
 * Armor of inline PGP (messages, signatures, keys) is left out; what it is of is told. Where
 * format=flowed says that a soft line end eats its blank (DelSp), the lines are joined. The pieces
 * may be cut anywhere. Never fails; linear. Threads: one user per object.
 * Source: RFC 3676, 9580 section 6.
 */
#pragma once

#include "ingest/extractor.h"

typedef struct IngestPlainText IngestPlainText;
IngestPlainText *ingest_plain_text_new(gboolean is_delsp, IngestTextSink sink, gpointer user);
void ingest_plain_text_free(IngestPlainText *plain); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestPlainText, ingest_plain_text_free)
void ingest_plain_text_add(IngestPlainText *plain, const char *text, gsize len);

typedef enum {
    INGEST_PLAIN_PGP_MESSAGE = 1 << 0,
    INGEST_PLAIN_PGP_SIGNED = 1 << 1,
} IngestPlainMarks;
/* What was found, as a mask. */
guint ingest_plain_text_end(IngestPlainText *plain);
