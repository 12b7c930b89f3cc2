/* What is past its retention maximum. */
#include "vault/keep/internal.h"
#include "vault/keep/judge.h"
#include "vault/keep/retention.h"

typedef struct {
    VaultKeep *keep;
    VaultJudge *judge;
    const MailboxId *mailbox_id;
    VaultRetentionDue *due;
    VaultErasureScope *scope; /* NULL: what is due is counted alone */
} DueWalk;

static void note_obstacle(DueWalk *walk, const VaultVerdict *verdict)
{
    walk->due->obstructed_count++;
    if (walk->scope != NULL)
        walk->scope->held_count++;
    for (guint i = 0; verdict->holds != NULL && i < verdict->holds->len; i++)
        g_hash_table_add(walk->due->holds,
                         g_memdup2(&g_array_index(verdict->holds, RowId, i), sizeof(RowId)));
}

static void take_copy(DueWalk *walk, const VaultCopyEntry *entry)
{
    VaultErasureCopy copy = {.mailbox_id = entry->mailbox_id,
                             .copy = {.record_id = entry->record_id,
                                      .body_id = entry->body_id,
                                      .month_key_id = entry->month_key_id,
                                      .leaf = entry->leaf,
                                      .received_s = entry->received_s}};

    walk->due->message_count++;
    if (walk->scope == NULL || walk->scope->copies->len == VAULT_RETENTION_COPIES_MAX)
        return;
    g_array_append_val(walk->scope->copies, copy);
    g_array_append_val(walk->scope->messages, entry->body_id);
}

static void take_month(DueWalk *walk, const VaultMonthKeys *month, guint64 copy_count)
{
    VaultErasureMonth found = {month->month_key_id, *walk->mailbox_id, month->month};

    walk->due->month_count++;
    walk->due->month_message_count += copy_count;
    if (walk->scope == NULL)
        return;
    walk->scope->month_copy_count += copy_count;
    g_array_append_val(walk->scope->months, found);
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
        take_copy(walk, entry);
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
    take_month(walk, month, count);
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

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

/* Several owners' copies of one message name it once. */
static void name_each_once(GArray *messages)
{
    guint kept = 0;

    g_array_sort(messages, compare_ids);
    for (guint i = 0; i < messages->len; i++) {
        const RecordId id = g_array_index(messages, RecordId, i);

        if (kept == 0 || !VAULT_ID_EQUAL(g_array_index(messages, RecordId, kept - 1), id))
            g_array_index(messages, RecordId, kept++) = id;
    }
    g_array_set_size(messages, kept);
}

GPtrArray *vault_retention_find(VaultKeep *keep, VaultErasureScope *scope, GError **error)
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
        DueWalk walk = {
            .keep = keep, .judge = judge, .mailbox_id = &mailbox->id, .due = due, .scope = scope};

        g_ptr_array_add(all, due);
        if (!judge_mailbox(&walk, error))
            return NULL;
        if (due->month_count == 0 && due->message_count == 0 && due->obstructed_count == 0)
            g_ptr_array_set_size(all, (gint)all->len - 1);
    }
    if (scope != NULL)
        name_each_once(scope->messages);
    return g_steal_pointer(&all);
}

GPtrArray *vault_keep_retention_due(VaultKeep *keep, GError **error)
{
    return vault_retention_find(keep, NULL, error);
}
