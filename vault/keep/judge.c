#include "vault/keep/judge.h"

#include "vault/act/policy.h"
#include "vault/keep/judge_mailbox.h"
#include "vault/keep/policy.h"

struct VaultJudge {
    VaultJudgeOptions options;
    guint64 now_s;
    VaultClockTrust trust;
    GPtrArray *holds;      /* VaultJudgedHold: in force, or ended so lately that it counts */
    GPtrArray *rules;      /* VaultRetentionValue */
    GHashTable *mailboxes; /* MailboxId -> Subject */
    GHashTable *located;   /* VaultJudgedHold -> GHashTable of MailboxId -> GArray of guint64 */
    guint32 needed[VAULT_ACT_END];
    GArray *in_the_way; /* RowId: of the last verdict */
};

/* A mailbox with what is about it. */
typedef struct {
    VaultMailboxValue *mailbox;
    GPtrArray *holds; /* VaultJudgedHold, borrowed */
    GPtrArray *rules; /* VaultRetentionValue, borrowed */
} Subject;

static void subject_free(gpointer item)
{
    Subject *subject = item;

    vault_mailbox_value_free(subject->mailbox);
    g_ptr_array_unref(subject->holds);
    g_ptr_array_unref(subject->rules);
    g_free(subject);
}

static guint64 free_from(const VaultHoldValue *hold)
{
    guint64 end_s = vault_hold_value_end_s(hold);

    return end_s > G_MAXUINT64 - VAULT_HOLD_AFTERLIFE_S ? G_MAXUINT64
                                                        : end_s + VAULT_HOLD_AFTERLIFE_S;
}

static gboolean read_holds(VaultJudge *judge, GError **error)
{
    g_autoptr(GPtrArray) holds = vault_holds_read(judge->options.keyring, error);

    if (holds == NULL)
        return FALSE;
    while (holds->len > 0) {
        VaultHoldValue *hold = g_ptr_array_steal_index(holds, holds->len - 1);

        if (free_from(hold) > judge->now_s)
            g_ptr_array_add(judge->holds, vault_judged_hold_new(hold));
        else
            vault_hold_value_free(hold);
    }
    return TRUE;
}

static gboolean read_policy(VaultJudge *judge, GError **error)
{
    g_autofree char *text = vault_policy_in_force(judge->options.keyring, error);
    g_autoptr(VaultPolicy) policy =
        text != NULL ? vault_policy_parse(text, strlen(text), error) : NULL;

    if (policy == NULL)
        return FALSE;
    memcpy(judge->needed, policy->needed, sizeof judge->needed);
    return TRUE;
}

VaultJudge *vault_judge_new(const VaultJudgeOptions *options, GError **error)
{
    g_autoptr(VaultJudge) judge = g_new0(VaultJudge, 1);
    guint64 good_s;

    judge->options = *options;
    judge->now_s = vault_clock_now_s(options->clock);
    judge->trust = vault_clock_judge(options->clock, judge->now_s, &good_s);
    judge->now_s = good_s;
    judge->holds = g_ptr_array_new_with_free_func((GDestroyNotify)vault_judged_hold_free);
    judge->mailboxes = g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL, subject_free);
    judge->located = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    judge->in_the_way = g_array_new(FALSE, FALSE, sizeof(RowId));
    if (!read_holds(judge, error) || !read_policy(judge, error))
        return NULL;
    judge->rules = vault_retention_rules_read(options->keyring, error);
    return judge->rules != NULL ? g_steal_pointer(&judge) : NULL;
}

void vault_judge_free(VaultJudge *judge)
{
    if (judge == NULL)
        return;
    g_hash_table_unref(judge->located);
    g_hash_table_unref(judge->mailboxes);
    g_clear_pointer(&judge->rules, g_ptr_array_unref);
    g_ptr_array_unref(judge->holds);
    g_array_unref(judge->in_the_way);
    g_free(judge);
}

guint64 vault_judge_now_s(const VaultJudge *judge)
{
    return judge->now_s;
}

/* ---- a mailbox ------------------------------------------------------------------------------ */

static Subject *find_subject(VaultJudge *judge, const MailboxId *mailbox_id, GError **error)
{
    Subject *subject = g_hash_table_lookup(judge->mailboxes, mailbox_id);
    VaultMailboxValue *mailbox;

    if (subject != NULL)
        return subject;
    mailbox = vault_keyring_get_mailbox(judge->options.keyring, mailbox_id, error);
    if (mailbox == NULL)
        return NULL;
    subject = g_new0(Subject, 1);
    subject->mailbox = mailbox;
    subject->holds = g_ptr_array_new();
    for (guint i = 0; i < judge->holds->len; i++) {
        VaultJudgedHold *hold = g_ptr_array_index(judge->holds, i);

        if (vault_judged_hold_fits(hold, mailbox))
            g_ptr_array_add(subject->holds, hold);
    }
    subject->rules = vault_retention_rules_of(judge->rules, mailbox);
    g_hash_table_insert(judge->mailboxes, &mailbox->mailbox_id, subject);
    return subject;
}

/* ---- what is asked about -------------------------------------------------------------------- */

typedef struct {
    const Subject *subject;
    guint64 from_s, to_s;    /* received; to_s 0 = no end */
    const RecordId *message; /* NULL: whatever the mailbox received then */
} Question;

static gboolean overlaps(const VaultHoldValue *hold, const Question *question)
{
    return (hold->to_s == 0 || question->from_s < hold->to_s) &&
           (question->to_s == 0 || hold->from_s < question->to_s);
}

/* Adds where the copies of one message lie. */
static gboolean locate(VaultJudge *judge, const RecordId *message, GHashTable *places,
                       GError **error)
{
    g_autoptr(GArray) copies = vault_catalog_copies_of(judge->options.catalog, message, error);

    if (copies == NULL)
        return FALSE;
    for (guint i = 0; i < copies->len; i++) {
        const VaultCatalogCopy *copy = &g_array_index(copies, VaultCatalogCopy, i);
        g_autoptr(GError) failure = NULL;
        MailboxId mailbox_id;
        GArray *times;

        if (!vault_keyring_month_mailbox(judge->options.keyring, &copy->month_key_id, &mailbox_id,
                                         &failure)) {
            /* A month that was dropped: its copies are dead. */
            if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
                continue;
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        times = g_hash_table_lookup(places, &mailbox_id);
        if (times == NULL) {
            times = g_array_new(FALSE, FALSE, sizeof(guint64));
            g_hash_table_insert(places, g_memdup2(&mailbox_id, sizeof mailbox_id), times);
        }
        g_array_append_val(times, copy->received_s);
    }
    return TRUE;
}

static GHashTable *find_places(VaultJudge *judge, VaultJudgedHold *hold, GError **error)
{
    GHashTable *known = g_hash_table_lookup(judge->located, hold);
    g_autoptr(GHashTable) places = NULL;

    if (known != NULL)
        return known;
    places =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, (GDestroyNotify)g_array_unref);
    for (guint i = 0; i < hold->hold->messages->len; i++)
        if (!locate(judge, &g_array_index(hold->hold->messages, RecordId, i), places, error))
            return NULL;
    g_hash_table_insert(judge->located, hold, g_hash_table_ref(places));
    return places;
}

/* Whether one of the messages that the hold names lies in the span. */
static gboolean names_one_within(VaultJudge *judge, VaultJudgedHold *hold, const Question *question,
                                 gboolean *ret_names, GError **error)
{
    GHashTable *places;
    GArray *times;

    *ret_names = TRUE;
    if (judge->options.catalog == NULL)
        return TRUE;
    places = find_places(judge, hold, error);
    if (places == NULL)
        return FALSE;
    times = g_hash_table_lookup(places, &question->subject->mailbox->mailbox_id);
    for (guint i = 0; times != NULL && i < times->len; i++) {
        guint64 received_s = g_array_index(times, guint64, i);
        Question copy = {.from_s = received_s, .to_s = received_s + 1};

        if (received_s >= question->from_s &&
            (question->to_s == 0 || received_s < question->to_s) && overlaps(hold->hold, &copy))
            return TRUE;
    }
    *ret_names = FALSE;
    return TRUE;
}

static gboolean covers(VaultJudge *judge, VaultJudgedHold *hold, const Question *question,
                       gboolean *ret_covers, GError **error)
{
    *ret_covers = FALSE;
    if (!overlaps(hold->hold, question))
        return TRUE;
    if (hold->messages != NULL && question->message == NULL)
        return names_one_within(judge, hold, question, ret_covers, error);
    *ret_covers =
        hold->messages == NULL || g_hash_table_contains(hold->messages, question->message);
    return TRUE;
}

/* ---- the verdict ---------------------------------------------------------------------------- */

/* Holds that are in force go before those that ended: where there is one, it is named. */
static gboolean judge_holds(VaultJudge *judge, const Question *question, VaultVerdict *verdict,
                            GError **error)
{
    g_array_set_size(judge->in_the_way, 0);
    for (guint i = 0; i < question->subject->holds->len; i++) {
        VaultJudgedHold *hold = g_ptr_array_index(question->subject->holds, i);
        gboolean is_in_force = vault_hold_value_end_s(hold->hold) > judge->now_s;
        gboolean is_covered;

        if (!covers(judge, hold, question, &is_covered, error))
            return FALSE;
        if (!is_covered || (!is_in_force && verdict->judgement == VAULT_JUDGED_HELD))
            continue;
        if (is_in_force && verdict->judgement != VAULT_JUDGED_HELD)
            g_array_set_size(judge->in_the_way, 0);
        verdict->judgement = is_in_force ? VAULT_JUDGED_HELD : VAULT_JUDGED_HOLD_ENDED;
        verdict->until_s = is_in_force ? G_MAXUINT64 : MAX(verdict->until_s, free_from(hold->hold));
        g_array_append_val(judge->in_the_way, hold->hold->hold_id);
    }
    return TRUE;
}

/* The youngest message that there can be is kept longest. */
static guint64 kept_until(const Question *question)
{
    const Subject *subject = question->subject;
    guint64 until_s = 0;

    for (guint i = 0; i < subject->rules->len; i++) {
        const VaultRetentionValue *rule = g_ptr_array_index(subject->rules, i);
        guint64 youngest_s = question->to_s != 0 ? question->to_s - 1 : G_MAXUINT64;

        until_s = MAX(until_s, vault_retention_kept_until(rule, subject->mailbox, youngest_s));
    }
    return until_s;
}

static gboolean lacks_approvals(const VaultJudge *judge, VaultAct act, guint given,
                                VaultVerdict *verdict)
{
    if (given >= judge->needed[act])
        return FALSE;
    verdict->judgement = VAULT_JUDGED_APPROVALS;
    verdict->missing_act = act;
    verdict->given = given;
    verdict->needed = judge->needed[act];
    return TRUE;
}

/* Expiry does what a rule says that was approved when it was set. */
static void judge_approvals(const VaultJudge *judge, gboolean is_kept, VaultVerdict *verdict)
{
    const VaultJudgedAct *act = &judge->options.act;

    if (is_kept &&
        lacks_approvals(judge, VAULT_ACT_RETENTION_OVERRIDE, act->override_approval_count, verdict))
        return;
    if (act->act != VAULT_ACT_RETENTION)
        lacks_approvals(judge, act->act, act->approval_count, verdict);
}

static gboolean judge_question(VaultJudge *judge, const Question *question,
                               VaultVerdict *ret_verdict, GError **error)
{
    guint64 kept_until_s = kept_until(question);
    gboolean is_kept = kept_until_s > judge->now_s;

    *ret_verdict = (VaultVerdict){.judgement = VAULT_JUDGED_FREE, .holds = judge->in_the_way};
    if (!judge_holds(judge, question, ret_verdict, error))
        return FALSE;
    if (judge->trust == VAULT_CLOCK_UNSURE) {
        g_array_set_size(judge->in_the_way, 0);
        ret_verdict->judgement = VAULT_JUDGED_CLOCK;
        ret_verdict->until_s = G_MAXUINT64;
    } else if (ret_verdict->judgement == VAULT_JUDGED_FREE && is_kept &&
               !judge->options.act.overrides_retention) {
        ret_verdict->judgement = VAULT_JUDGED_RETENTION;
        ret_verdict->until_s = kept_until_s;
    } else if (ret_verdict->judgement == VAULT_JUDGED_FREE) {
        judge_approvals(judge, is_kept, ret_verdict);
    }
    return TRUE;
}

gboolean vault_judge_copy(VaultJudge *judge, const VaultJudgedCopy *copy, VaultVerdict *ret_verdict,
                          GError **error)
{
    Question question = {.subject = find_subject(judge, &copy->mailbox_id, error),
                         .from_s = copy->received_s,
                         .to_s = copy->received_s + 1,
                         .message = &copy->archive_id};

    return question.subject != NULL && judge_question(judge, &question, ret_verdict, error);
}

gboolean vault_judge_span(VaultJudge *judge, const MailboxId *mailbox_id, guint64 from_s,
                          guint64 to_s, VaultVerdict *ret_verdict, GError **error)
{
    Question question = {
        .subject = find_subject(judge, mailbox_id, error), .from_s = from_s, .to_s = to_s};

    return question.subject != NULL && judge_question(judge, &question, ret_verdict, error);
}

gboolean vault_judge_expiry(VaultJudge *judge, const MailboxId *mailbox_id, guint64 received_s,
                            guint64 *ret_expires_s, GError **error)
{
    const Subject *subject = find_subject(judge, mailbox_id, error);

    if (subject == NULL)
        return FALSE;
    *ret_expires_s = subject->rules->len > 0 ? 0 : G_MAXUINT64;
    for (guint i = 0; i < subject->rules->len; i++)
        *ret_expires_s =
            MAX(*ret_expires_s, vault_retention_expires(g_ptr_array_index(subject->rules, i),
                                                        subject->mailbox, received_s));
    return TRUE;
}
