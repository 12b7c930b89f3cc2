/* Inside vault/keep: slots, for whoever may have them. Nothing here judges or logs: that is
 * vault_keep_release_by_grant()'s, the only way out of the vault. */
#pragma once

#include "vault/keep/internal.h"

typedef struct {
    RecordId record_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    ContentSlot slot;
} VaultRelease;
VAULT_DECLARE_WIPE(VaultRelease, vault_release)
/* The content slots of copies that exist now. ERASED for punctured leaves and tombstoned months. */
gboolean vault_keep_release(VaultKeep *keep, const VaultCopyEntry *entries, gsize count,
                            VaultRelease *ret_releases, GError **error);
