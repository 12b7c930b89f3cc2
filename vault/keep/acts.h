/* Inside vault/keep: acts, written down before they are done.
 *
 *   key in the keyring -> event record in the packs -> entry in the control log      each durable
 *
 * What a crash leaves of the first two says nothing and does no harm. Threads: safe.
 */
#pragma once

#include "vault/keep/internal.h"

/* `entry`: act, and of a release or search count and root; the rest is filled in. `ret_index`: of the entry.
 */
gboolean vault_acts_log(VaultKeep *keep, VaultEntry *entry, const char *payload, gsize len,
                        guint64 *ret_index, GError **error);
