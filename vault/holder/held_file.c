#include "vault/holder/held_file.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Zeros over all of a file, on stable storage. */
static gboolean overwrite(int fd, const char *path, GError **error)
{
    static const guint8 zeros[4096];
    struct stat status;

    if (fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot measure", path);
    for (off_t at = 0; at < status.st_size; at += (off_t)sizeof zeros) {
        gsize len = (gsize)MIN((off_t)sizeof zeros, status.st_size - at);

        if (!vault_file_pwrite_all(fd, zeros, len, (guint64)at, path, error))
            return FALSE;
    }
    return vault_file_sync(fd, path, error);
}

static gboolean overwrite_and_unlink(const char *path, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    g_autofree char *directory = g_path_get_dirname(path);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    if (!overwrite(fd, path, error))
        return FALSE;
    if (unlink(path) != 0)
        return vault_error_set_errno(error, errno, "cannot remove", path);
    return vault_file_sync_directory(directory, error);
}

/* A file beside, under a fixed name, so that what a crash leaves is found again. */
typedef struct {
    char *path;
    VaultFd fd;
    gboolean is_named;
} Draft;

static void draft_clear(Draft *draft)
{
    if (draft->fd >= 0 && !draft->is_named) {
        if (!overwrite(draft->fd, draft->path, NULL))
            g_debug("cannot overwrite %s", draft->path);
        unlink(draft->path);
    }
    vault_fd_close(&draft->fd);
    g_clear_pointer(&draft->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

static char *draft_path(const char *path)
{
    return g_strconcat(path, ".draft", NULL);
}

/* The file itself, where `path` is a link to it. */
static char *resolve(const char *path, HeldFileExisting existing)
{
    char *real = existing == HELD_FILE_NEW ? NULL : realpath(path, NULL);
    char *resolved = g_strdup(real != NULL ? real : path);

    free(real);
    return resolved;
}

static gboolean remove_draft(const char *path, GError **error)
{
    g_autofree char *draft = draft_path(path);

    return access(draft, F_OK) != 0 || overwrite_and_unlink(draft, error);
}

static gboolean draft_begin(const char *path, const char *text, Draft *draft, GError **error)
{
    if (!remove_draft(path, error))
        return FALSE;
    draft->path = draft_path(path);
    draft->fd = open(draft->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (draft->fd < 0)
        return vault_error_set_errno(error, errno, "cannot create", draft->path);
    return vault_file_write_all(draft->fd, text, strlen(text), draft->path, error) &&
           vault_file_sync(draft->fd, draft->path, error);
}

/* link() refuses an existing name, which rename() would replace. */
static gboolean draft_name(Draft *draft, const char *path, HeldFileExisting existing,
                           GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    int status;

    status = existing == HELD_FILE_NEW ? link(draft->path, path) : rename(draft->path, path);
    if (status != 0)
        return vault_error_set_errno(error, errno, "cannot write", path);
    draft->is_named = TRUE;
    if (existing == HELD_FILE_NEW && unlink(draft->path) != 0)
        return vault_error_set_errno(error, errno, "cannot remove", draft->path);
    return vault_file_sync_directory(directory, error);
}

gboolean held_file_write(const char *path, const char *text, HeldFileExisting existing,
                         GError **error)
{
    g_autofree char *file = resolve(path, existing);
    g_auto(VaultFd) old = -1;
    g_auto(Draft) draft = {.fd = -1};

    if (existing == HELD_FILE_REPLACE) {
        old = open(file, O_RDWR | O_CLOEXEC);
        if (old < 0)
            return vault_error_set_errno(error, errno, "cannot open", file);
    }
    if (!draft_begin(file, text, &draft, error) || !draft_name(&draft, file, existing, error))
        return FALSE;
    /* Through the descriptor: the old file has no name any more, and nobody reads it. */
    return existing == HELD_FILE_NEW || overwrite(old, file, error);
}

gboolean held_file_remove_draft(const char *path, GError **error)
{
    g_autofree char *file = resolve(path, HELD_FILE_REPLACE);

    return remove_draft(file, error);
}

gboolean held_file_remove(const char *path, GError **error)
{
    g_autofree char *file = resolve(path, HELD_FILE_REPLACE);

    return remove_draft(file, error) && overwrite_and_unlink(file, error);
}
