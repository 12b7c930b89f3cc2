/* A segment's file as sections: each a row of bytes, written from front to back, all at the same
 * time, and read anywhere.
 *
 *   clear header | block 0 | block 1 | ... | blocks of the map | trailer
 *
 * Every block has the same length and is sealed (vault/crypto/sealed_blocks.h) under a key derived
 * for the file alone, for its number, its section and its place in that. The map says which blocks
 * make up each section; the trailer, always the last block, how long the sections are, and holds
 * the facts that the caller gives. So a file is whole or CORRUPT, and says no more than its length.
 *
 * Errors: NO_KEY (made with another key), CORRUPT (cut, changed, not such a file), UNSUPPORTED
 * (version), NO_SPACE, IO; reading past a section's end is CORRUPT, as its length came from a
 * file. Threads: one user per object. Source: docs/formats/case-index.md.
 */
#pragma once

#include "search/index.h"

#define SEARCH_BLOCK_LEN 8192
#define SEARCH_BLOCK_PLAIN_LEN                                                                     \
    8176 /* a multiple of 4, 8, 14, 16 and 28: rows lie within a block                             \
          */
#define SEARCH_FACTS_LEN_MAX 4096
/* Opened blocks that a reader holds on to, of each file. */
#define SEARCH_BLOCKS_HELD_MAX 8192

typedef enum {
    SEARCH_SECTION_DICTIONARY = 1,
    SEARCH_SECTION_DICTIONARY_TABLE,
    SEARCH_SECTION_POSTINGS,
    SEARCH_SECTION_POSITIONS,
    SEARCH_SECTION_IDS,
    SEARCH_SECTION_DATES,
    SEARCH_SECTION_SIZES,
    SEARCH_SECTION_MARKS,
    SEARCH_SECTION_LENGTHS,
    SEARCH_SECTION_MESSAGE_IDS,
    SEARCH_SECTION_FIRST_COPIES,
    SEARCH_SECTION_COPIES,
    SEARCH_SECTION_COPY_MAILBOXES,
    SEARCH_SECTION_MAILBOXES,
    SEARCH_SECTION_STRAYS,
    SEARCH_SECTION_SUMMARIES,
    SEARCH_SECTION_SUMMARY_TABLE,
    SEARCH_SECTIONS_END
} SearchSection;

typedef struct SearchBlockWriter SearchBlockWriter;
/* To an empty file, which it borrows; `name` is for errors. */
SearchBlockWriter *search_block_writer_begin(int fd, const char *name, const SearchIndexKey *key,
                                             GError **error);
gboolean search_block_writer_append(SearchBlockWriter *writer, SearchSection section,
                                    const void *bytes, gsize len, GError **error);
/* Zeros up to the end of the block that the section's next byte would lie in. */
gboolean search_block_writer_fill(SearchBlockWriter *writer, SearchSection section, GError **error);
guint64 search_block_writer_len(const SearchBlockWriter *writer, SearchSection section);
/* Map and trailer; not synced. */
gboolean search_block_writer_finish(SearchBlockWriter *writer, const void *facts, gsize facts_len,
                                    GError **error);
void search_block_writer_get_id(const SearchBlockWriter *writer, VaultId *ret_file_id);
void search_block_writer_free(SearchBlockWriter *writer); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchBlockWriter, search_block_writer_free)

typedef struct SearchBlocks SearchBlocks;
/* Takes over the descriptor, also when it fails. */
SearchBlocks *search_blocks_open(int fd, const char *name, const SearchIndexKey *key,
                                 GError **error);
void search_blocks_free(SearchBlocks *blocks); /* wipes what it holds */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchBlocks, search_blocks_free)
const guint8 *search_blocks_facts(const SearchBlocks *blocks, gsize *ret_len);
const VaultId *search_blocks_file_id(const SearchBlocks *blocks);
const char *search_blocks_name(const SearchBlocks *blocks);
guint64 search_blocks_len(const SearchBlocks *blocks, SearchSection section);
guint64 search_blocks_file_len(const SearchBlocks *blocks);
guint64 search_blocks_held_count(const SearchBlocks *blocks); /* opened and not let go of */
/* To hold on to fewer, at least one: where many files are gone through from front to back. */
void search_blocks_limit_held(SearchBlocks *blocks, guint64 held_max);
gboolean search_blocks_read(SearchBlocks *blocks, SearchSection section, guint64 offset,
                            void *ret_bytes, gsize len, GError **error);
/* The bytes of the section's block `number`, valid until the next call. NULL on error. */
const guint8 *search_blocks_peek(SearchBlocks *blocks, SearchSection section, guint64 number,
                                 gsize *ret_len, GError **error);
