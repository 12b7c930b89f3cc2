#include "vault/keep/retention.h"

#include "vault/act/retention_detail.h"
#include "vault/keep/internal.h"
#include "vault/keep/judge.h"
#include "vault/keep/judge_mailbox.h"
#include "vault/keep/policy.h"

GPtrArray *vault_keep_retention_rules(VaultKeep *keep, GError **error)
{
    return vault_retention_rules_read(keep->keyring, error);
}

/* ---- set ------------------------------------------------------------------------------------ */

static VaultRetentionValue *value_of(const VaultRetentionDetail *detail, guint64 now_s)
{
    VaultRetentionValue *value =
        vault_retention_value_new((VaultRetentionScope)detail->of, detail->name);

    value->basis =
        detail->is_from_closing ? VAULT_RETENTION_FROM_CLOSING : VAULT_RETENTION_FROM_RECEIPT;
    value->min_days = detail->min_days;
    value->max_days = detail->max_days;
    value->set_s = now_s;
    return value;
}

typedef struct {
    const VaultRequestFile *request;
    VaultRetentionValue *rule;
} SetJob;

/* Under the row of the rule that it replaces, where there is one. */
static gboolean set_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    SetJob *job = user;
    g_autoptr(GPtrArray) rules = vault_retention_rules_read(keyring, error);
    g_autoptr(GByteArray) value = vault_retention_value_format(job->rule);

    if (rules == NULL || !vault_policy_still_allows(keyring, job->request, error))
        return FALSE;
    for (guint i = 0; i < rules->len; i++) {
        const VaultRetentionValue *before = g_ptr_array_index(rules, i);

        if (before->scope != job->rule->scope || strcmp(before->name, job->rule->name) != 0)
            continue;
        job->rule->rule_id = before->rule_id;
        if (before->set_s <= job->request->created_s)
            continue;
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the rule was set after this was asked for: make a new request");
        return FALSE;
    }
    return vault_keyring_put(keyring, VAULT_KEYRING_RETENTION, &job->rule->rule_id, value, error);
}

static gboolean log_set(VaultKeep *keep, const VaultRequestFile *request, const char *text,
                        gsize len, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultHash hash;

    vault_request_file_hash(text, len, &hash);
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_RETENTION_SET));
    vault_text_append(payload, "rule", request->detail);
    vault_text_append(payload, "case", request->case_id);
    vault_text_append(payload, "reason", request->reason);
    vault_text_append_hex_line(payload, "request", hash.bytes, VAULT_HASH_LEN);
    return vault_keep_log_act(keep, VAULT_LOGGED_RETENTION_SET, payload->str, payload->len, error);
}

gboolean vault_retention_set(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error)
{
    g_autoptr(VaultRequestFile) request =
        vault_policy_check_request(keep, VAULT_ACT_RETENTION, text, len, NULL, error);
    g_auto(VaultRetentionDetail) detail = {.name = NULL};
    g_autoptr(VaultRetentionValue) rule = NULL;
    SetJob job = {.request = request};

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (request == NULL || !vault_retention_detail_parse(request->detail, &detail, error))
        return FALSE;
    job.rule = rule = value_of(&detail, vault_clock_now_s(&keep->clock));
    return log_set(keep, request, text, len, error) &&
           vault_keyring_batch_run(keep->batch, set_job, &job, error);
}

/* ---- what is due ---------------------------------------------------------------------------- */

typedef struct {
    VaultKeep *keep;
    VaultJudge *judge;
    const MailboxId *mailbox_id;
    VaultRetentionDue *due;
} DueWalk;

static void note_obstacle(DueWalk *walk, const VaultVerdict *verdict)
{
    walk->due->obstructed_count++;
    for (guint i = 0; verdict->holds != NULL && i < verdict->holds->len; i++)
        g_hash_table_add(walk->due->holds,
                         g_memdup2(&g_array_index(verdict->holds, RowId, i), sizeof(RowId)));
}

static gboolean judge_copy(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    DueWalk *walk = user;
    VaultJudgedCopy copy = {.mailbox_id = entry->mailbox_id,
                            .archive_id = entry->body_id,
                            .received_s = entry->received_s};
    VaultVerdict verdict;
    guint64 expires_s;

    if (!vault_judge_expiry(walk->judge, &entry->mailbox_id, entry->received_s, &expires_s, error))
        return FALSE;
    if (expires_s > vault_judge_now_s(walk->judge))
        return TRUE;
    if (!vault_judge_copy(walk->judge, &copy, &verdict, error))
        return FALSE;
    if (verdict.judgement == VAULT_JUDGED_FREE)
        walk->due->message_count++;
    else
        note_obstacle(walk, &verdict);
    return TRUE;
}

/* The month goes as a whole where all of it is past the maximum and free, else message by message.
 */
static gboolean judge_month(DueWalk *walk, const VaultMonthKeys *month, GError **error)
{
    guint64 begin_s = vault_month_start(month->month), now_s = vault_judge_now_s(walk->judge);
    guint64 end_s = vault_month_start(vault_month_next(month->month)), first_s, last_s, count;
    VaultCopyFilter filter = {.months = &month->month_key_id, .month_count = 1};
    VaultVerdict verdict;

    if (!vault_judge_expiry(walk->judge, walk->mailbox_id, begin_s, &first_s, error) ||
        !vault_judge_expiry(walk->judge, walk->mailbox_id, end_s - 1, &last_s, error))
        return FALSE;
    if (first_s > now_s)
        return TRUE;
    if (last_s > now_s)
        return vault_keep_copies(walk->keep, &filter, judge_copy, walk, error);
    if (!vault_judge_span(walk->judge, walk->mailbox_id, begin_s, end_s, &verdict, error))
        return FALSE;
    if (verdict.judgement != VAULT_JUDGED_FREE)
        return vault_keep_copies(walk->keep, &filter, judge_copy, walk, error);
    if (!vault_catalog_month_totals(walk->keep->reading, &month->month_key_id, &count, &last_s,
                                    error))
        return FALSE;
    walk->due->month_count++;
    walk->due->month_message_count += count;
    return TRUE;
}

static gboolean judge_mailbox(DueWalk *walk, GError **error)
{
    g_autoptr(GPtrArray) months =
        vault_keep_months(walk->keep, walk->mailbox_id, 1, 0, G_MAXUINT64, error);

    for (guint i = 0; months != NULL && i < months->len; i++) {
        const VaultMonthKeys *month = g_ptr_array_index(months, i);

        if (month->month < VAULT_MONTH_MAX && !judge_month(walk, month, error))
            return FALSE;
    }
    return months != NULL;
}

void vault_retention_due_free(VaultRetentionDue *due)
{
    if (due == NULL)
        return;
    g_hash_table_unref(due->holds);
    g_free(due->address);
    g_free(due);
}

static VaultRetentionDue *due_new(const VaultMailbox *mailbox)
{
    VaultRetentionDue *due = g_new0(VaultRetentionDue, 1);

    due->mailbox_id = mailbox->id;
    due->address = g_strdup(mailbox->address);
    due->holds = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return due;
}

GPtrArray *vault_keep_retention_due(VaultKeep *keep, GError **error)
{
    VaultJudgeOptions options = {.keyring = keep->keyring,
                                 .catalog = keep->reading,
                                 .clock = &keep->clock,
                                 .act = {.act = VAULT_ACT_RETENTION}};
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, error);
    g_autoptr(VaultJudge) judge = mailboxes != NULL ? vault_judge_new(&options, error) : NULL;
    g_autoptr(GPtrArray) all =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_retention_due_free);

    if (judge == NULL)
        return NULL;
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        VaultRetentionDue *due = due_new(mailbox);
        DueWalk walk = {.keep = keep, .judge = judge, .mailbox_id = &mailbox->id, .due = due};

        g_ptr_array_add(all, due);
        if (!judge_mailbox(&walk, error))
            return NULL;
        if (due->month_count == 0 && due->message_count == 0 && due->obstructed_count == 0)
            g_ptr_array_set_size(all, (gint)all->len - 1);
    }
    return g_steal_pointer(&all);
}
