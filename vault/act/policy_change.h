/* May a new policy follow the one in force? Asked by whoever signs it and again by the vault that
 * takes it. Errors: REFUSED (with what is missing), and those of the verifier. Threads: safe.
 * Source: docs/formats/policy.md, section "Change".
 */
#pragma once

#include "vault/act/approval_tally.h"

/* Vault, serial one higher, and the approvals that the policy in force wants for a change of
 * policy, given under `text`, the new one's. */
gboolean vault_policy_may_follow(const VaultPolicy *in_force, const VaultPolicy *next,
                                 const char *text, gsize len, VaultSshVerify verify, gpointer user,
                                 GError **error);
/* Signed by one of these masters, and of this vault. The initial policy needs no signature. */
gboolean vault_policy_check_signer(const VaultPolicy *policy, const VaultId *vault_id,
                                   const MasterPublic *masters, gsize master_count, GError **error);
