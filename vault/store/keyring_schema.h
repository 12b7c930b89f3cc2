/* Inside vault/store only: the keyring's tables and the statements on them, and what becomes of a
 * file of an earlier version: a writer makes it a new one, in one transaction; to a reader it looks
 * like one. Errors: CORRUPT (no keyring), UNSUPPORTED (a later version), those of sql.h.
 * Source: docs/formats/keyring.md, section "File".
 */
#pragma once

#include "vault/store/keyring.h"

void vault_keyring_build_texts(VaultKeyring *keyring);
/* Within a change, in an empty file. */
gboolean vault_keyring_create_schema(VaultKeyring *keyring, GError **error);
gboolean vault_keyring_check_schema(VaultKeyring *keyring, VaultKeyringMode mode, GError **error);
