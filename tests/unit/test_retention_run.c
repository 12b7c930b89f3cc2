/* Retention that is over is destroyed, and nothing else: what is held stays, and once a month is
 * once a month. */
#include "tests/unit/erasure_world.h"
#include "tests/unit/judge_world.h"
#include "vault/act/retention_detail.h"
#include "vault/base/file.h"
#include "vault/keep/erasure.h"
#include "vault/keep/retention.h"

#define ANNA "anna@firm.example"
#define BERT "bert@firm.example"

static KeepDelivery deliver(KeepFixture *fixture, const char *text, const char *address,
                            guint64 received_s)
{
    const char *const addresses[] = {address, NULL};
    KeepDelivery delivery;

    assert_true(
        keep_fixture_deliver_at(fixture->keep, text, addresses, received_s, NULL, &delivery, NULL));
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    return delivery;
}

/* Anna: two of September, one of early October, one of late October. Bert: one of September. */
static KeepFixture *fixture_with_mail(void)
{
    KeepFixture *fixture = keep_fixture_new();
    guint64 september = vault_month_start(202609), october = vault_month_start(202610);

    deliver(fixture, "one", ANNA, september);
    deliver(fixture, "two", ANNA, september + 20 * DAY);
    deliver(fixture, "three", ANNA, october + DAY);
    deliver(fixture, "four", ANNA, october + 25 * DAY);
    deliver(fixture, "five", BERT, september + DAY);
    return fixture;
}

static gboolean run(KeepFixture *fixture, const char *detail, char **answer, GError **error)
{
    return erasure_do(fixture, "retention-run",
                      erasure_request(fixture, VAULT_ACT_RETENTION, detail), answer, error);
}

static void assert_run_fails(KeepFixture *fixture, const char *detail, VaultErrorCode code)
{
    guint count = keep_fixture_copy_count(fixture->keep);
    g_autoptr(GError) error = NULL;

    assert_false(run(fixture, detail, NULL, &error));
    assert_true(has_code(error, code));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), count);
}

static void what_is_past_its_maximum_is_destroyed_and_nothing_else(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_mail();
    g_autofree char *answer = NULL;
    g_autofree char *expected = NULL;
    g_autoptr(GPtrArray) erasures = NULL;
    const VaultErasureValue *erasure;
    g_autoptr(GError) error = NULL;

    assert_run_fails(fixture, "run", VAULT_ERROR_NOT_FOUND); /* no rule */
    judge_world_put_rule(fixture, VAULT_RETENTION_MAILBOX, ANNA, VAULT_RETENTION_FROM_RECEIPT, 0,
                         40);
    if (!run(fixture, "run", &answer, &error))
        fail_msg("%s", error->message);
    erasures = vault_keep_erasures(fixture->keep, NULL);
    assert_int_equal(erasures->len, 1);
    erasure = g_ptr_array_index(erasures, 0);
    assert_int_equal(erasure->kind, VAULT_ERASURE_EXPIRY);
    assert_int_equal(erasure->state, VAULT_ERASURE_FINAL);
    expected = g_strdup_printf("months: 1\ncopies: 3\npassed-over: 0\nerasure: %s\n",
                               VAULT_ID_TEXT(erasure->id));
    assert_string_equal(answer, expected);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
    assert_run_fails(fixture, "run", VAULT_ERROR_NOT_FOUND);
}

static void held_mail_is_passed_over_and_the_hold_is_named(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_mail();
    g_autoptr(VaultHoldValue) hold = judge_world_hold();
    g_autofree char *answer = NULL;
    g_autofree char *line = NULL;
    VaultExpiryState remembered;

    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 0, 1);
    g_ptr_array_add(hold->addresses, g_strdup(ANNA));
    judge_world_put_hold(fixture, hold);
    assert_true(run(fixture, "run", &answer, NULL));
    line = g_strdup_printf("months: 1\ncopies: 1\npassed-over: 4\nhold: %s\nerasure: ",
                           VAULT_ID_TEXT(hold->hold_id));
    assert_true(g_str_has_prefix(answer, line));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 4);
    remembered = vault_keep_expiry_state(fixture->keep);
    assert_int_equal(remembered.ran_s, NOW);
    assert_int_equal(remembered.month_count, 1);
    assert_int_equal(remembered.copy_count, 1);
    assert_int_equal(remembered.passed_over_count, 4);
    assert_run_fails(fixture, "run", VAULT_ERROR_REFUSED); /* what is left is held */
}

static void request_for_something_else_or_done_before_destroys_nothing(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_mail();
    g_autoptr(VaultRequestFile) request = erasure_request(fixture, VAULT_ACT_RETENTION, "run");
    g_autofree char *text = vault_request_file_format(request, NULL);
    g_autoptr(GError) error = NULL;

    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 0, 40);
    assert_run_fails(fixture, "min 0 max 1 from receipt for default", VAULT_ERROR_REFUSED);
    assert_false(erasure_do(fixture, "retention-run",
                            erasure_request(fixture, VAULT_ACT_VAULTKEY, "run"), NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    g_clear_error(&error);
    keep_fixture_set_now(NOW - 3600); /* unsure */
    assert_run_fails(fixture, "run", VAULT_ERROR_REFUSED);
    keep_fixture_set_now(NOW);
    assert_true(vault_keep_operate(fixture->keep, "retention-run", text, strlen(text), NULL, NULL));
    assert_false(
        vault_keep_operate(fixture->keep, "retention-run", text, strlen(text), NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
}

/* Within the change: the engine asks once more what is past its maximum. */
static void what_a_new_rule_keeps_is_not_destroyed_though_it_was_found(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_mail();
    g_autoptr(VaultErasureScope) scope = vault_erasure_scope_new();
    g_autoptr(VaultErasureOrder) order =
        vault_erasure_order_of_expiry(fixture->keep, "retention is over", NULL);
    g_autoptr(GPtrArray) due = NULL;
    g_autoptr(GError) error = NULL;

    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 0, 40);
    due = vault_retention_find(fixture->keep, scope, NULL);
    assert_int_equal(scope->months->len, 2);
    assert_int_equal(scope->copies->len, 1);
    judge_world_put_rule(fixture, VAULT_RETENTION_DOMAIN, "firm.example",
                         VAULT_RETENTION_FROM_RECEIPT, 0, 400);
    assert_null(vault_erasure_expire(fixture->keep, scope, order, &error));
    assert_true(has_code(error, VAULT_ERROR_NOT_FOUND));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 5);
}

/* ---- once a month ---------------------------------------------------------------------------- */

static guint32 expired_when_due(KeepFixture *fixture, guint64 now_s)
{
    VaultExpiryState done;
    g_autoptr(GError) error = NULL;

    keep_fixture_set_now(now_s);
    if (!vault_keep_expire_when_due(fixture->keep, &done, &error))
        fail_msg("%s", error->message);
    assert_true(done.ran_s == 0 || done.ran_s == now_s);
    return done.ran_s == 0 ? G_MAXUINT32 : done.copy_count;
}

static void set_rule(KeepFixture *fixture, const char *detail)
{
    g_autoptr(GError) error = NULL;

    if (!erasure_do(fixture, "retention-set", erasure_request(fixture, VAULT_ACT_RETENTION, detail),
                    NULL, &error))
        fail_msg("%s", error->message);
}

static void retention_runs_once_a_month_where_a_rule_has_a_maximum(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_mail();
    guint64 december = vault_month_start(202612);

    assert_int_equal(expired_when_due(fixture, NOW), G_MAXUINT32);
    set_rule(fixture, "min 5 max 0 from receipt for default");
    assert_int_equal(expired_when_due(fixture, NOW + 2 * DAY), G_MAXUINT32);
    set_rule(fixture, "min 0 max 40 from receipt for mailbox " ANNA);
    assert_int_equal(expired_when_due(fixture, NOW + 3 * DAY - 1), G_MAXUINT32);
    assert_int_equal(expired_when_due(fixture, NOW + 3 * DAY), 3);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_FINAL);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(expired_when_due(fixture, december - 1), G_MAXUINT32);
    assert_int_equal(expired_when_due(fixture, december), 0); /* it ran, and nothing was due */
    assert_int_equal(erasure_count(fixture), 1);
    assert_int_equal(expired_when_due(fixture, december + 15 * DAY), G_MAXUINT32);
    assert_int_equal(expired_when_due(fixture, vault_month_start(202701)), 1);
    keep_fixture_set_now(NOW);
}

static void nothing_expires_while_the_clock_is_unsure(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_mail();

    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 0, 40);
    assert_int_equal(expired_when_due(fixture, NOW - 3600), G_MAXUINT32);
    keep_fixture_set_synchronised(FALSE);
    assert_int_equal(expired_when_due(fixture, NOW + 3650 * DAY), G_MAXUINT32);
    keep_fixture_set_synchronised(TRUE);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 5);
    assert_int_equal(expired_when_due(fixture, NOW), 4);
}

static void write_state(KeepFixture *fixture, const char *text)
{
    g_autofree char *path = g_build_filename(fixture->path, "expiry", NULL);

    assert_true(vault_file_write(path, text, strlen(text), 0600, VAULT_FILE_REPLACE, NULL));
}

static void state_that_is_damaged_or_of_a_time_to_come_counts_as_none(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_mail();
    VaultExpiryState damaged;

    judge_world_put_rule(fixture, VAULT_RETENTION_MAILBOX, ANNA, VAULT_RETENTION_FROM_RECEIPT, 0,
                         40);
    write_state(fixture, "muniment-expiry/1\nran: 2026-11-18T00:00:00Z\nmonths: 01\ncopies: 1\n"
                         "passed-over: 0\n");
    damaged = vault_keep_expiry_state(fixture->keep);
    assert_int_equal(damaged.ran_s, 0);
    assert_int_equal(damaged.copy_count, 0);
    assert_int_equal(expired_when_due(fixture, NOW), 3);
    write_state(fixture, "muniment-expiry/1\nran: 2026-11-30T00:00:00Z\nmonths: 1\ncopies: 1\n"
                         "passed-over: 0\n");
    assert_int_equal(expired_when_due(fixture, NOW + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_past_its_maximum_is_destroyed_and_nothing_else),
        cmocka_unit_test(held_mail_is_passed_over_and_the_hold_is_named),
        cmocka_unit_test(request_for_something_else_or_done_before_destroys_nothing),
        cmocka_unit_test(what_a_new_rule_keeps_is_not_destroyed_though_it_was_found),
        cmocka_unit_test(retention_runs_once_a_month_where_a_rule_has_a_maximum),
        cmocka_unit_test(nothing_expires_while_the_clock_is_unsure),
        cmocka_unit_test(state_that_is_damaged_or_of_a_time_to_come_counts_as_none),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
