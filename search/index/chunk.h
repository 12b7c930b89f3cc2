/* A chunk of a list: at most SEARCH_CHUNK_DOCUMENTS documents in which a term is, in rising order,
 * how often it is in each, and, apart from that, where. Bytes and struct, pure.
 *
 * Documents are coded by their distance from the one before, frequencies less one, positions by
 * their distance in the document; all as Rice codes, whose parameters the chunk's first byte has.
 * Errors: CORRUPT. Source: docs/formats/case-index.md, section "Postings".
 */
#pragma once

#include "search/index/bits.h"

#include <glib.h>

#define SEARCH_CHUNK_DOCUMENTS 128
#define SEARCH_NO_DOCUMENT G_MAXUINT32

typedef struct {
    guint count;
    guint32 documents[SEARCH_CHUNK_DOCUMENTS];
    guint32 frequencies[SEARCH_CHUNK_DOCUMENTS]; /* at least 1 */
} SearchChunk;

/* `before`: the last document of the chunk before, SEARCH_NO_DOCUMENT at the beginning. */
void search_chunk_format(const SearchChunk *chunk, guint32 before, GByteArray *bytes);
/* `count` documents, all of them less than `document_count`. */
gboolean search_chunk_parse(const guint8 *bytes, gsize len, guint32 before, guint count,
                            guint32 document_count, SearchChunk *ret_chunk, GError **error);

/* `positions`: of all the chunk's documents, one document after the other. */
void search_chunk_format_positions(const SearchChunk *chunk, const guint32 *positions,
                                   GByteArray *bytes);

/* The positions of one document after the other, in order. */
typedef struct {
    SearchBitReader bits;
    guint k;
} SearchPositionReader;
gboolean search_positions_begin(SearchPositionReader *reader, const guint8 *bytes, gsize len,
                                GError **error);
/* Appends `frequency` positions to the array of guint32; NULL: passes over them. */
gboolean search_positions_read(SearchPositionReader *reader, guint32 frequency, GArray *positions,
                               GError **error);
