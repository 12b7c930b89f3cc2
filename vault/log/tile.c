#include "vault/log/tile.h"

#include "vault/log/text.h"

VaultTile vault_tile_in(VaultTileKind kind, guint8 level, guint64 index, guint64 size)
{
    VaultTile tile = {.kind = kind, .level = level, .index = index};
    guint64 hashes = level <= VAULT_TILE_LEVEL_MAX ? size >> (level * VAULT_TILE_HEIGHT) : 0;

    if (index <= hashes / VAULT_TILE_WIDTH)
        tile.width = (guint)MIN(hashes - index * VAULT_TILE_WIDTH, VAULT_TILE_WIDTH);
    return tile;
}

/* ---- names ---------------------------------------------------------------------------------- */

char *vault_tile_number_path(guint64 number)
{
    GString *path = g_string_new(NULL);

    g_string_printf(path, "%03u", (guint)(number % 1000));
    for (number /= 1000; number > 0; number /= 1000) {
        g_autofree char *group = g_strdup_printf("x%03u/", (guint)(number % 1000));

        g_string_prepend(path, group);
    }
    return g_string_free(path, FALSE);
}

char *vault_tile_path(const VaultTile *tile)
{
    g_autofree char *number = vault_tile_number_path(tile->index);
    GString *path = g_string_new("tile/");

    if (tile->kind == VAULT_TILE_ENTRIES)
        g_string_append(path, "entries");
    else
        g_string_append_printf(path, "%u", tile->level);
    g_string_append_printf(path, "/%s", number);
    if (tile->width < VAULT_TILE_WIDTH)
        g_string_append_printf(path, ".p/%u", tile->width);
    return g_string_free(path, FALSE);
}

/* Reads the parts in any spelling; the caller compares with the one that is right. */
static gboolean parse_parts(const char *path, VaultTile *tile)
{
    LogText rest = {path, strlen(path)};
    const char *part = NULL;
    gsize len = 0;
    guint64 number = 0;

    if (!log_text_part(&rest, '/', &part, &len) || !log_text_is(part, len, "tile") ||
        !log_text_part(&rest, '/', &part, &len))
        return FALSE;
    if (log_text_is(part, len, "entries"))
        tile->kind = VAULT_TILE_ENTRIES;
    else if (log_text_decimal(part, len, &number) && number <= VAULT_TILE_LEVEL_MAX)
        tile->level = (guint8)number;
    else
        return FALSE;
    while (log_text_part(&rest, '/', &part, &len)) {
        gboolean is_more = part[0] == 'x';
        guint64 group = 0;

        for (gsize i = is_more ? 1 : 0; i < len && g_ascii_isdigit(part[i]); i++)
            group = MIN(group * 10 + (guint64)(part[i] - '0'), 1000);
        if (group > 999 || tile->index > VAULT_MERKLE_SIZE_MAX / 1000)
            return FALSE;
        tile->index = tile->index * 1000 + group;
        if (!is_more)
            break;
    }
    if (rest.left == 0)
        return TRUE;
    if (!log_text_decimal(rest.next, rest.left, &number) || number < 1 ||
        number >= VAULT_TILE_WIDTH)
        return FALSE;
    tile->width = (guint)number;
    return TRUE;
}

gboolean vault_tile_path_parse(const char *path, VaultTile *ret_tile, GError **error)
{
    g_autofree char *right = NULL;

    *ret_tile = (VaultTile){.width = VAULT_TILE_WIDTH};
    if (!parse_parts(path, ret_tile))
        return log_text_malformed(error, "tile", "not the path of one");
    right = vault_tile_path(ret_tile);
    if (strcmp(right, path) != 0)
        return log_text_malformed(error, "tile", "not the path of one");
    return TRUE;
}

/* ---- hashes --------------------------------------------------------------------------------- */

void vault_tile_root(const VaultHash *hashes, guint count, VaultHash *ret_root)
{
    VaultHash row[VAULT_TILE_WIDTH / 2];

    g_assert(count >= 1 && count <= VAULT_TILE_WIDTH && (count & (count - 1)) == 0);
    if (count == 1) {
        *ret_root = hashes[0];
        return;
    }
    for (guint i = 0; i < count / 2; i++)
        vault_merkle_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &row[i]);
    for (count /= 2; count > 1; count /= 2) {
        for (guint i = 0; i < count / 2; i++)
            vault_merkle_node_hash(&row[2 * i], &row[2 * i + 1], &row[i]);
    }
    *ret_root = row[0];
}

VaultTile vault_tile_of_node(const VaultMerkleNode *node, guint64 size, guint *ret_first,
                             guint *ret_count)
{
    guint8 level = node->level / VAULT_TILE_HEIGHT;
    guint height = node->level % VAULT_TILE_HEIGHT; /* within the tile */
    guint64 first = node->index << height;

    *ret_first = (guint)(first % VAULT_TILE_WIDTH);
    *ret_count = 1U << height;
    return vault_tile_in(VAULT_TILE_HASHES, level, first / VAULT_TILE_WIDTH, size);
}

/* ---- bundles -------------------------------------------------------------------------------- */

const guint8 *vault_bundle_next(VaultBytesReader *bundle, gsize *ret_len)
{
    *ret_len = vault_bytes_read_u16(bundle);
    return vault_bytes_read_borrowed(bundle, *ret_len);
}

void vault_bundle_append(GByteArray *bundle, const void *entry, gsize len)
{
    g_assert(len <= VAULT_LOG_ENTRY_LEN_MAX);
    vault_bytes_append_u16(bundle, (guint16)len);
    if (len > 0)
        g_byte_array_append(bundle, entry, (guint)len);
}
