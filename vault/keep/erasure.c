#include "vault/keep/erasure.h"

#include "vault/act/text_file.h"
#include "vault/keep/acts.h"
#include "vault/keep/policy.h"

/* ---- the act as it is remembered ------------------------------------------------------------ */

static gboolean check_mailboxes(const VaultErasureOrder *order, GError **error)
{
    gboolean is_one =
        order->request->act == VAULT_ACT_SHRED || order->detail.reach == VAULT_ERASURE_REACH_PART;

    if (!is_one || order->request->mailboxes->len == 1)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the request names more than one mailbox: write one for each");
    return FALSE;
}

static gboolean check_period(const VaultErasureOrder *order, GError **error)
{
    const VaultRequestFile *request = order->request;

    if (request->act != VAULT_ACT_SHRED || order->detail.reach == VAULT_ERASURE_REACH_ALL)
        return TRUE;
    if (request->from_s == vault_month_start(vault_month_of_time(request->from_s)) &&
        request->to_s == vault_month_start(vault_month_of_time(request->to_s)))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "keys are monthly: give whole months, or erase single messages");
    return FALSE;
}

static gboolean check_act(const VaultErasureOrder *order, GError **error)
{
    const VaultRequestFile *request = order->request;

    if (request->act != VAULT_ACT_ERASE && request->act != VAULT_ACT_SHRED) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the request is neither to erase nor to shred");
        return FALSE;
    }
    if (request->act == VAULT_ACT_ERASE && request->messages->len == 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the request names no message: whole mailboxes are shredded");
        return FALSE;
    }
    return check_mailboxes(order, error) && check_period(order, error);
}

static guint32 flags_of(const VaultErasureOrder *order)
{
    guint32 flags = 0;

    if (order->detail.skips_held)
        flags |= VAULT_ERASURE_SKIPPED_HELD;
    if (order->detail.overrides_retention)
        flags |= VAULT_ERASURE_OVERRODE_RETENTION;
    if (order->request->act == VAULT_ACT_SHRED && order->detail.reach == VAULT_ERASURE_REACH_ALL)
        flags |= VAULT_ERASURE_WHOLE_MAILBOX;
    return flags;
}

static VaultErasureKind kind_of(VaultAct act)
{
    if (act == VAULT_ACT_RETENTION)
        return VAULT_ERASURE_EXPIRY;
    return act == VAULT_ACT_SHRED ? VAULT_ERASURE_MAILBOX : VAULT_ERASURE_MESSAGES;
}

static VaultErasureValue *value_of(const VaultErasureOrder *order, const VaultErasureScope *scope)
{
    const VaultRequestFile *request = order->request;
    VaultErasureValue *value = vault_erasure_value_new();
    gboolean is_shred = request->act == VAULT_ACT_SHRED;

    vault_random(value->id.bytes, VAULT_ID_LEN);
    value->kind = kind_of(request->act);
    value->flags = flags_of(order);
    value->address = g_strdup("");
    value->from_s = request->from_s;
    value->to_s = request->to_s;
    value->reason = g_strdup(request->reason);
    value->request_hash = order->hash;
    if (is_shred || order->detail.reach == VAULT_ERASURE_REACH_PART) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, 0);

        value->mailbox_id = mailbox->id;
        g_free(value->address);
        value->address = g_strdup(vault_request_mailbox_address(mailbox));
    }
    g_array_append_vals(value->messages, scope->messages->data, scope->messages->len);
    for (guint i = 0; i < order->approvers->len; i++)
        g_ptr_array_add(value->approvers, g_strdup(g_ptr_array_index(order->approvers, i)));
    return value;
}

gboolean vault_erasure_check_new(VaultKeep *keep, const VaultErasureOrder *order, GError **error)
{
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(keep, error);

    for (guint i = 0; erasures != NULL && i < erasures->len; i++) {
        const VaultErasureValue *value = g_ptr_array_index(erasures, i);

        if (value->state == VAULT_ERASURE_CANCELLED ||
            !vault_hash_equal(&value->request_hash, &order->hash))
            continue;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the request was done before: muniment erasure status shows erasure %s",
                    VAULT_ID_TEXT(value->id));
        return FALSE;
    }
    return erasures != NULL;
}

/* ---- intent and giving up ------------------------------------------------------------------- */

gboolean vault_erasure_log(VaultKeep *keep, VaultErasureValue *value,
                           const VaultCustodyState *custody, VaultLoggedAct act, GError **error)
{
    g_autofree char *statement =
        vault_erasure_statement(value, custody, act, vault_clock_now_s(&keep->clock));
    VaultEntry entry = {.act = act};

    return vault_acts_log(keep, &entry, statement, strlen(statement), &value->log_index, error) &&
           vault_keep_log_epoch(keep, &value->log_epoch, error);
}

static gboolean log_act(VaultKeep *keep, VaultErasureValue *value, VaultLoggedAct act,
                        GError **error)
{
    g_autoptr(VaultCustodyState) custody = vault_custody_state(keep, VAULT_CUSTODY_KNOWN, error);

    return custody != NULL && vault_erasure_log(keep, value, custody, act, error);
}

/* Nothing was destroyed, and nothing of it will be. */
static gboolean give_up(VaultKeep *keep, VaultErasureValue *value, GError **error)
{
    vault_erasure_reach(keep, value, VAULT_ERASURE_CANCELLED);
    return log_act(keep, value, VAULT_LOGGED_ERASURE_CANCELLED, error) &&
           vault_erasure_put(keep, value, error);
}

static void give_up_after(VaultKeep *keep, VaultErasureValue *value)
{
    g_autoptr(GError) failure = NULL;

    value->dates_s[VAULT_ERASURE_ONLINE] = 0;
    value->generation = 0;
    value->copy_count = value->month_count = value->held_count = 0;
    if (!give_up(keep, value, &failure))
        g_warning("erasure %s destroyed nothing, and is given up at the next start: %s",
                  VAULT_ID_TEXT(value->id), failure->message);
}

/* ---- doing it ------------------------------------------------------------------------------- */

static gboolean destroy(VaultKeep *keep, const VaultErasureOrder *order, VaultErasureScope *scope,
                        VaultErasureValue *value, GError **error)
{
    VaultErasureChange change = {.scope = scope, .order = order, .value = value};
    VaultKey *next = NULL;
    gboolean is_done;

    if (order->policy->roll == VAULT_ROLL_EACH &&
        (next = vault_erasure_next_key(keep, error)) == NULL)
        return FALSE;
    change.next = next;
    is_done = vault_erasure_change_run(keep, &change, error);
    vault_secret_free(next);
    return is_done;
}

/* What cannot be done after the change is done later: what was to be destroyed is. */
static void finish(VaultKeep *keep, VaultErasureValue *value)
{
    g_autoptr(GError) failure = NULL;

    if (!vault_erasure_finish(keep, value, &failure))
        g_warning("erasure %s is not finished, which is tried again hourly: %s",
                  VAULT_ID_TEXT(value->id), failure->message);
}

/* The erasure that was made. */
static VaultErasureValue *carry_out(VaultKeep *keep, const VaultErasureOrder *order,
                                    VaultErasureScope *scope, GError **error)
{
    g_autoptr(VaultErasureValue) value = value_of(order, scope);

    vault_erasure_reach(keep, value, VAULT_ERASURE_REQUESTED);
    if (!vault_erasure_put(keep, value, error))
        return NULL;
    if (!log_act(keep, value, VAULT_LOGGED_ERASURE_REQUESTED, error) ||
        !destroy(keep, order, scope, value, error)) {
        give_up_after(keep, value);
        return NULL;
    }
    finish(keep, value);
    return g_steal_pointer(&value);
}

static gboolean carry_out_and_say(VaultKeep *keep, const VaultErasureOrder *order,
                                  VaultErasureScope *scope, GString *answer, GError **error)
{
    g_autoptr(VaultErasureValue) value = carry_out(keep, order, scope, error);
    g_autofree char *statement =
        value != NULL ? vault_keep_erasure_statement(keep, value, error) : NULL;

    if (statement != NULL)
        g_string_append(answer, statement);
    return statement != NULL;
}

static void preview(const VaultErasureScope *scope, GString *answer)
{
    vault_text_append_number(answer, "messages", scope->messages->len);
    vault_text_append_number(answer, "mailboxes", scope->mailboxes->len);
    vault_text_append_number(answer, "copies",
                             scope->copies->len + (guint32)scope->month_copy_count);
    vault_text_append_number(answer, "months", scope->months->len);
    vault_text_append_number(answer, "held", scope->held_count);
    vault_text_append_number(answer, "obstacles", scope->obstacle_count);
    for (guint i = 0; i < scope->obstacles->len; i++)
        vault_text_append(answer, "obstacle", g_ptr_array_index(scope->obstacles, i));
}

gboolean vault_erasure_run(VaultKeep *keep, VaultErasureMode mode, const char *text, gsize len,
                           GString *answer, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->erasure_lock);
    g_autoptr(VaultErasureOrder) order = vault_erasure_order_new(keep, text, len, error);
    g_autoptr(VaultErasureScope) scope = NULL;

    if (locker == NULL || order == NULL || !check_act(order, error) ||
        !vault_erasure_check_new(keep, order, error))
        return FALSE;
    scope = vault_erasure_scope_find(keep, order, error);
    if (scope == NULL || !vault_erasure_scope_judge(scope, keep, order, error))
        return FALSE;
    if (mode == VAULT_ERASURE_PREVIEW) {
        preview(scope, answer);
        return TRUE;
    }
    return vault_erasure_scope_check(scope, error) &&
           carry_out_and_say(keep, order, scope, answer, error);
}

VaultErasureValue *vault_erasure_expire(VaultKeep *keep, VaultErasureScope *scope,
                                        const VaultErasureOrder *order, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->erasure_lock);

    g_assert(order->request->act == VAULT_ACT_RETENTION && order->detail.skips_held);
    if (locker == NULL || !vault_erasure_scope_judge(scope, keep, order, error) ||
        !vault_erasure_scope_check(scope, error))
        return NULL;
    return carry_out(keep, order, scope, error);
}

/* ---- cancel, resume ------------------------------------------------------------------------- */

static VaultErasureValue *find_erasure(const GPtrArray *erasures, const RowId *id, GError **error)
{
    for (guint i = 0; i < erasures->len; i++) {
        VaultErasureValue *value = g_ptr_array_index(erasures, i);

        if (VAULT_ID_EQUAL(value->id, *id))
            return value;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "there is no erasure %s",
                VAULT_ID_TEXT(*id));
    return NULL;
}

gboolean vault_erasure_cancel(VaultKeep *keep, const char *text, gsize len, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->erasure_lock);
    g_autofree char *line = g_strndup(text, len);
    g_autoptr(GPtrArray) erasures = NULL;
    VaultErasureValue *value;
    RowId id;

    if (!g_str_has_prefix(line, "erasure: ") || !g_str_has_suffix(line, "\n")) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "which erasure is to be cancelled is not said");
        return FALSE;
    }
    if (locker == NULL || !vault_id_parse(g_strstrip(line + strlen("erasure: ")), id.bytes, error))
        return FALSE;
    erasures = vault_keep_erasures(keep, error);
    value = erasures == NULL ? NULL : find_erasure(erasures, &id, error);
    if (value == NULL)
        return FALSE;
    if (value->state == VAULT_ERASURE_REQUESTED)
        return give_up(keep, value, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "erasure %s is %s: only one that is requested can be cancelled", VAULT_ID_TEXT(id),
                vault_erasure_state_name(value->state));
    return FALSE;
}

static gboolean resume(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(keep, error);

    for (guint i = 0; erasures != NULL && i < erasures->len; i++) {
        VaultErasureValue *value = g_ptr_array_index(erasures, i);

        if (value->state == VAULT_ERASURE_REQUESTED)
            give_up_after(keep, value);
        else if (value->state != VAULT_ERASURE_CANCELLED &&
                 (value->flags & VAULT_ERASURE_COMPLETED) == 0)
            finish(keep, value);
    }
    /* A roll without an erasure may have been broken off, too. */
    return erasures != NULL && (!keep->has_older_vault_keys || vault_erasure_spread(keep, error));
}

void vault_erasure_resume(VaultKeep *keep)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->erasure_lock);
    g_autoptr(GError) failure = NULL;

    if (locker != NULL && !resume(keep, &failure))
        g_warning("erasures are not driven on, which is tried again hourly: %s", failure->message);
}

/* ---- roll ----------------------------------------------------------------------------------- */

static VaultRequestFile *check_roll(VaultKeep *keep, const char *text, gsize len, GError **error)
{
    g_autoptr(VaultRequestFile) request =
        vault_policy_check_request(keep, VAULT_ACT_VAULTKEY, text, len, NULL, error);

    if (request == NULL || strcmp(request->detail, "roll") == 0)
        return g_steal_pointer(&request);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the request is not to roll the vault key");
    return NULL;
}

static gboolean log_roll(VaultKeep *keep, const VaultRequestFile *request, const char *text,
                         gsize len, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultHash hash;

    vault_request_file_hash(text, len, &hash);
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_VAULT_KEY_ROLLED));
    vault_text_append_hex_line(payload, "request", hash.bytes, VAULT_HASH_LEN);
    vault_text_append(payload, "reason", request->reason);
    vault_text_append_number(payload, "generation", vault_keyring_generation(keep->keyring) + 1);
    return vault_keep_log_act(keep, VAULT_LOGGED_VAULT_KEY_ROLLED, payload->str, payload->len,
                              error);
}

gboolean vault_erasure_roll(VaultKeep *keep, const char *text, gsize len, GString *answer,
                            GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->erasure_lock);
    g_autoptr(VaultRequestFile) request = check_roll(keep, text, len, error);
    VaultErasureChange change = {.renews_all = TRUE};
    VaultKey *next = NULL;
    gboolean is_done = FALSE;

    if (locker == NULL || request == NULL || !log_roll(keep, request, text, len, error))
        return FALSE;
    change.next = next = vault_erasure_next_key(keep, error);
    if (next != NULL)
        is_done = vault_erasure_change_run(keep, &change, error);
    vault_secret_free(next);
    if (!is_done || !vault_erasure_spread(keep, error))
        return FALSE;
    vault_text_append_number(answer, "generation", vault_keyring_generation(keep->keyring));
    return TRUE;
}
