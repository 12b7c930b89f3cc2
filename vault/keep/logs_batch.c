#include "vault/keep/logs_batch.h"

struct VaultLogsBatch {
    VaultLogs *logs;
    char *packs;
    VaultId vault_id;
    const LocatorKey *locator_key;
    VaultCatalog *catalog;
    GMutex running; /* one batch at a time */

    GMutex lock;            /* of what follows; held for moments */
    GArray *waiting;        /* VaultHash */
    gboolean is_continuous; /* `waiting` begins where the last batch ended */
    VaultEntryMark end;     /* of what was committed; sequence 0 while it is not looked up */
    gboolean has_sequence;
};

VaultLogsBatch *vault_logs_batch_new(const VaultLogsBatchOptions *options)
{
    VaultLogsBatch *batch = g_new0(VaultLogsBatch, 1);

    batch->logs = options->logs;
    batch->packs = g_strdup(options->packs);
    batch->vault_id = *options->vault_id;
    batch->locator_key = options->locator_key;
    batch->catalog = options->catalog;
    batch->end = options->end;
    batch->has_sequence = TRUE;
    batch->waiting = g_array_new(FALSE, FALSE, sizeof(VaultHash));
    g_mutex_init(&batch->running);
    g_mutex_init(&batch->lock);
    return batch;
}

void vault_logs_batch_free(VaultLogsBatch *batch)
{
    if (batch == NULL)
        return;
    g_array_unref(batch->waiting);
    g_mutex_clear(&batch->running);
    g_mutex_clear(&batch->lock);
    g_free(batch->packs);
    g_free(batch);
}

/* ---- on the commit's path ------------------------------------------------------------------- */

/* A record in a stream pack counts with the copies that name it: its place moves no mark. */
static void note_record(VaultLogsBatch *batch, const VaultRecord *record)
{
    if (batch->is_continuous)
        g_array_append_val(batch->waiting, record->hash);
    if (record->bytes == NULL)
        return;
    if (!VAULT_ID_EQUAL(batch->end.pack_id, record->place.pack_id)) {
        batch->end.pack_id = record->place.pack_id;
        batch->has_sequence = FALSE;
    }
    batch->end.offset = record->place.offset + record->place.len;
}

void vault_logs_batch_note(VaultLogsBatch *batch, GPtrArray *records)
{
    g_mutex_lock(&batch->lock);
    if (batch->waiting->len + records->len > VAULT_LOGS_WAITING_MAX) {
        g_array_set_size(batch->waiting, 0);
        batch->is_continuous = FALSE;
    }
    for (guint i = 0; i < records->len; i++)
        note_record(batch, g_ptr_array_index(records, i));
    g_mutex_unlock(&batch->lock);
}

/* ---- entries -------------------------------------------------------------------------------- */

static void entry_clear(gpointer entry)
{
    VaultLogEntry *cleared = entry;

    g_bytes_unref(cleared->payload);
    g_clear_pointer(&cleared->sidecar, g_bytes_unref);
}

static VaultLogEntry format_entry(const VaultHash *hashes, gsize count, const VaultEntryMark *mark,
                                  guint64 now_s)
{
    VaultEntry entry = {.kind = VAULT_ENTRY_BATCH, .time_s = now_s, .count = count, .mark = *mark};
    VaultLogEntry formatted = {NULL};

    vault_entry_records_root(hashes, count, &entry.root);
    vault_hash(hashes, count * sizeof *hashes, &entry.list_hash);
    formatted.payload = vault_entry_format(&entry);
    if (count > 0)
        formatted.sidecar = g_bytes_new(hashes, count * sizeof *hashes);
    return formatted;
}

/* One append, so that all or none of the entries are there and their mark is true. */
static gboolean log_hashes(VaultLogsBatch *batch, const GArray *hashes, const VaultEntryMark *mark,
                           guint64 now_s, GError **error)
{
    const VaultHash *all = (const VaultHash *)(gconstpointer)hashes->data;
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(VaultLogEntry));
    guint64 index;
    gsize at = 0;

    g_array_set_clear_func(entries, entry_clear);
    do {
        gsize count = MIN(hashes->len - at, VAULT_ENTRY_BATCH_MAX);
        VaultLogEntry entry = format_entry(all + at, count, mark, now_s);

        g_array_append_val(entries, entry);
        at += count;
    } while (at < hashes->len);
    return vault_logs_append(batch->logs, VAULT_LOG_ARCHIVE,
                             (const VaultLogEntry *)(gconstpointer)entries->data, entries->len,
                             &index, error);
}

/* ---- one batch ------------------------------------------------------------------------------ */

typedef struct {
    VaultLogsBatch *batch;
    GArray *hashes;
    guint64 now_s;
} Taking;

/* Many packs: what they hold is logged on the way, so that memory stays bounded. */
static gboolean log_part(const VaultEntryMark *reached, gpointer user, GError **error)
{
    Taking *taking = user;

    if (taking->hashes->len < VAULT_LOGS_WAITING_MAX)
        return TRUE;
    if (!log_hashes(taking->batch, taking->hashes, reached, taking->now_s, error))
        return FALSE;
    g_array_set_size(taking->hashes, 0);
    return TRUE;
}

static gboolean scan_packs(VaultLogsBatch *batch, const VaultEntryMark *end, GArray *hashes,
                           guint64 now_s, GError **error)
{
    Taking taking = {.batch = batch, .hashes = hashes, .now_s = now_s};
    VaultLogsScan scan = {.packs = batch->packs,
                          .vault_id = &batch->vault_id,
                          .locator_key = batch->locator_key,
                          .catalog = batch->catalog,
                          .to = *end,
                          .hashes = hashes,
                          .taken = log_part,
                          .user = &taking};
    guint64 time_s;

    return vault_logs_last_mark(batch->logs, &scan.from, &time_s, error) &&
           vault_logs_scan(&scan, error);
}

/* Steals what waits; the list begins anew at `ret_end`. */
static gboolean steal(VaultLogsBatch *batch, VaultEntryMark *ret_end, GArray **ret_hashes,
                      gboolean *ret_is_continuous, GError **error)
{
    gboolean has_sequence;

    g_mutex_lock(&batch->lock);
    *ret_hashes = batch->waiting;
    batch->waiting = g_array_new(FALSE, FALSE, sizeof(VaultHash));
    *ret_is_continuous = batch->is_continuous;
    batch->is_continuous = TRUE;
    *ret_end = batch->end;
    has_sequence = batch->has_sequence;
    g_mutex_unlock(&batch->lock);
    if (has_sequence)
        return TRUE;
    if (!vault_logs_pack_sequence(batch->packs, &ret_end->pack_id, &ret_end->sequence, error))
        return FALSE;
    g_mutex_lock(&batch->lock);
    if (VAULT_ID_EQUAL(batch->end.pack_id, ret_end->pack_id)) {
        batch->end.sequence = ret_end->sequence;
        batch->has_sequence = TRUE;
    }
    g_mutex_unlock(&batch->lock);
    return TRUE;
}

/* What waits now follows on nothing: the next batch reads the packs. */
static void break_off(VaultLogsBatch *batch)
{
    g_mutex_lock(&batch->lock);
    g_array_set_size(batch->waiting, 0);
    batch->is_continuous = FALSE;
    g_mutex_unlock(&batch->lock);
}

static gboolean run(VaultLogsBatch *batch, gboolean is_empty_wanted, guint64 now_s, GError **error)
{
    g_autoptr(GArray) hashes = NULL;
    gboolean is_continuous = FALSE;
    VaultEntryMark end;

    if (!steal(batch, &end, &hashes, &is_continuous, error))
        return FALSE;
    if (!is_continuous) {
        g_array_set_size(hashes, 0);
        if (!scan_packs(batch, &end, hashes, now_s, error))
            return FALSE;
    }
    return (hashes->len == 0 && !is_empty_wanted) || log_hashes(batch, hashes, &end, now_s, error);
}

gboolean vault_logs_batch_run(VaultLogsBatch *batch, gboolean is_empty_wanted, guint64 now_s,
                              GError **error)
{
    gboolean is_done;

    g_mutex_lock(&batch->running);
    is_done = run(batch, is_empty_wanted, now_s, error);
    if (!is_done)
        break_off(batch);
    g_mutex_unlock(&batch->running);
    return is_done;
}
