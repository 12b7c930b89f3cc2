/* Compactions that a crash cut short, or that a catalog lost with the power does not know of. */
#include "vault/base/file.h"
#include "vault/keep/recovery_internal.h"
#include "vault/store/catalog_compact.h"

#include <errno.h>
#include <unistd.h>

/* ---- into the catalog ----------------------------------------------------------------------- */

static gboolean take_event(Recovery *recovery, const VaultPackFile *file, VaultScanEvent event,
                           const GArray *records, guint64 offset, guint64 len, GError **error)
{
    if (event == VAULT_SCAN_CORRUPT) {
        recovery->damage_count++;
        recovery_report(recovery,
                        "pack %s: %" G_GUINT64_FORMAT " bytes at offset %" G_GUINT64_FORMAT
                        " are damaged; kept, passed over",
                        file->name, len, offset);
    }
    for (guint i = 0; event == VAULT_SCAN_GROUP && i < records->len; i++)
        if (!recovery_take_record(recovery, &file->header.pack_id,
                                  &g_array_index(records, VaultScannedRecord, i), error))
            return FALSE;
    return TRUE;
}

static gboolean scan_pack(Recovery *recovery, const VaultPackFile *file, GError **error)
{
    g_autoptr(VaultPackScan) scan = vault_pack_scan_open(file->path, recovery->options->vault_id,
                                                         VAULT_SCAN_HEADERS, NULL, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    while (scan != NULL && event != VAULT_SCAN_END) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(scan, &event, &records, &offset, &len, error) ||
            !take_event(recovery, file, event, records, offset, len, error))
            return FALSE;
    }
    return scan != NULL;
}

gboolean recovery_take_compacted(Recovery *recovery, const VaultPackFile *file, GError **error)
{
    VaultCatalogPack pack = {file->header.pack_id, file->header.groups_end, VAULT_PACK_SEALED};
    gboolean is_taken;

    recovery_progress(recovery, file->len);
    if (file->replaced == NULL) {
        recovery->damage_count++;
        recovery_report(recovery, "pack %s: the list of what it replaces is damaged; kept",
                        file->name);
    }
    if (file->is_catalogued && file->catalogued.state == VAULT_PACK_SEALED)
        return TRUE;
    recovery->is_moving = !recovery->options->is_new_catalog;
    is_taken = scan_pack(recovery, file, error);
    recovery->is_moving = FALSE;
    return is_taken && vault_catalog_advance_pack(recovery->options->catalog, &pack, error);
}

/* ---- what was replaced ---------------------------------------------------------------------- */

gboolean recovery_forget_replaced(Recovery *recovery, GPtrArray *files, GError **error)
{
    VaultCatalog *catalog = recovery->options->catalog;
    gboolean is_any = FALSE, was_there;

    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);

        for (guint j = 0; file->replaced != NULL && j < file->replaced->len; j++) {
            if (!vault_catalog_replace_pack(catalog, &g_array_index(file->replaced, PackId, j),
                                            &was_there, error))
                return FALSE;
            is_any = is_any || was_there;
        }
    }
    return !is_any || (vault_catalog_purge_replaced(catalog, error) &&
                       vault_catalog_forget_replaced(catalog, error));
}

/* Nothing is removed while anything is damaged: it may be what a record is found in again. */
gboolean recovery_remove_replaced(Recovery *recovery, GPtrArray *files, GError **error)
{
    gboolean is_any = FALSE;

    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);

        if (!file->is_replaced)
            continue;
        if (recovery->damage_count > 0) {
            recovery_report(recovery,
                            "pack %s was compacted into another one, but packs are damaged; kept",
                            file->name);
            continue;
        }
        if (unlink(file->path) != 0 && errno != ENOENT)
            return vault_error_set_errno(error, errno, "cannot remove", file->path);
        is_any = TRUE;
    }
    return !is_any || vault_file_sync_directory(recovery->options->directory, error);
}
