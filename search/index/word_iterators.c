/* Lists side by side; words next to or near each other. */
#include "search/index/words.h"

/* ---- a word ---------------------------------------------------------------------------------- */

typedef struct {
    SearchList *list;
    gboolean is_begun;
    guint32 document; /* found; SEARCH_NO_DOCUMENT: there is none left */
} Member;

typedef struct {
    SearchIterator base;
    Member members[SEARCH_LISTS_MAX];
    guint count;
} Union;

static void union_free(SearchIterator *iterator)
{
    Union *row = (Union *)iterator;

    for (guint i = 0; i < row->count; i++)
        search_list_free(row->members[i].list);
}

static guint32 union_seek(SearchIterator *iterator, guint32 target)
{
    Union *row = (Union *)iterator;
    guint32 first = SEARCH_NO_DOCUMENT;

    for (guint i = 0; i < row->count; i++) {
        Member *member = &row->members[i];

        if ((!member->is_begun || member->document < target) &&
            !search_list_seek(member->list, target, &member->document,
                              &iterator->evaluation->error))
            return SEARCH_NO_DOCUMENT;
        member->is_begun = TRUE;
        first = MIN(first, member->document);
    }
    return first;
}

static guint32 union_frequency(SearchIterator *iterator)
{
    const Union *row = (const Union *)iterator;
    guint32 frequency = 0;

    for (guint i = 0; i < row->count; i++)
        if (row->members[i].document == iterator->document)
            frequency += search_list_frequency(row->members[i].list);
    return frequency;
}

static gint compare_positions(gconstpointer a, gconstpointer b)
{
    guint32 left = *(const guint32 *)a, right = *(const guint32 *)b;

    return (left > right) - (left < right);
}

static void union_positions(SearchIterator *iterator, GArray *positions)
{
    const Union *row = (const Union *)iterator;
    guint lists = 0;

    for (guint i = 0; i < row->count; i++) {
        if (row->members[i].document != iterator->document)
            continue;
        if (!search_list_positions(row->members[i].list, positions, &iterator->evaluation->error))
            return;
        lists++;
    }
    if (lists > 1)
        g_array_sort(positions, compare_positions);
}

SearchIterator *search_iterator_union(SearchEvaluation *evaluation, GArray *lists)
{
    static const SearchIteratorKind kind = {.seek = union_seek,
                                            .free = union_free,
                                            .frequency = union_frequency,
                                            .positions = union_positions};
    g_autoptr(GArray) owned = lists;
    guint64 cost = 0;
    Union *row;

    g_assert(lists->len <= SEARCH_LISTS_MAX);
    for (guint i = 0; i < lists->len; i++)
        cost += g_array_index(lists, SearchWordList, i).place.document_count;
    row = search_iterator_new(sizeof *row, &kind, evaluation, cost);
    for (guint i = 0; i < lists->len && evaluation->error == NULL; i++) {
        row->members[i].list = search_list_open(
            evaluation->segment->blocks, &g_array_index(lists, SearchWordList, i).place,
            search_evaluation_count(evaluation), &evaluation->error);
        row->count = i + 1;
    }
    return &row->base;
}

/* ---- words next to, or near each other ------------------------------------------------------- */

typedef struct {
    SearchIterator base;
    GPtrArray *children; /* SearchIterator, in the order of the words */
    SearchIterator *all; /* of all of them; borrows them */
    GArray *starts;      /* guint32: where they are, in the document found */
    GArray *here;
    guint lens[2]; /* near: words of each side */
    guint32 distance;
} Row;

static void row_free(SearchIterator *iterator)
{
    Row *row = (Row *)iterator;

    search_iterator_free(row->all);
    g_ptr_array_unref(row->children);
    g_array_unref(row->starts);
    g_array_unref(row->here);
}

static guint32 row_frequency(SearchIterator *iterator)
{
    return ((const Row *)iterator)->starts->len;
}

static void row_positions(SearchIterator *iterator, GArray *positions)
{
    const Row *row = (const Row *)iterator;

    g_array_append_vals(positions, row->starts->data, row->starts->len);
}

static const guint32 *numbers_of(const GArray *array)
{
    return (const guint32 *)(const void *)array->data;
}

static void load_positions(const Row *row, guint child, GArray *positions)
{
    g_array_set_size(positions, 0);
    search_iterator_positions(g_ptr_array_index(row->children, child), positions);
}

/* Keeps the starts that have a position `distance` behind them. */
static void keep_followed(GArray *starts, const GArray *here, guint32 distance)
{
    guint kept = 0, at = 0;

    for (guint i = 0; i < starts->len; i++) {
        guint32 start = numbers_of(starts)[i];

        while (at < here->len && numbers_of(here)[at] < (guint64)start + distance)
            at++;
        if (at < here->len && numbers_of(here)[at] == (guint64)start + distance)
            g_array_index(starts, guint32, kept++) = start;
    }
    g_array_set_size(starts, kept);
}

static void find_phrase(Row *row)
{
    load_positions(row, 0, row->starts);
    for (guint i = 1; i < row->children->len && row->starts->len > 0; i++) {
        load_positions(row, i, row->here);
        keep_followed(row->starts, row->here, i);
    }
}

/* How many are below the limit. */
static guint count_below(const GArray *positions, guint64 limit)
{
    guint low = 0, high = positions->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (numbers_of(positions)[middle] < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether one of the others begins at most `distance` words behind, or ends as many before. */
static gboolean is_near(const Row *row, guint32 start)
{
    guint64 end = (guint64)start + row->lens[0];
    guint after = count_below(row->here, end);
    guint before = start >= row->lens[1] ? count_below(row->here, start - row->lens[1] + 1) : 0;

    if (after < row->here->len && numbers_of(row->here)[after] - end <= row->distance)
        return TRUE;
    return before > 0 && start - row->lens[1] - numbers_of(row->here)[before - 1] <= row->distance;
}

static void find_near(Row *row)
{
    guint kept = 0;

    load_positions(row, 0, row->starts);
    load_positions(row, 1, row->here);
    for (guint i = 0; i < row->starts->len; i++) {
        guint32 start = numbers_of(row->starts)[i];

        if (is_near(row, start))
            g_array_index(row->starts, guint32, kept++) = start;
    }
    g_array_set_size(row->starts, kept);
}

static guint32 row_seek(SearchIterator *iterator, guint32 target)
{
    Row *row = (Row *)iterator;
    guint32 document;

    while ((document = search_iterator_seek(row->all, target)) != SEARCH_NO_DOCUMENT) {
        if (row->lens[0] > 0)
            find_near(row);
        else
            find_phrase(row);
        if (row->starts->len > 0)
            return document;
        target = document + 1;
    }
    return SEARCH_NO_DOCUMENT;
}

SearchIterator *search_iterator_phrase(SearchEvaluation *evaluation, GPtrArray *children)
{
    static const SearchIteratorKind kind = {
        .seek = row_seek, .free = row_free, .frequency = row_frequency, .positions = row_positions};
    g_autoptr(GPtrArray) borrowed = g_ptr_array_new();
    Row *row = search_iterator_new(sizeof *row, &kind, evaluation, 0);

    for (guint i = 0; i < children->len; i++)
        g_ptr_array_add(borrowed, g_ptr_array_index(children, i));
    row->children = children;
    row->all = search_iterator_and(evaluation, g_steal_pointer(&borrowed));
    row->base.cost = row->all->cost;
    row->starts = g_array_new(FALSE, FALSE, sizeof(guint32));
    row->here = g_array_new(FALSE, FALSE, sizeof(guint32));
    return &row->base;
}

SearchIterator *search_iterator_near(SearchEvaluation *evaluation, const SearchNearSide sides[2],
                                     guint32 distance)
{
    GPtrArray *children = g_ptr_array_new_with_free_func((GDestroyNotify)search_iterator_free);
    Row *row;

    g_ptr_array_add(children, sides[0].child);
    g_ptr_array_add(children, sides[1].child);
    row = (Row *)search_iterator_phrase(evaluation, children);
    row->lens[0] = sides[0].word_count;
    row->lens[1] = sides[1].word_count;
    row->distance = distance;
    return &row->base;
}
