#include "vault/base/file.h"

#include "vault/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void vault_fd_close(VaultFd *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

gboolean vault_file_write_all(int fd, const void *bytes, gsize len, const char *path,
                              GError **error)
{
    const guint8 *next = bytes;

    while (len > 0) {
        ssize_t written = write(fd, next, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return vault_error_set_errno(error, written < 0 ? errno : ENOSPC, "cannot write", path);
        next += written;
        len -= (gsize)written;
    }
    return TRUE;
}

gboolean vault_file_pwrite_all(int fd, const void *bytes, gsize len, guint64 offset,
                               const char *path, GError **error)
{
    const guint8 *next = bytes;

    while (len > 0) {
        ssize_t written = pwrite(fd, next, len, (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return vault_error_set_errno(error, written < 0 ? errno : ENOSPC, "cannot write", path);
        next += written;
        offset += (guint64)written;
        len -= (gsize)written;
    }
    return TRUE;
}

gboolean vault_file_pread_exact(int fd, void *ret_bytes, gsize len, guint64 offset,
                                const char *path, GError **error)
{
    guint8 *next = ret_bytes;

    while (len > 0) {
        ssize_t got = pread(fd, next, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return vault_error_set_errno(error, errno, "cannot read", path);
        if (got == 0) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "%s ends at offset %" G_GUINT64_FORMAT ", more was expected", path, offset);
            return FALSE;
        }
        next += got;
        offset += (guint64)got;
        len -= (gsize)got;
    }
    return TRUE;
}

gboolean vault_file_sync(int fd, const char *path, GError **error)
{
    if (fdatasync(fd) != 0)
        return vault_error_set_errno(error, errno, "cannot sync", path);
    return TRUE;
}

gboolean vault_file_sync_directory(const char *directory, GError **error)
{
    g_auto(VaultFd) fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open directory", directory);
    if (fsync(fd) != 0)
        return vault_error_set_errno(error, errno, "cannot sync directory", directory);
    return TRUE;
}

/* A file under a name of its own that removes itself unless it was given its real one. */
typedef struct {
    char *path;
    VaultFd fd;
} Draft;

static void draft_clear(Draft *draft)
{
    vault_fd_close(&draft->fd);
    if (draft->path != NULL)
        unlink(draft->path);
    g_clear_pointer(&draft->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

static gboolean draft_name(Draft *draft, const char *path, VaultFileExisting existing,
                           GError **error)
{
    if (existing == VAULT_FILE_NEW) {
        /* link() refuses an existing name, which rename() would replace. */
        if (link(draft->path, path) != 0)
            return vault_error_set_errno(error, errno, "cannot create", path);
        return TRUE;
    }
    if (rename(draft->path, path) != 0)
        return vault_error_set_errno(error, errno, "cannot replace", path);
    g_clear_pointer(&draft->path, g_free);
    return TRUE;
}

gboolean vault_file_write(const char *path, const void *bytes, gsize len, mode_t mode,
                          VaultFileExisting existing, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_auto(Draft) draft = {.path = g_strdup_printf("%s.XXXXXX", path), .fd = -1};

    draft.fd = g_mkstemp_full(draft.path, O_WRONLY | O_CLOEXEC, (int)mode);
    if (draft.fd < 0) {
        int saved_errno = errno;

        g_clear_pointer(&draft.path, g_free);
        return vault_error_set_errno(error, saved_errno, "cannot create a file beside", path);
    }
    return vault_file_write_all(draft.fd, bytes, len, path, error) &&
           vault_file_sync(draft.fd, path, error) && draft_name(&draft, path, existing, error) &&
           vault_file_sync_directory(directory, error);
}

GBytes *vault_file_read(const char *path, gsize len_max, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    g_autofree guint8 *bytes = NULL;

    if (fd < 0 || fstat(fd, &status) != 0) {
        vault_error_set_errno(error, errno, "cannot open", path);
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || (guint64)status.st_size > len_max) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "%s is not a regular file of at most %" G_GSIZE_FORMAT " bytes", path, len_max);
        return NULL;
    }
    bytes = g_malloc((gsize)status.st_size + 1);
    if (!vault_file_pread_exact(fd, bytes, (gsize)status.st_size, 0, path, error))
        return NULL;
    bytes[status.st_size] = '\0'; /* text parsers may rely on it */
    return g_bytes_new_take(g_steal_pointer(&bytes), (gsize)status.st_size);
}
