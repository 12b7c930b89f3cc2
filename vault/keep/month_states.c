#include "vault/keep/month_states.h"

typedef struct {
    VaultMonthState state;
    MailboxId mailbox_id;
    gboolean has_tree;      /* it was looked at: */
    VaultErasureTree *tree; /* NULL: no leaf of it was ever punctured */
} Known;

struct VaultMonthStates {
    VaultKeyring *keyring;
    GHashTable *known; /* MonthKeyId -> Known */
};

static void known_free(gpointer item)
{
    Known *known = item;

    vault_erasure_tree_free(known->tree);
    g_free(known);
}

VaultMonthStates *vault_month_states_new(VaultKeyring *keyring)
{
    VaultMonthStates *states = g_new0(VaultMonthStates, 1);

    states->keyring = keyring;
    states->known = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, known_free);
    return states;
}

void vault_month_states_free(VaultMonthStates *states)
{
    if (states == NULL)
        return;
    g_hash_table_unref(states->known);
    g_free(states);
}

static gboolean look_up(VaultKeyring *keyring, const MonthKeyId *month_key_id, Known *ret_known,
                        GError **error)
{
    g_autoptr(GError) failure = NULL;
    gboolean has_tombstone = FALSE;
    RowId row_id;

    ret_known->state = VAULT_MONTH_LIVE;
    if (vault_keyring_month_mailbox(keyring, month_key_id, &ret_known->mailbox_id, &failure))
        return TRUE;
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    memcpy(row_id.bytes, month_key_id->bytes, VAULT_ID_LEN);
    if (!vault_keyring_has(keyring, VAULT_KEYRING_TOMBSTONES, &row_id, &has_tombstone, error))
        return FALSE;
    ret_known->state = has_tombstone ? VAULT_MONTH_DEAD : VAULT_MONTH_UNKNOWN;
    return TRUE;
}

gboolean vault_month_states_get(VaultMonthStates *states, const MonthKeyId *month_key_id,
                                VaultMonthState *ret_state, gboolean *ret_is_first, GError **error)
{
    const Known *known = g_hash_table_lookup(states->known, month_key_id);

    *ret_is_first = known == NULL;
    if (known == NULL) {
        Known fresh = {.mailbox_id = {{0}}};

        if (!look_up(states->keyring, month_key_id, &fresh, error))
            return FALSE;
        known = g_memdup2(&fresh, sizeof fresh);
        g_hash_table_insert(states->known, g_memdup2(month_key_id, VAULT_ID_LEN), (gpointer)known);
    }
    *ret_state = known->state;
    return TRUE;
}

static gboolean load_tree(VaultKeyring *keyring, const MonthKeyId *month_key_id, Known *known,
                          GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) month = vault_keyring_get_month(keyring, month_key_id, &failure);

    known->has_tree = TRUE;
    if (month != NULL) {
        if (!vault_erasure_tree_is_whole(month->tree))
            known->tree = g_steal_pointer(&month->tree);
        return TRUE;
    }
    /* Dropped since it was asked for. */
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        known->state = VAULT_MONTH_DEAD;
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean vault_month_states_get_leaf(VaultMonthStates *states, const MonthKeyId *month_key_id,
                                     guint32 leaf, VaultMonthState *ret_state,
                                     gboolean *ret_is_first, GError **error)
{
    Known *known;

    if (!vault_month_states_get(states, month_key_id, ret_state, ret_is_first, error))
        return FALSE;
    if (*ret_state != VAULT_MONTH_LIVE)
        return TRUE;
    known = g_hash_table_lookup(states->known, month_key_id);
    if (!known->has_tree && !load_tree(states->keyring, month_key_id, known, error))
        return FALSE;
    *ret_state = known->state;
    if (known->tree != NULL && vault_erasure_tree_is_punctured(known->tree, leaf))
        *ret_state = VAULT_MONTH_DEAD;
    return TRUE;
}

MailboxId vault_month_states_mailbox(VaultMonthStates *states, const MonthKeyId *month_key_id)
{
    const Known *known = g_hash_table_lookup(states->known, month_key_id);

    return known == NULL ? (MailboxId){{0}} : known->mailbox_id;
}
