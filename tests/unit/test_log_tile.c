/* Names of tiles, what is in them, and where nodes are. */
#include "tests/unit/log_world.h"

#include "vault/log/edge.h"

static void paths_are_those_of_the_specification(void **state)
{
    static const struct {
        VaultTile tile;
        const char *path;
    } samples[] = {
        {{VAULT_TILE_HASHES, 0, 0, 256}, "tile/0/000"},
        {{VAULT_TILE_HASHES, 0, 999, 256}, "tile/0/999"},
        {{VAULT_TILE_HASHES, 1, 1000, 256}, "tile/1/x001/000"},
        {{VAULT_TILE_HASHES, 0, 1234067, 256}, "tile/0/x001/x234/067"},
        {{VAULT_TILE_HASHES, 2, 0, 1}, "tile/2/000.p/1"},
        {{VAULT_TILE_ENTRIES, 0, 273, 112}, "tile/entries/273.p/112"},
        {{VAULT_TILE_ENTRIES, 0, 1234067, 255}, "tile/entries/x001/x234/067.p/255"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autofree char *path = vault_tile_path(&samples[i].tile);
        VaultTile parsed;

        assert_string_equal(path, samples[i].path);
        assert_true(vault_tile_path_parse(path, &parsed, NULL));
        assert_int_equal(parsed.kind, samples[i].tile.kind);
        assert_int_equal(parsed.level, samples[i].tile.level);
        assert_int_equal(parsed.index, samples[i].tile.index);
        assert_int_equal(parsed.width, samples[i].tile.width);
    }
}

static void other_paths_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000", /* a group too many */
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/x01/000",
        "tile/00/000",
        "tile/8/000",
        "tile/-1/000",
        "tile/Entries/000",
        "tile/0/000.p",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1/",
        "tile/0/000/1",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        VaultTile tile;
        g_autoptr(GError) error = NULL;

        assert_false(vault_tile_path_parse(wrong[i], &tile, &error));
        log_world_assert_code(error, VAULT_ERROR_MALFORMED);
    }
}

/* 70,000 entries: 273 full tiles and 112 hashes; 1 full tile and 17; 1. */
static void a_log_has_the_tiles_of_the_specifications_example(void **state)
{
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 0, 272, 70000).width, 256);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 0, 273, 70000).width, 112);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 0, 274, 70000).width, 0);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 1, 0, 70000).width, 256);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 1, 1, 70000).width, 17);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 2, 0, 70000).width, 1);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 3, 0, 70000).width, 0);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 7, 0, VAULT_MERKLE_SIZE_MAX).width, 64);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 8, 0, VAULT_MERKLE_SIZE_MAX).width, 0);
    assert_int_equal(vault_tile_in(VAULT_TILE_HASHES, 0, G_MAXUINT64, 70000).width, 0);
}

typedef struct {
    GHashTable *tiles;     /* path -> VaultHash[256] */
    gboolean is_finishing; /* partial tiles may come */
} Tiles;

static gboolean keep_tile(const VaultTile *tile, const VaultHash *hashes, gpointer user,
                          GError **error)
{
    Tiles *tiles = user;

    assert_true(tile->width == VAULT_TILE_WIDTH || tiles->is_finishing);
    g_hash_table_replace(tiles->tiles, vault_tile_path(tile),
                         g_memdup2(hashes, tile->width * sizeof *hashes));
    return TRUE;
}

typedef struct {
    const Tiles *tiles;
    guint64 size;
} TileSource;

static gboolean read_node(gpointer user, const VaultMerkleNode *node, VaultHash *ret_hash,
                          GError **error)
{
    const TileSource *source = user;
    guint first = 0, count = 0;
    VaultTile tile = vault_tile_of_node(node, source->size, &first, &count);
    g_autofree char *path = vault_tile_path(&tile);
    const VaultHash *hashes = g_hash_table_lookup(source->tiles->tiles, path);

    assert_non_null(hashes);
    assert_true(first + count <= tile.width);
    vault_tile_root(hashes + first, count, ret_hash);
    return TRUE;
}

/* The edge writes tiles, a root is read out of them, a frontier that knows nothing of tiles agrees.
 * Sizes about the ends of tiles of the levels 0, 1 and 2. */
static void tiles_of_every_size_hold_the_tree(void **state)
{
    Tiles tiles = {g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free), FALSE};
    g_autofree LogEdge *edge = g_new0(LogEdge, 1);
    VaultMerkleFrontier frontier = {0};
    guint64 checked = 0;

    vault_crypto_init();
    for (guint64 size = 1; size <= 66100; size++) {
        TileSource tile_source = {&tiles, size};
        VaultMerkleSource source = {read_node, &tile_source};
        VaultHash hash, root, expected;

        vault_merkle_entry_hash(&size, sizeof size, &hash);
        vault_merkle_frontier_append(&frontier, &hash);
        assert_true(log_edge_append(edge, &hash, keep_tile, &tiles, NULL));
        if (size > 600 && (size + 2) % 256 > 4 && size % 977 != 0)
            continue;
        tiles.is_finishing = TRUE;
        assert_true(log_edge_finish(edge, checked, keep_tile, &tiles, NULL));
        tiles.is_finishing = FALSE;
        checked = size;
        vault_merkle_frontier_root(&frontier, &expected);
        log_edge_root(edge, &root);
        assert_true(vault_merkle_hash_equal(&root, &expected));
        assert_true(vault_merkle_root(&source, size, &root, NULL));
        assert_true(vault_merkle_hash_equal(&root, &expected));
    }
    g_hash_table_unref(tiles.tiles);
}

static void bundles_give_their_entries_and_no_more(void **state)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree guint8 *largest = g_malloc0(VAULT_LOG_ENTRY_LEN_MAX);
    VaultBytesReader bundle;
    gsize len = 1;

    vault_bundle_append(bytes, "abc", 3);
    vault_bundle_append(bytes, NULL, 0);
    vault_bundle_append(bytes, largest, VAULT_LOG_ENTRY_LEN_MAX);
    assert_memory_equal(bytes->data, "\0\3abc\0\0\xff\xff", 9);
    vault_bytes_reader_init(&bundle, bytes->data, bytes->len);
    assert_memory_equal(vault_bundle_next(&bundle, &len), "abc", 3);
    assert_int_equal(len, 3);
    assert_non_null(vault_bundle_next(&bundle, &len));
    assert_int_equal(len, 0);
    assert_non_null(vault_bundle_next(&bundle, &len));
    assert_int_equal(len, VAULT_LOG_ENTRY_LEN_MAX);
    assert_null(vault_bundle_next(&bundle, &len));
    vault_bytes_reader_init(&bundle, bytes->data, bytes->len - 1);
    vault_bundle_next(&bundle, &len);
    vault_bundle_next(&bundle, &len);
    assert_null(vault_bundle_next(&bundle, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_those_of_the_specification),
        cmocka_unit_test(other_paths_are_refused),
        cmocka_unit_test(a_log_has_the_tiles_of_the_specifications_example),
        cmocka_unit_test(tiles_of_every_size_hold_the_tree),
        cmocka_unit_test(bundles_give_their_entries_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
