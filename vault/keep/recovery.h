/* Inside vault/keep: bringing the catalog up to what the packs hold, and ending what was left open.
 *
 * Used when a writer starts (only what is not catalogued yet is read) and by rebuild (everything,
 * into a new catalog). Packs that a crash or a failed sync left open are sealed off: at the end
 * that their successor's header names, else behind their last whole group. Stream packs that no
 * committed copy names are removed, unless a pack is damaged or missing: then they are kept, since
 * the copy may be in what cannot be read. Packs that a compacted pack replaces are removed: it has
 * its name since it was whole. Nothing else may write meanwhile. Errors: IO, NO_SPACE, CORRUPT (a
 * pack is shorter than acknowledged).
 */
#pragma once

#include "vault/keep.h"
#include "vault/store/catalog.h"
#include "vault/store/keyring.h"

typedef struct {
    const char *directory; /* of the packs */
    const VaultId *vault_id;
    const LocatorKey *locator_key;
    VaultKeyring *keyring;
    VaultCatalog *catalog;
    gboolean is_new_catalog; /* opened with VAULT_CATALOG_BUILD */
    guint64 tags_since_s;
    const VaultVerifyCallbacks *callbacks; /* NULL: findings go to the log */
} VaultRecoveryOptions;

typedef struct {
    guint64 record_count;              /* read, catalogued before or not */
    guint64 unknown_count, dead_count; /* of months that the keyring does not know, or dropped */
    guint64 next_sequence;             /* for the pack writer */
    PackId last_pack;                  /* zeros: none */
    guint64 last_end;
} VaultRecoveryResult;

gboolean vault_recovery_run(const VaultRecoveryOptions *options, VaultRecoveryResult *ret_result,
                            GError **error);
