#include "vault/act/request_check.h"

static gboolean refuse(GError **error, const char *why)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "the request %s: make a new one", why);
    return FALSE;
}

/* The text of the policy too: two masters may each have signed one of that serial. */
gboolean vault_request_check_fields(const VaultRequestFile *request,
                                    const VaultRequestConditions *conditions, GError **error)
{
    if (!VAULT_ID_EQUAL(request->vault_id, conditions->vault_id))
        return refuse(error, "is for another vault");
    if (conditions->now_s >= request->expires_s)
        return refuse(error, "has expired");
    if (!g_str_equal(request->policy, conditions->policy))
        return refuse(error, "was made under another policy than the one in force");
    return TRUE;
}

VaultApprovalTally *vault_request_tally(const VaultRequestFile *request, VaultAct act,
                                        const char *text, gsize len,
                                        const VaultRequestConditions *conditions, GError **error)
{
    g_autoptr(VaultPolicy) policy =
        vault_policy_parse(conditions->policy, strlen(conditions->policy), error);
    VaultApprovedText approved = {.ssh_namespace = VAULT_APPROVAL_OF_REQUEST,
                                  .text = text,
                                  .len = vault_approvals_offset(text, len),
                                  .approvals = request->approvals};

    return policy != NULL ? vault_approval_tally(policy, act, &approved, conditions->verify,
                                                 conditions->user, error)
                          : NULL;
}

VaultRequestFile *vault_request_check(const char *text, gsize len, VaultAct act,
                                      const VaultRequestConditions *conditions,
                                      guint *ret_approval_count, GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_parse(text, len, error);
    g_autoptr(VaultApprovalTally) tally = NULL;

    g_assert(!vault_act_is_granted(act));
    if (request == NULL || !vault_request_check_fields(request, conditions, error))
        return NULL;
    if (request->act != act) {
        refuse(error, "is for another act");
        return NULL;
    }
    tally = vault_request_tally(request, act, text, len, conditions, error);
    if (tally == NULL || !vault_approval_tally_check(tally, error))
        return NULL;
    if (ret_approval_count != NULL)
        *ret_approval_count = tally->names->len;
    return g_steal_pointer(&request);
}
