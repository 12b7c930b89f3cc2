/* The packs, read for what no batch of the archive log has yet. */
#include "vault/keep/logs_batch.h"
#include "vault/keep/pack_files.h"

typedef struct {
    const VaultLogsScan *scan;
    const VaultPackFile *file;
    guint64 from, to; /* offsets of records in this pack */
    gboolean needs_ciphertexts;
} PackScan;

gboolean vault_logs_pack_sequence(const char *packs, const PackId *pack_id, guint64 *ret_sequence,
                                  GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(packs, 0, NULL);
    g_autofree char *suffix = g_strdup_printf("-%s.pack", VAULT_ID_TEXT(*pack_id));

    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        if (!g_str_has_suffix(name, suffix) || strlen(name) != 16 + strlen(suffix))
            continue;
        *ret_sequence = g_ascii_strtoull(name, NULL, 16);
        return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "pack %s is not in %s",
                VAULT_ID_TEXT(*pack_id), packs);
    return FALSE;
}

/* ---- stream packs --------------------------------------------------------------------------- */

static gboolean hash_stream(const VaultLogsScan *scan, const VaultPlace *place, VaultHash *ret_hash,
                            GError **error)
{
    g_autofree char *name = g_strdup_printf("%s.stream", VAULT_ID_TEXT(place->pack_id));
    g_autofree char *path = g_build_filename(scan->packs, name, NULL);
    g_autoptr(VaultPackScan) pack =
        vault_pack_scan_open(path, scan->vault_id, VAULT_SCAN_CIPHERTEXTS, NULL, error);
    VaultScanEvent event;
    GArray *records;
    guint64 offset, len;

    if (pack == NULL || !vault_pack_scan_next(pack, &event, &records, &offset, &len, error))
        return FALSE;
    if (event == VAULT_SCAN_GROUP && records->len == 1) {
        *ret_hash = g_array_index(records, VaultScannedRecord, 0).hash;
        return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is damaged", path);
    return FALSE;
}

/* A body that its copies' group does not hold lies in a stream pack, of which the catalog knows.
 * Where nothing is known of it any more, or it is damaged, there is nothing to log: verify tells.
 */
static gboolean add_stream(const VaultLogsScan *scan, const RecordId *body_id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    VaultRecordKind kind;
    VaultPlace place;
    VaultHash hash;

    if (vault_catalog_find(scan->catalog, body_id, &kind, &place, &failure) &&
        hash_stream(scan, &place, &hash, &failure)) {
        g_array_append_val(scan->hashes, hash);
        return TRUE;
    }
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) ||
        g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT)) {
        g_warning("body %s is not logged: %s", VAULT_ID_TEXT(*body_id), failure->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* ---- grouped packs -------------------------------------------------------------------------- */

static gboolean find_body(const VaultLogsScan *scan, const VaultScannedRecord *record,
                          RecordId *ret_body_id)
{
    VaultLocator locator;

    if (record->header.kind != VAULT_RECORD_COPY ||
        !vault_record_locator_open(record->header_bytes, &record->header, scan->locator_key,
                                   &locator, NULL))
        return FALSE;
    *ret_body_id = locator.body_id;
    return TRUE;
}

/* A body goes before its copies in their group, else it lies in a stream pack. */
static gboolean add_record(PackScan *pack, const VaultScannedRecord *record, GHashTable *bodies,
                           GError **error)
{
    static const VaultHash zeros;
    RecordId body_id;

    if (memcmp(&record->hash, &zeros, sizeof zeros) == 0) {
        pack->needs_ciphertexts = TRUE;
        return TRUE;
    }
    g_array_append_val(pack->scan->hashes, record->hash);
    if (record->header.kind == VAULT_RECORD_BODY)
        g_hash_table_add(bodies, g_memdup2(&record->header.record_id, VAULT_ID_LEN));
    if (!find_body(pack->scan, record, &body_id) || g_hash_table_contains(bodies, &body_id))
        return TRUE;
    g_hash_table_add(bodies, g_memdup2(&body_id, VAULT_ID_LEN));
    return add_stream(pack->scan, &body_id, error);
}

static gboolean add_group(PackScan *pack, const GArray *records, GError **error)
{
    g_autoptr(GHashTable) bodies =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);

    for (guint i = 0; !pack->needs_ciphertexts && i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);

        if (record->offset >= pack->from && record->offset < pack->to &&
            !add_record(pack, record, bodies, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean scan_pack(PackScan *pack, VaultScanDepth depth, GError **error)
{
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(pack->file->path, pack->scan->vault_id, depth, NULL, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    while (scan != NULL && event != VAULT_SCAN_END && !pack->needs_ciphertexts) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(scan, &event, &records, &offset, &len, error) ||
            (event == VAULT_SCAN_GROUP && !add_group(pack, records, error)))
            return FALSE;
    }
    return scan != NULL;
}

/* Of a closed pack the index has the hashes; of the open one, and where the index is damaged, they
 * are made from the bytes. */
static gboolean add_pack(PackScan *pack, GError **error)
{
    guint before = pack->scan->hashes->len;

    if (!scan_pack(pack, VAULT_SCAN_HEADERS, error))
        return FALSE;
    if (!pack->needs_ciphertexts)
        return TRUE;
    g_array_set_size(pack->scan->hashes, before);
    pack->needs_ciphertexts = FALSE;
    return scan_pack(pack, VAULT_SCAN_CIPHERTEXTS, error);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static gboolean is_between(const VaultLogsScan *scan, const VaultPackFile *file)
{
    /* What a compacted pack holds was logged before it was moved there. */
    return file->is_readable && file->header.type == VAULT_PACK_GROUPED && !file->is_replaced &&
           file->header.sequence >= scan->from.sequence &&
           file->header.sequence <= scan->to.sequence;
}

static gboolean add_file(const VaultLogsScan *scan, const VaultPackFile *file, GError **error)
{
    PackScan pack = {.scan = scan, .file = file, .to = G_MAXUINT64};
    VaultEntryMark reached = {
        .sequence = file->header.sequence, .pack_id = file->header.pack_id, .offset = file->len};

    if (VAULT_ID_EQUAL(file->header.pack_id, scan->from.pack_id))
        pack.from = scan->from.offset;
    /* What lies behind the end that its successor names was never acknowledged. */
    if (file->has_successor)
        pack.to = file->successor_end;
    if (VAULT_ID_EQUAL(file->header.pack_id, scan->to.pack_id)) {
        pack.to = scan->to.offset;
        reached.offset = scan->to.offset;
    }
    return add_pack(&pack, error) && scan->taken(&reached, scan->user, error);
}

gboolean vault_logs_scan(const VaultLogsScan *scan, GError **error)
{
    g_autoptr(GPtrArray) files = vault_pack_files_list(scan->packs, scan->vault_id, NULL, error);

    for (guint i = 0; files != NULL && i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);

        if (is_between(scan, file) && !add_file(scan, file, error))
            return FALSE;
    }
    return files != NULL;
}
