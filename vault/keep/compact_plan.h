/* Inside vault/keep: which packs are to be compacted.
 *
 * A pack is due when VAULT_COMPACT_DEAD_PERCENT of its records' bytes are dead, or when something
 * in it died longer ago than the policy lets it lie. Only packs that nothing is written to any more
 * are counted: closed ones that the catalog has all of, and stream packs. What died at a time that
 * nobody knows is taken to be as old as the earliest erasure. Records are counted as
 * the catalog has them, slice by slice: memory is bounded by months and packs. Errors: those of
 * keyring and catalog.
 */
#pragma once

#include "vault/keep/liveness.h"
#include "vault/keep/pack_files.h"

#define VAULT_COMPACT_DEAD_PERCENT 30

typedef struct {
    const VaultPackFile *file; /* borrowed from the list it was made of */
    guint64 live_len, dead_len;
    guint64 record_count; /* that the catalog has in it */
    guint64 died_s;       /* the earliest death that is dated; 0: none */
    gboolean has_undated; /* something is dead, and nobody knows since when */
} VaultCompactPack;

typedef struct {
    guint64 now_s; /* 0: the clock is not to be trusted, nothing is due by its age */
    guint32 removal_days;
    guint64 undated_died_s; /* the earliest erasure that is known; 0: none */
} VaultCompactRules;
/* Pure. */
gboolean vault_compact_is_due(const VaultCompactPack *pack, const VaultCompactRules *rules);

/* GArray of VaultCompactPack: stream packs first (once the copies are gone from the catalog nobody
 * knows that their body is dead), then the others in the order of `files`. */
GArray *vault_compact_plan(GPtrArray *files, VaultCatalog *catalog, VaultLiveness *liveness,
                           GError **error);
