/* A list: the documents that have a term in a field. Chunks (chunk.h) and, of more than one, a
 * table in which a reader finds the chunk that it looks for without decoding those before.
 *
 * Errors: those of blocks.h, CORRUPT for what is not in the form of a list. Threads: one user per
 * object. Source: docs/formats/case-index.md, section "Postings".
 */
#pragma once

#include "search/index/blocks.h"
#include "search/index/chunk.h"

/* Where a list lies, as the dictionary says it. */
typedef struct {
    guint32 document_count;
    guint64 position_count;
    guint64 postings_offset, postings_len; /* the chunks' documents, then the table */
    guint64 table_len;                     /* of one chunk: 0 */
    guint64 positions_offset, positions_len;
} SearchListPlace;

typedef struct SearchListWriter SearchListWriter;
SearchListWriter *search_list_writer_new(SearchBlockWriter *blocks);
void search_list_writer_free(SearchListWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchListWriter, search_list_writer_free)
/* Documents rise; so do the positions, of which there is at least one. */
gboolean search_list_writer_add(SearchListWriter *writer, guint32 document,
                                const guint32 *positions, guint32 count, GError **error);
/* The same, with the positions to be put where it says, before anything else is asked of the
 * writer. */
guint32 *search_list_writer_begin_document(SearchListWriter *writer, guint32 document,
                                           guint32 count, GError **error);
/* The list is over: where it lies. The next document begins another one. */
gboolean search_list_writer_end(SearchListWriter *writer, SearchListPlace *ret_place,
                                GError **error);

typedef struct SearchList SearchList;
SearchList *search_list_open(SearchBlocks *blocks, const SearchListPlace *place,
                             guint32 document_count, GError **error);
void search_list_free(SearchList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchList, search_list_free)
/* The first document that is `target` or higher, SEARCH_NO_DOCUMENT when there is none; targets do
 * not fall. */
gboolean search_list_seek(SearchList *list, guint32 target, guint32 *ret_document, GError **error);
guint32 search_list_frequency(const SearchList *list); /* in the document found */
/* Appends the positions in the document found, rising; at most once for each document. */
gboolean search_list_positions(SearchList *list, GArray *positions, GError **error);

/* The table alone, as bytes: for each chunk its last document and the lengths of its parts. */
typedef struct {
    guint32 last;
    guint64 postings_end, positions_end;
} SearchListChunk;
/* NULL and CORRUPT when it is not that of such a list. */
GArray *search_list_table_parse(const guint8 *bytes, gsize len, const SearchListPlace *place,
                                guint32 document_count, GError **error);
