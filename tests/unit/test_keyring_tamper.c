/* A keyring that somebody changed who has the disk and no key: each value is tied to its vault,
 * table, row and version, so that it is found damaged, moved or rolled back. */
#include "tests/unit/keyring_world.h"

#include <fcntl.h>

static const RowId row = {{1}}, other_row = {{2}};

static void assert_open_fails(KeyringWorld *world, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeyring) keyring = vault_keyring_open(world->path, VAULT_KEYRING_WRITE,
                                                         &world->vault_id, &world->key, 1, &error);

    assert_null(keyring);
    assert_error(error, code);
}

/* ---- the file ------------------------------------------------------------------------------- */

static void a_file_that_is_no_keyring_is_corrupt(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();

    world_tamper(world, "PRAGMA application_id=1");
    assert_open_fails(world, VAULT_ERROR_CORRUPT);
    assert_true(g_file_set_contents(world->path, "no database at all, but some text", -1, NULL));
    assert_open_fails(world, VAULT_ERROR_CORRUPT);
    assert_true(g_file_set_contents(world->path, "", -1, NULL));
    assert_open_fails(world, VAULT_ERROR_CORRUPT);
}

static void a_later_schema_is_unsupported(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();

    world_tamper(world, "PRAGMA user_version=4");
    assert_open_fails(world, VAULT_ERROR_UNSUPPORTED);
}

static gboolean no_row(const RowId *row_id, const GByteArray *value, gpointer user, GError **error)
{
    fail_msg("a row in a table that was not there");
    return FALSE;
}

static void a_keyring_of_version_1_gets_the_tables_that_it_lacks(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = NULL;

    world_tamper(world, WORLD_VERSION_2
                 "DROP TABLE holders; DROP TABLE copies; DROP TABLE declarations;"
                 "DROP TABLE erasures; DROP TABLE retention; PRAGMA user_version=1");
    keyring = world_open(world, VAULT_KEYRING_READ);
    assert_true(vault_keyring_each(keyring, VAULT_KEYRING_ERASURES, no_row, NULL, NULL));
    g_clear_pointer(&keyring, vault_keyring_close);
    assert_int_equal(world_count(world, "SELECT count(*) FROM sqlite_schema WHERE name='erasures'"),
                     0);
    keyring = world_open(world, VAULT_KEYRING_WRITE);
    put_row(keyring, VAULT_KEYRING_ERASURES, &row, "kept");
    g_clear_pointer(&keyring, vault_keyring_close);
    keyring = world_open(world, VAULT_KEYRING_READ);
    assert_row(keyring, VAULT_KEYRING_ERASURES, &row, "kept");
}

typedef struct {
    MailboxId mailboxes[2];
    VaultMonthValue *months[3]; /* of the first, the second, the first */
} Directory;

static void directory_clear(Directory *directory)
{
    for (gsize i = 0; i < G_N_ELEMENTS(directory->months); i++)
        vault_month_value_free(directory->months[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Directory, directory_clear)

static gboolean next_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    VaultMonthValue ***expected = user;

    assert_same_month(month, **expected);
    assert_memory_equal(&month->mailbox_id, &(**expected)->mailbox_id, VAULT_ID_LEN);
    ++*expected;
    return TRUE;
}

static void assert_directory(KeyringWorld *world, VaultKeyringMode mode, Directory *directory)
{
    g_autoptr(VaultKeyring) keyring = world_open(world, mode);
    g_autoptr(VaultMonthValue) got = NULL;
    g_autoptr(VaultMonthValue) found = NULL;
    VaultMonthValue **next = directory->months;
    guint64 mailboxes, months;
    MailboxId mailbox_id;

    assert_true(vault_keyring_each_month(keyring, NULL, next_month, &next, NULL));
    assert_true(next == directory->months + G_N_ELEMENTS(directory->months));
    assert_true(vault_keyring_month_mailbox(keyring, &directory->months[1]->month_key_id,
                                            &mailbox_id, NULL));
    assert_memory_equal(&mailbox_id, &directory->mailboxes[1], VAULT_ID_LEN);
    got = vault_keyring_get_month(keyring, &directory->months[1]->month_key_id, NULL);
    assert_same_month(got, directory->months[1]);
    found = vault_keyring_find_month(keyring, &directory->mailboxes[0], 202603, NULL);
    assert_same_month(found, directory->months[2]);
    assert_true(vault_keyring_count(keyring, &mailboxes, &months, NULL));
    assert_int_equal(mailboxes, 2);
    assert_int_equal(months, 3);
}

static Directory directory_new(KeyringWorld *world)
{
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    Directory directory;

    for (guint i = 0; i < 2; i++) {
        g_autoptr(VaultMailboxValue) mailbox =
            world_add_mailbox(keyring, i == 0 ? "a@example.org" : "b@example.org");

        directory.mailboxes[i] = mailbox->mailbox_id;
    }
    for (guint i = 0; i < 3; i++)
        directory.months[i] =
            world_add_month(world, keyring, &directory.mailboxes[i % 2], 202601 + i);
    return directory;
}

/* A reader changes nothing, a writer makes it a new one; both see the same before and after. */
static void a_keyring_of_version_2_is_read_and_renewed(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_auto(Directory) directory = directory_new(world);
    const char *columns = "SELECT count(*) FROM pragma_table_info('months') WHERE name='mailbox'";

    assert_directory(world, VAULT_KEYRING_READ, &directory);
    world_tamper(world, WORLD_VERSION_2);
    assert_directory(world, VAULT_KEYRING_READ, &directory);
    assert_int_equal(world_count(world, columns), 0);
    assert_directory(world, VAULT_KEYRING_WRITE, &directory);
    assert_int_equal(world_count(world, columns), 1);
    assert_int_equal(world_count(world, "PRAGMA user_version"), 3);
    assert_directory(world, VAULT_KEYRING_READ, &directory);
}

static void a_month_is_added_once(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_auto(Directory) directory = directory_new(world);
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(GError) error = NULL;

    assert_false(vault_keyring_add_month(keyring, directory.months[0], &error));
    assert_error(error, VAULT_ERROR_REFUSED);
}

static void a_damaged_page_is_found_by_the_check(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autofree char *value = g_strnfill(20000, 'v');
    g_autoptr(GError) error = NULL;
    guint8 zeros[16] = {0};
    g_auto(VaultFd) fd = -1;
    struct stat status;

    put_row(keyring, VAULT_KEYRING_POLICY, &row, value);
    g_clear_pointer(&keyring, vault_keyring_close);
    keyring = world_open(world, VAULT_KEYRING_READ);
    assert_true(vault_keyring_check(keyring, NULL));
    g_clear_pointer(&keyring, vault_keyring_close);
    fd = open(world->path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    /* The last page belongs to that value: its number of the page after it goes wild. */
    memset(zeros, 0x7f, 4);
    assert_true(vault_file_pwrite_all(fd, zeros, 4, (guint64)status.st_size - 16384, "", NULL));
    keyring = world_open(world, VAULT_KEYRING_READ);
    assert_false(vault_keyring_check(keyring, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
}

static void a_missing_generation_row_is_corrupt(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();

    world_tamper(world, "DELETE FROM generation");
    assert_open_fails(world, VAULT_ERROR_CORRUPT);
}

static void a_missing_or_damaged_vault_row_key_fails_the_open(void **state)
{
    g_autoptr(KeyringWorld) damaged = keyring_world_new();
    g_autoptr(KeyringWorld) missing = keyring_world_new();

    world_tamper(damaged, "UPDATE row_keys SET sealed = zeroblob(73)");
    assert_open_fails(damaged, VAULT_ERROR_CORRUPT);
    world_tamper(missing, "DELETE FROM row_keys");
    assert_open_fails(missing, VAULT_ERROR_CORRUPT);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void assert_row_corrupt(KeyringWorld *world, VaultKeyringTable table, const RowId *row_id)
{
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_READ);
    g_autoptr(GError) error = NULL;

    assert_null(vault_keyring_get(keyring, table, row_id, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
}

static KeyringWorld *world_with_rows(void)
{
    KeyringWorld *world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);

    put_row(keyring, VAULT_KEYRING_HOLDS, &row, "hold it");
    put_row(keyring, VAULT_KEYRING_HOLDS, &other_row, "hold it");
    put_row(keyring, VAULT_KEYRING_GRANTS, &row, "grant");
    return world;
}

static void every_changed_byte_of_a_value_is_found(void **state)
{
    g_autoptr(KeyringWorld) world = world_with_rows();
    gint64 len = world_count(world, "SELECT length(sealed) FROM holds LIMIT 1");

    assert_int_equal(len, 24 + 7 + 16);
    for (gint64 i = 1; i <= len; i++) {
        g_autofree char *script = g_strdup_printf(
            "UPDATE holds SET sealed = substr(sealed, 1, %d - 1) || "
            "CASE substr(sealed, %d, 1) WHEN x'00' THEN x'01' ELSE x'00' END || "
            "substr(sealed, %d + 1) WHERE row_id = x'01000000000000000000000000000000'",
            (int)i, (int)i, (int)i);
        g_autoptr(VaultKeyring) keyring = NULL;

        world_tamper(world, script);
        assert_row_corrupt(world, VAULT_KEYRING_HOLDS, &row);
        keyring = world_open(world, VAULT_KEYRING_WRITE);
        put_row(keyring, VAULT_KEYRING_HOLDS, &row, "hold it");
        assert_row(keyring, VAULT_KEYRING_HOLDS, &row, "hold it");
    }
}

static void a_value_cut_or_emptied_is_found(void **state)
{
    static const char *const scripts[] = {
        "UPDATE holds SET sealed = substr(sealed, 1, length(sealed) - 1)",
        "UPDATE holds SET sealed = substr(sealed, 1, 39)", "UPDATE holds SET sealed = x''",
        "UPDATE holds SET sealed = sealed || x'00'"};

    for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++) {
        g_autoptr(KeyringWorld) world = world_with_rows();

        world_tamper(world, scripts[i]);
        assert_row_corrupt(world, VAULT_KEYRING_HOLDS, &row);
    }
}

static void swapped_rows_are_found(void **state)
{
    g_autoptr(KeyringWorld) world = world_with_rows();

    world_tamper(world, "CREATE TABLE kept AS SELECT * FROM holds;"
                        "UPDATE holds SET sealed = (SELECT sealed FROM kept "
                        "WHERE kept.row_id <> holds.row_id); DROP TABLE kept;");
    assert_row_corrupt(world, VAULT_KEYRING_HOLDS, &row);
    assert_row_corrupt(world, VAULT_KEYRING_HOLDS, &other_row);
}

static void a_row_of_another_table_is_found(void **state)
{
    g_autoptr(KeyringWorld) world = world_with_rows();

    world_tamper(world, "UPDATE holds SET sealed = (SELECT sealed FROM grants)");
    assert_row_corrupt(world, VAULT_KEYRING_HOLDS, &row);
}

/* Sealed under the old version it does not open as the new one; with its old version beside it, it
 * does: that no whole row comes back is what vault-key generations are for. */
static void a_value_rolled_back_alone_is_found(void **state)
{
    g_autoptr(KeyringWorld) world = world_with_rows();
    g_autoptr(VaultKeyring) keyring = NULL;

    world_tamper(world, "CREATE TABLE kept AS SELECT * FROM holds");
    keyring = world_open(world, VAULT_KEYRING_WRITE);
    put_row(keyring, VAULT_KEYRING_HOLDS, &row, "held anew");
    g_clear_pointer(&keyring, vault_keyring_close);
    world_tamper(world, "UPDATE holds SET sealed = (SELECT sealed FROM kept "
                        "WHERE kept.row_id = holds.row_id)");
    assert_row_corrupt(world, VAULT_KEYRING_HOLDS, &row);
}

static void a_changed_version_is_found(void **state)
{
    g_autoptr(KeyringWorld) world = world_with_rows();

    world_tamper(world, "UPDATE holds SET row_version = row_version + 1");
    assert_row_corrupt(world, VAULT_KEYRING_HOLDS, &row);
}

static gboolean visit_row(const RowId *row_id, const GByteArray *value, gpointer user,
                          GError **error)
{
    (*(guint *)user)++;
    return TRUE;
}

static void a_walk_ends_at_a_damaged_row_with_the_reason(void **state)
{
    g_autoptr(KeyringWorld) world = world_with_rows();
    g_autoptr(VaultKeyring) keyring = NULL;
    g_autoptr(GError) error = NULL;
    guint count = 0;

    world_tamper(world, "UPDATE holds SET sealed = zeroblob(47) "
                        "WHERE row_id = x'02000000000000000000000000000000'");
    keyring = world_open(world, VAULT_KEYRING_READ);
    assert_false(vault_keyring_each(keyring, VAULT_KEYRING_HOLDS, visit_row, &count, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
    assert_int_equal(count, 1);
}

/* An id that is no id: never read past its end. */
static void an_id_of_another_length_is_corrupt(void **state)
{
    g_autoptr(KeyringWorld) world = world_with_rows();
    g_autoptr(VaultKeyring) keyring = NULL;
    g_autoptr(GError) error = NULL;
    guint count = 0;

    world_tamper(world, "UPDATE holds SET row_id = substr(row_id, 1, 15)");
    keyring = world_open(world, VAULT_KEYRING_READ);
    assert_false(vault_keyring_each(keyring, VAULT_KEYRING_HOLDS, visit_row, &count, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
}

/* ---- mailboxes and months ------------------------------------------------------------------- */

static gboolean visit_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    return TRUE;
}

static gboolean visit_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    return TRUE;
}

/* Two mailboxes with a month each, changed by `script`: months and mailboxes are found bad. */
static void assert_directory_corrupt(const char *script, gboolean are_mailboxes_good)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) one = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMailboxValue) two = world_add_mailbox(keyring, "b@example.org");
    g_autoptr(VaultMonthValue) first = world_add_month(world, keyring, &one->mailbox_id, 202611);
    g_autoptr(VaultMonthValue) second = world_add_month(world, keyring, &two->mailbox_id, 202611);
    g_autoptr(GError) month_error = NULL;
    g_autoptr(GError) walk_error = NULL;

    g_clear_pointer(&keyring, vault_keyring_close);
    world_tamper(world, script);
    keyring = world_open(world, VAULT_KEYRING_READ);
    assert_null(vault_keyring_get_month(keyring, &first->month_key_id, &month_error));
    assert_error(month_error, VAULT_ERROR_CORRUPT);
    assert_false(vault_keyring_each_month(keyring, NULL, visit_month, NULL, &walk_error));
    assert_error(walk_error, VAULT_ERROR_CORRUPT);
    assert_int_equal(vault_keyring_each_mailbox(keyring, visit_mailbox, NULL, NULL),
                     are_mailboxes_good);
}

#define SWAP(table, column)                                                                        \
    "CREATE TABLE kept AS SELECT * FROM " table ";"                                                \
    "UPDATE " table " SET " column " = (SELECT " column " FROM kept WHERE kept.row_id <> " table   \
    ".row_id AND kept.row_id IN "                                                                  \
    "(SELECT row_id FROM mailboxes UNION SELECT row_id FROM months)) WHERE row_id IN "             \
    "(SELECT row_id FROM mailboxes UNION SELECT row_id FROM months); DROP TABLE kept;"

static void swapped_months_are_found(void **state)
{
    assert_directory_corrupt(SWAP("months", "sealed"), TRUE);
}

/* A month given to another mailbox would hand its mail to that mailbox's reader. */
static void months_given_to_another_mailbox_are_found(void **state)
{
    assert_directory_corrupt(SWAP("months", "mailbox"), TRUE);
}

static void swapped_row_keys_are_found(void **state)
{
    assert_directory_corrupt(SWAP("row_keys", "sealed"), FALSE);
}

static void damaged_row_keys_are_found(void **state)
{
    assert_directory_corrupt("UPDATE row_keys SET sealed = zeroblob(73) WHERE row_id IN "
                             "(SELECT row_id FROM mailboxes)",
                             FALSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_no_keyring_is_corrupt),
        cmocka_unit_test(a_later_schema_is_unsupported),
        cmocka_unit_test(a_keyring_of_version_1_gets_the_tables_that_it_lacks),
        cmocka_unit_test(a_keyring_of_version_2_is_read_and_renewed),
        cmocka_unit_test(a_month_is_added_once),
        cmocka_unit_test(a_damaged_page_is_found_by_the_check),
        cmocka_unit_test(a_missing_generation_row_is_corrupt),
        cmocka_unit_test(a_missing_or_damaged_vault_row_key_fails_the_open),
        cmocka_unit_test(every_changed_byte_of_a_value_is_found),
        cmocka_unit_test(a_value_cut_or_emptied_is_found),
        cmocka_unit_test(swapped_rows_are_found),
        cmocka_unit_test(a_row_of_another_table_is_found),
        cmocka_unit_test(a_value_rolled_back_alone_is_found),
        cmocka_unit_test(a_changed_version_is_found),
        cmocka_unit_test(a_walk_ends_at_a_damaged_row_with_the_reason),
        cmocka_unit_test(an_id_of_another_length_is_corrupt),
        cmocka_unit_test(swapped_months_are_found),
        cmocka_unit_test(months_given_to_another_mailbox_are_found),
        cmocka_unit_test(swapped_row_keys_are_found),
        cmocka_unit_test(damaged_row_keys_are_found),
    };

    return run_crypto_tests(tests);
}
