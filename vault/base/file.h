/* Durable files: what is written is complete, synced and named, or it is not there.
 *
 * Every descriptor is O_CLOEXEC. All functions set IO, NO_SPACE or NOT_FOUND (from errno) with the
 * path in the message. No call is retried after a failed sync: the caller treats the file as lost.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* An open descriptor that closes itself: g_auto(VaultFd) fd = -1. */
typedef int VaultFd;
void vault_fd_close(VaultFd *fd);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultFd, vault_fd_close)

gboolean vault_file_write_all(int fd, const void *bytes, gsize len, const char *path,
                              GError **error);
gboolean vault_file_pwrite_all(int fd, const void *bytes, gsize len, guint64 offset,
                               const char *path, GError **error);
/* Exactly `len` bytes at `offset`; CORRUPT when the file ends before. */
gboolean vault_file_pread_exact(int fd, void *ret_bytes, gsize len, guint64 offset,
                                const char *path, GError **error);

/* fdatasync() of the descriptor. */
gboolean vault_file_sync(int fd, const char *path, GError **error);
/* fsync() of the directory, so that a new or removed name is durable. */
gboolean vault_file_sync_directory(const char *directory, GError **error);

typedef enum {
    VAULT_FILE_NEW, /* an existing file is an error (BUSY): nothing of the user's is overwritten */
    VAULT_FILE_REPLACE /* by rename, atomically */
} VaultFileExisting;

/* Writes a draft beside `path`, syncs it, gives it its name and syncs the directory. A failure
 * leaves neither draft nor half a file. */
gboolean vault_file_write(const char *path, const void *bytes, gsize len, mode_t mode,
                          VaultFileExisting existing, GError **error);

/* Reads at most `len_max` bytes; a longer file is TOO_LARGE. A NUL that is not counted follows. */
GBytes *vault_file_read(const char *path, gsize len_max, GError **error);
