/* Is a grant good now, and what does it cover? The judge of the host, before it releases a slot.
 *
 * Trusts nothing of the grant's bearer: who signed, every approval and the policy are checked
 * again, from the request that the grant carries. What is in force comes from the keyring. Nothing
 * is read or remembered here. Threads: safe. Source: docs/formats/grant.md, section "Release".
 */
#pragma once

#include "vault/act/approval_tally.h"
#include "vault/act/grant_file.h"

typedef struct {
    VaultId vault_id;
    const MasterPublic *masters; /* who may sign grants */
    gsize master_count;
    const char *policy; /* in force: its text */
    gsize policy_len;
    const VaultHash *revoked; /* hashes of requests: whatever was granted to them is revoked */
    gsize revoked_count;
    const VaultHash *standing; /* hashes of requests: whose standing grants were taken up */
    gsize standing_count;
    guint64 now_s;
    VaultSshVerify verify; /* of the approvals */
    gpointer user;
} VaultGrantConditions;

typedef enum {
    VAULT_GRANT_GOOD,
    VAULT_GRANT_UNKNOWN,      /* it could not be judged: the error says why */
    VAULT_GRANT_WRONG_VAULT,  /* all others: REFUSED */
    VAULT_GRANT_WRONG_MASTER, /* signed by none of the vault's masters */
    VAULT_GRANT_REVOKED,
    VAULT_GRANT_EXPIRED,
    VAULT_GRANT_WRONG_POLICY, /* made under another serial or text than what is in force */
    VAULT_GRANT_UNDER_APPROVED,
    VAULT_GRANT_NOT_TAKEN_UP, /* a standing grant whose reader was not added to the vault */
} VaultGrantVerdict;

/* Any verdict but GOOD sets the error. A standing grant outlives a change of policy: its approvals
 * are counted by the one in force, whatever it was made under before. `grant` was parsed by
 * vault_grant_file_parse(), which checked its signature. */
VaultGrantVerdict vault_grant_check(const VaultGrantFile *grant,
                                    const VaultGrantConditions *conditions, GError **error);

/* What a slot is asked for, as the host's own records say. */
typedef struct {
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
    gboolean is_wrapped; /* is the month's seed wrapped to the reader? */
    RecordId archive_id;
    guint64 received_s;
    VaultGrantHalves half; /* CONTENT to open the message, INDEX to read its words */
} VaultGrantUse;

/* The scope, ready for many questions. Borrows the grant. */
typedef struct VaultGrantScope VaultGrantScope;
VaultGrantScope *vault_grant_scope_new(const VaultGrantFile *grant);
void vault_grant_scope_free(VaultGrantScope *scope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultGrantScope, vault_grant_scope_free)
/* REFUSED: month, half, second or id outside the scope. */
gboolean vault_grant_scope_covers(const VaultGrantScope *scope, const VaultGrantUse *use,
                                  GError **error);
