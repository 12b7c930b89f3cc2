/* What a search found, as a list shows it: the same message is one line, with all who have it.
 *
 * One *document* of the index is one delivery; deliveries of the same message, byte for byte, are
 * one *result*. As their words and dates are the same, they are neighbours in the order of hits,
 * but for messages without a date of their own. Threads: one.
 */
#pragma once

#include "search/index.h"

typedef struct {
    GArray *ids; /* RecordId: archive ids, in the order of hits */
    IngestSummary *summary;
    gint64 date_s;
    double score;
    GPtrArray *custodians; /* char *: names of the mailboxes that have it, each once, sorted */
} SearchResult;
void search_result_free(SearchResult *result); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchResult, search_result_free)

/* Borrowed. */
typedef const char *(*SearchMailboxName)(const MailboxId *mailbox_id, gpointer user);

/* GPtrArray of SearchResult, at most `limit` (0 = all), of GArray of SearchHit. */
GPtrArray *search_results_collect(SearchIndex *index, const GArray *hits, gsize limit,
                                  SearchMailboxName name, gpointer user, GError **error);
