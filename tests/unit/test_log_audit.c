/* Logs that are signed and whole, and say what no log of a vault says: only whoever has the log key
 * can make them. */
#include "log_world.h"
#include "restore/log_audit.h"

#include <string.h>

typedef struct {
    char *folder, *directory, *origin;
    VaultId vault_id;
    VaultLogKind kind;
    LogSigningKey key;
    GPtrArray *keys;
    VaultLog *log;
    GPtrArray *findings;
} AuditWorld;

static AuditWorld *world_new(VaultLogKind kind)
{
    AuditWorld *w = g_new0(AuditWorld, 1);
    LogVerifyKey verify;
    VaultLogOptions options;

    vault_crypto_init();
    w->kind = kind;
    w->folder = g_dir_make_tmp("muniment-audit-XXXXXX", NULL);
    w->directory = g_build_filename(w->folder, "log", NULL);
    w->vault_id.bytes[3] = 7;
    w->origin = vault_log_origin(&w->vault_id, kind, 2);
    vault_log_key_create(&w->key, &verify);
    w->keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    g_ptr_array_add(w->keys, vault_note_key_new_log(w->origin, &verify, NULL));
    options = (VaultLogOptions){.directory = w->directory, .origin = w->origin, .key = &w->key};
    assert_true(vault_log_create(&options, NULL));
    w->log = vault_log_open(&options, NULL);
    w->findings = g_ptr_array_new_with_free_func(g_free);
    return w;
}

static void world_free(AuditWorld *w)
{
    vault_log_close(w->log);
    log_world_remove(w->folder);
    g_ptr_array_unref(w->keys);
    g_ptr_array_unref(w->findings);
    g_free(w->folder);
    g_free(w->directory);
    g_free(w->origin);
    g_free(w);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AuditWorld, world_free)

static VaultEntry start_of(const AuditWorld *w)
{
    return (VaultEntry){.kind = VAULT_ENTRY_EPOCH_START,
                        .time_s = 5,
                        .vault_id = w->vault_id,
                        .log = w->kind,
                        .epoch = 2};
}

static VaultEntry batch_of(const VaultHash *hashes, gsize count)
{
    VaultEntry entry = {.kind = VAULT_ENTRY_BATCH, .time_s = 6, .count = count};

    vault_entry_records_root(hashes, count, &entry.root);
    vault_hash(hashes, count * VAULT_HASH_LEN, &entry.list_hash);
    return entry;
}

static const VaultEntry act = {
    .kind = VAULT_ENTRY_ACT, .time_s = 7, .act = VAULT_LOGGED_POLICY_SET};

static void append(AuditWorld *w, const VaultEntry *entry, const void *list, gsize len)
{
    g_autoptr(GBytes) payload = vault_entry_format(entry);
    g_autoptr(GBytes) sidecar = list == NULL ? NULL : g_bytes_new(list, len);
    VaultLogEntry logged = {.payload = payload, .sidecar = sidecar};

    assert_true(vault_log_append(w->log, &logged, 1, NULL, NULL));
}

static void take_finding(const char *finding, gpointer user)
{
    g_ptr_array_add(((AuditWorld *)user)->findings, g_strdup(finding));
}

static gboolean refuse_act(const VaultEntry *entry, gpointer user, GError **error)
{
    assert_int_equal(entry->act, VAULT_LOGGED_POLICY_SET);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "another text");
    return FALSE;
}

static gboolean audit(AuditWorld *w, LogAuditOptions options, GError **error)
{
    options.kind = w->kind;
    options.found = take_finding;
    options.user = w;
    return log_audit(vault_log_reader(w->log), &options, error);
}

static void assert_finding(AuditWorld *w, LogAuditOptions options, const char *expected)
{
    g_autoptr(GError) error = NULL;

    assert_false(audit(w, options, &error));
    log_world_assert_code(error, VAULT_ERROR_CORRUPT);
    assert_int_equal(w->findings->len, 1);
    if (strstr(w->findings->pdata[0], expected) == NULL)
        fail_msg("%s; expected: %s", (char *)w->findings->pdata[0], expected);
}

static const LogAuditOptions plain = {.older = NULL};

static void log_of_a_vault_is_all_well(void **state)
{
    g_autoptr(AuditWorld) archive = world_new(VAULT_LOG_ARCHIVE);
    g_autoptr(AuditWorld) control = world_new(VAULT_LOG_CONTROL);
    VaultHash hashes[3] = {{{1}}, {{2}}, {{3}}};
    VaultEntry of_archive = start_of(archive), of_control = start_of(control);
    VaultEntry full = batch_of(hashes, 3), empty = batch_of(NULL, 0);
    VaultEntry rotated = {.kind = VAULT_ENTRY_KEY_ROTATED, .time_s = 6, .key = {{4}}};

    append(archive, &of_archive, NULL, 0);
    append(archive, &full, hashes, sizeof hashes);
    append(archive, &rotated, NULL, 0);
    append(archive, &empty, NULL, 0);
    append(control, &of_control, NULL, 0);
    append(control, &act, NULL, 0);
    assert_true(audit(archive, plain, NULL));
    assert_true(audit(control, plain, NULL));
    assert_int_equal(archive->findings->len + control->findings->len, 0);
}

static void log_that_does_not_begin_is_found(void **state)
{
    g_autoptr(AuditWorld) w = world_new(VAULT_LOG_ARCHIVE);
    VaultEntry empty = batch_of(NULL, 0);

    append(w, &empty, NULL, 0);
    assert_finding(w, plain, "not the beginning");
}

static void second_beginning_is_found(void **state)
{
    g_autoptr(AuditWorld) w = world_new(VAULT_LOG_ARCHIVE);
    VaultEntry start = start_of(w);

    append(w, &start, NULL, 0);
    append(w, &start, NULL, 0);
    assert_finding(w, plain, "in the midst");
}

static void beginning_of_another_log_is_found(void **state)
{
    for (int change = 0; change < 3; change++) {
        g_autoptr(AuditWorld) w = world_new(VAULT_LOG_ARCHIVE);
        VaultEntry start = start_of(w);

        start.vault_id.bytes[0] ^= change == 0;
        start.log = change == 1 ? VAULT_LOG_CONTROL : start.log;
        start.epoch += change == 2;
        append(w, &start, NULL, 0);
        assert_finding(w, plain, "another log");
    }
}

static void entries_of_the_other_log_are_found(void **state)
{
    g_autoptr(AuditWorld) archive = world_new(VAULT_LOG_ARCHIVE);
    g_autoptr(AuditWorld) control = world_new(VAULT_LOG_CONTROL);
    VaultEntry of_archive = start_of(archive), of_control = start_of(control);
    VaultEntry empty = batch_of(NULL, 0);

    append(archive, &of_archive, NULL, 0);
    append(archive, &act, NULL, 0);
    append(control, &of_control, NULL, 0);
    append(control, &empty, NULL, 0);
    assert_finding(archive, plain, "control log");
    assert_finding(control, plain, "archive log");
}

static void list_that_is_not_the_batch_is_found(void **state)
{
    VaultHash hashes[3] = {{{1}}, {{2}}, {{3}}};

    for (int change = 0; change < 4; change++) {
        g_autoptr(AuditWorld) w = world_new(VAULT_LOG_ARCHIVE);
        VaultEntry start = start_of(w), full = batch_of(hashes, 3);

        full.count -= change == 0;
        full.root.bytes[9] ^= change == 1;
        full.list_hash.bytes[9] ^= change == 2;
        append(w, &start, NULL, 0);
        append(w, &full, change == 3 ? NULL : hashes, sizeof hashes);
        assert_finding(w, plain, change < 2 ? "another number or root" : "");
    }
}

static void empty_batch_with_a_root_is_found(void **state)
{
    g_autoptr(AuditWorld) w = world_new(VAULT_LOG_ARCHIVE);
    VaultEntry start = start_of(w), empty = batch_of(NULL, 0);

    empty.root.bytes[0] ^= 1;
    append(w, &start, NULL, 0);
    append(w, &empty, NULL, 0);
    assert_finding(w, plain, "another number or root");
}

static void act_with_another_text_is_found(void **state)
{
    g_autoptr(AuditWorld) w = world_new(VAULT_LOG_CONTROL);
    VaultEntry start = start_of(w);

    append(w, &start, NULL, 0);
    append(w, &act, NULL, 0);
    assert_finding(w, (LogAuditOptions){.check_act = refuse_act}, "another text");
}

static void entry_that_is_none_is_found(void **state)
{
    g_autoptr(AuditWorld) w = world_new(VAULT_LOG_CONTROL);
    VaultEntry start = start_of(w);
    g_autoptr(GBytes) nonsense = g_bytes_new("nonsense", 8);
    VaultLogEntry logged = {.payload = nonsense};

    append(w, &start, NULL, 0);
    assert_true(vault_log_append(w->log, &logged, 1, NULL, NULL));
    assert_finding(w, plain, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_of_a_vault_is_all_well),
        cmocka_unit_test(log_that_does_not_begin_is_found),
        cmocka_unit_test(second_beginning_is_found),
        cmocka_unit_test(beginning_of_another_log_is_found),
        cmocka_unit_test(entries_of_the_other_log_are_found),
        cmocka_unit_test(list_that_is_not_the_batch_is_found),
        cmocka_unit_test(empty_batch_with_a_root_is_found),
        cmocka_unit_test(act_with_another_text_is_found),
        cmocka_unit_test(entry_that_is_none_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
