/* Backups: whatever stops one, or a recovery, the last good one is whole; only what changed is
 * copied, and nothing good is replaced by something damaged. */
#include "tests/unit/backup_world.h"

#include "restore/folder_tree.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* ---- faults ---------------------------------------------------------------------------------- */

/* From the nth call on every one fails, as for a process whose disk is gone. What is not failing is
 * not synced either: nothing here cuts the power. */
static guint calls_left = G_MAXUINT;

static gboolean is_failing(void)
{
    if (calls_left == G_MAXUINT)
        return FALSE;
    if (calls_left > 0)
        calls_left--;
    if (calls_left > 0)
        return FALSE;
    errno = EIO;
    return TRUE;
}

/* Is there by the time that packs are copied. NULL: nothing. */
static const char *cosigned_meanwhile;

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return is_failing() ? -1 : __real_rename(from, to);
}

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
    return is_failing() ? -1 : 0;
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    const char *path = g_steal_pointer(&cosigned_meanwhile);

    if (path != NULL)
        keep_damage_write(path, "of a tree that grew", 19);
    return is_failing() ? -1 : __real_pwrite(fd, bytes, len, offset);
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return is_failing() ? -1 : 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return is_failing() ? -1 : 0;
}

int __real_remove(const char *path);
int __wrap_remove(const char *path);
int __wrap_remove(const char *path)
{
    return is_failing() ? -1 : __real_remove(path);
}

/* ---- what stops one -------------------------------------------------------------------------- */

static gboolean backup_fails_at(KeepFixture *fixture, guint call)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    BackupResult result;
    gboolean ok;

    assert_true(vault_keep_operate(fixture->keep, "backup-begin", "", 0, NULL, NULL));
    calls_left = call;
    ok = try_backup(fixture, findings, &result, &error);
    calls_left = G_MAXUINT;
    return !ok;
}

static void backup_that_is_stopped_anywhere_leaves_the_last_good_one(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint call = 1, count = 0;

    deliver(fixture, 3);
    assert_int_equal(back_up(fixture).number, 1);
    deliver(fixture, 2);
    keep_fixture_deliver_large(fixture, VAULT_BODY_WHOLE_MAX + 1, ANNA);
    for (; backup_fails_at(fixture, call); call++) {
        guint32 number = whole_backup(fixture);

        count += number == 1;
        assert_true(number <= 2 + call);
    }
    assert_true(count > 5 && call > count);
    whole_backup(fixture);
    recover_into(fixture, "again");
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 6);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

static void first_backup_that_is_stopped_anywhere_is_made_again(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint call = 1;

    deliver(fixture, 3);
    while (backup_fails_at(fixture, call))
        call++;
    assert_true(call > 5);
    whole_backup(fixture);
    recover_into(fixture, "again");
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 3);
}

static gboolean recovery_fails_at(KeepFixture *fixture, const char *path, guint call)
{
    g_autofree char *place = place_of(fixture);
    const BackupCallbacks callbacks = {.found = NULL};
    const RecoverOptions options = {.backup = place,
                                    .path = path,
                                    .vault_key_path = fixture->vault_key_path,
                                    .why = VAULT_GO_ON_RECOVERED,
                                    .callbacks = &callbacks};
    RecoverResult result;
    gboolean ok;

    calls_left = call;
    ok = recover_vault(&options, &result, NULL);
    calls_left = G_MAXUINT;
    return !ok;
}

/* Only its very last step, the sync of a name that is there, leaves one that failed. */
static void recovery_that_is_stopped_anywhere_leaves_no_vault(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *path = g_build_filename(fixture->folder, "again", NULL);
    guint call = 1, count = 0;

    deliver(fixture, 3);
    back_up(fixture);
    keep_fixture_close(fixture);
    for (; recovery_fails_at(fixture, path, call); call++) {
        count += access(path, F_OK) != 0;
        assert_true(folder_tree_remove(path, NULL));
    }
    assert_true(count + 1 >= call - 1 && count > 10);
    g_free(fixture->path);
    fixture->path = g_steal_pointer(&path);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 3);
}

/* ---- increments ------------------------------------------------------------------------------ */

static void only_what_changed_is_copied(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    BackupResult first, second;

    keep_fixture_deliver_large(fixture, 4 * VAULT_BODY_WHOLE_MAX, ANNA);
    deliver(fixture, 3);
    first = back_up(fixture);
    deliver(fixture, 1);
    second = back_up(fixture);
    assert_int_equal(second.number, 2);
    assert_true(second.len >= first.len);
    assert_true(second.copied_len + VAULT_BODY_WHOLE_MAX / 2 < second.len);
    assert_int_equal(second.message_count, first.message_count + 1);
}

/* What lies beside the logs may be replaced at any time, by something as long or shorter. */
static void file_that_is_replaced_is_as_it_was_last(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *path = keep_damage_path(fixture, "log/control/cosigned");
    g_autofree char *again = NULL;
    g_autoptr(GByteArray) bytes = NULL;

    keep_damage_write(path, "first", 5);
    back_up(fixture);
    keep_damage_write(path, "later", 5);
    assert_int_equal(back_up(fixture).finding_count, 0);
    keep_damage_write(path, "last", 4);
    assert_int_equal(back_up(fixture).finding_count, 0);
    whole_backup(fixture);
    recover_into(fixture, "again");
    again = keep_damage_path(fixture, "log/control/cosigned");
    bytes = keep_damage_read(again);
    assert_int_equal(bytes->len, 4);
    assert_memory_equal(bytes->data, "last", 4);
}

/* The checkpoint of the backup continues what is cosigned there. */
static void what_is_cosigned_meanwhile_is_of_the_next_backup(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *path = keep_damage_path(fixture, "log/archive/cosigned");
    g_autofree char *again = NULL;
    g_autoptr(GByteArray) bytes = NULL;

    deliver(fixture, 2);
    keep_damage_write(path, "first", 5);
    cosigned_meanwhile = path;
    back_up(fixture);
    assert_null(cosigned_meanwhile);
    recover_into(fixture, "again");
    again = keep_damage_path(fixture, "log/archive/cosigned");
    bytes = keep_damage_read(again);
    assert_int_equal(bytes->len, 5);
    assert_memory_equal(bytes->data, "first", 5);
}

/* Each write that the vault's disk lost or turned over: the backup's is the better one. */
static void damaged_pack_does_not_replace_a_good_one(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GPtrArray) packs = NULL;
    BackupResult result;

    deliver(fixture, 3);
    back_up(fixture);
    packs = keep_fixture_packs(fixture, ".pack");
    keep_damage_flip(g_ptr_array_index(packs, 0), 200);
    deliver(fixture, 1);
    result = back_up(fixture);
    assert_int_equal(result.finding_count, 1);
    whole_backup(fixture);
}

static void pack_that_is_gone_stays_in_the_backup(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GPtrArray) packs = NULL;

    keep_fixture_deliver_large(fixture, VAULT_BODY_WHOLE_MAX + 1, ANNA);
    back_up(fixture);
    packs = keep_fixture_packs(fixture, ".stream");
    assert_int_equal(unlink(g_ptr_array_index(packs, 0)), 0);
    assert_int_equal(back_up(fixture).finding_count, 1);
    whole_backup(fixture);
    recover_into(fixture, "again");
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

static VaultErrorCode backup_error(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    BackupResult result;

    assert_false(try_backup(fixture, findings, &result, &error));
    return (VaultErrorCode)error->code;
}

static void folder_of_something_else_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(KeepFixture) other = keep_fixture_new();
    g_autofree char *place = place_of(fixture);
    g_autofree char *theirs = place_of(other);
    g_autofree char *file = g_build_filename(place, "letters", NULL);
    g_autofree char *manifest = g_build_filename(place, "manifest", NULL);

    assert_true(folder_tree_make_parent(file, NULL));
    keep_damage_write(file, "x", 1);
    assert_int_equal(backup_error(fixture), VAULT_ERROR_BUSY);
    assert_int_equal(unlink(file), 0);
    back_up(fixture);
    assert_int_equal(symlink(place, theirs), 0);
    assert_int_equal(backup_error(other), VAULT_ERROR_REFUSED);
    keep_damage_write(manifest, "x", 1);
    assert_int_equal(backup_error(fixture), VAULT_ERROR_MALFORMED);
}

/* ---- what the vault is told ------------------------------------------------------------------ */

static void vault_remembers_what_it_was_told(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    const VaultBackupMade made = {
        .made_s = keep_fixture_now(), .number = 1, .message_count = 2, .place = (char *)"/mnt"};
    g_autofree char *text = vault_backup_made_format(&made);
    VaultKeepStatus status;
    g_autoptr(GError) error = NULL;

    deliver(fixture, 3);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    assert_int_equal(status.not_backed_up_count, 3);
    assert_true(vault_keep_operate(fixture->keep, "backup-made", text, strlen(text), NULL, NULL));
    assert_true(vault_keep_operate(fixture->keep, "recovery-drilled", "", 0, NULL, NULL));
    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    assert_int_equal(status.not_backed_up_count, 1);
    assert_int_equal(status.last_backup_s, made.made_s);
    assert_int_equal(status.last_recovery_drill_s, keep_fixture_now());
    assert_false(vault_keep_operate(fixture->keep, "backup-made", "x", 1, NULL, &error));
    assert_int_equal(error->code, VAULT_ERROR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backup_that_is_stopped_anywhere_leaves_the_last_good_one),
        cmocka_unit_test(first_backup_that_is_stopped_anywhere_is_made_again),
        cmocka_unit_test(recovery_that_is_stopped_anywhere_leaves_no_vault),
        cmocka_unit_test(only_what_changed_is_copied),
        cmocka_unit_test(file_that_is_replaced_is_as_it_was_last),
        cmocka_unit_test(what_is_cosigned_meanwhile_is_of_the_next_backup),
        cmocka_unit_test(damaged_pack_does_not_replace_a_good_one),
        cmocka_unit_test(pack_that_is_gone_stays_in_the_backup),
        cmocka_unit_test(folder_of_something_else_is_refused),
        cmocka_unit_test(vault_remembers_what_it_was_told),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
