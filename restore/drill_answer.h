/* What a master answers to a drill's challenge: it opens the canary as it would a mailbox's month,
 * wipes what it opened, and signs that it could.
 *
 * Errors: NO_KEY (the canary is not wrapped to this master, or does not open: then the vault would
 * get nothing out of it either). Threads: safe.
 */
#pragma once

#include "vault/act/drill_file.h"

gboolean drill_answer(const VaultDrillChallenge *challenge, const VaultMaster *master,
                      VaultDrillResult *ret_result, GError **error);
