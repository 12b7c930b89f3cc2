/* What is told to a vault of its backups, and what it remembers of them: VAULT/backups.
 *
 * Pure. Errors: MALFORMED, UNSUPPORTED (another version). Source: docs/formats/backup.md.
 */
#pragma once

#include "vault/act/text_file.h"
#include "vault/crypto/hash.h"

#define VAULT_BACKUP_TEXT_LEN_MAX 8192
#define VAULT_BACKUP_PLACE_LEN_MAX 1024

/* A backup was made. Of these lines is the log's entry, too. */
typedef struct {
    guint64 made_s; /* all that was acknowledged before is in it */
    guint32 number;
    guint32 file_count;
    guint64 message_count;
    VaultHash manifest_hash;
    char *place;
} VaultBackupMade;
void vault_backup_made_clear(VaultBackupMade *made);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultBackupMade, vault_backup_made_clear)
char *vault_backup_made_format(const VaultBackupMade *made);
gboolean vault_backup_made_parse(const char *text, gsize len, VaultBackupMade *ret_made,
                                 GError **error);

/* Zeros: never. */
typedef struct {
    guint64 made_s;
    guint64 message_count; /* in that backup */
    guint64 drilled_s;     /* a recovery was tried, and all of it was well */
} VaultBackupState;
char *vault_backup_state_format(const VaultBackupState *state);
gboolean vault_backup_state_parse(const char *text, gsize len, VaultBackupState *ret_state,
                                  GError **error);
