/* Inside vault/keep: how long ago the masters proved that they can still be used. */
#pragma once

#include "vault/store/keyring.h"

/* As in VaultKeepStatus. */
gboolean vault_drills_status(VaultKeyring *keyring, guint64 *ret_last_s, guint64 *ret_due_s,
                             GError **error);
