/* Compaction beside the log, readers, and whoever verifies. */
#include "tests/unit/compact_world.h"

#include "vault/crypto/value.h"

#include <unistd.h>

/* ---- the log -------------------------------------------------------------------------------- */

static guint64 logged_records(KeepFixture *fixture)
{
    g_autoptr(VaultLogReader) log =
        vault_keep_log_reader(fixture->keep, VAULT_LOG_ARCHIVE, VAULT_KEEP_EPOCH_NOW, NULL);
    guint64 count = 0, size = vault_log_reader_checkpoint(log)->size;

    for (guint64 i = 0; i < size; i++) {
        g_autoptr(GBytes) bytes = vault_log_reader_entry(log, i, NULL);
        VaultEntry entry;
        gsize len;
        const guint8 *start = g_bytes_get_data(bytes, &len);

        assert_true(vault_entry_parse(start, len, &entry, NULL));
        if (entry.kind == VAULT_ENTRY_BATCH)
            count += entry.count;
    }
    return count;
}

/* The records of the acts themselves are logged, too. */
static void records_that_moved_are_not_logged_again(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    guint64 before = logged_records(fixture), acts;
    VaultCompactResult result;

    assert_int_equal(before, 6 * COMPACT_COUNT);
    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    result = compact(fixture);
    acts = result.made_count;
    for (guint i = 0; i < 2; i++) {
        keep_fixture_crash(fixture);
        keep_fixture_open(fixture);
        assert_true(vault_keep_log_batch(fixture->keep, VAULT_BATCH_ALWAYS, NULL));
        assert_int_equal(logged_records(fixture), before + acts);
    }
    keep_fixture_deliver(fixture, "later", BERT);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_true(vault_keep_log_batch(fixture->keep, VAULT_BATCH_ALWAYS, NULL));
    assert_int_equal(logged_records(fixture), before + acts + 3);
}

/* The packs are cut down to a state that they agree on: only the log knows better. */
static void record_that_is_gone_and_not_dead_is_missed(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    VaultRebuildResult rebuilt;
    g_autoptr(GPtrArray) packs = NULL;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    keep_fixture_deliver(fixture, "the last", BERT);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_well(fixture->keep); /* what is dead is not missed */
    keep_fixture_close(fixture);
    packs = keep_fixture_packs(fixture, ".pack");
    assert_int_equal(unlink(packs->pdata[packs->len - 1]), 0);
    assert_true(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &rebuilt, NULL));
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_CATALOG).finding_count, 0);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 1);
}

static void sequence_numbers_go_on_where_the_last_pack_was_compacted(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    g_autoptr(GPtrArray) before = keep_fixture_packs(fixture, ".pack");
    g_autofree char *last = g_path_get_basename(before->pdata[before->len - 1]);
    g_autoptr(GPtrArray) after = NULL;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_fixture_deliver(fixture, "later", BERT);
    after = keep_fixture_packs(fixture, ".pack");
    for (guint i = 0; i < after->len; i++) {
        g_autofree char *name = g_path_get_basename(after->pdata[i]);

        assert_true(g_ascii_strtoull(name, NULL, 16) > g_ascii_strtoull(last, NULL, 16));
    }
}

static void each_compaction_is_an_act_in_the_log(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    g_autoptr(VaultLogReader) log = NULL;
    g_autoptr(GBytes) bytes = NULL;
    VaultEntry entry;
    GByteArray *event;

    g_autoptr(GError) error = NULL;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    log = vault_keep_log_reader(fixture->keep, VAULT_LOG_CONTROL, VAULT_KEEP_EPOCH_NOW, NULL);
    bytes = vault_log_reader_entry(log, vault_log_reader_checkpoint(log)->size - 1, NULL);
    assert_true(
        vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &entry, NULL));
    assert_int_equal(entry.act, VAULT_LOGGED_COMPACTED);
    event = vault_keep_event(fixture->keep, &entry, NULL);
    assert_non_null(event);
    assert_non_null(memmem(event->data, event->len, "\nreplaced: ", 11));
    assert_non_null(memmem(event->data, event->len, "\npack: ", 7));
    vault_value_free(event);
    /* Its own text, too, may be erased and go. */
    keep_damage_sql(fixture, "keyring.sqlite", "DELETE FROM events");
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    compact(fixture);
    assert_gone(fixture, &entry.event_id);
    assert_null(vault_keep_event(fixture->keep, &entry, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_ERASED));
}

/* ---- beside others -------------------------------------------------------------------------- */

static void reader_that_has_the_old_pack_open_reads_on(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    g_autoptr(VaultKeep) reader = keep_fixture_reader(fixture);
    const RecordId *id = &world->bert[3].archive_id;
    g_autoptr(GBytes) before = vault_keep_record(reader, id, G_MAXSIZE, NULL);
    g_autoptr(GBytes) after = NULL, other = NULL;
    VaultPlace old, now;
    guint8 part[16];

    assert_true(vault_keep_record_place(reader, id, &old, NULL));
    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    assert_true(vault_pack_set_read(reader->packs, &old, 0, sizeof part, part, NULL));
    assert_true(vault_keep_record_place(reader, id, &now, NULL));
    assert_false(VAULT_ID_EQUAL(old.pack_id, now.pack_id));
    after = vault_keep_record(reader, id, G_MAXSIZE, NULL);
    assert_true(g_bytes_equal(before, after));
    other = vault_keep_record(reader, &world->bert[COMPACT_COUNT - 1].archive_id, G_MAXSIZE, NULL);
    assert_non_null(other);
}

/* Called by the reader's next fetch, after it has looked the place up. */
static KeepFixture *compacted_meanwhile;

GBytes *__real_vault_pack_set_fetch(VaultPackSet *set, const VaultPlace *place, gsize len_max,
                                    GError **error);
GBytes *__wrap_vault_pack_set_fetch(VaultPackSet *set, const VaultPlace *place, gsize len_max,
                                    GError **error);
GBytes *__wrap_vault_pack_set_fetch(VaultPackSet *set, const VaultPlace *place, gsize len_max,
                                    GError **error)
{
    KeepFixture *fixture = g_steal_pointer(&compacted_meanwhile);

    if (fixture != NULL)
        compact(fixture);
    return __real_vault_pack_set_fetch(set, place, len_max, error);
}

static void record_that_moves_while_it_is_looked_for_is_found(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    g_autoptr(VaultKeep) reader = keep_fixture_reader(fixture);
    g_autoptr(GBytes) moved = NULL;
    g_autoptr(GError) error = NULL;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compacted_meanwhile = fixture;
    moved = vault_keep_record(reader, &world->bert[5].archive_id, G_MAXSIZE, NULL);
    assert_non_null(moved);
    assert_true(pack_count(fixture, ".compacted") > 0);
    /* One that is nowhere is looked for twice, not for ever. */
    {
        g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, ".compacted");

        for (guint i = 0; i < packs->len; i++)
            assert_int_equal(unlink(packs->pdata[i]), 0);
    }
    g_clear_pointer(&moved, g_bytes_unref);
    g_clear_pointer(&reader, vault_keep_free);
    reader = keep_fixture_reader(fixture);
    assert_null(vault_keep_record(reader, &world->bert[5].archive_id, G_MAXSIZE, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

/* What was removed takes no room any more. */
static void writer_itself_lets_go_of_what_it_removed(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    g_autoptr(GBytes) bytes = record(fixture, &world->bert[3].archive_id);
    VaultPlace old;
    guint8 part[16];

    assert_true(vault_keep_record_place(fixture->keep, &world->bert[3].archive_id, &old, NULL));
    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    assert_false(vault_pack_set_read(fixture->keep->packs, &old, 0, sizeof part, part, NULL));
}

static void who_verifies_keeps_compaction_away_and_the_other_way_round(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    VaultCompactOptions options = {.seconds_max = 0};
    g_autoptr(GError) error = NULL;
    VaultCompactResult result;
    VaultVerifyResult verified;

    {
        g_auto(VaultFd) lock = -1;

        assert_true(vault_packs_lock(fixture->keep->packs_path, VAULT_PACKS_STAY, &lock, NULL));
        assert_false(vault_keep_compact(fixture->keep, &options, &result, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY));
        g_clear_error(&error);
        assert_well(fixture->keep); /* two may verify */
    }
    {
        g_auto(VaultFd) lock = -1;

        assert_true(vault_packs_lock(fixture->keep->packs_path, VAULT_PACKS_CHANGE, &lock, NULL));
        assert_false(
            vault_keep_verify(fixture->keep, VAULT_VERIFY_CATALOG, NULL, &verified, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY));
    }
    compact(fixture);
}

static void vault_that_closes_stops_it(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    VaultCompactOptions options = {.seconds_max = 0};
    g_autoptr(GError) error = NULL;
    VaultCompactResult result;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    vault_keep_stop_compacting(fixture->keep);
    assert_false(vault_keep_compact(fixture->keep, &options, &result, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY));
    assert_int_equal(pack_count(fixture, ".compacted"), 0);
    assert_well(fixture->keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_that_moved_are_not_logged_again),
        cmocka_unit_test(record_that_is_gone_and_not_dead_is_missed),
        cmocka_unit_test(sequence_numbers_go_on_where_the_last_pack_was_compacted),
        cmocka_unit_test(each_compaction_is_an_act_in_the_log),
        cmocka_unit_test(reader_that_has_the_old_pack_open_reads_on),
        cmocka_unit_test(record_that_moves_while_it_is_looked_for_is_found),
        cmocka_unit_test(writer_itself_lets_go_of_what_it_removed),
        cmocka_unit_test(who_verifies_keeps_compaction_away_and_the_other_way_round),
        cmocka_unit_test(vault_that_closes_stops_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
