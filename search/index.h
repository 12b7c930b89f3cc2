/* The case index: the terms of all messages of a case, so that a query is answered at once.
 *
 * An index is a row of segments, each made of a scan of messages whose terms were opened (all of
 * them the first time, later what is new) and never changed; small ones are merged. A segment is a
 * file: a dictionary of terms, postings with positions, a table of documents and their summaries,
 * each in blocks sealed one by one under a key derived from identity secret and case key, bound to
 * their place; a query opens the blocks that it needs. Nothing of it is on disk in the clear, and
 * without the case key, which the vault gives and logs at each use, nothing of it opens.
 *
 * One *document* is one message (archive id), with all owners' copies in scope. Errors: NO_KEY (not
 * made with this key), CORRUPT (a torn or foreign file: make the index anew), UNSUPPORTED,
 * NO_SPACE, IO, BUSY. Threads: a writer and its scan threads; an opened index is read by one
 * thread, or several each with its own. Source: docs/formats/case-index.md.
 */
#pragma once

#include "ingest/words/terms.h"
#include "search/query.h"
#include "vault/crypto/keys.h"

typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} SearchIndexKey;
VAULT_DECLARE_WIPE(SearchIndexKey, search_index_key)

/* A copy of a message in scope. */
typedef struct {
    RecordId terms_id; /* record id of the terms copy: what the index knows by */
    RecordId body_id;  /* archive id */
    MailboxId mailbox_id;
    guint64 received_s;
    guint32 flags; /* VAULT_FLAG_* */
} SearchCopy;

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct SearchIndexWriter SearchIndexWriter;
/* A new segment in `folder` (made where it is not there); NULL folder: in memory only, and the key
 * may be NULL. BUSY: somebody else writes in that folder. */
SearchIndexWriter *search_index_writer_begin(const char *folder, const SearchIndexKey *key,
                                             GError **error);
/* Safe from many threads. `terms` is not kept. Of a message that is known already (in this segment
 * or an earlier one) only the copy is added: search_index_has_body() tells, and terms are NULL. */
gboolean search_index_writer_add(SearchIndexWriter *writer, const SearchCopy *copy,
                                 const IngestTerms *terms, GError **error);
/* The segment gets its name: durable. `position`: where the list of what is new goes on the next
 * time; opaque, at most 64 bytes. Once, and after every add has returned. Copies of messages whose
 * terms nobody gave are not kept: they are new the next time, too. */
gboolean search_index_writer_commit(SearchIndexWriter *writer, const void *position,
                                    gsize position_len, GError **error);
void search_index_writer_free(SearchIndexWriter *writer); /* abandons what was not committed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchIndexWriter, search_index_writer_free)

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct SearchIndex SearchIndex;
/* A folder that is not there, or has no segment, is an index of nothing. */
SearchIndex *search_index_open(const char *folder, const SearchIndexKey *key, GError **error);
/* Of a writer in memory, committed: takes it over. */
SearchIndex *search_index_of_writer(SearchIndexWriter *writer, GError **error);
void search_index_free(SearchIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchIndex, search_index_free)
guint32 search_index_document_count(const SearchIndex *index);
/* Reads all ids, once: before the two that follow, which are then safe from many threads. */
gboolean search_index_load_ids(SearchIndex *index, GError **error);
gboolean search_index_has_body(const SearchIndex *index, const RecordId *body_id);
gboolean search_index_has_copy(const SearchIndex *index, const RecordId *terms_id);
GBytes *search_index_position(const SearchIndex *index);

typedef enum { SEARCH_ORDER_NEWEST, SEARCH_ORDER_RELEVANCE } SearchOrder;
typedef struct {
    /* Of a mailbox in scope its addresses (char *, normalised), for mailbox:. The callee's; NULL:
     * it has none. */
    GPtrArray *(*addresses)(gpointer user, const MailboxId *mailbox_id);
    gpointer user;
    SearchOrder order; /* by date sent, newest first, then archive id; or by BM25 */
    gsize limit;       /* 0 = all */
} SearchOptions;

typedef struct {
    RecordId body_id;
    gint64 date_s; /* sent; where that cannot be read, received */
    double score;  /* SEARCH_ORDER_RELEVANCE */
    guint32 document;
} SearchHit;
/* GArray of SearchHit in order, at most `limit`; how many there are in all in *ret_total. Neither
 * depends on how the documents are spread over segments. */
GArray *search_index_search(SearchIndex *index, const SearchQuery *query,
                            const SearchOptions *options, guint64 *ret_total, GError **error);
/* What a list shows of a hit. New object. */
IngestSummary *search_index_summary(SearchIndex *index, guint32 document, GError **error);
/* The hit's copies in scope: GArray of SearchCopy. */
GArray *search_index_copies(SearchIndex *index, guint32 document, GError **error);
