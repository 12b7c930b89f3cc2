/* The folder that backups are made in. Inside restore/backup*.c only. */
#pragma once

#include "restore/backup.h"
#include "vault/base/file.h"

typedef struct {
    char *path;
    VaultFd lock_fd;
    VaultBackupManifest *last; /* NULL: there is none yet */
    GHashTable *unsynced;      /* folders below it, that have new names */
} BackupFolder;
void backup_folder_clear(BackupFolder *folder);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BackupFolder, backup_folder_clear)

/* Makes and locks it, and reads what was made there last. */
gboolean backup_folder_open(BackupFolder *folder, const char *path, VaultKeep *keep,
                            GError **error);
/* A file was made there: its name is durable once the folder is sealed. */
void backup_folder_note(BackupFolder *folder, const char *path);
/* Its manifest, durable, with all that it names. */
gboolean backup_folder_seal(BackupFolder *folder, VaultBackupManifest *manifest,
                            VaultHash *ret_hash, GError **error);
/* Removes what the manifest does not name. */
gboolean backup_folder_tidy(const BackupFolder *folder, const VaultBackupManifest *manifest,
                            GError **error);

/* Number, time and sums of the manifest. */
void backup_count(const VaultBackupManifest *manifest, BackupResult *result);
