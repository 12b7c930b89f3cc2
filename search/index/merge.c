/* Documents: a merge of rows that are sorted already, which gives each its new number. */
#include "search/index/merge_internal.h"

/* Of each file: they are gone through from front to back, in every section. */
#define HELD_MAX 256

typedef struct {
    guint32 document; /* the new one */
    SearchCopy copy;
} Resolved;

typedef struct {
    const GPtrArray *segments;
    SearchMergeSource *sources;
    GArray *resolved; /* Resolved */
} Merge;

static void clear(Merge *merge)
{
    for (guint i = 0; i < merge->segments->len; i++)
        g_free(merge->sources[i].numbers);
    g_free(merge->sources);
    g_array_unref(merge->resolved);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Merge, clear)

/* The next document of a source is looked at. */
static gboolean look(SearchMergeSource *source, GError **error)
{
    SearchSegment *segment = source->segment;

    if (source->next == segment->facts.document_count)
        return TRUE;
    return search_segment_id(segment, source->next, &source->head.id, error) &&
           search_segment_date(segment, source->next, &source->head.date_s, error);
}

static SearchMergeSource *newest(Merge *merge)
{
    SearchMergeSource *best = NULL;

    for (guint i = 0; i < merge->segments->len; i++) {
        SearchMergeSource *source = &merge->sources[i];

        if (source->next < source->segment->facts.document_count &&
            (best == NULL || search_document_compare(&source->head, &best->head) < 0))
            best = source;
    }
    return best;
}

static gboolean begin(Merge *merge, const GPtrArray *segments, GError **error)
{
    guint32 number = 0;

    for (guint i = 0; i < segments->len; i++) {
        SearchMergeSource *source = &merge->sources[i];

        source->segment = g_ptr_array_index(segments, i);
        search_blocks_limit_held(source->segment->blocks, HELD_MAX);
        source->numbers = g_new(guint32, (gsize)source->segment->facts.document_count + 1);
        if (!look(source, error))
            return FALSE;
    }
    for (SearchMergeSource *source; (source = newest(merge)) != NULL;) {
        source->numbers[source->next++] = number++;
        if (!look(source, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean whole_copy(SearchSegment *segment, const SearchCopyRow *row, SearchCopy *ret_copy,
                           GError **error)
{
    ret_copy->terms_id = row->terms_id;
    ret_copy->received_s = row->received_s;
    ret_copy->flags = row->flags;
    return search_segment_mailbox(segment, row->mailbox, &ret_copy->mailbox_id, error);
}

static const SearchMergeSource *source_of(const Merge *merge, guint64 number)
{
    for (guint i = 0; i < merge->segments->len; i++)
        if (merge->sources[i].segment->facts.number == number)
            return &merge->sources[i];
    return NULL;
}

static gboolean resolve(Merge *merge, SearchSegment *segment, const SearchStray *stray,
                        SearchSegmentWriter *writer, GError **error)
{
    const SearchMergeSource *target = source_of(merge, stray->segment);
    Resolved resolved = {.document = 0};

    if (!whole_copy(segment, &stray->copy, &resolved.copy, error))
        return FALSE;
    if (target == NULL)
        return search_segment_writer_add_stray(writer, stray->segment, stray->document,
                                               &resolved.copy, error);
    if (stray->document >= target->segment->facts.document_count) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "a copy in the case index has no document");
        return FALSE;
    }
    resolved.document = target->numbers[stray->document];
    g_array_append_val(merge->resolved, resolved);
    return TRUE;
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const Resolved *left = a, *right = b;

    if (left->document != right->document)
        return left->document < right->document ? -1 : 1;
    return memcmp(left->copy.terms_id.bytes, right->copy.terms_id.bytes, VAULT_ID_LEN);
}

static gboolean resolve_strays(Merge *merge, SearchSegmentWriter *writer, GError **error)
{
    for (guint i = 0; i < merge->segments->len; i++) {
        SearchSegment *segment = merge->sources[i].segment;

        for (guint32 row = 0; row < segment->facts.stray_count; row++) {
            SearchStray stray;

            if (!search_segment_stray(segment, row, &stray, error) ||
                !resolve(merge, segment, &stray, writer, error))
                return FALSE;
        }
    }
    g_array_sort(merge->resolved, compare);
    return TRUE;
}

static gboolean put_copies(SearchSegment *segment, guint32 document, SearchSegmentWriter *writer,
                           GError **error)
{
    guint64 row, end;

    if (!search_segment_column(segment, SEARCH_SECTION_FIRST_COPIES, document, &row, error) ||
        !search_segment_column(segment, SEARCH_SECTION_FIRST_COPIES, document + 1, &end, error))
        return FALSE;
    for (; row < end; row++) {
        SearchCopyRow stored;
        SearchCopy copy;

        if (!search_segment_copy(segment, (guint32)row, &stored, error) ||
            !whole_copy(segment, &stored, &copy, error) ||
            !search_segment_writer_add_copy(writer, &copy, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean put_document(SearchMergeSource *source, SearchCopies *copies,
                             SearchSegmentWriter *writer, GError **error)
{
    SearchSegment *segment = source->segment;
    SearchDocument document;
    const guint8 *summary;
    gsize summary_len;

    return search_segment_document(segment, source->next, &document, error) &&
           search_summaries_get(segment->summaries, source->next, &summary, &summary_len, error) &&
           search_segment_writer_add_document(writer, &document, summary, summary_len, error) &&
           put_copies(segment, source->next, writer, error) &&
           search_copies_write(copies, &document.id, writer, error);
}

/* Segments are gone through side by side: each summary is unpacked once. */
static gboolean put_documents(Merge *merge, SearchCopies *copies, SearchSegmentWriter *writer,
                              GError **error)
{
    guint at = 0;
    guint32 number = 0;

    for (guint i = 0; i < merge->segments->len; i++) {
        merge->sources[i].next = 0;
        if (!look(&merge->sources[i], error))
            return FALSE;
    }
    for (SearchMergeSource *source; (source = newest(merge)) != NULL; number++) {
        if (!put_document(source, copies, writer, error))
            return FALSE;
        for (; at < merge->resolved->len; at++) {
            const Resolved *resolved = &g_array_index(merge->resolved, Resolved, at);

            if (resolved->document != number)
                break;
            if (!search_segment_writer_add_copy(writer, &resolved->copy, error))
                return FALSE;
        }
        source->next++;
        if (!look(source, error))
            return FALSE;
    }
    return TRUE;
}

gboolean search_merge(const GPtrArray *segments, SearchCopies *copies, SearchSegmentWriter *writer,
                      GError **error)
{
    g_auto(Merge) merge = {.segments = segments,
                           .sources = g_new0(SearchMergeSource, segments->len + 1),
                           .resolved = g_array_new(FALSE, FALSE, sizeof(Resolved))};

    return begin(&merge, segments, error) && resolve_strays(&merge, writer, error) &&
           put_documents(&merge, copies, writer, error) &&
           search_merge_lists(merge.sources, segments->len, writer, error);
}
