/* Searching: the tree's iterator goes through each segment; what it gives is put in order. */
#include "search/index/query_tree.h"
#include "search/index/ranking.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    SearchIndex *index;
    const SearchQuery *query;
    const SearchOptions *options;
    SearchRanking *ranking; /* NULL: newest first */
    GArray *hits;           /* SearchHit */
    guint64 total;
} Search;

static gint compare_newest(gconstpointer a, gconstpointer b)
{
    const SearchHit *left = a, *right = b;

    if (left->date_s != right->date_s)
        return left->date_s > right->date_s ? -1 : 1;
    return memcmp(left->body_id.bytes, right->body_id.bytes, VAULT_ID_LEN);
}

static gint compare_relevance(gconstpointer a, gconstpointer b)
{
    const SearchHit *left = a, *right = b;

    if (left->score != right->score)
        return left->score > right->score ? -1 : 1;
    return memcmp(left->body_id.bytes, right->body_id.bytes, VAULT_ID_LEN);
}

static gboolean add_hit(Search *search, SearchSegment *segment, guint32 document, double score,
                        GError **error)
{
    SearchHit hit = {.score = score, .document = segment->base + document};

    if (!search_segment_id(segment, document, &hit.body_id, error) ||
        !search_segment_date(segment, document, &hit.date_s, error))
        return FALSE;
    g_array_append_val(search->hits, hit);
    return TRUE;
}

/* The first ones of a segment are its newest: of the others only the number counts. */
static void find_newest(Search *search, SearchEvaluation *evaluation, SearchIterator *iterator)
{
    guint64 count = 0, limit = search->options->limit;

    for (guint32 next = 0; (next = search_iterator_seek(iterator, next)) != SEARCH_NO_DOCUMENT;
         next++, count++)
        if ((limit == 0 || count < limit) &&
            !add_hit(search, evaluation->segment, next, 0, &evaluation->error))
            return;
    search->total += count;
}

static gint compare_scores(gconstpointer a, gconstpointer b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left < right) - (left > right);
}

/* The score that a hit must have to be among the first `limit`. Ties are in: their order goes by
 * archive id, which is read only of those that may be shown. */
static double lowest_shown(const double *scores, guint count, guint64 limit)
{
    g_autofree double *sorted = NULL;

    if (limit == 0 || count <= limit)
        return -INFINITY;
    sorted = g_memdup2(scores, count * sizeof *scores);
    qsort(sorted, count, sizeof *sorted, compare_scores);
    return sorted[limit - 1];
}

static void find_relevant(Search *search, SearchEvaluation *evaluation, SearchIterator *iterator)
{
    g_autoptr(GArray) documents = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autofree double *scores = NULL;
    double lowest;

    for (guint32 next = 0; (next = search_iterator_seek(iterator, next)) != SEARCH_NO_DOCUMENT;
         next++)
        g_array_append_val(documents, next);
    scores = g_new(double, documents->len + 1);
    search->total += documents->len;
    if (evaluation->error != NULL ||
        !search_ranking_score(search->ranking, evaluation, documents, scores))
        return;
    lowest = lowest_shown(scores, documents->len, search->options->limit);
    for (guint i = 0; i < documents->len; i++)
        if (scores[i] >= lowest &&
            !add_hit(search, evaluation->segment, g_array_index(documents, guint32, i), scores[i],
                     &evaluation->error))
            return;
}

static gboolean search_segment(Search *search, SearchSegment *segment, GError **error)
{
    SearchEvaluation evaluation = {
        .index = search->index, .segment = segment, .options = search->options};
    SearchIterator *iterator = search_tree_iterator(&evaluation, search->query->root);

    if (search->ranking != NULL)
        find_relevant(search, &evaluation, iterator);
    else
        find_newest(search, &evaluation, iterator);
    search_iterator_free(iterator);
    if (evaluation.error == NULL)
        return TRUE;
    g_propagate_error(error, evaluation.error);
    return FALSE;
}

GArray *search_index_search(SearchIndex *index, const SearchQuery *query,
                            const SearchOptions *options, guint64 *ret_total, GError **error)
{
    g_autoptr(GArray) hits = g_array_new(FALSE, FALSE, sizeof(SearchHit));
    g_autoptr(SearchRanking) ranking = NULL;
    Search search = {.index = index, .query = query, .options = options, .hits = hits};

    if (options->order == SEARCH_ORDER_RELEVANCE) {
        ranking = search_ranking_new(index, query, error);
        if (ranking == NULL)
            return NULL;
        search.ranking = ranking;
    }
    for (guint i = 0; i < index->segments->len; i++)
        if (!search_segment(&search, g_ptr_array_index(index->segments, i), error))
            return NULL;
    g_array_sort(hits, ranking != NULL ? compare_relevance : compare_newest);
    if (options->limit > 0 && hits->len > options->limit)
        g_array_set_size(hits, (guint)options->limit);
    *ret_total = search.total;
    return g_steal_pointer(&hits);
}
