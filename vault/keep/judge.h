/* Inside vault/keep: may this be destroyed? The one function that decides, for every path.
 *
 *   clock unsure -> no | held -> no | a hold ended within 30 days -> no |
 *   retention minimum not over -> no | approvals missing -> no | else yes
 *
 * A judge is a snapshot of holds, retention rules, policy and clock. One for what is shown or
 * gathered beforehand, and a new one from within the very change of the keyring that destroys
 * (a job of keyring_batch.h, or between vault_keyring_begin() and _commit()): nothing can be held
 * between that judgement and the commit. It reads holds and rules when it is made and each mailbox
 * when it is first asked about: some milliseconds, a tenth of one for each mailbox, then well under
 * a microsecond a copy (tests/bench/judge_rates.c).
 *
 * An address or a domain in a hold covers each mailbox that ever had such an address, closed ones
 * and those to come included. Of the rules those of the mailbox count, else those of its domains,
 * else the default; of several the one that keeps longest.
 *
 * Errors: NOT_FOUND (no such mailbox), and those of keyring, catalog and policy: then nothing may
 * be destroyed either. Threads: a judge has one user.
 */
#pragma once

#include "vault/act/act.h"
#include "vault/keep/clock.h"
#include "vault/store/catalog.h"
#include "vault/store/hold_value.h"
#include "vault/store/keyring.h"
#include "vault/store/retention_value.h"

#define VAULT_HOLD_AFTERLIFE_S (30 * 86400)

typedef enum {
    VAULT_JUDGED_FREE = 1, /* it may be destroyed */
    VAULT_JUDGED_CLOCK,
    VAULT_JUDGED_HELD,
    VAULT_JUDGED_HOLD_ENDED, /* less than VAULT_HOLD_AFTERLIFE_S ago */
    VAULT_JUDGED_RETENTION,
    VAULT_JUDGED_APPROVALS,
} VaultJudgement;
/* "free", "clock", "held", "hold-ended", "retention", "approvals". */
const char *vault_judgement_name(VaultJudgement judgement);

typedef struct {
    VaultJudgement judgement;
    const GArray *holds;  /* RowId: those in the way; the judge's, until it is asked again */
    guint64 until_s;      /* HOLD_ENDED, RETENTION: free after that; G_MAXUINT64 = not foreseen */
    guint given, needed;  /* APPROVALS */
    VaultAct missing_act; /* APPROVALS: erase, shred, retention or retention-override */
} VaultVerdict;
/* REFUSED unless FREE, with what stands in the way and what to do. */
gboolean vault_verdict_check(const VaultVerdict *verdict, GError **error);

/* Which act would destroy, and how many approvals count that were given to its request
 * (vault/act/approval_tally.h). */
typedef struct {
    VaultAct act; /* VAULT_ACT_ERASE, _SHRED or _RETENTION (expiry, which needs no approval) */
    guint approval_count;
    gboolean overrides_retention; /* the minimum is passed over, under approvals of its own */
    guint override_approval_count;
} VaultJudgedAct;

typedef struct {
    VaultKeyring *keyring;
    /* Says where copies of messages lie that a hold names, when a span is judged. NULL: such a hold
     * is in the way of each span of its mailboxes. */
    VaultCatalog *catalog;
    VaultClock *clock;
    VaultJudgedAct act;
} VaultJudgeOptions;

typedef struct VaultJudge VaultJudge;
VaultJudge *vault_judge_new(const VaultJudgeOptions *options, GError **error);
void vault_judge_free(VaultJudge *judge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultJudge, vault_judge_free)

typedef struct {
    MailboxId mailbox_id;
    RecordId archive_id;
    guint64 received_s;
} VaultJudgedCopy;
gboolean vault_judge_copy(VaultJudge *judge, const VaultJudgedCopy *copy, VaultVerdict *ret_verdict,
                          GError **error);

/* All that the mailbox received in [from, to), seen or not. Months are judged whole: give their
 * first second and the first after them, or the second after the last message. Without an end
 * (to_s 0) a retention minimum is never over. */
gboolean vault_judge_span(VaultJudge *judge, const MailboxId *mailbox_id, guint64 from_s,
                          guint64 to_s, VaultVerdict *ret_verdict, GError **error);

/* When what was received then is past its retention maximum; G_MAXUINT64 = never, as things are.
 * Whether it may go is a question of its own. */
gboolean vault_judge_expiry(VaultJudge *judge, const MailboxId *mailbox_id, guint64 received_s,
                            guint64 *ret_expires_s, GError **error);
/* The time that the judge goes by. */
guint64 vault_judge_now_s(const VaultJudge *judge);
