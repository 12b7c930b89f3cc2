/* Inside vault/keep: the policy in force, for who holds the keyring's lock. Errors: the keyring's.
 */
#pragma once

#include "vault/store/keyring.h"

/* Its text; of a new vault the initial one. New string. */
char *vault_policy_in_force(VaultKeyring *keyring, GError **error);
