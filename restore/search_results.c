#include "restore/search_results.h"

#include <string.h>

typedef struct {
    SearchIndex *index;
    gsize limit;
    SearchMailboxName name;
    gpointer user;
    GPtrArray *results;
    GHashTable *by_hash; /* VaultHash of a result's summary, borrowed -> SearchResult, borrowed */
} Collection;

void search_result_free(SearchResult *result)
{
    if (result == NULL)
        return;
    g_clear_pointer(&result->ids, g_array_unref);
    ingest_summary_free(result->summary);
    g_clear_pointer(&result->custodians, g_ptr_array_unref);
    g_free(result);
}

static guint hash_of_hash(gconstpointer hash)
{
    guint start;

    memcpy(&start, hash, sizeof start);
    return start;
}

static gboolean hashes_are_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_HASH_LEN) == 0;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean add_custodians(Collection *collection, SearchResult *result, guint32 document,
                               GError **error)
{
    g_autoptr(GArray) copies = search_index_copies(collection->index, document, error);

    for (guint i = 0; copies != NULL && i < copies->len; i++) {
        const SearchCopy *copy = &g_array_index(copies, SearchCopy, i);
        const char *name = collection->name(&copy->mailbox_id, collection->user);

        if (!g_ptr_array_find_with_equal_func(result->custodians, name, g_str_equal, NULL))
            g_ptr_array_add(result->custodians, g_strdup(name));
    }
    g_ptr_array_sort(result->custodians, compare_names);
    return copies != NULL;
}

/* Takes the summary over. */
static SearchResult *begin_result(Collection *collection, const SearchHit *hit,
                                  IngestSummary *summary)
{
    SearchResult *result = g_new0(SearchResult, 1);

    result->ids = g_array_new(FALSE, FALSE, sizeof(RecordId));
    result->custodians = g_ptr_array_new_with_free_func(g_free);
    result->summary = summary;
    result->date_s = hit->date_s;
    result->score = hit->score;
    g_ptr_array_add(collection->results, result);
    g_hash_table_insert(collection->by_hash, &summary->message_hash, result);
    return result;
}

/* Behind the last result that is shown only more deliveries of it may follow. */
static gboolean is_past_end(const Collection *collection, const SearchHit *hit)
{
    const SearchResult *last;

    if (collection->limit == 0 || collection->results->len < collection->limit)
        return FALSE;
    last = collection->results->pdata[collection->results->len - 1];
    return hit->date_s != last->date_s || hit->score < last->score || hit->score > last->score;
}

static gboolean add_hit(Collection *collection, const SearchHit *hit, GError **error)
{
    g_autoptr(IngestSummary) summary =
        search_index_summary(collection->index, hit->document, error);
    SearchResult *result;

    if (summary == NULL)
        return FALSE;
    result = g_hash_table_lookup(collection->by_hash, &summary->message_hash);
    if (result == NULL && collection->limit > 0 && collection->results->len == collection->limit)
        return TRUE;
    if (result == NULL)
        result = begin_result(collection, hit, g_steal_pointer(&summary));
    g_array_append_val(result->ids, hit->body_id);
    return add_custodians(collection, result, hit->document, error);
}

GPtrArray *search_results_collect(SearchIndex *index, const GArray *hits, gsize limit,
                                  SearchMailboxName name, gpointer user, GError **error)
{
    g_autoptr(GPtrArray) results =
        g_ptr_array_new_with_free_func((GDestroyNotify)search_result_free);
    g_autoptr(GHashTable) by_hash = g_hash_table_new(hash_of_hash, hashes_are_equal);
    Collection collection = {.index = index,
                             .limit = limit,
                             .name = name,
                             .user = user,
                             .results = results,
                             .by_hash = by_hash};

    for (guint i = 0; i < hits->len; i++) {
        const SearchHit *hit = &g_array_index(hits, SearchHit, i);

        if (is_past_end(&collection, hit))
            break;
        if (!add_hit(&collection, hit, error))
            return NULL;
    }
    return g_steal_pointer(&results);
}
