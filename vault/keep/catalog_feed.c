#include "vault/keep/catalog_feed.h"

#define BATCH_EVERY_US G_USEC_PER_SEC
#define RETRY_AFTER_US G_USEC_PER_SEC

typedef enum { STORED_IN_GROUP, STORED_IN_STREAM } Stored;

typedef struct {
    VaultCatalogRow row;
    Stored stored;
} Waiting;

struct VaultCatalogFeed {
    VaultCatalog *catalog;
    VaultSpace *space;
    GThread *thread;
    GMutex lock;
    GCond changed;
    GQueue rows;               /* Waiting, in commit order */
    GHashTable *by_repeat_tag; /* 16 bytes -> GPtrArray of Waiting bodies */
    GHashTable *by_body;       /* 16 bytes -> GPtrArray of Waiting copies */
    guint64 pushed, written;   /* rows ever */
    guint64 tags_since_s;
    gboolean is_prune_due, is_hurried, is_stopping;
    GError *failure; /* of the last try, NULL when it went well */
    guint64 failure_count;
    PackId active_pack; /* the thread's: pack of the last grouped row; zeros = none */
};

/* ---- the list ------------------------------------------------------------------------------- */

static void index_add(GHashTable *index, const guint8 key[VAULT_ID_LEN], Waiting *waiting)
{
    GPtrArray *list = g_hash_table_lookup(index, key);

    if (list == NULL) {
        list = g_ptr_array_new();
        g_hash_table_insert(index, g_memdup2(key, VAULT_ID_LEN), list);
    }
    g_ptr_array_add(list, waiting);
}

static void index_remove(GHashTable *index, const guint8 key[VAULT_ID_LEN], Waiting *waiting)
{
    GPtrArray *list = g_hash_table_lookup(index, key);

    g_ptr_array_remove_fast(list, waiting);
    if (list->len == 0)
        g_hash_table_remove(index, key);
}

typedef void (*IndexChange)(GHashTable *index, const guint8 key[VAULT_ID_LEN], Waiting *waiting);

static void change_indexes(VaultCatalogFeed *feed, Waiting *waiting, IndexChange change)
{
    const VaultLocator *locator = &waiting->row.locator;

    if (waiting->row.kind == VAULT_RECORD_COPY)
        change(feed->by_body, locator->body_id.bytes, waiting);
    if (waiting->row.kind == VAULT_RECORD_BODY && !vault_id_is_zero(locator->repeat_tag.bytes))
        change(feed->by_repeat_tag, locator->repeat_tag.bytes, waiting);
}

void vault_catalog_feed_push(VaultCatalogFeed *feed, GPtrArray *records)
{
    g_mutex_lock(&feed->lock);
    for (guint i = 0; i < records->len; i++) {
        const VaultRecord *record = g_ptr_array_index(records, i);
        Waiting *waiting = g_new(Waiting, 1);

        waiting->row =
            (VaultCatalogRow){record->kind, record->record_id, record->place, record->locator};
        waiting->stored = record->bytes == NULL ? STORED_IN_STREAM : STORED_IN_GROUP;
        g_queue_push_tail(&feed->rows, waiting);
        change_indexes(feed, waiting, index_add);
    }
    feed->pushed += records->len;
    if (feed->rows.length >= VAULT_FEED_BATCH)
        g_cond_broadcast(&feed->changed);
    g_mutex_unlock(&feed->lock);
}

void vault_catalog_feed_find_repeats(VaultCatalogFeed *feed, const DeliveryTag *repeat_tags,
                                     gsize count, GArray *ret_bodies)
{
    g_mutex_lock(&feed->lock);
    for (gsize i = 0; i < count; i++) {
        const GPtrArray *list = g_hash_table_lookup(feed->by_repeat_tag, repeat_tags[i].bytes);

        for (guint j = 0; list != NULL && j < list->len; j++) {
            const Waiting *waiting = g_ptr_array_index(list, j);
            VaultTaggedBody found = {waiting->row.record_id, waiting->row.locator.retry_tag};

            g_array_append_val(ret_bodies, found);
        }
    }
    g_mutex_unlock(&feed->lock);
}

void vault_catalog_feed_copies_of(VaultCatalogFeed *feed, const RecordId *body_id,
                                  GArray *ret_copies)
{
    GPtrArray *list;

    g_mutex_lock(&feed->lock);
    list = g_hash_table_lookup(feed->by_body, body_id->bytes);
    for (guint i = 0; list != NULL && i < list->len; i++) {
        const VaultCatalogRow *row = &((Waiting *)g_ptr_array_index(list, i))->row;
        VaultCatalogCopy copy = {.record_id = row->record_id,
                                 .body_id = row->locator.body_id,
                                 .month_key_id = row->locator.month_key_id,
                                 .leaf = row->locator.leaf,
                                 .received_s = row->locator.received_s,
                                 .flags = row->locator.flags,
                                 .place = row->place};

        g_array_append_val(ret_copies, copy);
    }
    g_mutex_unlock(&feed->lock);
}

guint vault_catalog_feed_waiting(VaultCatalogFeed *feed)
{
    guint count;

    g_mutex_lock(&feed->lock);
    count = feed->rows.length;
    g_mutex_unlock(&feed->lock);
    return count;
}

gboolean vault_catalog_feed_check(VaultCatalogFeed *feed, GError **error)
{
    if (vault_catalog_feed_waiting(feed) < VAULT_FEED_WAITING_MAX)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                        "the catalog is too far behind: see the log for what keeps it");
    return FALSE;
}

/* ---- writing a batch ------------------------------------------------------------------------ */

/* The active pack grows; the one before it was complete when its successor began. */
static gboolean advance(VaultCatalogFeed *feed, const Waiting *waiting, PackId *active,
                        GError **error)
{
    VaultCatalogPack pack = {.pack_id = waiting->row.place.pack_id,
                             .end = waiting->row.place.offset + waiting->row.place.len,
                             .state = waiting->stored == STORED_IN_STREAM ? VAULT_PACK_SEALED
                                                                          : VAULT_PACK_OPEN};

    if (waiting->stored == STORED_IN_STREAM)
        return vault_catalog_advance_pack(feed->catalog, &pack, error);
    if (!vault_id_is_zero(active->bytes) && !VAULT_ID_EQUAL(*active, pack.pack_id)) {
        VaultCatalogPack before = {.pack_id = *active, .state = VAULT_PACK_COMPLETE};

        if (!vault_catalog_advance_pack(feed->catalog, &before, error))
            return FALSE;
    }
    *active = pack.pack_id;
    return vault_catalog_advance_pack(feed->catalog, &pack, error);
}

static gboolean is_last_of_pack(const GPtrArray *batch, guint i)
{
    const Waiting *waiting = g_ptr_array_index(batch, i);
    const Waiting *next = i + 1 < batch->len ? g_ptr_array_index(batch, i + 1) : NULL;

    return next == NULL || !VAULT_ID_EQUAL(waiting->row.place.pack_id, next->row.place.pack_id);
}

static gboolean add_batch(VaultCatalogFeed *feed, const GPtrArray *batch, guint64 tags_since_s,
                          gboolean is_prune_due, PackId *active, GError **error)
{
    if (is_prune_due && !vault_catalog_prune_tags(feed->catalog, tags_since_s, error))
        return FALSE;
    for (guint i = 0; i < batch->len; i++) {
        const Waiting *waiting = g_ptr_array_index(batch, i);

        if (!vault_catalog_add(feed->catalog, &waiting->row, tags_since_s, error))
            return FALSE;
        if (is_last_of_pack(batch, i) && !advance(feed, waiting, active, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean write_batch(VaultCatalogFeed *feed, const GPtrArray *batch, guint64 tags_since_s,
                            gboolean is_prune_due, GError **error)
{
    PackId active = feed->active_pack;

    if (!vault_catalog_begin(feed->catalog, error))
        return FALSE;
    if (!add_batch(feed, batch, tags_since_s, is_prune_due, &active, error)) {
        vault_catalog_abandon(feed->catalog);
        return FALSE;
    }
    if (!vault_catalog_end(feed->catalog, error))
        return FALSE;
    feed->active_pack = active;
    return TRUE;
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* The rows stay in the list until they are written. */
static GPtrArray *take_batch(VaultCatalogFeed *feed)
{
    GPtrArray *batch = g_ptr_array_sized_new(MIN(feed->rows.length, VAULT_FEED_BATCH));

    for (GList *item = feed->rows.head; item != NULL && batch->len < VAULT_FEED_BATCH;
         item = item->next)
        g_ptr_array_add(batch, item->data);
    return batch;
}

static void drop_written(VaultCatalogFeed *feed, const GPtrArray *batch)
{
    for (guint i = 0; i < batch->len; i++) {
        Waiting *waiting = g_queue_pop_head(&feed->rows);

        change_indexes(feed, waiting, index_remove);
        g_free(waiting);
    }
    feed->written += batch->len;
}

static void note_failure(VaultCatalogFeed *feed, GError *failure)
{
    if (feed->failure == NULL)
        g_warning("the catalog cannot be written, trying on: %s", failure->message);
    g_clear_error(&feed->failure);
    feed->failure = failure;
    feed->failure_count++;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_SPACE))
        vault_space_give_up_reserve(feed->space);
}

/* Called and left with the lock held. */
static void run_batch(VaultCatalogFeed *feed)
{
    g_autoptr(GPtrArray) batch = take_batch(feed);
    guint64 tags_since_s = feed->tags_since_s;
    gboolean is_prune_due = feed->is_prune_due, is_written;
    GError *failure = NULL;

    g_mutex_unlock(&feed->lock);
    is_written = write_batch(feed, batch, tags_since_s, is_prune_due, &failure);
    g_mutex_lock(&feed->lock);
    if (is_written) {
        drop_written(feed, batch);
        feed->is_prune_due = feed->is_prune_due && tags_since_s != feed->tags_since_s;
        g_clear_error(&feed->failure);
    } else {
        note_failure(feed, failure);
    }
    g_cond_broadcast(&feed->changed);
    if (!is_written && !feed->is_stopping)
        g_cond_wait_until(&feed->changed, &feed->lock, g_get_monotonic_time() + RETRY_AFTER_US);
}

static gboolean is_batch_due(const VaultCatalogFeed *feed)
{
    return feed->is_hurried || feed->rows.length >= VAULT_FEED_BATCH;
}

static gpointer feed_thread(gpointer user)
{
    VaultCatalogFeed *feed = user;

    g_mutex_lock(&feed->lock);
    while (!feed->is_stopping) {
        gint64 until = g_get_monotonic_time() + BATCH_EVERY_US;

        while (!feed->is_stopping && !is_batch_due(feed) &&
               g_cond_wait_until(&feed->changed, &feed->lock, until))
            ;
        if (feed->is_stopping)
            break;
        feed->is_hurried = FALSE;
        if (feed->rows.length > 0 || feed->is_prune_due)
            run_batch(feed);
    }
    g_mutex_unlock(&feed->lock);
    return NULL;
}

/* ---- life ----------------------------------------------------------------------------------- */

VaultCatalogFeed *vault_catalog_feed_new(VaultCatalog *catalog, VaultSpace *space)
{
    VaultCatalogFeed *feed = g_new0(VaultCatalogFeed, 1);

    feed->catalog = catalog;
    feed->space = space;
    g_mutex_init(&feed->lock);
    g_cond_init(&feed->changed);
    g_queue_init(&feed->rows);
    feed->by_repeat_tag = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free,
                                                (GDestroyNotify)g_ptr_array_unref);
    feed->by_body = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free,
                                          (GDestroyNotify)g_ptr_array_unref);
    feed->thread = g_thread_new("catalog", feed_thread, feed);
    return feed;
}

void vault_catalog_feed_free(VaultCatalogFeed *feed)
{
    if (feed == NULL)
        return;
    g_mutex_lock(&feed->lock);
    feed->is_stopping = TRUE;
    g_cond_broadcast(&feed->changed);
    g_mutex_unlock(&feed->lock);
    g_thread_join(feed->thread);
    g_hash_table_unref(feed->by_repeat_tag);
    g_hash_table_unref(feed->by_body);
    g_queue_clear_full(&feed->rows, g_free);
    g_clear_error(&feed->failure);
    g_mutex_clear(&feed->lock);
    g_cond_clear(&feed->changed);
    g_free(feed);
}

void vault_catalog_feed_set_tags_since(VaultCatalogFeed *feed, guint64 tags_since_s)
{
    g_mutex_lock(&feed->lock);
    feed->tags_since_s = tags_since_s;
    feed->is_prune_due = TRUE;
    g_mutex_unlock(&feed->lock);
}

gboolean vault_catalog_feed_flush(VaultCatalogFeed *feed, GError **error)
{
    guint64 target, failures;
    gboolean is_written;

    g_mutex_lock(&feed->lock);
    target = feed->pushed;
    failures = feed->failure_count;
    while (feed->written < target && feed->failure_count == failures) {
        feed->is_hurried = TRUE;
        g_cond_broadcast(&feed->changed);
        g_cond_wait(&feed->changed, &feed->lock);
    }
    is_written = feed->written >= target;
    if (!is_written && error != NULL)
        *error = feed->failure == NULL
                     ? g_error_new_literal(VAULT_ERROR, VAULT_ERROR_IO, "the catalog failed")
                     : g_error_copy(feed->failure);
    g_mutex_unlock(&feed->lock);
    return is_written;
}

gboolean vault_catalog_feed_complete(VaultCatalogFeed *feed, GError **error)
{
    VaultCatalogPack pack = {.pack_id = feed->active_pack, .state = VAULT_PACK_COMPLETE};

    if (vault_id_is_zero(pack.pack_id.bytes))
        return TRUE;
    if (!vault_catalog_begin(feed->catalog, error))
        return FALSE;
    if (vault_catalog_advance_pack(feed->catalog, &pack, error))
        return vault_catalog_end(feed->catalog, error);
    vault_catalog_abandon(feed->catalog);
    return FALSE;
}
