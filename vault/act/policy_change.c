#include "vault/act/policy_change.h"

gboolean vault_policy_may_follow(const VaultPolicy *in_force, const VaultPolicy *next,
                                 const char *text, gsize len, VaultSshVerify verify, gpointer user,
                                 GError **error)
{
    VaultApprovedText approved = {.ssh_namespace = VAULT_APPROVAL_OF_POLICY,
                                  .text = text,
                                  .len = vault_approvals_offset(text, len),
                                  .approvals = next->approvals};
    g_autoptr(VaultApprovalTally) tally = NULL;

    if (in_force->serial != 0 && !VAULT_ID_EQUAL(in_force->vault_id, next->vault_id)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the new policy is for another vault than the one in force");
        return FALSE;
    }
    if (next->serial == 0 || next->serial - 1 != in_force->serial) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the new policy has serial %u, and only %u can follow the one in force",
                    next->serial, in_force->serial + 1);
        return FALSE;
    }
    tally = vault_approval_tally(in_force, VAULT_ACT_POLICY, &approved, verify, user, error);
    if (tally == NULL)
        return FALSE;
    if (vault_approval_tally_check(tally, error))
        return TRUE;
    g_prefix_error(error, "changing policy %u: ", in_force->serial);
    return FALSE;
}

gboolean vault_policy_check_signer(const VaultPolicy *policy, const VaultId *vault_id,
                                   const MasterPublic *masters, gsize master_count, GError **error)
{
    if (policy->serial == 0)
        return TRUE;
    if (!VAULT_ID_EQUAL(policy->vault_id, *vault_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "policy %u is for another vault (%s)",
                    policy->serial, VAULT_ID_TEXT(policy->vault_id));
        return FALSE;
    }
    if (!policy->is_signed) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "policy %u is a draft that no master has signed", policy->serial);
        return FALSE;
    }
    for (gsize i = 0; i < master_count; i++) {
        if (memcmp(masters[i].verify_key.bytes, policy->verify_key.bytes, VAULT_KEY_LEN) == 0)
            return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "policy %u is not signed by a master that is trusted here", policy->serial);
    return FALSE;
}
