/* May the host do now what a request asks for? The judge of the acts that are not granted by keys:
 * erase, shred, hold-remove, retention, ...
 *
 * Trusts nothing of who brings it: vault, act, expiry, policy and every approval are checked. What
 * the request's scope and detail mean, and whether it was done before, is the act's own. Nothing is
 * read or remembered here. Threads: safe. Source: docs/formats/request.md, section "Acts of the
 * host".
 */
#pragma once

#include "vault/act/approval_tally.h"
#include "vault/act/request_file.h"

typedef struct {
    VaultId vault_id;
    const char *policy; /* in force: its text */
    guint64 now_s;
    VaultSshVerify verify; /* of the approvals */
    gpointer user;
} VaultRequestConditions;

/* ret_approval_count (may be NULL): approvals that count. REFUSED: another vault's, for another
 * act, expired, made under another policy than the one in force, or approvals are missing;
 * MALFORMED, UNSUPPORTED, TOO_LARGE: the text; and those of the verifier. */
VaultRequestFile *vault_request_check(const char *text, gsize len, VaultAct act,
                                      const VaultRequestConditions *conditions,
                                      guint *ret_approval_count, GError **error);

/* ---- for who does several acts, or asks how many approvals there are ------------------------- */

/* All that vault_request_check() checks but the act and the approvals. */
gboolean vault_request_check_fields(const VaultRequestFile *request,
                                    const VaultRequestConditions *conditions, GError **error);
/* Those that count for `act`: the request's own, or one that it takes along. */
VaultApprovalTally *vault_request_tally(const VaultRequestFile *request, VaultAct act,
                                        const char *text, gsize len,
                                        const VaultRequestConditions *conditions, GError **error);
