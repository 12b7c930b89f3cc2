/* Where indexes of cases lie, and how they go. */
#include "tests/unit/crypto_world.h"

#include "restore/case_folder.h"
#include "vault/base/error.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

static const VaultId vault = {{1}}, other_vault = {{2}};

typedef struct {
    char *state;
} World;

static World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->state = g_dir_make_tmp("muniment-test-XXXXXX", NULL);
    return world;
}

static void remove_all(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *below = g_build_filename(path, name, NULL);

        remove_all(below);
    }
    g_remove(path);
}

static void world_free(World *world)
{
    remove_all(world->state);
    g_free(world->state);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static char *make(World *world, const VaultId *vault_id, guint8 row, const char *case_id)
{
    RowId row_id = {{row}};
    char *folder = case_folder_make(world->state, vault_id, &row_id, case_id, NULL);
    g_autofree char *file = g_build_filename(folder, "1.segment", NULL);

    assert_non_null(folder);
    assert_true(g_file_set_contents(file, "x", 1, NULL));
    return folder;
}

static guint remove_case(World *world, const VaultId *vault_id, const char *case_id)
{
    guint count;

    assert_true(case_folder_remove(world->state, vault_id, case_id, &count, NULL));
    return count;
}

static gboolean is_there(const char *folder)
{
    return g_file_test(folder, G_FILE_TEST_IS_DIR);
}

static void an_index_lies_in_a_private_folder(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *folder = make(world, &vault, 1, "17");
    g_autofree char *again = make(world, &vault, 1, "17");
    g_autofree char *label = g_strconcat(folder, ".case", NULL);
    struct stat status;

    assert_string_equal(folder, again);
    assert_int_equal(g_stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(g_stat(label, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_case_takes_all_its_indexes_with_it_and_no_other(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *one = make(world, &vault, 1, "17"), *two = make(world, &vault, 2, "17");
    g_autofree char *other = make(world, &vault, 3, "18");
    g_autofree char *elsewhere = make(world, &other_vault, 1, "17");

    assert_int_equal(remove_case(world, &vault, "17"), 2);
    assert_false(is_there(one) || is_there(two));
    assert_true(is_there(other) && is_there(elsewhere));
    assert_int_equal(remove_case(world, &vault, "17"), 0);
    assert_int_equal(remove_case(world, &vault, "no such case"), 0);
}

static void what_was_removed_in_part_is_found_again(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *folder = make(world, &vault, 1, "17");

    assert_true(case_folder_empty(folder, NULL));
    assert_true(is_there(folder));
    assert_int_equal(g_rmdir(folder), 0);
    assert_int_equal(remove_case(world, &vault, "17"), 1);
    assert_int_equal(remove_case(world, &vault, "17"), 0);
}

static void one_at_a_time_changes_an_index(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *folder = make(world, &vault, 1, "17");
    g_autofree char *file = g_strconcat(folder, ".lock", NULL);
    g_autoptr(GError) error = NULL;
    VaultFd held = case_folder_lock(folder, CASE_FOLDER_WAIT, NULL);

    assert_true(held >= 0);
    assert_int_equal(case_folder_lock(folder, CASE_FOLDER_NOW, &error), -1);
    assert_error(error, VAULT_ERROR_BUSY);
    assert_true(case_folder_empty(folder, NULL));
    assert_int_equal(case_folder_lock(folder, CASE_FOLDER_NOW, NULL), -1);
    vault_fd_close(&held);
    held = case_folder_lock(folder, CASE_FOLDER_NOW, NULL);
    assert_true(held >= 0);
    vault_fd_close(&held);
    assert_int_equal(remove_case(world, &vault, "17"), 1);
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
}

static void a_state_folder_open_to_others_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GError) error = NULL;
    RowId row_id = {{1}};

    g_chmod(world->state, 0755);
    assert_null(case_folder_make(world->state, &vault, &row_id, "17", &error));
    assert_error(error, VAULT_ERROR_REFUSED);
}

static void a_folder_that_cannot_be_made_is_an_error_of_the_disk(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *file = g_build_filename(world->state, "file", NULL);
    g_autoptr(GError) error = NULL;
    RowId row_id = {{1}};

    assert_true(g_file_set_contents(file, "x", 1, NULL));
    assert_null(case_folder_make(file, &vault, &row_id, "17", &error));
    assert_int_equal(error->domain, VAULT_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_lies_in_a_private_folder),
        cmocka_unit_test(a_case_takes_all_its_indexes_with_it_and_no_other),
        cmocka_unit_test(what_was_removed_in_part_is_found_again),
        cmocka_unit_test(one_at_a_time_changes_an_index),
        cmocka_unit_test(a_state_folder_open_to_others_is_refused),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_an_error_of_the_disk),
    };

    return run_crypto_tests(tests);
}
