/* Inside vault/keep: room on the vault's disk.
 *
 * Commits are refused (NO_SPACE) while less than `disk_reserve` bytes are free. The file `reserve`
 * holds bytes back for what must still work on a full disk (opening, keyring, catalog, log): it is
 * given up when one of these finds no space, and made again when there is plenty. Until then as
 * many bytes must stay free of mail, on top of `disk_reserve`. Threads: safe.
 */
#pragma once

#include "vault/base/error.h"

#define VAULT_SPACE_RESERVE_LEN (16u << 20)

typedef struct VaultSpace VaultSpace;
VaultSpace *vault_space_new(const char *vault_path, guint64 disk_reserve);
void vault_space_free(VaultSpace *space);

/* Whether `len` bytes may be added. Asks the system at most ten times a second. */
gboolean vault_space_check(VaultSpace *space, guint64 len, GError **error);
guint64 vault_space_free_bytes(VaultSpace *space);
/* TRUE: there was a reserve, so what found no space may try again. */
gboolean vault_space_give_up_reserve(VaultSpace *space);
/* Makes the file when it is missing and would leave the disk as much again. */
void vault_space_restore_reserve(VaultSpace *space);
