/* The logs of a vault: each acknowledged record is in just one batch, acts come back as they were
 * written down, and a log that is gone or set back is noticed. */
#include "tests/unit/batch_check.h"

#include <stdio.h>
#include <sys/wait.h>

/* ---- batches --------------------------------------------------------------------------------- */

static void deliver_some(ReleaseWorld *world, guint count)
{
    const char *both[] = {"a@example.org", "b@example.org", NULL};

    for (guint i = 0; i < count; i++) {
        g_autofree char *text = g_strdup_printf("message %u of %u", i, g_random_int());
        KeepDelivery delivery;

        assert_true(keep_fixture_deliver_at(world->fixture->keep, text, both, keep_fixture_now(),
                                            NULL, &delivery, NULL));
    }
}

static void log_batch(ReleaseWorld *world)
{
    g_autoptr(GError) error = NULL;

    if (!vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_ALWAYS, &error))
        fail_msg("%s", error->message);
}

static void each_record_is_in_one_batch_whatever_ended_the_writer(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();

    deliver_some(world, 3);
    log_batch(world);
    deliver_some(world, 2);
    log_batch(world);
    assert_each_record_is_in_one_batch(world);
    deliver_some(world, 2);
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    deliver_some(world, 1);
    assert_each_record_is_in_one_batch(world);
    deliver_some(world, 1);
    log_batch(world);
    deliver_some(world, 1);
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    log_batch(world);
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_each_record_is_in_one_batch(world);
}

/* One body in a stream pack, two copies that name it. */
static void deliver_large_to_both(ReleaseWorld *world)
{
    const char *both[] = {"a@example.org", "b@example.org", NULL};
    g_autofree char *text = g_strnfill(VAULT_BODY_WHOLE_MAX + 4, 'x');
    KeepDelivery delivery;

    assert_true(keep_fixture_deliver_at(world->fixture->keep, text, both, keep_fixture_now(), NULL,
                                        &delivery, NULL));
}

static void bodies_in_stream_packs_are_logged_once_too(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();

    /* The first batch reads the packs, the second has the hashes in memory. */
    keep_fixture_deliver_large(world->fixture, VAULT_BODY_WHOLE_MAX + 1, "a@example.org");
    log_batch(world);
    keep_fixture_deliver_large(world->fixture, VAULT_BODY_WHOLE_MAX + 2, "a@example.org");
    log_batch(world);
    keep_fixture_deliver_large(world->fixture, VAULT_BODY_WHOLE_MAX + 3, "a@example.org");
    deliver_large_to_both(world);
    deliver_some(world, 1);
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_each_record_is_in_one_batch(world);
}

static void records_of_many_packs_are_logged(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();

    keep_fixture_close(world->fixture);
    world->fixture->options.pack_size = 8192;
    keep_fixture_open(world->fixture);
    for (guint i = 0; i < 4; i++) {
        deliver_some(world, 7);
        if (i % 2 == 0)
            log_batch(world);
        keep_fixture_crash(world->fixture);
        keep_fixture_open(world->fixture);
    }
    assert_each_record_is_in_one_batch(world);
}

static char *log_path(const ReleaseWorld *world, const char *name)
{
    return g_build_filename(world->fixture->path, "log", name, NULL);
}

/* The list in memory is lost with a failed batch: the packs are read, the open one too. */
static void batch_that_failed_is_made_up_for(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *path = log_path(world, "archive");
    g_autofree char *away = log_path(world, "away");
    g_autoptr(GError) error = NULL;

    deliver_some(world, 3);
    assert_int_equal(rename(path, away), 0);
    keep_damage_write(path, "", 0);
    assert_false(vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_ALWAYS, &error));
    assert_int_equal(remove(path), 0);
    assert_int_equal(rename(away, path), 0);
    deliver_some(world, 2);
    log_batch(world);
    deliver_some(world, 2);
    assert_each_record_is_in_one_batch(world);
}

static gboolean has_trailer(const char *pack)
{
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(pack, NULL, VAULT_SCAN_HEADERS, NULL, NULL);
    VaultScanEvent event = VAULT_SCAN_GROUP;
    gboolean has = FALSE;

    while (event != VAULT_SCAN_END) {
        GArray *records;
        guint64 offset, len;

        assert_true(vault_pack_scan_next(scan, &event, &records, &offset, &len, NULL));
        has = has || event == VAULT_SCAN_TRAILER;
    }
    return has;
}

static void writer_that_cannot_log_closes_its_pack_and_says_so(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *path = log_path(world, "archive");
    g_autofree char *away = log_path(world, "away");
    g_autoptr(GPtrArray) packs = NULL;
    g_autoptr(GError) error = NULL;

    deliver_some(world, 2);
    assert_int_equal(rename(path, away), 0);
    keep_damage_write(path, "", 0);
    assert_false(vault_keep_close(world->fixture->keep, &error));
    assert_non_null(error);
    keep_fixture_crash(world->fixture);
    packs = keep_fixture_packs(world->fixture, ".pack");
    assert_int_equal(packs->len, 1);
    assert_true(has_trailer(g_ptr_array_index(packs, 0)));
    assert_int_equal(remove(path), 0);
    assert_int_equal(rename(away, path), 0);
    keep_fixture_open(world->fixture);
    assert_each_record_is_in_one_batch(world);
}

static void empty_batches_keep_the_rate_and_only_then(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    guint64 size = release_world_log_size(world, VAULT_LOG_ARCHIVE);

    log_batch(world);
    log_batch(world);
    assert_int_equal(release_world_log_size(world, VAULT_LOG_ARCHIVE), size + 2);
    assert_true(vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_UNLESS_EMPTY, NULL));
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
    assert_int_equal(release_world_log_size(world, VAULT_LOG_ARCHIVE), size + 2);
}

/* ---- logs that are there or not ---------------------------------------------------------------
 */

static void new_vault_has_both_logs_and_each_says_whose_it_is(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();

    for (guint kind = 0; kind < 2; kind++) {
        g_autoptr(VaultLogReader) log = release_world_log(world, (VaultLogKind)kind);
        VaultEntry entry = release_world_entry(log, 0);

        assert_int_equal(entry.kind, VAULT_ENTRY_EPOCH_START);
        assert_int_equal(entry.log, kind);
        assert_int_equal(entry.epoch, 1);
        assert_true(VAULT_ID_EQUAL(entry.vault_id, *vault_keep_id(world->fixture->keep)));
    }
}

static void remove_logs(const ReleaseWorld *world)
{
    g_autofree char *path = g_build_filename(world->fixture->path, "log", NULL);
    const char *argv[] = {"rm", "-r", path, NULL};

    assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                             NULL, NULL));
}

static void vault_from_before_gets_logs_that_take_in_all_that_is_stored(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();

    deliver_some(world, 5);
    keep_fixture_deliver_large(world->fixture, VAULT_BODY_WHOLE_MAX + 1, "a@example.org");
    keep_fixture_close(world->fixture);
    remove_logs(world);
    keep_damage_sql(world->fixture, "keyring.sqlite",
                    "DELETE FROM log_keys WHERE row_id = x'ffffffffffffffffffffffffffffffff'");
    keep_fixture_open(world->fixture);
    deliver_some(world, 1);
    log_batch(world);
    assert_each_record_is_in_one_batch(world);
}

static void log_that_was_removed_is_noticed_and_not_begun_anew(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autoptr(VaultKeep) reader = NULL;
    g_autoptr(GError) error = NULL;

    keep_fixture_close(world->fixture);
    reader = keep_fixture_reader(world->fixture);
    remove_logs(world);
    assert_int_equal(keep_fixture_open_error(world->fixture), VAULT_ERROR_CORRUPT);
    assert_int_equal(keep_fixture_open_error(world->fixture), VAULT_ERROR_CORRUPT);
    assert_null(vault_keep_log_reader(reader, VAULT_LOG_CONTROL, VAULT_KEEP_EPOCH_NOW, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
}

static void copy_folder(const char *from, const char *to)
{
    const char *argv[] = {"cp", "-a", from, to, NULL};
    int status = -1;

    assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                             &status, NULL));
    assert_int_equal(status, 0);
}

static void log_that_was_set_back_is_noticed(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *log = g_build_filename(world->fixture->path, "log", NULL);
    g_autofree char *old = g_build_filename(world->fixture->folder, "old-log", NULL);

    deliver_some(world, 1);
    keep_fixture_close(world->fixture);
    copy_folder(log, old);
    keep_fixture_open(world->fixture);
    deliver_some(world, 1);
    log_batch(world);
    keep_fixture_crash(world->fixture);
    remove_logs(world);
    copy_folder(old, log);
    assert_int_equal(keep_fixture_open_error(world->fixture), VAULT_ERROR_CORRUPT);
}

/* ---- acts -------------------------------------------------------------------------------------
 */

static VaultEntry last_entry(ReleaseWorld *world)
{
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);

    return release_world_entry(log, vault_log_reader_checkpoint(log)->size - 1);
}

static void act_comes_back_as_it_was_written_down(void **state)
{
    static const char payload[] = "act: reader-added\nreader: Änne\n";
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *text = NULL;
    VaultEntry entry;

    assert_true(vault_keep_log_act(world->fixture->keep, VAULT_LOGGED_READER_ADDED, payload,
                                   strlen(payload), NULL));
    entry = last_entry(world);
    assert_int_equal(entry.act, VAULT_LOGGED_READER_ADDED);
    assert_int_equal(entry.time_s, KEEP_FIXTURE_NOW_S);
    text = release_world_payload(world, &entry);
    assert_string_equal(text, payload);
    assert_each_record_is_in_one_batch(world);
}

static void payloads_that_are_no_lines_are_refused(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *long_text = g_malloc(VAULT_ACT_PAYLOAD_LEN_MAX + 1);
    const struct {
        const char *text;
        gsize len;
        VaultErrorCode code;
    } rows[] = {{"", 0, VAULT_ERROR_MALFORMED},
                {"act", 3, VAULT_ERROR_MALFORMED},
                {"act\xff\n", 5, VAULT_ERROR_MALFORMED},
                {"a\0\n", 3, VAULT_ERROR_MALFORMED},
                {long_text, VAULT_ACT_PAYLOAD_LEN_MAX + 1, VAULT_ERROR_TOO_LARGE}};

    memset(long_text, '\n', VAULT_ACT_PAYLOAD_LEN_MAX + 1);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_keep_log_act(world->fixture->keep, VAULT_LOGGED_RESTORE_BEGUN,
                                        rows[i].text, rows[i].len, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, (int)rows[i].code));
    }
    assert_true(vault_keep_log_act(world->fixture->keep, VAULT_LOGGED_RESTORE_BEGUN, long_text,
                                   VAULT_ACT_PAYLOAD_LEN_MAX, NULL));
}

static void payload_whose_key_is_gone_is_erased_and_the_log_stays_valid(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autoptr(VaultLogReader) log = NULL;
    g_autoptr(GError) error = NULL;
    VaultEntry entry;

    assert_true(
        vault_keep_log_act(world->fixture->keep, VAULT_LOGGED_READER_ADDED, "a: b\n", 5, NULL));
    entry = last_entry(world);
    keep_fixture_close(world->fixture);
    keep_damage_sql(world->fixture, "keyring.sqlite", "DELETE FROM events");
    keep_fixture_open(world->fixture);
    assert_null(vault_keep_event(world->fixture->keep, &entry, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_ERASED));
    log = release_world_log(world, VAULT_LOG_CONTROL);
    assert_true(vault_log_verify_all(log, &(VaultLogVerifyOptions){0}, NULL));
}

static void event_that_is_another_than_was_logged_is_corrupt(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultEntry first, second;
    g_autoptr(GError) error = NULL;

    assert_true(vault_keep_log_act(world->fixture->keep, VAULT_LOGGED_REBUILD, "a: 1\n", 5, NULL));
    first = last_entry(world);
    assert_true(vault_keep_log_act(world->fixture->keep, VAULT_LOGGED_REBUILD, "a: 2\n", 5, NULL));
    second = last_entry(world);
    first.event_id = second.event_id;
    assert_null(vault_keep_event(world->fixture->keep, &first, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
}

/* Nothing of an act is clear on the disk, in packs, keyring and log. */
static void acts_are_nowhere_in_clear(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    const char *argv[] = {"grep", "-r", "-a", "-c", "canaryperson", world->fixture->path, NULL};
    int status = -1;

    assert_true(vault_keep_log_act(world->fixture->keep, VAULT_LOGGED_READER_ADDED,
                                   "reader: canaryperson\n", 21, NULL));
    keep_fixture_close(world->fixture);
    assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                             G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                             NULL, &status, NULL));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_is_in_one_batch_whatever_ended_the_writer),
        cmocka_unit_test(bodies_in_stream_packs_are_logged_once_too),
        cmocka_unit_test(records_of_many_packs_are_logged),
        cmocka_unit_test(batch_that_failed_is_made_up_for),
        cmocka_unit_test(writer_that_cannot_log_closes_its_pack_and_says_so),
        cmocka_unit_test(empty_batches_keep_the_rate_and_only_then),
        cmocka_unit_test(new_vault_has_both_logs_and_each_says_whose_it_is),
        cmocka_unit_test(vault_from_before_gets_logs_that_take_in_all_that_is_stored),
        cmocka_unit_test(log_that_was_removed_is_noticed_and_not_begun_anew),
        cmocka_unit_test(log_that_was_set_back_is_noticed),
        cmocka_unit_test(act_comes_back_as_it_was_written_down),
        cmocka_unit_test(payloads_that_are_no_lines_are_refused),
        cmocka_unit_test(payload_whose_key_is_gone_is_erased_and_the_log_stays_valid),
        cmocka_unit_test(event_that_is_another_than_was_logged_is_corrupt),
        cmocka_unit_test(acts_are_nowhere_in_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
