/* Making and opening a vault: who may, with which key, on which host. */
#include "tests/support/keep_damage.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#define ANNA "anna@example.org"

static VaultErrorCode create_error(const char *path, const VaultCreateOptions *options)
{
    g_autoptr(GError) error = NULL;

    assert_false(vault_keep_create(path, options, &error));
    assert_non_null(error);
    return (VaultErrorCode)error->code;
}

static void change_host(const KeepFixture *fixture, const char *from, const char *to)
{
    g_autofree char *path = keep_damage_path(fixture, "host");
    g_autofree char *text = NULL;
    GString *changed;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_non_null(strstr(text, from));
    changed = g_string_new(text);
    g_string_replace(changed, from, to, 1);
    keep_damage_write(path, changed->str, changed->len);
    g_string_free(changed, TRUE);
}

/* ---- opening -------------------------------------------------------------------------------- */

static void second_writer_is_refused_while_the_first_is_there(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultRebuildResult result;
    g_autoptr(GError) error = NULL;

    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_BUSY);
    assert_false(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &result, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY));
    keep_fixture_deliver(fixture, "the first goes on", ANNA);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
}

static void vault_of_another_host_is_refused_to_a_writer_and_shown_to_a_reader(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultKeep) reader = NULL;

    keep_fixture_close(fixture);
    change_host(fixture, "machine: ", "machine: 00");
    {
        g_autofree char *path = keep_damage_path(fixture, "host");
        g_autoptr(GByteArray) text = keep_damage_read(path);

        keep_damage_write(path, text->data, text->len - 3);
    }
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_REFUSED);
    reader = keep_fixture_reader(fixture);
    assert_non_null(reader);
}

static void damaged_host_file_is_corrupt_and_none_is_no_vault(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    keep_fixture_close(fixture);
    change_host(fixture, "machine: ", "engine: ");
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_CORRUPT);
    keep_damage_remove(fixture, "host");
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_NOT_FOUND);
}

static void missing_or_wrong_vault_key_is_no_key(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *other_path = g_build_filename(fixture->folder, "other", NULL);
    g_autofree char *other_key = g_strconcat(other_path, ".vaultkey", NULL);
    g_autofree char *elsewhere = g_build_filename(fixture->folder, "moved", NULL);
    VaultCreateOptions create = {.masters = &fixture->master.public, .master_count = 1};
    g_autoptr(GByteArray) key = NULL;

    keep_fixture_close(fixture);
    assert_true(vault_keep_create(other_path, &create, NULL));
    fixture->options.vault_key_path = other_key;
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_NO_KEY);
    fixture->options.vault_key_path = NULL;
    assert_int_equal(g_rename(fixture->vault_key_path, elsewhere), 0);
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_NO_KEY);
    /* Of this vault, but another key. */
    key = keep_damage_read(elsewhere);
    keep_damage_write(elsewhere, key->data, key->len - 4);
    assert_int_equal(g_rename(elsewhere, fixture->vault_key_path), 0);
    assert_true(keep_fixture_open_error(fixture) != VAULT_ERROR_NOT_FOUND);
}

static void vault_key_of_another_generation_is_no_key(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultKey wrong = {.generation = 1, .bytes = {9}};
    g_autofree char *text = vault_key_file_format(vault_keep_id(fixture->keep), &wrong, 1);

    keep_fixture_close(fixture);
    keep_damage_write(fixture->vault_key_path, text, strlen(text));
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_NO_KEY);
}

static void vault_key_inside_the_vault_is_refused_also_through_a_link(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *inside = keep_damage_path(fixture, "run/key");
    g_autofree char *link = g_build_filename(fixture->folder, "link", NULL);
    g_autofree char *through = g_build_filename(link, "key", NULL);
    g_autofree char *target = keep_damage_path(fixture, "packs");

    keep_fixture_close(fixture);
    fixture->options.vault_key_path = inside;
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_REFUSED);
    assert_int_equal(symlink(target, link), 0);
    fixture->options.vault_key_path = through;
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_REFUSED);
}

static void reader_without_a_catalog_is_told_to_rebuild(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) reader = NULL;

    keep_fixture_close(fixture);
    keep_damage_remove(fixture, "catalog.sqlite");
    fixture->options.mode = VAULT_KEEP_READER;
    reader = vault_keep_open(fixture->path, &fixture->options, &error);
    assert_null(reader);
    assert_non_null(strstr(error->message, "muniment rebuild"));
}

static void keyring_without_a_locator_key_is_corrupt(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    keep_fixture_close(fixture);
    keep_damage_sql(fixture, "keyring.sqlite", "DELETE FROM locator_key");
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_CORRUPT);
}

/* ---- making --------------------------------------------------------------------------------- */

static void vault_is_made_closed_to_others_and_only_in_an_empty_folder(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultCreateOptions create = {.masters = &fixture->master.public, .master_count = 1};
    g_autofree char *empty = g_build_filename(fixture->folder, "empty", NULL);
    struct stat status;

    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(stat(fixture->vault_key_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(create_error(fixture->path, &create), VAULT_ERROR_BUSY);
    assert_int_equal(g_mkdir(empty, 0755), 0);
    assert_true(vault_keep_create(empty, &create, NULL));
    assert_int_equal(stat(empty, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void failed_making_leaves_nothing_behind(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MasterPublic masters[VAULT_WRAPS_MAX + 1];
    VaultCreateOptions create = {.masters = masters, .master_count = 1};
    g_autofree char *path = g_build_filename(fixture->folder, "new", NULL);
    g_autofree char *inside = g_build_filename(path, "packs", "key", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(masters); i++)
        masters[i] = fixture->master.public;
    create.master_count = 0;
    assert_int_equal(create_error(path, &create), VAULT_ERROR_REFUSED);
    create.master_count = VAULT_WRAPS_MAX + 1;
    assert_int_equal(create_error(path, &create), VAULT_ERROR_REFUSED);
    create.master_count = 1;
    create.vault_key_path = inside;
    assert_int_equal(create_error(path, &create), VAULT_ERROR_REFUSED);
    assert_int_equal(g_access(path, F_OK), -1);
    /* A key file that is there already is another vault's. */
    create.vault_key_path = fixture->vault_key_path;
    create_error(path, &create);
    assert_int_equal(g_access(path, F_OK), -1);
    assert_int_equal(g_access(fixture->vault_key_path, F_OK), 0);
    create.vault_key_path = NULL;
    assert_true(vault_keep_create(path, &create, NULL));
}

static void most_masters_are_all_wrapped_to(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MasterPublic masters[VAULT_WRAPS_MAX];
    VaultCreateOptions create = {.masters = masters, .master_count = VAULT_WRAPS_MAX};
    g_autoptr(GPtrArray) months = NULL;
    g_autoptr(GArray) found = NULL;
    MailboxId mailbox;

    for (gsize i = 0; i < G_N_ELEMENTS(masters); i++) {
        g_auto(VaultMaster) master;

        vault_master_create(&master);
        masters[i] = master.public;
    }
    keep_fixture_close(fixture);
    g_free(fixture->path);
    fixture->path = g_build_filename(fixture->folder, "many", NULL);
    assert_true(vault_keep_create(fixture->path, &create, NULL));
    keep_fixture_open(fixture);
    mailbox = keep_fixture_mailbox(fixture, ANNA);
    months = vault_keep_months(fixture->keep, &mailbox, 1, 0, G_MAXINT64, NULL);
    assert_int_equal(months->len, 1);
    assert_int_equal(((VaultMonthKeys *)g_ptr_array_index(months, 0))->wraps->len, VAULT_WRAPS_MAX);
    found = vault_keep_masters(fixture->keep, NULL);
    assert_int_equal(found->len, VAULT_WRAPS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_writer_is_refused_while_the_first_is_there),
        cmocka_unit_test(vault_of_another_host_is_refused_to_a_writer_and_shown_to_a_reader),
        cmocka_unit_test(damaged_host_file_is_corrupt_and_none_is_no_vault),
        cmocka_unit_test(missing_or_wrong_vault_key_is_no_key),
        cmocka_unit_test(vault_key_of_another_generation_is_no_key),
        cmocka_unit_test(vault_key_inside_the_vault_is_refused_also_through_a_link),
        cmocka_unit_test(reader_without_a_catalog_is_told_to_rebuild),
        cmocka_unit_test(keyring_without_a_locator_key_is_corrupt),
        cmocka_unit_test(vault_is_made_closed_to_others_and_only_in_an_empty_folder),
        cmocka_unit_test(failed_making_leaves_nothing_behind),
        cmocka_unit_test(most_masters_are_all_wrapped_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
