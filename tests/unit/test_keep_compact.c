/* Compaction: what died leaves the packs, what lives stays as it is, wherever it lies. */
#include "tests/support/keep_damage.h"

#include "vault/crypto/value.h"
#include "vault/keep/compact_plan.h"
#include "vault/keep/internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define PACK_SIZE 8192
#define COUNT 24
#define LARGE_LEN (VAULT_BODY_WHOLE_MAX + 4096)
#define MIB (G_GUINT64_CONSTANT(1) << 20)

/* Mail of both in every pack, all of it logged and in closed packs. */
typedef struct {
    KeepFixture *fixture;
    KeepDelivery anna[COUNT], bert[COUNT];
} World;

static World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->fixture = keep_fixture_new();
    keep_fixture_close(world->fixture);
    world->fixture->options.pack_size = PACK_SIZE;
    keep_fixture_open(world->fixture);
    for (guint i = 0; i < COUNT; i++) {
        g_autofree char *text = g_strdup_printf("message %u", i);

        world->anna[i] = keep_fixture_deliver(world->fixture, text, ANNA);
        world->bert[i] = keep_fixture_deliver(world->fixture, text, BERT);
    }
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
    return world;
}

static void world_free(World *world)
{
    keep_fixture_free(world->fixture);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static VaultCompactResult compact(KeepFixture *fixture)
{
    VaultCompactOptions options = {.seconds_max = 0};
    g_autoptr(GError) error = NULL;
    VaultCompactResult result;

    if (!vault_keep_compact(fixture->keep, &options, &result, &error))
        fail_msg("%s", error->message);
    return result;
}

static guint pack_count(const KeepFixture *fixture, const char *suffix)
{
    g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, suffix);

    return packs->len;
}

static void tell(const char *text, gpointer user)
{
    print_message("%s\n", text);
}

static void assert_well(VaultKeep *keep)
{
    VaultVerifyCallbacks callbacks = {.finding = tell};
    VaultVerifyResult result;

    assert_true(vault_keep_verify(keep, VAULT_VERIFY_DEEP, &callbacks, &result, NULL));
    assert_int_equal(result.finding_count, 0);
}

static GBytes *record(KeepFixture *fixture, const RecordId *id)
{
    return vault_keep_record(fixture->keep, id, G_MAXSIZE, NULL);
}

static void assert_gone(KeepFixture *fixture, const RecordId *id)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_keep_record(fixture->keep, id, G_MAXSIZE, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

/* The open vault: a catalog made anew says the same. */
static void assert_rebuilt_alike(KeepFixture *fixture)
{
    static const char forget[] = "DELETE FROM leaves; UPDATE totals SET last_archived_s = 0";
    g_autofree char *running = NULL, *rebuilt = NULL;
    VaultRebuildResult result;

    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_fixture_close(fixture);
    /* Only the one that ran along remembers leaves and times of what is gone. */
    keep_damage_sql(fixture, "catalog.sqlite", forget);
    running = keep_damage_catalog(fixture);
    assert_true(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &result, NULL));
    keep_damage_sql(fixture, "catalog.sqlite", forget);
    rebuilt = keep_damage_catalog(fixture);
    assert_string_equal(running, rebuilt);
    keep_fixture_open(fixture);
}

/* ---- what is due ---------------------------------------------------------------------------- */

static void pack_is_due_from_thirty_percent_dead_on(void **state)
{
    VaultCompactRules rules = {.now_s = 1000, .removal_days = 30};
    VaultCompactPack pack = {.live_len = 700 * MIB, .dead_len = 300 * MIB};

    assert_true(vault_compact_is_due(&pack, &rules));
    pack.live_len++;
    pack.dead_len--;
    assert_false(vault_compact_is_due(&pack, &rules));
    pack = (VaultCompactPack){.live_len = 3, .dead_len = 1};
    assert_false(vault_compact_is_due(&pack, &rules));
    pack.live_len = 2;
    assert_true(vault_compact_is_due(&pack, &rules));
    pack = (VaultCompactPack){.live_len = 0};
    assert_false(vault_compact_is_due(&pack, &rules));
    pack.dead_len = 1;
    assert_true(vault_compact_is_due(&pack, &rules));
}

static void pack_is_due_when_something_died_longer_ago_than_the_policy_says(void **state)
{
    VaultCompactRules rules = {.now_s = 100 * KEEP_FIXTURE_DAY_S, .removal_days = 30};
    VaultCompactPack pack = {.live_len = 1000, .dead_len = 1, .died_s = 70 * KEEP_FIXTURE_DAY_S};

    assert_true(vault_compact_is_due(&pack, &rules));
    pack.died_s++;
    assert_false(vault_compact_is_due(&pack, &rules));
    pack.died_s = 101 * KEEP_FIXTURE_DAY_S;
    assert_false(vault_compact_is_due(&pack, &rules));
    pack.died_s = 0; /* nobody knows when */
    assert_false(vault_compact_is_due(&pack, &rules));
    pack.died_s = 1;
    rules.now_s = 0; /* nobody knows what time it is */
    assert_false(vault_compact_is_due(&pack, &rules));
}

static void body_lives_as_long_as_one_copy_does(void **state)
{
    VaultLife live = {.state = VAULT_LIFE_LIVE}, unknown = {.state = VAULT_LIFE_UNKNOWN};
    VaultLife early = {VAULT_LIFE_DEAD, 5}, late = {VAULT_LIFE_DEAD, 9};
    VaultLife undated = {VAULT_LIFE_DEAD, 0};
    VaultLife body = {.state = VAULT_LIFE_UNKNOWN};

    vault_life_add_copy(&body, &late);
    assert_int_equal(body.state, VAULT_LIFE_DEAD);
    vault_life_add_copy(&body, &early);
    assert_int_equal(body.died_s, 9);
    vault_life_add_copy(&body, &undated);
    assert_int_equal(body.died_s, 0);
    vault_life_add_copy(&body, &late);
    assert_int_equal(body.died_s, 0);
    vault_life_add_copy(&body, &unknown);
    assert_int_equal(body.state, VAULT_LIFE_LIVE);
    body = live;
    vault_life_add_copy(&body, &early);
    assert_int_equal(body.state, VAULT_LIFE_LIVE);
}

/* ---- compaction ----------------------------------------------------------------------------- */

static void nothing_is_done_where_nothing_is_dead(void **state)
{
    g_autoptr(World) world = world_new();
    guint before = pack_count(world->fixture, ".pack");
    VaultCompactResult result = compact(world->fixture);
    g_autoptr(GArray) plan = vault_keep_compact_plan(world->fixture->keep, NULL);

    assert_int_equal(result.due_count, 0);
    assert_int_equal(result.made_count, 0);
    assert_int_equal(plan->len, 0);
    assert_int_equal(pack_count(world->fixture, ".pack"), before);
    assert_int_equal(pack_count(world->fixture, ".compacted"), 0);
}

static void dropped_month_leaves_the_packs_and_the_rest_stays_byte_for_byte(void **state)
{
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;
    g_autoptr(GBytes) before = record(fixture, &world->bert[7].archive_id);
    guint packs_before = pack_count(fixture, ".pack");
    g_autoptr(GBytes) after = NULL;
    g_autoptr(GArray) plan = NULL;
    VaultCompactResult result;

    assert_true(packs_before > 3);
    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    plan = vault_keep_compact_plan(fixture->keep, NULL);
    assert_true(plan->len >= packs_before - 1);
    assert_true(g_array_index(plan, VaultCompactEntry, 1).is_due);
    result = compact(fixture);
    assert_int_equal(result.dropped_count, 2 * COUNT);
    assert_int_equal(result.kept_count, 2 * COUNT);
    assert_int_equal(result.left_count, 0);
    assert_int_equal(result.replaced_count, packs_before);
    assert_true(result.made_count < packs_before);
    assert_int_equal(pack_count(fixture, ".compacted"), result.made_count);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COUNT);
    after = record(fixture, &world->bert[7].archive_id);
    assert_true(g_bytes_equal(before, after));
    assert_gone(fixture, &world->anna[3].archive_id);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
    assert_well(fixture->keep);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COUNT);
    assert_int_equal(compact(fixture).due_count, 0);
}

static void punctured_leaf_leaves_the_packs_and_its_neighbours_stay(void **state)
{
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;
    VaultCompactResult result;

    for (guint i = 0; i < COUNT; i += 2)
        keep_damage_puncture(fixture, &world->anna[i].months[0], world->anna[i].leaves[0]);
    for (guint i = 1; i < COUNT; i += 2)
        keep_damage_puncture(fixture, &world->bert[i].months[0], world->bert[i].leaves[0]);
    result = compact(fixture);
    assert_int_equal(result.dropped_count, 2 * COUNT);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COUNT);
    assert_gone(fixture, &world->anna[4].archive_id);
    {
        g_autoptr(GBytes) bytes = record(fixture, &world->anna[5].archive_id);

        assert_non_null(bytes);
    }
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
}

static void body_stays_while_one_owner_can_open_it(void **state)
{
    static const char *const both[] = {ANNA, BERT, NULL};
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery shared;
    g_autoptr(GBytes) body = NULL;
    VaultCompactResult result;

    assert_true(keep_fixture_deliver_at(fixture->keep, "to both", both, keep_fixture_now(), NULL,
                                        &shared, NULL));
    keep_fixture_deliver(fixture, "to anna alone", ANNA);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_damage_drop_month(fixture, &shared.months[0]);
    result = compact(fixture);
    assert_int_equal(result.kept_count, 2); /* the body and Bert's copy */
    assert_int_equal(result.dropped_count, 3);
    body = record(fixture, &shared.archive_id);
    assert_non_null(body);
    assert_well(fixture->keep);
    keep_damage_drop_month(fixture, &shared.months[1]);
    result = compact(fixture);
    assert_int_equal(result.kept_count, 0);
    assert_int_equal(result.dropped_count, 2);
    assert_int_equal(result.made_count, 1); /* that names what it replaces, and holds nothing */
    assert_int_equal(pack_count(fixture, ".compacted"), 1);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
}

static void stream_pack_goes_with_its_last_copy_and_not_before(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery anna = keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    KeepDelivery bert = keep_fixture_deliver_large(fixture, LARGE_LEN + 1, BERT);
    g_autoptr(GBytes) body = NULL;

    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_damage_drop_month(fixture, &anna.months[0]);
    assert_int_equal(compact(fixture).dropped_count, 2);
    assert_int_equal(pack_count(fixture, ".stream"), 1);
    assert_gone(fixture, &anna.archive_id);
    body = record(fixture, &bert.archive_id);
    assert_non_null(body);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
    assert_int_equal(pack_count(fixture, ".stream"), 1);
}

static void stream_pack_goes_after_a_rebuild_too(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery anna = keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);

    for (guint i = 0; i < 20; i++) {
        g_autofree char *text = g_strdup_printf("%u", i);

        keep_fixture_deliver(fixture, text, BERT);
    }
    keep_damage_drop_month(fixture, &anna.months[0]);
    assert_rebuilt_alike(fixture);
    assert_int_equal(pack_count(fixture, ".stream"), 1);
    assert_int_equal(compact(fixture).dropped_count, 1); /* the copy's pack is not due */
    assert_int_equal(pack_count(fixture, ".stream"), 0);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
    assert_well(fixture->keep);
}

static void unknown_months_are_kept(void **state)
{
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;

    keep_damage_forget_month(fixture, &world->anna[0].months[0]);
    for (guint i = 0; i < COUNT; i++)
        keep_damage_puncture(fixture, &world->bert[i].months[0], world->bert[i].leaves[0]);
    assert_int_equal(compact(fixture).kept_count, 2 * COUNT);
    {
        g_autoptr(GBytes) bytes = record(fixture, &world->anna[5].archive_id);

        assert_non_null(bytes);
    }
}

static void age_makes_a_pack_due_when_the_clock_is_trusted(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery anna = keep_fixture_deliver(fixture, "one", ANNA);

    for (guint i = 0; i < 20; i++) {
        g_autofree char *text = g_strdup_printf("%u", i);

        keep_fixture_deliver(fixture, text, BERT);
    }
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_damage_drop_month(fixture, &anna.months[0]);
    assert_int_equal(compact(fixture).due_count, 0);
    keep_fixture_set_now(keep_fixture_now() + 31 * (guint64)KEEP_FIXTURE_DAY_S);
    keep_fixture_set_synchronised(FALSE);
    assert_int_equal(compact(fixture).due_count, 0);
    keep_fixture_set_synchronised(TRUE);
    assert_int_equal(compact(fixture).dropped_count, 2);
    assert_well(fixture->keep);
}

static void compacted_packs_are_compacted_again(void **state)
{
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    for (guint i = 0; i < COUNT; i += 2)
        keep_damage_puncture(fixture, &world->bert[i].months[0], world->bert[i].leaves[0]);
    assert_int_equal(compact(fixture).dropped_count, COUNT);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COUNT / 2);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
    assert_well(fixture->keep);
}

static void event_whose_key_is_gone_goes(void **state)
{
    static const char payload[] = "act: restore-begun\n";
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    assert_true(vault_keep_log_act(fixture->keep, VAULT_LOGGED_RESTORE_BEGUN, payload,
                                   strlen(payload), NULL));
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(compact(fixture).due_count, 0);
    keep_damage_sql(fixture, "keyring.sqlite", "DELETE FROM events");
    assert_int_equal(compact(fixture).dropped_count, 1);
    assert_well(fixture->keep);
}

/* ---- the log -------------------------------------------------------------------------------- */

static guint64 logged_records(KeepFixture *fixture)
{
    g_autoptr(VaultLogReader) log = vault_keep_log_reader(fixture->keep, VAULT_LOG_ARCHIVE, NULL);
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
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;
    guint64 before = logged_records(fixture), acts;
    VaultCompactResult result;

    assert_int_equal(before, 4 * COUNT);
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
    assert_int_equal(logged_records(fixture), before + acts + 2);
}

static void sequence_numbers_go_on_where_the_last_pack_was_compacted(void **state)
{
    g_autoptr(World) world = world_new();
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
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;
    g_autoptr(VaultLogReader) log = NULL;
    g_autoptr(GBytes) bytes = NULL;
    VaultEntry entry;
    GByteArray *event;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    log = vault_keep_log_reader(fixture->keep, VAULT_LOG_CONTROL, NULL);
    bytes = vault_log_reader_entry(log, vault_log_reader_checkpoint(log)->size - 1, NULL);
    assert_true(
        vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &entry, NULL));
    assert_int_equal(entry.act, VAULT_LOGGED_COMPACTED);
    event = vault_keep_event(fixture->keep, &entry, NULL);
    assert_non_null(event);
    assert_non_null(memmem(event->data, event->len, "\nreplaced: ", 11));
    assert_non_null(memmem(event->data, event->len, "\npack: ", 7));
    vault_value_free(event);
}

/* ---- beside others -------------------------------------------------------------------------- */

static void reader_that_has_the_old_pack_open_reads_on(void **state)
{
    g_autoptr(World) world = world_new();
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
    other = vault_keep_record(reader, &world->bert[COUNT - 1].archive_id, G_MAXSIZE, NULL);
    assert_non_null(other);
}

/* What was removed takes no room any more. */
static void writer_itself_lets_go_of_what_it_removed(void **state)
{
    g_autoptr(World) world = world_new();
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
    g_autoptr(World) world = world_new();
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
    g_autoptr(World) world = world_new();
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

/* ---- what it leaves alone ------------------------------------------------------------------- */

static void damaged_pack_is_left_and_named(void **state)
{
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;
    VaultPlace place;
    VaultCompactResult result;
    guint packs = pack_count(fixture, ".pack");
    g_autofree char *path = NULL;

    assert_true(vault_keep_record_place(fixture->keep, &world->bert[9].archive_id, &place, NULL));
    {
        g_autoptr(GPtrArray) all = keep_fixture_packs(fixture, ".pack");

        for (guint i = 0; i < all->len; i++)
            if (strstr(all->pdata[i], VAULT_ID_TEXT(place.pack_id)) != NULL)
                path = g_strdup(all->pdata[i]);
    }
    assert_non_null(path);
    keep_damage_flip(path, (gsize)(place.offset + place.len - 1));
    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    result = compact(fixture);
    assert_int_equal(result.left_count, 1);
    assert_int_equal(result.replaced_count, packs - 1);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COUNT);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 2);
}

static void no_space_is_said_before_anything_is_written(void **state)
{
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;
    VaultCompactOptions options = {.seconds_max = 0};
    g_autoptr(GError) error = NULL;
    VaultCompactResult result;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    fixture->keep->disk_reserve = G_MAXUINT64 / 2;
    assert_false(vault_keep_compact(fixture->keep, &options, &result, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE));
    assert_non_null(strstr(error->message, "more bytes"));
    assert_int_equal(pack_count(fixture, ".draft"), 0);
    assert_int_equal(pack_count(fixture, ".compacted"), 0);
}

/* ---- by name -------------------------------------------------------------------------------- */

static void operator_asks_for_it_by_name(void **state)
{
    static const char text[] = "muniment-compact/1\nseconds: 0\n";
    static const char *const bad[] = {
        "", "muniment-compact/1\n", "muniment-compact/1\nseconds: x\n",
        "muniment-compact/1\nseconds: 3601\n", "muniment-compact/1\nseconds: 0\nmore: 1\n"};
    g_autoptr(World) world = world_new();
    KeepFixture *fixture = world->fixture;
    g_autofree char *answer = NULL;
    VaultCompactResult result;

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(
            vault_keep_operate(fixture->keep, "compact", bad[i], strlen(bad[i]), NULL, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    }
    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    assert_true(vault_keep_operate(fixture->keep, "compact", text, strlen(text), &answer, NULL));
    assert_true(vault_compact_result_parse(answer, &result, NULL));
    assert_int_equal(result.dropped_count, 2 * COUNT);
    assert_false(result.is_more);
}

static void answer_is_read_as_it_was_written_and_nothing_else(void **state)
{
    VaultCompactResult result = {1, 2, 3, 4, 5, 6, 7, G_MAXUINT64, TRUE}, read;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    vault_compact_result_format(&result, text);
    assert_true(vault_compact_result_parse(text->str, &read, NULL));
    assert_memory_equal(&read, &result, sizeof result);
    for (gsize len = 0; len < text->len; len++) {
        g_autofree char *cut = g_strndup(text->str, len);

        assert_false(vault_compact_result_parse(cut, &read, NULL));
    }
    g_string_append(text, "x: 1\n");
    assert_false(vault_compact_result_parse(text->str, &read, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_is_due_from_thirty_percent_dead_on),
        cmocka_unit_test(pack_is_due_when_something_died_longer_ago_than_the_policy_says),
        cmocka_unit_test(body_lives_as_long_as_one_copy_does),
        cmocka_unit_test(nothing_is_done_where_nothing_is_dead),
        cmocka_unit_test(dropped_month_leaves_the_packs_and_the_rest_stays_byte_for_byte),
        cmocka_unit_test(punctured_leaf_leaves_the_packs_and_its_neighbours_stay),
        cmocka_unit_test(body_stays_while_one_owner_can_open_it),
        cmocka_unit_test(stream_pack_goes_with_its_last_copy_and_not_before),
        cmocka_unit_test(stream_pack_goes_after_a_rebuild_too),
        cmocka_unit_test(unknown_months_are_kept),
        cmocka_unit_test(age_makes_a_pack_due_when_the_clock_is_trusted),
        cmocka_unit_test(compacted_packs_are_compacted_again),
        cmocka_unit_test(event_whose_key_is_gone_goes),
        cmocka_unit_test(records_that_moved_are_not_logged_again),
        cmocka_unit_test(sequence_numbers_go_on_where_the_last_pack_was_compacted),
        cmocka_unit_test(each_compaction_is_an_act_in_the_log),
        cmocka_unit_test(reader_that_has_the_old_pack_open_reads_on),
        cmocka_unit_test(writer_itself_lets_go_of_what_it_removed),
        cmocka_unit_test(who_verifies_keeps_compaction_away_and_the_other_way_round),
        cmocka_unit_test(vault_that_closes_stops_it),
        cmocka_unit_test(damaged_pack_is_left_and_named),
        cmocka_unit_test(no_space_is_said_before_anything_is_written),
        cmocka_unit_test(operator_asks_for_it_by_name),
        cmocka_unit_test(answer_is_read_as_it_was_written_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
