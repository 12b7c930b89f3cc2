#include "vault/keep/recovery_internal.h"

static void recovery_clear(Recovery *recovery)
{
    g_clear_pointer(&recovery->liveness, vault_liveness_free);
    g_clear_pointer(&recovery->streams, g_hash_table_unref);
    g_clear_pointer(&recovery->named, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recovery, recovery_clear)

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
        if (!recovery_take_record(recovery, &file->header.pack_id, record, error))
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
        recovery_progress(recovery, len);
        return take_group(recovery, file, records, error);
    case VAULT_SCAN_CORRUPT:
        recovery->damage_count++;
        end->end = offset + len;
        recovery_progress(recovery, len);
        recovery_report(recovery,
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

/* The last pack is read whole: a power cut may have left a group in it whose headers and commit
 * record reached the disk and whose ciphertexts did not. What a successor ended, or a close that
 * got as far as telling the catalog, was acknowledged: its headers are enough. */
static VaultScanDepth depth_for(const VaultPackFile *file)
{
    gboolean is_acknowledged =
        file->has_successor ||
        (file->is_catalogued && file->catalogued.state == VAULT_PACK_COMPLETE);

    return is_acknowledged ? VAULT_SCAN_HEADERS : VAULT_SCAN_CIPHERTEXTS;
}

static gboolean scan_pack(Recovery *recovery, const VaultPackFile *file, PackEnd *ret_end,
                          GError **error)
{
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan = vault_pack_scan_open(file->path, recovery->options->vault_id,
                                                         depth_for(file), &header, error);
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
    recovery_report(recovery, "pack %s: %s; kept", file->name, failure->message);
    return TRUE;
}

/* Someone cut the pack, or something out of it. What looks like a torn tail was acknowledged then,
 * and may still hold groups: nothing of it is cut off. */
static gboolean is_shorter_than_catalogued(Recovery *recovery, const VaultPackFile *file,
                                           guint64 end)
{
    if (!file->is_catalogued || end >= file->catalogued.end)
        return FALSE;
    recovery->damage_count++;
    recovery->result->last_end = file->catalogued.end;
    recovery_report(recovery,
                    "pack %s: it is good up to %" G_GUINT64_FORMAT
                    " and was catalogued up to %" G_GUINT64_FORMAT "; kept as it is",
                    file->name, end, file->catalogued.end);
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
        recovery_progress(recovery, file->len);
    if (is_sealed) {
        recovery->result->last_end = file->catalogued.end;
        return TRUE;
    }
    if (!is_complete && !scan_pack(recovery, file, &end, error))
        return FALSE;
    if (end.is_closed)
        return set_sealed(recovery, file, end.end, error);
    if (!is_complete && is_shorter_than_catalogued(recovery, file, end.end))
        return TRUE;
    if (!is_complete && file->has_successor)
        end.end = file->successor_end;
    if (!seal_off(recovery, file, end.end, &is_sealed, error))
        return FALSE;
    recovery->result->last_end = end.end;
    return !is_sealed || set_sealed(recovery, file, end.end, error);
}

static gboolean finish_grouped(Recovery *recovery, const VaultPackFile *file, GError **error)
{
    if (file->lacks_predecessor) {
        recovery->damage_count++;
        recovery_report(recovery, "pack %s is missing: pack %s follows it",
                        VAULT_ID_TEXT(file->header.predecessor), file->name);
    }
    if (!finish_pack(recovery, file, error))
        return FALSE;
    recovery->result->last_pack = file->header.pack_id;
    return TRUE;
}

static gboolean finish_file(Recovery *recovery, const VaultPackFile *file, GError **error)
{
    VaultRecoveryResult *result = recovery->result;

    if (file->header.type == VAULT_PACK_STREAM || file->is_replaced)
        return TRUE;
    /* A compacted pack bears the highest sequence of what it replaced: none comes twice. */
    result->next_sequence = MAX(result->next_sequence, file->header.sequence + 1);
    if (!file->is_readable) {
        recovery_report(recovery, "pack %s: its header is damaged or was never written; kept",
                        file->name);
        recovery->damage_count += file->len > VAULT_PACK_HEADER_LEN;
        return TRUE;
    }
    return file->header.type == VAULT_PACK_COMPACTED
               ? recovery_take_compacted(recovery, file, error)
               : finish_grouped(recovery, file, error);
}

static gboolean finish_packs(Recovery *recovery, GPtrArray *files, GError **error)
{
    for (guint i = 0; i < files->len; i++)
        if (!finish_file(recovery, g_ptr_array_index(files, i), error))
            return FALSE;
    return recovery_forget_replaced(recovery, files, error);
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
    g_autoptr(GHashTable) streams = NULL;
    g_autoptr(GPtrArray) files = NULL;

    *ret_result = (VaultRecoveryResult){.next_sequence = 1};
    recovery.liveness = vault_liveness_new(options->keyring);
    recovery.streams = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    recovery.named = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    files = vault_pack_files_list(options->directory, options->vault_id, options->catalog, error);
    if (files == NULL)
        return FALSE;
    for (guint i = 0; i < files->len; i++)
        recovery.all_bytes += ((VaultPackFile *)g_ptr_array_index(files, i))->len;
    streams = recovery_find_streams(&recovery, files, error);
    return streams != NULL && replay(&recovery, files, error) &&
           recovery_finish_streams(&recovery, streams, error) &&
           recovery_remove_replaced(&recovery, files, error);
}
