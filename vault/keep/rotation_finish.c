/* Rotation, its end: the old master is retired, and the wraps to it go. */
#include "vault/act/text_file.h"
#include "vault/keep/rotation.h"

/* So many months lose a wrap in one change. */
#define REMOVE_BATCH 512

typedef enum { FINISH_RETIRED, FINISH_LACKING, FINISH_UNPROVED, FINISH_UNSUITED } FinishState;
static const char *const state_names[] = {"retired", "lacking", "unproved", "unsuited"};

typedef struct {
    VaultKeep *keep;
    VaultMasterRow from, to;
    guint64 lacking_count, removed_count;
    GString *lacking; /* lines that name the first of them */
    GArray *old;      /* MonthKeyId: of a mailbox, still wrapped to the old one */
} Finishing;

static void finishing_clear(Finishing *finishing)
{
    g_string_free(finishing->lacking, TRUE);
    g_array_unref(finishing->old);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Finishing, finishing_clear)

/* ---- is each month wrapped to the new one? --------------------------------------------------- */

static gboolean note_lacking(const VaultMonthValue *month, gpointer user, GError **error)
{
    Finishing *finishing = user;

    if (vault_month_value_wrap(month, VAULT_WRAP_MASTER, &finishing->to.key_id) != NULL)
        return TRUE;
    if (finishing->lacking_count < VAULT_ROTATION_NAMED_MAX)
        g_string_append_printf(finishing->lacking, "month: %s %06u\n",
                               VAULT_ID_TEXT(month->mailbox_id), month->month);
    finishing->lacking_count++;
    return TRUE;
}

static gboolean each_month(Finishing *finishing, VaultMonthVisit visit,
                           gboolean (*after)(Finishing *, GError **), GError **error)
{
    VaultKeyring *keyring = finishing->keep->keyring;
    g_autoptr(GArray) mailboxes = vault_rotation_mailboxes(keyring, error);

    for (guint i = 0; mailboxes != NULL && i < mailboxes->len; i++) {
        if (!vault_keyring_each_month(keyring, &g_array_index(mailboxes, MailboxId, i), visit,
                                      finishing, error) ||
            (after != NULL && !after(finishing, error)))
            return FALSE;
    }
    return mailboxes != NULL;
}

static gboolean judge(Finishing *finishing, FinishState *ret_state, GError **error)
{
    *ret_state = FINISH_UNSUITED;
    if (finishing->to.value.state != VAULT_MASTER_ACTIVE)
        return TRUE;
    if (!each_month(finishing, note_lacking, NULL, error))
        return FALSE;
    if (finishing->lacking_count > 0)
        *ret_state = FINISH_LACKING;
    else
        *ret_state = finishing->to.value.drilled_s == 0 ? FINISH_UNPROVED : FINISH_RETIRED;
    return TRUE;
}

/* ---- from here on it counts no more ---------------------------------------------------------- */

static gboolean log_retired(const Finishing *finishing, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);

    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_MASTER_RETIRED));
    vault_text_append_hex_line(payload, "master", finishing->from.key_id.bytes, VAULT_ID_LEN);
    vault_text_append_hex_line(payload, "successor", finishing->to.key_id.bytes, VAULT_ID_LEN);
    return vault_keep_log_act(finishing->keep, VAULT_LOGGED_MASTER_RETIRED, payload->str,
                              payload->len, error);
}

/* As they are where it is written: another call may have come first. */
static gboolean reread(Finishing *finishing, VaultKeyring *keyring, GError **error)
{
    g_autoptr(GArray) masters = vault_rotation_masters(keyring, error);
    const VaultMasterRow *from, *to;

    if (masters == NULL)
        return FALSE;
    from = vault_rotation_find(masters, &finishing->from.key_id);
    to = vault_rotation_find(masters, &finishing->to.key_id);
    if (from == NULL || to == NULL || to->value.state != VAULT_MASTER_ACTIVE ||
        !VAULT_ID_EQUAL(from->value.successor, to->key_id)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the vault's masters changed meanwhile: muniment status VAULT shows "
                            "them");
        return FALSE;
    }
    finishing->from = *from;
    return TRUE;
}

static gboolean put_retiring(VaultKeyring *keyring, gpointer user, GError **error)
{
    Finishing *finishing = user;

    if (!reread(finishing, keyring, error))
        return FALSE;
    if (finishing->from.value.state != VAULT_MASTER_ACTIVE)
        return TRUE;
    finishing->from.value.state = VAULT_MASTER_RETIRING;
    return vault_rotation_put(keyring, &finishing->from, error);
}

/* Nothing is wrapped to it from here on, and all that was is in the keyring. Of one that was broken
 * off the recipients may not have been read again. */
static gboolean retire(Finishing *finishing, GError **error)
{
    VaultKeep *keep = finishing->keep;
    G_GNUC_UNUSED g_autoptr(GRWLockWriterLocker) changing =
        g_rw_lock_writer_locker_new(vault_recipients_lock(keep->recipients));

    return (finishing->from.value.state == VAULT_MASTER_RETIRING ||
            (log_retired(finishing, error) &&
             vault_keyring_batch_run(keep->batch, put_retiring, finishing, error))) &&
           vault_recipients_reload(keep->recipients, error);
}

/* No release by a grant of its comes behind that. */
static gboolean retire_alone(Finishing *finishing, GError **error)
{
    VaultErasureGate *gate = finishing->keep->erasure_gate;
    gboolean is_retired;

    vault_recipients_wait(finishing->keep->recipients);
    vault_erasure_gate_close(gate);
    is_retired = retire(finishing, error);
    vault_erasure_gate_open(gate);
    return is_retired;
}

/* ---- its wraps go ---------------------------------------------------------------------------- */

static gboolean note_old(const VaultMonthValue *month, gpointer user, GError **error)
{
    Finishing *finishing = user;

    if (vault_month_value_wrap(month, VAULT_WRAP_MASTER, &finishing->from.key_id) != NULL)
        g_array_append_val(finishing->old, month->month_key_id);
    return TRUE;
}

static gboolean remove_wrap(Finishing *finishing, VaultKeyring *keyring,
                            const MonthKeyId *month_key_id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) month = vault_keyring_get_month(keyring, month_key_id, &failure);
    const VaultWrap *wrap;

    if (month == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    if (month == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    wrap = vault_month_value_wrap(month, VAULT_WRAP_MASTER, &finishing->from.key_id);
    if (wrap == NULL)
        return TRUE;
    if (vault_month_value_wrap(month, VAULT_WRAP_MASTER, &finishing->to.key_id) == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "month %s lost its wrap for the new master: the old one's is kept",
                    VAULT_ID_TEXT(*month_key_id));
        return FALSE;
    }
    g_array_remove_index(month->wraps,
                         (guint)(wrap - (const VaultWrap *)(gconstpointer)month->wraps->data));
    return vault_keyring_update_month(keyring, month, error);
}

static gboolean remove_wraps(VaultKeyring *keyring, gpointer user, GError **error)
{
    Finishing *finishing = user;

    for (guint i = 0; i < finishing->old->len; i++) {
        if (!remove_wrap(finishing, keyring, &g_array_index(finishing->old, MonthKeyId, i), error))
            return FALSE;
    }
    return TRUE;
}

static gboolean remove_noted(Finishing *finishing, GError **error)
{
    if (!vault_keyring_batch_run(finishing->keep->batch, remove_wraps, finishing, error))
        return FALSE;
    finishing->removed_count += finishing->old->len;
    g_array_set_size(finishing->old, 0);
    return TRUE;
}

static gboolean remove_when_many(Finishing *finishing, GError **error)
{
    return finishing->old->len < REMOVE_BATCH || remove_noted(finishing, error);
}

static gboolean put_retired(VaultKeyring *keyring, gpointer user, GError **error)
{
    Finishing *finishing = user;

    if (!reread(finishing, keyring, error))
        return FALSE;
    finishing->from.value.state = VAULT_MASTER_RETIRED;
    return vault_rotation_put(keyring, &finishing->from, error);
}

static gboolean remove_all(Finishing *finishing, GError **error)
{
    return each_month(finishing, note_old, remove_when_many, error) &&
           remove_noted(finishing, error) &&
           vault_keyring_batch_run(finishing->keep->batch, put_retired, finishing, error);
}

/* ---- each master that has a successor ---------------------------------------------------------
 */

static void tell(const Finishing *finishing, FinishState state, GString *answer)
{
    vault_text_append(answer, "state", state_names[state]);
    vault_text_append_hex_line(answer, "from", finishing->from.key_id.bytes, VAULT_ID_LEN);
    vault_text_append_hex_line(answer, "to", finishing->to.key_id.bytes, VAULT_ID_LEN);
    vault_text_append_number(answer, "lacking", (guint32)finishing->lacking_count);
    g_string_append(answer, finishing->lacking->str);
    vault_text_append_number(answer, "removed", (guint32)finishing->removed_count);
}

static gboolean finish_one(VaultKeep *keep, const VaultMasterRow *from, const VaultMasterRow *to,
                           GString *answer, GError **error)
{
    g_auto(Finishing) finishing = {.keep = keep,
                                   .from = *from,
                                   .to = *to,
                                   .lacking = g_string_new(NULL),
                                   .old = g_array_new(FALSE, FALSE, sizeof(MonthKeyId))};
    FinishState state = FINISH_RETIRED;

    if (from->value.state == VAULT_MASTER_ACTIVE && !judge(&finishing, &state, error))
        return FALSE;
    if (state == FINISH_RETIRED &&
        (!retire_alone(&finishing, error) || !remove_all(&finishing, error)))
        return FALSE;
    tell(&finishing, state, answer);
    return TRUE;
}

/* What was broken off comes first: its successor may have a successor by now. */
static gboolean finish_those(VaultKeep *keep, VaultMasterState state, GString *answer,
                             GError **error)
{
    g_autoptr(GArray) masters = vault_rotation_masters(keep->keyring, error);

    for (guint i = 0; masters != NULL && i < masters->len; i++) {
        const VaultMasterRow *from = &g_array_index(masters, VaultMasterRow, i);
        const VaultMasterRow *to = vault_rotation_find(masters, &from->value.successor);

        if (to != NULL && from->value.state == state && !finish_one(keep, from, to, answer, error))
            return FALSE;
    }
    return masters != NULL;
}

/* Reading them may have failed when they changed: then months were made for the earlier ones. */
static gboolean reload_recipients(VaultKeep *keep, GError **error)
{
    G_GNUC_UNUSED g_autoptr(GRWLockWriterLocker) changing =
        g_rw_lock_writer_locker_new(vault_recipients_lock(keep->recipients));

    return vault_recipients_reload(keep->recipients, error);
}

gboolean vault_keep_finish_rotation(VaultKeep *keep, GString *answer, GError **error)
{
    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return reload_recipients(keep, error) &&
           finish_those(keep, VAULT_MASTER_RETIRING, answer, error) &&
           finish_those(keep, VAULT_MASTER_ACTIVE, answer, error);
}
