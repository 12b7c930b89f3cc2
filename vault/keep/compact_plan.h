/* Inside vault/keep: which packs are to be compacted.
 *
 * A pack is due when VAULT_COMPACT_DEAD_PERCENT of its records' bytes are dead, or when something
 * in it died longer ago than the policy lets it lie. Only packs that nothing is written to any more
 * are counted: closed ones that the catalog has all of, and stream packs. Records are counted as
 * the catalog has them, slice by slice: memory is bounded by months, packs and what was erased.
 * What a pack's index has and the catalog has not was erased, and left the catalog with that: it is
 * dead. Of a pack only the last bytes are read, its index where something is missing, and its
 * locators (compact_dates.h) where the age of what is missing decides. Errors: those of keyring,
 * catalog and packs.
 */
#pragma once

#include "vault/keep/compact_dates.h"

#define VAULT_COMPACT_DEAD_PERCENT 30

typedef struct {
    const VaultPackFile *file; /* borrowed from the list it was made of */
    guint64 live_len, dead_len;
    guint64 record_count; /* that the catalog has in it */
    guint64 died_s;       /* the earliest death, at least that old; 0: none is known */
    gboolean has_undated; /* something is dead, and the catalog does not say since when */
} VaultCompactPack;

typedef struct {
    guint64 now_s; /* 0: the clock is not to be trusted, nothing is due by its age */
    guint32 removal_days;
} VaultCompactRules;
/* Pure. */
gboolean vault_compact_is_due(const VaultCompactPack *pack, const VaultCompactRules *rules);

typedef struct {
    GPtrArray *files; /* VaultPackFile */
    VaultCatalog *catalog;
    VaultKeyring *keyring;
    VaultLiveness *liveness;
    const LocatorKey *locator_key;
    VaultCompactRules rules;
} VaultCompactQuestion;
/* GArray of VaultCompactPack: stream packs first (once the copies are gone from the catalog nobody
 * knows that their body is dead), then the others in the order of `files`. */
GArray *vault_compact_plan(const VaultCompactQuestion *question, GError **error);
