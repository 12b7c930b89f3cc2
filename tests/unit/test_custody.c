/* Vault keys and keyring copies: no key goes before its successor's pair is there, what is away
 * waits and is brought up to date, and no place is written to that is not the registered one. */
#include "tests/unit/custody_world.h"

/* ---- pairs ---------------------------------------------------------------------------------- */

static void a_new_vault_has_its_own_holder_and_no_pair(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultCustodyState) known =
        vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    VaultKeepStatus status;

    assert_int_equal(known->entries->len, 1);
    assert_has(world, VAULT_CUSTODY_HOST, "1");
    assert_false(entry_of(known, VAULT_CUSTODY_HOST)->is_off_disk);
    assert_int_equal(known->pair_generation, 0);
    assert_true(vault_keep_status(world->fixture->keep, &status, NULL));
    assert_false(status.pair_exists);
}

static void a_pair_is_a_copy_and_the_key_of_that_copy_off_the_disk(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *beside = g_build_filename(world->fixture->folder, "copies", NULL);
    g_autofree char *near_copy = g_strdup_printf("copy-add/1\nname: near\nplace: %s\n", beside);
    VaultKeepStatus status;

    add_escrow(world, "safe");
    assert_false(has_pair(world));
    assert_int_equal(g_mkdir_with_parents(beside, 0700), 0);
    assert_done(world, "copy-add", near_copy);
    assert_false(has_pair(world));
    add_copy(world, "disk");
    assert_true(has_pair(world));
    assert_true(vault_keep_status(world->fixture->keep, &status, NULL));
    assert_true(status.pair_exists);
    /* It may be in a safe: what was read back from it last counts. */
    take_away(world, "disk");
    take_away(world, "safe");
    assert_true(has_pair(world));
}

static void a_pair_survives_a_crash_and_a_reader_sees_it(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultKeep) reader = NULL;
    g_autoptr(VaultCustodyState) looked = NULL;

    add_file(world, "usb");
    add_copy(world, "disk");
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_true(has_pair(world));
    reader = keep_fixture_reader(world->fixture);
    take_away(world, "usb");
    looked = vault_custody_state(reader, VAULT_CUSTODY_LOOK, NULL);
    assert_true(looked->pair_exists);
    assert_non_null(entry_of(looked, "usb")->away);
    assert_null(entry_of(looked, "disk")->away);
    bring_back(world, "usb");
}

/* ---- erasures ------------------------------------------------------------------------------- */

/* A small site with the plain file only: nothing is protected, so nothing is in the way. */
static void without_any_pair_the_old_key_goes_at_once(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = roll(world, 2);
    gboolean may = TRUE;

    assert_int_equal(outcome_of(results, VAULT_CUSTODY_HOST), VAULT_CUSTODY_DONE);
    assert_has(world, VAULT_CUSTODY_HOST, "2");
    assert_true(vault_custody_may_destroy(world->fixture->keep, 2, &may, NULL));
    assert_false(may);
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_int_equal(vault_keyring_generation(world->fixture->keep->keyring), 2);
}

static void with_everything_at_hand_the_old_key_goes_everywhere(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = NULL;
    g_autoptr(VaultCustodyState) after = NULL;

    add_escrow(world, "safe");
    add_file(world, "usb");
    add_copy(world, "disk");
    results = roll(world, 2);
    for (guint i = 0; i < results->len; i++)
        assert_int_equal(((VaultCustodyResult *)g_ptr_array_index(results, i))->outcome,
                         VAULT_CUSTODY_DONE);
    assert_has(world, VAULT_CUSTODY_HOST, "2");
    assert_has(world, "safe", "2");
    assert_has(world, "usb", "2");
    assert_has(world, "disk", "2");
    after = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_LOOK, NULL);
    assert_true(after->pair_exists);
    assert_int_equal(vault_custody_count_behind(after, VAULT_CUSTODY_HOLDER, 2), 0);
    assert_int_equal(vault_custody_count_behind(after, VAULT_CUSTODY_COPY, 2), 0);
}

/* Through three rolls, which is all that three places for keys allow. */
static void while_the_only_copy_is_away_its_key_stays_and_erasing_goes_on(void **state)
{
    g_autoptr(World) world = world_new();
    VaultKeep *keep = world->fixture->keep;
    g_autoptr(VaultCustodyState) behind = NULL;
    g_autoptr(GPtrArray) second = NULL, third = NULL, fourth = NULL;

    add_escrow(world, "safe");
    add_copy(world, "disk");
    take_away(world, "disk");
    second = roll(world, 2);
    assert_int_equal(outcome_of(second, "safe"), VAULT_CUSTODY_WAITS);
    assert_has(world, VAULT_CUSTODY_HOST, "1 2");
    third = roll(world, 3);
    /* No copy was ever made under the second. */
    assert_int_equal(outcome_of(third, "safe"), VAULT_CUSTODY_DONE);
    assert_has(world, "safe", "1 3");
    fourth = roll(world, 4);
    assert_has(world, VAULT_CUSTODY_HOST, "1 4");
    behind = vault_custody_state(keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_false(behind->pair_exists);
    assert_int_equal(behind->pair_generation, 1);
    assert_int_equal(vault_custody_count_behind(behind, VAULT_CUSTODY_HOLDER, 4), 2);
    assert_int_equal(vault_custody_count_behind(behind, VAULT_CUSTODY_COPY, 4), 1);
    bring_back(world, "disk");
    assert_true(vault_custody_update(keep, NULL));
    assert_has(world, VAULT_CUSTODY_HOST, "4");
    assert_has(world, "safe", "4");
    assert_has(world, "disk", "4");
    assert_true(has_pair(world));
}

static void a_holder_that_was_away_is_brought_up_to_date(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = NULL;

    add_escrow(world, "safe");
    add_file(world, "usb");
    add_copy(world, "disk");
    take_away(world, "usb");
    results = roll(world, 2);
    assert_int_equal(outcome_of(results, "usb"), VAULT_CUSTODY_AWAY);
    assert_int_equal(outcome_of(results, "safe"), VAULT_CUSTODY_DONE);
    assert_has(world, "usb", "1");
    bring_back(world, "usb");
    assert_true(vault_custody_update(world->fixture->keep, NULL));
    assert_has(world, "usb", "2");
}

/* Its key of the second generation is not the one that the keyring came to be sealed under. */
static void a_key_of_a_roll_that_was_given_up_makes_no_pair(void **state)
{
    g_autoptr(World) world = world_new();
    VaultKey given_up = {.generation = 2, .bytes = {1}};
    g_autoptr(GPtrArray) installed = vault_custody_results_new(), results = NULL;

    add_file(world, "usb");
    add_copy(world, "disk");
    assert_true(vault_custody_install(world->fixture->keep, &given_up, installed, NULL));
    assert_has(world, "usb", "1 2");
    take_away(world, "usb");
    results = roll(world, 2);
    assert_false(has_pair(world));
    assert_int_equal(outcome_of(results, VAULT_CUSTODY_HOST), VAULT_CUSTODY_WAITS);
    /* And the copy that its first key opens is not written over. */
    assert_has(world, "disk", "1");
    bring_back(world, "usb");
    assert_true(vault_custody_update(world->fixture->keep, NULL));
    assert_true(has_pair(world));
    assert_has(world, VAULT_CUSTODY_HOST, "2");
}

static void what_is_not_next_or_not_old_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = vault_custody_results_new();

    for (guint32 generation = 0; generation <= 3; generation++) {
        VaultKey key = {.generation = generation};
        g_autoptr(GError) error = NULL;

        assert_int_equal(vault_custody_install(world->fixture->keep, &key, results, &error),
                         generation == 2);
        assert_true(generation == 2 || g_error_matches(error, VAULT_ERROR, VAULT_ERROR_REFUSED));
    }
    for (guint32 generation = 1; generation <= 2; generation++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_custody_destroy(world->fixture->keep, generation, results, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_REFUSED));
    }
    assert_has(world, VAULT_CUSTODY_HOST, "1 2");
}

static void nothing_is_installed_elsewhere_when_the_host_cannot_take_it(void **state)
{
    g_autoptr(World) world = world_new();
    VaultKey next = {.generation = 2, .bytes = {2}};
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_autofree char *draft = g_strconcat(world->fixture->vault_key_path, ".draft", NULL);
    g_autoptr(GError) error = NULL;

    add_file(world, "usb");
    /* A folder where its draft should be. */
    assert_int_equal(mkdir(draft, 0700), 0);
    assert_false(vault_custody_install(world->fixture->keep, &next, results, &error));
    assert_int_equal(results->len, 0);
    assert_has(world, "usb", "1");
}

/* ---- copies --------------------------------------------------------------------------------- */

static void a_copy_opens_like_the_keyring(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = NULL;
    g_autoptr(VaultKeyring) copy = NULL;
    VaultKey key;
    guint64 mailboxes, months;
    g_autoptr(GError) error = NULL;

    keep_fixture_deliver(world->fixture, "Subject: a\r\n\r\nb\r\n", "a@example.org");
    add_copy(world, "disk");
    path = copy_file(world, "disk");
    vault_keyring_vault_key(world->fixture->keep->keyring, &key);
    copy = vault_keyring_open(path, VAULT_KEYRING_READ, vault_keep_id(world->fixture->keep), &key,
                              1, &error);
    if (copy == NULL)
        fail_msg("%s", error->message);
    assert_true(vault_keyring_check(copy, NULL));
    assert_true(vault_keyring_count(copy, &mailboxes, &months, NULL));
    assert_int_equal(mailboxes, 2);
    assert_false(g_file_test("keyring.copy", G_FILE_TEST_EXISTS));
}

static void another_disk_in_its_place_is_not_written_to(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_autofree char *first = copy_file(world, "disk");
    g_autofree char *folder = g_build_filename(world->other, "disk", NULL);
    g_autofree char *text = g_strdup_printf("copy-add/1\nname: second\nplace: %s\n", folder);
    g_autoptr(GError) error = NULL;
    struct stat status;

    add_copy(world, "disk");
    take_away(world, "disk");
    assert_int_equal(mkdir(folder, 0700), 0);
    /* The mount point without a disk, then with the second of the two that take turns. */
    assert_true(vault_custody_copy_keyring(world->fixture->keep, results, NULL));
    assert_int_equal(outcome_of(results, "disk"), VAULT_CUSTODY_AWAY);
    assert_int_not_equal(stat(first, &status), 0);
    assert_done(world, "copy-add", text);
    g_ptr_array_set_size(results, 0);
    assert_true(vault_custody_copy_keyring(world->fixture->keep, results, NULL));
    assert_int_equal(outcome_of(results, "disk"), VAULT_CUSTODY_AWAY);
    assert_int_equal(outcome_of(results, "second"), VAULT_CUSTODY_DONE);
    /* A place that has a copy is not taken for a new one. */
    assert_not_done(world, "copy-add", text, VAULT_ERROR_BUSY);
}

static void a_damaged_copy_is_no_place_of_ours(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = copy_file(world, "disk");
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_autoptr(GString) zeros = g_string_new(NULL);

    add_copy(world, "disk");
    g_string_set_size(zeros, 4096);
    memset(zeros->str, 0, 4096);
    assert_true(g_file_set_contents(path, zeros->str, 4096, NULL));
    assert_true(vault_custody_copy_keyring(world->fixture->keep, results, NULL));
    assert_int_equal(outcome_of(results, "disk"), VAULT_CUSTODY_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_vault_has_its_own_holder_and_no_pair),
        cmocka_unit_test(a_pair_is_a_copy_and_the_key_of_that_copy_off_the_disk),
        cmocka_unit_test(a_pair_survives_a_crash_and_a_reader_sees_it),
        cmocka_unit_test(without_any_pair_the_old_key_goes_at_once),
        cmocka_unit_test(with_everything_at_hand_the_old_key_goes_everywhere),
        cmocka_unit_test(while_the_only_copy_is_away_its_key_stays_and_erasing_goes_on),
        cmocka_unit_test(a_holder_that_was_away_is_brought_up_to_date),
        cmocka_unit_test(a_key_of_a_roll_that_was_given_up_makes_no_pair),
        cmocka_unit_test(what_is_not_next_or_not_old_is_refused),
        cmocka_unit_test(nothing_is_installed_elsewhere_when_the_host_cannot_take_it),
        cmocka_unit_test(a_copy_opens_like_the_keyring),
        cmocka_unit_test(another_disk_in_its_place_is_not_written_to),
        cmocka_unit_test(a_damaged_copy_is_no_place_of_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
