/* Compaction: what died leaves the packs, what lives stays as it is, wherever it lies. */
#include "tests/unit/compact_world.h"

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
    g_autoptr(CompactWorld) world = compact_world_new();
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
    g_autoptr(CompactWorld) world = compact_world_new();
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
    assert_int_equal(result.dropped_count, 3 * COMPACT_COUNT);
    assert_int_equal(result.kept_count, 3 * COMPACT_COUNT);
    assert_int_equal(result.left_count, 0);
    assert_int_equal(result.replaced_count, packs_before);
    assert_true(result.made_count < packs_before);
    assert_int_equal(pack_count(fixture, ".compacted"), result.made_count);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COMPACT_COUNT);
    after = record(fixture, &world->bert[7].archive_id);
    assert_true(g_bytes_equal(before, after));
    assert_gone(fixture, &world->anna[3].archive_id);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
    assert_well(fixture->keep);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COMPACT_COUNT);
    assert_int_equal(compact(fixture).due_count, 0);
}

static void punctured_leaf_leaves_the_packs_and_its_neighbours_stay(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    VaultCompactResult result;

    for (guint i = 0; i < COMPACT_COUNT; i += 2)
        keep_damage_puncture(fixture, &world->anna[i].months[0], world->anna[i].leaves[0]);
    for (guint i = 1; i < COMPACT_COUNT; i += 2)
        keep_damage_puncture(fixture, &world->bert[i].months[0], world->bert[i].leaves[0]);
    result = compact(fixture);
    assert_int_equal(result.dropped_count, 3 * COMPACT_COUNT);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COMPACT_COUNT);
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
    assert_int_equal(result.kept_count, 4); /* the bodies, Bert's copy and his terms copy */
    assert_int_equal(result.dropped_count, 5);
    body = record(fixture, &shared.archive_id);
    assert_non_null(body);
    assert_well(fixture->keep);
    keep_damage_drop_month(fixture, &shared.months[1]);
    result = compact(fixture);
    assert_int_equal(result.kept_count, 0);
    assert_int_equal(result.dropped_count, 4);
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
    assert_int_equal(compact(fixture).dropped_count, 3);
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
    VaultRebuildResult rebuilt;
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery anna = keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);

    for (guint i = 0; i < 20; i++) {
        g_autofree char *text = g_strdup_printf("%u", i);

        keep_fixture_deliver(fixture, text, BERT);
    }
    keep_damage_drop_month(fixture, &anna.months[0]);
    keep_fixture_close(fixture);
    assert_true(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &rebuilt, NULL));
    keep_fixture_open(fixture);
    assert_int_equal(pack_count(fixture, ".stream"), 1);
    assert_int_equal(compact(fixture).dropped_count, 1); /* the copy's pack is not due */
    assert_int_equal(pack_count(fixture, ".stream"), 0);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
    assert_well(fixture->keep);
}

/* An erasure takes what it destroyed out of the catalog. */
static void copies_that_left_the_catalog_take_their_bodies_with_them(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;
    g_autofree char *script =
        g_strdup_printf("DELETE FROM copies WHERE month_key_id = x'%s'; UPDATE totals SET "
                        "copy_count = (SELECT count(*) FROM copies)",
                        VAULT_ID_TEXT(world->anna[0].months[0]));

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    keep_damage_sql(fixture, "catalog.sqlite", script);
    assert_int_equal(compact(fixture).dropped_count, 3 * COMPACT_COUNT);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COMPACT_COUNT);
    assert_well(fixture->keep);
    assert_rebuilt_alike(fixture);
}

/* The keyring judges the copies that stand beside a body, not what the catalog has forgotten. */
static void catalog_that_forgot_copies_costs_no_body(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    keep_damage_sql(fixture, "catalog.sqlite", "DELETE FROM copies");
    assert_int_equal(compact(fixture).kept_count, 3 * COMPACT_COUNT);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COMPACT_COUNT);
}

static void unknown_months_are_kept(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;

    keep_damage_forget_month(fixture, &world->anna[0].months[0]);
    for (guint i = 0; i < COMPACT_COUNT; i++)
        keep_damage_puncture(fixture, &world->bert[i].months[0], world->bert[i].leaves[0]);
    assert_int_equal(compact(fixture).kept_count, 3 * COMPACT_COUNT);
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
    assert_int_equal(compact(fixture).dropped_count, 3);
    assert_well(fixture->keep);
}

static void compacted_packs_are_compacted_again(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
    KeepFixture *fixture = world->fixture;

    keep_damage_drop_month(fixture, &world->anna[0].months[0]);
    compact(fixture);
    for (guint i = 0; i < COMPACT_COUNT; i += 2)
        keep_damage_puncture(fixture, &world->bert[i].months[0], world->bert[i].leaves[0]);
    assert_int_equal(compact(fixture).dropped_count, 3 * COMPACT_COUNT / 2);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COMPACT_COUNT / 2);
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

/* ---- what it leaves alone ------------------------------------------------------------------- */

static void damaged_pack_is_left_and_named(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
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
    assert_int_equal(keep_fixture_copy_count(fixture->keep), COMPACT_COUNT);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 2);
}

static void no_space_is_said_before_anything_is_written(void **state)
{
    g_autoptr(CompactWorld) world = compact_world_new();
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
    g_autoptr(CompactWorld) world = compact_world_new();
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
    assert_int_equal(result.dropped_count, 3 * COMPACT_COUNT);
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
        cmocka_unit_test(copies_that_left_the_catalog_take_their_bodies_with_them),
        cmocka_unit_test(catalog_that_forgot_copies_costs_no_body),
        cmocka_unit_test(unknown_months_are_kept),
        cmocka_unit_test(age_makes_a_pack_due_when_the_clock_is_trusted),
        cmocka_unit_test(compacted_packs_are_compacted_again),
        cmocka_unit_test(event_whose_key_is_gone_goes),
        cmocka_unit_test(damaged_pack_is_left_and_named),
        cmocka_unit_test(no_space_is_said_before_anything_is_written),
        cmocka_unit_test(operator_asks_for_it_by_name),
        cmocka_unit_test(answer_is_read_as_it_was_written_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
