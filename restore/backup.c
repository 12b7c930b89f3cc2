#include "restore/backup_folder.h"

#include "restore/folder_tree.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Files may go while they are copied (packs are compacted, a log grows): then the vault is looked
 * at again. Each time more of it is there already. */
#define ATTEMPTS_MAX 32

typedef struct {
    VaultKeep *keep;
    const BackupOptions *options;
    BackupFolder *folder;
    BackupResult *result;
    GHashTable *copied;   /* path -> VaultBackupFile: of this backup, whatever attempt */
    GHashTable *reported; /* paths: each is told once */
    guint64 done_len, all_len;
} Backup;

static void backup_clear(Backup *backup)
{
    g_clear_pointer(&backup->copied, g_hash_table_unref);
    g_clear_pointer(&backup->reported, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Backup, backup_clear)

static void report(Backup *backup, const char *path, const char *what)
{
    const BackupCallbacks *callbacks = backup->options->callbacks;
    g_autofree char *text = g_strdup_printf("%s: %s", path, what);

    if (!g_hash_table_add(backup->reported, g_strdup(path)))
        return;
    backup->result->finding_count++;
    if (callbacks->found != NULL)
        callbacks->found(text, callbacks->user);
}

static void count_bytes(guint64 len, gpointer user)
{
    Backup *backup = user;
    const BackupCallbacks *callbacks = backup->options->callbacks;

    backup->done_len += len;
    if (callbacks->progress != NULL)
        callbacks->progress(MIN(backup->done_len, backup->all_len), backup->all_len,
                            callbacks->user);
}

/* ---- one file -------------------------------------------------------------------------------- */

static void add_file(VaultBackupManifest *manifest, const VaultBackupFile *file)
{
    g_ptr_array_add(manifest->files, vault_backup_file_new(file->path, file->len, &file->hash));
}

static gboolean is_there(const Backup *backup, const VaultBackupFile *file)
{
    g_autofree char *path = g_build_filename(backup->folder->path, file->path, NULL);
    struct stat status;

    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           (guint64)status.st_size >= file->len;
}

static const VaultBackupFile *last_of(const Backup *backup, const char *path)
{
    const VaultBackupFile *file = g_hash_table_lookup(backup->copied, path);

    if (file == NULL && backup->folder->last != NULL)
        file = vault_backup_manifest_find(backup->folder->last, path);
    return file != NULL && is_there(backup, file) ? file : NULL;
}

static gboolean copy_item(Backup *backup, const VaultBackupItem *item, const VaultBackupFile *last,
                          VaultBackupManifest *manifest, GError **error)
{
    g_autofree char *from = g_build_filename(vault_keep_path(backup->keep), item->path, NULL);
    g_autofree char *to = g_build_filename(backup->folder->path, item->path, NULL);
    BackupFileCopy copy = {.from = from,
                           .to = to,
                           .len = item->len,
                           .kept = last,
                           .is_synced = TRUE,
                           .progress = count_bytes,
                           .user = backup};
    VaultBackupFile *file;
    VaultHash hash;

    if (!backup_file_copy(&copy, &hash, error))
        return FALSE;
    backup_folder_note(backup->folder, item->path);
    backup->result->copied_count++;
    backup->result->copied_len += item->len - (last == NULL ? 0 : last->len);
    file = vault_backup_file_new(item->path, item->len, &hash);
    add_file(manifest, file);
    g_hash_table_replace(backup->copied, file->path, file);
    return TRUE;
}

/* FALSE with NOT_FOUND: it is gone. What is damaged on the vault's disk and whole in the backup
 * stays there as it was. */
static gboolean take_item(Backup *backup, const VaultBackupItem *item,
                          VaultBackupManifest *manifest, GError **error)
{
    const VaultBackupFile *last = last_of(backup, item->path);
    g_autoptr(GError) failure = NULL;

    if (last != NULL && last->len == item->len) {
        add_file(manifest, last);
        return TRUE;
    }
    if (last != NULL && last->len > item->len) {
        report(backup, item->path, "it was longer when it was backed up; kept as it was then");
        add_file(manifest, last);
        return TRUE;
    }
    if (copy_item(backup, item, last, manifest, &failure))
        return TRUE;
    if (last != NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT)) {
        report(backup, item->path, failure->message);
        add_file(manifest, last);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* ---- what is gone from the vault ------------------------------------------------------------- */

/* "<sequence>-<pack id>.pack" or "<pack id>.stream". */
static gboolean is_lost_pack(const VaultBackupContent *content, const char *path)
{
    const char *dot = strrchr(path, '.');
    g_autofree char *id = NULL;

    if (!g_str_has_prefix(path, "packs/") || dot == NULL || dot - path < 2 * VAULT_ID_LEN)
        return FALSE;
    id = g_strndup(dot - 2 * VAULT_ID_LEN, 2 * VAULT_ID_LEN);
    return g_hash_table_contains(content->lost, id);
}

/* Of a log only what a wider file took the place of goes. */
static gboolean is_lost_log(const char *path)
{
    return g_str_has_prefix(path, "log/") && strstr(path, ".p/") == NULL;
}

static void keep_lost(Backup *backup, const VaultBackupContent *content,
                      VaultBackupManifest *manifest)
{
    const VaultBackupManifest *last = backup->folder->last;
    g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < manifest->files->len; i++)
        g_hash_table_add(taken, ((VaultBackupFile *)g_ptr_array_index(manifest->files, i))->path);
    for (guint i = 0; last != NULL && i < last->files->len; i++) {
        const VaultBackupFile *file = g_ptr_array_index(last->files, i);

        if (g_hash_table_contains(taken, file->path) ||
            (!is_lost_pack(content, file->path) && !is_lost_log(file->path)))
            continue;
        report(backup, file->path, "it is gone from the vault; kept in the backup");
        add_file(manifest, file);
    }
}

/* ---- packs and logs -------------------------------------------------------------------------- */

static gboolean take_items(Backup *backup, const VaultBackupContent *content,
                           VaultBackupManifest *manifest, GError **error)
{
    backup->done_len = backup->all_len = 0;
    for (guint i = 0; i < content->items->len; i++) {
        const VaultBackupItem *item = g_ptr_array_index(content->items, i);
        const VaultBackupFile *last = last_of(backup, item->path);

        backup->all_len += last != NULL && last->len == item->len ? 0 : item->len;
    }
    for (guint i = 0; i < content->items->len; i++) {
        const VaultBackupItem *item = g_ptr_array_index(content->items, i);

        if (!item->is_replaced && !take_item(backup, item, manifest, error))
            return FALSE;
    }
    keep_lost(backup, content, manifest);
    return TRUE;
}

static VaultBackupManifest *manifest_of(const Backup *backup, const VaultBackupContent *content)
{
    VaultBackupManifest *manifest = vault_backup_manifest_new();

    manifest->vault_id = *vault_keep_id(backup->keep);
    manifest->made_s = backup->options->made_s;
    manifest->number = backup->folder->last == NULL ? 1 : backup->folder->last->number + 1;
    manifest->generation = content->generation;
    manifest->epoch = content->epoch;
    memcpy(manifest->logs, content->logs, sizeof manifest->logs);
    manifest->message_count = content->message_count;
    return manifest;
}

static gboolean take_vault(Backup *backup, VaultBackupContent **ret_content,
                           VaultBackupManifest **ret_manifest, GError **error)
{
    for (guint attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        g_autoptr(VaultBackupContent) content = vault_backup_content_read(backup->keep, error);
        g_autoptr(VaultBackupManifest) manifest =
            content == NULL ? NULL : manifest_of(backup, content);
        g_autoptr(GError) failure = NULL;

        if (content == NULL)
            return FALSE;
        if (take_items(backup, content, manifest, &failure)) {
            *ret_content = g_steal_pointer(&content);
            *ret_manifest = g_steal_pointer(&manifest);
            return TRUE;
        }
        if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                        "the vault changes faster than it can be copied: try again later");
    return FALSE;
}

/* ---- state ----------------------------------------------------------------------------------- */

typedef struct {
    Backup *backup;
    VaultBackupManifest *manifest;
    char *folder; /* its name */
} State;

static void state_clear(State *state)
{
    g_clear_pointer(&state->folder, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(State, state_clear)

static char *state_path(const State *state, const char *name)
{
    return g_build_filename(state->backup->folder->path, state->folder, name, NULL);
}

/* A file that was just made in the state folder. */
static gboolean add_state(const State *state, const char *name, GError **error)
{
    g_autofree char *path = state_path(state, name);
    g_autofree char *relative = g_build_filename(state->folder, name, NULL);
    VaultBackupFile file = {.path = relative};
    BackupFileCopy copy = {.from = path};
    struct stat status;

    if (lstat(path, &status) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "%s is gone again", path);
        return FALSE;
    }
    file.len = copy.len = (guint64)status.st_size;
    if (!backup_file_hash(&copy, &file.hash, error))
        return FALSE;
    add_file(state->manifest, &file);
    backup_folder_note(state->backup->folder, relative);
    state->backup->result->copied_count++;
    state->backup->result->copied_len += file.len;
    return TRUE;
}

/* `name` in the log's folder. */
static gboolean put_in_log(const State *state, const char *folder, const char *name,
                           const void *bytes, gsize len, GError **error)
{
    g_autofree char *relative = g_build_filename(folder, name, NULL);
    g_autofree char *path = state_path(state, relative);

    return folder_tree_make_parent(path, error) &&
           vault_file_write(path, bytes, len, 0600, VAULT_FILE_NEW, error) &&
           add_state(state, relative, error);
}

static gboolean put_checkpoint(const State *state, VaultLogKind kind,
                               const VaultBackupContent *content, GError **error)
{
    g_autofree char *folder = vault_backup_log_folder(kind, content->epoch);
    const char *note = content->notes[kind];
    GBytes *cosigned = content->cosigned[kind];

    return put_in_log(state, folder, "checkpoint", note, strlen(note), error) &&
           (cosigned == NULL ||
            put_in_log(state, folder, "cosigned", g_bytes_get_data(cosigned, NULL),
                       g_bytes_get_size(cosigned), error));
}

/* A small file as it is now; one that is not there is none of the backup's. */
static gboolean put_copy(const State *state, const char *name, GError **error)
{
    g_autofree char *from = g_build_filename(vault_keep_path(state->backup->keep), name, NULL);
    g_autofree char *to = state_path(state, name);
    BackupFileCopy copy = {.from = from, .to = to, .is_synced = TRUE};
    g_autoptr(GError) failure = NULL;
    struct stat status;
    VaultHash hash;

    if (stat(from, &status) != 0)
        return TRUE;
    copy.len = (guint64)status.st_size;
    if (backup_file_copy(&copy, &hash, &failure))
        return add_state(state, name, error);
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean put_replaced(const State *state, const VaultBackupContent *content, GError **error)
{
    for (guint i = 0; i < content->items->len; i++) {
        const VaultBackupItem *item = g_ptr_array_index(content->items, i);

        if (item->is_replaced && !put_copy(state, item->path, error))
            return FALSE;
    }
    /* The configuration may lie elsewhere: --config says where. */
    return put_copy(state, "archived.conf", error);
}

static gboolean put_vault_key(const State *state, GError **error)
{
    g_autofree char *path = state_path(state, "vaultkey");

    return !state->backup->options->with_vault_key ||
           (vault_backup_vault_key(state->backup->keep, path, error) &&
            add_state(state, "vaultkey", error));
}

static gboolean put_state(Backup *backup, const VaultBackupContent *content,
                          VaultBackupManifest *manifest, GError **error)
{
    g_auto(State) state = {.backup = backup, .manifest = manifest};
    g_autofree char *folder = NULL;
    g_autofree char *keyring = NULL;

    state.folder = vault_backup_state_folder(manifest->number);
    folder = state_path(&state, "");
    keyring = state_path(&state, "keyring.sqlite");
    /* Of an attempt that came to no end. */
    return folder_tree_remove(folder, error) && folder_tree_make_parent(keyring, error) &&
           put_checkpoint(&state, VAULT_LOG_ARCHIVE, content, error) &&
           put_checkpoint(&state, VAULT_LOG_CONTROL, content, error) &&
           put_replaced(&state, content, error) && put_vault_key(&state, error) &&
           vault_backup_keyring(backup->keep, keyring, error) &&
           add_state(&state, "keyring.sqlite", error);
}

/* ---- all of it ------------------------------------------------------------------------------- */

void backup_count(const VaultBackupManifest *manifest, BackupResult *result)
{
    result->number = manifest->number;
    result->made_s = manifest->made_s;
    result->message_count = manifest->message_count;
    result->file_count = manifest->files->len;
    for (guint i = 0; i < manifest->files->len; i++)
        result->len += ((VaultBackupFile *)g_ptr_array_index(manifest->files, i))->len;
}

gboolean backup_make(VaultKeep *keep, const BackupOptions *options, BackupResult *ret_result,
                     GError **error)
{
    g_auto(BackupFolder) folder = {.lock_fd = -1};
    g_auto(Backup)
        backup = {.keep = keep, .options = options, .folder = &folder, .result = ret_result};
    g_autoptr(VaultBackupContent) content = NULL;
    g_autoptr(VaultBackupManifest) manifest = NULL;

    *ret_result = (BackupResult){0};
    backup.copied = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                          (GDestroyNotify)vault_backup_file_free);
    backup.reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!backup_folder_open(&folder, options->destination, keep, error) ||
        !take_vault(&backup, &content, &manifest, error) ||
        !put_state(&backup, content, manifest, error))
        return FALSE;
    backup_count(manifest, ret_result);
    return backup_folder_seal(&folder, manifest, &ret_result->manifest_hash, error) &&
           backup_folder_tidy(&folder, manifest, error);
}
