/* The keys of imports: nine days the same, then gone; never dropped by a clock that is unsure. */
#include "tests/support/keep_damage.h"

#define ANNA "anna@example.org"
#define DAY KEEP_FIXTURE_DAY_S

static const RowId first_import = {{1}}, second_import = {{2}};
static const char *const addresses[] = {ANNA, NULL};

static DayKey begin(KeepFixture *fixture, const RowId *import_id)
{
    g_autoptr(GError) error = NULL;
    DayKey key;

    if (!vault_keep_begin_import(fixture->keep, import_id, &key, &error))
        fail_msg("%s", error->message);
    return key;
}

static gboolean is_same(const DayKey *a, const DayKey *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void pass_days(KeepFixture *fixture, guint days)
{
    for (guint i = 0; i < days; i++) {
        g_autofree char *text = g_strdup_printf("%u", g_random_int());

        keep_fixture_set_now(keep_fixture_now() + DAY);
        keep_fixture_deliver(fixture, text, "bert@example.org");
        assert_true(vault_keep_expire_imports(fixture->keep, NULL));
    }
}

static guint key_count(const KeepFixture *fixture)
{
    g_autofree char *rows =
        keep_damage_rows(fixture, "keyring.sqlite", "SELECT count(*) FROM import_keys");

    return (guint)g_ascii_strtoull(rows + 1, NULL, 10);
}

static void import_has_its_key_for_nine_days_and_another_later(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    DayKey key = begin(fixture, &first_import), other = begin(fixture, &second_import), again;

    assert_false(is_same(&key, &other));
    again = begin(fixture, &first_import);
    assert_true(is_same(&key, &again));
    pass_days(fixture, 9);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    again = begin(fixture, &first_import);
    assert_true(is_same(&key, &again));
    assert_int_equal(key_count(fixture), 2);
    pass_days(fixture, 1);
    assert_int_equal(key_count(fixture), 0);
    again = begin(fixture, &first_import);
    assert_false(is_same(&key, &again));
}

static void expired_key_is_not_given_out_by_begin_either(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    DayKey key = begin(fixture, &first_import), again;

    keep_fixture_set_now(keep_fixture_now() + 10 * DAY);
    again = begin(fixture, &first_import);
    assert_false(is_same(&key, &again));
    assert_int_equal(key_count(fixture), 1);
}

static void key_stays_while_the_clock_is_unsure(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    DayKey key = begin(fixture, &first_import), again;
    guint64 now_s = keep_fixture_now();

    keep_fixture_deliver(fixture, "good", ANNA);
    keep_fixture_set_synchronised(FALSE);
    keep_fixture_set_now(now_s + 400 * DAY);
    assert_true(vault_keep_expire_imports(fixture->keep, NULL));
    again = begin(fixture, &first_import);
    assert_true(is_same(&key, &again));
    keep_fixture_set_now(now_s - DAY);
    assert_true(vault_keep_expire_imports(fixture->keep, NULL));
    again = begin(fixture, &first_import);
    assert_true(is_same(&key, &again));
}

/* A key made while the clock was ahead is kept no longer than one made today would be. */
static void key_is_dated_by_the_last_good_day(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    keep_fixture_deliver(fixture, "good", ANNA);
    keep_fixture_set_synchronised(FALSE);
    keep_fixture_set_now(keep_fixture_now() + 400 * DAY);
    begin(fixture, &first_import);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
    pass_days(fixture, 10);
    assert_int_equal(key_count(fixture), 0);
}

static KeepDelivery import(KeepFixture *fixture, const char *text, const DayKey *key)
{
    g_autoptr(GError) error = NULL;
    KeepDelivery delivery;

    if (!keep_fixture_deliver_at(fixture->keep, text, addresses, G_GUINT64_CONSTANT(1400000000),
                                 key, &delivery, &error))
        fail_msg("%s", error->message);
    return delivery;
}

static void second_run_of_an_import_stores_nothing_twice(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    DayKey key = begin(fixture, &first_import), other;
    KeepDelivery stored = import(fixture, "old mail", &key), again;

    pass_days(fixture, 9);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    key = begin(fixture, &first_import);
    again = import(fixture, "old mail", &key);
    assert_true(again.is_retry);
    assert_true(VAULT_ID_EQUAL(again.archive_id, stored.archive_id));
    other = begin(fixture, &second_import);
    assert_false(import(fixture, "old mail", &other).is_retry);
}

static void import_and_delivery_of_the_same_bytes_are_no_retries_of_one_another(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    DayKey key = begin(fixture, &first_import);

    import(fixture, "both", &key);
    assert_false(keep_fixture_deliver(fixture, "both", ANNA).is_retry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_has_its_key_for_nine_days_and_another_later),
        cmocka_unit_test(expired_key_is_not_given_out_by_begin_either),
        cmocka_unit_test(key_stays_while_the_clock_is_unsure),
        cmocka_unit_test(key_is_dated_by_the_last_good_day),
        cmocka_unit_test(second_run_of_an_import_stores_nothing_twice),
        cmocka_unit_test(import_and_delivery_of_the_same_bytes_are_no_retries_of_one_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
