/* The text files of backups: what is written is read again, and nothing else is taken. */
#include "vault/act/backup_manifest.h"
#include "vault/act/backup_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add(VaultBackupManifest *manifest, const char *path, guint64 len)
{
    VaultHash hash;

    vault_hash(path, strlen(path), &hash);
    g_ptr_array_add(manifest->files, vault_backup_file_new(path, len, &hash));
}

static char *example(void)
{
    g_autoptr(VaultBackupManifest) manifest = vault_backup_manifest_new();

    memset(manifest->vault_id.bytes, 0xab, VAULT_ID_LEN);
    manifest->made_s = 1795000000;
    manifest->number = 7;
    manifest->generation = 1;
    manifest->epoch = 2;
    manifest->logs[0].size = 12;
    manifest->logs[1].size = 3;
    manifest->message_count = 1000000;
    add(manifest, "state-7/keyring.sqlite", 8192);
    add(manifest, "packs/0000000000000001-00112233445566778899aabbccddeeff.pack", 5000000000);
    add(manifest, "log/archive/tile/0/x001/234.p/5", 160);
    return vault_backup_manifest_format(manifest);
}

static VaultErrorCode refusal(const char *text)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_backup_manifest_parse(text, strlen(text), &error));
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

/* With the hash that belongs to it, so that only what was changed can be the reason. */
static char *changed(const char *from, const char *to)
{
    g_autofree char *text = example();
    g_autoptr(GString) again = g_string_new(text);
    VaultHash sum;

    assert_int_equal(g_string_replace(again, from, to, 1), 1);
    g_string_truncate(again, (gsize)(strstr(again->str, "\nsum: ") + 1 - again->str));
    vault_hash(again->str, again->len, &sum);
    vault_text_append_hex_line(again, "sum", sum.bytes, VAULT_HASH_LEN);
    return g_string_free(g_steal_pointer(&again), FALSE);
}

static void manifest_is_read_as_it_was_written(void **state)
{
    g_autofree char *text = example();
    g_autoptr(VaultBackupManifest) manifest = vault_backup_manifest_parse(text, strlen(text), NULL);
    const VaultBackupFile *pack;
    g_autofree char *again = NULL;

    assert_non_null(manifest);
    again = vault_backup_manifest_format(manifest);
    assert_string_equal(again, text);
    pack = vault_backup_manifest_find(
        manifest, "packs/0000000000000001-00112233445566778899aabbccddeeff.pack");
    assert_int_equal(pack->len, 5000000000);
    assert_null(vault_backup_manifest_find(manifest, "packs/other.pack"));
    assert_string_equal(vault_backup_path_in_vault("state-7/keyring.sqlite"), "keyring.sqlite");
    assert_string_equal(vault_backup_path_in_vault(pack->path), pack->path);
}

static void each_changed_byte_is_told(void **state)
{
    g_autofree char *text = example();

    for (gsize i = 0; text[i] != '\0'; i++) {
        text[i] ^= 1;
        assert_null(vault_backup_manifest_parse(text, strlen(text), NULL));
        text[i] ^= 1;
    }
    text[strlen(text) - 1] = '\0';
    assert_int_equal(refusal(text), VAULT_ERROR_MALFORMED);
    assert_int_equal(refusal(""), VAULT_ERROR_MALFORMED);
}

static void paths_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = {"",          "packs",        "packs/",        "/packs/a",
                                      "packs//a",  "packs/../a",   "packs/./a",     "packs/.a",
                                      "packs/a b", "packs/a\\b",   "state-8/a",     "state-7/../a",
                                      "other/a",   "log/\xc3\xa4", "state-07/a",    "manifest",
                                      "log/a/",    "state-7",      "packs/a\tb/../"};
    g_autofree char *long_name = g_strnfill(VAULT_BACKUP_PATH_LEN_MAX - strlen("packs/"), 'a');
    g_autofree char *at_the_limit = g_strconcat("packs/", long_name, NULL);
    g_autofree char *past_it = g_strconcat(at_the_limit, "a", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(vault_backup_path_is_valid(bad[i], 7));
    assert_true(vault_backup_path_is_valid(at_the_limit, 7));
    assert_false(vault_backup_path_is_valid(past_it, 7));
}

static void each_line_is_judged(void **state)
{
    static const struct {
        const char *from, *to;
        VaultErrorCode code;
    } cases[] = {
        {"muniment-backup/1", "muniment-backup/2", VAULT_ERROR_UNSUPPORTED},
        {"number: 7", "number: 07", VAULT_ERROR_MALFORMED},
        {"number: 7", "number: 8", VAULT_ERROR_MALFORMED}, /* its state folder is another */
        {"number: 7", "number: 0", VAULT_ERROR_MALFORMED},
        {"epoch: 2", "epoch: 0", VAULT_ERROR_MALFORMED},
        {"generation: 1", "generation: 4294967296", VAULT_ERROR_MALFORMED},
        {"files: 3", "files: 2", VAULT_ERROR_MALFORMED},
        {"files: 3", "files: 4", VAULT_ERROR_MALFORMED},
        {"files: 3", "files: 1000001", VAULT_ERROR_MALFORMED},
        {" 160 log/", " 99999999999999999999 log/", VAULT_ERROR_MALFORMED},
        {" 160 log/", " 160 zzz/", VAULT_ERROR_MALFORMED},
        {"log/archive/tile", "packs/z/tile", VAULT_ERROR_MALFORMED}, /* not in order */
        {"messages: 1000000", "messages: -1", VAULT_ERROR_MALFORMED},
        {"archive: 12", "archive: x", VAULT_ERROR_MALFORMED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = changed(cases[i].from, cases[i].to);

        assert_int_equal(refusal(text), cases[i].code);
    }
}

static void manifest_that_is_too_long_is_refused(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_backup_manifest_parse("", VAULT_BACKUP_MANIFEST_LEN_MAX + (gsize)1, &error));
    assert_int_equal(error->code, VAULT_ERROR_TOO_LARGE);
}

static void what_the_vault_is_told_is_read_as_it_was_written(void **state)
{
    VaultBackupMade made = {.made_s = 1795000000,
                            .number = 3,
                            .file_count = 12,
                            .message_count = 5000000000,
                            .place = (char *)"/mnt/backup"};
    g_autofree char *text = vault_backup_made_format(&made);
    g_auto(VaultBackupMade) again = {.place = NULL};
    g_autofree char *bad = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(vault_backup_made_parse(text, strlen(text), &again, NULL));
    assert_int_equal(again.message_count, made.message_count);
    assert_string_equal(again.place, made.place);
    bad = g_strdup_printf("%sx: y\n", text);
    assert_false(vault_backup_made_parse(bad, strlen(bad), &(VaultBackupMade){0}, &error));
    assert_int_equal(error->code, VAULT_ERROR_MALFORMED);
    g_clear_error(&error);
    text[strlen("muniment-backup-made/")] = '2';
    assert_false(vault_backup_made_parse(text, strlen(text), &(VaultBackupMade){0}, &error));
    assert_int_equal(error->code, VAULT_ERROR_UNSUPPORTED);
}

static void what_the_vault_remembers_is_read_as_it_was_written(void **state)
{
    VaultBackupState remembered = {.made_s = 1795000000, .message_count = 9};
    g_autofree char *text = vault_backup_state_format(&remembered);
    VaultBackupState again;
    g_autoptr(GError) error = NULL;

    assert_true(vault_backup_state_parse(text, strlen(text), &again, NULL));
    assert_memory_equal(&again, &remembered, sizeof again);
    assert_false(vault_backup_state_parse(text, strlen(text) - 1, &again, &error));
    assert_int_equal(error->code, VAULT_ERROR_MALFORMED);
    g_clear_error(&error);
    text[strlen("muniment-backups/")] = '2';
    assert_false(vault_backup_state_parse(text, strlen(text), &again, &error));
    assert_int_equal(error->code, VAULT_ERROR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_is_read_as_it_was_written),
        cmocka_unit_test(each_changed_byte_is_told),
        cmocka_unit_test(paths_that_lead_elsewhere_are_refused),
        cmocka_unit_test(each_line_is_judged),
        cmocka_unit_test(manifest_that_is_too_long_is_refused),
        cmocka_unit_test(what_the_vault_is_told_is_read_as_it_was_written),
        cmocka_unit_test(what_the_vault_remembers_is_read_as_it_was_written),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
