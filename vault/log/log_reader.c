#include "vault/log/log_reader_internal.h"

#include "vault/base/file.h"

#include <string.h>

#define SIDECAR_FOLDER "sidecar"

struct VaultLogReader {
    LogFiles *own_files; /* NULL: the writer's are used */
    const LogFiles *files;
    VaultCheckpoint *checkpoint;
    char *note;
    GHashTable *tiles;     /* path -> GBytes */
    VaultTile bundle_tile; /* width 0: no bundle held */
    GPtrArray *bundle;     /* its entries, GBytes, checked */
};

VaultLogReader *log_reader_new(const LogFiles *files, VaultCheckpoint *checkpoint, const char *note)
{
    VaultLogReader *reader = g_new0(VaultLogReader, 1);

    reader->files = files;
    reader->checkpoint = checkpoint;
    reader->note = g_strdup(note);
    reader->tiles =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    return reader;
}

void log_reader_advance(VaultLogReader *reader, VaultCheckpoint *checkpoint, const char *note)
{
    vault_checkpoint_free(reader->checkpoint);
    reader->checkpoint = checkpoint;
    g_free(reader->note);
    reader->note = g_strdup(note);
}

void vault_log_reader_close(VaultLogReader *reader)
{
    if (reader == NULL)
        return;
    vault_checkpoint_free(reader->checkpoint);
    g_free(reader->note);
    g_hash_table_unref(reader->tiles);
    g_clear_pointer(&reader->bundle, g_ptr_array_unref);
    log_files_free(reader->own_files);
    g_free(reader);
}

const LogFiles *log_reader_files(const VaultLogReader *reader)
{
    return reader->files;
}

const VaultCheckpoint *vault_log_reader_checkpoint(const VaultLogReader *reader)
{
    return reader->checkpoint;
}

const char *vault_log_reader_note(const VaultLogReader *reader)
{
    return reader->note;
}

static gboolean corrupt(GError **error, const VaultLogReader *reader, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "log %s: %s", reader->checkpoint->origin,
                what);
    return FALSE;
}

/* ---- hashes out of tiles -------------------------------------------------------------------- */

static const VaultHash *cached_tile(VaultLogReader *reader, const VaultTile *tile, GError **error)
{
    g_autofree char *name = vault_tile_path(tile);
    GBytes *bytes = g_hash_table_lookup(reader->tiles, name);

    if (bytes == NULL) {
        bytes = log_files_read_tile(reader->files, tile, NULL, error);
        if (bytes == NULL)
            return NULL;
        if (g_hash_table_size(reader->tiles) == VAULT_LOG_TILES_MAX)
            g_hash_table_remove_all(reader->tiles);
        g_hash_table_insert(reader->tiles, g_steal_pointer(&name), bytes);
    }
    return g_bytes_get_data(bytes, NULL);
}

static gboolean read_node(gpointer user, const VaultMerkleNode *node, VaultHash *ret_hash,
                          GError **error)
{
    VaultLogReader *reader = user;
    guint first = 0, count = 0;
    VaultTile tile = vault_tile_of_node(node, reader->checkpoint->size, &first, &count);
    const VaultHash *hashes = cached_tile(reader, &tile, error);

    if (hashes == NULL)
        return FALSE;
    g_assert(first + count <= tile.width);
    vault_tile_root(hashes + first, count, ret_hash);
    return TRUE;
}

VaultMerkleSource log_reader_source(VaultLogReader *reader)
{
    return (VaultMerkleSource){read_node, reader};
}

static VaultLogReader *open_at(const char *directory, const char *name, const char *origin,
                               GPtrArray *keys, GError **error)
{
    g_autoptr(LogFiles) files = log_files_new(directory);
    g_autoptr(GBytes) note = log_files_read(files, name, VAULT_NOTE_LEN_MAX, error);
    g_autoptr(VaultLogReader) reader = NULL;
    VaultCheckpoint *checkpoint;

    if (note == NULL)
        return NULL;
    checkpoint = vault_checkpoint_open(g_bytes_get_data(note, NULL), g_bytes_get_size(note), origin,
                                       keys, error);
    if (checkpoint == NULL)
        return NULL;
    reader = log_reader_new(files, checkpoint, g_bytes_get_data(note, NULL));
    reader->own_files = g_steal_pointer(&files);
    return g_steal_pointer(&reader);
}

VaultLogReader *vault_log_reader_open(const char *directory, const char *origin, GPtrArray *keys,
                                      GError **error)
{
    return open_at(directory, LOG_CHECKPOINT_NAME, origin, keys, error);
}

VaultLogReader *vault_log_reader_open_cosigned(const char *directory, const char *origin,
                                               GPtrArray *keys, GError **error)
{
    return open_at(directory, LOG_COSIGNED_NAME, origin, keys, error);
}

gboolean vault_log_put_cosigned(const char *directory, const char *note, GError **error)
{
    g_autofree char *path = g_build_filename(directory, LOG_COSIGNED_NAME, NULL);

    return vault_file_write(path, note, strlen(note), 0600, VAULT_FILE_REPLACE, error);
}

/* ---- proofs --------------------------------------------------------------------------------- */

gboolean vault_log_reader_prove_inclusion(VaultLogReader *reader, guint64 index,
                                          VaultMerkleProof *ret_proof, GError **error)
{
    const VaultCheckpoint *checkpoint = reader->checkpoint;
    VaultMerkleSource source = log_reader_source(reader);
    VaultMerkleNode entry = {0, index};
    VaultHash hash;

    if (!vault_merkle_prove_inclusion(&source, index, checkpoint->size, ret_proof, error) ||
        !read_node(reader, &entry, &hash, error))
        return FALSE;
    if (!vault_merkle_verify_inclusion(ret_proof, index, checkpoint->size, &hash,
                                       &checkpoint->root))
        return corrupt(error, reader, "its tiles do not lead to its checkpoint's root");
    return TRUE;
}

gboolean vault_log_reader_prove_consistency(VaultLogReader *reader, guint64 old_size,
                                            VaultHash *ret_old_root, VaultMerkleProof *ret_proof,
                                            GError **error)
{
    const VaultCheckpoint *checkpoint = reader->checkpoint;
    VaultMerkleSource source = log_reader_source(reader);

    if (!vault_merkle_prove_consistency(&source, old_size, checkpoint->size, ret_proof, error) ||
        !vault_merkle_root(&source, old_size, ret_old_root, error))
        return FALSE;
    if (!vault_merkle_verify_consistency(ret_proof, old_size, ret_old_root, checkpoint->size,
                                         &checkpoint->root))
        return corrupt(error, reader, "its tiles do not lead to its checkpoint's root");
    return TRUE;
}

/* ---- entries -------------------------------------------------------------------------------- */

/* Each entry's hash is in the tile; and proving one entry takes every hash of its tile, so that the
 * root vouches for all of them at once. */
static gboolean check_bundle(VaultLogReader *reader, const VaultTile *bundle, GPtrArray *entries,
                             GError **error)
{
    VaultTile tile = *bundle;
    const VaultHash *hashes;
    VaultMerkleProof proof;

    tile.kind = VAULT_TILE_HASHES;
    if (!vault_log_reader_prove_inclusion(reader, tile.index * VAULT_TILE_WIDTH, &proof, error))
        return FALSE;
    hashes = cached_tile(reader, &tile, error);
    if (hashes == NULL)
        return FALSE;
    for (guint i = 0; i < entries->len; i++) {
        GBytes *entry = g_ptr_array_index(entries, i);
        VaultHash hash;

        vault_merkle_entry_hash(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &hash);
        if (!vault_merkle_hash_equal(&hash, &hashes[i]))
            return corrupt(error, reader, "an entry is not what was logged");
    }
    return TRUE;
}

static GPtrArray *read_bundle(VaultLogReader *reader, const VaultTile *tile, GError **error)
{
    g_autoptr(GBytes) bytes = log_files_read_tile(reader->files, tile, NULL, error);
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    VaultBytesReader bundle;
    const guint8 *begin;

    if (bytes == NULL)
        return NULL;
    begin = g_bytes_get_data(bytes, NULL);
    vault_bytes_reader_init(&bundle, begin, g_bytes_get_size(bytes));
    for (guint i = 0; i < tile->width; i++) {
        gsize len = 0;
        const guint8 *entry = vault_bundle_next(&bundle, &len);

        if (entry == NULL) {
            corrupt(error, reader, "an entry bundle ends too early");
            return NULL;
        }
        g_ptr_array_add(entries, g_bytes_new_from_bytes(bytes, (gsize)(entry - begin), len));
    }
    if (!check_bundle(reader, tile, entries, error))
        return NULL;
    return g_steal_pointer(&entries);
}

GBytes *vault_log_reader_entry(VaultLogReader *reader, guint64 index, GError **error)
{
    VaultTile tile =
        vault_tile_in(VAULT_TILE_ENTRIES, 0, index / VAULT_TILE_WIDTH, reader->checkpoint->size);
    guint place = (guint)(index % VAULT_TILE_WIDTH);

    if (index >= reader->checkpoint->size) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "log %s has no entry %" G_GUINT64_FORMAT, reader->checkpoint->origin, index);
        return NULL;
    }
    if (reader->bundle == NULL || reader->bundle_tile.index != tile.index ||
        reader->bundle_tile.width < tile.width) {
        GPtrArray *entries = read_bundle(reader, &tile, error);

        if (entries == NULL)
            return NULL;
        g_clear_pointer(&reader->bundle, g_ptr_array_unref);
        reader->bundle = entries;
        reader->bundle_tile = tile;
    }
    return g_bytes_ref(g_ptr_array_index(reader->bundle, place));
}

/* ---- sidecars ------------------------------------------------------------------------------- */

char *log_sidecar_name(guint64 index)
{
    g_autofree char *number = vault_tile_number_path(index);

    return g_strconcat(SIDECAR_FOLDER "/", number, NULL);
}

GBytes *vault_log_reader_sidecar(VaultLogReader *reader, guint64 index, const VaultHash *expected,
                                 GError **error)
{
    g_autofree char *name = log_sidecar_name(index);
    g_autoptr(GBytes) bytes = log_files_read(reader->files, name, VAULT_LOG_SIDECAR_LEN_MAX, error);
    VaultHash hash;

    if (bytes == NULL)
        return NULL;
    vault_hash(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &hash);
    if (!vault_merkle_hash_equal(&hash, expected)) {
        corrupt(error, reader, "a sidecar is not what its entry says");
        return NULL;
    }
    return g_steal_pointer(&bytes);
}
