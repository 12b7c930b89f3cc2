/* The live keyring as one file: whole, as of one moment, and in nobody's way. */
#include "tests/unit/keyring_world.h"

#include <stdio.h>

static const RowId row = {{1}}, other_row = {{2}};

static VaultKeyring *open_at(KeyringWorld *world, const char *path)
{
    g_autoptr(GError) error = NULL;
    VaultKeyring *keyring =
        vault_keyring_open(path, VAULT_KEYRING_READ, &world->vault_id, &world->key, 1, &error);

    if (keyring == NULL)
        fail_msg("%s", error->message);
    return keyring;
}

static void a_snapshot_opens_and_has_what_was_committed(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autofree char *path = g_strconcat(world->path, ".copy", NULL);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    g_autoptr(VaultKeyring) copy = NULL;
    struct stat status;

    put_row(keyring, VAULT_KEYRING_HOLDS, &row, "first");
    assert_true(vault_keyring_snapshot(keyring, path, NULL));
    put_row(keyring, VAULT_KEYRING_HOLDS, &row, "second");
    copy = open_at(world, path);
    assert_row(copy, VAULT_KEYRING_HOLDS, &row, "first");
    assert_true(vault_keyring_check(copy, NULL));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
    unlink(path);
}

/* A change that is under way is not in it, and does not hold it up; nor the other way round. */
static void a_change_and_a_snapshot_do_not_wait_for_each_other(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autofree char *path = g_strconcat(world->path, ".copy", NULL);
    g_autoptr(VaultKeyringChange) change = NULL;
    g_autoptr(VaultKeyring) copy = NULL;
    gboolean has = TRUE;

    put_row(keyring, VAULT_KEYRING_HOLDS, &row, "first");
    change = vault_keyring_begin(keyring, NULL);
    put_row(keyring, VAULT_KEYRING_HOLDS, &other_row, "half");
    assert_true(vault_keyring_snapshot(keyring, path, NULL));
    assert_true(vault_keyring_commit(g_steal_pointer(&change), NULL));
    copy = open_at(world, path);
    assert_row(copy, VAULT_KEYRING_HOLDS, &row, "first");
    assert_true(vault_keyring_has(copy, VAULT_KEYRING_HOLDS, &other_row, &has, NULL));
    assert_false(has);
    unlink(path);
}

static void what_is_there_is_not_overwritten(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autofree char *path = g_strconcat(world->path, ".copy", NULL);
    g_autofree char *kept = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(g_file_set_contents(path, "mine", -1, NULL));
    assert_false(vault_keyring_snapshot(keyring, path, &error));
    assert_error(error, VAULT_ERROR_BUSY);
    assert_true(g_file_get_contents(path, &kept, NULL, NULL));
    assert_string_equal(kept, "mine");
    unlink(path);
}

static void a_failed_snapshot_leaves_nothing(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autofree char *path = g_strconcat(world->path, ".copy", NULL);
    g_autofree char *elsewhere = g_strconcat(world->path, ".elsewhere", NULL);
    g_autoptr(GError) error = NULL;

    assert_int_equal(rename(world->path, elsewhere), 0);
    assert_false(vault_keyring_snapshot(keyring, path, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    assert_int_equal(rename(elsewhere, world->path), 0);
}

static void the_vault_key_is_the_one_that_opens_it(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_READ);
    g_auto(VaultKey) key = {.generation = 0};

    vault_keyring_vault_key(keyring, &key);
    assert_memory_equal(&key, &world->key, sizeof key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_opens_and_has_what_was_committed),
        cmocka_unit_test(a_change_and_a_snapshot_do_not_wait_for_each_other),
        cmocka_unit_test(what_is_there_is_not_overwritten),
        cmocka_unit_test(a_failed_snapshot_leaves_nothing),
        cmocka_unit_test(the_vault_key_is_the_one_that_opens_it),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
