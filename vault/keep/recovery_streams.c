#include "vault/base/file.h"
#include "vault/keep/recovery_internal.h"

#include <errno.h>
#include <unistd.h>

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
                recovery_open_row(recovery, &file->header.pack_id,
                                  &g_array_index(records, VaultScannedRecord, 0), &ret_record->row);
    }
    return scan != NULL;
}

/* The body that the record is, or belongs to. */
static const RecordId *subject_of(const VaultCatalogRow *row)
{
    return row->kind == VAULT_RECORD_BODY ? &row->record_id : &row->locator.body_id;
}

GHashTable *recovery_find_streams(Recovery *recovery, GPtrArray *files, GError **error)
{
    g_autoptr(GHashTable) records = g_hash_table_new_full(NULL, NULL, NULL, g_free);

    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);
        StreamRecord *record;

        if (file->header.type != VAULT_PACK_STREAM || file->is_catalogued || !file->is_readable ||
            file->is_replaced)
            continue;
        record = g_new0(StreamRecord, 1);
        g_hash_table_insert(records, file, record);
        if (!read_stream(recovery, file, record, error))
            return NULL;
        if (record->is_found)
            g_hash_table_add(recovery->streams, g_memdup2(subject_of(&record->row), VAULT_ID_LEN));
    }
    return g_steal_pointer(&records);
}

static gboolean is_named(Recovery *recovery, const RecordId *subject, gboolean *ret_is_named,
                         GError **error)
{
    g_autoptr(GArray) copies = NULL;

    *ret_is_named = g_hash_table_contains(recovery->named, subject);
    /* Into a new catalog every copy was read just now; it has no index yet to ask by. */
    if (*ret_is_named || recovery->options->is_new_catalog)
        return TRUE;
    copies = vault_catalog_copies_of(recovery->options->catalog, subject, error);
    *ret_is_named = copies != NULL && copies->len > 0;
    return copies != NULL;
}

static gboolean catalogue_stream(Recovery *recovery, const VaultPackFile *file,
                                 const StreamRecord *record, GError **error)
{
    VaultCatalog *catalog = recovery->options->catalog;
    VaultCatalogPack pack = {file->header.pack_id, record->row.place.offset + record->row.place.len,
                             VAULT_PACK_SEALED};

    recovery->result->record_count++;
    if (!vault_catalog_begin(catalog, error))
        return FALSE;
    if (vault_catalog_add(catalog, &record->row, recovery->options->tags_since_s, error) &&
        vault_catalog_advance_pack(catalog, &pack, error))
        return vault_catalog_end(catalog, error);
    vault_catalog_abandon(catalog);
    return FALSE;
}

static gboolean remove_orphan(Recovery *recovery, const VaultPackFile *file, GError **error)
{
    if (recovery->damage_count > 0) {
        recovery_report(recovery,
                        "stream pack %s: no copy names it, but other packs are damaged; kept",
                        file->name);
        return TRUE;
    }
    if (unlink(file->path) != 0 && errno != ENOENT)
        return vault_error_set_errno(error, errno, "cannot remove", file->path);
    g_message("removed %s: a large message that was never acknowledged", file->name);
    return TRUE;
}

static gboolean finish_stream(Recovery *recovery, const VaultPackFile *file,
                              const StreamRecord *record, GError **error)
{
    gboolean is_kept;

    recovery_progress(recovery, file->len);
    /* It was whole when it got its name: this is damage, and any copy may be the one that names it.
     */
    if (!record->is_found) {
        recovery_report(recovery, "stream pack %s: its record is damaged; kept, not catalogued",
                        file->name);
        return TRUE;
    }
    if (!is_named(recovery, subject_of(&record->row), &is_kept, error))
        return FALSE;
    return is_kept ? catalogue_stream(recovery, file, record, error)
                   : remove_orphan(recovery, file, error);
}

gboolean recovery_finish_streams(Recovery *recovery, GHashTable *records, GError **error)
{
    GHashTableIter iter;
    gpointer file, record;

    g_hash_table_iter_init(&iter, records);
    while (g_hash_table_iter_next(&iter, &file, &record))
        if (!finish_stream(recovery, file, record, error))
            return FALSE;
    return g_hash_table_size(records) == 0 ||
           vault_file_sync_directory(recovery->options->directory, error);
}
