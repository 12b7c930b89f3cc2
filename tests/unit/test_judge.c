/* May this be destroyed? Each reason why not, at its edge and one past it, for a copy and for a
 * span. */
#include "judge_world.h"

#define ANNA "anna@firm.example"
#define BERT "bert@firm.example"
#define CORA "cora@other.example"

/* The verdict of a new judge. */
static VaultJudgement of_copy(KeepFixture *fixture, const MailboxId *mailbox, guint64 received_s)
{
    g_autoptr(VaultJudge) judge = judge_world_judge(fixture, NULL);

    return judge_world_copy(judge, mailbox, NULL, received_s).judgement;
}

static VaultJudgement of_span(KeepFixture *fixture, const MailboxId *mailbox, guint64 from_s,
                              guint64 to_s)
{
    g_autoptr(VaultJudge) judge = judge_world_judge(fixture, NULL);

    return judge_world_span(judge, mailbox, from_s, to_s).judgement;
}

static void without_holds_and_rules_all_may_be_destroyed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);

    assert_int_equal(of_copy(fixture, &anna, NOW), VAULT_JUDGED_FREE);
    assert_int_equal(of_span(fixture, &anna, 0, 0), VAULT_JUDGED_FREE);
}

static void unknown_mailbox_is_not_judged(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultJudge) judge = judge_world_judge(fixture, NULL);
    VaultJudgedCopy copy = {.received_s = NOW};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) span_error = NULL;
    g_autoptr(GError) expiry_error = NULL;
    VaultVerdict verdict;
    guint64 expires_s;

    assert_false(vault_judge_copy(judge, &copy, &verdict, &error));
    assert_int_equal(error->code, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_judge_span(judge, &copy.mailbox_id, 0, 0, &verdict, &span_error));
    assert_int_equal(span_error->code, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_judge_expiry(judge, &copy.mailbox_id, 0, &expires_s, &expiry_error));
    assert_int_equal(expiry_error->code, VAULT_ERROR_NOT_FOUND);
}

static void damaged_hold_or_rule_lets_nothing_be_destroyed(void **state)
{
    static const VaultKeyringTable tables[] = {VAULT_KEYRING_HOLDS, VAULT_KEYRING_RETENTION,
                                               VAULT_KEYRING_POLICY};
    static const RowId row = {{1}};

    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        VaultJudgeOptions options = {.keyring = fixture->keep->keyring,
                                     .clock = &fixture->keep->clock};
        g_autoptr(GByteArray) value = g_byte_array_new();
        g_autoptr(GError) error = NULL;

        g_byte_array_append(value, (const guint8 *)"\1x", 2);
        assert_true(vault_keyring_put(options.keyring, tables[i], &row, value, NULL));
        assert_null(vault_judge_new(&options, &error));
        assert_non_null(error);
    }
}

/* ---- what a hold covers ---------------------------------------------------------------------- */

static void hold_covers_a_mailbox_by_address_id_or_domain_or_as_one_of_all(void **state)
{
    for (guint kind = 0; kind < 4; kind++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
        MailboxId cora = judge_world_add_mailbox(fixture, CORA);
        g_autoptr(VaultHoldValue) hold = judge_world_hold();

        if (kind == 0)
            g_ptr_array_add(hold->addresses, g_strdup(ANNA));
        else if (kind == 1)
            g_ptr_array_add(hold->domains, g_strdup("firm.example"));
        else if (kind == 2)
            g_array_append_val(hold->mailboxes, anna);
        hold->is_all = kind == 3;
        judge_world_put_hold(fixture, hold);
        assert_int_equal(of_copy(fixture, &anna, NOW), VAULT_JUDGED_HELD);
        assert_int_equal(of_span(fixture, &anna, 0, 0), VAULT_JUDGED_HELD);
        assert_int_equal(of_copy(fixture, &cora, NOW),
                         kind == 3 ? VAULT_JUDGED_HELD : VAULT_JUDGED_FREE);
    }
}

static void hold_by_address_covers_the_mailbox_before_and_the_one_to_come(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId before = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultHoldValue) hold = judge_world_hold();
    MailboxId after;

    judge_world_close_mailbox(fixture, &before, NOW - 100 * DAY);
    g_ptr_array_add(hold->addresses, g_strdup(ANNA));
    judge_world_put_hold(fixture, hold);
    after = judge_world_add_mailbox(fixture, ANNA);
    assert_int_equal(of_copy(fixture, &before, NOW - 200 * DAY), VAULT_JUDGED_HELD);
    assert_int_equal(of_copy(fixture, &after, NOW), VAULT_JUDGED_HELD);
}

static void hold_covers_what_was_received_within_it(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultHoldValue) hold = judge_world_hold();

    hold->is_all = TRUE;
    hold->from_s = 1000;
    hold->to_s = 2000;
    judge_world_put_hold(fixture, hold);
    assert_int_equal(of_copy(fixture, &anna, 999), VAULT_JUDGED_FREE);
    assert_int_equal(of_copy(fixture, &anna, 1000), VAULT_JUDGED_HELD);
    assert_int_equal(of_copy(fixture, &anna, 1999), VAULT_JUDGED_HELD);
    assert_int_equal(of_copy(fixture, &anna, 2000), VAULT_JUDGED_FREE);
    assert_int_equal(of_span(fixture, &anna, 0, 1000), VAULT_JUDGED_FREE);
    assert_int_equal(of_span(fixture, &anna, 0, 1001), VAULT_JUDGED_HELD);
    assert_int_equal(of_span(fixture, &anna, 1999, 3000), VAULT_JUDGED_HELD);
    assert_int_equal(of_span(fixture, &anna, 2000, 3000), VAULT_JUDGED_FREE);
    assert_int_equal(of_span(fixture, &anna, 1500, 0), VAULT_JUDGED_HELD);
}

static void hold_on_messages_covers_them_and_the_spans_that_they_lie_in(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery held = keep_fixture_deliver(fixture, "held", ANNA);
    KeepDelivery other = keep_fixture_deliver(fixture, "other", ANNA);
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    MailboxId bert;
    g_autoptr(VaultHoldValue) hold = judge_world_hold();
    g_autoptr(VaultJudge) judge = NULL;

    keep_fixture_deliver(fixture, "to another", BERT);
    bert = keep_fixture_mailbox(fixture, BERT);
    hold->is_all = TRUE;
    g_array_append_val(hold->messages, held.archive_id);
    judge_world_put_hold(fixture, hold);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    judge = judge_world_judge(fixture, NULL);
    assert_int_equal(judge_world_copy(judge, &anna, &held.archive_id, NOW).judgement,
                     VAULT_JUDGED_HELD);
    assert_int_equal(judge_world_copy(judge, &anna, &other.archive_id, NOW).judgement,
                     VAULT_JUDGED_FREE);
    assert_int_equal(judge_world_span(judge, &anna, NOW, NOW + 1).judgement, VAULT_JUDGED_HELD);
    assert_int_equal(judge_world_span(judge, &anna, 0, 0).judgement, VAULT_JUDGED_HELD);
    assert_int_equal(judge_world_span(judge, &anna, 0, NOW).judgement, VAULT_JUDGED_FREE);
    assert_int_equal(judge_world_span(judge, &anna, NOW + 1, 0).judgement, VAULT_JUDGED_FREE);
    assert_int_equal(judge_world_span(judge, &bert, 0, 0).judgement, VAULT_JUDGED_FREE);
}

static void without_a_catalog_a_hold_on_messages_is_in_the_way_of_each_span(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultHoldValue) hold = judge_world_hold();
    VaultJudgeOptions options = {.keyring = fixture->keep->keyring, .clock = &fixture->keep->clock};
    g_autoptr(VaultJudge) judge = NULL;
    RecordId message = {{7}};

    hold->is_all = TRUE;
    g_array_append_val(hold->messages, message);
    judge_world_put_hold(fixture, hold);
    options.act.act = VAULT_ACT_SHRED;
    judge = vault_judge_new(&options, NULL);
    assert_non_null(judge);
    assert_int_equal(judge_world_span(judge, &anna, 0, 0).judgement, VAULT_JUDGED_HELD);
}

/* ---- when a hold ends ------------------------------------------------------------------------ */

static void removed_hold_is_in_the_way_for_30_days_more(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultHoldValue) hold = judge_world_hold();

    hold->is_all = TRUE;
    judge_world_put_hold(fixture, hold);
    assert_int_equal(of_copy(fixture, &anna, 1), VAULT_JUDGED_HELD);
    judge_world_remove_hold(fixture, hold, NOW);
    assert_int_equal(of_copy(fixture, &anna, 1), VAULT_JUDGED_HOLD_ENDED);
    keep_fixture_set_now(NOW + AFTERLIFE - 1);
    assert_int_equal(of_copy(fixture, &anna, 1), VAULT_JUDGED_HOLD_ENDED);
    assert_int_equal(of_span(fixture, &anna, 0, 0), VAULT_JUDGED_HOLD_ENDED);
    keep_fixture_set_now(NOW + AFTERLIFE);
    assert_int_equal(of_copy(fixture, &anna, 1), VAULT_JUDGED_FREE);
}

static void hold_that_ends_by_date_is_in_the_way_for_30_days_more(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultHoldValue) hold = judge_world_hold();

    hold->is_all = TRUE;
    hold->until_s = NOW + 10;
    judge_world_put_hold(fixture, hold);
    keep_fixture_set_now(NOW + 9);
    assert_int_equal(of_copy(fixture, &anna, 1), VAULT_JUDGED_HELD);
    keep_fixture_set_now(NOW + 10);
    assert_int_equal(of_copy(fixture, &anna, 1), VAULT_JUDGED_HOLD_ENDED);
    keep_fixture_set_now(NOW + 10 + AFTERLIFE);
    assert_int_equal(of_copy(fixture, &anna, 1), VAULT_JUDGED_FREE);
}

static void verdict_names_the_holds_in_force_and_where_none_is_those_that_ended(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultHoldValue) ended = judge_world_hold();
    g_autoptr(VaultHoldValue) first = judge_world_hold();
    g_autoptr(VaultHoldValue) second = judge_world_hold();
    g_autoptr(VaultJudge) judge = NULL;
    g_autoptr(VaultJudge) later = NULL;
    VaultVerdict verdict;

    ended->is_all = first->is_all = second->is_all = TRUE;
    judge_world_put_hold(fixture, first);
    judge_world_put_hold(fixture, second);
    judge_world_remove_hold(fixture, ended, NOW - 1);
    judge = judge_world_judge(fixture, NULL);
    verdict = judge_world_copy(judge, &anna, NULL, NOW);
    assert_int_equal(verdict.judgement, VAULT_JUDGED_HELD);
    assert_int_equal(verdict.holds->len, 2);
    judge_world_remove_hold(fixture, first, NOW);
    judge_world_remove_hold(fixture, second, NOW);
    later = judge_world_judge(fixture, NULL);
    verdict = judge_world_copy(later, &anna, NULL, NOW);
    assert_int_equal(verdict.judgement, VAULT_JUDGED_HOLD_ENDED);
    assert_int_equal(verdict.holds->len, 3);
    assert_int_equal(verdict.until_s, NOW + AFTERLIFE);
}

/* ---- retention ------------------------------------------------------------------------------- */

static void minimum_from_receipt_keeps_until_its_last_second(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);

    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 10, 0);
    assert_int_equal(of_copy(fixture, &anna, NOW - 10 * DAY), VAULT_JUDGED_FREE);
    assert_int_equal(of_copy(fixture, &anna, NOW - 10 * DAY + 1), VAULT_JUDGED_RETENTION);
    assert_int_equal(of_span(fixture, &anna, 0, NOW - 10 * DAY + 1), VAULT_JUDGED_FREE);
    assert_int_equal(of_span(fixture, &anna, 0, NOW - 10 * DAY + 2), VAULT_JUDGED_RETENTION);
    assert_int_equal(of_span(fixture, &anna, 0, 0), VAULT_JUDGED_RETENTION);
}

static void minimum_from_closing_has_not_begun_while_the_mailbox_is_open(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);

    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_CLOSING, 10, 0);
    assert_int_equal(of_copy(fixture, &anna, 0), VAULT_JUDGED_RETENTION);
    judge_world_close_mailbox(fixture, &anna, NOW - 10 * DAY + 1);
    assert_int_equal(of_copy(fixture, &anna, 0), VAULT_JUDGED_RETENTION);
    judge_world_close_mailbox(fixture, &anna, NOW - 10 * DAY);
    assert_int_equal(of_copy(fixture, &anna, 0), VAULT_JUDGED_FREE);
    /* What was imported into it later is kept as long. */
    assert_int_equal(of_copy(fixture, &anna, NOW - 9 * DAY), VAULT_JUDGED_RETENTION);
}

static void rule_of_the_mailbox_goes_before_that_of_the_domain_and_the_default(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    MailboxId bert = judge_world_add_mailbox(fixture, BERT);
    MailboxId cora = judge_world_add_mailbox(fixture, CORA);

    judge_world_put_rule(fixture, VAULT_RETENTION_MAILBOX, ANNA, VAULT_RETENTION_FROM_RECEIPT, 1,
                         2);
    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 9, 0);
    judge_world_put_rule(fixture, VAULT_RETENTION_DOMAIN, "firm.example",
                         VAULT_RETENTION_FROM_RECEIPT, 5, 6);
    assert_int_equal(of_copy(fixture, &anna, NOW - DAY), VAULT_JUDGED_FREE);
    assert_int_equal(of_copy(fixture, &bert, NOW - DAY), VAULT_JUDGED_RETENTION);
    assert_int_equal(of_copy(fixture, &bert, NOW - 5 * DAY), VAULT_JUDGED_FREE);
    assert_int_equal(of_copy(fixture, &cora, NOW - 5 * DAY), VAULT_JUDGED_RETENTION);
    assert_int_equal(of_copy(fixture, &cora, NOW - 9 * DAY), VAULT_JUDGED_FREE);
}

static void of_several_rules_the_one_that_keeps_longest_counts(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultJudge) judge = NULL;
    guint64 expires_s;

    judge_world_put_rule(fixture, VAULT_RETENTION_MAILBOX, ANNA, VAULT_RETENTION_FROM_RECEIPT, 1,
                         20);
    judge_world_put_rule(fixture, VAULT_RETENTION_MAILBOX, VAULT_ID_TEXT(anna),
                         VAULT_RETENTION_FROM_RECEIPT, 5, 10);
    judge = judge_world_judge(fixture, NULL);
    assert_int_equal(judge_world_copy(judge, &anna, NULL, NOW - DAY).judgement,
                     VAULT_JUDGED_RETENTION);
    assert_true(vault_judge_expiry(judge, &anna, NOW, &expires_s, NULL));
    assert_int_equal(expires_s, NOW + 20 * DAY);
}

static void
expiry_is_never_without_a_maximum_or_before_the_closing_that_it_counts_from(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    MailboxId bert = judge_world_add_mailbox(fixture, BERT);
    g_autoptr(VaultJudge) before = judge_world_judge(fixture, NULL);
    g_autoptr(VaultJudge) judge = NULL;
    guint64 expires_s;

    assert_true(vault_judge_expiry(before, &anna, 1, &expires_s, NULL));
    assert_true(expires_s == G_MAXUINT64);
    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_CLOSING, 0, 3);
    judge_world_close_mailbox(fixture, &bert, NOW);
    judge = judge_world_judge(fixture, NULL);
    assert_true(vault_judge_expiry(judge, &anna, 1, &expires_s, NULL));
    assert_true(expires_s == G_MAXUINT64);
    assert_true(vault_judge_expiry(judge, &bert, 1, &expires_s, NULL));
    assert_int_equal(expires_s, NOW + 3 * DAY);
}

/* ---- approvals ------------------------------------------------------------------------------- */

/* Erasing needs one approval, overriding retention two. */
static void put_policy(KeepFixture *fixture)
{
    g_autoptr(VaultPolicy) policy = vault_policy_new();
    g_autoptr(GByteArray) value = g_byte_array_new();
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    RowId row = {{1}};

    policy->serial = 1;
    policy->vault_id = fixture->keep->id;
    policy->created_s = NOW;
    policy->needed[VAULT_ACT_ERASE] = 1;
    policy->needed[VAULT_ACT_RETENTION_OVERRIDE] = 2;
    add_approver(policy, "Anna", 1);
    add_approver(policy, "Bert", 2);
    text = vault_policy_format(policy, &error);
    if (text == NULL)
        fail_msg("%s", error->message);
    g_byte_array_append(value, (const guint8 *)text, (guint)strlen(text));
    assert_true(vault_keyring_put(fixture->keep->keyring, VAULT_KEYRING_POLICY, &row, value, NULL));
}

static void approvals_are_asked_for_last(void **state)
{
    static const struct {
        VaultJudgedAct act;
        guint64 days_ago;
        VaultJudgement expected;
    } cases[] = {
        {{.act = VAULT_ACT_ERASE}, 20, VAULT_JUDGED_APPROVALS},
        {{.act = VAULT_ACT_ERASE, .approval_count = 1}, 20, VAULT_JUDGED_FREE},
        {{.act = VAULT_ACT_SHRED}, 20, VAULT_JUDGED_FREE},
        {{.act = VAULT_ACT_RETENTION}, 20, VAULT_JUDGED_FREE},
        {{.act = VAULT_ACT_ERASE, .approval_count = 9}, 1, VAULT_JUDGED_RETENTION},
        {{.act = VAULT_ACT_ERASE,
          .approval_count = 1,
          .overrides_retention = TRUE,
          .override_approval_count = 1},
         1,
         VAULT_JUDGED_APPROVALS},
        {{.act = VAULT_ACT_ERASE,
          .approval_count = 1,
          .overrides_retention = TRUE,
          .override_approval_count = 2},
         1,
         VAULT_JUDGED_FREE},
        {{.act = VAULT_ACT_ERASE, .approval_count = 1, .overrides_retention = TRUE},
         20,
         VAULT_JUDGED_FREE},
        {{.act = VAULT_ACT_ERASE, .overrides_retention = TRUE, .override_approval_count = 2},
         1,
         VAULT_JUDGED_APPROVALS},
    };
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);

    put_policy(fixture);
    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 10, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(VaultJudge) judge = judge_world_judge(fixture, &cases[i].act);

        print_message("case %zu\n", i);
        assert_int_equal(
            judge_world_copy(judge, &anna, NULL, NOW - cases[i].days_ago * DAY).judgement,
            cases[i].expected);
    }
}

static void hold_wins_over_approvals_and_overrides(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = judge_world_add_mailbox(fixture, ANNA);
    g_autoptr(VaultHoldValue) hold = judge_world_hold();
    VaultJudgedAct act = {.act = VAULT_ACT_ERASE,
                          .approval_count = 64,
                          .overrides_retention = TRUE,
                          .override_approval_count = 64};
    g_autoptr(VaultJudge) judge = NULL;

    hold->is_all = TRUE;
    judge_world_put_hold(fixture, hold);
    judge = judge_world_judge(fixture, &act);
    assert_int_equal(judge_world_copy(judge, &anna, NULL, NOW).judgement, VAULT_JUDGED_HELD);
}

/* ---- the clock ------------------------------------------------------------------------------- */

static void clock_that_is_not_to_be_trusted_lets_nothing_be_destroyed(void **state)
{
    static const guint64 wrong_times[] = {0, 86400, NOW - 301, NOW + 3 * DAY,
                                          G_GUINT64_CONSTANT(2082758400) /* 2036 */};
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldValue) hold = judge_world_hold();
    MailboxId anna;

    keep_fixture_deliver(fixture, "one", ANNA);
    anna = keep_fixture_mailbox(fixture, ANNA);
    hold->is_all = TRUE;
    judge_world_remove_hold(fixture, hold, NOW - 40 * DAY);
    keep_fixture_set_synchronised(FALSE);
    assert_int_equal(of_copy(fixture, &anna, NOW), VAULT_JUDGED_FREE);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong_times); i++) {
        g_autoptr(VaultJudge) judge = NULL;

        keep_fixture_set_now(wrong_times[i]);
        judge = judge_world_judge(fixture, NULL);
        assert_int_equal(judge_world_copy(judge, &anna, NULL, NOW).judgement, VAULT_JUDGED_CLOCK);
        assert_int_equal(judge_world_span(judge, &anna, 0, NOW).judgement, VAULT_JUDGED_CLOCK);
        assert_int_equal(vault_judge_now_s(judge), NOW);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_holds_and_rules_all_may_be_destroyed),
        cmocka_unit_test(unknown_mailbox_is_not_judged),
        cmocka_unit_test(damaged_hold_or_rule_lets_nothing_be_destroyed),
        cmocka_unit_test(hold_covers_a_mailbox_by_address_id_or_domain_or_as_one_of_all),
        cmocka_unit_test(hold_by_address_covers_the_mailbox_before_and_the_one_to_come),
        cmocka_unit_test(hold_covers_what_was_received_within_it),
        cmocka_unit_test(hold_on_messages_covers_them_and_the_spans_that_they_lie_in),
        cmocka_unit_test(without_a_catalog_a_hold_on_messages_is_in_the_way_of_each_span),
        cmocka_unit_test(removed_hold_is_in_the_way_for_30_days_more),
        cmocka_unit_test(hold_that_ends_by_date_is_in_the_way_for_30_days_more),
        cmocka_unit_test(verdict_names_the_holds_in_force_and_where_none_is_those_that_ended),
        cmocka_unit_test(minimum_from_receipt_keeps_until_its_last_second),
        cmocka_unit_test(minimum_from_closing_has_not_begun_while_the_mailbox_is_open),
        cmocka_unit_test(rule_of_the_mailbox_goes_before_that_of_the_domain_and_the_default),
        cmocka_unit_test(of_several_rules_the_one_that_keeps_longest_counts),
        cmocka_unit_test(
            expiry_is_never_without_a_maximum_or_before_the_closing_that_it_counts_from),
        cmocka_unit_test(approvals_are_asked_for_last),
        cmocka_unit_test(hold_wins_over_approvals_and_overrides),
        cmocka_unit_test(clock_that_is_not_to_be_trusted_lets_nothing_be_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
