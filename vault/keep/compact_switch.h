/* Inside vault/keep: from the packs that were replaced to the one that replaces them.
 *
 *   published -> catalog says the new places -> replaced packs removed
 *
 * Each step may be cut short: recovery.h does the rest at the next start. Errors: those of catalog
 * and packs; CORRUPT: the new pack is not what was written, and nothing was changed.
 */
#pragma once

#include "vault/keep/compact_repack.h"
#include "vault/keep/internal.h"

typedef struct {
    const char *path; /* of a compacted pack that has its name */
    const VaultPackHeader *header;
    const GArray *replaced; /* PackId */
    const GArray *dropped;  /* VaultRepackDropped; NULL: not known, what is left is searched for */
    guint64 catalogued_count; /* records that the catalog has in replaced packs */
} VaultCompactSwitch;
gboolean vault_compact_switch(VaultKeep *keep, const VaultCompactSwitch *change, GError **error);

/* Durable on return. Who reads one of them may read on. */
gboolean vault_compact_remove(VaultKeep *keep, GPtrArray *files, GError **error);

/* What an earlier failure left between the steps. */
gboolean vault_compact_finish(VaultKeep *keep, GPtrArray *files, gboolean *ret_is_changed,
                              GError **error);
