#include "vault/keep/liveness.h"

#include "vault/crypto/value.h"

typedef struct {
    VaultLife life;         /* of the month as a whole */
    MailboxId mailbox_id;   /* LIVE */
    VaultErasureTree *tree; /* NULL: no leaf was punctured, or the month is not there */
} Month;

struct VaultLiveness {
    VaultKeyring *keyring;
    GHashTable *months; /* MonthKeyId -> Month */
};

static void month_free(gpointer item)
{
    Month *month = item;

    vault_erasure_tree_free(month->tree);
    g_free(month);
}

VaultLiveness *vault_liveness_new(VaultKeyring *keyring)
{
    VaultLiveness *liveness = g_new0(VaultLiveness, 1);

    liveness->keyring = keyring;
    liveness->months = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, month_free);
    return liveness;
}

void vault_liveness_free(VaultLiveness *liveness)
{
    if (liveness == NULL)
        return;
    g_hash_table_unref(liveness->months);
    g_free(liveness);
}

/* ---- months --------------------------------------------------------------------------------- */

static gboolean is_not_found(GError *failure, GError **error)
{
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_error_free(failure);
        return TRUE;
    }
    g_propagate_error(error, failure);
    return FALSE;
}

static gboolean read_tombstone(VaultLiveness *liveness, const MonthKeyId *month_key_id,
                               VaultLife *ret_life, GError **error)
{
    VaultTombstoneValue tombstone;
    GError *failure = NULL;
    GByteArray *value;
    gboolean is_good;
    RowId row_id;

    memcpy(row_id.bytes, month_key_id->bytes, VAULT_ID_LEN);
    value = vault_keyring_get(liveness->keyring, VAULT_KEYRING_TOMBSTONES, &row_id, &failure);
    *ret_life = (VaultLife){.state = VAULT_LIFE_UNKNOWN};
    if (value == NULL)
        return is_not_found(failure, error);
    is_good = vault_tombstone_value_parse(value->data, value->len, &tombstone, error);
    vault_value_free(value);
    *ret_life = (VaultLife){.state = VAULT_LIFE_DEAD, .died_s = tombstone.dropped_s};
    return is_good;
}

static gboolean read_month(VaultLiveness *liveness, const MonthKeyId *month_key_id, Month *month,
                           GError **error)
{
    GError *failure = NULL;
    g_autoptr(VaultMonthValue) value =
        vault_keyring_get_month(liveness->keyring, month_key_id, &failure);

    if (value == NULL)
        return is_not_found(failure, error) &&
               read_tombstone(liveness, month_key_id, &month->life, error);
    month->life = (VaultLife){.state = VAULT_LIFE_LIVE};
    month->mailbox_id = value->mailbox_id;
    if (!vault_erasure_tree_is_whole(value->tree))
        month->tree = g_steal_pointer(&value->tree);
    return TRUE;
}

static const Month *find_month(VaultLiveness *liveness, const MonthKeyId *month_key_id,
                               GError **error)
{
    Month *month = g_hash_table_lookup(liveness->months, month_key_id);

    if (month != NULL)
        return month;
    month = g_new0(Month, 1);
    if (!read_month(liveness, month_key_id, month, error)) {
        month_free(month);
        return NULL;
    }
    g_hash_table_insert(liveness->months, g_memdup2(month_key_id, VAULT_ID_LEN), month);
    return month;
}

gboolean vault_liveness_has_month(VaultLiveness *liveness, const MonthKeyId *month_key_id)
{
    return g_hash_table_contains(liveness->months, month_key_id);
}

MailboxId vault_liveness_mailbox(VaultLiveness *liveness, const MonthKeyId *month_key_id)
{
    const Month *month = g_hash_table_lookup(liveness->months, month_key_id);

    return month == NULL ? (MailboxId){{0}} : month->mailbox_id;
}

/* ---- records -------------------------------------------------------------------------------- */

/* A tree forgets a leaf without saying when it did. */
gboolean vault_liveness_of_leaf(VaultLiveness *liveness, const MonthKeyId *month_key_id,
                                guint32 leaf, VaultLife *ret_life, GError **error)
{
    const Month *month = find_month(liveness, month_key_id, error);

    if (month == NULL)
        return FALSE;
    *ret_life = month->life;
    if (month->tree != NULL && vault_erasure_tree_is_punctured(month->tree, leaf))
        *ret_life = (VaultLife){.state = VAULT_LIFE_DEAD};
    return TRUE;
}

gboolean vault_liveness_of_event(VaultLiveness *liveness, const RowId *row_id, VaultLife *ret_life,
                                 GError **error)
{
    gboolean has_key = FALSE;

    if (!vault_keyring_has(liveness->keyring, VAULT_KEYRING_EVENTS, row_id, &has_key, error))
        return FALSE;
    *ret_life = (VaultLife){.state = has_key ? VAULT_LIFE_LIVE : VAULT_LIFE_DEAD};
    return TRUE;
}

/* One copy that may be opened keeps the body; the last one to die dates its death. */
void vault_life_add_copy(VaultLife *body, const VaultLife *copy)
{
    if (copy->state != VAULT_LIFE_DEAD)
        body->state = VAULT_LIFE_LIVE;
    else if (body->state == VAULT_LIFE_UNKNOWN)
        *body = *copy;
    else if (body->state == VAULT_LIFE_DEAD)
        body->died_s = body->died_s == 0 || copy->died_s == 0 ? 0 : MAX(body->died_s, copy->died_s);
}

gboolean vault_liveness_of_body(VaultLiveness *liveness, VaultCatalog *catalog,
                                const RecordId *body_id, VaultLife *ret_life, GError **error)
{
    g_autoptr(GArray) copies = vault_catalog_copies_of(catalog, body_id, error);

    *ret_life = (VaultLife){.state = VAULT_LIFE_UNKNOWN};
    for (guint i = 0; copies != NULL && i < copies->len; i++) {
        const VaultCatalogCopy *copy = &g_array_index(copies, VaultCatalogCopy, i);
        VaultLife life;

        if (!vault_liveness_of_leaf(liveness, &copy->month_key_id, copy->leaf, &life, error))
            return FALSE;
        vault_life_add_copy(ret_life, &life);
    }
    return copies != NULL;
}

gboolean vault_liveness_of_terms(VaultLiveness *liveness, VaultCatalog *catalog,
                                 const RecordId *body_id, VaultLife *ret_life, GError **error)
{
    g_autoptr(GArray) leaves = vault_catalog_terms_of(catalog, body_id, error);

    *ret_life = (VaultLife){.state = VAULT_LIFE_UNKNOWN};
    for (guint i = 0; leaves != NULL && i < leaves->len; i++) {
        const VaultCatalogLeaf *leaf = &g_array_index(leaves, VaultCatalogLeaf, i);
        VaultLife life;

        if (!vault_liveness_of_leaf(liveness, &leaf->month_key_id, leaf->leaf, &life, error))
            return FALSE;
        vault_life_add_copy(ret_life, &life);
    }
    return leaves != NULL;
}
