#include "vault/keep/erasure_order.h"

#include "vault/act/text_file.h"
#include "vault/keep/policy.h"

void vault_erasure_order_free(VaultErasureOrder *order)
{
    if (order == NULL)
        return;
    vault_request_file_free(order->request);
    vault_policy_free(order->policy);
    if (order->approvers != NULL)
        g_ptr_array_unref(order->approvers);
    g_free(order);
}

static gboolean tally(VaultErasureOrder *order, VaultAct act, const char *text, gsize len,
                      const VaultRequestConditions *conditions, guint *ret_count, GError **error)
{
    g_autoptr(VaultApprovalTally) tallied =
        vault_request_tally(order->request, act, text, len, conditions, error);

    if (tallied == NULL)
        return FALSE;
    *ret_count = tallied->names->len;
    for (guint i = 0; act == order->request->act && i < tallied->names->len; i++)
        g_ptr_array_add(order->approvers, g_strdup(g_ptr_array_index(tallied->names, i)));
    return TRUE;
}

static gboolean judge(VaultKeep *keep, VaultErasureOrder *order, const char *text, gsize len,
                      GError **error)
{
    const VaultRequestFile *request = order->request;
    VaultRequestConditions conditions;
    g_autofree char *policy = vault_policy_conditions(keep, &conditions, error);

    if (policy == NULL || !vault_request_check_fields(request, &conditions, error))
        return FALSE;
    order->policy = vault_policy_parse(policy, strlen(policy), error);
    if (order->policy == NULL ||
        !tally(order, request->act, text, len, &conditions, &order->approval_count, error))
        return FALSE;
    order->detail.skips_held = request->act == VAULT_ACT_RETENTION;
    if (request->act != VAULT_ACT_ERASE && request->act != VAULT_ACT_SHRED)
        return TRUE;
    return vault_erasure_detail_parse(request->act, request->detail, &order->detail, error) &&
           (!order->detail.overrides_retention ||
            tally(order, VAULT_ACT_RETENTION_OVERRIDE, text, len, &conditions,
                  &order->override_approval_count, error));
}

VaultErasureOrder *vault_erasure_order_new(VaultKeep *keep, const char *text, gsize len,
                                           GError **error)
{
    g_autoptr(VaultErasureOrder) order = g_new0(VaultErasureOrder, 1);

    order->approvers = g_ptr_array_new_with_free_func(g_free);
    order->request = vault_request_file_parse(text, len, error);
    if (order->request == NULL)
        return NULL;
    vault_request_file_hash(text, len, &order->hash);
    return judge(keep, order, text, len, error) ? g_steal_pointer(&order) : NULL;
}

gboolean vault_erasure_order_check_approvals(const VaultErasureOrder *order, GError **error)
{
    VaultAct act = order->request->act;
    guint needed = vault_policy_needed(order->policy, act);

    if (order->approval_count >= needed)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "the policy wants %u approvals of %s, %u count: write a request with --propose, "
                "have it approved, give it with --approved",
                needed, vault_act_name(act), order->approval_count);
    return FALSE;
}

VaultErasureOrder *vault_erasure_order_of_expiry(VaultKeep *keep, const char *reason,
                                                 GError **error)
{
    g_autoptr(VaultErasureOrder) order = g_new0(VaultErasureOrder, 1);
    g_autofree char *policy = vault_keep_policy(keep, error);

    order->approvers = g_ptr_array_new_with_free_func(g_free);
    order->request = vault_request_file_new();
    order->request->act = VAULT_ACT_RETENTION;
    order->detail.skips_held = TRUE;
    order->request->reason = g_strdup(reason);
    order->request->to_s = VAULT_TEXT_TIME_END_S - 1;
    order->policy = policy == NULL ? NULL : vault_policy_parse(policy, strlen(policy), error);
    return order->policy == NULL ? NULL : g_steal_pointer(&order);
}
