/* Making a backup in a folder, and checking one.
 *
 *   DEST/manifest       what of all this is the backup: replaced last, whole
 *   DEST/packs, log     the vault's files, under their names there
 *   DEST/state-<n>      what changes in its place: keyring, checkpoints, archived.conf
 *   DEST/lock           held while a backup is made
 *
 * Until the new manifest has its name the old one, and every byte that it speaks of, is there:
 * whatever stops a backup leaves the last good one. Only then what it no longer names is removed.
 * Files that did not change are not read. Errors: BUSY (another backup is being made there; the
 * folder holds something else), REFUSED (another vault's), UNSUPPORTED (ssh://), NOT_FOUND (check:
 * no backup there), MALFORMED (its manifest), IO, NO_SPACE, and those of vault/backup.h.
 * Source: docs/formats/backup.md. Threads: the main thread.
 */
#pragma once

#include "restore/backup_file.h"
#include "vault/backup.h"

typedef struct {
    void (*progress)(guint64 done_len, guint64 all_len, gpointer user);
    /* One line: what is wrong, of which file. */
    void (*found)(const char *text, gpointer user);
    gpointer user;
} BackupCallbacks;

typedef struct {
    guint32 number;
    guint64 made_s;
    guint64 message_count;
    guint file_count, copied_count;
    guint64 len, copied_len;
    guint finding_count; /* what could not be taken as it should: the rest was */
    VaultHash manifest_hash;
} BackupResult;

typedef struct {
    const char *destination;
    guint64 made_s; /* all that was acknowledged before this is in the vault's catalog */
    gboolean with_vault_key;
    const BackupCallbacks *callbacks;
} BackupOptions;
gboolean backup_make(VaultKeep *keep, const BackupOptions *options, BackupResult *ret_result,
                     GError **error);

/* The manifest of a backup. */
VaultBackupManifest *backup_read_manifest(const char *folder, GError **error);
/* Reads all of it; each file that is not what the manifest says is a finding. */
gboolean backup_check(const char *folder, const BackupCallbacks *callbacks,
                      BackupResult *ret_result, GError **error);
