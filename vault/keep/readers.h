/* Inside vault/keep: standing readers, taken up and dropped. The interface is vault/keep.h. */
#pragma once

#include "vault/keep/internal.h"

/* Whatever was granted to the request is revoked, and its standing reader, where there is one, is
 * gone, in one durable step. The caller has logged it, and closed the gate before
 * (erasure_gate.h). */
gboolean vault_readers_drop(VaultKeep *keep, const VaultHash *request_hash, GError **error);
