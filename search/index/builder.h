/* A segment while it is in memory: documents as they come, each with the numbers of its terms; and
 * how it is written, turned round, so that each term has its documents.
 *
 * Threads: one user per object. Memory: search_builder_len(), and while it is written about twice
 * that. */
#pragma once

#include "search/index/copies.h"

typedef struct SearchBuilder SearchBuilder;
SearchBuilder *search_builder_new(void);
void search_builder_free(SearchBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchBuilder, search_builder_free)
/* `received_s` is its date when the message has none. */
void search_builder_add(SearchBuilder *builder, const RecordId *id, guint64 received_s,
                        const IngestTerms *terms);
/* The other's documents too, none of which it has. Frees the other, which absorbed none itself. */
void search_builder_absorb(SearchBuilder *builder, SearchBuilder *other);
guint search_builder_document_count(const SearchBuilder *builder);
gsize search_builder_len(const SearchBuilder *builder);
/* Roughly, before it absorbs any; without the blocks that any segment has. */
guint64 search_builder_written_len(const SearchBuilder *builder);
/* Documents with their copies (NULL: without), and lists. */
gboolean search_builder_write(SearchBuilder *builder, SearchCopies *copies,
                              SearchSegmentWriter *writer, GError **error);
