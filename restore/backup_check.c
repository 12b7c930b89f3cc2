/* A backup against its manifest, byte by byte. */
#include "restore/backup_folder.h"

#include <string.h>

typedef struct {
    const char *folder;
    const BackupCallbacks *callbacks;
    BackupResult *result;
    guint64 done_len;
} Check;

static void count_bytes(guint64 len, gpointer user)
{
    Check *check = user;

    check->done_len += len;
    if (check->callbacks->progress != NULL)
        check->callbacks->progress(check->done_len, check->result->len, check->callbacks->user);
}

static gboolean check_file(Check *check, const VaultBackupFile *file, GError **error)
{
    g_autofree char *path = g_build_filename(check->folder, file->path, NULL);
    BackupFileCopy hashed = {
        .from = path, .len = file->len, .progress = count_bytes, .user = check};
    VaultHash hash;

    if (!backup_file_hash(&hashed, &hash, error))
        return FALSE;
    if (vault_hash_equal(&hash, &file->hash))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "its bytes are not those that "
                        "were backed up");
    return FALSE;
}

static void find(Check *check, const char *path, const char *what)
{
    g_autofree char *text = g_strdup_printf("%s: %s", path, what);

    check->result->finding_count++;
    if (check->callbacks->found != NULL)
        check->callbacks->found(text, check->callbacks->user);
}

gboolean backup_check(const char *folder, const BackupCallbacks *callbacks,
                      BackupResult *ret_result, GError **error)
{
    g_autoptr(VaultBackupManifest) manifest = backup_read_manifest(folder, error);
    Check check = {.folder = folder, .callbacks = callbacks, .result = ret_result};

    *ret_result = (BackupResult){0};
    if (manifest == NULL)
        return FALSE;
    backup_count(manifest, ret_result);
    for (guint i = 0; i < manifest->files->len; i++) {
        const VaultBackupFile *file = g_ptr_array_index(manifest->files, i);
        g_autoptr(GError) failure = NULL;

        if (!check_file(&check, file, &failure))
            find(&check, file->path, failure->message);
    }
    return TRUE;
}
