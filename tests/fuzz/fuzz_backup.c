/* The text files of backups: whatever is taken is written again to the same bytes, and no file of a
 * manifest lies anywhere but in the backup's own folders. */
#include "vault/act/backup_manifest.h"
#include "vault/act/backup_state.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_same(char *again, const guint8 *data, gsize size)
{
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    g_free(again);
}

static void check_paths(const VaultBackupManifest *manifest)
{
    for (guint i = 0; i < manifest->files->len; i++) {
        const VaultBackupFile *file = g_ptr_array_index(manifest->files, i);

        g_assert(vault_backup_path_is_valid(file->path, manifest->number));
        g_assert(strstr(file->path, "..") == NULL || strstr(file->path, "/..") == NULL);
        g_assert(vault_backup_manifest_find(manifest, file->path) == file);
    }
}

/* With the hash that belongs to it: else no input would get past that. */
static char *with_sum(const char *text, gsize size)
{
    g_autoptr(GString) whole = g_string_new_len(text, (gssize)size);
    VaultHash sum;

    vault_hash(text, size, &sum);
    vault_text_append_hex_line(whole, "sum", sum.bytes, VAULT_HASH_LEN);
    return g_string_free(g_steal_pointer(&whole), FALSE);
}

static void check_manifest(const char *text, gsize size)
{
    g_autoptr(VaultBackupManifest) manifest = vault_backup_manifest_parse(text, size, NULL);

    if (manifest == NULL)
        return;
    check_paths(manifest);
    check_same(vault_backup_manifest_format(manifest), (const guint8 *)text, size);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = size > 0 ? (const char *)data : "";
    g_autofree char *summed = NULL;
    g_auto(VaultBackupMade) made = {.place = NULL};
    VaultBackupState state;

    vault_crypto_init();
    check_manifest(text, size);
    if (memchr(text, '\0', size) == NULL) {
        summed = with_sum(text, size);
        check_manifest(summed, strlen(summed));
    }
    if (vault_backup_made_parse(text, size, &made, NULL))
        check_same(vault_backup_made_format(&made), data, size);
    if (vault_backup_state_parse(text, size, &state, NULL))
        check_same(vault_backup_state_format(&state), data, size);
    return 0;
}
