#include "vault/act/act.h"

static const char *const names[VAULT_ACT_END] = {
    [VAULT_ACT_SEARCH] = "search",
    [VAULT_ACT_READ] = "read",
    [VAULT_ACT_ERASE] = "erase",
    [VAULT_ACT_SHRED] = "shred",
    [VAULT_ACT_HOLD_REMOVE] = "hold-remove",
    [VAULT_ACT_RETENTION] = "retention",
    [VAULT_ACT_ASSIGN] = "assign",
    [VAULT_ACT_VAULTKEY] = "vaultkey",
    [VAULT_ACT_POLICY] = "policy",
    [VAULT_ACT_RETENTION_OVERRIDE] = "retention-override",
    [VAULT_ACT_STANDING_READ] = "standing-read",
};

const char *vault_act_name(VaultAct act)
{
    g_assert(act >= VAULT_ACT_SEARCH && act < VAULT_ACT_END);
    return names[act];
}

gboolean vault_act_parse(const char *name, VaultAct *ret_act)
{
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_END; act++) {
        if (g_str_equal(names[act], name)) {
            *ret_act = act;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean vault_act_is_granted(VaultAct act)
{
    return vault_act_has_keys(act) || act == VAULT_ACT_STANDING_READ;
}

gboolean vault_act_has_keys(VaultAct act)
{
    return act == VAULT_ACT_SEARCH || act == VAULT_ACT_READ;
}

gboolean vault_act_needs_mailbox(VaultAct act)
{
    return vault_act_may_name_mailbox(act) && act != VAULT_ACT_RETENTION &&
           act != VAULT_ACT_HOLD_REMOVE && act != VAULT_ACT_STANDING_READ;
}

gboolean vault_act_may_name_mailbox(VaultAct act)
{
    return act != VAULT_ACT_VAULTKEY && act != VAULT_ACT_POLICY;
}
