/* What is known of all places, for status, lists and certificates. */
#include "vault/keep/custody_pair.h"
#include "vault/keep/internal.h"

static void entry_free(gpointer item)
{
    VaultCustodyEntry *entry = item;

    g_free(entry->place);
    g_free(entry->away);
    g_free(entry);
}

void vault_custody_state_free(VaultCustodyState *state)
{
    if (state == NULL)
        return;
    g_ptr_array_unref(state->entries);
    g_array_unref(state->declarations);
    g_free(state);
}

static void add_holder(VaultKeep *keep, VaultHolderValue *value, VaultCustodyView view,
                       VaultCustodyState *state)
{
    VaultCustodyEntry *entry = g_new0(VaultCustodyEntry, 1);
    VaultHolder holder = vault_custody_holder(keep, value);
    g_auto(VaultHolderState) seen = {.reason = NULL};

    if (view == VAULT_CUSTODY_LOOK) {
        vault_holder_look(&holder, &seen);
        vault_custody_note_holder(keep, value, &seen);
    }
    entry->sort = VAULT_CUSTODY_HOLDER;
    g_strlcpy(entry->name, value->name, sizeof entry->name);
    entry->kind = vault_holder_kind_name(holder.kind);
    entry->place = g_strdup(holder.place);
    entry->is_off_disk = value->disk == VAULT_DISK_OTHER;
    memcpy(entry->keys, value->keys, sizeof entry->keys);
    entry->count = value->count;
    entry->seen_s = value->seen_s;
    entry->away = g_steal_pointer(&seen.reason);
    g_ptr_array_add(state->entries, entry);
}

static void add_copy(VaultKeep *keep, VaultCopyValue *value, VaultCustodyView view,
                     VaultCustodyState *state)
{
    VaultCustodyEntry *entry = g_new0(VaultCustodyEntry, 1);
    VaultCopyPlace place = vault_custody_copy_place(keep, value);
    g_auto(VaultCopyPlaceState) seen = {.reason = NULL};

    if (view == VAULT_CUSTODY_LOOK) {
        vault_copy_place_look(&place, &seen);
        vault_custody_note_copy(keep, value, &seen);
    }
    entry->sort = VAULT_CUSTODY_COPY;
    g_strlcpy(entry->name, value->name, sizeof entry->name);
    entry->kind = place.kind == VAULT_COPY_SSH ? "ssh" : "folder";
    entry->place = g_strdup(place.place);
    entry->is_off_disk = value->disk == VAULT_DISK_OTHER;
    entry->keys[0] = value->key;
    entry->count = value->key.generation == 0 ? 0 : 1;
    entry->seen_s = value->copied_s;
    entry->away = g_steal_pointer(&seen.reason);
    g_ptr_array_add(state->entries, entry);
}

VaultCustodyState *vault_custody_state(VaultKeep *keep, VaultCustodyView view, GError **error)
{
    g_autoptr(VaultCustodyRegistry) registry = vault_custody_registry_read(keep, error);
    VaultCustodyState *state;

    if (registry == NULL)
        return NULL;
    state = g_new0(VaultCustodyState, 1);
    state->key = vault_custody_present_key(keep);
    state->entries = g_ptr_array_new_with_free_func(entry_free);
    state->declarations = g_array_ref(registry->declarations);
    for (guint i = 0; i < registry->holders->len; i++)
        add_holder(keep, g_ptr_array_index(registry->holders, i), view, state);
    for (guint i = 0; i < registry->copies->len; i++)
        add_copy(keep, g_ptr_array_index(registry->copies, i), view, state);
    state->pair_generation = vault_custody_newest_pair(registry, 1, state->key.generation);
    state->pair_exists = state->pair_generation == state->key.generation;
    return state;
}

gboolean vault_custody_entry_is_behind(const VaultCustodyEntry *entry, guint32 generation)
{
    for (guint i = 0; i < entry->count; i++) {
        if (entry->keys[i].generation < generation)
            return TRUE;
    }
    return FALSE;
}

guint vault_custody_count_behind(const VaultCustodyState *state, VaultCustodySort sort,
                                 guint32 generation)
{
    guint count = 0;

    for (guint i = 0; i < state->entries->len; i++) {
        const VaultCustodyEntry *entry = g_ptr_array_index(state->entries, i);

        count += entry->sort == sort && vault_custody_entry_is_behind(entry, generation);
    }
    return count;
}

guint64 vault_custody_declared_until(const VaultCustodyState *state, guint64 destroyed_s)
{
    guint64 until_s = 0;

    for (guint i = 0; i < state->declarations->len; i++) {
        const VaultDeclarationValue *value =
            &g_array_index(state->declarations, VaultDeclarationValue, i);

        until_s = MAX(until_s, vault_declaration_counts_until(value, destroyed_s));
    }
    return until_s;
}
