/* Inside vault/keep: what an operator's commands tell the writer of backups, for the table in
 * operate.c.
 *
 *   backup-begin        no text: all that was committed is logged and catalogued
 *   backup-made         vault/act/backup_state.h: logged, then remembered
 *   recovery-drilled    no text: a recovery was tried now, and all was well
 */
#pragma once

#include "vault/backup.h"

gboolean vault_backup_act_begin(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                GError **error);
gboolean vault_backup_act_made(VaultKeep *keep, const char *text, gsize len, GString *answer,
                               GError **error);
gboolean vault_backup_act_drilled(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error);

/* Durable on return. */
gboolean vault_backup_state_write(const char *vault_path, const VaultBackupState *state,
                                  GError **error);
