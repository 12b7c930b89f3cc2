#include "search/index/folder.h"
#include "search/index/index_internal.h"

SearchIndex *search_index_of_segments(GPtrArray *segments, GError **error)
{
    SearchIndex *index = g_new0(SearchIndex, 1);
    guint64 count = 0;

    index->segments = segments;
    for (guint i = 0; i < segments->len; i++) {
        SearchSegment *segment = g_ptr_array_index(segments, i);

        segment->base = (guint32)count;
        count += segment->facts.document_count;
        if (count >= G_MAXUINT32) {
            g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                                "the case index says that it holds over four billion messages");
            search_index_free(index);
            return NULL;
        }
    }
    index->document_count = (guint32)count;
    return index;
}

SearchIndex *search_index_open(const char *folder, const SearchIndexKey *key, GError **error)
{
    GPtrArray *segments = search_folder_open(folder, key, error);

    return segments != NULL ? search_index_of_segments(segments, error) : NULL;
}

void search_index_free(SearchIndex *index)
{
    if (index == NULL)
        return;
    g_ptr_array_unref(index->segments);
    search_id_table_free(index->bodies);
    search_id_table_free(index->copies);
    g_free(index);
}

guint32 search_index_document_count(const SearchIndex *index)
{
    return index->document_count;
}

SearchSegment *search_index_segment_of(const SearchIndex *index, guint32 document)
{
    for (guint i = 0; i < index->segments->len; i++) {
        SearchSegment *segment = g_ptr_array_index(index->segments, i);

        if (document >= segment->base && document - segment->base < segment->facts.document_count)
            return segment;
    }
    return NULL;
}

static gboolean load_bodies(SearchIndex *index, GError **error)
{
    g_autoptr(SearchIdTable) table = NULL;
    RecordId id;

    if (index->bodies != NULL)
        return TRUE;
    table = search_id_table_new(index->document_count);
    for (guint i = 0; i < index->segments->len; i++) {
        SearchSegment *segment = g_ptr_array_index(index->segments, i);

        for (guint32 row = 0; row < segment->facts.document_count; row++) {
            if (!search_segment_id(segment, row, &id, error))
                return FALSE;
            search_id_table_add(table, &id, segment->base + row);
        }
    }
    index->bodies = g_steal_pointer(&table);
    return TRUE;
}

static gboolean load_segment_copies(SearchSegment *segment, SearchIdTable *table, GError **error)
{
    for (guint32 row = 0; row < segment->facts.copy_count; row++) {
        SearchCopyRow copy;

        if (!search_segment_copy(segment, row, &copy, error))
            return FALSE;
        search_id_table_add(table, &copy.terms_id, 0);
    }
    for (guint32 row = 0; row < segment->facts.stray_count; row++) {
        SearchStray stray;

        if (!search_segment_stray(segment, row, &stray, error))
            return FALSE;
        search_id_table_add(table, &stray.copy.terms_id, 0);
    }
    return TRUE;
}

static gboolean load_copies(SearchIndex *index, GError **error)
{
    g_autoptr(SearchIdTable) table = NULL;

    if (index->copies != NULL)
        return TRUE;
    table = search_id_table_new(index->document_count);
    for (guint i = 0; i < index->segments->len; i++)
        if (!load_segment_copies(g_ptr_array_index(index->segments, i), table, error))
            return FALSE;
    index->copies = g_steal_pointer(&table);
    return TRUE;
}

gboolean search_index_load_ids(SearchIndex *index, GError **error)
{
    return load_bodies(index, error) && load_copies(index, error);
}

gboolean search_index_has_body(const SearchIndex *index, const RecordId *body_id)
{
    guint32 document;

    return search_id_table_find(index->bodies, body_id, &document);
}

gboolean search_index_has_copy(const SearchIndex *index, const RecordId *terms_id)
{
    guint32 number;

    return search_id_table_find(index->copies, terms_id, &number);
}

GBytes *search_index_position(const SearchIndex *index)
{
    const SearchSegment *last;

    if (index->segments->len == 0)
        return g_bytes_new(NULL, 0);
    last = g_ptr_array_index(index->segments, index->segments->len - 1);
    return g_bytes_new(last->facts.position, last->facts.position_len);
}

static SearchSegment *must_segment_of(const SearchIndex *index, guint32 document, GError **error)
{
    SearchSegment *segment = search_index_segment_of(index, document);

    if (segment == NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "the case index has no document %u: search again", document);
    return segment;
}

IngestSummary *search_index_summary(SearchIndex *index, guint32 document, GError **error)
{
    SearchSegment *segment = must_segment_of(index, document, error);
    IngestSummary *summary;
    const guint8 *bytes;
    gsize len;
    guint64 marks, size;

    if (segment == NULL ||
        !search_summaries_get(segment->summaries, document - segment->base, &bytes, &len, error))
        return NULL;
    summary = search_summary_parse(bytes, len, error);
    if (summary == NULL)
        return NULL;
    if (!search_segment_column(segment, SEARCH_SECTION_MARKS, document - segment->base, &marks,
                               error) ||
        !search_segment_column(segment, SEARCH_SECTION_SIZES, document - segment->base, &size,
                               error)) {
        ingest_summary_free(summary);
        return NULL;
    }
    summary->marks = (guint32)marks;
    summary->message_len = size;
    return summary;
}

/* Strays are sorted: the first one of this document, or of a later one. */
static gboolean find_stray(SearchSegment *holder, guint64 number, guint32 document,
                           guint32 *ret_row, GError **error)
{
    guint32 low = 0, high = holder->facts.stray_count;

    while (low < high) {
        guint32 middle = low + (high - low) / 2;
        SearchStray stray;

        if (!search_segment_stray(holder, middle, &stray, error))
            return FALSE;
        if (stray.segment < number || (stray.segment == number && stray.document < document))
            low = middle + 1;
        else
            high = middle;
    }
    *ret_row = low;
    return TRUE;
}

static gboolean visit_holder(SearchSegment *holder, const SearchSegment *segment, guint32 from,
                             guint32 to, SearchStrayVisit visit, gpointer user, GError **error)
{
    guint32 row;

    if (!find_stray(holder, segment->facts.number, from, &row, error))
        return FALSE;
    for (; row < holder->facts.stray_count; row++) {
        SearchStray stray;

        if (!search_segment_stray(holder, row, &stray, error))
            return FALSE;
        if (stray.segment != segment->facts.number || stray.document >= to)
            return TRUE;
        if (!visit(user, holder, &stray, error))
            return FALSE;
    }
    return TRUE;
}

gboolean search_index_visit_strays(const SearchIndex *index, const SearchSegment *segment,
                                   guint32 from, guint32 to, SearchStrayVisit visit, gpointer user,
                                   GError **error)
{
    for (guint i = 0; i < index->segments->len; i++)
        if (!visit_holder(g_ptr_array_index(index->segments, i), segment, from, to, visit, user,
                          error))
            return FALSE;
    return TRUE;
}

typedef struct {
    GArray *copies; /* SearchCopy */
    guint32 document;
    RecordId body_id;
} Wanted;

static gboolean add_copy(const Wanted *wanted, SearchSegment *holder, const SearchCopyRow *row,
                         GError **error)
{
    SearchCopy copy = {.terms_id = row->terms_id,
                       .body_id = wanted->body_id,
                       .received_s = row->received_s,
                       .flags = row->flags};

    if (!search_segment_mailbox(holder, row->mailbox, &copy.mailbox_id, error))
        return FALSE;
    g_array_append_val(wanted->copies, copy);
    return TRUE;
}

static gboolean add_stray(gpointer user, SearchSegment *holder, const SearchStray *stray,
                          GError **error)
{
    return add_copy(user, holder, &stray->copy, error);
}

static gboolean add_own_copies(const Wanted *wanted, SearchSegment *segment, GError **error)
{
    guint64 row, end;

    if (!search_segment_column(segment, SEARCH_SECTION_FIRST_COPIES, wanted->document, &row,
                               error) ||
        !search_segment_column(segment, SEARCH_SECTION_FIRST_COPIES, wanted->document + 1, &end,
                               error))
        return FALSE;
    for (; row < end; row++) {
        SearchCopyRow copy;

        if (!search_segment_copy(segment, (guint32)row, &copy, error) ||
            !add_copy(wanted, segment, &copy, error))
            return FALSE;
    }
    return TRUE;
}

static gint compare_copies(gconstpointer a, gconstpointer b)
{
    return memcmp(((const SearchCopy *)a)->terms_id.bytes, ((const SearchCopy *)b)->terms_id.bytes,
                  VAULT_ID_LEN);
}

GArray *search_index_copies(SearchIndex *index, guint32 document, GError **error)
{
    g_autoptr(GArray) copies = g_array_new(FALSE, FALSE, sizeof(SearchCopy));
    SearchSegment *segment = must_segment_of(index, document, error);
    Wanted wanted = {.copies = copies};

    if (segment == NULL)
        return NULL;
    wanted.document = document - segment->base;
    if (!search_segment_id(segment, wanted.document, &wanted.body_id, error) ||
        !add_own_copies(&wanted, segment, error) ||
        !search_index_visit_strays(index, segment, wanted.document, wanted.document + 1, add_stray,
                                   &wanted, error))
        return NULL;
    g_array_sort(copies, compare_copies);
    return g_steal_pointer(&copies);
}
