#include "vault/keep/erasure_order.h"

#include "vault/act/approval_tally.h"
#include "vault/act/text_file.h"
#include "vault/keep/internal.h"

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

static gboolean refuse(GError **error, const char *why)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "the request %s", why);
    return FALSE;
}

static gboolean check_request(VaultKeep *keep, const VaultRequestFile *request, const char *policy,
                              GError **error)
{
    guint64 now_s = vault_clock_now_s(&keep->clock);

    if (!VAULT_ID_EQUAL(request->vault_id, keep->id))
        return refuse(error, "is for another vault");
    if (MAX(now_s, vault_clock_last_archived_s(&keep->clock)) >= request->expires_s)
        return refuse(error, "has expired: write it anew, and have it approved again");
    if (strcmp(request->policy, policy) != 0)
        return refuse(error, "goes by another policy than the one in force: write it anew");
    return TRUE;
}

static gboolean tally(VaultKeep *keep, VaultErasureOrder *order, VaultAct act, const char *text,
                      gsize len, guint *ret_count, GError **error)
{
    const VaultApprovedText approved = {.ssh_namespace = VAULT_APPROVAL_OF_REQUEST,
                                        .text = text,
                                        .len = vault_approvals_offset(text, len),
                                        .approvals = order->request->approvals};
    g_autoptr(VaultApprovalTally) tallied = vault_approval_tally(
        order->policy, act, &approved, keep->verify_approval, keep->verify_user, error);

    if (tallied == NULL)
        return FALSE;
    *ret_count = tallied->names->len;
    if (order->approvers->len > 0)
        return TRUE;
    for (guint i = 0; i < tallied->names->len; i++)
        g_ptr_array_add(order->approvers, g_strdup(g_ptr_array_index(tallied->names, i)));
    return TRUE;
}

static gboolean judge(VaultKeep *keep, VaultErasureOrder *order, const char *text, gsize len,
                      GError **error)
{
    g_autofree char *policy = vault_keep_policy(keep, error);
    const VaultRequestFile *request = order->request;

    if (policy == NULL || !check_request(keep, request, policy, error))
        return FALSE;
    order->policy = vault_policy_parse(policy, strlen(policy), error);
    if (order->policy == NULL ||
        !tally(keep, order, request->act, text, len, &order->approval_count, error))
        return FALSE;
    if (request->act != VAULT_ACT_ERASE && request->act != VAULT_ACT_SHRED)
        return TRUE;
    return vault_erasure_detail_parse(request->act, request->detail, &order->detail, error) &&
           (!order->detail.overrides_retention ||
            tally(keep, order, VAULT_ACT_RETENTION_OVERRIDE, text, len,
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

VaultErasureOrder *vault_erasure_order_of_expiry(VaultKeep *keep, const char *reason,
                                                 GError **error)
{
    g_autoptr(VaultErasureOrder) order = g_new0(VaultErasureOrder, 1);
    g_autofree char *policy = vault_keep_policy(keep, error);

    order->approvers = g_ptr_array_new_with_free_func(g_free);
    order->request = vault_request_file_new();
    order->request->act = VAULT_ACT_RETENTION;
    order->request->reason = g_strdup(reason);
    order->request->to_s = VAULT_TEXT_TIME_END_S - 1;
    order->policy = policy == NULL ? NULL : vault_policy_parse(policy, strlen(policy), error);
    return order->policy == NULL ? NULL : g_steal_pointer(&order);
}
