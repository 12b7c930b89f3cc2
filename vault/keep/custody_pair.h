/* Inside vault/keep: the pair off the vault's disk, and what may go without leaving the vault with
 * none. Everything that destroys a vault key, writes over a keyring copy or takes a holder or copy
 * out of the registry asks here first (docs/decisions/0013). Pure, over what the registry knows.
 */
#pragma once

#include "vault/keep/custody_registry.h"

/* The newest generation in [first, last] of which a copy and a holder of its very key are off the
 * disk; 0: none. */
guint32 vault_custody_newest_pair(const VaultCustodyRegistry *registry, guint32 first,
                                  guint32 last);

/* NULL: it may. Else why not and what to do; new string. `present` is the keyring's own key. */
char *vault_custody_keep_key(const VaultCustodyRegistry *registry, const VaultKeyDigest *present,
                             guint32 generation);
char *vault_custody_keep_copy(const VaultCustodyRegistry *registry, const VaultKeyDigest *present,
                              VaultCopyValue *copy);
/* Taken out of the registry. */
char *vault_custody_keep_copy_place(const VaultCustodyRegistry *registry,
                                    const VaultKeyDigest *present, VaultCopyValue *copy);
char *vault_custody_keep_holder(const VaultCustodyRegistry *registry, const VaultKeyDigest *present,
                                VaultHolderValue *holder);
