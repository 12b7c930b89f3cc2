/* Copies of a vault that lie elsewhere, and how a vault goes on from one, or on another host. Part
 * of the library "keep"; what is asked of the writer goes by vault_keep_operate().
 *
 * What a backup is made of is read in this order, so that each part knows at least what the one
 * before it needs: the logs as they were signed, the packs as far as they were committed, the
 * keyring. Errors: those of logs, catalog and keyring. Threads: safe.
 */
#pragma once

#include "vault/act/backup_manifest.h"
#include "vault/act/backup_state.h"
#include "vault/keep.h"

/* A file of the vault that belongs into a backup, under the same path there. */
typedef struct {
    char *path;
    guint64 len;          /* of a pack that is written to: what was committed */
    gboolean is_replaced; /* it changes in its place: a backup keeps each state of it apart */
} VaultBackupItem;

typedef struct {
    guint32 generation; /* of the vault key */
    guint32 epoch;
    VaultBackupLog logs[VAULT_BACKUP_LOGS];
    char *notes[VAULT_BACKUP_LOGS]; /* the signed checkpoints: these files change */
    /* What witnesses cosigned, NULL: nothing. Read before the checkpoint, which continues it. */
    GBytes *cosigned[VAULT_BACKUP_LOGS];
    GPtrArray *items; /* VaultBackupItem: logs, then packs */
    /* Ids of packs, 32 hex digits, that the catalog has records in and that are not there: not to
     * be dropped from a backup. */
    GHashTable *lost;
    guint64 message_count;
} VaultBackupContent;
void vault_backup_content_free(VaultBackupContent *content);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultBackupContent, vault_backup_content_free)
/* In either mode of the keeper. A file may be gone when it is copied: then read this again. */
VaultBackupContent *vault_backup_content_read(VaultKeep *keep, GError **error);
/* "log/archive", "log/control-2", ...: below the vault; new string. */
char *vault_backup_log_folder(VaultLogKind kind, guint32 epoch);
/* The keyring as one file, to be copied after all else. BUSY: it is there. */
gboolean vault_backup_keyring(VaultKeep *keep, const char *path, GError **error);
/* A new file with the vault key: only where such a copy was declared (vault/custody.h). BUSY. */
gboolean vault_backup_vault_key(VaultKeep *keep, const char *path, GError **error);
/* Whether a keyring that lies there opens with the vault keys of that file or TPM. NO_KEY. */
gboolean vault_backup_check_key(const char *keyring_path, const char *key_path,
                                const VaultId *vault_id, GError **error);
/* What a vault-key file with them says; given back with vault_key_text_free(). NO_KEY. */
char *vault_backup_key_text(const char *key_path, const VaultId *vault_id, GError **error);

/* When a backup was made last, and a recovery drilled; zeros: never. */
gboolean vault_backup_state_read(const char *vault_path, VaultBackupState *ret_state,
                                 GError **error);

/* ---- going on -------------------------------------------------------------------------------- */

typedef enum {
    VAULT_GO_ON_RECOVERED, /* from a backup */
    VAULT_GO_ON_ADOPTED,   /* the whole vault was moved, or copied, to this host */
    VAULT_GO_ON_DRILL      /* as RECOVERED, signed by a key that is made for it */
} VaultGoOnReason;

typedef struct {
    VaultGoOnReason why;
    const VaultBackupManifest *manifest;   /* unless ADOPTED */
    const char *vault_key_path;            /* NULL: as remembered, VAULT.vaultkey */
    const VaultVerifyCallbacks *callbacks; /* of the rebuilding; may be NULL */
    guint64 (*now_s)(void);                /* NULL: the system clock */
} VaultGoOnOptions;

typedef struct {
    guint32 epoch; /* that began */
    guint64 month_count;
    VaultRebuildResult rebuilt; /* unless ADOPTED */
} VaultGoOnResult;

/* Makes the vault this host's. Other copies of it may go on elsewhere, so this one must never do
 * what they did: both logs begin a new epoch that names how far it knows the one before, and leaf
 * marks are set VAULT_LEAF_GAP past each leaf that is known to have been used. Of a backup the
 * catalog is made, too. Logged as the new epoch's first act; `host` is written last, so that what a
 * crash leaves is gone on with by calling this again. REFUSED (adopt): it is this host's already.
 * BUSY: a writer has it. */
gboolean vault_keep_go_on(const char *path, const VaultGoOnOptions *options,
                          VaultGoOnResult *ret_result, GError **error);
