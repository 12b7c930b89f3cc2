/* The summaries of a segment's documents, SEARCH_SUMMARY_GROUP to a zstd frame.
 *
 * Size, marks and date are in the documents' columns too and are stored here but for the first two.
 * Errors: those of blocks.h, CORRUPT. Threads: one user per object.
 * Source: docs/formats/case-index.md, section "Summaries".
 */
#pragma once

#include "search/index/blocks.h"

#define SEARCH_SUMMARY_GROUP 32
#define SEARCH_SUMMARY_FRAME_LEN_MAX (128u << 20)

/* Pure. Marks and message_len are not in the bytes: parse leaves them 0. */
void search_summary_format(const IngestSummary *summary, GByteArray *bytes);
IngestSummary *search_summary_parse(const guint8 *bytes, gsize len, GError **error);

typedef struct SearchSummaryWriter SearchSummaryWriter;
SearchSummaryWriter *search_summary_writer_new(SearchBlockWriter *blocks);
void search_summary_writer_free(SearchSummaryWriter *writer); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchSummaryWriter, search_summary_writer_free)
/* A formatted summary, of the next document. */
gboolean search_summary_writer_add(SearchSummaryWriter *writer, const guint8 *bytes, gsize len,
                                   GError **error);
gboolean search_summary_writer_finish(SearchSummaryWriter *writer, GError **error);

typedef struct SearchSummaries SearchSummaries;
SearchSummaries *search_summaries_new(SearchBlocks *blocks);
void search_summaries_free(SearchSummaries *summaries); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchSummaries, search_summaries_free)
/* The formatted summary of a document, valid until the next call; fast when documents rise. */
gboolean search_summaries_get(SearchSummaries *summaries, guint32 document,
                              const guint8 **ret_bytes, gsize *ret_len, GError **error);
