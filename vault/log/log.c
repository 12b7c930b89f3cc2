#include "vault/log/log.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/log/edge.h"
#include "vault/log/log_reader_internal.h"
#include "vault/log/text.h"

#include <errno.h>
#include <sys/stat.h>

/* What is going to be signed: a checkpoint's text, without signature. */
#define HEAD_NAME "head"

struct VaultLog {
    LogFiles *files;
    char *origin;
    LogSigningKey *key; /* secret memory */
    GPtrArray *keys;    /* VaultNoteKey: this one first, then earlier ones */
    LogEdge *edge;      /* of the tree that `head` names */
    GByteArray *bundle; /* the entries of its last, partial bundle */
    VaultLogReader *reader;
    gboolean is_doubtful; /* a call failed: what is on disk has to be looked at again */
};

char *vault_log_origin(const VaultId *vault_id, VaultLogKind kind, guint32 epoch)
{
    return g_strdup_printf("muniment/%s/%s/%u", VAULT_ID_TEXT(*vault_id),
                           kind == VAULT_LOG_ARCHIVE ? "archive" : "control", epoch);
}

gboolean vault_log_origin_parse(const char *origin, VaultId *ret_vault_id, VaultLogKind *ret_kind,
                                guint32 *ret_epoch)
{
    g_auto(GStrv) parts = g_strsplit(origin, "/", 5);
    g_autofree char *again = NULL;
    guint64 epoch = 0;

    if (g_strv_length(parts) != 4 ||
        !vault_bytes_from_hex(parts[1], ret_vault_id->bytes, sizeof ret_vault_id->bytes) ||
        !log_text_decimal(parts[3], strlen(parts[3]), &epoch) || epoch == 0 || epoch > G_MAXUINT32)
        return FALSE;
    *ret_kind = g_str_equal(parts[2], "archive") ? VAULT_LOG_ARCHIVE : VAULT_LOG_CONTROL;
    *ret_epoch = (guint32)epoch;
    again = vault_log_origin(ret_vault_id, *ret_kind, *ret_epoch);
    return g_str_equal(again, origin);
}

static gboolean corrupt(const VaultLog *log, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "log %s: %s; nothing is signed until it is recovered from a backup", log->origin,
                what);
    return FALSE;
}

/* ---- head and checkpoint -------------------------------------------------------------------- */

static gboolean put_head(VaultLog *log, const VaultCheckpoint *head, GError **error)
{
    g_autofree char *text = vault_checkpoint_format(head);

    return log_files_put_durably(log->files, HEAD_NAME, text, strlen(text), error);
}

static VaultCheckpoint *read_head(const VaultLog *log, GError **error)
{
    g_autoptr(GBytes) text = log_files_read(log->files, HEAD_NAME, VAULT_NOTE_LEN_MAX, error);
    g_autoptr(VaultCheckpoint) head = NULL;

    if (text == NULL)
        return NULL;
    head = vault_checkpoint_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), NULL);
    if (head == NULL || strcmp(head->origin, log->origin) != 0) {
        corrupt(log, "its head is damaged or another log's", error);
        return NULL;
    }
    return g_steal_pointer(&head);
}

/* Only ever called when `head` is durable. Takes it over. */
static gboolean sign_head(VaultLog *log, VaultCheckpoint *head, GError **error)
{
    g_autoptr(VaultCheckpoint) checkpoint = head;
    g_autofree char *note = vault_checkpoint_sign(checkpoint, log->key);

    if (!log_files_put_durably(log->files, LOG_CHECKPOINT_NAME, note, strlen(note), error))
        return FALSE;
    if (log->reader == NULL)
        log->reader = log_reader_new(log->files, g_steal_pointer(&checkpoint), note);
    else
        log_reader_advance(log->reader, g_steal_pointer(&checkpoint), note);
    return TRUE;
}

/* ---- opening -------------------------------------------------------------------------------- */

static gboolean add_key(VaultLog *log, const LogVerifyKey *key, GError **error)
{
    VaultNoteKey *note_key = vault_note_key_new_log(log->origin, key, error);

    if (note_key == NULL)
        return FALSE;
    g_ptr_array_add(log->keys, note_key);
    return TRUE;
}

static VaultLog *log_new(const VaultLogOptions *options, GError **error)
{
    g_autoptr(VaultLog) log = g_new0(VaultLog, 1);
    LogVerifyKey verify;

    log->files = log_files_new(options->directory);
    log->origin = g_strdup(options->origin);
    log->key = vault_secret_new(sizeof *log->key);
    *log->key = *options->key;
    log->keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    log->edge = g_new0(LogEdge, 1);
    log->bundle = g_byte_array_new();
    vault_log_verify_key(log->key, &verify);
    if (!add_key(log, &verify, error))
        return NULL;
    for (gsize i = 0; i < options->earlier_count; i++) {
        if (!add_key(log, &options->earlier_keys[i], error))
            return NULL;
    }
    return g_steal_pointer(&log);
}

void vault_log_close(VaultLog *log)
{
    if (log == NULL)
        return;
    vault_log_reader_close(log->reader);
    log_files_free(log->files);
    g_free(log->origin);
    vault_secret_free(log->key);
    g_clear_pointer(&log->keys, g_ptr_array_unref);
    g_free(log->edge);
    g_clear_pointer(&log->bundle, g_byte_array_unref);
    g_free(log);
}

static gboolean load_edge(VaultLog *log, const VaultCheckpoint *head, GError **error)
{
    VaultHash root;

    memset(log->edge, 0, sizeof *log->edge);
    log->edge->size = head->size;
    for (guint8 level = 0; level <= VAULT_TILE_LEVEL_MAX; level++) {
        VaultTile tile = log_edge_tile(log->edge, level);
        g_autoptr(GBytes) hashes = NULL;

        if (tile.width == 0)
            continue;
        hashes = log_files_read_tile(log->files, &tile, NULL, error);
        if (hashes == NULL)
            return FALSE;
        memcpy(log->edge->hashes[level], g_bytes_get_data(hashes, NULL),
               tile.width * sizeof(VaultHash));
    }
    log_edge_root(log->edge, &root);
    if (!vault_merkle_hash_equal(&root, &head->root))
        return corrupt(log, "its tiles have not the root that its head says", error);
    return TRUE;
}

/* The entries of the partial bundle, which the next append writes again: each must be what its hash
 * in the tile says. */
static gboolean load_bundle(VaultLog *log, GError **error)
{
    VaultTile tile = log_edge_tile(log->edge, 0);
    g_autoptr(GBytes) bytes = NULL;
    VaultBytesReader reader;

    g_byte_array_set_size(log->bundle, 0);
    tile.kind = VAULT_TILE_ENTRIES;
    if (tile.width == 0)
        return TRUE;
    bytes = log_files_read_tile(log->files, &tile, NULL, error);
    if (bytes == NULL)
        return FALSE;
    vault_bytes_reader_init(&reader, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    for (guint i = 0; i < tile.width; i++) {
        gsize len = 0;
        const guint8 *entry = vault_bundle_next(&reader, &len);
        VaultHash hash;

        if (entry != NULL)
            vault_merkle_entry_hash(entry, len, &hash);
        if (entry == NULL || !vault_merkle_hash_equal(&hash, &log->edge->hashes[0][i]))
            return corrupt(log, "an entry is not what was logged", error);
        vault_bundle_append(log->bundle, entry, len);
    }
    return TRUE;
}

/* The checkpoint that is there must be of a tree that the head's continues. */
static gboolean check_continues(VaultLog *log, const VaultCheckpoint *head,
                                const VaultCheckpoint *signed_one, GError **error)
{
    VaultCheckpoint *copy = vault_checkpoint_new(head->origin, head->size, &head->root);
    g_autoptr(VaultLogReader) reader = log_reader_new(log->files, copy, "");
    VaultHash root;
    VaultMerkleProof proof;

    if (signed_one->size > head->size)
        return corrupt(log, "a larger tree was signed than is there", error);
    if (!vault_log_reader_prove_consistency(reader, signed_one->size, &root, &proof, error))
        return FALSE;
    if (!vault_merkle_hash_equal(&root, &signed_one->root))
        return corrupt(log, "another tree was signed than is there", error);
    return TRUE;
}

/* Takes over the head. */
static gboolean settle_checkpoint(VaultLog *log, VaultCheckpoint *taken, GError **error)
{
    g_autoptr(VaultCheckpoint) head = taken;
    g_autoptr(GBytes) note = NULL;
    g_autoptr(VaultCheckpoint) signed_one = NULL;

    /* Only creating a log leaves none. */
    if (!log_files_has(log->files, LOG_CHECKPOINT_NAME) && head->size > 0)
        return corrupt(log, "its checkpoint is missing", error);
    if (log_files_has(log->files, LOG_CHECKPOINT_NAME)) {
        note = log_files_read(log->files, LOG_CHECKPOINT_NAME, VAULT_NOTE_LEN_MAX, error);
        if (note == NULL)
            return FALSE;
        signed_one = vault_checkpoint_open(g_bytes_get_data(note, NULL), g_bytes_get_size(note),
                                           log->origin, log->keys, error);
        if (signed_one == NULL || !check_continues(log, head, signed_one, error))
            return FALSE;
    }
    return sign_head(log, g_steal_pointer(&head), error);
}

/* Signed again even where the checkpoint is the head's already: its name may not be durable, and
 * the key may be a new one. The same key gives the same bytes. */
static gboolean recover(VaultLog *log, GError **error)
{
    g_autoptr(VaultCheckpoint) head = read_head(log, error);

    /* A rename that was never synced may have put the head there: it is made durable, then used. */
    if (head == NULL || !load_edge(log, head, error) || !load_bundle(log, error) ||
        !put_head(log, head, error) || !settle_checkpoint(log, g_steal_pointer(&head), error))
        return FALSE;
    log->is_doubtful = FALSE;
    return TRUE;
}

gboolean vault_log_create(const VaultLogOptions *options, GError **error)
{
    static const char *const names[] = {HEAD_NAME, LOG_CHECKPOINT_NAME, "tile"};
    g_autofree char *parent = g_path_get_dirname(options->directory);
    g_autoptr(VaultLog) log = log_new(options, error);
    VaultCheckpoint *head;
    VaultHash root;

    if (log == NULL)
        return FALSE;
    if (mkdir(options->directory, 0700) != 0 && errno != EEXIST)
        return vault_error_set_errno(error, errno, "cannot make the folder", options->directory);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!log_files_has(log->files, names[i]))
            continue;
        /* A log whose head was lost is not begun anew: that would sign a fork. */
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "%s has a log or the rest of one: %s",
                    options->directory, names[i]);
        return FALSE;
    }
    log_edge_root(log->edge, &root);
    head = vault_checkpoint_new(log->origin, 0, &root);
    if (!vault_file_sync_directory(parent, error) || !put_head(log, head, error)) {
        vault_checkpoint_free(head);
        return FALSE;
    }
    return sign_head(log, head, error);
}

VaultLog *vault_log_open(const VaultLogOptions *options, GError **error)
{
    g_autoptr(VaultLog) log = log_new(options, error);

    if (log == NULL || !recover(log, error))
        return NULL;
    return g_steal_pointer(&log);
}

VaultLogReader *vault_log_reader(VaultLog *log)
{
    return log->reader;
}

/* ---- appending ------------------------------------------------------------------------------ */

/* A batch in the making: what becomes edge and bundle once it is durable. */
typedef struct {
    VaultLog *log;
    LogEdge *edge;
    GByteArray *bundle;
} Batch;

static void batch_clear(Batch *batch)
{
    g_clear_pointer(&batch->edge, g_free);
    g_clear_pointer(&batch->bundle, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Batch, batch_clear)

/* A tile of level 0 goes to disk together with its bundle. */
static gboolean put_tile(const VaultTile *tile, const VaultHash *hashes, gpointer user,
                         GError **error)
{
    Batch *batch = user;
    LogFiles *files = batch->log->files;

    if (tile->level == 0) {
        VaultTile bundle = *tile;

        bundle.kind = VAULT_TILE_ENTRIES;
        if (!log_files_put_tile(files, &bundle, batch->bundle->data, batch->bundle->len, error))
            return FALSE;
        if (tile->width == VAULT_TILE_WIDTH)
            g_byte_array_set_size(batch->bundle, 0);
    }
    return log_files_put_tile(files, tile, hashes, tile->width * sizeof *hashes, error);
}

static gboolean put_entry(Batch *batch, const VaultLogEntry *entry, GError **error)
{
    const void *payload = g_bytes_get_data(entry->payload, NULL);
    gsize len = g_bytes_get_size(entry->payload);
    VaultHash hash;

    if (entry->sidecar != NULL) {
        g_autofree char *name = log_sidecar_name(batch->edge->size);

        if (!log_files_put(batch->log->files, name, g_bytes_get_data(entry->sidecar, NULL),
                           g_bytes_get_size(entry->sidecar), error))
            return FALSE;
    }
    vault_bundle_append(batch->bundle, payload, len);
    vault_merkle_entry_hash(payload, len, &hash);
    return log_edge_append(batch->edge, &hash, put_tile, batch, error);
}

static gboolean check_entries(const VaultLog *log, const VaultLogEntry *entries, gsize count,
                              GError **error)
{
    gboolean fits = count >= 1 && count <= VAULT_LOG_BATCH_MAX &&
                    log->edge->size <= VAULT_MERKLE_SIZE_MAX - count;

    for (gsize i = 0; fits && i < count; i++)
        fits = g_bytes_get_size(entries[i].payload) <= VAULT_LOG_ENTRY_LEN_MAX &&
               (entries[i].sidecar == NULL ||
                g_bytes_get_size(entries[i].sidecar) <= VAULT_LOG_SIDECAR_LEN_MAX);
    if (!fits)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "log %s: a batch has 1 to %d entries of at most %d bytes, with sidecars of at "
                    "most %d",
                    log->origin, VAULT_LOG_BATCH_MAX, VAULT_LOG_ENTRY_LEN_MAX,
                    VAULT_LOG_SIDECAR_LEN_MAX);
    return fits;
}

/* Partial tiles that wider ones have replaced. Of all tiles the batch touched, also those that it
 * filled: a batch that was given up may have left partial files there. */
static void tidy(const VaultLog *log, guint64 old_size)
{
    for (guint8 level = 0; level <= VAULT_TILE_LEVEL_MAX; level++) {
        guint64 old_count = old_size >> (level * VAULT_TILE_HEIGHT);
        guint64 count = log->edge->size >> (level * VAULT_TILE_HEIGHT);

        for (guint64 i = old_count / VAULT_TILE_WIDTH;
             old_count != count && i <= count / VAULT_TILE_WIDTH; i++) {
            VaultTile tile = vault_tile_in(VAULT_TILE_HASHES, level, i, log->edge->size);

            log_files_tidy_tile(log->files, &tile);
            tile.kind = VAULT_TILE_ENTRIES;
            if (level == 0)
                log_files_tidy_tile(log->files, &tile);
        }
    }
}

static gboolean put_batch(Batch *batch, const VaultLogEntry *entries, gsize count, GError **error)
{
    VaultLog *log = batch->log;
    VaultCheckpoint *head;
    VaultHash root;

    for (gsize i = 0; i < count; i++) {
        if (!put_entry(batch, &entries[i], error))
            return FALSE;
    }
    if (!log_edge_finish(batch->edge, log->edge->size, put_tile, batch, error) ||
        !log_files_sync_names(log->files, error))
        return FALSE;
    log_edge_root(batch->edge, &root);
    head = vault_checkpoint_new(log->origin, batch->edge->size, &root);
    if (!put_head(log, head, error)) {
        vault_checkpoint_free(head);
        return FALSE;
    }
    return sign_head(log, head, error);
}

gboolean vault_log_append(VaultLog *log, const VaultLogEntry *entries, gsize count,
                          guint64 *ret_first_index, GError **error)
{
    g_auto(Batch) batch = {.log = log};
    guint64 old_size;

    if ((log->is_doubtful && !recover(log, error)) || !check_entries(log, entries, count, error))
        return FALSE;
    batch.edge = g_memdup2(log->edge, sizeof *log->edge);
    batch.bundle = g_byte_array_new();
    g_byte_array_append(batch.bundle, log->bundle->data, log->bundle->len);
    log->is_doubtful = TRUE;
    if (!put_batch(&batch, entries, count, error))
        return FALSE;
    log->is_doubtful = FALSE;
    old_size = log->edge->size;
    g_free(log->edge);
    log->edge = g_steal_pointer(&batch.edge);
    g_byte_array_unref(log->bundle);
    log->bundle = g_steal_pointer(&batch.bundle);
    tidy(log, old_size);
    if (ret_first_index != NULL)
        *ret_first_index = old_size;
    return TRUE;
}
