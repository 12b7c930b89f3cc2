/* A segment: documents from the newest to the oldest, their copies and summaries, and the lists of
 * the terms that they have. A document's number is its place in that order, so that lists give the
 * newest first and a span of time is a span of numbers.
 *
 * A copy whose document is in an earlier segment is a *stray*; it names that document. Errors:
 * those of blocks.h. Threads: one user per object. Source: docs/formats/case-index.md.
 */
#pragma once

#include "search/index/dictionary.h"
#include "search/index/facts.h"
#include "search/index/summaries.h"

#define SEARCH_COPY_LEN (VAULT_ID_LEN + 8 + 4)
#define SEARCH_STRAY_LEN (8 + 4 + 4 + SEARCH_COPY_LEN)
#define SEARCH_LENGTHS_LEN (7 * 2 + 2 * 4)
#define SEARCH_LENGTH_SHORT_MAX G_MAXUINT16 /* of the fields but body and attachment */

typedef struct {
    RecordId id;
    gint64 date_s; /* sent; where that is not known, received */
    guint64 size;
    guint32 marks;
    guint32 message_id_hash;             /* 0: it has no Message-ID */
    guint32 lengths[INGEST_FIELD_COUNT]; /* words in each field */
} SearchDocument;

/* Newest first, then by id. */
int search_document_compare(const SearchDocument *a, const SearchDocument *b);
/* First four bytes of its SHA-256, never 0; of NULL and of nothing: 0. */
guint32 search_message_id_hash(const char *message_id);

/* A copy as the columns have it. */
typedef struct {
    RecordId terms_id;
    guint64 received_s;
    guint32 flags;
    guint32 mailbox; /* its place in the segment's list of mailboxes */
} SearchCopyRow;
typedef struct {
    guint64 segment; /* number */
    guint32 document;
    SearchCopyRow copy;
} SearchStray;

/* ---- writing: documents each with its copies, strays, lists each with its term, finish ------- */

typedef struct SearchSegmentWriter SearchSegmentWriter;
SearchSegmentWriter *search_segment_writer_begin(int fd, const char *name,
                                                 const SearchIndexKey *key, GError **error);
void search_segment_writer_free(SearchSegmentWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchSegmentWriter, search_segment_writer_free)
gboolean search_segment_writer_add_document(SearchSegmentWriter *writer,
                                            const SearchDocument *document, const guint8 *summary,
                                            gsize summary_len, GError **error);
/* Of the document added last. */
gboolean search_segment_writer_add_copy(SearchSegmentWriter *writer, const SearchCopy *copy,
                                        GError **error);
gboolean search_segment_writer_add_stray(SearchSegmentWriter *writer, guint64 segment,
                                         guint32 document, const SearchCopy *copy, GError **error);
SearchListWriter *search_segment_writer_list(SearchSegmentWriter *writer);
/* The list is that of this term. */
gboolean search_segment_writer_end_list(SearchSegmentWriter *writer, const char *term, gsize len,
                                        guint field, GError **error);
/* `facts`: number, replaces_from, predecessor and position; the rest is filled in. */
gboolean search_segment_writer_finish(SearchSegmentWriter *writer, SearchFacts *facts,
                                      GError **error);

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct {
    SearchBlocks *blocks;
    SearchDictionary *dictionary;
    SearchSummaries *summaries;
    SearchFacts facts;
    guint32 base; /* number of its first document in the index */
} SearchSegment;
/* Takes over the descriptor, also when it fails. */
SearchSegment *search_segment_open(int fd, const char *name, const SearchIndexKey *key,
                                   GError **error);
void search_segment_free(SearchSegment *segment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchSegment, search_segment_free)

gboolean search_segment_id(SearchSegment *segment, guint32 document, RecordId *ret_id,
                           GError **error);
gboolean search_segment_date(SearchSegment *segment, guint32 document, gint64 *ret_date_s,
                             GError **error);
/* SIZES: 8 bytes; MARKS, MESSAGE_IDS, FIRST_COPIES, COPY_MAILBOXES: 4 bytes. */
gboolean search_segment_column(SearchSegment *segment, SearchSection section, guint32 row,
                               guint64 *ret_value, GError **error);
gboolean search_segment_lengths(SearchSegment *segment, guint32 document,
                                guint32 ret_lengths[INGEST_FIELD_COUNT], GError **error);
gboolean search_segment_document(SearchSegment *segment, guint32 document,
                                 SearchDocument *ret_document, GError **error);
gboolean search_segment_copy(SearchSegment *segment, guint32 row, SearchCopyRow *ret_copy,
                             GError **error);
gboolean search_segment_stray(SearchSegment *segment, guint32 row, SearchStray *ret_stray,
                              GError **error);
gboolean search_segment_mailbox(SearchSegment *segment, guint32 mailbox, MailboxId *ret_id,
                                GError **error);
