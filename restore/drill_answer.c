#include "restore/drill_answer.h"

static const VaultWrap *find_wrap(const VaultDrillChallenge *challenge, const MasterPublic *master)
{
    KeyId key_id = vault_master_key_id(master);

    for (guint i = 0; i < challenge->wraps->len; i++) {
        const VaultWrap *wrap = &g_array_index(challenge->wraps, VaultWrap, i);

        if (wrap->kind == VAULT_WRAP_MASTER && VAULT_ID_EQUAL(wrap->key_id, key_id))
            return wrap;
    }
    return NULL;
}

static gboolean open_canary(const VaultDrillChallenge *challenge, const VaultMaster *master,
                            GError **error)
{
    VaultMonthIdentity identity = vault_drill_canary_identity(&challenge->name);
    const VaultWrap *wrap = find_wrap(challenge, &master->public);
    g_auto(ContentSecretKey) content = {{0}};
    g_auto(IndexSecretKey) index = {{0}};
    g_autofree char *fingerprint = vault_master_fingerprint(&master->public);

    if (wrap == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "the master key %s is none of the vault that made this challenge", fingerprint);
        return FALSE;
    }
    if (vault_month_unwrap(&identity, &challenge->keys, wrap, master->secret_key.bytes,
                           master->public.public_key.bytes, &content, &index, error))
        return TRUE;
    g_prefix_error(error, "the master key %s does not open the canary: ", fingerprint);
    return FALSE;
}

gboolean drill_answer(const VaultDrillChallenge *challenge, const VaultMaster *master,
                      VaultDrillResult *ret_result, GError **error)
{
    if (!open_canary(challenge, master, error))
        return FALSE;
    vault_drill_result_sign(&challenge->name, &master->signing_key, &master->public.verify_key,
                            ret_result);
    return TRUE;
}
