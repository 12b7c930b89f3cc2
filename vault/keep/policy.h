/* Inside vault/keep: the policy in force, and what is asked for under it. Threads: safe. */
#pragma once

#include "vault/act/request_check.h"
#include "vault/keep.h"
#include "vault/store/keyring.h"

/* Its text; of a new vault the initial one. New string. Errors: the keyring's. */
char *vault_policy_in_force(VaultKeyring *keyring, GError **error);

/* Tells the directory what it says of closed mailboxes; of a policy that this version does not
 * understand, or that is damaged, nothing: mail is taken all the same. Writer only. */
void vault_policy_apply(VaultKeep *keep);

/* By what requests are judged now; the new string is the policy that it points to. REFUSED: the
 * clock is unsure, by which nothing expires. Writer only. */
char *vault_policy_conditions(VaultKeep *keep, VaultRequestConditions *ret_conditions,
                              GError **error);
/* A request for an act of the host, judged now. Writer only. Errors: those of
 * vault_request_check() and of the conditions. */
VaultRequestFile *vault_policy_check_request(VaultKeep *keep, VaultAct act, const char *text,
                                             gsize len, guint *ret_approval_count, GError **error);
/* Once more from within the change of the keyring: REFUSED when another policy is in force now. */
gboolean vault_policy_still_allows(VaultKeyring *keyring, const VaultRequestFile *request,
                                   GError **error);
