/* What a message says: its terms, from header and body to the text of what is attached.
 *
 * MIME through GMime, HTML through libxml2, documents through an extractor. Never fails on what a
 * message holds: what cannot be read is left out and marked. Bounded: nesting, parts, header fields
 * and text have limits (docs/limits.md), and time is linear in the message. Threads: a reader has
 * one user. Source: RFC 5322, 2045 to 2047, 2231, 6532.
 */
#pragma once

#include "ingest/extractor.h"
#include "ingest/words/terms.h"

#define INGEST_TEXT_LEN_DEFAULT (8u << 20)
/* An attachment that is held whole, decoded, and how many of a message are read. */
#define INGEST_DOCUMENT_LEN_MAX (16u << 20)
#define INGEST_DOCUMENTS_MAX 100

typedef struct IngestMessageText IngestMessageText;
typedef struct {
    guint64 text_len_max;       /* 0 = INGEST_TEXT_LEN_DEFAULT */
    IngestExtractor *extractor; /* borrowed; NULL: documents have no text, and are marked so */
} IngestMessageTextOptions;
IngestMessageText *ingest_message_text_new(const IngestMessageTextOptions *options);
void ingest_message_text_free(IngestMessageText *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestMessageText, ingest_message_text_free)

/* Terms of a message that is at hand; `message_hash` is its SHA-256. Never NULL. Freed with
 * vault_value_free(). */
GByteArray *ingest_message_text_terms(IngestMessageText *text, const void *message, gsize len,
                                      const VaultHash *message_hash);
/* Of one that is read piece by piece: returns how many bytes it gave, 0 at the end, -1 when they
 * cannot be had (then NULL is returned). */
typedef gssize (*IngestMessageRead)(gpointer user, void *bytes, gsize len);
GByteArray *ingest_message_text_read_terms(IngestMessageText *text, IngestMessageRead read,
                                           gpointer user, guint64 len,
                                           const VaultHash *message_hash);
