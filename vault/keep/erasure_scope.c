#include "vault/keep/erasure_scope.h"

#include "vault/keep/internal.h"
#include "vault/keep/liveness.h"
#include "vault/store/erasure_value.h"

#define OBSTACLES_SHOWN 20

VaultErasureScope *vault_erasure_scope_new(void)
{
    VaultErasureScope *scope = g_new0(VaultErasureScope, 1);

    scope->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    scope->copies = g_array_new(FALSE, FALSE, sizeof(VaultErasureCopy));
    scope->months = g_array_new(FALSE, FALSE, sizeof(VaultErasureMonth));
    scope->mailboxes = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    scope->obstacles = g_ptr_array_new_with_free_func(g_free);
    return scope;
}

void vault_erasure_scope_free(VaultErasureScope *scope)
{
    if (scope == NULL)
        return;
    g_array_unref(scope->messages);
    g_array_unref(scope->copies);
    g_array_unref(scope->months);
    g_array_unref(scope->mailboxes);
    g_ptr_array_unref(scope->obstacles);
    g_free(scope);
}

/* ---- messages ------------------------------------------------------------------------------- */

static gboolean is_of_mailboxes(const VaultErasureOrder *order, const MailboxId *mailbox_id)
{
    const GPtrArray *mailboxes = order->request->mailboxes;

    if (order->detail.reach == VAULT_ERASURE_REACH_ALL)
        return TRUE;
    for (guint i = 0; i < mailboxes->len; i++)
        if (VAULT_ID_EQUAL(((VaultRequestMailbox *)mailboxes->pdata[i])->id, *mailbox_id))
            return TRUE;
    return FALSE;
}

static gboolean add_copies_of(VaultErasureScope *scope, VaultKeep *keep,
                              const VaultErasureOrder *order, VaultLiveness *liveness,
                              const RecordId *body_id, GError **error)
{
    g_autoptr(GArray) copies = vault_catalog_copies_of(keep->reading, body_id, error);

    if (copies == NULL)
        return FALSE;
    for (guint i = 0; i < copies->len; i++) {
        VaultErasureCopy found = {.copy = g_array_index(copies, VaultCatalogCopy, i)};
        VaultLife life;

        if (!vault_liveness_of_leaf(liveness, &found.copy.month_key_id, found.copy.leaf, &life,
                                    error))
            return FALSE;
        found.mailbox_id = vault_liveness_mailbox(liveness, &found.copy.month_key_id);
        if (life.state == VAULT_LIFE_LIVE && is_of_mailboxes(order, &found.mailbox_id))
            g_array_append_val(scope->copies, found);
    }
    return TRUE;
}

static gint compare_copies(gconstpointer a, gconstpointer b)
{
    return memcmp(((const VaultErasureCopy *)a)->copy.month_key_id.bytes,
                  ((const VaultErasureCopy *)b)->copy.month_key_id.bytes, VAULT_ID_LEN);
}

static gboolean find_messages(VaultErasureScope *scope, VaultKeep *keep,
                              const VaultErasureOrder *order, GError **error)
{
    g_autoptr(VaultLiveness) liveness = vault_liveness_new(keep->keyring);
    const GArray *asked = order->request->messages;

    g_array_append_vals(scope->messages, asked->data, asked->len);
    if (order->detail.reach == VAULT_ERASURE_REACH_ALL &&
        !vault_catalog_add_repeats(keep->reading, scope->messages, error))
        return FALSE;
    if (scope->messages->len > VAULT_ERASURE_MESSAGES_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "at most %d messages are erased at once: erase them in parts",
                    VAULT_ERASURE_MESSAGES_MAX);
        return FALSE;
    }
    for (guint i = 0; i < scope->messages->len; i++)
        if (!add_copies_of(scope, keep, order, liveness,
                           &g_array_index(scope->messages, RecordId, i), error))
            return FALSE;
    g_array_sort(scope->copies, compare_copies);
    return TRUE;
}

/* ---- months --------------------------------------------------------------------------------- */

typedef struct {
    VaultErasureScope *scope;
    VaultKeep *keep;
    guint64 from_s, to_s;
} MonthSearch;

static gboolean note_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    const MonthSearch *search = user;
    VaultErasureMonth found = {month->month_key_id, month->mailbox_id, month->month};
    guint64 count, last_s;

    if (vault_month_start(month->month) < search->from_s ||
        vault_month_start(vault_month_next(month->month)) > search->to_s)
        return TRUE;
    if (!vault_catalog_month_totals(search->keep->reading, &month->month_key_id, &count, &last_s,
                                    error))
        return FALSE;
    search->scope->month_copy_count += count;
    g_array_append_val(search->scope->months, found);
    return TRUE;
}

static gboolean find_months(VaultErasureScope *scope, VaultKeep *keep,
                            const VaultErasureOrder *order, GError **error)
{
    const VaultRequestFile *request = order->request;
    gboolean is_all = order->detail.reach == VAULT_ERASURE_REACH_ALL;
    MonthSearch search = {.scope = scope,
                          .keep = keep,
                          .from_s = is_all ? 0 : request->from_s,
                          .to_s = is_all ? G_MAXUINT64 : request->to_s};

    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        if (!vault_keyring_each_month(keep->keyring, &mailbox->id, note_month, &search, error))
            return FALSE;
    }
    return TRUE;
}

VaultErasureScope *vault_erasure_scope_find(VaultKeep *keep, const VaultErasureOrder *order,
                                            GError **error)
{
    g_autoptr(VaultErasureScope) scope = vault_erasure_scope_new();
    gboolean is_found;

    if (!vault_catalog_feed_flush(keep->feed, error))
        return NULL;
    is_found = order->request->act == VAULT_ACT_SHRED ? find_months(scope, keep, order, error)
                                                      : find_messages(scope, keep, order, error);
    return is_found ? g_steal_pointer(&scope) : NULL;
}

/* ---- judging -------------------------------------------------------------------------------- */

static gboolean may_be_passed_over(const VaultErasureOrder *order, const VaultVerdict *verdict)
{
    return order->detail.skips_held && (verdict->judgement == VAULT_JUDGED_HELD ||
                                        verdict->judgement == VAULT_JUDGED_HOLD_ENDED);
}

static void note_obstacle(VaultErasureScope *scope, const VaultVerdict *verdict, const char *what)
{
    g_autoptr(GError) refusal = NULL;

    scope->obstacle_count++;
    if (scope->obstacles->len >= OBSTACLES_SHOWN)
        return;
    vault_verdict_check(verdict, &refusal);
    g_ptr_array_add(scope->obstacles, g_strdup_printf("%s: %s", what, refusal->message));
}

/* Expiry takes nothing that is not past its maximum now: a rule may have come meanwhile. */
static gboolean is_wanted(VaultJudge *judge, const VaultErasureOrder *order,
                          const MailboxId *mailbox_id, guint64 received_s, gboolean *ret_is_wanted,
                          GError **error)
{
    guint64 expires_s = 0;

    if (order->request->act == VAULT_ACT_RETENTION &&
        !vault_judge_expiry(judge, mailbox_id, received_s, &expires_s, error))
        return FALSE;
    *ret_is_wanted = expires_s <= vault_judge_now_s(judge);
    return TRUE;
}

static gboolean judge_copies(VaultErasureScope *scope, VaultJudge *judge,
                             const VaultErasureOrder *order, GError **error)
{
    guint kept = 0;

    for (guint i = 0; i < scope->copies->len; i++) {
        const VaultErasureCopy *found = &g_array_index(scope->copies, VaultErasureCopy, i);
        const VaultJudgedCopy copy = {.mailbox_id = found->mailbox_id,
                                      .archive_id = found->copy.body_id,
                                      .received_s = found->copy.received_s};
        VaultVerdict verdict;
        gboolean is_wanted_still;

        if (!is_wanted(judge, order, &copy.mailbox_id, copy.received_s, &is_wanted_still, error) ||
            !vault_judge_copy(judge, &copy, &verdict, error))
            return FALSE;
        if (!is_wanted_still)
            continue;
        if (may_be_passed_over(order, &verdict)) {
            scope->held_count++;
            continue;
        }
        if (verdict.judgement != VAULT_JUDGED_FREE) {
            g_autofree char *what =
                g_strdup_printf("message %s of mailbox %s", VAULT_ID_TEXT(copy.archive_id),
                                VAULT_ID_TEXT(copy.mailbox_id));

            note_obstacle(scope, &verdict, what);
        }
        g_array_index(scope->copies, VaultErasureCopy, kept++) = *found;
    }
    g_array_set_size(scope->copies, kept);
    return TRUE;
}

static gboolean judge_months(VaultErasureScope *scope, VaultJudge *judge,
                             const VaultErasureOrder *order, GError **error)
{
    guint kept = 0;

    for (guint i = 0; i < scope->months->len; i++) {
        const VaultErasureMonth month = g_array_index(scope->months, VaultErasureMonth, i);
        guint64 end_s = vault_month_start(vault_month_next(month.month));
        VaultVerdict verdict;
        gboolean is_wanted_still;

        if (!is_wanted(judge, order, &month.mailbox_id, end_s - 1, &is_wanted_still, error) ||
            !vault_judge_span(judge, &month.mailbox_id, vault_month_start(month.month), end_s,
                              &verdict, error))
            return FALSE;
        if (!is_wanted_still)
            continue;
        if (may_be_passed_over(order, &verdict)) {
            scope->held_count++;
            continue;
        }
        if (verdict.judgement != VAULT_JUDGED_FREE) {
            g_autofree char *what = g_strdup_printf("month %u of mailbox %s", month.month,
                                                    VAULT_ID_TEXT(month.mailbox_id));

            note_obstacle(scope, &verdict, what);
        }
        g_array_index(scope->months, VaultErasureMonth, kept++) = month;
    }
    g_array_set_size(scope->months, kept);
    return TRUE;
}

static void collect_mailboxes(VaultErasureScope *scope)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(vault_id_hash, vault_id_equal);

    for (guint i = 0; i < scope->copies->len; i++)
        g_hash_table_add(seen, &g_array_index(scope->copies, VaultErasureCopy, i).mailbox_id);
    for (guint i = 0; i < scope->months->len; i++)
        g_hash_table_add(seen, &g_array_index(scope->months, VaultErasureMonth, i).mailbox_id);
    g_array_set_size(scope->mailboxes, 0);
    if (g_hash_table_size(seen) > 0) {
        GHashTableIter iter;
        gpointer id;

        g_hash_table_iter_init(&iter, seen);
        while (g_hash_table_iter_next(&iter, &id, NULL))
            g_array_append_vals(scope->mailboxes, id, 1);
    }
}

gboolean vault_erasure_scope_judge(VaultErasureScope *scope, VaultKeep *keep,
                                   const VaultErasureOrder *order, GError **error)
{
    VaultJudgeOptions options = {
        .keyring = keep->keyring,
        .catalog = keep->reading,
        .clock = &keep->clock,
        .act = {.act = order->request->act,
                .approval_count = order->approval_count,
                .overrides_retention = order->detail.overrides_retention,
                .override_approval_count = order->override_approval_count}};
    g_autoptr(VaultJudge) judge = vault_judge_new(&options, error);

    scope->obstacle_count = 0;
    g_ptr_array_set_size(scope->obstacles, 0);
    if (judge == NULL || !judge_copies(scope, judge, order, error) ||
        !judge_months(scope, judge, order, error))
        return FALSE;
    collect_mailboxes(scope);
    return TRUE;
}

gboolean vault_erasure_scope_check(const VaultErasureScope *scope, GError **error)
{
    if (scope->obstacle_count > 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "nothing was destroyed. %s%s",
                    (const char *)g_ptr_array_index(scope->obstacles, 0),
                    scope->obstacle_count > 1 ? " (and more: --dry-run shows them)" : "");
        return FALSE;
    }
    if (scope->copies->len > 0 || scope->months->len > 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        scope->held_count > 0 ? "all of it is held: nothing was destroyed"
                                              : "nothing of that is in the vault, or not any more");
    return FALSE;
}
