/* What a backup holds: the text file `manifest` of a backup's folder, which alone says what of the
 * files in there is the backup (docs/formats/backup.md).
 *
 * A file's length and hash are those of the backup: what follows them in a pack is of an attempt
 * that came to no end. Files below state-<number>/ are of this one backup, all others never change
 * but for growing packs. The last line is a hash of all before it: it tells damage, not forgery.
 * Pure. Errors: MALFORMED (line named; a path that leads elsewhere; the hash), UNSUPPORTED (another
 * version), TOO_LARGE. Threads: none shared.
 */
#pragma once

#include "vault/act/text_file.h"
#include "vault/crypto/hash.h"

#define VAULT_BACKUP_MANIFEST_NAME "manifest"
#define VAULT_BACKUP_MANIFEST_LEN_MAX (256u << 20)
#define VAULT_BACKUP_FILES_MAX 1000000
#define VAULT_BACKUP_PATH_LEN_MAX 255
#define VAULT_BACKUP_LOGS 2 /* archive, control */

typedef struct {
    char *path; /* below the backup's folder */
    guint64 len;
    VaultHash hash;
} VaultBackupFile;
VaultBackupFile *vault_backup_file_new(const char *path, guint64 len, const VaultHash *hash);
void vault_backup_file_free(VaultBackupFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultBackupFile, vault_backup_file_free)

/* A log as it was signed last before the backup. */
typedef struct {
    guint64 size;
    VaultHash root;
} VaultBackupLog;

typedef struct {
    VaultId vault_id;
    guint64 made_s;
    guint32 number;     /* of the backup in its place, from 1 */
    guint32 generation; /* of the vault key that the keyring is sealed under */
    guint32 epoch;      /* of the logs */
    VaultBackupLog logs[VAULT_BACKUP_LOGS];
    guint64 message_count;
    GPtrArray *files; /* VaultBackupFile, by path */
} VaultBackupManifest;

VaultBackupManifest *vault_backup_manifest_new(void);
void vault_backup_manifest_free(VaultBackupManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultBackupManifest, vault_backup_manifest_free)

/* Brings the files in order. Each path is one that vault_backup_path_is_valid(), and once there
 * (asserted). */
char *vault_backup_manifest_format(VaultBackupManifest *manifest);
/* What it accepts, vault_backup_manifest_format() gives back byte for byte. */
VaultBackupManifest *vault_backup_manifest_parse(const char *text, gsize len, GError **error);

/* Below packs/, log/ or the state folder of that number; no part of it begins with a dot. */
gboolean vault_backup_path_is_valid(const char *path, guint32 number);
/* "state-<number>"; new string. */
char *vault_backup_state_folder(guint32 number);
/* Where in a vault the file belongs, borrowed from the path. */
const char *vault_backup_path_in_vault(const char *path);
/* NULL: no such file. */
const VaultBackupFile *vault_backup_manifest_find(const VaultBackupManifest *manifest,
                                                  const char *path);
