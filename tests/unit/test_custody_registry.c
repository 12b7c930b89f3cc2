/* The registry of holders, copies and declared copies: what it takes up, and how a place leaves it.
 */
#include "tests/unit/custody_world.h"

static void names_and_places_that_cannot_be_are_refused(void **state)
{
    static const char *const addresses[] = {
        "ssh://-x/y",     "ssh://-oProxyCommand=x/y", "ssh://host",    "ssh://user:secret@host/y",
        "ssh://host/y?z", "ssh://-u@host/y",          "ssh://ho st/y", "ssh:///y"};
    g_autoptr(World) world = world_new();
    g_autofree char *inside =
        g_strdup_printf("holder-add/1\nname: a\nkind: file\nplace: %s/key\n", world->fixture->path);
    g_autofree char *inside_copy =
        g_strdup_printf("copy-add/1\nname: a\nplace: %s\n", world->fixture->path);
    g_autofree char *own = g_strdup_printf("holder-add/1\nname: a\nkind: file\nplace: %s\n",
                                           world->fixture->vault_key_path);
    g_autofree char *again =
        g_strdup_printf("holder-add/1\nname: usb\nkind: file\nplace: %s/x\n", world->other);

    add_file(world, "usb");
    assert_not_done(world, "holder-add", inside, VAULT_ERROR_REFUSED);
    assert_not_done(world, "copy-add", inside_copy, VAULT_ERROR_REFUSED);
    assert_not_done(world, "holder-add", own, VAULT_ERROR_BUSY);
    assert_not_done(world, "holder-add", again, VAULT_ERROR_BUSY);
    assert_not_done(world, "holder-add", "holder-add/1\nname: -a\nkind: file\nplace: /x\n",
                    VAULT_ERROR_MALFORMED);
    assert_not_done(world, "holder-add", "holder-add/1\nname: a\nkind: cloud\nplace: /x\n",
                    VAULT_ERROR_MALFORMED);
    assert_not_done(world, "holder-add", "holder-add/1\nname: a\nkind: file\nplace: x\n",
                    VAULT_ERROR_MALFORMED);
    assert_not_done(world, "holder-add", "holder-add/2\n", VAULT_ERROR_UNSUPPORTED);
    assert_not_done(world, "copy-add", "copy-add/1\nname: a\nplace: x\n", VAULT_ERROR_MALFORMED);
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *text = g_strdup_printf("copy-add/1\nname: a\nplace: %s\n", addresses[i]);

        assert_not_done(world, "copy-add", text, VAULT_ERROR_MALFORMED);
    }
}

static void a_copy_that_was_made_by_hand_is_taken_up(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = g_build_filename(world->other, "hand", NULL);
    g_autofree char *other = g_build_filename(world->other, "other", NULL);
    g_autofree char *text = NULL;
    gsize len;

    assert_true(g_file_get_contents(world->fixture->vault_key_path, &text, &len, NULL));
    assert_true(g_file_set_contents(path, text, (gssize)len, NULL));
    add_file(world, "hand");
    assert_has(world, "hand", "1");
    assert_true(g_file_set_contents(other, "notes\n", -1, NULL));
    text[0] = '\0';
    g_free(text);
    text = g_strdup_printf("holder-add/1\nname: other\nkind: file\nplace: %s\n", other);
    assert_not_done(world, "holder-add", text, VAULT_ERROR_BUSY);
}

static void a_holder_goes_with_its_keys_or_is_told_to_be_lost(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = g_build_filename(world->other, "usb", NULL);
    guint64 now_s = KEEP_FIXTURE_NOW_S;
    g_autoptr(VaultCustodyState) after = NULL;

    add_file(world, "usb");
    add_file(world, "second");
    assert_done(world, "holder-remove", "holder-remove/1\nname: usb\nlost: no\n");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    take_away(world, "second");
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: second\nlost: no\n",
                    VAULT_ERROR_NOT_FOUND);
    assert_done(world, "holder-remove", "holder-remove/1\nname: second\nlost: yes\n");
    after = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(after->entries->len, 1);
    /* Whoever finds it has the key. */
    assert_true(vault_custody_declared_until(after, now_s) >
                now_s + 30000 * G_GUINT64_CONSTANT(86400));
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: host\nlost: no\n",
                    VAULT_ERROR_REFUSED);
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: nobody\nlost: no\n",
                    VAULT_ERROR_NOT_FOUND);
}

static void the_last_copy_of_a_pair_stays(void **state)
{
    g_autoptr(World) world = world_new();

    add_escrow(world, "safe");
    add_copy(world, "disk");
    assert_not_done(world, "copy-remove", "copy-remove/1\nname: disk\nlost: no\n",
                    VAULT_ERROR_REFUSED);
    add_copy(world, "tape");
    assert_done(world, "copy-remove", "copy-remove/1\nname: disk\nlost: no\n");
    assert_true(has_pair(world));
}

static void the_last_holder_of_a_pair_stays(void **state)
{
    g_autoptr(World) world = world_new();

    add_file(world, "usb");
    add_copy(world, "disk");
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: usb\nlost: no\n",
                    VAULT_ERROR_REFUSED);
    add_escrow(world, "safe");
    assert_done(world, "holder-remove", "holder-remove/1\nname: usb\nlost: no\n");
    assert_true(has_pair(world));
}

static void a_copy_goes_or_is_told_to_be_lost(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = copy_file(world, "disk");
    g_autoptr(VaultCustodyState) after = NULL;

    add_copy(world, "disk");
    add_copy(world, "tape");
    assert_done(world, "copy-remove", "copy-remove/1\nname: disk\nlost: no\n");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    take_away(world, "tape");
    assert_not_done(world, "copy-remove", "copy-remove/1\nname: tape\nlost: no\n",
                    VAULT_ERROR_NOT_FOUND);
    assert_done(world, "copy-remove", "copy-remove/1\nname: tape\nlost: yes\n");
    after = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(after->entries->len, 1);
}

static void declared_copies_count_as_long_as_they_are_kept(void **state)
{
    g_autoptr(World) world = world_new();
    const guint64 day_s = 86400, now_s = KEEP_FIXTURE_NOW_S;
    g_autoptr(VaultCustodyState) made = NULL, ended = NULL;

    assert_done(world, "copy-declare", "copy-declare/1\nname: vm\nkeep-days: 30\nmade: again\n");
    made = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(vault_custody_declared_until(made, now_s + 100 * day_s), now_s + 130 * day_s);
    assert_not_done(world, "copy-declare", "copy-declare/1\nname: vm\nkeep-days: 29\nmade: again\n",
                    VAULT_ERROR_REFUSED);
    assert_done(world, "copy-declare", "copy-declare/1\nname: vm\nkeep-days: 30\nmade: once\n");
    ended = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(ended->declarations->len, 1);
    assert_int_equal(vault_custody_declared_until(ended, now_s + 10 * day_s), now_s + 30 * day_s);
    assert_int_equal(vault_custody_declared_until(ended, now_s + 30 * day_s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_places_that_cannot_be_are_refused),
        cmocka_unit_test(a_copy_that_was_made_by_hand_is_taken_up),
        cmocka_unit_test(a_holder_goes_with_its_keys_or_is_told_to_be_lost),
        cmocka_unit_test(the_last_holder_of_a_pair_stays),
        cmocka_unit_test(the_last_copy_of_a_pair_stays),
        cmocka_unit_test(a_copy_goes_or_is_told_to_be_lost),
        cmocka_unit_test(declared_copies_count_as_long_as_they_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
