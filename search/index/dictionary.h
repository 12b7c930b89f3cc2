/* The dictionary: all terms of a segment with their fields, sorted by term (memcmp), then field,
 * and where the list of each lies.
 *
 * It is cut into blocks, one to a sealed block, in which each term is stored as what differs from
 * the one before; a table has the first term of each block. Errors: those of blocks.h, CORRUPT.
 * Threads: one user per object. Source: docs/formats/case-index.md, section "Dictionary".
 */
#pragma once

#include "search/index/list.h"

typedef struct {
    char term[INGEST_TERM_LEN_MAX];
    gsize len;
    guint field;
    SearchListPlace list;
} SearchEntry;

/* As in the dictionary: by term, then field. */
int search_entry_compare(const char *term, gsize len, guint field, const SearchEntry *entry);

typedef struct SearchDictionaryWriter SearchDictionaryWriter;
SearchDictionaryWriter *search_dictionary_writer_new(SearchBlockWriter *blocks);
void search_dictionary_writer_free(SearchDictionaryWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchDictionaryWriter, search_dictionary_writer_free)
/* Entries rise, and their lists lie one after the other. */
gboolean search_dictionary_writer_add(SearchDictionaryWriter *writer, const SearchEntry *entry,
                                      GError **error);
gboolean search_dictionary_writer_finish(SearchDictionaryWriter *writer, GError **error);

typedef struct SearchDictionary SearchDictionary;
SearchDictionary *search_dictionary_open(SearchBlocks *blocks, GError **error);
void search_dictionary_free(SearchDictionary *dictionary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchDictionary, search_dictionary_free)

typedef struct {
    SearchDictionary *dictionary;
    SearchEntry entry; /* the last one given */
    guint64 block;     /* the one that comes next */
    gsize at, len;
    guint8 bytes[SEARCH_BLOCK_PLAIN_LEN];
} SearchDictionaryCursor;
/* The first entry whose term is not before this one, in `cursor->entry`; *ret_is_end: there is
 * none. */
gboolean search_dictionary_seek(SearchDictionary *dictionary, const char *term, gsize len,
                                SearchDictionaryCursor *ret_cursor, gboolean *ret_is_end,
                                GError **error);
gboolean search_dictionary_next(SearchDictionaryCursor *cursor, gboolean *ret_is_end,
                                GError **error);

/* A block, as bytes. *at is where the next entry begins, 0 at first; `entry` is the one before and
 * becomes the next. *ret_is_end: there was none. */
gboolean search_dictionary_block_next(const guint8 *bytes, gsize len, gsize *at, SearchEntry *entry,
                                      gboolean *ret_is_end, GError **error);
