#include "vault/log/log_verify.h"

#include "vault/log/edge.h"
#include "vault/log/log_reader_internal.h"

typedef struct {
    const LogFiles *files;
    const VaultCheckpoint *checkpoint;
    const VaultLogVerifyOptions *options;
    LogEdge *edge; /* built anew, out of the hashes in the tiles of level 0 */
    VaultHash older_root;
    guint64 finding_count;
    char *first;
} Verifier;

static void verifier_clear(Verifier *verifier)
{
    g_clear_pointer(&verifier->edge, g_free);
    g_clear_pointer(&verifier->first, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verifier, verifier_clear)

static void found(Verifier *verifier, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void found(Verifier *verifier, const char *format, ...)
{
    va_list arguments;
    g_autofree char *finding = NULL;

    va_start(arguments, format);
    finding = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (verifier->options->found != NULL)
        verifier->options->found(finding, verifier->options->user);
    if (verifier->finding_count++ == 0)
        verifier->first = g_steal_pointer(&finding);
}

/* A tile above level 0: what was computed from below against what is on disk. */
static gboolean compare_tile(const VaultTile *tile, const VaultHash *hashes, gpointer user,
                             GError **error)
{
    Verifier *verifier = user;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) stored = NULL;

    if (tile->level == 0)
        return TRUE; /* it is where the hashes came from */
    stored = log_files_read_tile(verifier->files, tile, NULL, &failure);
    if (stored == NULL)
        found(verifier, "%s", failure->message);
    else if (memcmp(g_bytes_get_data(stored, NULL), hashes, tile->width * sizeof *hashes) != 0)
        found(verifier, "tile %u/%" G_GUINT64_FORMAT " is not made of the tiles below it",
              tile->level, tile->index);
    return TRUE;
}

static void check_entry(Verifier *verifier, guint64 index, const guint8 *entry, gsize len)
{
    g_autoptr(GError) failure = NULL;

    if (verifier->options->check_entry == NULL ||
        verifier->options->check_entry(index, entry, len, verifier->options->user, &failure))
        return;
    found(verifier, "entry %" G_GUINT64_FORMAT ": %s", index,
          failure != NULL ? failure->message : "refused");
}

/* `ret_hashes` gets what the entries hash to; TRUE when all of them were there. */
static gboolean hash_bundle(Verifier *verifier, const VaultTile *tile, const VaultHash *logged,
                            VaultHash ret_hashes[VAULT_TILE_WIDTH])
{
    g_autoptr(GError) failure = NULL;
    guint width = 0;
    VaultTile bundle_tile = {VAULT_TILE_ENTRIES, 0, tile->index, tile->width};
    g_autoptr(GBytes) bytes = log_files_read_tile(verifier->files, &bundle_tile, &width, &failure);
    VaultBytesReader bundle;

    if (bytes == NULL) {
        found(verifier, "%s", failure->message);
        return FALSE;
    }
    vault_bytes_reader_init(&bundle, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    for (guint i = 0; i < tile->width; i++) {
        guint64 index = tile->index * VAULT_TILE_WIDTH + i;
        gsize len = 0;
        const guint8 *entry = vault_bundle_next(&bundle, &len);

        if (entry == NULL) {
            found(verifier, "entries from %" G_GUINT64_FORMAT " on are missing in their bundle",
                  index);
            return FALSE;
        }
        vault_merkle_entry_hash(entry, len, &ret_hashes[i]);
        if (logged != NULL && !vault_merkle_hash_equal(&ret_hashes[i], &logged[i]))
            found(verifier, "entry %" G_GUINT64_FORMAT " is not what was logged", index);
        else
            check_entry(verifier, index, entry, len);
    }
    if (width == tile->width && bundle.left > 0)
        found(verifier, "bytes behind the entries of bundle %" G_GUINT64_FORMAT, tile->index);
    return TRUE;
}

static void append_hashes(Verifier *verifier, const VaultHash *hashes, guint count)
{
    const VaultCheckpoint *older = verifier->options->older;

    for (guint i = 0; i < count; i++) {
        log_edge_append(verifier->edge, &hashes[i], compare_tile, verifier, NULL);
        if (older != NULL && older->size == verifier->edge->size)
            log_edge_root(verifier->edge, &verifier->older_root);
    }
}

/* FALSE when neither tile nor entries are there: nothing after it can be placed. */
static gboolean verify_tile(Verifier *verifier, const VaultTile *tile)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) stored = log_files_read_tile(verifier->files, tile, NULL, &failure);
    const VaultHash *logged = stored != NULL ? g_bytes_get_data(stored, NULL) : NULL;
    VaultHash hashes[VAULT_TILE_WIDTH];
    gboolean has_entries;

    if (logged == NULL)
        found(verifier, "%s", failure->message);
    has_entries = hash_bundle(verifier, tile, logged, hashes);
    if (logged == NULL && !has_entries)
        return FALSE;
    append_hashes(verifier, logged != NULL ? logged : hashes, tile->width);
    return TRUE;
}

static void verify_roots(Verifier *verifier)
{
    const VaultCheckpoint *older = verifier->options->older;
    VaultHash root;

    log_edge_finish(verifier->edge, 0, compare_tile, verifier, NULL);
    log_edge_root(verifier->edge, &root);
    if (!vault_merkle_hash_equal(&root, &verifier->checkpoint->root))
        found(verifier, "the tiles have not the root that the checkpoint says");
    if (older != NULL && older->size <= verifier->edge->size &&
        !vault_merkle_hash_equal(&verifier->older_root, &older->root))
        found(verifier, "the tree of %" G_GUINT64_FORMAT " entries is not the one signed before",
              older->size);
}

gboolean vault_log_verify_all(VaultLogReader *reader, const VaultLogVerifyOptions *options,
                              GError **error)
{
    g_auto(Verifier) verifier = {.files = log_reader_files(reader),
                                 .checkpoint = vault_log_reader_checkpoint(reader),
                                 .options = options,
                                 .edge = g_new0(LogEdge, 1)};
    guint64 size = verifier.checkpoint->size;
    gboolean is_whole = TRUE;

    if (options->older != NULL && options->older->size > size)
        found(&verifier,
              "the log has %" G_GUINT64_FORMAT " entries, a checkpoint of %" G_GUINT64_FORMAT
              " was signed before: it was set back",
              size, options->older->size);
    log_edge_root(verifier.edge, &verifier.older_root); /* of size 0 */
    while (is_whole && verifier.edge->size < size) {
        VaultTile tile =
            vault_tile_in(VAULT_TILE_HASHES, 0, verifier.edge->size / VAULT_TILE_WIDTH, size);

        is_whole = verify_tile(&verifier, &tile);
    }
    if (is_whole)
        verify_roots(&verifier);
    if (verifier.finding_count == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "log %s: %" G_GUINT64_FORMAT " findings, the first: %s",
                verifier.checkpoint->origin, verifier.finding_count, verifier.first);
    return FALSE;
}
