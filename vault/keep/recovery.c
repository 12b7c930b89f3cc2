#include "vault/keep/recovery.h"

#include "vault/base/file.h"
#include "vault/keep/month_states.h"
#include "vault/keep/open_months.h"
#include "vault/keep/pack_files.h"

#include <errno.h>
#include <unistd.h>

#define TRANSACTION_ROWS 16384

typedef struct {
    const VaultRecoveryOptions *options;
    VaultRecoveryResult *result;
    VaultMonthStates *months;
    GHashTable *leaves;  /* MonthKeyId -> highest leaf seen, + 1 */
    GHashTable *streams; /* RecordId of a body or its subject -> VaultPackFile not catalogued */
    GHashTable *named;   /* RecordId: bodies that a committed copy names, of `streams` only */
    guint rows;          /* in the open transaction */
    guint64 done_bytes, all_bytes;
    guint damage_count;
} Recovery;

static void recovery_clear(Recovery *recovery)
{
    g_clear_pointer(&recovery->months, vault_month_states_free);
    g_clear_pointer(&recovery->leaves, g_hash_table_unref);
    g_clear_pointer(&recovery->streams, g_hash_table_unref);
    g_clear_pointer(&recovery->named, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recovery, recovery_clear)

G_GNUC_PRINTF(2, 3) static void report(Recovery *recovery, const char *format, ...)
{
    const VaultVerifyCallbacks *callbacks = recovery->options->callbacks;
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (callbacks != NULL && callbacks->finding != NULL)
        callbacks->finding(text, callbacks->user);
    else
        g_warning("%s", text);
}

static void progress(Recovery *recovery, guint64 bytes)
{
    const VaultVerifyCallbacks *callbacks = recovery->options->callbacks;

    recovery->done_bytes += bytes;
    if (callbacks != NULL && callbacks->progress != NULL)
        callbacks->progress(MIN(recovery->done_bytes, recovery->all_bytes), recovery->all_bytes,
                            callbacks->user);
}

/* ---- records -------------------------------------------------------------------------------- */

static gboolean add_row(Recovery *recovery, const VaultCatalogRow *row, GError **error)
{
    VaultCatalog *catalog = recovery->options->catalog;

    if (!vault_catalog_add(catalog, row, recovery->options->tags_since_s, error))
        return FALSE;
    if (++recovery->rows < TRANSACTION_ROWS)
        return TRUE;
    recovery->rows = 0;
    if (!vault_catalog_end(catalog, error))
        return FALSE;
    return vault_catalog_begin(catalog, error);
}

static void note_leaf(Recovery *recovery, const VaultLocator *locator)
{
    gsize seen = GPOINTER_TO_SIZE(g_hash_table_lookup(recovery->leaves, &locator->month_key_id));

    if (locator->leaf < seen)
        return;
    g_hash_table_replace(recovery->leaves, g_memdup2(&locator->month_key_id, VAULT_ID_LEN),
                         GSIZE_TO_POINTER((gsize)locator->leaf + 1));
}

/* Whether the record goes into the catalog: one of a dropped month does not. */
static gboolean judge_month(Recovery *recovery, const VaultCatalogRow *row, gboolean *ret_is_kept,
                            GError **error)
{
    VaultMonthState state;
    gboolean is_first;

    if (!vault_month_states_get(recovery->months, &row->locator.month_key_id, &state, &is_first,
                                error))
        return FALSE;
    *ret_is_kept = state != VAULT_MONTH_DEAD;
    if (state == VAULT_MONTH_DEAD)
        recovery->result->dead_count++;
    else
        note_leaf(recovery, &row->locator);
    if (state != VAULT_MONTH_UNKNOWN)
        return TRUE;
    recovery->result->unknown_count++;
    if (is_first)
        report(recovery,
               "pack %s, offset %" G_GUINT64_FORMAT
               ", record %s: its month key %s is not in the keyring; kept",
               VAULT_ID_TEXT(row->place.pack_id), row->place.offset, VAULT_ID_TEXT(row->record_id),
               VAULT_ID_TEXT(row->locator.month_key_id));
    return TRUE;
}

static gboolean open_row(Recovery *recovery, const PackId *pack_id,
                         const VaultScannedRecord *record, VaultCatalogRow *ret_row)
{
    *ret_row = (VaultCatalogRow){.kind = record->header.kind,
                                 .record_id = record->header.record_id,
                                 .place = {*pack_id, record->offset, record->len}};
    if (vault_record_locator_open(record->header_bytes, &record->header,
                                  recovery->options->locator_key, &ret_row->locator, NULL))
        return TRUE;
    recovery->damage_count++;
    report(recovery,
           "pack %s, offset %" G_GUINT64_FORMAT ", record %s: its locator does not open; kept, "
           "not catalogued",
           VAULT_ID_TEXT(*pack_id), record->offset, VAULT_ID_TEXT(record->header.record_id));
    return FALSE;
}

static gboolean take_record(Recovery *recovery, const PackId *pack_id,
                            const VaultScannedRecord *record, GError **error)
{
    VaultCatalogRow row;
    gboolean is_kept = TRUE;

    recovery->result->record_count++;
    if (!open_row(recovery, pack_id, record, &row))
        return TRUE;
    switch (row.kind) {
    case VAULT_RECORD_COPY:
        if (g_hash_table_contains(recovery->streams, &row.locator.body_id))
            g_hash_table_add(recovery->named, g_memdup2(&row.locator.body_id, VAULT_ID_LEN));
        /* fall through */
    case VAULT_RECORD_ADDENDUM:
    case VAULT_RECORD_TERMS_COPY:
        if (!judge_month(recovery, &row, &is_kept, error))
            return FALSE;
        break;
    case VAULT_RECORD_BODY:
    case VAULT_RECORD_TERMS_BODY:
    case VAULT_RECORD_WRAPPER:
    case VAULT_RECORD_EVENT:
        break;
    case VAULT_RECORD_COMMIT:
        return TRUE;
    }
    return !is_kept || add_row(recovery, &row, error);
}

/* ---- grouped packs -------------------------------------------------------------------------- */

/* How far a pack is good, and whether it has its trailer. */
typedef struct {
    guint64 end;
    gboolean is_closed;
} PackEnd;

static gboolean take_group(Recovery *recovery, const VaultPackFile *file, GArray *records,
                           GError **error)
{
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);

        /* Record by record: a transaction of the catalog may have ended inside a group. */
        if (file->is_catalogued && record->offset < file->catalogued.end)
            continue;
        if (!take_record(recovery, &file->header.pack_id, record, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_event(Recovery *recovery, const VaultPackFile *file, VaultScanEvent event,
                           GArray *records, guint64 offset, guint64 len, PackEnd *end,
                           GError **error)
{
    switch (event) {
    case VAULT_SCAN_GROUP:
        end->end = offset + len;
        progress(recovery, len);
        return take_group(recovery, file, records, error);
    case VAULT_SCAN_CORRUPT:
        recovery->damage_count++;
        end->end = offset + len;
        progress(recovery, len);
        report(recovery,
               "pack %s: %" G_GUINT64_FORMAT " bytes at offset %" G_GUINT64_FORMAT
               " are damaged; kept, passed over",
               file->name, len, offset);
        return TRUE;
    case VAULT_SCAN_TRAILER:
        end->is_closed = TRUE;
        return TRUE;
    case VAULT_SCAN_TORN_TAIL:
    case VAULT_SCAN_END:
        return TRUE;
    }
    g_assert_not_reached();
}

static gboolean scan_pack(Recovery *recovery, const VaultPackFile *file, PackEnd *ret_end,
                          GError **error)
{
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan = vault_pack_scan_open(file->path, recovery->options->vault_id,
                                                         VAULT_SCAN_HEADERS, &header, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    *ret_end = (PackEnd){.end = VAULT_PACK_HEADER_LEN};
    if (scan == NULL)
        return FALSE;
    if (file->has_successor)
        vault_pack_scan_stop_at(scan, file->successor_end);
    while (event != VAULT_SCAN_END) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(scan, &event, &records, &offset, &len, error) ||
            !take_event(recovery, file, event, records, offset, len, ret_end, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean set_sealed(Recovery *recovery, const VaultPackFile *file, guint64 end,
                           GError **error)
{
    VaultCatalogPack pack = {file->header.pack_id, end, VAULT_PACK_SEALED};

    recovery->result->last_end = end;
    return vault_catalog_advance_pack(recovery->options->catalog, &pack, error);
}

/* Bytes that were acknowledged and are gone are found, not fatal: new mail goes into new packs. */
static gboolean seal_off(Recovery *recovery, const VaultPackFile *file, guint64 end,
                         gboolean *ret_is_sealed, GError **error)
{
    g_autoptr(GError) failure = NULL;

    *ret_is_sealed = vault_pack_seal_off(file->path, end, &failure);
    if (*ret_is_sealed)
        return TRUE;
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    recovery->damage_count++;
    report(recovery, "pack %s: %s; kept", file->name, failure->message);
    return TRUE;
}

/* After it, the pack has its trailer and all of it is catalogued. */
static gboolean finish_pack(Recovery *recovery, const VaultPackFile *file, GError **error)
{
    gboolean is_complete =
        file->is_catalogued && file->has_successor && file->catalogued.state == VAULT_PACK_COMPLETE;
    gboolean is_sealed = file->is_catalogued && file->catalogued.state == VAULT_PACK_SEALED;
    PackEnd end = {.end = file->has_successor ? file->successor_end : VAULT_PACK_HEADER_LEN};

    if (is_sealed || is_complete)
        progress(recovery, file->len);
    if (is_sealed) {
        recovery->result->last_end = file->catalogued.end;
        return TRUE;
    }
    if (!is_complete && !scan_pack(recovery, file, &end, error))
        return FALSE;
    if (end.is_closed)
        return set_sealed(recovery, file, end.end, error);
    if (!is_complete && file->has_successor)
        end.end = file->successor_end;
    if (!seal_off(recovery, file, end.end, &is_sealed, error))
        return FALSE;
    recovery->result->last_end = end.end;
    return !is_sealed || set_sealed(recovery, file, end.end, error);
}

static gboolean finish_packs(Recovery *recovery, GPtrArray *files, GError **error)
{
    VaultRecoveryResult *result = recovery->result;

    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);

        if (file->header.type != VAULT_PACK_GROUPED)
            continue;
        result->next_sequence = MAX(result->next_sequence, file->header.sequence + 1);
        if (!file->is_readable) {
            report(recovery, "pack %s: its header is damaged or was never written; kept",
                   file->name);
            recovery->damage_count += file->len > VAULT_PACK_HEADER_LEN;
            continue;
        }
        if (!finish_pack(recovery, file, error))
            return FALSE;
        result->last_pack = file->header.pack_id;
    }
    return TRUE;
}

/* ---- stream packs --------------------------------------------------------------------------- */

typedef struct {
    VaultCatalogRow row;
    gboolean is_found;
} StreamRecord;

static gboolean read_stream(Recovery *recovery, const VaultPackFile *file, StreamRecord *ret_record,
                            GError **error)
{
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan = vault_pack_scan_open(file->path, recovery->options->vault_id,
                                                         VAULT_SCAN_HEADERS, &header, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    ret_record->is_found = FALSE;
    while (scan != NULL && event != VAULT_SCAN_END) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(scan, &event, &records, &offset, &len, error))
            return FALSE;
        if (event == VAULT_SCAN_GROUP && records->len == 1)
            ret_record->is_found =
                open_row(recovery, &file->header.pack_id,
                         &g_array_index(records, VaultScannedRecord, 0), &ret_record->row);
    }
    return scan != NULL;
}

/* The body that the record is, or belongs to. */
static const RecordId *subject_of(const VaultCatalogRow *row)
{
    return row->kind == VAULT_RECORD_BODY ? &row->record_id : &row->locator.body_id;
}

/* Stream packs that the catalog does not have yet: their records, by file. */
static gboolean find_streams(Recovery *recovery, GPtrArray *files, GHashTable *records,
                             GError **error)
{
    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);
        StreamRecord *record;

        if (file->header.type != VAULT_PACK_STREAM || file->is_catalogued || !file->is_readable)
            continue;
        record = g_new0(StreamRecord, 1);
        g_hash_table_insert(records, file, record);
        if (!read_stream(recovery, file, record, error))
            return FALSE;
        if (record->is_found)
            g_hash_table_add(recovery->streams, g_memdup2(subject_of(&record->row), VAULT_ID_LEN));
    }
    return TRUE;
}

static gboolean is_named(Recovery *recovery, const StreamRecord *record, gboolean *ret_is_named,
                         GError **error)
{
    g_autoptr(GArray) copies = NULL;

    *ret_is_named =
        record->is_found && g_hash_table_contains(recovery->named, subject_of(&record->row));
    /* Into a new catalog every copy was read just now; it has no index yet to ask by. */
    if (*ret_is_named || !record->is_found || recovery->options->is_new_catalog)
        return TRUE;
    copies = vault_catalog_copies_of(recovery->options->catalog, subject_of(&record->row), error);
    *ret_is_named = copies != NULL && copies->len > 0;
    return copies != NULL;
}

static gboolean catalogue_stream(Recovery *recovery, const VaultPackFile *file,
                                 const StreamRecord *record, GError **error)
{
    VaultCatalog *catalog = recovery->options->catalog;

    recovery->result->record_count++;
    if (!vault_catalog_begin(catalog, error))
        return FALSE;
    if (vault_catalog_add(catalog, &record->row, recovery->options->tags_since_s, error) &&
        set_sealed(recovery, file, record->row.place.offset + record->row.place.len, error))
        return vault_catalog_end(catalog, error);
    vault_catalog_abandon(catalog);
    return FALSE;
}

static gboolean remove_orphan(Recovery *recovery, const VaultPackFile *file, GError **error)
{
    if (recovery->damage_count > 0) {
        report(recovery, "stream pack %s: no copy names it, but other packs are damaged; kept",
               file->name);
        return TRUE;
    }
    if (unlink(file->path) != 0 && errno != ENOENT)
        return vault_error_set_errno(error, errno, "cannot remove", file->path);
    g_message("removed %s: a large message that was never acknowledged", file->name);
    return TRUE;
}

static gboolean finish_streams(Recovery *recovery, GHashTable *records, GError **error)
{
    GHashTableIter iter;
    gpointer file, record;

    g_hash_table_iter_init(&iter, records);
    while (g_hash_table_iter_next(&iter, &file, &record)) {
        gboolean is_kept;

        if (!is_named(recovery, record, &is_kept, error))
            return FALSE;
        if (!(is_kept ? catalogue_stream(recovery, file, record, error)
                      : remove_orphan(recovery, file, error)))
            return FALSE;
        progress(recovery, ((const VaultPackFile *)file)->len);
    }
    return g_hash_table_size(records) == 0 ||
           vault_file_sync_directory(recovery->options->directory, error);
}

/* ---- marks ---------------------------------------------------------------------------------- */

/* Only a keyring older than the packs knows less than they do: then a gap keeps clear of leaves
 * that were given in what the packs do not show. */
static gboolean raise_mark(Recovery *recovery, const MonthKeyId *month_key_id, guint64 seen,
                           GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(recovery->options->keyring, month_key_id, &failure);

    if (month == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    if (month == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (seen <= month->leaf_mark)
        return TRUE;
    month->leaf_mark = MIN(seen + VAULT_LEAF_GAP, VAULT_LEAVES_MAX);
    report(recovery, "month %s: the packs hold leaves past its mark; raised it",
           VAULT_ID_TEXT(*month_key_id));
    return vault_keyring_update_month(recovery->options->keyring, month, error);
}

static gboolean raise_marks(Recovery *recovery, GError **error)
{
    GHashTableIter iter;
    gpointer month_key_id, seen;

    g_hash_table_iter_init(&iter, recovery->leaves);
    while (g_hash_table_iter_next(&iter, &month_key_id, &seen))
        if (!raise_mark(recovery, month_key_id, GPOINTER_TO_SIZE(seen), error))
            return FALSE;
    return TRUE;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static gboolean replay(Recovery *recovery, GPtrArray *files, GError **error)
{
    VaultCatalog *catalog = recovery->options->catalog;
    g_autoptr(GError) failure = NULL;

    if (!vault_catalog_begin(catalog, error))
        return FALSE;
    if (finish_packs(recovery, files, &failure))
        return vault_catalog_end(catalog, error);
    vault_catalog_abandon(catalog);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean vault_recovery_run(const VaultRecoveryOptions *options, VaultRecoveryResult *ret_result,
                            GError **error)
{
    g_auto(Recovery) recovery = {.options = options, .result = ret_result};
    g_autoptr(GHashTable) streams = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_autoptr(GPtrArray) files = NULL;

    *ret_result = (VaultRecoveryResult){.next_sequence = 1};
    recovery.months = vault_month_states_new(options->keyring);
    recovery.leaves = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    recovery.streams = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    recovery.named = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    files = vault_pack_files_list(options->directory, options->vault_id, options->catalog, error);
    if (files == NULL)
        return FALSE;
    for (guint i = 0; i < files->len; i++)
        recovery.all_bytes += ((VaultPackFile *)g_ptr_array_index(files, i))->len;
    return find_streams(&recovery, files, streams, error) && replay(&recovery, files, error) &&
           finish_streams(&recovery, streams, error) && raise_marks(&recovery, error);
}
