#include "search/index/ranking.h"

#include "search/index/words.h"

#include <math.h>

#define K1 1.2
#define B 0.75

typedef struct {
    const SearchNode *node; /* WORDS or NEAR */
    guint32 fields;
    double idf, mean_length;
} Leaf;

struct SearchRanking {
    GArray *leaves; /* Leaf, in the order of the query */
};

/* What stands under NOT makes no message more relevant. */
static void collect(GArray *leaves, const SearchNode *node)
{
    Leaf leaf = {.node = node, .fields = node->fields};

    if (node->kind == SEARCH_NODE_NEAR)
        for (guint i = 0; i < node->children->len; i++)
            leaf.fields |= ((const SearchNode *)g_ptr_array_index(node->children, i))->fields;
    if (node->kind == SEARCH_NODE_NEAR || node->kind == SEARCH_NODE_WORDS)
        g_array_append_val(leaves, leaf);
    if (node->kind != SEARCH_NODE_AND && node->kind != SEARCH_NODE_OR)
        return;
    for (guint i = 0; i < node->children->len; i++)
        collect(leaves, g_ptr_array_index(node->children, i));
}

static gboolean add_idf(SearchIndex *index, const SearchNode *words, double *idf, GError **error)
{
    for (guint i = 0; i < words->words->len; i++) {
        double count = index->document_count, with_word = 0;

        for (guint s = 0; s < index->segments->len; s++) {
            g_autoptr(GArray) lists = search_word_lists(g_ptr_array_index(index->segments, s),
                                                        &g_array_index(words->words, SearchWord, i),
                                                        words->fields, error);

            if (lists == NULL)
                return FALSE;
            for (guint n = 0; n < lists->len; n++)
                with_word += g_array_index(lists, SearchWordList, n).place.document_count;
        }
        with_word = MIN(with_word, count);
        *idf += log(1 + (count - with_word + 0.5) / (with_word + 0.5));
    }
    return TRUE;
}

static gboolean weigh(SearchIndex *index, Leaf *leaf, GError **error)
{
    guint64 length = 0;

    for (guint s = 0; s < index->segments->len; s++) {
        const SearchSegment *segment = g_ptr_array_index(index->segments, s);

        for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
            if ((leaf->fields & 1u << field) != 0)
                length += segment->facts.lengths[field];
    }
    leaf->mean_length = (double)length / MAX(index->document_count, 1);
    if (leaf->node->kind == SEARCH_NODE_WORDS)
        return add_idf(index, leaf->node, &leaf->idf, error);
    return add_idf(index, g_ptr_array_index(leaf->node->children, 0), &leaf->idf, error) &&
           add_idf(index, g_ptr_array_index(leaf->node->children, 1), &leaf->idf, error);
}

SearchRanking *search_ranking_new(SearchIndex *index, const SearchQuery *query, GError **error)
{
    g_autoptr(SearchRanking) ranking = g_new0(SearchRanking, 1);

    ranking->leaves = g_array_new(FALSE, FALSE, sizeof(Leaf));
    collect(ranking->leaves, query->root);
    for (guint i = 0; i < ranking->leaves->len; i++)
        if (!weigh(index, &g_array_index(ranking->leaves, Leaf, i), error))
            return NULL;
    return g_steal_pointer(&ranking);
}

void search_ranking_free(SearchRanking *ranking)
{
    if (ranking == NULL)
        return;
    g_array_unref(ranking->leaves);
    g_free(ranking);
}

static double score_of(const Leaf *leaf, guint32 frequency,
                       const guint32 lengths[INGEST_FIELD_COUNT])
{
    double length = 0, norm;

    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        if ((leaf->fields & 1u << field) != 0)
            length += lengths[field];
    norm = leaf->mean_length > 0 ? 1 - B + B * length / leaf->mean_length : 1;
    return leaf->idf * frequency * (K1 + 1) / (frequency + K1 * norm);
}

/* One leaf after the other: what a wide one takes in memory is gone before the next. */
static gboolean add_leaf(const Leaf *leaf, SearchEvaluation *evaluation, const GArray *documents,
                         double *scores)
{
    g_autoptr(SearchIterator) iterator = search_words_iterator(evaluation, leaf->node);

    for (guint i = 0; i < documents->len && evaluation->error == NULL; i++) {
        guint32 document = g_array_index(documents, guint32, i);
        guint32 lengths[INGEST_FIELD_COUNT];

        if (search_iterator_seek(iterator, document) != document)
            continue;
        if (!search_segment_lengths(evaluation->segment, document, lengths, &evaluation->error))
            return FALSE;
        scores[i] += score_of(leaf, search_iterator_frequency(iterator), lengths);
    }
    return evaluation->error == NULL;
}

gboolean search_ranking_score(SearchRanking *ranking, SearchEvaluation *evaluation,
                              const GArray *documents, double *ret_scores)
{
    evaluation->is_scoring = TRUE;
    for (guint i = 0; i < documents->len; i++)
        ret_scores[i] = 0;
    for (guint i = 0; i < ranking->leaves->len; i++)
        if (!add_leaf(&g_array_index(ranking->leaves, Leaf, i), evaluation, documents, ret_scores))
            return FALSE;
    return TRUE;
}
