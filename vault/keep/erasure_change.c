/* The moment of an erasure: one change of the keyring, and what memory holds follows at once. */
#include "vault/keep/cases.h"
#include "vault/keep/custody.h"
#include "vault/keep/erasure.h"
#include "vault/keep/internal.h"
#include "vault/keep/policy.h"
#include "vault/store/keyring_roll.h"

typedef struct {
    VaultKeep *keep;
    VaultErasureChange *change;
} Job;

/* ---- what is destroyed ---------------------------------------------------------------------- */

/* The copies from `*i` on that lie under one month key; those of a month that was dropped meanwhile
 * are gone already. */
static gboolean puncture_month(VaultKeyring *keyring, const GArray *copies, guint *i,
                               GError **error)
{
    const MonthKeyId month_key_id = g_array_index(copies, VaultErasureCopy, *i).copy.month_key_id;
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) month = vault_keyring_get_month(keyring, &month_key_id, &failure);

    if (month == NULL && !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    for (; *i < copies->len; ++*i) {
        const VaultCatalogCopy *copy = &g_array_index(copies, VaultErasureCopy, *i).copy;

        if (!VAULT_ID_EQUAL(copy->month_key_id, month_key_id))
            break;
        if (month != NULL && !vault_erasure_tree_puncture(month->tree, copy->leaf, error))
            return FALSE;
    }
    return month == NULL || vault_keyring_update_month(keyring, month, error);
}

static gboolean drop_month(VaultKeyring *keyring, const VaultErasureMonth *month,
                           const VaultErasureValue *value, GError **error)
{
    VaultTombstoneValue tombstone = {.mailbox_id = month->mailbox_id,
                                     .month = month->month,
                                     .dropped_s = value->dates_s[VAULT_ERASURE_ONLINE],
                                     .event_id = value->id};
    g_autoptr(GError) failure = NULL;

    if (vault_keyring_drop_month(keyring, &month->month_key_id, &tombstone, &failure) ||
        g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* All but the one for mail without an owner, which there always is. */
static gboolean close_mailbox(VaultKeyring *keyring, const MailboxId *mailbox_id, guint64 now_s,
                              GError **error)
{
    g_autoptr(VaultMailboxValue) mailbox = vault_keyring_get_mailbox(keyring, mailbox_id, error);

    if (mailbox == NULL)
        return FALSE;
    if (mailbox->kind == VAULT_MAILBOX_UNASSIGNED || mailbox->state == VAULT_MAILBOX_CLOSED)
        return TRUE;
    mailbox->state = VAULT_MAILBOX_CLOSED;
    mailbox->closed_s = now_s;
    return vault_keyring_update_mailbox(keyring, mailbox, error);
}

static gboolean destroy_scope(VaultKeyring *keyring, const VaultErasureScope *scope,
                              const VaultErasureValue *value, GError **error)
{
    for (guint i = 0; i < scope->copies->len;)
        if (!puncture_month(keyring, scope->copies, &i, error))
            return FALSE;
    for (guint i = 0; i < scope->months->len; i++)
        if (!drop_month(keyring, &g_array_index(scope->months, VaultErasureMonth, i), value, error))
            return FALSE;
    for (guint i = 0; i < scope->mailboxes->len; i++) {
        const MailboxId *mailbox_id = &g_array_index(scope->mailboxes, MailboxId, i);

        if (((value->flags & VAULT_ERASURE_WHOLE_MAILBOX) != 0 &&
             !close_mailbox(keyring, mailbox_id, value->dates_s[VAULT_ERASURE_ONLINE], error)) ||
            !vault_keyring_renew_mailbox(keyring, mailbox_id, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- the change ----------------------------------------------------------------------------- */

static gboolean put_value(VaultKeyring *keyring, const VaultErasureValue *value, GError **error)
{
    g_autoptr(GByteArray) bytes = vault_erasure_value_format(value);

    return vault_keyring_put(keyring, VAULT_KEYRING_ERASURES, &value->id, bytes, error);
}

/* Judged once more: between here and the commit nothing can be held. The roll comes first, so that
 * nothing new is ever sealed under the old vault key. */
static gboolean run_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const Job *job = user;
    VaultErasureChange *change = job->change;
    VaultErasureValue *value = change->value;

    if (change->next != NULL && !vault_keyring_roll(keyring, change->next, error))
        return FALSE;
    if (change->scope == NULL)
        return !change->renews_all || vault_keyring_renew_all(keyring, error);
    /* Another policy may have come into force since the order was judged by one. */
    if (change->order->request->policy != NULL &&
        !vault_policy_still_allows(keyring, change->order->request, error))
        return FALSE;
    if (!vault_erasure_scope_judge(change->scope, job->keep, change->order, error) ||
        !vault_erasure_scope_check(change->scope, error))
        return FALSE;
    value->copy_count = change->scope->copies->len + (guint32)change->scope->month_copy_count;
    value->month_count = change->scope->months->len;
    value->held_count = change->scope->held_count;
    return destroy_scope(keyring, change->scope, value, error) &&
           vault_cases_drop(keyring, change->scope, value, error) &&
           put_value(keyring, value, error);
}

/* With the gate closed. */
static void follow_in_memory(VaultKeep *keep, const VaultErasureChange *change)
{
    const VaultErasureScope *scope = change->scope;

    for (guint i = 0; scope != NULL && i < scope->months->len; i++)
        vault_erasure_gate_drop(keep->erasure_gate,
                                &g_array_index(scope->months, VaultErasureMonth, i).month_key_id);
    for (guint i = 0; scope != NULL && i < scope->mailboxes->len; i++) {
        const MailboxId *mailbox_id = &g_array_index(scope->mailboxes, MailboxId, i);

        vault_open_months_forget(keep->months, mailbox_id);
        if ((change->value->flags & VAULT_ERASURE_WHOLE_MAILBOX) != 0)
            vault_directory_close(keep->directory, mailbox_id);
    }
}

gboolean vault_erasure_change_run(VaultKeep *keep, VaultErasureChange *change, GError **error)
{
    Job job = {keep, change};
    g_autoptr(GError) waiting = NULL;
    gboolean is_done;

    if (change->value != NULL) {
        vault_erasure_reach(keep, change->value, VAULT_ERASURE_ONLINE);
        change->value->generation = change->next != NULL
                                        ? change->next->generation
                                        : vault_keyring_generation(keep->keyring) + 1;
    }
    vault_erasure_gate_close(keep->erasure_gate);
    is_done = vault_keyring_batch_run(keep->batch, run_job, &job, error);
    if (is_done)
        follow_in_memory(keep, change);
    vault_erasure_gate_open(keep->erasure_gate);
    /* Somebody reads: the next change takes the old pages along. */
    if (is_done && !vault_keyring_settle(keep->keyring, &waiting))
        g_info("%s", waiting->message);
    return is_done;
}

VaultKey *vault_erasure_next_key(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    VaultKey *next = vault_secret_new(sizeof *next);

    next->generation = vault_keyring_generation(keep->keyring) + 1;
    vault_random(next->bytes, VAULT_KEY_LEN);
    if (vault_custody_install(keep, next, results, error))
        return next;
    vault_secret_free(next);
    return NULL;
}
