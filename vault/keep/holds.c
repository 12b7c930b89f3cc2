#include "vault/keep/holds.h"

#include "vault/act/hold_file.h"
#include "vault/erasure.h"
#include "vault/keep/internal.h"
#include "vault/keep/judge.h"
#include "vault/keep/judge_mailbox.h"
#include "vault/keep/policy.h"

GPtrArray *vault_keep_holds(VaultKeep *keep, GError **error)
{
    return vault_holds_read(keep->keyring, error);
}

static gboolean put_hold(VaultKeyring *keyring, const VaultHoldValue *hold, GError **error)
{
    g_autoptr(GByteArray) value = vault_hold_value_format(hold);

    return vault_keyring_put(keyring, VAULT_KEYRING_HOLDS, &hold->hold_id, value, error);
}

/* ---- what is named -------------------------------------------------------------------------- */

/* All names that mailboxes bear or bore. */
typedef struct {
    GHashTable *addresses, *domains; /* char * */
    GHashTable *ids;                 /* MailboxId */
    MailboxId unassigned;
} Names;

static void names_clear(Names *names)
{
    g_clear_pointer(&names->addresses, g_hash_table_unref);
    g_clear_pointer(&names->domains, g_hash_table_unref);
    g_clear_pointer(&names->ids, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Names, names_clear)

static gboolean note_names(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    Names *names = user;

    g_hash_table_add(names->ids, g_memdup2(&mailbox->mailbox_id, sizeof mailbox->mailbox_id));
    if (mailbox->kind == VAULT_MAILBOX_UNASSIGNED)
        names->unassigned = mailbox->mailbox_id;
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);
        const char *at = strrchr(address->address, '@');

        g_hash_table_add(names->addresses, g_strdup(address->address));
        if (at != NULL)
            g_hash_table_add(names->domains, g_strdup(at + 1));
    }
    return TRUE;
}

static gboolean read_names(VaultKeyring *keyring, Names *ret_names, GError **error)
{
    ret_names->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ret_names->domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ret_names->ids = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return vault_keyring_each_mailbox(keyring, note_names, ret_names, error);
}

/* Without the name: errors carry no address. */
static gboolean not_found(GError **error, const char *what, guint number)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "the %s number %u is not in this vault: muniment mailbox list shows what is, and "
                "--expect holds mail that is yet to come",
                what, number + 1);
    return FALSE;
}

static gboolean take_mailbox(const Names *names, const VaultHoldFile *file, guint i,
                             VaultHoldValue *hold, GError **error)
{
    const char *name = g_ptr_array_index(file->mailboxes, i);
    MailboxId id = names->unassigned;

    if (g_str_equal(name, "unassigned") || vault_id_parse(name, id.bytes, NULL)) {
        if (!g_hash_table_contains(names->ids, &id))
            return not_found(error, "mailbox", i);
        g_array_append_val(hold->mailboxes, id);
        return TRUE;
    }
    if (!file->is_expected && !g_hash_table_contains(names->addresses, name))
        return not_found(error, "mailbox", i);
    g_ptr_array_add(hold->addresses, g_strdup(name));
    return TRUE;
}

static gboolean take_names(VaultKeep *keep, const VaultHoldFile *file, VaultHoldValue *hold,
                           GError **error)
{
    g_auto(Names) names = {.addresses = NULL};

    if (!read_names(keep->keyring, &names, error))
        return FALSE;
    for (guint i = 0; i < file->mailboxes->len; i++) {
        if (!take_mailbox(&names, file, i, hold, error))
            return FALSE;
    }
    for (guint i = 0; i < file->domains->len; i++) {
        const char *domain = g_ptr_array_index(file->domains, i);

        if (!file->is_expected && !g_hash_table_contains(names.domains, domain))
            return not_found(error, "domain", i);
        g_ptr_array_add(hold->domains, g_strdup(domain));
    }
    return TRUE;
}

static gboolean take_messages(VaultKeep *keep, const VaultHoldFile *file, VaultHoldValue *hold,
                              GError **error)
{
    for (guint i = 0; i < file->messages->len; i++) {
        const RecordId *id = &g_array_index(file->messages, RecordId, i);
        g_autoptr(GArray) parts = vault_keep_message(keep, id, error);

        if (parts == NULL)
            return FALSE;
        g_array_append_vals(hold->messages, id, 1);
    }
    return TRUE;
}

static VaultHoldValue *make_hold(VaultKeep *keep, const VaultHoldFile *file, GError **error)
{
    g_autoptr(VaultHoldValue) hold = vault_hold_value_new();

    hold->created_s = vault_clock_now_s(&keep->clock);
    hold->from_s = file->from_s;
    hold->to_s = file->to_s == VAULT_TEXT_TIME_END_S - 1 ? 0 : file->to_s;
    hold->until_s = file->until_s;
    hold->case_id = g_strdup(file->case_id);
    hold->reason = g_strdup(file->reason);
    hold->is_all = file->is_all;
    if (hold->until_s != 0 && hold->until_s <= hold->created_s) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the hold would end before it begins: give a later --until");
        return NULL;
    }
    return take_names(keep, file, hold, error) && take_messages(keep, file, hold, error)
               ? g_steal_pointer(&hold)
               : NULL;
}

/* ---- what it covers ------------------------------------------------------------------------- */

typedef struct {
    VaultKeyring *keyring;
    VaultJudgedHold *hold;
    GHashTable *mailboxes; /* MailboxId: those that it is about */
    GString *answer;
} Coverage;

static gboolean note_covered(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    Coverage *coverage = user;

    if (vault_judged_hold_fits(coverage->hold, mailbox))
        g_hash_table_add(coverage->mailboxes,
                         g_memdup2(&mailbox->mailbox_id, sizeof mailbox->mailbox_id));
    return TRUE;
}

static gboolean note_destroyed(const RowId *row_id, const GByteArray *value, gpointer user,
                               GError **error)
{
    Coverage *coverage = user;
    const VaultHoldValue *hold = coverage->hold->hold;
    VaultTombstoneValue tombstone;
    g_autofree char *time = NULL;

    if (!vault_tombstone_value_parse(value->data, value->len, &tombstone, error))
        return FALSE;
    if (!g_hash_table_contains(coverage->mailboxes, &tombstone.mailbox_id) ||
        (hold->to_s != 0 && vault_month_start(tombstone.month) >= hold->to_s) ||
        (tombstone.month < VAULT_MONTH_MAX &&
         vault_month_start(vault_month_next(tombstone.month)) <= hold->from_s))
        return TRUE;
    time = vault_text_time(MIN(tombstone.dropped_s, VAULT_TEXT_TIME_END_S - 1));
    g_string_append_printf(coverage->answer, "destroyed: %s %04u-%02u %s\n",
                           VAULT_ID_TEXT(tombstone.mailbox_id), tombstone.month / 100,
                           tombstone.month % 100, time);
    return TRUE;
}

static gboolean names_one_of(const VaultJudgedHold *hold, const GArray *messages)
{
    for (guint i = 0; i < messages->len; i++) {
        if (g_hash_table_contains(hold->messages, &g_array_index(messages, RecordId, i)))
            return TRUE;
    }
    return FALSE;
}

/* As far as an erasure is remembered: whose its messages were and when they came is not. What was
 * destroyed before was received before. */
static gboolean may_have_touched(const Coverage *coverage, const VaultErasureValue *erasure)
{
    const VaultHoldValue *hold = coverage->hold->hold;
    guint64 online_s = erasure->dates_s[VAULT_ERASURE_ONLINE];

    if (erasure->state == VAULT_ERASURE_CANCELLED)
        return FALSE;
    if (!vault_id_is_zero(erasure->mailbox_id.bytes) &&
        !g_hash_table_contains(coverage->mailboxes, &erasure->mailbox_id))
        return FALSE;
    if (coverage->hold->messages != NULL && erasure->kind == VAULT_ERASURE_MESSAGES &&
        !names_one_of(coverage->hold, erasure->messages))
        return FALSE;
    return (online_s == 0 || hold->from_s <= online_s) &&
           (hold->to_s == 0 || erasure->from_s < hold->to_s) && hold->from_s < erasure->to_s;
}

static gboolean say_erasures(VaultKeep *keep, const Coverage *coverage, GError **error)
{
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(keep, error);

    for (guint i = 0; erasures != NULL && i < erasures->len; i++) {
        const VaultErasureValue *erasure = g_ptr_array_index(erasures, i);
        g_autofree char *time =
            vault_text_time(MIN(erasure->dates_s[erasure->state], VAULT_TEXT_TIME_END_S - 1));

        if (may_have_touched(coverage, erasure))
            g_string_append_printf(coverage->answer, "erasure: %s %s %s %s\n",
                                   VAULT_ID_TEXT(erasure->id),
                                   vault_erasure_kind_name(erasure->kind),
                                   vault_erasure_state_name(erasure->state), time);
    }
    return erasures != NULL;
}

/* Takes the hold over. */
static gboolean say_coverage(VaultKeep *keep, VaultHoldValue *hold, GString *answer, GError **error)
{
    Coverage coverage = {.keyring = keep->keyring,
                         .hold = vault_judged_hold_new(hold),
                         .mailboxes =
                             g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL),
                         .answer = answer};
    gboolean is_said = vault_keyring_each_mailbox(keep->keyring, note_covered, &coverage, error);

    vault_text_append_hex_line(answer, "hold", hold->hold_id.bytes, VAULT_ID_LEN);
    vault_text_append_number(answer, "mailboxes", g_hash_table_size(coverage.mailboxes));
    is_said = is_said &&
              vault_keyring_each(keep->keyring, VAULT_KEYRING_TOMBSTONES, note_destroyed, &coverage,
                                 error) &&
              say_erasures(keep, &coverage, error);
    g_hash_table_unref(coverage.mailboxes);
    vault_judged_hold_free(coverage.hold);
    return is_said;
}

/* ---- add ------------------------------------------------------------------------------------ */

static void append_scope(GString *payload, const VaultHoldFile *file)
{
    vault_text_append(payload, "case", file->case_id);
    vault_text_append(payload, "reason", file->reason);
    vault_text_append_time(payload, "from", file->from_s);
    vault_text_append_time(payload, "to", file->to_s);
    if (file->until_s != 0)
        vault_text_append_time(payload, "until", file->until_s);
    vault_text_append(payload, "all", file->is_all ? "yes" : "no");
    vault_text_append_number(payload, "mailboxes", file->mailboxes->len);
    vault_text_append_number(payload, "domains", file->domains->len);
    vault_text_append_number(payload, "messages", file->messages->len);
}

static gboolean log_added(VaultKeep *keep, const VaultHoldValue *hold, const VaultHoldFile *file,
                          const char *text, gsize len, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultHash hash;

    vault_hash(text, len, &hash);
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_HOLD_ADDED));
    vault_text_append_hex_line(payload, "hold", hold->hold_id.bytes, VAULT_ID_LEN);
    append_scope(payload, file);
    vault_text_append_hex_line(payload, "text", hash.bytes, VAULT_HASH_LEN);
    return vault_keep_log_act(keep, VAULT_LOGGED_HOLD_ADDED, payload->str, payload->len, error);
}

static gboolean add_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    return put_hold(keyring, user, error);
}

gboolean vault_holds_add(VaultKeep *keep, const char *text, gsize len, GString *answer,
                         GError **error)
{
    g_autoptr(VaultHoldFile) file = vault_hold_file_parse(text, len, error);
    g_autoptr(VaultHoldValue) hold = NULL;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (file == NULL)
        return FALSE;
    hold = make_hold(keep, file, error);
    return hold != NULL && log_added(keep, hold, file, text, len, error) &&
           vault_keyring_batch_run(keep->batch, add_job, hold, error) &&
           say_coverage(keep, g_steal_pointer(&hold), answer, error);
}

/* ---- remove --------------------------------------------------------------------------------- */

char *vault_hold_detail(const VaultHoldValue *hold)
{
    return g_strdup_printf("hold %s of case %s", VAULT_ID_TEXT(hold->hold_id), hold->case_id);
}

static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, why);
    return FALSE;
}

static gboolean parse_detail(const VaultRequestFile *request, RowId *ret_id, GError **error)
{
    g_autofree char *start = g_strndup(request->detail, strlen("hold ") + VAULT_ID_HEX_LEN);

    if (g_str_has_prefix(start, "hold ") &&
        vault_id_parse(start + strlen("hold "), ret_id->bytes, NULL))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the request's detail names no hold: let --propose write it");
    return FALSE;
}

static VaultHoldValue *read_hold(VaultKeyring *keyring, const RowId *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GByteArray) value = vault_keyring_get(keyring, VAULT_KEYRING_HOLDS, id, &failure);

    if (value != NULL)
        return vault_hold_value_parse(id, value->data, value->len, error);
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "there is no hold %s: muniment hold list shows all", VAULT_ID_TEXT(*id));
    else
        g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* The hold that the request is about, as it is now. */
static VaultHoldValue *find_hold(VaultKeyring *keyring, const VaultRequestFile *request,
                                 guint64 now_s, GError **error)
{
    g_autoptr(VaultHoldValue) hold = NULL;
    g_autofree char *detail = NULL;
    RowId id;

    if (!parse_detail(request, &id, error))
        return NULL;
    hold = read_hold(keyring, &id, error);
    if (hold == NULL)
        return NULL;
    detail = vault_hold_detail(hold);
    if (!g_str_equal(detail, request->detail))
        refuse(error, "the request names another case than the hold has: make a new one");
    else if (vault_hold_value_end_s(hold) <= now_s)
        refuse(error, "the hold has ended before: there is nothing to remove");
    else
        return g_steal_pointer(&hold);
    return NULL;
}

typedef struct {
    const VaultRequestFile *request;
    guint64 now_s;
} RemoveJob;

/* Asked again where it is written: another may have removed it since. */
static gboolean remove_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const RemoveJob *job = user;
    g_autoptr(VaultHoldValue) hold = find_hold(keyring, job->request, job->now_s, error);

    if (hold == NULL || !vault_policy_still_allows(keyring, job->request, error))
        return FALSE;
    hold->removed_s = job->now_s;
    g_free(hold->removed_reason);
    hold->removed_reason = g_strdup(job->request->reason);
    return put_hold(keyring, hold, error);
}

static gboolean log_removed(VaultKeep *keep, const VaultHoldValue *hold,
                            const VaultRequestFile *request, const char *text, gsize len,
                            GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultHash hash;

    vault_request_file_hash(text, len, &hash);
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_HOLD_REMOVED));
    vault_text_append_hex_line(payload, "hold", hold->hold_id.bytes, VAULT_ID_LEN);
    vault_text_append(payload, "case", request->case_id);
    vault_text_append(payload, "reason", request->reason);
    vault_text_append_hex_line(payload, "request", hash.bytes, VAULT_HASH_LEN);
    vault_text_append_number(payload, "approvals", request->approvals->len);
    for (guint i = 0; i < request->approvals->len; i++)
        vault_text_append(payload, "approval",
                          ((VaultApproval *)g_ptr_array_index(request->approvals, i))->name);
    return vault_keep_log_act(keep, VAULT_LOGGED_HOLD_REMOVED, payload->str, payload->len, error);
}

gboolean vault_holds_remove(VaultKeep *keep, const char *text, gsize len, GString *answer,
                            GError **error)
{
    g_autoptr(VaultRequestFile) request =
        vault_policy_check_request(keep, VAULT_ACT_HOLD_REMOVE, text, len, NULL, error);
    RemoveJob job = {.request = request, .now_s = vault_clock_now_s(&keep->clock)};
    g_autoptr(VaultHoldValue) hold = NULL;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (request == NULL)
        return FALSE;
    hold = find_hold(keep->keyring, request, job.now_s, error);
    if (hold == NULL || !log_removed(keep, hold, request, text, len, error) ||
        !vault_keyring_batch_run(keep->batch, remove_job, &job, error))
        return FALSE;
    vault_text_append_time(answer, "free", job.now_s + VAULT_HOLD_AFTERLIFE_S);
    return TRUE;
}
