/* Inside vault/keep: which leaves and months an order would destroy, and whether it may.
 *
 * Found in catalog and keyring as they are now: no copy of a message that is there can come later.
 * All or nothing: one copy or month that the judge (judge.h) does not set free ends it, but for
 * what is held where the order passes over that. To be judged again from within the very change
 * that destroys. Errors: NOT_FOUND (nothing of it is there), REFUSED (the judge's words),
 * TOO_LARGE, and those of keyring and catalog. Threads: one user.
 */
#pragma once

#include "vault/keep/erasure_order.h"
#include "vault/keep/judge.h"

typedef struct {
    VaultCatalogCopy copy;
    MailboxId mailbox_id;
} VaultErasureCopy;

typedef struct {
    MonthKeyId month_key_id;
    MailboxId mailbox_id;
    VaultMonth month;
} VaultErasureMonth;

typedef struct {
    GArray *messages;         /* RecordId: those asked for, and their repeats */
    GArray *copies;           /* VaultErasureCopy, those of one month key together */
    GArray *months;           /* VaultErasureMonth, dropped whole */
    GArray *mailboxes;        /* MailboxId: whose rows are touched */
    guint64 month_copy_count; /* copies in those months */
    guint held_count;         /* copies, and months, passed over */
    GPtrArray *obstacles;     /* char *: what the judge said, the first few */
    guint obstacle_count;
} VaultErasureScope;
/* An empty one, for who knows by himself what is to go. */
VaultErasureScope *vault_erasure_scope_new(void);
void vault_erasure_scope_free(VaultErasureScope *scope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultErasureScope, vault_erasure_scope_free)

VaultErasureScope *vault_erasure_scope_find(VaultKeep *keep, const VaultErasureOrder *order,
                                            GError **error);
/* Takes out what is held and may be passed over, and fills the obstacles; FALSE is a failure to
 * judge. */
gboolean vault_erasure_scope_judge(VaultErasureScope *scope, VaultKeep *keep,
                                   const VaultErasureOrder *order, GError **error);
/* REFUSED when there are obstacles, NOT_FOUND when nothing is left. */
gboolean vault_erasure_scope_check(const VaultErasureScope *scope, GError **error);
