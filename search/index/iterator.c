#include "search/index/iterator.h"

void *search_iterator_new(gsize len, const SearchIteratorKind *kind, SearchEvaluation *evaluation,
                          guint64 cost)
{
    SearchIterator *iterator = g_malloc0(len);

    iterator->kind = kind;
    iterator->evaluation = evaluation;
    iterator->cost = cost;
    return iterator;
}

void search_iterator_free(SearchIterator *iterator)
{
    if (iterator == NULL)
        return;
    if (iterator->kind->free != NULL)
        iterator->kind->free(iterator);
    g_free(iterator);
}

guint32 search_iterator_seek(SearchIterator *iterator, guint32 target)
{
    if (iterator->evaluation->error != NULL)
        return iterator->document = SEARCH_NO_DOCUMENT;
    if (iterator->is_begun && iterator->document >= target)
        return iterator->document;
    iterator->is_begun = TRUE;
    return iterator->document = iterator->kind->seek(iterator, target);
}

guint32 search_iterator_frequency(SearchIterator *iterator)
{
    return iterator->kind->frequency(iterator);
}

void search_iterator_positions(SearchIterator *iterator, GArray *positions)
{
    iterator->kind->positions(iterator, positions);
}

/* ---- a range --------------------------------------------------------------------------------- */

typedef struct {
    SearchIterator base;
    guint32 from, to;
} Range;

static guint32 range_seek(SearchIterator *iterator, guint32 target)
{
    const Range *range = (const Range *)iterator;
    guint32 document = MAX(target, range->from);

    return document < range->to ? document : SEARCH_NO_DOCUMENT;
}

/* What no document has in it is in none of them. */
static guint32 no_frequency(SearchIterator *iterator)
{
    return 0;
}

static void no_positions(SearchIterator *iterator, GArray *positions)
{
}

SearchIterator *search_iterator_range(SearchEvaluation *evaluation, guint32 from, guint32 to)
{
    static const SearchIteratorKind kind = {
        .seek = range_seek, .frequency = no_frequency, .positions = no_positions};
    Range *range = search_iterator_new(sizeof *range, &kind, evaluation, to > from ? to - from : 0);

    range->from = from;
    range->to = to;
    return &range->base;
}

/* ---- a test of each document ----------------------------------------------------------------- */

typedef struct {
    SearchIterator base;
    const SearchNode *node;
    SearchDocumentTest test;
} Filter;

static guint32 filter_seek(SearchIterator *iterator, guint32 target)
{
    const Filter *filter = (const Filter *)iterator;
    SearchEvaluation *evaluation = iterator->evaluation;

    for (; target < search_evaluation_count(evaluation) && evaluation->error == NULL; target++)
        if (filter->test(evaluation, filter->node, target))
            return target;
    return SEARCH_NO_DOCUMENT;
}

SearchIterator *search_iterator_filter(SearchEvaluation *evaluation, const SearchNode *node,
                                       SearchDocumentTest test)
{
    static const SearchIteratorKind kind = {.seek = filter_seek};
    Filter *filter =
        search_iterator_new(sizeof *filter, &kind, evaluation, search_evaluation_count(evaluation));

    filter->node = node;
    filter->test = test;
    return &filter->base;
}

/* ---- bits ------------------------------------------------------------------------------------ */

typedef struct {
    SearchIterator base;
    guint64 *bits;
} Bitmap;

guint64 *search_bitmap_new(const SearchEvaluation *evaluation)
{
    return g_new0(guint64, search_evaluation_count(evaluation) / 64 + 1);
}

static guint32 bitmap_seek(SearchIterator *iterator, guint32 target)
{
    const guint64 *bits = ((const Bitmap *)iterator)->bits;
    guint32 count = search_evaluation_count(iterator->evaluation);

    for (guint32 word = target / 64; word <= count / 64; word++) {
        guint64 left = bits[word];

        if (word == target / 64)
            left &= G_MAXUINT64 << target % 64;
        if (left != 0)
            return word * 64 + (guint32)__builtin_ctzll(left);
    }
    return SEARCH_NO_DOCUMENT;
}

static void bitmap_free(SearchIterator *iterator)
{
    g_free(((Bitmap *)iterator)->bits);
}

SearchIterator *search_iterator_bitmap(SearchEvaluation *evaluation, guint64 *bits)
{
    static const SearchIteratorKind kind = {.seek = bitmap_seek, .free = bitmap_free};
    guint64 cost = 0;
    Bitmap *bitmap;

    for (guint32 word = 0; word <= search_evaluation_count(evaluation) / 64; word++)
        cost += (guint64)__builtin_popcountll(bits[word]);
    bitmap = search_iterator_new(sizeof *bitmap, &kind, evaluation, cost);
    bitmap->bits = bits;
    return &bitmap->base;
}

/* ---- of several ------------------------------------------------------------------------------ */

typedef struct {
    SearchIterator base;
    GPtrArray *children; /* SearchIterator */
} Several;

static SearchIterator *child_of(const SearchIterator *iterator, guint i)
{
    return g_ptr_array_index(((const Several *)iterator)->children, i);
}

static guint count_of(const SearchIterator *iterator)
{
    return ((const Several *)iterator)->children->len;
}

static void several_free(SearchIterator *iterator)
{
    g_ptr_array_unref(((Several *)iterator)->children);
}

static guint32 and_seek(SearchIterator *iterator, guint32 target)
{
    guint fitting = 0;

    for (guint i = 0; fitting < count_of(iterator); i = (i + 1) % count_of(iterator)) {
        guint32 document = search_iterator_seek(child_of(iterator, i), target);

        if (document == SEARCH_NO_DOCUMENT)
            return document;
        fitting = document == target ? fitting + 1 : 1;
        target = document;
    }
    return target;
}

static gint compare_costs(gconstpointer a, gconstpointer b)
{
    guint64 left = (*(SearchIterator *const *)a)->cost, right = (*(SearchIterator *const *)b)->cost;

    return (left > right) - (left < right);
}

SearchIterator *search_iterator_and(SearchEvaluation *evaluation, GPtrArray *children)
{
    static const SearchIteratorKind kind = {.seek = and_seek, .free = several_free};
    Several *several;
    guint64 cost;

    if (children->len == 0) {
        g_ptr_array_unref(children);
        return search_iterator_range(evaluation, 0, search_evaluation_count(evaluation));
    }
    g_ptr_array_sort(children, compare_costs);
    cost = ((const SearchIterator *)g_ptr_array_index(children, 0))->cost;
    several = search_iterator_new(sizeof *several, &kind, evaluation, cost);
    several->children = children;
    return &several->base;
}

static guint32 or_seek(SearchIterator *iterator, guint32 target)
{
    guint32 first = SEARCH_NO_DOCUMENT;

    for (guint i = 0; i < count_of(iterator); i++)
        first = MIN(first, search_iterator_seek(child_of(iterator, i), target));
    return first;
}

static guint32 or_frequency(SearchIterator *iterator)
{
    guint32 frequency = 0;

    for (guint i = 0; i < count_of(iterator); i++)
        if (child_of(iterator, i)->document == iterator->document)
            frequency += search_iterator_frequency(child_of(iterator, i));
    return frequency;
}

/* Many children are gone through one after the other: side by side, each document would cost a look
 * at all of them. */
static SearchIterator *or_of_many(SearchEvaluation *evaluation, GPtrArray *children)
{
    guint64 *bits = search_bitmap_new(evaluation);

    for (guint i = 0; i < children->len; i++) {
        SearchIterator *child = g_ptr_array_index(children, i);

        for (guint32 next = 0; (next = search_iterator_seek(child, next)) != SEARCH_NO_DOCUMENT;
             next++)
            search_bitmap_set(bits, next);
    }
    g_ptr_array_unref(children);
    return search_iterator_bitmap(evaluation, bits);
}

SearchIterator *search_iterator_or(SearchEvaluation *evaluation, GPtrArray *children)
{
    static const SearchIteratorKind kind = {
        .seek = or_seek, .free = several_free, .frequency = or_frequency};
    Several *several;
    guint64 cost = 0;

    if (children->len > SEARCH_LISTS_MAX)
        return or_of_many(evaluation, children);
    for (guint i = 0; i < children->len; i++)
        cost += ((const SearchIterator *)g_ptr_array_index(children, i))->cost;
    several = search_iterator_new(sizeof *several, &kind, evaluation, cost);
    several->children = children;
    return &several->base;
}

static guint32 not_seek(SearchIterator *iterator, guint32 target)
{
    guint32 count = search_evaluation_count(iterator->evaluation);

    while (target < count && search_iterator_seek(child_of(iterator, 0), target) == target)
        target++;
    return target < count ? target : SEARCH_NO_DOCUMENT;
}

SearchIterator *search_iterator_not(SearchEvaluation *evaluation, SearchIterator *child)
{
    static const SearchIteratorKind kind = {.seek = not_seek, .free = several_free};
    Several *several = search_iterator_new(sizeof *several, &kind, evaluation,
                                           search_evaluation_count(evaluation));

    several->children = g_ptr_array_new_with_free_func((GDestroyNotify)search_iterator_free);
    g_ptr_array_add(several->children, child);
    return &several->base;
}
