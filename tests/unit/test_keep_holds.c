/* Holds in a vault: added, removed, and what they answer. */
#include "judge_world.h"

#include "vault/act/hold_file.h"

#define ANNA "anna@firm.example"
#define BERT "bert@firm.example"

static VaultHoldFile *hold_on(const char *name)
{
    VaultHoldFile *hold = vault_hold_file_new();

    hold->case_id = g_strdup("4711");
    hold->reason = g_strdup("a suit");
    hold->is_all = name == NULL;
    if (name != NULL)
        g_ptr_array_add(hold->mailboxes, g_strdup(name));
    return hold;
}

static char *add(KeepFixture *fixture, VaultHoldFile *hold, GError **error)
{
    g_autofree char *text = vault_hold_file_format(hold, NULL);
    char *answer = NULL;

    assert_non_null(text);
    return vault_keep_operate(fixture->keep, "hold-add", text, strlen(text), &answer, error)
               ? answer
               : NULL;
}

static void assert_not_added(KeepFixture *fixture, VaultHoldFile *hold, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) holds = NULL;

    assert_null(add(fixture, hold, &error));
    assert_vault_error(error, code);
    holds = vault_keep_holds(fixture->keep, NULL);
    assert_int_equal(holds->len, 0);
}

static VaultHoldValue *only_hold(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) holds = vault_keep_holds(fixture->keep, NULL);

    assert_non_null(holds);
    assert_int_equal(holds->len, 1);
    return g_ptr_array_steal_index(holds, 0);
}

static char *request_text(KeepFixture *fixture, const VaultHoldValue *hold, const char *reason)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_new();
    g_autoptr(GError) error = NULL;
    char *text;

    request->act = VAULT_ACT_HOLD_REMOVE;
    request->vault_id = fixture->keep->id;
    request->case_id = g_strdup(hold->case_id);
    request->reason = g_strdup(reason);
    request->created_s = keep_fixture_now();
    request->expires_s = request->created_s + 30 * DAY;
    request->to_s = VAULT_TEXT_TIME_END_S - 1;
    request->detail = vault_hold_detail(hold);
    request->policy = vault_keep_policy(fixture->keep, NULL);
    assert_true(vault_policy_serial(request->policy, strlen(request->policy),
                                    &request->policy_serial, NULL));
    text = vault_request_file_format(request, &error);
    if (text == NULL)
        fail_msg("%s", error->message);
    return text;
}

static gboolean remove_with(KeepFixture *fixture, const char *text, GError **error)
{
    g_autofree char *answer = NULL;

    return vault_keep_operate(fixture->keep, "hold-remove", text, strlen(text), &answer, error);
}

static VaultJudgement judgement_of(KeepFixture *fixture, const char *address, guint64 received_s)
{
    MailboxId mailbox = keep_fixture_mailbox(fixture, address);
    g_autoptr(VaultJudge) judge = judge_world_judge(fixture, NULL);

    return judge_world_copy(judge, &mailbox, NULL, received_s).judgement;
}

/* ---- add ------------------------------------------------------------------------------------- */

static void hold_is_in_force_at_once_and_after_a_crash(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) hold = hold_on(ANNA);
    g_autofree char *answer = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_deliver(fixture, "two", BERT);
    answer = add(fixture, hold, NULL);
    assert_non_null(answer);
    assert_true(g_str_has_prefix(answer, "hold: "));
    assert_non_null(strstr(answer, "\nmailboxes: 1\n"));
    assert_int_equal(judgement_of(fixture, ANNA, NOW), VAULT_JUDGED_HELD);
    assert_int_equal(judgement_of(fixture, BERT, NOW), VAULT_JUDGED_FREE);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(judgement_of(fixture, ANNA, NOW), VAULT_JUDGED_HELD);
}

static void unknown_names_are_not_held_unless_they_are_expected(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) address = hold_on(ANNA);
    g_autoptr(VaultHoldFile) id = hold_on("00000000000000000000000000000001");
    g_autoptr(VaultHoldFile) domain = hold_on("unassigned");
    g_autofree char *answer = NULL;
    g_autofree char *domain_answer = NULL;

    g_ptr_array_add(domain->domains, g_strdup("firm.example"));
    assert_not_added(fixture, address, VAULT_ERROR_NOT_FOUND);
    assert_not_added(fixture, id, VAULT_ERROR_NOT_FOUND);
    assert_not_added(fixture, domain, VAULT_ERROR_NOT_FOUND);
    id->is_expected = TRUE;
    assert_not_added(fixture, id, VAULT_ERROR_NOT_FOUND);
    address->is_expected = domain->is_expected = TRUE;
    answer = add(fixture, address, NULL);
    domain_answer = add(fixture, domain, NULL);
    assert_non_null(answer);
    assert_non_null(domain_answer);
    keep_fixture_deliver(fixture, "one", ANNA);
    assert_int_equal(judgement_of(fixture, ANNA, NOW), VAULT_JUDGED_HELD);
}

static void hold_on_a_message_that_is_not_here_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) hold = hold_on(NULL);
    RecordId message = {{9}};

    g_array_append_val(hold->messages, message);
    assert_not_added(fixture, hold, VAULT_ERROR_NOT_FOUND);
}

static void hold_that_would_end_before_it_begins_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) hold = hold_on(NULL);
    g_autofree char *answer = NULL;

    hold->until_s = NOW;
    assert_not_added(fixture, hold, VAULT_ERROR_REFUSED);
    hold->until_s = NOW + 1;
    answer = add(fixture, hold, NULL);
    assert_non_null(answer);
}

static void text_that_is_no_hold_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *large = g_strnfill(VAULT_HOLD_FILE_LEN_MAX + 1, 'x');
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) large_error = NULL;

    assert_false(vault_keep_operate(fixture->keep, "hold-add", "x\n", 2, NULL, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
    assert_false(
        vault_keep_operate(fixture->keep, "hold-add", large, strlen(large), NULL, &large_error));
    assert_vault_error(large_error, VAULT_ERROR_TOO_LARGE);
}

static void hold_says_which_months_of_its_scope_were_destroyed_before(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) hold = hold_on(ANNA);
    g_autoptr(GByteArray) value = NULL;
    VaultTombstoneValue tombstone = {.month = 202603, .dropped_s = NOW};
    RowId row = {{3}};
    g_autofree char *within = NULL;
    g_autofree char *outside = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    tombstone.mailbox_id = keep_fixture_mailbox(fixture, ANNA);
    value = vault_tombstone_value_format(&tombstone);
    assert_true(
        vault_keyring_put(fixture->keep->keyring, VAULT_KEYRING_TOMBSTONES, &row, value, NULL));
    hold->from_s = vault_month_start(202604) - 1;
    within = add(fixture, hold, NULL);
    assert_non_null(strstr(within, "destroyed: "));
    assert_non_null(strstr(within, " 2026-03 2026-11-18T11:06:40Z\n"));
    hold->from_s = vault_month_start(202604);
    outside = add(fixture, hold, NULL);
    assert_null(strstr(outside, "destroyed"));
}

/* ---- remove ---------------------------------------------------------------------------------- */

static void removed_hold_stays_in_the_way_for_30_days_and_on_record(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) file = hold_on(ANNA);
    g_autoptr(VaultHoldValue) hold = NULL;
    g_autoptr(VaultHoldValue) after = NULL;
    g_autofree char *answer = NULL;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    answer = add(fixture, file, NULL);
    hold = only_hold(fixture);
    text = request_text(fixture, hold, "the suit is over");
    if (!remove_with(fixture, text, &error))
        fail_msg("%s", error->message);
    after = only_hold(fixture);
    assert_int_equal(after->removed_s, NOW);
    assert_string_equal(after->removed_reason, "the suit is over");
    assert_int_equal(judgement_of(fixture, ANNA, NOW), VAULT_JUDGED_HOLD_ENDED);
    keep_fixture_set_now(NOW + AFTERLIFE);
    assert_int_equal(judgement_of(fixture, ANNA, NOW), VAULT_JUDGED_FREE);
    keep_fixture_set_now(NOW + 1);
    assert_false(remove_with(fixture, text, &again));
    assert_vault_error(again, VAULT_ERROR_REFUSED);
}

static void assert_not_removed(KeepFixture *fixture, const char *text, VaultErrorCode code)
{
    g_autoptr(VaultHoldValue) hold = NULL;
    g_autoptr(GError) error = NULL;

    assert_false(remove_with(fixture, text, &error));
    assert_vault_error(error, code);
    hold = only_hold(fixture);
    assert_int_equal(hold->removed_s, 0);
}

static void hold_is_removed_by_a_request_that_names_it_alone(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) file = hold_on(NULL);
    g_autofree char *answer = add(fixture, file, NULL);
    g_autoptr(VaultHoldValue) hold = only_hold(fixture);
    g_autoptr(VaultHoldValue) other = vault_hold_value_new();
    g_autofree char *unknown = NULL;
    g_autofree char *other_case = NULL;
    g_autofree char *good = request_text(fixture, hold, "over");
    g_auto(GStrv) parts = g_strsplit(good, "\ndetail: hold ", 2);
    g_autofree char *nameless = g_strjoinv("\ndetail: hold x", parts);

    assert_non_null(answer);
    other->case_id = g_strdup("4711");
    unknown = request_text(fixture, other, "over");
    other->hold_id = hold->hold_id;
    g_free(other->case_id);
    other->case_id = g_strdup("4712");
    other_case = request_text(fixture, other, "over");
    assert_not_removed(fixture, unknown, VAULT_ERROR_NOT_FOUND);
    assert_not_removed(fixture, other_case, VAULT_ERROR_REFUSED);
    assert_not_removed(fixture, nameless, VAULT_ERROR_MALFORMED);
    assert_not_removed(fixture, "x\n", VAULT_ERROR_MALFORMED);
    keep_fixture_set_now(NOW + 30 * DAY);
    assert_not_removed(fixture, good, VAULT_ERROR_REFUSED);
    keep_fixture_set_now(NOW + 30 * DAY - 1);
    assert_true(remove_with(fixture, good, NULL));
}

static void hold_is_not_removed_while_the_clock_is_unsure(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) file = hold_on(NULL);
    g_autofree char *answer = NULL;
    g_autoptr(VaultHoldValue) hold = NULL;
    g_autofree char *text = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    answer = add(fixture, file, NULL);
    hold = only_hold(fixture);
    text = request_text(fixture, hold, "over");
    keep_fixture_set_now(0);
    assert_not_removed(fixture, text, VAULT_ERROR_REFUSED);
}

static void hold_that_ended_by_itself_is_not_removed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) file = hold_on(NULL);
    g_autofree char *answer = NULL;
    g_autoptr(VaultHoldValue) hold = NULL;
    g_autofree char *text = NULL;

    file->until_s = NOW + 10;
    answer = add(fixture, file, NULL);
    hold = only_hold(fixture);
    keep_fixture_set_now(NOW + 10);
    text = request_text(fixture, hold, "over");
    assert_not_removed(fixture, text, VAULT_ERROR_REFUSED);
}

/* ---- approvals ------------------------------------------------------------------------------- */

static void set_policy(KeepFixture *fixture)
{
    g_autoptr(VaultPolicy) policy = vault_policy_new();
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    policy->serial = 1;
    policy->vault_id = fixture->keep->id;
    policy->created_s = NOW;
    policy->needed[VAULT_ACT_HOLD_REMOVE] = 1;
    add_approver(policy, "Anna", 1);
    vault_policy_sign(policy, &fixture->master.signing_key, &fixture->master.public.verify_key);
    text = policy_text(policy);
    if (!vault_keep_set_policy(fixture->keep, text, strlen(text), fake_verify, NULL, &error))
        fail_msg("%s", error->message);
}

static char *approve(const char *text)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_parse(text, strlen(text), NULL);
    g_autoptr(GBytes) signature = fake_signature(1, VAULT_APPROVAL_OF_REQUEST, text,
                                                 vault_approvals_offset(text, strlen(text)));

    vault_approvals_add(request->approvals, "Anna", signature);
    return vault_request_file_format(request, NULL);
}

static void removal_needs_the_approvals_of_the_policy_in_force(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultHoldFile) file = hold_on(NULL);
    g_autofree char *answer = add(fixture, file, NULL);
    g_autoptr(VaultHoldValue) hold = only_hold(fixture);
    g_autofree char *early = request_text(fixture, hold, "over");
    g_autofree char *bare = NULL;
    g_autofree char *approved = NULL;
    g_autoptr(GError) error = NULL;

    fixture->keep->verify_approval = fake_verify;
    set_policy(fixture);
    bare = request_text(fixture, hold, "over");
    approved = approve(bare);
    assert_not_removed(fixture, early, VAULT_ERROR_REFUSED);
    assert_not_removed(fixture, bare, VAULT_ERROR_REFUSED);
    if (!remove_with(fixture, approved, &error))
        fail_msg("%s", error->message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hold_is_in_force_at_once_and_after_a_crash),
        cmocka_unit_test(unknown_names_are_not_held_unless_they_are_expected),
        cmocka_unit_test(hold_on_a_message_that_is_not_here_is_refused),
        cmocka_unit_test(hold_that_would_end_before_it_begins_is_refused),
        cmocka_unit_test(text_that_is_no_hold_is_refused),
        cmocka_unit_test(hold_says_which_months_of_its_scope_were_destroyed_before),
        cmocka_unit_test(removed_hold_stays_in_the_way_for_30_days_and_on_record),
        cmocka_unit_test(hold_is_removed_by_a_request_that_names_it_alone),
        cmocka_unit_test(hold_is_not_removed_while_the_clock_is_unsure),
        cmocka_unit_test(hold_that_ended_by_itself_is_not_removed),
        cmocka_unit_test(removal_needs_the_approvals_of_the_policy_in_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
