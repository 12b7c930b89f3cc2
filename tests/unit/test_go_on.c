/* A vault that was recovered or adopted goes on without doing again what was done: no leaf is given
 * twice, no record logged twice, nothing signed that another may have signed. */
#include "tests/unit/backup_world.h"

#include "restore/log_epochs.h"
#include "vault/keep/internal.h"
#include "vault/store/month_value.h"

#include <unistd.h>

#define GAP 65536

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

static void put_key(KeepFixture *fixture)
{
    g_auto(VaultLogKeyValue) key = {.created_s = keep_fixture_now()};

    vault_log_key_create(&key.signing, &key.verify);
    assert_true(vault_logs_put_key(fixture->keep->keyring, &key, NULL));
}

static void key_that_nobody_announced_is_found(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    assert_true(vault_keep_rotate_log_key(fixture->keep, NULL));
    back_up(fixture);
    recover_into(fixture, "again");
    assert_int_equal(audit(fixture), 0);
    put_key(fixture);
    assert_int_equal(audit(fixture), 2); /* it may sign both logs */
    assert_true(vault_keep_rotate_log_key(fixture->keep, NULL));
    assert_int_equal(audit(fixture), 2);
}

/* As when it is rotated while a backup is made: the backup's logs end before that. */
static void key_that_only_the_keyring_of_a_backup_knows_is_announced(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    put_key(fixture);
    back_up(fixture);
    recover_into(fixture, "again");
    assert_int_equal(audit(fixture), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_go_on_behind_all_that_may_have_been_given),
        cmocka_unit_test(each_record_is_in_one_batch_of_one_epoch),
        cmocka_unit_test(epoch_that_was_set_back_after_it_ended_is_found),
        cmocka_unit_test(key_that_nobody_announced_is_found),
        cmocka_unit_test(key_that_only_the_keyring_of_a_backup_knows_is_announced),
        cmocka_unit_test(vault_of_another_host_is_adopted_once),
        cmocka_unit_test(recovery_into_the_wrong_place_or_with_the_wrong_key_is_refused),
        cmocka_unit_test(drill_signs_nothing_with_the_vaults_key),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
