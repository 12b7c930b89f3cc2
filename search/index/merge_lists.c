/* Lists: the dictionaries side by side; the lists of one term side by side. */
#include "search/index/merge_internal.h"

typedef struct {
    SearchMergeSource *source;
    SearchDictionaryCursor cursor;
    gboolean is_end;
    /* While its term is the one at hand: */
    SearchList *list;
    guint32 document, number; /* in the source, and the new one; SEARCH_NO_DOCUMENT: none left */
} Row;

typedef struct {
    Row *rows;
    guint count;
    GPtrArray *open; /* Row, those with the term at hand */
    GArray *positions;
} Lists;

static void clear(Lists *lists)
{
    for (guint i = 0; i < lists->count; i++)
        search_list_free(lists->rows[i].list);
    g_free(lists->rows);
    g_ptr_array_unref(lists->open);
    g_array_unref(lists->positions);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lists, clear)

static gboolean begin(Lists *lists, SearchMergeSource *sources, GError **error)
{
    for (guint i = 0; i < lists->count; i++) {
        Row *row = &lists->rows[i];

        row->source = &sources[i];
        if (!search_dictionary_seek(sources[i].segment->dictionary, "", 0, &row->cursor,
                                    &row->is_end, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean move_on(Row *row, GError **error)
{
    guint32 target = row->document == SEARCH_NO_DOCUMENT ? 0 : row->document + 1;

    if (!search_list_seek(row->list, target, &row->document, error))
        return FALSE;
    row->number = row->document == SEARCH_NO_DOCUMENT ? SEARCH_NO_DOCUMENT
                                                      : row->source->numbers[row->document];
    return TRUE;
}

static gboolean open_list(Row *row, GError **error)
{
    row->list = search_list_open(row->source->segment->blocks, &row->cursor.entry.list,
                                 row->source->segment->facts.document_count, error);
    row->document = SEARCH_NO_DOCUMENT;
    return row->list != NULL && move_on(row, error);
}

/* The rows whose entry is the first of all. */
static gboolean open_first(Lists *lists, GError **error)
{
    const SearchEntry *first = NULL;

    g_ptr_array_set_size(lists->open, 0);
    for (guint i = 0; i < lists->count; i++) {
        const SearchEntry *entry = &lists->rows[i].cursor.entry;
        int order = 0;

        if (lists->rows[i].is_end)
            continue;
        if (first != NULL)
            order = search_entry_compare(entry->term, entry->len, entry->field, first);
        if (first == NULL || order < 0) {
            g_ptr_array_set_size(lists->open, 0);
            first = entry;
        }
        if (order <= 0)
            g_ptr_array_add(lists->open, &lists->rows[i]);
    }
    for (guint i = 0; i < lists->open->len; i++)
        if (!open_list(g_ptr_array_index(lists->open, i), error))
            return FALSE;
    return TRUE;
}

static Row *first_row(const Lists *lists)
{
    Row *first = g_ptr_array_index(lists->open, 0);

    for (guint i = 1; i < lists->open->len; i++) {
        Row *row = g_ptr_array_index(lists->open, i);

        if (row->number < first->number)
            first = row;
    }
    return first;
}

static gboolean put_list(Lists *lists, SearchListWriter *writer, GError **error)
{
    for (Row *row; (row = first_row(lists))->number != SEARCH_NO_DOCUMENT;) {
        g_array_set_size(lists->positions, 0);
        if (!search_list_positions(row->list, lists->positions, error) ||
            !search_list_writer_add(writer, row->number,
                                    (const guint32 *)(void *)lists->positions->data,
                                    lists->positions->len, error) ||
            !move_on(row, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean close_lists(Lists *lists, GError **error)
{
    for (guint i = 0; i < lists->open->len; i++) {
        Row *row = g_ptr_array_index(lists->open, i);

        g_clear_pointer(&row->list, search_list_free);
        if (!search_dictionary_next(&row->cursor, &row->is_end, error))
            return FALSE;
    }
    return TRUE;
}

gboolean search_merge_lists(SearchMergeSource *sources, guint count, SearchSegmentWriter *writer,
                            GError **error)
{
    g_auto(Lists) lists = {.rows = g_new0(Row, (gsize)count + 1),
                           .count = count,
                           .open = g_ptr_array_new(),
                           .positions = g_array_new(FALSE, FALSE, sizeof(guint32))};

    if (!begin(&lists, sources, error))
        return FALSE;
    for (;;) {
        const SearchEntry *entry;

        if (!open_first(&lists, error))
            return FALSE;
        if (lists.open->len == 0)
            return TRUE;
        if (!put_list(&lists, search_segment_writer_list(writer), error))
            return FALSE;
        entry = &((Row *)g_ptr_array_index(lists.open, 0))->cursor.entry;
        if (!search_segment_writer_end_list(writer, entry->term, entry->len, entry->field, error) ||
            !close_lists(&lists, error))
            return FALSE;
    }
}
