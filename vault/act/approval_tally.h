/* Which approvals count: a signature by an approver of the policy, under the very text, each person
 * once, and never the person whom the act would serve.
 *
 * Whether a signature is good is asked of `verify` (ssh_keygen.h, or a test's). What does not count
 * is no error: the tally says why, in words for people. Errors: those of `verify`. Threads: safe.
 * Source: docs/formats/request.md, section "Approvals".
 */
#pragma once

#include "vault/act/policy.h"

typedef struct {
    const char *ssh_namespace; /* VAULT_APPROVAL_OF_REQUEST or _OF_POLICY */
    const void *text;          /* what was signed: the file before its approvals */
    gsize len;
    const GPtrArray *approvals;
    const char *reader; /* the request's reader, who cannot approve it himself; NULL: none */
} VaultApprovedText;

typedef struct {
    guint needed;
    GPtrArray *names;    /* char *: whose approval counts */
    GPtrArray *missing;  /* char *: approvers who have not approved and may */
    GPtrArray *mistakes; /* char *: "Anna: why it does not count" */
} VaultApprovalTally;
void vault_approval_tally_free(VaultApprovalTally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultApprovalTally, vault_approval_tally_free)

VaultApprovalTally *vault_approval_tally(const VaultPolicy *policy, VaultAct act,
                                         const VaultApprovedText *approved, VaultSshVerify verify,
                                         gpointer user, GError **error);
/* REFUSED: how many are needed and given, whose could be, and what does not count. */
gboolean vault_approval_tally_check(const VaultApprovalTally *tally, GError **error);
/* REFUSED: why nobody should sign with this name: it would not count. */
gboolean vault_approval_is_welcome(const VaultPolicy *policy, const char *name, const char *reader,
                                   GError **error);
