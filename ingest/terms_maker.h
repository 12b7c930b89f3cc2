/* Makes the terms of deliveries, for many threads: a pool of readers (message_text.h), of which at
 * most `readers_max` work at a time; who finds none free waits for one. A reader is kept, for it
 * costs more to make than to use.
 *
 * Threads: all functions are safe, free after the last call returned.
 */
#pragma once

#include "ingest/message_text.h"

typedef struct {
    guint64 text_len_max;       /* 0 = INGEST_TEXT_LEN_DEFAULT */
    IngestExtractor *extractor; /* borrowed, or NULL */
    guint readers_max;          /* 0 = number of processors */
} IngestTermsMakerOptions;

typedef struct IngestTermsMaker IngestTermsMaker;
IngestTermsMaker *ingest_terms_maker_new(const IngestTermsMakerOptions *options);
void ingest_terms_maker_free(IngestTermsMaker *maker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestTermsMaker, ingest_terms_maker_free)

/* As ingest_message_text_terms() and ingest_message_text_read_terms(). */
GByteArray *ingest_terms_maker_make(IngestTermsMaker *maker, const void *message, gsize len,
                                    const VaultHash *message_hash);
GByteArray *ingest_terms_maker_read(IngestTermsMaker *maker, IngestMessageRead read, gpointer user,
                                    guint64 len, const VaultHash *message_hash);

/* What making the terms of a message of that length holds at most, besides the message. */
guint64 ingest_terms_maker_memory(const IngestTermsMaker *maker, guint64 message_len);
