#include "restore/backup_file.h"

#include "restore/folder_tree.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_LEN (1u << 20)
#define DRAFT_SUFFIX ".draft"

/* Reads [0, len) of `fd` part by part. */
typedef gboolean (*TakePart)(const guint8 *bytes, gsize len, guint64 offset, gpointer user,
                             GError **error);

static gboolean read_parts(const BackupFileCopy *copy, int fd, guint64 from, guint64 to,
                           TakePart take, gpointer user, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(PART_LEN);

    for (guint64 at = from; at < to;) {
        gsize len = (gsize)MIN(to - at, PART_LEN);

        if (!vault_file_pread_exact(fd, bytes, len, at, copy->from, error) ||
            !take(bytes, len, at, user, error))
            return FALSE;
        at += len;
        if (copy->progress != NULL)
            copy->progress(len, copy->user);
    }
    return TRUE;
}

typedef struct {
    VaultHasher *all;
    int fd; /* -1: only hashed */
    const char *path;
} Taking;

static gboolean take_part(const guint8 *bytes, gsize len, guint64 offset, gpointer user,
                          GError **error)
{
    Taking *taking = user;

    vault_hasher_update(taking->all, bytes, len);
    return taking->fd < 0 ||
           vault_file_pwrite_all(taking->fd, bytes, len, offset, taking->path, error);
}

static gboolean open_from(const BackupFileCopy *copy, VaultFd *ret_fd, GError **error)
{
    *ret_fd = open(copy->from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *ret_fd >= 0 || vault_error_set_errno(error, errno, "cannot open", copy->from);
}

gboolean backup_file_hash(const BackupFileCopy *file, VaultHash *ret_hash, GError **error)
{
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    Taking taking = {.all = hasher, .fd = -1};
    g_auto(VaultFd) fd = -1;

    if (!open_from(file, &fd, error) ||
        !read_parts(file, fd, 0, file->len, take_part, &taking, error))
        return FALSE;
    vault_hasher_finish(hasher, ret_hash);
    return TRUE;
}

/* ---- whole ----------------------------------------------------------------------------------- */

static gboolean copy_whole(const BackupFileCopy *copy, int from, VaultHash *ret_hash,
                           GError **error)
{
    g_autofree char *draft = g_strconcat(copy->to, DRAFT_SUFFIX, NULL);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    g_auto(VaultFd) to = -1;
    Taking taking = {.all = hasher, .path = draft};

    if (!folder_tree_make_parent(copy->to, error))
        return FALSE;
    to = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return vault_error_set_errno(error, errno, "cannot create", draft);
    taking.fd = to;
    if (!read_parts(copy, from, 0, copy->len, take_part, &taking, error)) {
        unlink(draft); /* on a full disk it would take room */
        return FALSE;
    }
    vault_hasher_finish(hasher, ret_hash);
    if (copy->is_synced && !vault_file_sync(to, draft, error))
        return FALSE;
    return rename(draft, copy->to) == 0 ||
           vault_error_set_errno(error, errno, "cannot name", copy->to);
}

/* ---- what grew ------------------------------------------------------------------------------- */

/* Is there, and has at least what was kept. What is more is of an attempt that came to no end. */
static gboolean open_kept(const BackupFileCopy *copy, VaultFd *ret_fd)
{
    struct stat status;

    if (copy->kept == NULL)
        return FALSE;
    *ret_fd = open(copy->to, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    return *ret_fd >= 0 && fstat(*ret_fd, &status) == 0 &&
           (guint64)status.st_size >= copy->kept->len;
}

static gboolean check_kept(const BackupFileCopy *copy, GError **error)
{
    BackupFileCopy begin = *copy;
    VaultHash hash;

    begin.len = copy->kept->len;
    if (!backup_file_hash(&begin, &hash, error))
        return FALSE;
    if (vault_hash_equal(&hash, &copy->kept->hash))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s does not begin with what was backed up of it before", copy->from);
    return FALSE;
}

/* The beginning is read twice where all of it is hashed: it is in memory by then. */
static gboolean copy_on(const BackupFileCopy *copy, int from, int to, VaultHash *ret_hash,
                        GError **error)
{
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    Taking taking = {.all = hasher, .fd = -1, .path = copy->to};
    BackupFileCopy quiet = *copy;

    quiet.progress = NULL;
    if (!check_kept(copy, error))
        return FALSE;
    if (ftruncate(to, (off_t)copy->kept->len) != 0)
        return vault_error_set_errno(error, errno, "cannot cut", copy->to);
    if (!read_parts(&quiet, from, 0, copy->kept->len, take_part, &taking, error))
        return FALSE;
    taking.fd = to;
    if (!read_parts(copy, from, copy->kept->len, copy->len, take_part, &taking, error))
        return FALSE;
    vault_hasher_finish(hasher, ret_hash);
    return !copy->is_synced || vault_file_sync(to, copy->to, error);
}

gboolean backup_file_copy(const BackupFileCopy *copy, VaultHash *ret_hash, GError **error)
{
    g_auto(VaultFd) from = -1;
    g_auto(VaultFd) to = -1;

    if (!open_from(copy, &from, error))
        return FALSE;
    return open_kept(copy, &to) ? copy_on(copy, from, to, ret_hash, error)
                                : copy_whole(copy, from, ret_hash, error);
}

gboolean backup_folder_sync(const char *folder, GError **error)
{
    g_auto(VaultFd) fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open folder", folder);
    return syncfs(fd) == 0 || vault_error_set_errno(error, errno, "cannot sync", folder);
}
