/* The writer: a scan's threads each fill a builder; full ones become drafts; commit makes one
 * segment of them all, and of the last segments where those are small beside it. */
#include "search/index/builder.h"
#include "search/index/folder.h"
#include "search/index/index_internal.h"
#include "search/index/merge.h"
#include "search/index/writer_internal.h"

#include <glib/gstdio.h>

/* Of all builders together; a builder is written when it has its share. */
#define MEMORY_LEN_MAX (128u << 20)
/* A segment is merged with what follows it once that is a quarter of it: so there are few, and each
 * message is merged few times. */
#define MERGE_RATIO 4

struct SearchIndexWriter {
    char *folder; /* NULL: in memory */
    VaultFd lock;
    SearchIndexKey key;
    SearchIndex *index; /* what there is already */
    GMutex mutex;       /* guards what follows */
    GPtrArray *idle;    /* SearchBuilder, those that no thread is filling */
    guint builder_count;
    GPtrArray *drafts;     /* SearchSegment */
    SearchIdTable *bodies; /* of this scan */
    SearchIdTable *known;  /* copies of this scan */
    SearchCopies *copies;
    SearchIndexTuning tuning;
    gboolean is_committed;
};

static gboolean open_folder(SearchIndexWriter *writer, GError **error)
{
    if (writer->folder == NULL) {
        writer->index = search_index_of_segments(
            g_ptr_array_new_with_free_func((GDestroyNotify)search_segment_free), error);
        return writer->index != NULL;
    }
    writer->lock = search_folder_lock(writer->folder, error);
    if (writer->lock < 0)
        return FALSE;
    writer->index = search_index_open(writer->folder, &writer->key, error);
    if (writer->index == NULL)
        return FALSE;
    for (guint i = 0; i < writer->index->segments->len; i++) {
        const SearchFacts *facts =
            &((SearchSegment *)g_ptr_array_index(writer->index->segments, i))->facts;

        /* Left over where the last writer was stopped right after a merge. */
        if (!search_folder_remove(writer->folder, facts->replaces_from, facts->number, error))
            return FALSE;
    }
    return TRUE;
}

SearchIndexWriter *search_index_writer_begin(const char *folder, const SearchIndexKey *key,
                                             GError **error)
{
    g_autoptr(SearchIndexWriter) writer = g_new0(SearchIndexWriter, 1);

    writer->folder = g_strdup(folder);
    writer->lock = -1;
    writer->tuning =
        (SearchIndexTuning){.memory_len_max = MEMORY_LEN_MAX, .merge_ratio = MERGE_RATIO};
    g_mutex_init(&writer->mutex);
    if (key != NULL)
        writer->key = *key;
    else
        vault_random(writer->key.bytes, sizeof writer->key.bytes);
    writer->idle = g_ptr_array_new_with_free_func((GDestroyNotify)search_builder_free);
    writer->drafts = g_ptr_array_new_with_free_func((GDestroyNotify)search_segment_free);
    writer->bodies = search_id_table_new(0);
    writer->known = search_id_table_new(0);
    writer->copies = search_copies_new();
    if (!open_folder(writer, error) || !search_index_load_ids(writer->index, error))
        return NULL;
    return g_steal_pointer(&writer);
}

void search_index_writer_free(SearchIndexWriter *writer)
{
    if (writer == NULL)
        return;
    g_ptr_array_unref(writer->idle);
    g_ptr_array_unref(writer->drafts);
    search_id_table_free(writer->bodies);
    search_id_table_free(writer->known);
    search_copies_free(writer->copies);
    search_index_free(writer->index);
    search_index_key_wipe(&writer->key);
    vault_fd_close(&writer->lock);
    g_mutex_clear(&writer->mutex);
    g_free(writer->folder);
    g_free(writer);
}

void search_index_writer_tune(SearchIndexWriter *writer, const SearchIndexTuning *tuning)
{
    writer->tuning = *tuning;
}

/* Takes note of the copy; TRUE when its message is new, too, and comes with its terms. */
static gboolean note(SearchIndexWriter *writer, const SearchCopy *copy, gboolean has_terms)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&writer->mutex);
    guint32 number;

    if (!search_id_table_find(writer->index->copies, &copy->terms_id, &number) &&
        search_id_table_add(writer->known, &copy->terms_id, 0))
        search_copies_add(writer->copies, copy);
    return has_terms && !search_id_table_find(writer->index->bodies, &copy->body_id, &number) &&
           search_id_table_add(writer->bodies, &copy->body_id, 0);
}

static SearchBuilder *take_builder(SearchIndexWriter *writer)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&writer->mutex);

    if (writer->idle->len > 0)
        return g_ptr_array_steal_index_fast(writer->idle, writer->idle->len - 1);
    writer->builder_count++;
    return search_builder_new();
}

/* TRUE: it is full, and stays with the caller. */
static gboolean give_back(SearchIndexWriter *writer, SearchBuilder *builder)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&writer->mutex);

    if (search_builder_len(builder) >= writer->tuning.memory_len_max / writer->builder_count) {
        writer->builder_count--;
        return TRUE;
    }
    g_ptr_array_add(writer->idle, builder);
    return FALSE;
}

static gboolean write_draft(SearchIndexWriter *writer, SearchBuilder *builder, int fd,
                            const char *path, GError **error)
{
    g_autoptr(SearchSegmentWriter) segment =
        search_segment_writer_begin(fd, path, &writer->key, error);
    SearchFacts facts = {.number = 0};

    return segment != NULL && search_builder_write(builder, NULL, segment, error) &&
           search_segment_writer_finish(segment, &facts, error);
}

/* What was written, open; a draft needs no name any more. */
static SearchSegment *open_draft(SearchIndexWriter *writer, VaultFd *fd, const char *path,
                                 GError **error)
{
    int taken = *fd;

    *fd = -1;
    return search_segment_open(taken, path, &writer->key, error);
}

static void remove_draft(const SearchIndexWriter *writer, const char *path)
{
    if (writer->folder != NULL)
        g_unlink(path);
}

static gboolean add_draft(SearchIndexWriter *writer, SearchBuilder *builder, GError **error)
{
    g_autofree char *path = NULL;
    g_auto(VaultFd) fd = search_folder_draft(writer->folder, &path, error);
    SearchSegment *draft = NULL;

    if (fd < 0)
        return FALSE;
    if (write_draft(writer, builder, fd, path, error))
        draft = open_draft(writer, &fd, path, error);
    remove_draft(writer, path);
    if (draft == NULL)
        return FALSE;
    g_mutex_lock(&writer->mutex);
    g_ptr_array_add(writer->drafts, draft);
    g_mutex_unlock(&writer->mutex);
    return TRUE;
}

gboolean search_index_writer_add(SearchIndexWriter *writer, const SearchCopy *copy,
                                 const IngestTerms *terms, GError **error)
{
    SearchBuilder *builder;
    gboolean is_written;

    if (!note(writer, copy, terms != NULL))
        return TRUE;
    builder = take_builder(writer);
    search_builder_add(builder, &copy->body_id, copy->received_s, terms);
    if (!give_back(writer, builder))
        return TRUE;
    is_written = add_draft(writer, builder, error);
    search_builder_free(builder);
    return is_written;
}

/* ---- commit ---------------------------------------------------------------------------------- */

static guint64 len_of(const GPtrArray *segments)
{
    guint64 len = 0;

    for (guint i = 0; i < segments->len; i++)
        len += search_blocks_file_len(((SearchSegment *)g_ptr_array_index(segments, i))->blocks);
    return len;
}

/* How many of the segments that there are stay as they are. */
static guint kept_count(const SearchIndexWriter *writer)
{
    guint64 len = len_of(writer->drafts) + SEARCH_SECTIONS_END * SEARCH_BLOCK_LEN;
    guint kept = writer->index->segments->len;

    for (guint i = 0; i < writer->idle->len; i++)
        len += search_builder_written_len(g_ptr_array_index(writer->idle, i));
    while (kept > 0) {
        SearchSegment *segment = g_ptr_array_index(writer->index->segments, kept - 1);
        guint64 segment_len = search_blocks_file_len(segment->blocks);

        if (segment_len > writer->tuning.merge_ratio * len)
            break;
        len += segment_len;
        kept--;
    }
    return kept;
}

static void set_facts(const SearchIndexWriter *writer, guint kept, SearchFacts *facts)
{
    const GPtrArray *segments = writer->index->segments;
    const SearchSegment *last =
        segments->len > 0 ? g_ptr_array_index(segments, segments->len - 1) : NULL;

    facts->number = last != NULL ? last->facts.number + 1 : 1;
    facts->replaces_from = facts->number;
    if (kept < segments->len)
        facts->replaces_from =
            ((SearchSegment *)g_ptr_array_index(segments, kept))->facts.replaces_from;
    if (kept > 0)
        facts->predecessor = *search_blocks_file_id(
            ((SearchSegment *)g_ptr_array_index(segments, kept - 1))->blocks);
}

static gboolean find_document(gpointer user, const RecordId *body_id, guint64 *ret_segment,
                              guint32 *ret_document)
{
    const SearchIndex *index = user;
    const SearchSegment *segment;
    guint32 document;

    if (!search_id_table_find(index->bodies, body_id, &document))
        return FALSE;
    segment = search_index_segment_of(index, document);
    *ret_segment = segment->facts.number;
    *ret_document = document - segment->base;
    return TRUE;
}

/* What the threads collected becomes one: together it is less than a draft may be, and turning it
 * round once is less work than merging what was written. NULL: they collected nothing. */
static SearchBuilder *take_all(SearchIndexWriter *writer)
{
    SearchBuilder *all = NULL;

    while (writer->idle->len > 0) {
        SearchBuilder *builder = g_ptr_array_steal_index_fast(writer->idle, writer->idle->len - 1);

        if (all == NULL)
            all = builder;
        else
            search_builder_absorb(all, builder);
    }
    return all;
}

static gboolean put_documents(SearchIndexWriter *writer, guint kept, SearchSegmentWriter *segment,
                              GError **error)
{
    g_autoptr(GPtrArray) sources = g_ptr_array_new();
    g_autoptr(SearchBuilder) builder = take_all(writer);

    /* Nothing to merge it with: it is written as it is. */
    if (writer->drafts->len == 0 && kept == writer->index->segments->len)
        return builder == NULL || search_builder_write(builder, writer->copies, segment, error);
    if (builder != NULL && !add_draft(writer, builder, error))
        return FALSE;
    g_clear_pointer(&builder, search_builder_free);
    for (guint i = kept; i < writer->index->segments->len; i++)
        g_ptr_array_add(sources, g_ptr_array_index(writer->index->segments, i));
    for (guint i = 0; i < writer->drafts->len; i++)
        g_ptr_array_add(sources, g_ptr_array_index(writer->drafts, i));
    return search_merge(sources, writer->copies, segment, error);
}

static gboolean write_segment(SearchIndexWriter *writer, guint kept, SearchFacts *facts, int fd,
                              const char *path, GError **error)
{
    g_autoptr(SearchSegmentWriter) segment =
        search_segment_writer_begin(fd, path, &writer->key, error);

    return segment != NULL && put_documents(writer, kept, segment, error) &&
           search_copies_write_strays(writer->copies, find_document, writer->index, segment,
                                      error) &&
           search_segment_writer_finish(segment, facts, error);
}

static gboolean publish(SearchIndexWriter *writer, const SearchFacts *facts, int fd,
                        const char *path, GError **error)
{
    return writer->folder == NULL ||
           (vault_file_sync(fd, path, error) &&
            search_folder_name(writer->folder, path, facts->number, error) &&
            search_folder_remove(writer->folder, facts->replaces_from, facts->number, error));
}

gboolean search_index_writer_commit(SearchIndexWriter *writer, const void *position,
                                    gsize position_len, GError **error)
{
    guint kept = kept_count(writer);
    SearchFacts facts = {.position_len = (guint8)position_len};
    g_autofree char *path = NULL;
    g_auto(VaultFd) fd = -1;

    g_assert(position_len <= SEARCH_POSITION_LEN_MAX && !writer->is_committed);
    writer->is_committed = TRUE;
    if (position_len > 0)
        memcpy(facts.position, position, position_len);
    set_facts(writer, kept, &facts);
    fd = search_folder_draft(writer->folder, &path, error);
    if (fd < 0)
        return FALSE;
    if (!write_segment(writer, kept, &facts, fd, path, error) ||
        !publish(writer, &facts, fd, path, error)) {
        remove_draft(writer, path);
        return FALSE;
    }
    if (writer->folder == NULL) {
        SearchSegment *segment = open_draft(writer, &fd, path, error);

        if (segment == NULL)
            return FALSE;
        g_ptr_array_add(writer->index->segments, segment);
    }
    return TRUE;
}

SearchIndex *search_index_of_writer(SearchIndexWriter *writer, GError **error)
{
    GPtrArray *segments = g_ptr_array_ref(writer->index->segments);

    g_assert(writer->is_committed && writer->folder == NULL);
    search_index_writer_free(writer);
    return search_index_of_segments(segments, error);
}
