/* Compaction after real erasures, which take what they destroyed out of the catalog at once. */
#include "tests/unit/compact_world.h"
#include "tests/unit/erasure_world.h"

#define CLARA "clara@example.org"
#define SHARED_COUNT 6
#define DAY_S ((guint64)KEEP_FIXTURE_DAY_S)

/* Messages to three owners, in closed packs. */
static KeepFixture *shared_new(KeepDelivery deliveries[SHARED_COUNT])
{
    static const char *const all[] = {ANNA, BERT, CLARA, NULL};
    KeepFixture *fixture = keep_fixture_new();

    /* Packs are dated by the real clock. */
    keep_fixture_set_now((guint64)(g_get_real_time() / G_USEC_PER_SEC) + 1);
    for (guint i = 0; i < SHARED_COUNT; i++) {
        g_autofree char *text = g_strdup_printf("to all %u", i);

        assert_true(keep_fixture_deliver_at(fixture->keep, text, all, keep_fixture_now(), NULL,
                                            &deliveries[i], NULL));
    }
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    return fixture;
}

static VaultCompactEntry only_entry(KeepFixture *fixture)
{
    g_autoptr(GArray) plan = vault_keep_compact_plan(fixture->keep, NULL);

    assert_int_equal(plan->len, 1);
    return g_array_index(plan, VaultCompactEntry, 0);
}

static void erase_of(KeepFixture *fixture, const RecordId *id, const char *address)
{
    g_autoptr(GError) error = NULL;

    if (!erasure_do(fixture, "erasure", erasure_of_message(fixture, id, address, "mailboxes"), NULL,
                    &error))
        fail_msg("%s", error->message);
}

/* ---- how much ------------------------------------------------------------------------------- */

static void copies_of_mail_that_another_has_make_a_pack_due(void **state)
{
    KeepDelivery shared[SHARED_COUNT];
    g_autoptr(KeepFixture) fixture = shared_new(shared);
    VaultCompactResult result;
    VaultCompactEntry entry;

    shred_mailbox(fixture, ANNA);
    shred_mailbox(fixture, BERT);
    entry = only_entry(fixture);
    assert_true(entry.is_due);
    result = compact(fixture);
    assert_int_equal(result.dropped_count, 4 * SHARED_COUNT);
    assert_int_equal(result.dropped_len, entry.dead_len);
    assert_int_equal(result.kept_count, 4 * SHARED_COUNT);
    assert_int_equal(result.kept_len, entry.live_len);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), SHARED_COUNT);
    assert_well(fixture->keep);
    assert_int_equal(compact(fixture).due_count, 0);
    shred_mailbox(fixture, CLARA);
    assert_true(only_entry(fixture).is_due);
    assert_int_equal(compact(fixture).kept_count, 0);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
}

/* ---- how long ------------------------------------------------------------------------------- */

static void one_copy_is_removed_when_the_policys_days_are_over(void **state)
{
    KeepDelivery shared[SHARED_COUNT];
    g_autoptr(KeepFixture) fixture = shared_new(shared);

    erase_of(fixture, &shared[2].archive_id, ANNA);
    assert_false(only_entry(fixture).is_due);
    keep_fixture_set_now(keep_fixture_now() + 30 * DAY_S - 1);
    assert_false(only_entry(fixture).is_due);
    keep_fixture_set_now(keep_fixture_now() + 1);
    assert_true(only_entry(fixture).is_due);
    assert_int_equal(compact(fixture).dropped_count, 2); /* with its terms copy */
    assert_int_equal(compact(fixture).due_count, 0);
    assert_well(fixture->keep);
}

/* An erasure of something else, long ago, does not make it older. */
static void a_death_is_dated_by_the_erasure_that_named_its_message(void **state)
{
    KeepDelivery shared[SHARED_COUNT];
    g_autoptr(KeepFixture) fixture = shared_new(shared);
    KeepDelivery other = keep_fixture_deliver(fixture, "in another pack", "dora@example.org");

    erase_message(fixture, &other.archive_id, "dora@example.org");
    keep_fixture_set_now(keep_fixture_now() + 20 * DAY_S);
    erase_of(fixture, &shared[2].archive_id, ANNA);
    erase_of(fixture, &shared[3].archive_id, ANNA);
    keep_fixture_set_now(keep_fixture_now() + 30 * DAY_S - 1);
    assert_false(only_entry(fixture).is_due);
    keep_fixture_set_now(keep_fixture_now() + 1);
    assert_true(only_entry(fixture).is_due);
}

static void a_dropped_month_is_dated_by_its_tombstone(void **state)
{
    KeepDelivery shared[SHARED_COUNT];
    g_autoptr(KeepFixture) fixture = shared_new(shared);
    KeepDelivery other = keep_fixture_deliver(fixture, "in another pack", "dora@example.org");

    erase_message(fixture, &other.archive_id, "dora@example.org");
    keep_fixture_set_now(keep_fixture_now() + 20 * DAY_S);
    shred_mailbox(fixture, ANNA);
    keep_fixture_set_now(keep_fixture_now() + 30 * DAY_S - 1);
    assert_false(only_entry(fixture).is_due);
    keep_fixture_set_now(keep_fixture_now() + 1);
    assert_true(only_entry(fixture).is_due);
}

/* ---- while it is moved ---------------------------------------------------------------------- */

static void assert_rows(KeepFixture *fixture, const char *query, const char *rows)
{
    g_autofree char *found = keep_damage_rows(fixture, "catalog.sqlite", query);

    assert_string_equal(g_strstrip(found), rows);
}

/* As when the erasure comes between the copying and the catalog. */
static void a_copy_that_was_erased_meanwhile_does_not_come_back(void **state)
{
    KeepDelivery shared[SHARED_COUNT];
    g_autoptr(KeepFixture) fixture = shared_new(shared);
    static const char states[] = "SELECT min(state) FROM packs JOIN bodies USING (pack_no)";

    shred_mailbox(fixture, ANNA);
    shred_mailbox(fixture, BERT);
    assert_int_equal(compact(fixture).made_count, 1);
    erase_of(fixture, &shared[2].archive_id, CLARA);
    keep_damage_sql(fixture, "catalog.sqlite",
                    "UPDATE packs SET state = 0 WHERE pack_no IN (SELECT pack_no FROM bodies)");
    assert_rows(fixture, states, "0");
    assert_int_equal(compact(fixture).due_count, 0);
    assert_rows(fixture, states, "2");
    assert_rows(fixture, "SELECT count(*) FROM copies", "5");
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_of_mail_that_another_has_make_a_pack_due),
        cmocka_unit_test(one_copy_is_removed_when_the_policys_days_are_over),
        cmocka_unit_test(a_death_is_dated_by_the_erasure_that_named_its_message),
        cmocka_unit_test(a_dropped_month_is_dated_by_its_tombstone),
        cmocka_unit_test(a_copy_that_was_erased_meanwhile_does_not_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
