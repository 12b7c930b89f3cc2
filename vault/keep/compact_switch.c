#include "vault/keep/compact_switch.h"

#include "vault/base/file.h"
#include "vault/store/catalog_compact.h"

#include <errno.h>
#include <unistd.h>

/* ---- the catalog ---------------------------------------------------------------------------- */

typedef struct {
    VaultKeep *keep;
    const VaultCompactSwitch *change;
    VaultLiveness *liveness; /* from within the transaction */
    guint64 tags_since_s;
    guint64 changed_count; /* rows that were there, moved or dropped */
} Switch;

/* An erasure destroys first and then takes its rows out of the catalog: a copy that was erased
 * while it was moved does not come back. */
static gboolean is_erased(Switch *state, const VaultCatalogRow *row, gboolean *ret_is,
                          GError **error)
{
    VaultLife life = {.state = VAULT_LIFE_LIVE};

    if (vault_record_kind_has_leaf(row->kind) &&
        !vault_liveness_of_leaf(state->liveness, &row->locator.month_key_id, row->locator.leaf,
                                &life, error))
        return FALSE;
    *ret_is = life.state == VAULT_LIFE_DEAD;
    return TRUE;
}

static gboolean move_record(Switch *state, const VaultScannedRecord *record, GError **error)
{
    VaultCatalogRow row = {.kind = record->header.kind,
                           .record_id = record->header.record_id,
                           .place = {state->change->header->pack_id, record->offset, record->len}};
    gboolean was_there = FALSE, is_erased_now;

    /* What does not open was in no catalog before. */
    if (!vault_record_locator_open(record->header_bytes, &record->header, state->keep->locator_key,
                                   &row.locator, NULL))
        return TRUE;
    if (!is_erased(state, &row, &is_erased_now, error) ||
        !(is_erased_now ? vault_catalog_drop(state->keep->writing, &row, &was_there, error)
                        : vault_catalog_move(state->keep->writing, &row, state->tags_since_s,
                                             &was_there, error)))
        return FALSE;
    state->changed_count += was_there;
    return TRUE;
}

static gboolean move_records(Switch *state, GError **error)
{
    const char *path = state->change->path;
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, &state->keep->id, VAULT_SCAN_HEADERS, NULL, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;
    gboolean is_good = scan != NULL && vault_pack_scan_is_closed(scan);

    while (is_good && event != VAULT_SCAN_END) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(scan, &event, &records, &offset, &len, error))
            return FALSE;
        is_good = event != VAULT_SCAN_CORRUPT;
        for (guint i = 0; event == VAULT_SCAN_GROUP && i < records->len; i++)
            if (!move_record(state, &g_array_index(records, VaultScannedRecord, i), error))
                return FALSE;
    }
    if (!is_good && scan != NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "%s is not what was written: nothing that it replaces is removed", path);
    return is_good;
}

static gboolean drop_records(Switch *state, GError **error)
{
    const GArray *dropped = state->change->dropped;

    for (guint i = 0; dropped != NULL && i < dropped->len; i++) {
        const VaultRepackDropped *gone = &g_array_index(dropped, VaultRepackDropped, i);
        const VaultCatalogRow row = {.kind = gone->kind,
                                     .record_id = gone->record_id,
                                     .locator = {.repeat_tag = gone->repeat_tag}};
        gboolean was_there = FALSE;

        if (!vault_catalog_drop(state->keep->writing, &row, &was_there, error))
            return FALSE;
        state->changed_count += was_there;
    }
    return TRUE;
}

static gboolean forget_packs(Switch *state, GError **error)
{
    VaultCatalog *catalog = state->keep->writing;
    const GArray *replaced = state->change->replaced;
    gboolean was_there;

    for (guint i = 0; i < replaced->len; i++)
        if (!vault_catalog_replace_pack(catalog, &g_array_index(replaced, PackId, i), &was_there,
                                        error))
            return FALSE;
    /* A catalog that had more in them than they held was wrong; searching it takes a while. */
    if ((state->change->dropped == NULL ||
         state->changed_count != state->change->catalogued_count) &&
        !vault_catalog_purge_replaced(catalog, error))
        return FALSE;
    return vault_catalog_forget_replaced(catalog, error);
}

static gboolean change_catalog(Switch *state, GError **error)
{
    const VaultPackHeader *header = state->change->header;
    VaultCatalogPack pack = {header->pack_id, header->groups_end, VAULT_PACK_SEALED};

    return move_records(state, error) && drop_records(state, error) &&
           vault_catalog_advance_pack(state->keep->writing, &pack, error) &&
           forget_packs(state, error);
}

gboolean vault_compact_switch(VaultKeep *keep, const VaultCompactSwitch *change, GError **error)
{
    g_autoptr(VaultLiveness) liveness = NULL;
    Switch state = {.keep = keep, .change = change, .tags_since_s = vault_tags_since_s(keep->tags)};

    if (!vault_catalog_begin(keep->writing, error))
        return FALSE;
    liveness = state.liveness = vault_liveness_new(keep->keyring);
    if (change_catalog(&state, error))
        return vault_catalog_end(keep->writing, error);
    vault_catalog_abandon(keep->writing);
    return FALSE;
}

/* ---- the packs ------------------------------------------------------------------------------ */

gboolean vault_compact_remove(VaultKeep *keep, GPtrArray *files, GError **error)
{
    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);

        if (unlink(file->path) != 0 && errno != ENOENT)
            return vault_error_set_errno(error, errno, "cannot remove", file->path);
        vault_pack_set_forget(keep->packs, &file->header.pack_id);
    }
    return files->len == 0 || vault_file_sync_directory(keep->packs_path, error);
}

gboolean vault_compact_finish(VaultKeep *keep, GPtrArray *files, gboolean *ret_is_changed,
                              GError **error)
{
    g_autoptr(GPtrArray) replaced = g_ptr_array_new();

    *ret_is_changed = FALSE;
    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);
        VaultCompactSwitch change = {
            .path = file->path, .header = &file->header, .replaced = file->replaced};

        if (file->is_replaced)
            g_ptr_array_add(replaced, file);
        if (file->is_replaced || file->replaced == NULL ||
            (file->is_catalogued && file->catalogued.state == VAULT_PACK_SEALED))
            continue;
        *ret_is_changed = TRUE;
        if (!vault_compact_switch(keep, &change, error))
            return FALSE;
    }
    *ret_is_changed = *ret_is_changed || replaced->len > 0;
    return vault_compact_remove(keep, replaced, error);
}
