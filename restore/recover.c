#include "restore/recover.h"

#include "restore/folder_tree.h"
#include "restore/log_epochs.h"
#include "vault/base/file.h"
#include "vault/crypto/key_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A vault in the making: gone, unless it got its name. */
typedef struct {
    const RecoverOptions *options;
    RecoverResult *result;
    char *path; /* NULL: it has its name */
    VaultBackupManifest *manifest;
    guint64 done_len, all_len;
    const char *checkpoint; /* in the manifest: one that is damaged or missing; NULL: none is */
} Recovery;

static void recovery_clear(Recovery *recovery)
{
    if (recovery->path != NULL)
        (void)folder_tree_remove(recovery->path, NULL);
    g_clear_pointer(&recovery->path, g_free);
    g_clear_pointer(&recovery->manifest, vault_backup_manifest_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recovery, recovery_clear)

static void find(Recovery *recovery, const char *text)
{
    recovery->result->finding_count++;
    if (recovery->options->callbacks->found != NULL)
        recovery->options->callbacks->found(text, recovery->options->callbacks->user);
}

static void take_finding(const char *text, gpointer user)
{
    find(user, text);
}

static void count_bytes(guint64 len, gpointer user)
{
    Recovery *recovery = user;
    const BackupCallbacks *callbacks = recovery->options->callbacks;

    recovery->done_len += len;
    if (callbacks->progress != NULL)
        callbacks->progress(MIN(recovery->done_len, recovery->all_len), recovery->all_len,
                            callbacks->user);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* As much as there is of it: a file may be shorter than it was. */
static gboolean copy_what_is_there(Recovery *recovery, const VaultBackupFile *file,
                                   BackupFileCopy *copy, VaultHash *ret_hash, GError **error)
{
    struct stat status;

    if (lstat(copy->from, &status) != 0 || !S_ISREG(status.st_mode)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "it is not there");
        return FALSE;
    }
    copy->len = MIN(file->len, (guint64)status.st_size);
    return backup_file_copy(copy, ret_hash, error);
}

static gboolean fetch(Recovery *recovery, const VaultBackupFile *file, GError **error)
{
    const char *name = vault_backup_path_in_vault(file->path);
    g_autofree char *from = g_build_filename(recovery->options->backup, file->path, NULL);
    g_autofree char *to = g_build_filename(recovery->path, name, NULL);
    BackupFileCopy copy = {.from = from, .to = to, .progress = count_bytes, .user = recovery};
    g_autoptr(GError) failure = NULL;
    g_autofree char *text = NULL;
    VaultHash hash;

    if (copy_what_is_there(recovery, file, &copy, &hash, &failure)) {
        if (copy.len == file->len && vault_hash_equal(&hash, &file->hash))
            return TRUE;
        text = g_strdup_printf("%s: it is damaged in the backup; taken as it is", file->path);
    } else if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        text = g_strdup_printf("%s: it is missing in the backup", file->path);
    } else {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    find(recovery, text);
    if (g_str_has_suffix(name, "/checkpoint"))
        recovery->checkpoint = file->path;
    return TRUE;
}

/* The vault key that may lie in a backup is no part of a vault. */
static gboolean is_wanted(const VaultBackupFile *file, gboolean is_state)
{
    const char *name = vault_backup_path_in_vault(file->path);

    return (name != file->path) == is_state && strcmp(name, "vaultkey") != 0;
}

static gboolean fetch_files(Recovery *recovery, gboolean is_state, GError **error)
{
    for (guint i = 0; i < recovery->manifest->files->len; i++) {
        const VaultBackupFile *file = g_ptr_array_index(recovery->manifest->files, i);

        if (is_wanted(file, is_state) && !fetch(recovery, file, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean make_folders(const Recovery *recovery, GError **error)
{
    static const char *const names[] = {"packs", "log", "run"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(recovery->path, names[i], NULL);

        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return vault_error_set_errno(error, errno, "cannot make folder", path);
    }
    return TRUE;
}

/* The keyring first: a wrong key is told before all else is copied. */
static gboolean fetch_all(Recovery *recovery, GError **error)
{
    g_autofree char *keyring = g_build_filename(recovery->path, "keyring.sqlite", NULL);

    for (guint i = 0; i < recovery->manifest->files->len; i++)
        recovery->all_len +=
            ((VaultBackupFile *)g_ptr_array_index(recovery->manifest->files, i))->len;
    return make_folders(recovery, error) && fetch_files(recovery, TRUE, error) &&
           vault_backup_check_key(keyring, recovery->options->vault_key_path,
                                  &recovery->manifest->vault_id, error) &&
           fetch_files(recovery, FALSE, error);
}

/* ---- going on -------------------------------------------------------------------------------- */

static gboolean go_on(Recovery *recovery, GError **error)
{
    const VaultVerifyCallbacks callbacks = {.finding = take_finding, .user = recovery};
    const VaultGoOnOptions options = {.why = recovery->options->why,
                                      .manifest = recovery->manifest,
                                      .vault_key_path = recovery->options->vault_key_path,
                                      .callbacks = &callbacks};

    if (vault_keep_go_on(recovery->path, &options, &recovery->result->went_on, error))
        return TRUE;
    if (recovery->checkpoint != NULL)
        g_prefix_error(
            error,
            "%s is damaged or missing in the backup, and nothing else there says how far "
            "that log goes; put in its place a checkpoint of it that was kept elsewhere "
            "(printed by \"muniment log checkpoint\", in another backup, at a witness), "
            "and recover again; or recover an earlier backup: ",
            recovery->checkpoint);
    return FALSE;
}

static gboolean make(Recovery *recovery, GError **error)
{
    recovery->manifest = backup_read_manifest(recovery->options->backup, error);
    if (recovery->manifest == NULL)
        return FALSE;
    recovery->result->backup_number = recovery->manifest->number;
    recovery->result->made_s = recovery->manifest->made_s;
    recovery->result->message_count = recovery->manifest->message_count;
    if (!folder_tree_remove(recovery->path, error))
        return FALSE;
    if (mkdir(recovery->path, 0700) != 0)
        return vault_error_set_errno(error, errno, "cannot make folder", recovery->path);
    return fetch_all(recovery, error) && backup_folder_sync(recovery->path, error) &&
           go_on(recovery, error);
}

/* ---- a vault --------------------------------------------------------------------------------- */

/* One that lies there is another generation's or another vault's, unless it is the same. */
static gboolean write_key(const char *path, const char *text, GError **error)
{
    g_autoptr(GBytes) there = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, NULL);
    gboolean is_same = there != NULL && g_bytes_get_size(there) == strlen(text) &&
                       memcmp(g_bytes_get_data(there, NULL), text, strlen(text)) == 0;

    if (there != NULL)
        vault_wipe((void *)g_bytes_get_data(there, NULL), g_bytes_get_size(there));
    return is_same || vault_file_write(path, text, strlen(text), 0600, VAULT_FILE_NEW, error);
}

static gboolean put_key(const Recovery *recovery, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(recovery->options->path, NULL);
    g_autofree char *key_path = g_strconcat(path, ".vaultkey", NULL);
    char *text = vault_backup_key_text(recovery->options->vault_key_path,
                                       &recovery->manifest->vault_id, error);
    gboolean is_put;

    if (text == NULL)
        return FALSE;
    is_put = write_key(key_path, text, error);
    vault_key_text_free(text);
    return is_put;
}

static gboolean name_it(Recovery *recovery, GError **error)
{
    const char *path = recovery->options->path;
    g_autofree char *parent = g_path_get_dirname(path);

    /* An empty folder gives way, one with anything in it does not. */
    if (rename(recovery->path, path) != 0)
        return vault_error_set_errno(error, errno, "cannot name", path);
    g_clear_pointer(&recovery->path, g_free);
    return vault_file_sync_directory(parent, error);
}

gboolean recover_vault(const RecoverOptions *options, RecoverResult *ret_result, GError **error)
{
    g_auto(Recovery) recovery = {.options = options, .result = ret_result};
    g_autofree char *path = g_canonicalize_filename(options->path, NULL);

    *ret_result = (RecoverResult){0};
    if (!vault_keep_create_check(path, error))
        return FALSE;
    recovery.path = g_strconcat(path, ".recovering", NULL);
    return make(&recovery, error) && put_key(&recovery, error) && name_it(&recovery, error);
}

/* ---- a drill --------------------------------------------------------------------------------- */

static gboolean verify_logs(Recovery *recovery, VaultKeep *keep, GError **error)
{
    const LogEpochsAudit audit = {.found = take_finding, .user = recovery};
    g_autoptr(GPtrArray) epochs = log_epochs_open(keep, error);

    return epochs != NULL && log_epochs_audit(epochs, &audit, error);
}

static gboolean verify(Recovery *recovery, GError **error)
{
    const VaultKeepOptions options = {.mode = VAULT_KEEP_READER,
                                      .vault_key_path = recovery->options->vault_key_path};
    const VaultVerifyCallbacks callbacks = {.finding = take_finding, .user = recovery};
    g_autoptr(VaultKeep) keep = vault_keep_open(recovery->path, &options, error);
    VaultVerifyResult result;

    return keep != NULL && vault_keep_verify(keep, VAULT_VERIFY_DEEP, &callbacks, &result, error) &&
           verify_logs(recovery, keep, error);
}

gboolean recover_drill(const RecoverOptions *options, RecoverResult *ret_result, GError **error)
{
    g_auto(Recovery) recovery = {.options = options, .result = ret_result};

    *ret_result = (RecoverResult){0};
    recovery.path = g_dir_make_tmp("muniment-recovery-drill-XXXXXX", error);
    return recovery.path != NULL && make(&recovery, error) && verify(&recovery, error);
}
