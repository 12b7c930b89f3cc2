/* Rotation, on its way in: wraps for a new master. */
#include "vault/act/drill_file.h"
#include "vault/keep/policy.h"
#include "vault/keep/rotation.h"

typedef struct {
    guint64 taken, known; /* months: got a wrap, had one */
    guint64 gone, full;   /* are there no more, have no room for one */
} Counts;

typedef struct {
    VaultKeep *keep;
    const VaultRotationAnswered *part;
    VaultMasterRow from, to;
    gboolean is_new;   /* the new master is none of the vault's yet */
    gboolean is_named; /* as the old one's successor, before this part */
    Counts counts;
} Taking;

static gboolean refuse(GError **error, const char *why)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "the answer to the rotation: %s", why);
    return FALSE;
}

/* ---- judging -------------------------------------------------------------------------------- */

static gboolean check_from(const Taking *taking, const VaultMasterRow *row, GError **error)
{
    const MasterPublic *from = &taking->part->name.from;

    if (row == NULL || memcmp(&row->value.master, from, sizeof *from) != 0)
        return refuse(error, "it is not signed by a master of this vault");
    if (row->value.state != VAULT_MASTER_ACTIVE)
        return refuse(error, "the master that signed it was retired");
    return TRUE;
}

static guint active_count(const GArray *masters)
{
    guint count = 0;

    for (guint i = 0; i < masters->len; i++)
        count += g_array_index(masters, VaultMasterRow, i).value.state == VAULT_MASTER_ACTIVE;
    return count;
}

static gboolean check_to(Taking *taking, const GArray *masters, const VaultMasterRow *row,
                         GError **error)
{
    const MasterPublic *to = &taking->part->to;

    taking->is_new = row == NULL;
    if (row == NULL)
        return active_count(masters) < VAULT_WRAPS_MAX ||
               refuse(error, "the vault has no room for one more master: retire one first");
    if (memcmp(&row->value.master, to, sizeof *to) != 0)
        return refuse(error, "its new master has the key of another");
    if (row->value.state != VAULT_MASTER_ACTIVE)
        return refuse(error, "its new master was retired, which is for ever: make another with "
                             "muniment master create");
    return TRUE;
}

/* An answer that lay about when the master gave its place to another is good no more: who wants it
 * all the same asks and answers anew. */
static gboolean check_not_overtaken(const Taking *taking, const GArray *masters, GError **error)
{
    const VaultMasterRow *successor = vault_rotation_find(masters, &taking->from.value.successor);

    return taking->is_named || successor == NULL ||
           taking->part->name.created_s >= successor->value.added_s ||
           refuse(error, "another master was named in that place since it was asked for: begin "
                         "again with muniment rotation begin");
}

/* Who counts comes from the keyring as it is now. */
static gboolean judge(Taking *taking, VaultKeyring *keyring, GError **error)
{
    const VaultRotationAnswered *part = taking->part;
    g_autoptr(GArray) masters = vault_rotation_masters(keyring, error);
    KeyId from_id = vault_master_key_id(&part->name.from), to_id = vault_master_key_id(&part->to);
    const VaultMasterRow *from, *to;

    if (masters == NULL)
        return FALSE;
    if (!VAULT_ID_EQUAL(part->name.vault_id, taking->keep->id))
        return refuse(error, "it is for another vault");
    if (part->name.created_s > vault_clock_now_s(&taking->keep->clock))
        return refuse(error, "what it answers is of a time to come: is the clock right?");
    from = vault_rotation_find(masters, &from_id);
    to = vault_rotation_find(masters, &to_id);
    if (!check_from(taking, from, error) || !check_to(taking, masters, to, error))
        return FALSE;
    taking->from = *from;
    if (to != NULL)
        taking->to = *to;
    taking->is_named = VAULT_ID_EQUAL(from->value.successor, to_id);
    return check_not_overtaken(taking, masters, error);
}

/* A key that nothing can be wrapped to would keep every new mailbox from getting its keys. */
static gboolean check_usable(const Taking *taking, GError **error)
{
    g_autoptr(VaultDrillChallenge) trial = NULL;

    if (!taking->is_new)
        return TRUE;
    trial = vault_drill_challenge_new(&taking->keep->id, taking->part->name.created_s,
                                      &taking->part->to, 1, NULL);
    return trial != NULL || refuse(error, "its new master is no key that can be wrapped to");
}

/* ---- approvals ------------------------------------------------------------------------------ */

static gboolean refuse_unapproved(const char *detail, guint needed, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "the policy in force wants a change of masters approved (%u): have this request "
                "approved and give it with --approved: muniment request VAULT --act vaultkey "
                "--detail \"%s\" ...",
                needed, detail);
    return FALSE;
}

static gboolean get_needed(VaultKeep *keep, guint *ret_needed, GError **error)
{
    g_autofree char *text = vault_policy_in_force(keep->keyring, error);
    g_autoptr(VaultPolicy) policy =
        text != NULL ? vault_policy_parse(text, strlen(text), error) : NULL;

    if (policy != NULL)
        *ret_needed = policy->needed[VAULT_ACT_VAULTKEY];
    return policy != NULL;
}

/* REFUSED unless the request (none: of no length) has the approvals that the policy in force wants
 * for acts on the vault's keys, for just this rotation. */
static gboolean check_approved(VaultKeep *keep, const VaultRotationAnswered *part, const char *text,
                               gsize len, GError **error)
{
    g_autofree char *detail = vault_rotation_detail(&part->name.from, &part->to);
    g_autoptr(VaultRequestFile) request = NULL;
    guint needed;

    if (!get_needed(keep, &needed, error))
        return FALSE;
    if (needed == 0)
        return TRUE;
    if (len == 0)
        return refuse_unapproved(detail, needed, error);
    request = vault_policy_check_request(keep, VAULT_ACT_VAULTKEY, text, len, NULL, error);
    if (request == NULL)
        return FALSE;
    if (g_str_equal(request->detail, detail))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "the request's detail must be \"%s\", and is another", detail);
    return FALSE;
}

/* ---- the change ----------------------------------------------------------------------------- */

static gboolean add_wrap(Taking *taking, VaultKeyring *keyring, const VaultRotationWrap *wrap,
                         GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(keyring, &wrap->month_key_id, &failure);

    if (month == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        taking->counts.gone++;
        return TRUE;
    }
    if (month == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (vault_month_value_wrap(month, VAULT_WRAP_MASTER, &wrap->wrap.key_id) != NULL) {
        taking->counts.known++;
        return TRUE;
    }
    if (month->wraps->len == VAULT_WRAPS_MAX) {
        taking->counts.full++;
        return TRUE;
    }
    taking->counts.taken++;
    g_array_append_val(month->wraps, wrap->wrap);
    return vault_keyring_update_month(keyring, month, error);
}

/* Adds the new master, or notes that it can be used, and names it the old one's successor. */
static gboolean put_masters(Taking *taking, VaultKeyring *keyring, GError **error)
{
    const VaultRotationAnswered *part = taking->part;
    guint64 proved_s = part->is_proved ? part->name.created_s : 0;
    VaultMasterValue *to = &taking->to.value;
    gboolean is_changed = taking->is_new || proved_s > to->drilled_s;

    if (taking->is_new)
        *to = (VaultMasterValue){.state = VAULT_MASTER_ACTIVE,
                                 .added_s = vault_clock_now_s(&taking->keep->clock),
                                 .master = part->to};
    to->drilled_s = MAX(to->drilled_s, proved_s);
    if (is_changed && !vault_rotation_put(keyring, &taking->to, error))
        return FALSE;
    taking->from.value.successor = vault_master_key_id(&part->to);
    return taking->is_named || vault_rotation_put(keyring, &taking->from, error);
}

/* May run twice; the row id of a new master is drawn before. */
static gboolean put_part(VaultKeyring *keyring, gpointer user, GError **error)
{
    Taking *taking = user;
    const GArray *wraps = taking->part->wraps;
    RowId new_row = taking->to.row_id;

    if (!judge(taking, keyring, error))
        return FALSE;
    if (taking->is_new)
        taking->to.row_id = new_row;
    taking->counts = (Counts){0};
    if (!put_masters(taking, keyring, error))
        return FALSE;
    for (guint i = 0; i < wraps->len; i++) {
        if (!add_wrap(taking, keyring, &g_array_index(wraps, VaultRotationWrap, i), error))
            return FALSE;
    }
    return TRUE;
}

static gboolean log_added(const Taking *taking, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    KeyId from = vault_master_key_id(&taking->part->name.from);
    KeyId to = vault_master_key_id(&taking->part->to);

    if (taking->is_named)
        return TRUE;
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_MASTER_ADDED));
    vault_text_append_hex_line(payload, "master", to.bytes, VAULT_ID_LEN);
    vault_text_append_hex_line(payload, "in-place-of", from.bytes, VAULT_ID_LEN);
    return vault_keep_log_act(taking->keep, VAULT_LOGGED_MASTER_ADDED, payload->str, payload->len,
                              error);
}

/* ---- all parts ------------------------------------------------------------------------------ */

static void add_counts(Counts *all, const Counts *counts)
{
    all->taken += counts->taken;
    all->known += counts->known;
    all->gone += counts->gone;
    all->full += counts->full;
}

/* Masters change under the lock of the recipients: a month that is being made is there before, or
 * is made for both. The wraps of a later part keep no mail waiting. */
static gboolean change_keyring(Taking *taking, GError **error)
{
    VaultKeep *keep = taking->keep;
    GRWLock *lock = vault_recipients_lock(keep->recipients);
    g_autoptr(GRWLockWriterLocker) changing =
        taking->is_named ? NULL : g_rw_lock_writer_locker_new(lock);

    return log_added(taking, error) &&
           vault_keyring_batch_run(keep->batch, put_part, taking, error) &&
           (changing == NULL || vault_recipients_reload(keep->recipients, error));
}

static gboolean take_part(VaultKeep *keep, const char *text, gsize len, const char *request,
                          gsize request_len, Counts *all, GError **error)
{
    g_autoptr(VaultRotationAnswered) part = vault_rotation_answered_parse(text, len, error);
    Taking taking = {.keep = keep, .part = part};

    if (part == NULL || !judge(&taking, keep->keyring, error) || !check_usable(&taking, error))
        return FALSE;
    if (!taking.is_named && !check_approved(keep, part, request, request_len, error))
        return FALSE;
    if (taking.is_new)
        vault_random(taking.to.row_id.bytes, VAULT_ID_LEN);
    if (!change_keyring(&taking, error))
        return FALSE;
    add_counts(all, &taking.counts);
    return TRUE;
}

/* How long the request is that stands before the parts. */
static gsize request_len_of(const char *text, gsize len)
{
    static const char stem[] = "muniment-request/";

    return len >= strlen(stem) && memcmp(text, stem, strlen(stem)) == 0
               ? vault_rotation_part_len(text, len, vault_rotation_answered_type)
               : 0;
}

gboolean vault_keep_take_rotation(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error)
{
    gsize request_len = request_len_of(text, len), at = request_len;
    Counts all = {0};

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    do {
        gsize part_len = vault_rotation_part_len(text + at, len - at, vault_rotation_answered_type);

        if (!take_part(keep, text + at, part_len, text, request_len, &all, error))
            return FALSE;
        at += part_len;
    } while (at < len);
    vault_text_append_number(answer, "taken", (guint32)all.taken);
    vault_text_append_number(answer, "known", (guint32)all.known);
    vault_text_append_number(answer, "gone", (guint32)all.gone);
    vault_text_append_number(answer, "full", (guint32)all.full);
    return TRUE;
}
