/* Backups and recoveries: whatever stops one, the last good one is whole; what comes back goes on
 * without doing again what was done. */
#include "tests/unit/batch_check.h"

#include "restore/folder_tree.h"
#include "restore/log_epochs.h"
#include "restore/recover.h"
#include "vault/base/file.h"
#include "vault/store/month_value.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ANNA "anna@example.org"
#define GAP 65536

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

/* ---- backups --------------------------------------------------------------------------------- */

static void note_finding(const char *text, gpointer user)
{
    g_ptr_array_add(user, g_strdup(text));
}

static char *place_of(const KeepFixture *fixture)
{
    return g_build_filename(fixture->folder, "backup", NULL);
}

static gboolean try_backup(KeepFixture *fixture, GPtrArray *findings, BackupResult *ret_result,
                           GError **error)
{
    g_autofree char *place = place_of(fixture);
    const BackupCallbacks callbacks = {.found = note_finding, .user = findings};
    const BackupOptions options = {
        .destination = place, .made_s = keep_fixture_now(), .callbacks = &callbacks};

    return vault_keep_operate(fixture->keep, "backup-begin", "", 0, NULL, error) &&
           backup_make(fixture->keep, &options, ret_result, error);
}

static BackupResult back_up(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    BackupResult result;

    if (!try_backup(fixture, findings, &result, &error))
        fail_msg("%s", error->message);
    assert_int_equal(findings->len, result.finding_count);
    return result;
}

/* All that the manifest names is there. */
static guint32 whole_backup(const KeepFixture *fixture)
{
    g_autofree char *place = place_of(fixture);
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    const BackupCallbacks callbacks = {.found = note_finding, .user = findings};
    g_autoptr(GError) error = NULL;
    BackupResult result;

    if (!backup_check(place, &callbacks, &result, &error))
        fail_msg("%s", error->message);
    if (findings->len > 0)
        fail_msg("%s", (char *)findings->pdata[0]);
    return result.number;
}

static void deliver(KeepFixture *fixture, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *text = g_strdup_printf("message %u", g_random_int());

        keep_fixture_deliver(fixture, text, ANNA);
    }
}

/* The vault that comes of the backup takes the place of the fixture's. */
static void recover_into(KeepFixture *fixture, const char *name)
{
    g_autofree char *place = place_of(fixture);
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    const BackupCallbacks callbacks = {.found = note_finding, .user = findings};
    char *path = g_build_filename(fixture->folder, name, NULL);
    const RecoverOptions options = {.backup = place,
                                    .path = path,
                                    .vault_key_path = fixture->vault_key_path,
                                    .why = VAULT_GO_ON_RECOVERED,
                                    .callbacks = &callbacks};
    g_autoptr(GError) error = NULL;
    RecoverResult result;

    keep_fixture_close(fixture);
    if (!recover_vault(&options, &result, &error))
        fail_msg("%s", error->message);
    assert_int_equal(findings->len, 0);
    g_free(fixture->path);
    fixture->path = path;
    keep_fixture_open(fixture);
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

/* ---- going on -------------------------------------------------------------------------------- */

static void leaves_go_on_behind_all_that_may_have_been_given(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "one", ANNA);
    KeepDelivery next;

    back_up(fixture);
    recover_into(fixture, "again");
    next = keep_fixture_deliver(fixture, "two", ANNA);
    assert_memory_equal(&next.months[0], &first.months[0], sizeof next.months[0]);
    assert_true(next.leaves[0] >= VAULT_LEAF_BLOCK + GAP);
    keep_damage_puncture(fixture, &next.months[0], 1000000);
    back_up(fixture);
    recover_into(fixture, "once more");
    assert_int_equal(keep_fixture_deliver(fixture, "three", ANNA).leaves[0], 1000001 + GAP);
}

static void take_epoch(ReleaseWorld *world, guint32 epoch, GHashTable *hashes)
{
    g_autoptr(VaultLogReader) log =
        vault_keep_log_reader(world->fixture->keep, VAULT_LOG_ARCHIVE, epoch, NULL);

    assert_non_null(log);
    for (guint64 i = 0; i < vault_log_reader_checkpoint(log)->size; i++)
        take_batch(log, i, hashes);
}

static void each_record_is_in_one_batch_of_one_epoch(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autoptr(GHashTable) hashes = NULL;

    deliver(world->fixture, 3);
    back_up(world->fixture);
    deliver(world->fixture, 2);
    back_up(world->fixture);
    recover_into(world->fixture, "again");
    deliver(world->fixture, 2);
    keep_fixture_close(world->fixture);
    hashes = stored_hashes(world);
    keep_fixture_open(world->fixture);
    take_epoch(world, 1, hashes);
    take_epoch(world, 2, hashes);
    assert_int_equal(g_hash_table_size(hashes), 0);
}

static guint audit(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    const LogEpochsAudit options = {.found = note_finding, .user = findings};
    g_autoptr(GPtrArray) epochs = log_epochs_open(fixture->keep, NULL);

    assert_non_null(epochs);
    assert_true(log_epochs_audit(epochs, &options, NULL));
    return findings->len;
}

static void epoch_that_was_set_back_after_it_ended_is_found(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *checkpoint = NULL;
    g_autoptr(GByteArray) before = NULL;

    back_up(fixture);
    {
        g_autofree char *path = keep_damage_path(fixture, "log/archive/checkpoint");

        before = keep_damage_read(path);
    }
    deliver(fixture, 2);
    back_up(fixture);
    recover_into(fixture, "again");
    assert_int_equal(audit(fixture), 0);
    checkpoint = keep_damage_path(fixture, "log/archive/checkpoint");
    keep_damage_write(checkpoint, before->data, before->len);
    assert_int_equal(audit(fixture), 1);
}

static VaultErrorCode adopt_error(KeepFixture *fixture)
{
    const VaultGoOnOptions options = {.why = VAULT_GO_ON_ADOPTED};
    g_autoptr(GError) error = NULL;
    VaultGoOnResult result;

    assert_false(vault_keep_go_on(fixture->path, &options, &result, &error));
    return (VaultErrorCode)error->code;
}

static void be_of_another_host(const KeepFixture *fixture)
{
    g_autofree char *path = keep_damage_path(fixture, "host");
    g_autoptr(GByteArray) host = keep_damage_read(path);
    g_autofree char *text = g_strndup((const char *)host->data, host->len);

    memset(strstr(text, "machine: ") + strlen("machine: "), '0', 64);
    keep_damage_write(path, text, strlen(text));
}

static void vault_of_another_host_is_adopted_once(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    const VaultGoOnOptions options = {.why = VAULT_GO_ON_ADOPTED};
    VaultGoOnResult result;
    guint32 epoch = 0;

    deliver(fixture, 2);
    assert_int_equal(adopt_error(fixture), VAULT_ERROR_REFUSED);
    be_of_another_host(fixture);
    assert_int_equal(adopt_error(fixture), VAULT_ERROR_BUSY); /* a writer has it */
    keep_fixture_close(fixture);
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_REFUSED);
    assert_true(vault_keep_go_on(fixture->path, &options, &result, NULL));
    assert_int_equal(result.epoch, 2);
    keep_fixture_open(fixture);
    assert_true(vault_keep_log_epoch(fixture->keep, &epoch, NULL));
    assert_int_equal(epoch, 2);
    assert_true(keep_fixture_deliver(fixture, "after", ANNA).leaves[0] >= VAULT_LEAF_BLOCK + GAP);
    assert_int_equal(audit(fixture), 0);
}

static VaultErrorCode recover_error(KeepFixture *fixture, const char *path, const char *key)
{
    g_autofree char *place = place_of(fixture);
    const BackupCallbacks callbacks = {.found = NULL};
    const RecoverOptions options = {
        .backup = place, .path = path, .vault_key_path = key, .callbacks = &callbacks};
    g_autoptr(GError) error = NULL;
    RecoverResult result;

    assert_false(recover_vault(&options, &result, &error));
    return (VaultErrorCode)error->code;
}

static void recovery_into_the_wrong_place_or_with_the_wrong_key_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(KeepFixture) other = keep_fixture_new();
    g_autofree char *path = g_build_filename(fixture->folder, "again", NULL);

    assert_int_equal(recover_error(fixture, path, fixture->vault_key_path), VAULT_ERROR_NOT_FOUND);
    back_up(fixture);
    assert_int_equal(recover_error(fixture, path, other->vault_key_path), VAULT_ERROR_NO_KEY);
    assert_int_equal(recover_error(fixture, fixture->path, fixture->vault_key_path),
                     VAULT_ERROR_BUSY);
    assert_int_equal(access(path, F_OK), -1);
}

/* What a drill signs is signed by a key that nobody else has. */
static void drill_signs_nothing_with_the_vaults_key(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *path = g_build_filename(fixture->folder, "drill", NULL);
    g_autofree char *place = place_of(fixture);
    g_autoptr(VaultBackupManifest) manifest = NULL;
    g_autoptr(GPtrArray) before = vault_keep_log_keys(fixture->keep, VAULT_LOG_CONTROL, 1, NULL);
    g_autoptr(GPtrArray) after = NULL;
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    const BackupCallbacks callbacks = {.found = note_finding, .user = findings};
    const RecoverOptions options = {.backup = place,
                                    .path = path,
                                    .vault_key_path = fixture->vault_key_path,
                                    .why = VAULT_GO_ON_DRILL,
                                    .callbacks = &callbacks};
    RecoverResult result;

    deliver(fixture, 2);
    back_up(fixture);
    assert_true(recover_drill(&options, &result, NULL));
    assert_int_equal(findings->len, 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(recover_vault(&options, &result, NULL));
    keep_fixture_close(fixture);
    g_free(fixture->path);
    fixture->path = g_steal_pointer(&path);
    keep_fixture_open(fixture);
    after = vault_keep_log_keys(fixture->keep, VAULT_LOG_CONTROL, 1, NULL);
    assert_int_equal(after->len, before->len + 1);
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
        cmocka_unit_test(damaged_pack_does_not_replace_a_good_one),
        cmocka_unit_test(pack_that_is_gone_stays_in_the_backup),
        cmocka_unit_test(folder_of_something_else_is_refused),
        cmocka_unit_test(leaves_go_on_behind_all_that_may_have_been_given),
        cmocka_unit_test(each_record_is_in_one_batch_of_one_epoch),
        cmocka_unit_test(epoch_that_was_set_back_after_it_ended_is_found),
        cmocka_unit_test(vault_of_another_host_is_adopted_once),
        cmocka_unit_test(recovery_into_the_wrong_place_or_with_the_wrong_key_is_refused),
        cmocka_unit_test(drill_signs_nothing_with_the_vaults_key),
        cmocka_unit_test(vault_remembers_what_it_was_told),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
