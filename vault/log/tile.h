/* Tiles and entry bundles: their names, and what is in them.
 *
 * A tile of level L is up to 256 hashes of complete subtrees of height 8 * L; an entry bundle up to
 * 256 entries, each u16 length || bytes. Names (docs/formats/log.md):
 *
 *     tile/<L>/<N>[.p/<W>]      tile/entries/<N>[.p/<W>]
 *
 * N in groups of three digits, all but the last with "x" before: 1234067 is x001/x234/067; W, the
 * width, is there when it is less than 256. Pure. Source: C2SP tlog-tiles.
 */
#pragma once

#include "vault/base/bytes.h"
#include "vault/log/merkle.h"

#define VAULT_TILE_HEIGHT 8
#define VAULT_TILE_WIDTH 256
#define VAULT_TILE_LEVEL_MAX 7 /* with VAULT_MERKLE_SIZE_MAX entries */
#define VAULT_LOG_ENTRY_LEN_MAX G_MAXUINT16
#define VAULT_BUNDLE_LEN_MAX (VAULT_TILE_WIDTH * (2 + VAULT_LOG_ENTRY_LEN_MAX))

typedef enum { VAULT_TILE_HASHES, VAULT_TILE_ENTRIES } VaultTileKind;

typedef struct {
    VaultTileKind kind;
    guint8 level; /* 0 in a bundle */
    guint64 index;
    guint width; /* 1..256: hashes or entries in it */
} VaultTile;

/* The tile `index` of this level in a log of `size` entries; width 0: it has none such. */
VaultTile vault_tile_in(VaultTileKind kind, guint8 level, guint64 index, guint64 size);
/* Relative to the log's folder. */
char *vault_tile_path(const VaultTile *tile);
/* Only what vault_tile_path() gives; else MALFORMED. */
gboolean vault_tile_path_parse(const char *path, VaultTile *ret_tile, GError **error);

/* N as a path: also what sidecars are named by. */
char *vault_tile_number_path(guint64 number);

/* The root over `count` hashes of a tile: a power of two, asserted. */
void vault_tile_root(const VaultHash *hashes, guint count, VaultHash *ret_root);
/* Which tile of a log has what is needed for `node`, and which of its hashes: from `ret_first` on,
 * `ret_count` of them, whose vault_tile_root() is the node's. */
VaultTile vault_tile_of_node(const VaultMerkleNode *node, guint64 size, guint *ret_first,
                             guint *ret_count);

/* Bundles. The next entry, borrowed; NULL when it is not all there (see VaultBytesReader). */
const guint8 *vault_bundle_next(VaultBytesReader *bundle, gsize *ret_len);
/* At most VAULT_LOG_ENTRY_LEN_MAX bytes (asserted). */
void vault_bundle_append(GByteArray *bundle, const void *entry, gsize len);
