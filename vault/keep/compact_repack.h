/* Inside vault/keep: what is live in one pack, into a compacted pack.
 *
 * Each live record is read whole and must have its checksum and the hash that the pack's index
 * says; each dead one is noted. A pack of which one thing is not as it was written is left as it
 * is. Errors: IO, NO_SPACE of writing, CORRUPT of keyring and catalog; TOO_LARGE: begin another
 * compacted pack.
 */
#pragma once

#include "vault/keep/compact_plan.h"
#include "vault/log/entry.h"
#include "vault/store/pack_compacted.h"

typedef struct {
    const VaultId *vault_id;
    const LocatorKey *locator_key;
    VaultCatalog *catalog;
    VaultLiveness *liveness;
    VaultEntryMark logged; /* up to where the archive log has the packs */
} VaultRepack;

/* What the catalog is to forget. */
typedef struct {
    VaultRecordKind kind;
    RecordId record_id;
    DeliveryTag repeat_tag;
} VaultRepackDropped;

typedef struct {
    GArray *dropped; /* VaultRepackDropped: appended to */
    guint64 kept_count, kept_len, dropped_len;
} VaultRepackCounts;

/* *ret_left is a reason, and the compacted pack as before, where the pack is not to be taken. */
gboolean vault_repack_source(const VaultRepack *repack, const VaultPackFile *source,
                             VaultPackCompacted *compacted, VaultRepackCounts *counts,
                             char **ret_left, GError **error);
