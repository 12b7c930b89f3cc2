/* Retention that is over, destroyed: when asked for, and by the daemon once a month. */
#include "vault/act/expiry_state.h"
#include "vault/keep/erasure.h"
#include "vault/keep/internal.h"
#include "vault/keep/retention.h"

#define STATE_NAME "expiry"

/* ---- what is remembered ---------------------------------------------------------------------- */

/* Of a state that is damaged nothing is known: as if there had been no run. */
VaultExpiryState vault_keep_expiry_state(VaultKeep *keep)
{
    g_autofree char *path = g_build_filename(keep->path, STATE_NAME, NULL);
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_EXPIRY_STATE_LEN_MAX, NULL);
    VaultExpiryState state;

    if (bytes != NULL && vault_expiry_state_parse(g_bytes_get_data(bytes, NULL),
                                                  g_bytes_get_size(bytes), &state, NULL))
        return state;
    return (VaultExpiryState){0};
}

static gboolean write_state(VaultKeep *keep, const VaultExpiryState *state, GError **error)
{
    g_autofree char *path = g_build_filename(keep->path, STATE_NAME, NULL);
    g_autofree char *text = vault_expiry_state_format(state);

    return vault_file_write(path, text, strlen(text), 0600, VAULT_FILE_REPLACE, error);
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct {
    VaultKeep *keep;
    const VaultErasureOrder *order;
    VaultExpiryState state;
    GString *erasures; /* lines of the answer */
    GString *holds;
} Run;

static void note_obstacles(Run *run, const GPtrArray *due)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(vault_id_hash, vault_id_equal);

    run->state.passed_over_count = 0;
    g_string_truncate(run->holds, 0);
    for (guint i = 0; i < due->len; i++) {
        const VaultRetentionDue *of_mailbox = g_ptr_array_index(due, i);
        GHashTableIter iter;
        gpointer hold;

        run->state.passed_over_count += (guint32)of_mailbox->obstructed_count;
        g_hash_table_iter_init(&iter, of_mailbox->holds);
        while (g_hash_table_iter_next(&iter, &hold, NULL)) {
            if (g_hash_table_add(seen, hold))
                vault_text_append(run->holds, "hold", VAULT_ID_TEXT(*(const RowId *)hold));
        }
    }
}

/* One erasure: as much as is destroyed at once. */
static gboolean expire_part(Run *run, gboolean *ret_is_last, GError **error)
{
    g_autoptr(VaultErasureScope) scope = vault_erasure_scope_new();
    g_autoptr(GPtrArray) due = vault_retention_find(run->keep, scope, error);
    g_autoptr(VaultErasureValue) value = NULL;

    if (due == NULL)
        return FALSE;
    note_obstacles(run, due);
    *ret_is_last = scope->copies->len < VAULT_RETENTION_COPIES_MAX;
    if (scope->copies->len == 0 && scope->months->len == 0)
        return TRUE;
    value = vault_erasure_expire(run->keep, scope, run->order, error);
    if (value == NULL)
        return FALSE;
    run->state.month_count += value->month_count;
    run->state.copy_count += value->copy_count;
    vault_text_append(run->erasures, "erasure", VAULT_ID_TEXT(value->id));
    return TRUE;
}

/* FALSE: it failed. What was destroyed by then is remembered all the same. */
static gboolean expire(Run *run, GError **error)
{
    gboolean is_last = FALSE, is_done = TRUE;
    g_autoptr(GError) failure = NULL;

    while (is_done && !is_last)
        is_done = expire_part(run, &is_last, &failure);
    /* All of the last part is held by now. */
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_clear_error(&failure);
        is_done = TRUE;
    }
    if (!is_done) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    run->state.ran_s = vault_clock_now_s(&run->keep->clock);
    return write_state(run->keep, &run->state, error);
}

static void run_clear(Run *run)
{
    g_string_free(run->erasures, TRUE);
    g_string_free(run->holds, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* ---- as asked for ---------------------------------------------------------------------------- */

static VaultErasureOrder *take_order(VaultKeep *keep, const char *text, gsize len, GError **error)
{
    g_autoptr(VaultErasureOrder) order = vault_erasure_order_new(keep, text, len, error);

    if (order == NULL)
        return NULL;
    if (order->request->act != VAULT_ACT_RETENTION ||
        strcmp(order->request->detail, VAULT_RETENTION_RUN_DETAIL) != 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the request is not to run retention: make a new one");
        return NULL;
    }
    return vault_erasure_order_check_approvals(order, error) &&
                   vault_erasure_check_new(keep, order, error)
               ? g_steal_pointer(&order)
               : NULL;
}

static void answer_run(const Run *run, GString *answer)
{
    vault_text_append_number(answer, "months", run->state.month_count);
    vault_text_append_number(answer, "copies", run->state.copy_count);
    vault_text_append_number(answer, "passed-over", run->state.passed_over_count);
    g_string_append_len(answer, run->holds->str, (gssize)run->holds->len);
    g_string_append_len(answer, run->erasures->str, (gssize)run->erasures->len);
}

gboolean vault_retention_run(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error)
{
    g_autoptr(VaultErasureOrder) order = take_order(keep, text, len, error);
    g_auto(Run) run = {
        .keep = keep, .order = order, .erasures = g_string_new(NULL), .holds = g_string_new(NULL)};

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (order == NULL || !expire(&run, error))
        return FALSE;
    answer_run(&run, answer);
    if (run.erasures->len > 0)
        return TRUE;
    if (run.state.passed_over_count > 0)
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "all that is past its maximum is held or kept by a rule: nothing was "
                            "destroyed");
    else
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                            "nothing is past its maximum");
    return FALSE;
}

/* ---- once a month ---------------------------------------------------------------------------- */

/* Whether a rule has a maximum, and the rules have stood for a while. */
static gboolean check_rules(VaultKeep *keep, guint64 now_s, gboolean *ret_is_due, GError **error)
{
    g_autoptr(GPtrArray) rules = vault_keep_retention_rules(keep, error);
    gboolean has_maximum = FALSE, is_settled = TRUE;

    for (guint i = 0; rules != NULL && i < rules->len; i++) {
        const VaultRetentionValue *rule = g_ptr_array_index(rules, i);

        has_maximum = has_maximum || rule->max_days > 0;
        is_settled = is_settled && rule->set_s + VAULT_RETENTION_SETTLE_S <= now_s;
    }
    *ret_is_due = has_maximum && is_settled;
    return rules != NULL;
}

static gboolean is_due(VaultKeep *keep, gboolean *ret_is_due, GError **error)
{
    VaultExpiryState last = vault_keep_expiry_state(keep);
    guint64 now_s = vault_clock_now_s(&keep->clock), good_s;

    *ret_is_due = FALSE;
    if (vault_clock_judge(&keep->clock, now_s, &good_s) == VAULT_CLOCK_UNSURE)
        return TRUE;
    /* A run in a time to come was by a clock that was wrong. */
    if (last.ran_s <= now_s && vault_month_of_time(last.ran_s) == vault_month_of_time(now_s))
        return TRUE;
    return check_rules(keep, now_s, ret_is_due, error);
}

gboolean vault_keep_expire_when_due(VaultKeep *keep, VaultExpiryState *ret_state, GError **error)
{
    g_autoptr(VaultErasureOrder) order = NULL;
    g_auto(Run) run = {.keep = keep, .erasures = g_string_new(NULL), .holds = g_string_new(NULL)};
    gboolean is_run_due;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    *ret_state = (VaultExpiryState){0};
    if (!is_due(keep, &is_run_due, error))
        return FALSE;
    if (!is_run_due)
        return TRUE;
    run.order = order = vault_erasure_order_of_expiry(keep, "retention is over", error);
    if (order == NULL || !expire(&run, error))
        return FALSE;
    *ret_state = run.state;
    return TRUE;
}
