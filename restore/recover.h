/* A vault out of a backup.
 *
 * It is made beside its place, as PATH.recovering, and gets its name when all of it is there and it
 * can go on: what a crash leaves is no vault, and removed by the next attempt. A file that is not
 * what the manifest says is copied as it is and named: the mail in the rest of it counts. Errors:
 * NOT_FOUND (no backup there), MALFORMED (its manifest), BUSY (something is in the place), NO_KEY
 * (the vault key is not that of the backup's keyring), CORRUPT (keyring or logs), IO, NO_SPACE.
 * Threads: the main thread.
 */
#pragma once

#include "restore/backup.h"

typedef struct {
    const char *backup, *path, *vault_key_path;
    VaultGoOnReason why; /* RECOVERED, DRILL */
    const BackupCallbacks *callbacks;
} RecoverOptions;

typedef struct {
    VaultGoOnResult went_on;
    guint32 backup_number;
    guint64 made_s; /* the backup */
    guint64 message_count;
    guint finding_count;
} RecoverResult;

/* The key is put where a vault looks for it: PATH.vaultkey. */
gboolean recover_vault(const RecoverOptions *options, RecoverResult *ret_result, GError **error);
/* The same in a folder of its own, verified with each byte read and then removed. */
gboolean recover_drill(const RecoverOptions *options, RecoverResult *ret_result, GError **error);
