/* What becomes of an erasure: how far it comes and when, who may want it, and a roll of the vault
 * key.
 */
#include "tests/unit/approval_world.h"
#include "tests/unit/erasure_world.h"
#include "tests/unit/judge_world.h"

#include "vault/custody.h"
#include "vault/keep/erasure.h"
#include "vault/keep/internal.h"

/* ---- states --------------------------------------------------------------------------------- */

static void advance(KeepFixture *fixture)
{
    g_autoptr(GError) error = NULL;

    if (!vault_keep_advance_erasures(fixture->keep, &error))
        fail_msg("%s", error->message);
}

static void an_erasure_is_final_after_the_last_day_of_declared_copies(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    VaultDeclarationValue declared = {
        .row_id = {{3}}, .name = "nightly", .keep_days = 7, .declared_s = KEEP_FIXTURE_NOW_S};
    g_autoptr(GByteArray) bytes = vault_declaration_value_format(&declared);

    assert_true(vault_keyring_put(fixture->keep->keyring, VAULT_KEYRING_DECLARATIONS,
                                  &declared.row_id, bytes, NULL));
    erase_message(fixture, &delivery.archive_id, "a@example.org");
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_ESCROW);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + 6 * KEEP_FIXTURE_DAY_S);
    advance(fixture);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_ESCROW);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + 9 * KEEP_FIXTURE_DAY_S);
    advance(fixture);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_FINAL);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
}

static void an_erasure_that_destroyed_nothing_is_given_up_at_the_start(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultErasureValue *value = vault_erasure_value_new();
    g_autoptr(GByteArray) bytes = NULL;

    value->id.bytes[0] = 5;
    value->kind = VAULT_ERASURE_MAILBOX;
    value->state = VAULT_ERASURE_REQUESTED;
    value->dates_s[VAULT_ERASURE_REQUESTED] = KEEP_FIXTURE_NOW_S;
    value->address = g_strdup("");
    value->reason = g_strdup("why");
    value->to_s = 1;
    bytes = vault_erasure_value_format(value);
    assert_true(
        vault_keyring_put(fixture->keep->keyring, VAULT_KEYRING_ERASURES, &value->id, bytes, NULL));
    vault_erasure_value_free(value);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_REQUESTED);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_CANCELLED);
}

static void only_what_is_requested_can_be_cancelled(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    static const char *const texts[] = {"", "erasure: 12\n",
                                        "erasure: 00000000000000000000000000000009\n"};
    static const VaultErrorCode codes[] = {VAULT_ERROR_MALFORMED, VAULT_ERROR_MALFORMED,
                                           VAULT_ERROR_NOT_FOUND};
    g_autoptr(GPtrArray) erasures = NULL;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    erase_message(fixture, &delivery.archive_id, "a@example.org");
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) refusal = NULL;

        assert_false(vault_keep_operate(fixture->keep, "erasure-cancel", texts[i], strlen(texts[i]),
                                        NULL, &refusal));
        assert_true(has_code(refusal, codes[i]));
    }
    erasures = vault_keep_erasures(fixture->keep, NULL);
    text = g_strdup_printf("erasure: %s\n",
                           VAULT_ID_TEXT(((VaultErasureValue *)erasures->pdata[0])->id));
    assert_false(
        vault_keep_operate(fixture->keep, "erasure-cancel", text, strlen(text), NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
}

static void a_roll_replaces_every_key_and_loses_nothing(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) error = NULL;
    VaultRequestFile *request;

    keep_fixture_deliver(fixture, "one", "a@example.org");
    keep_fixture_deliver(fixture, "two", "b@example.org");
    request = erasure_request(fixture, VAULT_ACT_VAULTKEY, "roll");
    if (!erasure_do(fixture, "vaultkey-roll", request, NULL, &error))
        fail_msg("%s", error->message);
    assert_int_equal(erasure_generation(fixture), 2);
    keep_fixture_deliver(fixture, "next", "a@example.org");
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 3);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
    request = erasure_request(fixture, VAULT_ACT_VAULTKEY, "something else");
    assert_false(erasure_do(fixture, "vaultkey-roll", request, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
}

/* ---- retention that is over ------------------------------------------------------------------ */

static gboolean add_to_scope(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    VaultErasureScope *scope = user;
    VaultErasureCopy copy = {.mailbox_id = entry->mailbox_id,
                             .copy = {.record_id = entry->record_id,
                                      .body_id = entry->body_id,
                                      .month_key_id = entry->month_key_id,
                                      .leaf = entry->leaf,
                                      .received_s = entry->received_s}};

    g_array_append_val(scope->messages, entry->body_id);
    g_array_append_val(scope->copies, copy);
    return TRUE;
}

static void what_is_over_is_destroyed_without_a_request(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    VaultCopyFilter filter = {.messages = &delivery.archive_id, .message_count = 1};
    g_autoptr(VaultErasureScope) scope = vault_erasure_scope_new();
    g_autoptr(VaultErasureOrder) order =
        vault_erasure_order_of_expiry(fixture->keep, "ten years", NULL);
    g_autoptr(VaultErasureValue) value = NULL;
    g_autofree char *statement = NULL;
    g_autoptr(GError) error = NULL;

    keep_fixture_deliver(fixture, "second", "a@example.org");
    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 0, 1);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + KEEP_FIXTURE_DAY_S);
    assert_true(vault_keep_copies(fixture->keep, &filter, add_to_scope, scope, NULL));
    value = vault_erasure_expire(fixture->keep, scope, order, &error);
    if (value == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_FINAL);
    statement = vault_keep_erasure_statement(fixture->keep, value, NULL);
    assert_non_null(strstr(statement, "\nkind: retention\n"));
    g_array_set_size(scope->copies, 0);
    assert_null(vault_erasure_expire(fixture->keep, scope, order, &error));
    assert_true(has_code(error, VAULT_ERROR_NOT_FOUND));
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
}

/* ---- by the policy -------------------------------------------------------------------------- */

/* A policy by which acts need so many approvals of Anna, Bert and Cora. */
static KeepFixture *fixture_with_policy(VaultPolicyRoll roll, guint needed)
{
    KeepFixture *fixture = keep_fixture_new();
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultPolicy) policy = NULL;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    keep_fixture_close(fixture);
    fixture->options.verify_approval = fake_verify;
    keep_fixture_open(fixture);
    world->request->vault_id = *vault_keep_id(fixture->keep);
    policy = world_policy(world, 1);
    policy->roll = roll;
    policy->needed[VAULT_ACT_ERASE] = needed;
    policy->needed[VAULT_ACT_RETENTION] = needed;
    policy->needed[VAULT_ACT_VAULTKEY] = needed;
    vault_policy_sign(policy, &fixture->master.signing_key, &fixture->master.public.verify_key);
    text = policy_text(policy);
    if (!vault_keep_set_policy(fixture->keep, text, strlen(text), fake_verify, NULL, &error))
        fail_msg("%s", error->message);
    return fixture;
}

static void the_vault_key_is_rolled_once_a_day_where_the_policy_says_so(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_policy(VAULT_ROLL_DAILY, 0);
    KeepDelivery first = keep_fixture_deliver(fixture, "first", "a@example.org");
    KeepDelivery second = keep_fixture_deliver(fixture, "second", "a@example.org");

    erase_message(fixture, &first.archive_id, "a@example.org");
    erase_message(fixture, &second.archive_id, "a@example.org");
    /* Gone from the keyring at once; who has an old copy of it waits for the roll. */
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 0);
    assert_int_equal(erasure_generation(fixture), 1);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_ONLINE);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + 60);
    advance(fixture);
    assert_int_equal(erasure_generation(fixture), 1);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + KEEP_FIXTURE_DAY_S);
    advance(fixture);
    assert_int_equal(erasure_generation(fixture), 2);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_FINAL);
    advance(fixture);
    assert_int_equal(erasure_generation(fixture), 2);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
}

static void approve(VaultRequestFile *request, const char *name, guint8 number)
{
    g_autofree char *text = vault_request_file_format(request, NULL);
    g_autoptr(GBytes) signature = fake_signature(number, VAULT_APPROVAL_OF_REQUEST, text,
                                                 vault_approvals_offset(text, strlen(text)));

    vault_approvals_add(request->approvals, name, signature);
}

static void an_erasure_needs_the_approvals_that_the_policy_wants(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_policy(VAULT_ROLL_EACH, 2);
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = NULL;
    VaultRequestFile *request =
        erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere");

    approve(request, "Bert", 2);
    assert_false(erasure_do(fixture, "erasure", request, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    request = erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere");
    approve(request, "Bert", 2);
    approve(request, "Cora", 3);
    assert_true(erasure_do(fixture, "erasure", request, &answer, NULL));
    assert_non_null(strstr(answer, "\napprover: Bert\napprover: Cora\n"));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 0);
}

static void a_roll_needs_the_approvals_that_the_policy_wants(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_policy(VAULT_ROLL_EACH, 1);
    g_autoptr(GError) error = NULL;
    VaultRequestFile *request = erasure_request(fixture, VAULT_ACT_VAULTKEY, "roll");

    assert_false(erasure_do(fixture, "vaultkey-roll", request, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    assert_int_equal(erasure_generation(fixture), 1);
    request = erasure_request(fixture, VAULT_ACT_VAULTKEY, "roll");
    approve(request, "Cora", 3);
    assert_true(erasure_do(fixture, "vaultkey-roll", request, NULL, NULL));
    assert_int_equal(erasure_generation(fixture), 2);
}

/* By the rules it goes without: they were approved. */
static void a_run_of_retention_needs_the_approvals_that_the_policy_wants(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_policy(VAULT_ROLL_EACH, 1);
    g_autoptr(GError) error = NULL;
    VaultRequestFile *request = erasure_request(fixture, VAULT_ACT_RETENTION, "run");

    keep_fixture_deliver(fixture, "first", "a@example.org");
    judge_world_put_rule(fixture, VAULT_RETENTION_DEFAULT, "", VAULT_RETENTION_FROM_RECEIPT, 0, 1);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + KEEP_FIXTURE_DAY_S);
    assert_false(erasure_do(fixture, "retention-run", request, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    request = erasure_request(fixture, VAULT_ACT_RETENTION, "run");
    approve(request, "Cora", 3);
    assert_true(erasure_do(fixture, "retention-run", request, NULL, NULL));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 0);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
}

static void a_request_by_an_older_policy_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = fixture_with_policy(VAULT_ROLL_EACH, 0);
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    VaultRequestFile *request =
        erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere");
    g_autoptr(GError) error = NULL;

    g_free(request->policy);
    request->policy = g_strdup(vault_policy_initial_text());
    request->policy_serial = 0;
    assert_false(erasure_do(fixture, "erasure", request, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erasure_is_final_after_the_last_day_of_declared_copies),
        cmocka_unit_test(an_erasure_that_destroyed_nothing_is_given_up_at_the_start),
        cmocka_unit_test(only_what_is_requested_can_be_cancelled),
        cmocka_unit_test(a_roll_replaces_every_key_and_loses_nothing),
        cmocka_unit_test(what_is_over_is_destroyed_without_a_request),
        cmocka_unit_test(the_vault_key_is_rolled_once_a_day_where_the_policy_says_so),
        cmocka_unit_test(an_erasure_needs_the_approvals_that_the_policy_wants),
        cmocka_unit_test(a_roll_needs_the_approvals_that_the_policy_wants),
        cmocka_unit_test(a_run_of_retention_needs_the_approvals_that_the_policy_wants),
        cmocka_unit_test(a_request_by_an_older_policy_is_refused),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
