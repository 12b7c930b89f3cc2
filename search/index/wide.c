/* Words that stand for very many lists (a prefix of one letter): the lists are gone through once,
 * one after the other, so that memory is a number for each document or for each place, however many
 * lists there are. */
#include "search/index/words.h"

#include <stdlib.h>

typedef gboolean (*Take)(gpointer user, SearchList *list, guint32 document, GError **error);

static void go_through(SearchEvaluation *evaluation, const GArray *lists, Take take, gpointer user)
{
    for (guint i = 0; i < lists->len && evaluation->error == NULL; i++) {
        g_autoptr(SearchList) list = search_list_open(
            evaluation->segment->blocks, &g_array_index(lists, SearchWordList, i).place,
            search_evaluation_count(evaluation), &evaluation->error);
        guint32 document = 0;

        for (; list != NULL; document++)
            if (!search_list_seek(list, document, &document, &evaluation->error) ||
                document == SEARCH_NO_DOCUMENT || !take(user, list, document, &evaluation->error))
                break;
    }
}

/* ---- documents ------------------------------------------------------------------------------- */

typedef struct {
    SearchIterator base;
    guint32 *counts;
} Counts;

static guint32 counts_seek(SearchIterator *iterator, guint32 target)
{
    const Counts *counts = (const Counts *)iterator;

    for (; target < search_evaluation_count(iterator->evaluation); target++)
        if (counts->counts[target] > 0)
            return target;
    return SEARCH_NO_DOCUMENT;
}

static guint32 counts_frequency(SearchIterator *iterator)
{
    return ((const Counts *)iterator)->counts[iterator->document];
}

static void counts_free(SearchIterator *iterator)
{
    g_free(((Counts *)iterator)->counts);
}

static gboolean count(gpointer user, SearchList *list, guint32 document, GError **error)
{
    ((guint32 *)user)[document] += search_list_frequency(list);
    return TRUE;
}

static gboolean set_bit(gpointer user, SearchList *list, guint32 document, GError **error)
{
    search_bitmap_set(user, document);
    return TRUE;
}

SearchIterator *search_iterator_wide(SearchEvaluation *evaluation, GArray *lists)
{
    static const SearchIteratorKind kind = {
        .seek = counts_seek, .free = counts_free, .frequency = counts_frequency};
    g_autoptr(GArray) owned = lists;
    Counts *counts;

    if (!evaluation->is_scoring) {
        guint64 *bits = search_bitmap_new(evaluation);

        go_through(evaluation, lists, set_bit, bits);
        return search_iterator_bitmap(evaluation, bits);
    }
    counts =
        search_iterator_new(sizeof *counts, &kind, evaluation, search_evaluation_count(evaluation));
    counts->counts = g_new0(guint32, (gsize)search_evaluation_count(evaluation) + 1);
    go_through(evaluation, lists, count, counts->counts);
    return &counts->base;
}

/* ---- places ---------------------------------------------------------------------------------- */

typedef struct {
    SearchIterator base;
    GArray *places; /* guint64: document and position, rising */
    guint at;       /* the first of the document found */
} Places;

static guint64 place_at(const Places *places, guint at)
{
    return g_array_index(places->places, guint64, at);
}

/* The first place that is not before this one, of those from `low` to before `high`. */
static guint find_place(const GArray *places, guint low, guint high, guint64 place)
{

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(places, guint64, middle) < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static guint32 places_seek(SearchIterator *iterator, guint32 target)
{
    Places *places = (Places *)iterator;

    places->at = find_place(places->places, places->at, places->places->len, (guint64)target << 32);
    return places->at < places->places->len ? (guint32)(place_at(places, places->at) >> 32)
                                            : SEARCH_NO_DOCUMENT;
}

static guint32 places_frequency(SearchIterator *iterator)
{
    const Places *places = (const Places *)iterator;

    return find_place(places->places, places->at, places->places->len,
                      (guint64)(iterator->document + 1) << 32) -
           places->at;
}

static void places_positions(SearchIterator *iterator, GArray *positions)
{
    const Places *places = (const Places *)iterator;
    guint32 frequency = places_frequency(iterator);

    for (guint i = 0; i < frequency; i++) {
        guint32 position = (guint32)place_at(places, places->at + i);

        g_array_append_val(positions, position);
    }
}

static void places_free(SearchIterator *iterator)
{
    g_array_unref(((Places *)iterator)->places);
}

/* What taking a list's documents fills: places, or, of a phrase, marks on those of its head. */
typedef struct {
    GArray *places;
    guint32 *firsts; /* of each document its first place, and behind the last one; NULL: no head */
    guint8 *is_followed; /* by place */
    guint distance;
    GArray *positions;
} Collection;

static void add_places(Collection *collection, guint32 document)
{
    guint count = collection->positions->len, at = collection->places->len;

    g_array_set_size(collection->places, at + count);
    for (guint i = 0; i < count; i++)
        g_array_index(collection->places, guint64, at + i) =
            (guint64)document << 32 | g_array_index(collection->positions, guint32, i);
}

static void mark(Collection *collection, guint32 document)
{
    guint at = collection->firsts[document], end = collection->firsts[document + 1];

    for (guint i = 0; i < collection->positions->len && at < end; i++) {
        guint32 position = g_array_index(collection->positions, guint32, i);
        guint64 start = (guint64)document << 32 | (position - collection->distance);

        if (position < collection->distance)
            continue;
        at = find_place(collection->places, at, end, start);
        if (at < end && g_array_index(collection->places, guint64, at) == start)
            collection->is_followed[at] = 1;
    }
}

static gboolean collect(gpointer user, SearchList *list, guint32 document, GError **error)
{
    Collection *collection = user;
    gboolean has_head = collection->firsts != NULL;

    if (has_head && collection->firsts[document] == collection->firsts[document + 1])
        return TRUE;
    g_array_set_size(collection->positions, 0);
    if (!search_list_positions(list, collection->positions, error))
        return FALSE;
    if (has_head)
        mark(collection, document);
    else
        add_places(collection, document);
    return TRUE;
}

static void collect_head(SearchEvaluation *evaluation, Collection *collection, SearchIterator *head)
{
    guint32 count = search_evaluation_count(evaluation), document = 0;

    collection->firsts = g_new0(guint32, (gsize)count + 1);
    for (guint32 next = 0; (next = search_iterator_seek(head, next)) != SEARCH_NO_DOCUMENT;
         next++) {
        while (document <= next)
            collection->firsts[document++] = collection->places->len;
        g_array_set_size(collection->positions, 0);
        search_iterator_positions(head, collection->positions);
        add_places(collection, next);
    }
    while (document <= count)
        collection->firsts[document++] = collection->places->len;
    collection->is_followed = g_malloc0((gsize)collection->places->len + 1);
}

static void keep_followed(Collection *collection)
{
    guint kept = 0;

    for (guint i = 0; i < collection->places->len; i++)
        if (collection->is_followed[i])
            g_array_index(collection->places, guint64, kept++) =
                g_array_index(collection->places, guint64, i);
    g_array_set_size(collection->places, kept);
}

static int compare_places(const void *a, const void *b)
{
    guint64 left = *(const guint64 *)a, right = *(const guint64 *)b;

    return (left > right) - (left < right);
}

SearchIterator *search_iterator_wide_phrase(SearchEvaluation *evaluation, SearchIterator *head,
                                            guint head_count, GArray *lists)
{
    static const SearchIteratorKind kind = {.seek = places_seek,
                                            .free = places_free,
                                            .frequency = places_frequency,
                                            .positions = places_positions};
    g_autoptr(GArray) owned = lists, positions = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autoptr(SearchIterator) owned_head = head;
    Collection collection = {.places = g_array_new(FALSE, FALSE, sizeof(guint64)),
                             .distance = head_count,
                             .positions = positions};
    Places *places;

    if (head != NULL)
        collect_head(evaluation, &collection, head);
    go_through(evaluation, lists, collect, &collection);
    if (head != NULL)
        keep_followed(&collection);
    else
        qsort(collection.places->data, collection.places->len, sizeof(guint64), compare_places);
    g_free(collection.is_followed);
    g_free(collection.firsts);
    places = search_iterator_new(sizeof *places, &kind, evaluation, collection.places->len);
    places->places = collection.places;
    return &places->base;
}
