/* The right edge of a log's tiles: of each level the hashes of the tile that is not full yet. New
 * entries go in at level 0; a tile that becomes full goes out, its root into the level above. So
 * tiles are made and checked in constant memory. Inside vault/log only. Pure but for `made`.
 */
#pragma once

#include "vault/log/tile.h"

typedef struct {
    guint64 size;
    VaultHash hashes[VAULT_TILE_LEVEL_MAX + 1][VAULT_TILE_WIDTH];
} LogEdge; /* 64 KiB: on the heap */

/* Takes a tile with its `tile->width` hashes, which are borrowed. */
typedef gboolean (*LogTileMade)(const VaultTile *tile, const VaultHash *hashes, gpointer user,
                                GError **error);

/* FALSE when `made` says so: the edge is of no use then. */
gboolean log_edge_append(LogEdge *edge, const VaultHash *entry_hash, LogTileMade made,
                         gpointer user, GError **error);
/* `made` gets every partial tile that changed since the log had `old_size` entries. */
gboolean log_edge_finish(const LogEdge *edge, guint64 old_size, LogTileMade made, gpointer user,
                         GError **error);
void log_edge_root(const LogEdge *edge, VaultHash *ret_root);

/* The partial tile of this level; width 0: there is none. */
VaultTile log_edge_tile(const LogEdge *edge, guint8 level);
