/* Inside vault/keep: grants judged, and slots, for whoever may have them. What gives slots here
 * neither judges nor logs: vault_keep_release_by_grant() does, the only way out of the vault. */
#pragma once

#include "vault/keep/internal.h"

/* Is a grant good now? `standing`: VaultHash of requests whose standing grants count as taken up;
 * NULL: those of the readers that the vault has. REFUSED, and the text's errors. */
VaultJudgedGrant *vault_release_judge(VaultKeep *keep, const char *text, gsize len,
                                      const GArray *standing, GError **error);

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
