/* Changes of the keyring under failing calls, beside other processes and in read-only hands: all
 * of a change is there or nothing of it. */
#include "tests/unit/keyring_world.h"

#include "vault/store/keyring_rows.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static const RowId row = {{1}}, other_row = {{2}};

/* ---- calls that fail ------------------------------------------------------------------------ */

static int calls_left = -1; /* -1: none fails */
static int error_number;
static gboolean has_failed;

/* SQLite takes no notice of a directory whose sync fails: so the keyring does that itself. */
static gboolean is_directory(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

static gboolean must_fail(void)
{
    if (calls_left < 0 || calls_left-- > 0)
        return FALSE;
    has_failed = TRUE;
    errno = error_number;
    return TRUE;
}

/* SQLite's own calls: this program's functions come before the C library's. */
int fdatasync(int fd)
{
    static int (*real)(int);

    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return !is_directory(fd) && must_fail() ? -1 : real(fd);
}

static gboolean fails_directories;

int fsync(int fd)
{
    static int (*real)(int);

    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    errno = EIO;
    return fails_directories && is_directory(fd) ? -1 : real(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);

    if (real == NULL)
        real = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    return must_fail() ? -1 : real(fd, bytes, len, offset);
}

static gboolean change_both(VaultKeyring *keyring, const char *text, GError **error)
{
    g_autoptr(GByteArray) value = bytes_of(text);
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, error);

    return change != NULL && vault_keyring_put(keyring, VAULT_KEYRING_HOLDS, &row, value, error) &&
           vault_keyring_put(keyring, VAULT_KEYRING_GRANTS, &other_row, value, error) &&
           vault_keyring_commit(g_steal_pointer(&change), error);
}

static void assert_both(VaultKeyring *keyring, const char *text)
{
    assert_row(keyring, VAULT_KEYRING_HOLDS, &row, text);
    assert_row(keyring, VAULT_KEYRING_GRANTS, &other_row, text);
}

/* The nth write or sync fails, for each n that there is. */
static void a_failed_change_leaves_nothing_and_the_next_succeeds(void **state)
{
    static const struct {
        int error_number;
        VaultErrorCode code;
    } failures[] = {{EIO, VAULT_ERROR_IO}, {ENOSPC, VAULT_ERROR_NO_SPACE}};
    guint failed_count = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        int nth = 0;

        do {
            g_autoptr(KeyringWorld) world = keyring_world_new();
            g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
            g_autoptr(GError) error = NULL;
            gboolean is_done;

            assert_true(change_both(keyring, "before", NULL));
            has_failed = FALSE;
            error_number = failures[i].error_number;
            calls_left = nth++;
            is_done = change_both(keyring, "after", &error);
            calls_left = -1;
            assert_int_equal(is_done, !has_failed);
            if (!is_done) {
                failed_count++;
                assert_int_equal(error->domain, VAULT_ERROR);
                assert_true(error->code == (int)failures[i].code || error->code == VAULT_ERROR_IO);
            }
            assert_both(keyring, is_done ? "after" : "before");
            assert_true(change_both(keyring, "next", NULL));
            g_clear_pointer(&keyring, vault_keyring_close);
            keyring = world_open(world, VAULT_KEYRING_READ);
            assert_both(keyring, "next");
        } while (has_failed);
    }
    /* At least a write and a sync of each kind: else nothing was tried. */
    assert_true(failed_count >= 4);
}

static void a_failed_creation_leaves_no_file(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("keyring-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "keyring.sqlite", NULL);
    VaultId vault_id = {{1}};
    VaultKey key = {.generation = 1};
    guint failed_count = 0;

    error_number = EIO;
    for (int nth = 0; nth == 0 || has_failed; nth++) {
        gboolean is_created;

        has_failed = FALSE;
        calls_left = nth;
        is_created = vault_keyring_create(path, &vault_id, &key, SAMPLE_S, NULL);
        calls_left = -1;
        failed_count += !is_created;
        /* What fails after the commit, when the log is tidied up, costs nothing. */
        if (is_created) {
            g_autoptr(VaultKeyring) keyring =
                vault_keyring_open(path, VAULT_KEYRING_WRITE, &vault_id, &key, 1, NULL);

            assert_non_null(keyring);
            g_clear_pointer(&keyring, vault_keyring_close);
            unlink(path);
        }
        assert_int_equal(rmdir(folder), 0); /* it is empty */
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    assert_true(failed_count > 3);
    assert_int_equal(rmdir(folder), 0);
}

/* A change is on stable storage only if the name of SQLite's log is, too. */
static void without_a_synced_directory_nothing_is_opened_or_created(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autofree char *other_path = g_build_filename(world->folder, "other", NULL);
    g_autoptr(VaultKeyring) keyring = NULL;
    g_autoptr(GError) open_error = NULL;
    g_autoptr(GError) create_error = NULL;

    fails_directories = TRUE;
    keyring = vault_keyring_open(world->path, VAULT_KEYRING_WRITE, &world->vault_id, &world->key, 1,
                                 &open_error);
    assert_null(keyring);
    assert_error(open_error, VAULT_ERROR_IO);
    assert_false(
        vault_keyring_create(other_path, &world->vault_id, &world->key, SAMPLE_S, &create_error));
    assert_error(create_error, VAULT_ERROR_IO);
    keyring = world_open(world, VAULT_KEYRING_READ);
    fails_directories = FALSE;
}

static void a_full_file_is_no_space(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autofree char *large = g_strnfill(1 << 20, 'v');
    g_autoptr(GError) error = NULL;

    assert_true(change_both(keyring, "before", NULL));
    assert_true(vault_sql_exec(keyring->sql, "PRAGMA max_page_count = 64", NULL));
    assert_false(change_both(keyring, large, &error));
    assert_error(error, VAULT_ERROR_NO_SPACE);
    assert_both(keyring, "before");
    assert_true(change_both(keyring, "after", NULL));
}

/* ---- changes -------------------------------------------------------------------------------- */

static void a_change_abandoned_leaves_nothing(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    guint64 mailboxes, months;
    gboolean has;

    for (int i = 0; i < 2; i++) {
        g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, NULL);
        g_autoptr(VaultMailboxValue) other = world_add_mailbox(keyring, "b@example.org");
        g_autoptr(VaultMonthValue) month =
            world_add_month(world, keyring, &mailbox->mailbox_id, 202611);

        put_row(keyring, VAULT_KEYRING_HOLDS, &row, "held");
        /* Within the change it shows. */
        assert_row(keyring, VAULT_KEYRING_HOLDS, &row, "held");
    }
    assert_true(vault_keyring_count(keyring, &mailboxes, &months, NULL));
    assert_int_equal(mailboxes, 1);
    assert_int_equal(months, 0);
    assert_true(vault_keyring_has(keyring, VAULT_KEYRING_HOLDS, &row, &has, NULL));
    assert_false(has);
    assert_int_equal(world_count(world, "SELECT count(*) FROM row_keys"), 2);
}

static void a_mailbox_added_alone_is_there_with_its_row_key_or_not_at_all(void **state)
{
    int nth = 0;

    do {
        g_autoptr(KeyringWorld) world = keyring_world_new();
        g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
        g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new("a@example.org", SAMPLE_S);
        gboolean is_added;

        has_failed = FALSE;
        error_number = EIO;
        calls_left = nth++;
        is_added = vault_keyring_add_mailbox(keyring, mailbox, NULL);
        calls_left = -1;
        assert_int_equal(is_added, !has_failed);
        /* The vault's own row key, and one for the mailbox. */
        assert_int_equal(world_count(world, "SELECT count(*) FROM row_keys"), 1 + is_added);
        assert_int_equal(world_count(world, "SELECT count(*) FROM mailboxes"), is_added);
    } while (has_failed);
    assert_true(nth > 2);
}

static void in_reading_hands_nothing_is_changed(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_READ);
    g_autoptr(GByteArray) value = bytes_of("held");
    g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new("a@example.org", SAMPLE_S);
    g_autoptr(GError) put_error = NULL;
    g_autoptr(GError) mailbox_error = NULL;

    assert_false(vault_keyring_put(keyring, VAULT_KEYRING_HOLDS, &row, value, &put_error));
    assert_error(put_error, VAULT_ERROR_REFUSED);
    assert_false(vault_keyring_add_mailbox(keyring, mailbox, &mailbox_error));
    assert_error(mailbox_error, VAULT_ERROR_REFUSED);
}

static void a_second_writer_is_told_to_wait(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) first = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultKeyring) second = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(first, NULL);
    g_autoptr(GError) error = NULL;

    assert_true(vault_sql_exec(second->sql, "PRAGMA busy_timeout = 1", NULL));
    assert_null(vault_keyring_begin(second, &error));
    assert_error(error, VAULT_ERROR_BUSY);
    /* A failed begin holds nothing: reading goes on, and so does the first. */
    assert_true(vault_keyring_check(second, NULL));
    assert_true(vault_keyring_commit(g_steal_pointer(&change), NULL));
    change = vault_keyring_begin(second, NULL);
    assert_non_null(change);
}

/* ---- another process ------------------------------------------------------------------------ */

/* Both rows get the same text, change after change, until the process is killed. */
static void write_until_killed(KeyringWorld *world)
{
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);

    for (guint i = 0;; i++) {
        g_autofree char *text = g_strdup_printf("%u", i);
        g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, NULL);

        put_row(keyring, VAULT_KEYRING_CASES, &row, text);
        put_row(keyring, VAULT_KEYRING_CASES, &other_row, text);
        if (!vault_keyring_commit(g_steal_pointer(&change), NULL))
            _exit(1);
    }
}

static gboolean collect_text(const RowId *row_id, const GByteArray *value, gpointer user,
                             GError **error)
{
    g_ptr_array_add(user, g_strndup((const char *)value->data, value->len));
    return TRUE;
}

/* The number both rows have; they are read by one statement, so from one moment. */
static guint read_both(VaultKeyring *keyring)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    if (!vault_keyring_each(keyring, VAULT_KEYRING_CASES, collect_text, texts, &error))
        fail_msg("%s", error->message);
    if (texts->len == 0)
        return 0;
    assert_int_equal(texts->len, 2);
    assert_string_equal(g_ptr_array_index(texts, 0), g_ptr_array_index(texts, 1));
    return (guint)g_ascii_strtoull(g_ptr_array_index(texts, 0), NULL, 10);
}

static void reading_beside_a_writing_process_sees_whole_changes(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = NULL;
    guint last = 0, steps = 0;
    pid_t child = fork();

    if (child == 0)
        write_until_killed(world);
    keyring = world_open(world, VAULT_KEYRING_READ);
    for (guint i = 0; i < 20000 && steps < 50; i++) {
        guint now = read_both(keyring);

        assert_true(now >= last);
        steps += now > last;
        last = now;
        g_usleep(100);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(steps > 10); /* it was really beside it */
    g_clear_pointer(&keyring, vault_keyring_close);
    keyring = world_open(world, VAULT_KEYRING_WRITE);
    assert_true(read_both(keyring) >= last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_change_leaves_nothing_and_the_next_succeeds),
        cmocka_unit_test(a_failed_creation_leaves_no_file),
        cmocka_unit_test(without_a_synced_directory_nothing_is_opened_or_created),
        cmocka_unit_test(a_full_file_is_no_space),
        cmocka_unit_test(a_change_abandoned_leaves_nothing),
        cmocka_unit_test(a_mailbox_added_alone_is_there_with_its_row_key_or_not_at_all),
        cmocka_unit_test(in_reading_hands_nothing_is_changed),
        cmocka_unit_test(a_second_writer_is_told_to_wait),
        cmocka_unit_test(reading_beside_a_writing_process_sees_whole_changes),
    };

    return run_crypto_tests(tests);
}
