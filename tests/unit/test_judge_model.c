/* Random sequences of holds added, removed and ended, rules set, mailboxes closed and time passing:
 * whatever is then to be erased, shredded or to expire is judged as a small model of holds and
 * retention says, which knows days one by one and nothing of how the judge does it. */
#include "judge_world.h"

#define SEQUENCES 10000
#define COMMANDS 8
#define QUESTIONS 2
#define SEED 4711

#define MAILBOXES 4
#define MESSAGES 3
#define HOLDS_MAX 6
#define RULES_MAX 5
/* Mail was received at the first second of one of these days. */
#define DAYS 40
#define FIRST_S (NOW - NOW % DAY - 60 * DAY)

static const char *const addresses[MAILBOXES] = {"a@one.example", "b@one.example", "c@two.example",
                                                 "a@one.example"};
static const char *const rule_names[RULES_MAX] = {"", "one.example", "two.example", "a@one.example",
                                                  "c@two.example"};
static const VaultRetentionScope rule_scopes[RULES_MAX] = {
    VAULT_RETENTION_DEFAULT, VAULT_RETENTION_DOMAIN, VAULT_RETENTION_DOMAIN,
    VAULT_RETENTION_MAILBOX, VAULT_RETENTION_MAILBOX};

/* ---- the model ------------------------------------------------------------------------------- */

typedef enum { BY_ADDRESS, BY_DOMAIN, BY_ID, ALL } Scope;

typedef struct {
    gboolean is_there;
    RowId id;
    Scope scope;
    guint mailbox;          /* whose address, domain or id */
    guint from_day, to_day; /* received on one of [from, to) */
    guint messages;         /* bits; 0 = all */
    guint64 until_s, end_s; /* G_MAXUINT64 = never */
} ModelHold;

typedef struct {
    gboolean is_there, is_from_closing;
    guint min_days, max_days;
    RowId id;
} ModelRule;

typedef struct {
    GRand *rand;
    KeepFixture *fixture;
    guint64 now_s;
    MailboxId ids[MAILBOXES];
    guint64 closed_s[MAILBOXES]; /* 0 = open */
    ModelHold holds[HOLDS_MAX];
    ModelRule rules[RULES_MAX];
} Model;

static const char *domain_of(guint mailbox)
{
    return strchr(addresses[mailbox], '@') + 1;
}

static gboolean model_covers(const ModelHold *hold, guint mailbox, guint day, guint messages)
{
    if (!hold->is_there || day < hold->from_day || day >= hold->to_day)
        return FALSE;
    if (hold->messages != 0 && (hold->messages & messages) == 0)
        return FALSE;
    switch (hold->scope) {
    case BY_ADDRESS:
        return strcmp(addresses[hold->mailbox], addresses[mailbox]) == 0;
    case BY_DOMAIN:
        return strcmp(domain_of(hold->mailbox), domain_of(mailbox)) == 0;
    case BY_ID:
        return hold->mailbox == mailbox;
    case ALL:
        return TRUE;
    }
    return FALSE;
}

/* 3 of the mailbox, 2 of its domain, 1 of all, 0 of another. */
static guint rule_rank(guint rule, guint mailbox)
{
    if (rule == 0)
        return 1;
    if (strcmp(rule_names[rule], domain_of(mailbox)) == 0)
        return 2;
    return strcmp(rule_names[rule], addresses[mailbox]) == 0 ? 3 : 0;
}

/* NULL: there is none. */
static const ModelRule *model_rule(const Model *model, guint mailbox)
{
    const ModelRule *best = NULL;
    guint best_rank = 0;

    for (guint i = 0; i < RULES_MAX; i++) {
        if (model->rules[i].is_there && rule_rank(i, mailbox) > best_rank) {
            best = &model->rules[i];
            best_rank = rule_rank(i, mailbox);
        }
    }
    return best;
}

static gboolean model_is_kept(const Model *model, guint mailbox, guint day)
{
    const ModelRule *rule = model_rule(model, mailbox);
    guint64 begin_s = FIRST_S + day * DAY;

    if (rule == NULL || rule->min_days == 0)
        return FALSE;
    if (rule->is_from_closing && model->closed_s[mailbox] == 0)
        return TRUE;
    if (rule->is_from_closing && model->closed_s[mailbox] > begin_s)
        begin_s = model->closed_s[mailbox];
    return model->now_s < begin_s + rule->min_days * DAY;
}

/* What may be said of all days and messages asked about together; ret_count: holds in the way. */
static VaultJudgement model_judge(const Model *model, guint mailbox, guint first_day,
                                  guint last_day, guint messages, guint *ret_count)
{
    guint in_force = 0, ended = 0;
    gboolean is_kept = FALSE;

    for (guint i = 0; i < HOLDS_MAX; i++) {
        const ModelHold *hold = &model->holds[i];
        gboolean covers = FALSE;

        for (guint day = first_day; day <= last_day; day++)
            covers = covers || model_covers(hold, mailbox, day, messages);
        in_force += covers && model->now_s < hold->end_s;
        ended += covers && model->now_s >= hold->end_s && model->now_s < hold->end_s + 30 * DAY;
    }
    for (guint day = first_day; day <= last_day; day++)
        is_kept = is_kept || model_is_kept(model, mailbox, day);
    *ret_count = in_force > 0 ? in_force : ended;
    if (in_force > 0)
        return VAULT_JUDGED_HELD;
    if (ended > 0)
        return VAULT_JUDGED_HOLD_ENDED;
    return is_kept ? VAULT_JUDGED_RETENTION : VAULT_JUDGED_FREE;
}

/* ---- commands, to the model and to the vault ------------------------------------------------- */

static guint below(Model *model, guint end)
{
    return (guint)g_rand_int_range(model->rand, 0, (gint32)end);
}

static RecordId message_id(guint message)
{
    return (RecordId){{(guint8)(message + 1)}};
}

static VaultHoldValue *hold_value(const Model *model, const ModelHold *hold)
{
    VaultHoldValue *value = judge_world_hold();

    value->hold_id = hold->id;
    value->is_all = hold->scope == ALL;
    value->from_s = FIRST_S + hold->from_day * DAY;
    value->to_s = hold->to_day == DAYS ? 0 : FIRST_S + hold->to_day * DAY;
    value->until_s = hold->until_s == G_MAXUINT64 ? 0 : hold->until_s;
    if (hold->scope == BY_ADDRESS)
        g_ptr_array_add(value->addresses, g_strdup(addresses[hold->mailbox]));
    else if (hold->scope == BY_DOMAIN)
        g_ptr_array_add(value->domains, g_strdup(domain_of(hold->mailbox)));
    else if (hold->scope == BY_ID)
        g_array_append_val(value->mailboxes, model->ids[hold->mailbox]);
    for (guint i = 0; i < MESSAGES; i++) {
        RecordId id = message_id(i);

        if ((hold->messages >> i & 1) != 0)
            g_array_append_val(value->messages, id);
    }
    return value;
}

static void add_hold(Model *model, ModelHold *hold)
{
    g_autoptr(VaultHoldValue) value = NULL;

    *hold = (ModelHold){.is_there = TRUE,
                        .scope = (Scope)below(model, 4),
                        .mailbox = below(model, MAILBOXES),
                        .from_day = below(model, DAYS),
                        .until_s = G_MAXUINT64};
    vault_random(hold->id.bytes, VAULT_ID_LEN);
    hold->to_day = hold->from_day + 1 + below(model, DAYS - hold->from_day);
    hold->messages = below(model, 2) == 0 ? 0 : below(model, 1u << MESSAGES);
    if (below(model, 3) == 0)
        hold->until_s = model->now_s + 1 + below(model, 40) * DAY;
    hold->end_s = hold->until_s;
    value = hold_value(model, hold);
    judge_world_put_hold(model->fixture, value);
}

static void remove_hold(Model *model, ModelHold *hold)
{
    g_autoptr(VaultHoldValue) value = NULL;

    if (!hold->is_there || hold->end_s <= model->now_s)
        return;
    hold->end_s = model->now_s;
    value = hold_value(model, hold);
    judge_world_remove_hold(model->fixture, value, model->now_s);
}

static void set_rule(Model *model, guint number)
{
    ModelRule *rule = &model->rules[number];
    g_autoptr(VaultRetentionValue) value =
        vault_retention_value_new(rule_scopes[number], rule_names[number]);
    g_autoptr(GByteArray) bytes = NULL;

    if (!rule->is_there)
        rule->id = value->rule_id;
    rule->is_there = TRUE;
    rule->is_from_closing = below(model, 3) == 0;
    rule->min_days = below(model, 100);
    rule->max_days = rule->min_days + below(model, 3) * 20;
    value->basis =
        rule->is_from_closing ? VAULT_RETENTION_FROM_CLOSING : VAULT_RETENTION_FROM_RECEIPT;
    value->min_days = rule->min_days;
    value->max_days = rule->max_days;
    bytes = vault_retention_value_format(value);
    assert_true(vault_keyring_put(model->fixture->keep->keyring, VAULT_KEYRING_RETENTION, &rule->id,
                                  bytes, NULL));
}

static void close_mailbox(Model *model, guint mailbox)
{
    if (model->closed_s[mailbox] != 0)
        return;
    model->closed_s[mailbox] = model->now_s;
    judge_world_close_mailbox(model->fixture, &model->ids[mailbox], model->now_s);
}

static void do_command(Model *model)
{
    switch (below(model, 6)) {
    case 0:
    case 1:
        for (guint i = 0; i < HOLDS_MAX; i++) {
            if (!model->holds[i].is_there) {
                add_hold(model, &model->holds[i]);
                break;
            }
        }
        break;
    case 2:
        remove_hold(model, &model->holds[below(model, HOLDS_MAX)]);
        break;
    case 3:
        set_rule(model, below(model, RULES_MAX));
        break;
    case 4:
        if (below(model, 4) == 0)
            close_mailbox(model, below(model, MAILBOXES));
        break;
    default:
        model->now_s += below(model, 20) * DAY + (below(model, 2) == 0 ? below(model, 5) : 0);
        keep_fixture_set_now(model->now_s);
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

static void assert_as_the_model(const Model *model, const VaultVerdict *verdict,
                                VaultJudgement expected, guint count, const char *what,
                                guint mailbox)
{
    if (verdict->judgement != expected)
        fail_msg("%s of mailbox %u, day %" G_GUINT64_FORMAT ": judged %s, the model says %s", what,
                 mailbox, (model->now_s - FIRST_S) / DAY, vault_judgement_name(verdict->judgement),
                 vault_judgement_name(expected));
    assert_int_equal(verdict->holds->len, count);
}

static void ask_about_a_copy(Model *model, VaultJudge *judge)
{
    guint mailbox = below(model, MAILBOXES), day = below(model, DAYS),
          message = below(model, MESSAGES), count;
    RecordId id = message_id(message);
    VaultJudgement expected = model_judge(model, mailbox, day, day, 1u << message, &count);
    VaultVerdict verdict = judge_world_copy(judge, &model->ids[mailbox], &id, FIRST_S + day * DAY);

    assert_as_the_model(model, &verdict, expected, count, "a copy", mailbox);
}

/* Without a catalog each message may lie in each span. */
static void ask_about_a_span(Model *model, VaultJudge *judge)
{
    guint mailbox = below(model, MAILBOXES), first = below(model, DAYS), count;
    guint last = first + below(model, DAYS - first);
    VaultJudgement expected = model_judge(model, mailbox, first, last, G_MAXUINT, &count);
    VaultVerdict verdict = judge_world_span(judge, &model->ids[mailbox], FIRST_S + first * DAY,
                                            FIRST_S + last * DAY + 1);

    assert_as_the_model(model, &verdict, expected, count, "a span", mailbox);
}

static void ask_about_expiry(Model *model, VaultJudge *judge)
{
    guint mailbox = below(model, MAILBOXES), day = below(model, DAYS);
    const ModelRule *rule = model_rule(model, mailbox);
    guint64 begin_s = FIRST_S + day * DAY, expires_s;

    if (rule != NULL && rule->is_from_closing)
        begin_s =
            model->closed_s[mailbox] == 0 ? G_MAXUINT64 : MAX(begin_s, model->closed_s[mailbox]);
    assert_true(
        vault_judge_expiry(judge, &model->ids[mailbox], FIRST_S + day * DAY, &expires_s, NULL));
    if (rule == NULL || rule->max_days == 0 || begin_s == G_MAXUINT64)
        assert_true(expires_s == G_MAXUINT64);
    else
        assert_int_equal(expires_s, begin_s + rule->max_days * DAY);
}

static void ask(Model *model)
{
    VaultJudgeOptions options = {.keyring = model->fixture->keep->keyring,
                                 .clock = &model->fixture->keep->clock,
                                 .act = {.act = VAULT_ACT_ERASE}};
    g_autoptr(VaultJudge) judge = vault_judge_new(&options, NULL);

    assert_non_null(judge);
    for (guint i = 0; i < QUESTIONS; i++) {
        ask_about_a_copy(model, judge);
        ask_about_a_span(model, judge);
        ask_about_expiry(model, judge);
    }
}

/* ---- sequences ------------------------------------------------------------------------------- */

static void begin_sequence(Model *model)
{
    VaultKeyring *keyring = model->fixture->keep->keyring;

    for (guint i = 0; i < HOLDS_MAX; i++) {
        if (model->holds[i].is_there)
            assert_true(
                vault_keyring_remove(keyring, VAULT_KEYRING_HOLDS, &model->holds[i].id, NULL));
    }
    for (guint i = 0; i < RULES_MAX; i++) {
        if (model->rules[i].is_there)
            assert_true(
                vault_keyring_remove(keyring, VAULT_KEYRING_RETENTION, &model->rules[i].id, NULL));
    }
    for (guint i = 0; i < MAILBOXES; i++) {
        if (model->closed_s[i] != 0 || vault_id_is_zero(model->ids[i].bytes))
            model->ids[i] = judge_world_add_mailbox(model->fixture, addresses[i]);
    }
    memset(model->closed_s, 0, sizeof model->closed_s);
    memset(model->holds, 0, sizeof model->holds);
    memset(model->rules, 0, sizeof model->rules);
    model->now_s = NOW;
    keep_fixture_set_now(NOW);
}

static void judged_as_the_model_says_after_any_sequence(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    Model model = {.rand = g_rand_new_with_seed(SEED), .fixture = fixture};
    /* Never committed: what counts is what the rows say, and a sync for each would take hours. */
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(fixture->keep->keyring, NULL);

    assert_non_null(change);
    for (guint i = 0; i < SEQUENCES; i++) {
        begin_sequence(&model);
        for (guint k = 0; k < COMMANDS; k++) {
            do_command(&model);
            ask(&model);
        }
    }
    g_rand_free(model.rand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged_as_the_model_says_after_any_sequence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
