/* One file on its way into a backup or out of one, hashed as it goes.
 *
 * A file that is new gets its name when it is whole. One that grew is written on behind what is
 * there: what a backup that came to its end has of it is never touched. Folders are not synced
 * here. Errors: NOT_FOUND (`from` is gone), CORRUPT (it is shorter than it
 * should be, or does not begin with what was kept of it), IO, NO_SPACE. Threads: any.
 */
#pragma once

#include "vault/act/backup_manifest.h"

typedef struct {
    const char *from, *to;
    guint64 len;
    const VaultBackupFile *kept;                  /* what `to` begins with; NULL: nothing */
    gboolean is_synced;                           /* its bytes are on storage afterwards */
    void (*progress)(guint64 len, gpointer user); /* that many more bytes; may be NULL */
    gpointer user;
} BackupFileCopy;
gboolean backup_file_copy(const BackupFileCopy *copy, VaultHash *ret_hash, GError **error);

/* The hash of the first `len` bytes. */
gboolean backup_file_hash(const BackupFileCopy *file, VaultHash *ret_hash, GError **error);

/* Everything that was written to the file system of `folder`. */
gboolean backup_folder_sync(const char *folder, GError **error);
