/* Content slots of copies: what opens messages. */
#include "vault/keep/release.h"

/* ---- slots of entries ------------------------------------------------------------------------ */

/* A slot is given for a copy that is there, and only for its own leaf. */
static gboolean check_exists(VaultKeep *keep, const VaultCopyEntry *entry, GError **error)
{
    VaultCatalogCopy copy;

    if (!vault_catalog_find_copy(keep->reading, &entry->record_id, &copy, error))
        return FALSE;
    if (VAULT_ID_EQUAL(copy.month_key_id, entry->month_key_id) && copy.leaf == entry->leaf)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "copy %s has another month or leaf",
                VAULT_ID_TEXT(entry->record_id));
    return FALSE;
}

static gboolean release_one(VaultReleasing *releasing, const VaultCopyEntry *entry,
                            VaultRelease *ret_release, GError **error)
{
    VaultMonthValue *month =
        vault_releasing_month(releasing, &entry->record_id, &entry->month_key_id, error);

    if (month == NULL)
        return FALSE;
    if (vault_erasure_tree_is_punctured(month->tree, entry->leaf)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_ERASED, "copy %s was erased",
                    VAULT_ID_TEXT(entry->record_id));
        return FALSE;
    }
    if (!check_exists(releasing->keep, entry, error))
        return FALSE;
    ret_release->record_id = entry->record_id;
    ret_release->month_key_id = entry->month_key_id;
    ret_release->leaf = entry->leaf;
    return vault_erasure_tree_content_slot(month->tree, entry->leaf, &ret_release->slot, error);
}

gboolean vault_keep_release(VaultKeep *keep, const VaultCopyEntry *entries, gsize count,
                            VaultRelease *ret_releases, GError **error)
{
    g_auto(VaultReleasing) releasing = vault_releasing(keep, NULL);

    vault_keep_catch_up(keep);
    for (gsize i = 0; i < count; i++)
        if (!release_one(&releasing, &entries[i], &ret_releases[i], error)) {
            vault_wipe(ret_releases, count * sizeof *ret_releases);
            return FALSE;
        }
    return TRUE;
}

/* ---- a release under a grant ----------------------------------------------------------------- */

static void slot_clear(gpointer slot)
{
    vault_released_slot_wipe(slot);
}

static gboolean look_up(VaultReleasing *releasing, const RecordId *record_id,
                        VaultReleasedSlot *slot, GError **error)
{
    GError *failure = NULL;
    VaultCatalogCopy copy;
    VaultReleaseWanted wanted;

    slot->record_id = *record_id;
    if (!vault_catalog_find_copy(releasing->keep->reading, record_id, &copy, &failure))
        return vault_releasing_take_failure(failure, &slot->state, error);
    wanted = (VaultReleaseWanted){.record_id = *record_id,
                                  .body_id = copy.body_id,
                                  .month_key_id = copy.month_key_id,
                                  .leaf = copy.leaf,
                                  .received_s = copy.received_s,
                                  .half = VAULT_GRANT_CONTENT,
                                  .line = "copy"};
    if (!vault_releasing_judge(releasing, &wanted, &slot->state, error))
        return FALSE;
    if (slot->state == VAULT_RELEASE_GIVEN) {
        slot->month_key_id = copy.month_key_id;
        slot->leaf = copy.leaf;
    }
    return TRUE;
}

/* From trees that were opened before the release was logged: nothing of them is read again. */
static gboolean derive(VaultReleasing *releasing, GArray *slots, GError **error)
{
    for (guint i = 0; i < slots->len; i++) {
        VaultReleasedSlot *slot = &g_array_index(slots, VaultReleasedSlot, i);
        const VaultMonthValue *month;

        if (slot->state != VAULT_RELEASE_GIVEN)
            continue;
        month = g_hash_table_lookup(releasing->months, &slot->month_key_id);
        if (!vault_erasure_tree_content_slot(month->tree, slot->leaf, &slot->slot, error))
            return FALSE;
    }
    return TRUE;
}

GBytes *vault_release_give_slots(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer list,
                                 GError **error)
{
    const VaultReleaseList *asked = list;
    g_auto(VaultReleasing) releasing = vault_releasing(keep, judged);
    g_autoptr(GArray) slots =
        g_array_sized_new(FALSE, TRUE, sizeof(VaultReleasedSlot), (guint)MAX(asked->count, 1));
    VaultReleaseHeader header = {.vault_id = keep->id, .grant_hash = judged->grant_hash};

    g_array_set_clear_func(slots, slot_clear);
    g_array_set_size(slots, (guint)asked->count);
    for (gsize i = 0; i < asked->count; i++) {
        if (!look_up(&releasing, &asked->ids[i], &g_array_index(slots, VaultReleasedSlot, i),
                     error))
            return NULL;
    }
    if (!vault_releasing_log(&releasing, VAULT_LOGGED_RELEASE, "copies", &header.log_index,
                             error) ||
        !derive(&releasing, slots, error))
        return NULL;
    return vault_release_seal(&header, (const VaultReleasedSlot *)(gconstpointer)slots->data,
                              slots->len, &judged->grant->request->reader_key, error);
}
