/* Retention rules: set by requests, and what is due by them. */
#include "judge_world.h"

#include "vault/act/retention_detail.h"

#define ANNA "anna@firm.example"

static char *request_text(KeepFixture *fixture, const char *detail, guint64 created_s)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_new();
    g_autoptr(GError) error = NULL;
    char *text;

    request->act = VAULT_ACT_RETENTION;
    request->vault_id = fixture->keep->id;
    request->case_id = g_strdup("retention");
    request->reason = g_strdup("the law");
    request->created_s = created_s;
    request->expires_s = created_s + 30 * DAY;
    request->to_s = VAULT_TEXT_TIME_END_S - 1;
    request->detail = g_strdup(detail);
    request->policy = vault_keep_policy(fixture->keep, NULL);
    text = vault_request_file_format(request, &error);
    if (text == NULL)
        fail_msg("%s", error->message);
    return text;
}

static gboolean set(KeepFixture *fixture, const char *detail, guint64 created_s, GError **error)
{
    g_autofree char *text = request_text(fixture, detail, created_s);

    return vault_keep_operate(fixture->keep, "retention-set", text, strlen(text), NULL, error);
}

static void assert_set(KeepFixture *fixture, const char *detail)
{
    g_autoptr(GError) error = NULL;

    if (!set(fixture, detail, keep_fixture_now(), &error))
        fail_msg("%s", error->message);
}

static const VaultRetentionDue *only_due(const GPtrArray *due)
{
    assert_non_null(due);
    assert_int_equal(due->len, 1);
    return g_ptr_array_index(due, 0);
}

static void rule_takes_the_place_of_the_one_of_its_scope(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GPtrArray) rules = NULL;
    const VaultRetentionValue *rule;

    assert_set(fixture, "min 10 max 0 from receipt for mailbox " ANNA);
    assert_set(fixture, "min 5 max 0 from receipt for default");
    assert_set(fixture, "min 20 max 30 from closing for mailbox " ANNA);
    rules = vault_keep_retention_rules(fixture->keep, NULL);
    assert_int_equal(rules->len, 2);
    rule = g_ptr_array_index(rules, 0);
    assert_string_equal(rule->name, ANNA);
    assert_int_equal(rule->min_days, 20);
    assert_int_equal(rule->max_days, 30);
    assert_int_equal(rule->basis, VAULT_RETENTION_FROM_CLOSING);
    assert_int_equal(rule->set_s, NOW);
}

static void request_does_not_set_a_later_rule_back(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) error = NULL;

    keep_fixture_set_now(NOW + 10);
    assert_set(fixture, "min 10 max 0 from receipt for default");
    assert_false(set(fixture, "min 0 max 0 from receipt for default", NOW + 9, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    assert_true(set(fixture, "min 0 max 0 from receipt for default", NOW + 10, NULL));
}

static void rule_is_not_set_while_the_clock_is_unsure(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) error = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_set_now(NOW - 1000);
    assert_false(set(fixture, "min 0 max 0 from receipt for default", NOW, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void detail_has_one_form(void **state)
{
    static const struct {
        const char *text;
        gboolean is_good;
    } cases[] = {
        {"min 0 max 0 from receipt for default", TRUE},
        {"min 73050 max 73050 from closing for domain firm.example", TRUE},
        {"min 1 max 2 from receipt for mailbox a b@firm.example", TRUE},
        {"min 73051 max 0 from receipt for default", FALSE},
        {"min 2 max 1 from receipt for default", FALSE},
        {"min 01 max 2 from receipt for default", FALSE},
        {"min 1 max 2 from sending for default", FALSE},
        {"min 1 max 2 from receipt for default x", FALSE},
        {"min 1 max 2 from receipt for domain", FALSE},
        {"min 1 max 2 from receipt for nobody x", FALSE},
        {"max 1 min 2 from receipt for default", FALSE},
        {"min 1 max 2 from receipt for default ", FALSE},
        {"", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(VaultRetentionDetail) detail = {.name = NULL};
        g_autoptr(GError) error = NULL;

        if (vault_retention_detail_parse(cases[i].text, &detail, &error) != cases[i].is_good)
            fail_msg("%s", cases[i].text);
        if (!cases[i].is_good)
            assert_vault_error(error, VAULT_ERROR_MALFORMED);
    }
}

/* ---- due ------------------------------------------------------------------------------------- */

static void due_are_whole_months_and_single_messages_of_the_last(void **state)
{
    static const char *const addresses[] = {ANNA, NULL};
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 september = vault_month_start(202609), october = vault_month_start(202610);
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GPtrArray) due = NULL;
    const guint64 times[] = {september, september + 20 * DAY, october + DAY, october + 25 * DAY};
    KeepDelivery delivery;

    for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autofree char *text = g_strdup_printf("message %zu", i);

        assert_true(keep_fixture_deliver_at(fixture->keep, text, addresses, times[i], NULL,
                                            &delivery, NULL));
    }
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    none = vault_keep_retention_due(fixture->keep, NULL);
    assert_int_equal(none->len, 0);
    /* All of September is past 40 days, and what came to 9 October. */
    assert_set(fixture, "min 0 max 40 from receipt for default");
    due = vault_keep_retention_due(fixture->keep, NULL);
    assert_string_equal(only_due(due)->address, ANNA);
    assert_int_equal(only_due(due)->month_count, 1);
    assert_int_equal(only_due(due)->month_message_count, 2);
    assert_int_equal(only_due(due)->message_count, 1);
    assert_int_equal(only_due(due)->obstructed_count, 0);
}

static void held_messages_are_not_due_and_the_hold_is_named(void **state)
{
    static const char *const addresses[] = {ANNA, NULL};
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 september = vault_month_start(202609);
    g_autoptr(VaultHoldValue) hold = judge_world_hold();
    g_autoptr(GPtrArray) due = NULL;
    KeepDelivery first, second;

    assert_true(keep_fixture_deliver_at(fixture->keep, "one", addresses, september + 1, NULL,
                                        &first, NULL));
    assert_true(keep_fixture_deliver_at(fixture->keep, "two", addresses, september + 2, NULL,
                                        &second, NULL));
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    assert_set(fixture, "min 0 max 1 from receipt for default");
    hold->is_all = TRUE;
    g_array_append_val(hold->messages, first.archive_id);
    judge_world_put_hold(fixture, hold);
    due = vault_keep_retention_due(fixture->keep, NULL);
    assert_int_equal(only_due(due)->month_count, 0);
    assert_int_equal(only_due(due)->message_count, 1);
    assert_int_equal(only_due(due)->obstructed_count, 1);
    assert_true(g_hash_table_contains(only_due(due)->holds, &hold->hold_id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_takes_the_place_of_the_one_of_its_scope),
        cmocka_unit_test(request_does_not_set_a_later_rule_back),
        cmocka_unit_test(rule_is_not_set_while_the_clock_is_unsure),
        cmocka_unit_test(detail_has_one_form),
        cmocka_unit_test(due_are_whole_months_and_single_messages_of_the_last),
        cmocka_unit_test(held_messages_are_not_due_and_the_hold_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
