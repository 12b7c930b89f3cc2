/* Paths of tiles: what parses is the path that the tile has. Entry bundles: the entries that are
 * read make up just the bytes that were read. The first byte says which it is. */
#include "vault/log/tile.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void try_path(const guint8 *data, gsize size)
{
    g_autofree char *path = g_strndup((const char *)data, size);
    g_autofree char *again = NULL;
    g_autoptr(GError) error = NULL;
    VaultTile tile;

    if (!vault_tile_path_parse(path, &tile, &error)) {
        g_assert(error != NULL);
        return;
    }
    g_assert(tile.width >= 1 && tile.width <= VAULT_TILE_WIDTH &&
             tile.level <= VAULT_TILE_LEVEL_MAX);
    again = vault_tile_path(&tile);
    g_assert_cmpstr(again, ==, path);
}

static void try_bundle(const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) again = g_byte_array_new();
    VaultBytesReader bundle;
    gsize len = 0;

    vault_bytes_reader_init(&bundle, data, size);
    for (const guint8 *entry;
         bundle.left > 0 && (entry = vault_bundle_next(&bundle, &len)) != NULL;)
        vault_bundle_append(again, entry, len);
    g_assert(again->len <= size && (again->len == 0 || memcmp(again->data, data, again->len) == 0));
    g_assert(bundle.failed || again->len == size);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    if (size < 2)
        return 0;
    if (data[0] == 'p')
        try_path(data + 1, size - 1);
    else
        try_bundle(data + 1, size - 1);
    return 0;
}
