/* A catalog made anew says what the one says that ran along. */
#include "tests/support/keep_damage.h"

#include <unistd.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define CARL "carl@example.org"
#define DAY KEEP_FIXTURE_DAY_S
#define LARGE_LEN (VAULT_BODY_WHOLE_MAX + 4096)

static VaultRebuildResult rebuild(KeepFixture *fixture)
{
    g_autoptr(GError) error = NULL;
    VaultRebuildResult result;

    if (!vault_keep_rebuild(fixture->path, &fixture->options, NULL, &result, &error))
        fail_msg("%s", error->message);
    return result;
}

/* The end of the last pack is taken over at the next start: both are compared after it. */
static void settle(KeepFixture *fixture)
{
    keep_fixture_open(fixture);
    keep_fixture_close(fixture);
}

/* The vault is closed, before and after. */
static VaultRebuildResult assert_rebuilt_alike(KeepFixture *fixture)
{
    g_autofree char *running = NULL, *rebuilt = NULL;
    VaultRebuildResult result;

    settle(fixture);
    running = keep_damage_catalog(fixture);
    result = rebuild(fixture);
    rebuilt = keep_damage_catalog(fixture);
    assert_string_equal(running, rebuilt);
    return result;
}

static void deliver_to_all(KeepFixture *fixture, const char *text)
{
    static const char *const addresses[] = {ANNA, BERT, CARL, NULL};
    KeepDelivery delivery;

    assert_true(keep_fixture_deliver_at(fixture->keep, text, addresses, keep_fixture_now(), NULL,
                                        &delivery, NULL));
}

/* All that the running catalog learns in another way: group by group, from streams, over crashes,
 * rollover, months, days whose keys are gone, clocks that are wrong, imports. */
static void live_through_much(KeepFixture *fixture)
{
    static const char *const addresses[] = {CARL, NULL};
    static const RowId import_id = {{5}};
    KeepDelivery delivery;
    DayKey key;

    deliver_to_all(fixture, "to all");
    keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    keep_fixture_deliver(fixture, "to all", ANNA);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    for (guint i = 0; i < 12; i++) {
        g_autofree char *text = g_strdup_printf("day %u", i);

        keep_fixture_set_now(keep_fixture_now() + DAY);
        keep_fixture_deliver(fixture, text, i % 2 == 0 ? ANNA : BERT);
        deliver_to_all(fixture, "again and again");
    }
    assert_true(vault_keep_begin_import(fixture->keep, &import_id, &key, NULL));
    assert_true(keep_fixture_deliver_at(fixture->keep, "old", addresses,
                                        G_GUINT64_CONSTANT(1400000000), &key, &delivery, NULL));
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_fixture_deliver_large(fixture, LARGE_LEN + 5, BERT);
    keep_fixture_set_now(keep_fixture_now() - DAY);
    keep_fixture_deliver(fixture, "behind", ANNA);
    keep_fixture_set_now(keep_fixture_now() + DAY);
}

static void rebuilt_catalog_is_the_one_that_ran_along(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultRebuildResult result;

    keep_fixture_close(fixture);
    fixture->options.pack_size = 4096;
    keep_fixture_open(fixture);
    live_through_much(fixture);
    keep_fixture_close(fixture);
    {
        g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, ".pack");

        assert_true(packs->len > 4); /* it did roll over */
    }
    result = assert_rebuilt_alike(fixture);
    assert_true(result.record_count > 35);
    assert_int_equal(result.unknown_count, 0);
    assert_int_equal(result.dead_count, 0);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
    deliver_to_all(fixture, "it goes on");
    keep_fixture_close(fixture);
    assert_rebuilt_alike(fixture);
}

static void records_of_unknown_months_are_kept_and_counted(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery anna = keep_fixture_deliver(fixture, "one", ANNA);
    VaultRebuildResult result;
    guint copies;

    keep_fixture_deliver(fixture, "two", BERT);
    keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    keep_fixture_close(fixture);
    keep_damage_forget_month(fixture, &anna.months[0]);
    result = assert_rebuilt_alike(fixture);
    assert_int_equal(result.unknown_count, 4); /* two copies, two terms copies */
    assert_int_equal(result.record_count, 9);
    keep_fixture_open(fixture);
    copies = keep_fixture_copy_count(fixture->keep);
    assert_int_equal(copies, 1); /* nobody's copies are not shown */
    keep_fixture_deliver(fixture, "three", BERT);
    keep_fixture_close(fixture);
    assert_rebuilt_alike(fixture);
    {
        g_autoptr(GPtrArray) streams = keep_fixture_packs(fixture, ".stream");

        assert_int_equal(streams->len, 1);
    }
}

static void records_of_dropped_months_are_left_out_and_their_bodies_stay(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery anna = keep_fixture_deliver(fixture, "one", ANNA);
    VaultRebuildResult result;
    g_autofree char *rows = NULL;

    keep_fixture_deliver(fixture, "two", BERT);
    keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    keep_damage_drop_month(fixture, &anna.months[0]);
    keep_fixture_close(fixture);
    result = rebuild(fixture);
    assert_int_equal(result.dead_count, 4);
    assert_int_equal(result.unknown_count, 0);
    rows = keep_damage_rows(fixture, "catalog.sqlite",
                            "SELECT message_count, copy_count, other_count FROM totals");
    assert_string_equal(rows, " 3 1 1\n");
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
    keep_fixture_deliver(fixture, "three", ANNA);
    keep_fixture_deliver(fixture, "four", BERT);
    keep_fixture_close(fixture);
    result = assert_rebuilt_alike(fixture);
    assert_int_equal(result.dead_count, 4);
}

static void catalog_behind_is_brought_to_what_a_rebuilt_one_says(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_auto(KeepDatabase) behind = {.file = NULL};

    deliver_to_all(fixture, "one");
    keep_fixture_close(fixture);
    behind = keep_damage_save_database(fixture, "catalog.sqlite");
    for (guint i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf("%u", i);

        keep_fixture_open(fixture);
        deliver_to_all(fixture, text);
        keep_fixture_deliver_large(fixture, LARGE_LEN + i, BERT);
        keep_fixture_crash(fixture);
    }
    keep_damage_restore_database(fixture, "catalog.sqlite", &behind);
    settle(fixture);
    assert_rebuilt_alike(fixture);
}

static void failed_rebuild_leaves_the_old_catalog(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *blocked = keep_damage_path(fixture, "catalog.sqlite.new/x");
    g_autofree char *folder = g_path_get_dirname(blocked);
    g_autofree char *before = NULL, *after = NULL;
    VaultRebuildResult result;

    deliver_to_all(fixture, "one");
    keep_fixture_close(fixture);
    before = keep_damage_catalog(fixture);
    assert_int_equal(g_mkdir_with_parents(blocked, 0700), 0);
    assert_false(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &result, NULL));
    after = keep_damage_catalog(fixture);
    assert_string_equal(before, after);
    assert_int_equal(rmdir(blocked), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_rebuilt_alike(fixture);
}

static void note_progress(guint64 done_bytes, guint64 all_bytes, gpointer user)
{
    guint64 *last = user;

    assert_true(done_bytes >= *last && done_bytes <= all_bytes);
    *last = done_bytes;
}

static void progress_grows_to_all_bytes(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 last = 0;
    VaultVerifyCallbacks callbacks = {.progress = note_progress, .user = &last};
    VaultRebuildResult result;

    deliver_to_all(fixture, "one");
    keep_fixture_deliver_large(fixture, LARGE_LEN, BERT);
    keep_fixture_close(fixture);
    assert_true(vault_keep_rebuild(fixture->path, &fixture->options, &callbacks, &result, NULL));
    assert_true(last > VAULT_BODY_WHOLE_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rebuilt_catalog_is_the_one_that_ran_along),
        cmocka_unit_test(records_of_unknown_months_are_kept_and_counted),
        cmocka_unit_test(records_of_dropped_months_are_left_out_and_their_bodies_stay),
        cmocka_unit_test(catalog_behind_is_brought_to_what_a_rebuilt_one_says),
        cmocka_unit_test(failed_rebuild_leaves_the_old_catalog),
        cmocka_unit_test(progress_grows_to_all_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
