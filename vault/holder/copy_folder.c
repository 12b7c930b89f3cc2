/* Copies in a folder of this host. */
#include "vault/base/file.h"
#include "vault/holder/copy_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_LEN 65536

static char *copy_path(const VaultCopyPlace *place)
{
    g_autofree char *name = vault_copy_file_name(&place->vault_id);

    return g_build_filename(place->place, name, NULL);
}

static gboolean read_trailer(const VaultCopyPlace *place, guint8 *ret_bytes, guint64 *ret_device,
                             GError **error)
{
    g_autofree char *path = copy_path(place);
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (fd < 0 && errno == ENOENT) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "no copy lies in %s: is its disk mounted?", place->place);
        return FALSE;
    }
    if (fd < 0 || fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    *ret_device = (guint64)status.st_dev;
    if (!S_ISREG(status.st_mode) || status.st_size < VAULT_KEYRING_COPY_TRAILER_LEN) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s is no copy of a keyring", path);
        return FALSE;
    }
    return vault_file_pread_exact(fd, ret_bytes, VAULT_KEYRING_COPY_TRAILER_LEN,
                                  (guint64)status.st_size - VAULT_KEYRING_COPY_TRAILER_LEN, path,
                                  error);
}

/* A copy being written, under a fixed name: what a crash leaves is written over by the next. */
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

/* Reads `len` bytes of `in`; writes them to `out` unless that is -1, hashes them into `hasher`. */
static gboolean pass(int in, const char *in_path, guint64 len, int out, const char *out_path,
                     VaultHasher *hasher, GError **error)
{
    g_autofree guint8 *block = g_malloc(BLOCK_LEN);

    for (guint64 at = 0; at < len;) {
        gsize part = (gsize)MIN((guint64)BLOCK_LEN, len - at);

        if (!vault_file_pread_exact(in, block, part, at, in_path, error) ||
            (out >= 0 && !vault_file_write_all(out, block, part, out_path, error)))
            return FALSE;
        vault_hasher_update(hasher, block, part);
        at += part;
    }
    return TRUE;
}

static gboolean write_draft(const char *path, const VaultKeyringCopy *copy, const Draft *draft,
                            GError **error)
{
    g_auto(VaultFd) in = open(path, O_RDONLY | O_CLOEXEC);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    guint8 trailer[VAULT_KEYRING_COPY_TRAILER_LEN];

    if (in < 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    vault_keyring_copy_format(copy, trailer);
    return pass(in, path, copy->keyring_len, draft->fd, draft->path, hasher, error) &&
           vault_file_write_all(draft->fd, trailer, sizeof trailer, draft->path, error) &&
           vault_file_sync(draft->fd, draft->path, error);
}

static gboolean corrupt(const char *path, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s is not what was written to it: see to its disk", path);
    return FALSE;
}

/* Of the disk where the kernel lets go of its cache. */
static gboolean read_back(const char *path, const VaultKeyringCopy *copy, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    guint8 expected[VAULT_KEYRING_COPY_TRAILER_LEN], trailer[VAULT_KEYRING_COPY_TRAILER_LEN];
    struct stat status;
    VaultHash hash;

    if (fd < 0 || fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if ((guint64)status.st_size != copy->keyring_len + VAULT_KEYRING_COPY_TRAILER_LEN)
        return corrupt(path, error);
    if (!pass(fd, path, copy->keyring_len, -1, NULL, hasher, error) ||
        !vault_file_pread_exact(fd, trailer, sizeof trailer, copy->keyring_len, path, error))
        return FALSE;
    vault_hasher_finish(hasher, &hash);
    vault_keyring_copy_format(copy, expected);
    return (vault_hash_equal(&hash, &copy->hash) &&
            memcmp(trailer, expected, sizeof trailer) == 0) ||
           corrupt(path, error);
}

static gboolean put(const VaultCopyPlace *place, const char *path, const VaultKeyringCopy *copy,
                    GError **error)
{
    g_autofree char *name = copy_path(place);
    g_auto(Draft) draft = {.path = g_strconcat(name, ".draft", NULL), .fd = -1};

    draft.fd = open(draft.path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (draft.fd < 0)
        return vault_error_set_errno(error, errno, "cannot create", draft.path);
    if (!write_draft(path, copy, &draft, error))
        return FALSE;
    if (rename(draft.path, name) != 0)
        return vault_error_set_errno(error, errno, "cannot replace", name);
    g_clear_pointer(&draft.path, g_free);
    return vault_file_sync_directory(place->place, error) && read_back(name, copy, error);
}

static gboolean remove_copy(const VaultCopyPlace *place, GError **error)
{
    g_autofree char *name = copy_path(place);

    if (unlink(name) != 0)
        return vault_error_set_errno(error, errno, "cannot remove", name);
    return vault_file_sync_directory(place->place, error);
}

const VaultCopyBackend vault_copy_folder = {
    .read_trailer = read_trailer, .put = put, .remove = remove_copy};
