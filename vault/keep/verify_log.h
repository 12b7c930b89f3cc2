/* Inside vault/keep: whether everything that the archive log has is still there.
 *
 * A record that was logged lies in a pack, or a compacted pack names it as dropped: else it was
 * lost, whatever packs and catalog say of themselves. Of each record 8 bytes of its hash are held.
 * Threads: one user. Errors: IO; damage is a finding.
 */
#pragma once

#include "vault/keep.h"
#include "vault/keep/pack_files.h"

typedef struct VaultVerifyLog VaultVerifyLog;
/* `logs`: a VaultLogReader for each epoch; none: nothing is checked. Takes them over. To be opened
 * before the packs are listed: what is logged by then is in the list and the catalog. */
VaultVerifyLog *vault_verify_log_new(GPtrArray *logs);
void vault_verify_log_free(VaultVerifyLog *verify);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultVerifyLog, vault_verify_log_free)

void vault_verify_log_add(VaultVerifyLog *verify, const VaultHash *record_hash);
/* After all records were added. */
gboolean vault_verify_log_run(VaultVerifyLog *verify, GPtrArray *files,
                              void (*finding)(const char *text, gpointer user), gpointer user,
                              GError **error);
