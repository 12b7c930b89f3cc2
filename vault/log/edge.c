#include "vault/log/edge.h"

VaultTile log_edge_tile(const LogEdge *edge, guint8 level)
{
    guint64 index = edge->size >> (level * VAULT_TILE_HEIGHT) >> VAULT_TILE_HEIGHT;

    return vault_tile_in(VAULT_TILE_HASHES, level, index, edge->size);
}

gboolean log_edge_append(LogEdge *edge, const VaultHash *entry_hash, LogTileMade made,
                         gpointer user, GError **error)
{
    VaultHash hash = *entry_hash;

    g_assert(edge->size < VAULT_MERKLE_SIZE_MAX);
    for (guint8 level = 0;; level++) {
        VaultTile tile = log_edge_tile(edge, level);

        edge->hashes[level][tile.width] = hash;
        if (++tile.width < VAULT_TILE_WIDTH)
            break;
        if (!made(&tile, edge->hashes[level], user, error))
            return FALSE;
        vault_tile_root(edge->hashes[level], VAULT_TILE_WIDTH, &hash);
    }
    edge->size++;
    return TRUE;
}

gboolean log_edge_finish(const LogEdge *edge, guint64 old_size, LogTileMade made, gpointer user,
                         GError **error)
{
    for (guint8 level = 0; level <= VAULT_TILE_LEVEL_MAX; level++) {
        VaultTile tile = log_edge_tile(edge, level);
        guint shift = level * VAULT_TILE_HEIGHT;

        if (tile.width > 0 && edge->size >> shift != old_size >> shift &&
            !made(&tile, edge->hashes[level], user, error))
            return FALSE;
    }
    return TRUE;
}

/* The complete subtrees that make up a tree are all in the partial tiles at its edge. */
static gboolean edge_read(gpointer user, const VaultMerkleNode *node, VaultHash *ret_hash,
                          GError **error)
{
    const LogEdge *edge = user;
    guint first = 0, count = 0;
    VaultTile tile = vault_tile_of_node(node, edge->size, &first, &count);

    g_assert(first + count <= tile.width && tile.width < VAULT_TILE_WIDTH);
    vault_tile_root(&edge->hashes[tile.level][first], count, ret_hash);
    return TRUE;
}

void log_edge_root(const LogEdge *edge, VaultHash *ret_root)
{
    VaultMerkleSource source = {edge_read, (gpointer)edge};

    if (!vault_merkle_root(&source, edge->size, ret_root, NULL))
        g_assert_not_reached();
}
