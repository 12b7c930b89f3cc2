/* How a delivery is known again: retry tags, repeat tags, deliveries in flight. */
#include "tests/support/keep_damage.h"

#include "vault/keep/internal.h"

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define DAY KEEP_FIXTURE_DAY_S

static KeepDelivery deliver_to(KeepFixture *fixture, const char *text, const char *const *addresses)
{
    g_autoptr(GError) error = NULL;
    KeepDelivery delivery;

    if (!keep_fixture_deliver_at(fixture->keep, text, addresses, keep_fixture_now(), NULL,
                                 &delivery, &error))
        fail_msg("%s", error->message);
    return delivery;
}

static void assert_retry_of(const KeepDelivery *retry, const KeepDelivery *first)
{
    assert_true(retry->is_retry);
    assert_true(VAULT_ID_EQUAL(retry->archive_id, first->archive_id));
}

static void same_bytes_are_known_while_they_wait_and_when_they_are_catalogued(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA), again;

    again = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_retry_of(&again, &first);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    assert_int_equal(vault_catalog_feed_waiting(fixture->keep->feed), 0);
    again = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_retry_of(&again, &first);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_false(keep_fixture_deliver(fixture, "hello!", ANNA).is_retry);
}

static void same_bytes_are_known_after_a_restart_a_crash_and_a_lost_catalog(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA), again;

    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    again = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_retry_of(&again, &first);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    again = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_retry_of(&again, &first);
    keep_fixture_close(fixture);
    keep_damage_remove(fixture, "catalog.sqlite");
    keep_fixture_open(fixture);
    again = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_retry_of(&again, &first);
}

/* Mail comes every day, so that there is a key of each. */
static void pass_days(KeepFixture *fixture, guint days)
{
    for (guint i = 0; i < days; i++) {
        g_autofree char *text = g_strdup_printf("%u", g_random_int());

        keep_fixture_set_now(keep_fixture_now() + DAY);
        keep_fixture_deliver(fixture, text, BERT);
    }
}

static void same_bytes_are_known_for_nine_days_and_then_no_more(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA), again;

    for (guint day = 1; day <= VAULT_DAY_KEY_DAYS; day++) {
        pass_days(fixture, 1);
        if (day % 4 == 0) {
            keep_fixture_crash(fixture);
            keep_fixture_open(fixture);
        }
        again = keep_fixture_deliver(fixture, "hello", ANNA);
        assert_retry_of(&again, &first);
    }
    pass_days(fixture, 1);
    again = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_false(again.is_retry);
    assert_true(vault_id_is_zero(again.repeats.bytes));
}

/* The tags go with the key: also those in the catalog, which a disk that is looked at would show.
 */
static void tags_of_dropped_keys_leave_the_catalog(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA);
    g_autofree char *query = g_strdup_printf("SELECT count(*) FROM tags WHERE body_id = x'%s'",
                                             VAULT_ID_TEXT(first.archive_id));
    g_autofree char *before = NULL, *after = NULL, *keys = NULL;

    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    before = keep_damage_rows(fixture, "catalog.sqlite", query);
    assert_string_equal(before, " 1\n");
    pass_days(fixture, VAULT_DAY_KEY_DAYS + 1);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    after = keep_damage_rows(fixture, "catalog.sqlite", query);
    assert_string_equal(after, " 0\n");
    keys = keep_damage_rows(fixture, "keyring.sqlite", "SELECT count(*) FROM day_keys");
    assert_string_equal(keys, " 10\n");
}

static void other_owners_make_no_retry_and_fewer_do(void **state)
{
    static const char *const both[] = {ANNA, BERT, NULL};
    static const char *const bert[] = {BERT, NULL};
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA), second, again;

    second = deliver_to(fixture, "hello", bert);
    assert_false(second.is_retry);
    assert_true(VAULT_ID_EQUAL(second.repeats, first.archive_id));
    assert_false(deliver_to(fixture, "hello", both).is_retry);
    again = deliver_to(fixture, "hello", both);
    assert_true(again.is_retry);
    assert_true(deliver_to(fixture, "hello", bert).is_retry);
}

static void repeats_are_linked_in_the_body_also_after_a_restart(void **state)
{
    static const char *const bert[] = {BERT, NULL};
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA), second;
    g_autoptr(GArray) parts = NULL;

    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    second = deliver_to(fixture, "hello", bert);
    parts = vault_keep_message(fixture->keep, &second.archive_id, NULL);
    assert_int_equal(parts->len, 3);
    assert_true(VAULT_ID_EQUAL(g_array_index(parts, VaultMessagePart, 0).locator.repeats,
                               first.archive_id));
}

static void erased_copy_is_no_reason_to_refuse_its_message(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA), second, third;

    keep_damage_puncture(fixture, &first.months[0], first.leaves[0]);
    second = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_false(second.is_retry);
    third = keep_fixture_deliver(fixture, "hello", ANNA);
    assert_retry_of(&third, &second);
    keep_damage_drop_month(fixture, &second.months[0]);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_false(keep_fixture_deliver(fixture, "hello", ANNA).is_retry);
}

/* ---- in flight ------------------------------------------------------------------------------ */

#define THREADS 6

static gpointer deliver_same(gpointer user)
{
    KeepFixture *fixture = user;
    KeepDelivery *delivery = g_new(KeepDelivery, 1);

    *delivery = keep_fixture_deliver(fixture, "all at once", ANNA);
    return delivery;
}

static void one_of_many_deliveries_at_once_is_stored(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    GThread *threads[THREADS];
    guint stored = 0;

    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("deliver", deliver_same, fixture);
    for (guint i = 0; i < THREADS; i++) {
        g_autofree KeepDelivery *delivery = g_thread_join(threads[i]);

        stored += !delivery->is_retry;
    }
    assert_int_equal(stored, 1);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
}

typedef struct {
    KeepFixture *fixture;
    gint is_done;
} Late;

static gpointer deliver_late(gpointer user)
{
    Late *late = user;

    keep_fixture_deliver(late->fixture, "hello", ANNA);
    g_atomic_int_set(&late->is_done, TRUE);
    return NULL;
}

/* One that failed lets the next in. It was begun the day before: under yesterday's key. */
static void delivery_waits_for_the_same_one_in_flight_and_goes_on_when_that_failed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    MailboxId mailbox = keep_fixture_mailbox(fixture, ANNA);
    Late late = {.fixture = fixture};
    VaultEarlier earlier;
    VaultHash hash;
    GThread *thread;

    vault_hash("hello", 5, &hash);
    assert_true(depository->find_earlier(depository, "a@b", &hash, &hash, &mailbox, 1, NULL,
                                         &earlier, NULL));
    keep_fixture_set_now(keep_fixture_now() + DAY);
    thread = g_thread_new("late", deliver_late, &late);
    g_usleep(100000);
    assert_false(g_atomic_int_get(&late.is_done));
    depository->settle(depository, &earlier.retry_tag);
    g_thread_join(thread);
    assert_true(g_atomic_int_get(&late.is_done));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
}

static void sender_is_part_of_the_retry_and_not_of_the_repeat(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    MailboxId mailbox = keep_fixture_mailbox(fixture, ANNA);
    KeepDelivery first = keep_fixture_deliver(fixture, "hello", ANNA);
    VaultEarlier earlier;
    VaultHash hash;

    vault_hash("hello", 5, &hash);
    assert_true(depository->find_earlier(depository, "c@d", &hash, &hash, &mailbox, 1, NULL,
                                         &earlier, NULL));
    assert_false(earlier.is_retry);
    assert_true(VAULT_ID_EQUAL(earlier.repeats, first.archive_id));
    depository->settle(depository, &earlier.retry_tag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_are_known_while_they_wait_and_when_they_are_catalogued),
        cmocka_unit_test(same_bytes_are_known_after_a_restart_a_crash_and_a_lost_catalog),
        cmocka_unit_test(same_bytes_are_known_for_nine_days_and_then_no_more),
        cmocka_unit_test(tags_of_dropped_keys_leave_the_catalog),
        cmocka_unit_test(other_owners_make_no_retry_and_fewer_do),
        cmocka_unit_test(repeats_are_linked_in_the_body_also_after_a_restart),
        cmocka_unit_test(erased_copy_is_no_reason_to_refuse_its_message),
        cmocka_unit_test(one_of_many_deliveries_at_once_is_stored),
        cmocka_unit_test(delivery_waits_for_the_same_one_in_flight_and_goes_on_when_that_failed),
        cmocka_unit_test(sender_is_part_of_the_retry_and_not_of_the_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
