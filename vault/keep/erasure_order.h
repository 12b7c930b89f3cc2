/* Inside vault/keep: what somebody wants erased, from the request that asks for it.
 *
 * A request is good when it is for this vault, not expired, by the policy in force and for an act
 * that the caller does. How many approvals count is said here, whether they are enough by the judge
 * (judge.h) or, for acts that judge nothing, by the caller. Errors: REFUSED, and those of
 * vault_request_file_parse(), the policy and the approvals. Threads: safe.
 */
#pragma once

#include "vault/act/erasure_detail.h"
#include "vault/act/policy.h"
#include "vault/act/request_file.h"
#include "vault/keep.h"

typedef struct {
    VaultRequestFile *request;
    VaultHash hash;
    VaultPolicy *policy;       /* in force */
    VaultErasureDetail detail; /* of erase and shred */
    guint approval_count, override_approval_count;
    GPtrArray *approvers; /* char *: whose approvals count */
} VaultErasureOrder;
void vault_erasure_order_free(VaultErasureOrder *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultErasureOrder, vault_erasure_order_free)

/* REFUSED: fewer count than the policy wants. For acts that the judge wants none of. */
gboolean vault_erasure_order_check_approvals(const VaultErasureOrder *order, GError **error);
/* What nobody has to ask for: retention that is over. By the policy in force. */
VaultErasureOrder *vault_erasure_order_of_expiry(VaultKeep *keep, const char *reason,
                                                 GError **error);
VaultErasureOrder *vault_erasure_order_new(VaultKeep *keep, const char *text, gsize len,
                                           GError **error);
