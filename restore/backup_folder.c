#include "restore/backup_folder.h"

#include "restore/folder_tree.h"
#include "restore/remote_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void backup_folder_clear(BackupFolder *folder)
{
    g_clear_pointer(&folder->path, g_free);
    g_clear_pointer(&folder->last, vault_backup_manifest_free);
    g_clear_pointer(&folder->unsynced, g_hash_table_unref);
    vault_fd_close(&folder->lock_fd);
}

VaultBackupManifest *backup_read_manifest(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, VAULT_BACKUP_MANIFEST_NAME, NULL);
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_BACKUP_MANIFEST_LEN_MAX, error);
    VaultBackupManifest *manifest;

    if (bytes == NULL)
        return NULL;
    manifest =
        vault_backup_manifest_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);
    if (manifest == NULL)
        g_prefix_error(error, "%s: ", path);
    return manifest;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* By realpath(), so that no link leads there. */
static gboolean check_outside(const char *path, const char *vault_path, GError **error)
{
    char *folder = realpath(path, NULL);
    char *vault = realpath(vault_path, NULL);
    gsize len = vault == NULL ? 0 : strlen(vault);
    gboolean is_inside = folder != NULL && vault != NULL && strncmp(folder, vault, len) == 0 &&
                         (folder[len] == '\0' || folder[len] == '/');

    free(folder);
    free(vault);
    if (!is_inside)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s lies in the vault: a backup belongs on another disk", path);
    return FALSE;
}

/* Of a first backup that came to no end there may be something. */
static gboolean is_ours(const char *name)
{
    return strcmp(name, "packs") == 0 || strcmp(name, "log") == 0 || strcmp(name, "lock") == 0 ||
           strcmp(name, "lost+found") == 0 || g_str_has_prefix(name, "state-") ||
           g_str_has_prefix(name, VAULT_BACKUP_MANIFEST_NAME);
}

static gboolean check_empty(const char *path, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        if (is_ours(name))
            continue;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s holds %s, and no backup: give a folder that is new or empty", path, name);
        return FALSE;
    }
    return TRUE;
}

static gboolean lock_folder(BackupFolder *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder->path, "lock", NULL);

    folder->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (folder->lock_fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (errno != EWOULDBLOCK)
        return vault_error_set_errno(error, errno, "cannot lock", path);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "another backup is being made in %s",
                folder->path);
    return FALSE;
}

static gboolean read_last(BackupFolder *folder, VaultKeep *keep, GError **error)
{
    g_autoptr(GError) failure = NULL;

    folder->last = backup_read_manifest(folder->path, &failure);
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return check_empty(folder->path, error);
    if (folder->last == NULL) {
        g_propagate_prefixed_error(error, g_steal_pointer(&failure),
                                   "make the backup in another folder, this one is of no use: ");
        return FALSE;
    }
    if (VAULT_ID_EQUAL(folder->last->vault_id, *vault_keep_id(keep)))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s holds backups of another vault: give another folder", folder->path);
    return FALSE;
}

gboolean backup_folder_open(BackupFolder *folder, const char *path, VaultKeep *keep, GError **error)
{
    folder->lock_fd = -1;
    if (remote_address_is(path)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                            "a backup is made in a folder: mount the other host's disk here, or "
                            "copy the folder there afterwards");
        return FALSE;
    }
    folder->path = g_canonicalize_filename(path, NULL);
    folder->unsynced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (mkdir(folder->path, 0700) != 0 && errno != EEXIST)
        return vault_error_set_errno(error, errno, "cannot make folder", folder->path);
    return check_outside(folder->path, vault_keep_path(keep), error) &&
           lock_folder(folder, error) && read_last(folder, keep, error);
}

/* ---- ending ---------------------------------------------------------------------------------- */

void backup_folder_note(BackupFolder *folder, const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);

    /* Those above it, too: it may be new itself. */
    if (strcmp(parent, ".") == 0 || !g_hash_table_add(folder->unsynced, g_strdup(parent)))
        return;
    backup_folder_note(folder, parent);
}

static gboolean sync_names(const BackupFolder *folder, GError **error)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, folder->unsynced);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_autofree char *path = g_build_filename(folder->path, name, NULL);

        if (!vault_file_sync_directory(path, error))
            return FALSE;
    }
    return vault_file_sync_directory(folder->path, error);
}

gboolean backup_folder_seal(BackupFolder *folder, VaultBackupManifest *manifest,
                            VaultHash *ret_hash, GError **error)
{
    g_autofree char *path = g_build_filename(folder->path, VAULT_BACKUP_MANIFEST_NAME, NULL);
    g_autofree char *text = vault_backup_manifest_format(manifest);

    vault_hash(text, strlen(text), ret_hash);
    return sync_names(folder, error) &&
           vault_file_write(path, text, strlen(text), 0600, VAULT_FILE_REPLACE, error);
}

typedef struct {
    const BackupFolder *folder;
    const VaultBackupManifest *manifest;
    const char *top;
} Tidying;

static gboolean tidy_one(const char *relative, FolderTreeKind kind, gpointer user, GError **error)
{
    const Tidying *tidying = user;
    g_autofree char *name = g_build_filename(tidying->top, relative, NULL);
    g_autofree char *path = g_build_filename(tidying->folder->path, name, NULL);

    if (kind == FOLDER_TREE_FOLDER) {
        (void)rmdir(path); /* only when it is empty */
        return TRUE;
    }
    if (vault_backup_manifest_find(tidying->manifest, name) != NULL)
        return TRUE;
    return remove(path) == 0 || errno == ENOENT ||
           vault_error_set_errno(error, errno, "cannot remove", path);
}

static gboolean tidy_top(const BackupFolder *folder, const VaultBackupManifest *manifest,
                         const char *top, GError **error)
{
    const Tidying tidying = {.folder = folder, .manifest = manifest, .top = top};
    g_autofree char *path = g_build_filename(folder->path, top, NULL);

    if (!folder_tree_visit(path, tidy_one, (gpointer)&tidying, error))
        return FALSE;
    (void)rmdir(path);
    return TRUE;
}

gboolean backup_folder_tidy(const BackupFolder *folder, const VaultBackupManifest *manifest,
                            GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(folder->path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        if ((strcmp(name, "packs") == 0 || strcmp(name, "log") == 0 ||
             g_str_has_prefix(name, "state-")) &&
            !tidy_top(folder, manifest, name, error))
            return FALSE;
    }
    return TRUE;
}
