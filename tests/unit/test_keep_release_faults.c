/* Releases and batches while calls of the operating system fail, one after the other: no slot is
 * given that the log does not know of, no record is logged twice or left out, and the vault goes
 * on. */
#include "tests/unit/batch_check.h"
#include "tests/unit/failing_calls.h"

/* ---- releases ---------------------------------------------------------------------------------
 */

/* How many releases the log knows, each of one copy. */
static guint64 logged_count(ReleaseWorld *world)
{
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
    guint64 count = 0;

    assert_true(vault_log_verify_all(log, &(VaultLogVerifyOptions){0}, NULL));
    for (guint64 i = 0; i < vault_log_reader_checkpoint(log)->size; i++)
        count += release_world_entry(log, i).act == VAULT_LOGGED_RELEASE;
    return count;
}

static void assert_logged(ReleaseWorld *world, const char *grant, GBytes *sealed)
{
    g_autoptr(VaultOpenedRelease) release =
        release_world_open(world, grant, &world->anna, sealed, NULL);
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
    VaultEntry entry = release_world_entry(log, release->log_index);
    g_autofree char *text = release_world_payload(world, &entry);

    assert_int_equal(entry.act, VAULT_LOGGED_RELEASE);
    assert_int_equal(entry.count, 1);
    assert_non_null(text);
}

/* TRUE: nothing was left to fail. */
static gboolean release_with_failure(ReleaseWorld *world, const char *grant, const RecordId *copy,
                                     int nth, int number, guint64 *given)
{
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(GError) error = NULL;

    arm(nth, number);
    sealed = release_world_ask(world, grant, copy, 1, &error);
    disarm();
    assert_true(sealed != NULL || error->domain == VAULT_ERROR);
    if (nth % 3 == 1) {
        keep_fixture_crash(world->fixture);
        keep_fixture_open(world->fixture);
    }
    if (sealed != NULL) {
        assert_logged(world, grant, sealed);
        (*given)++;
    }
    return !has_failed;
}

static void no_release_without_its_entry_whatever_call_fails(void **state)
{
    const int numbers[] = {EIO, ENOSPC};

    for (gsize e = 0; e < G_N_ELEMENTS(numbers); e++) {
        g_autoptr(ReleaseWorld) world = release_world_new();
        VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
        g_autofree char *grant = release_world_grant(world, &world->anna);
        gboolean is_over = FALSE;
        guint64 given = 0;
        int nth = 0;

        for (; !is_over; nth++) {
            g_autoptr(GBytes) next = NULL;

            is_over = release_with_failure(world, grant, &entry.record_id, nth, numbers[e], &given);
            /* The vault goes on: nothing has to be repaired. */
            next = release_world_ask(world, grant, &entry.record_id, 1, NULL);
            assert_non_null(next);
            given++;
        }
        assert_true(nth > 8);
        assert_true(logged_count(world) >= given);
        assert_each_record_is_in_one_batch(world);
    }
}

/* ---- batches ----------------------------------------------------------------------------------
 */

static void each_record_is_in_one_batch_whatever_call_fails(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    gboolean is_over = FALSE;

    release_world_deliver(world, "the first", "a@example.org");
    for (int nth = 0; !is_over; nth++) {
        g_autofree char *text = g_strdup_printf("message %d", nth);
        const char *owners[] = {"a@example.org", NULL};
        KeepDelivery delivery;

        /* Both fail at some time: the pack that a delivery is written to, and the log. */
        arm(nth, nth % 2 ? EIO : ENOSPC);
        keep_fixture_deliver_at(world->fixture->keep, text, owners, keep_fixture_now(), NULL,
                                &delivery, NULL);
        vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_ALWAYS, NULL);
        is_over = !has_failed;
        disarm();
        if (nth % 3 == 0) {
            keep_fixture_crash(world->fixture);
            keep_fixture_open(world->fixture);
        }
    }
    assert_each_record_is_in_one_batch(world);
}

/* A group that was written and whose sync failed lies in the pack until the next start cuts it off:
 * whole, and never acknowledged. */
static void what_was_never_acknowledged_is_not_logged(void **state)
{
    const char *owners[] = {"a@example.org", NULL};
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *log = g_build_filename(world->fixture->path, "log", "archive", NULL);
    g_autofree char *away = g_build_filename(world->fixture->path, "log", "away", NULL);
    KeepDelivery delivery;

    release_world_deliver(world, "the first", "a@example.org");
    fails_syncs_only = TRUE;
    arm(0, EIO);
    assert_false(keep_fixture_deliver_at(world->fixture->keep, "lost", owners, keep_fixture_now(),
                                         NULL, &delivery, NULL));
    disarm();
    release_world_deliver(world, "the next", "a@example.org");
    /* With what waits in memory gone, the packs are read. */
    assert_int_equal(rename(log, away), 0);
    keep_damage_write(log, "", 0);
    assert_false(vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_ALWAYS, NULL));
    assert_int_equal(remove(log), 0);
    assert_int_equal(rename(away, log), 0);
    assert_true(vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_ALWAYS, NULL));
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_each_record_is_in_one_batch(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_release_without_its_entry_whatever_call_fails),
        cmocka_unit_test(each_record_is_in_one_batch_whatever_call_fails),
        cmocka_unit_test(what_was_never_acknowledged_is_not_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
