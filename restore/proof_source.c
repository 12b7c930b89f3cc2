#include "restore/proof_source.h"

#include "vault/base/bytes.h"

#include <string.h>

/* A record in a list: the first bytes of its hash are enough to find it, the list says the rest. */
typedef struct {
    guint64 prefix;
    guint32 batch; /* a batch is 10 minutes: 2^32 of them are 80,000 years */
    guint32 place;
} Place;

/* A batch's list with its whole tree, so that one proof does not cost all its hashes. */
#define LEVELS_MAX 17 /* of VAULT_ENTRY_BATCH_MAX entries */
typedef struct {
    guint64 index;
    GBytes *list;
    const VaultHash *hashes; /* in `list` */
    gsize count;
    VaultHash *levels[LEVELS_MAX]; /* hashes of the complete subtrees */
} Batch;

#define BATCHES_MAX 8 /* kept: at most 6 MiB each */

struct ProofLog {
    guint32 epoch;
    VaultLogReader *reader;
    VaultLogReader *cosigned;    /* an earlier tree, that witnesses cosigned; NULL: none */
    GArray *places;              /* Place, by prefix */
    Batch *batches[BATCHES_MAX]; /* index modulo BATCHES_MAX */
};

static void batch_free(Batch *batch)
{
    if (batch == NULL)
        return;
    for (gsize level = 0; level < LEVELS_MAX; level++)
        g_free(batch->levels[level]);
    g_bytes_unref(batch->list);
    g_free(batch);
}

static guint64 prefix_of(const VaultHash *hash)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, hash->bytes, VAULT_HASH_LEN);
    return vault_bytes_read_u64(&reader);
}

static gint compare_places(gconstpointer a, gconstpointer b)
{
    guint64 one = ((const Place *)a)->prefix, other = ((const Place *)b)->prefix;

    return one < other ? -1 : one > other;
}

/* NULL and no error: the entry is no batch, or an empty one. */
static GBytes *read_list(VaultLogReader *reader, guint64 index, GError **error)
{
    g_autoptr(GBytes) entry_bytes = vault_log_reader_entry(reader, index, error);
    VaultEntry entry;

    if (entry_bytes == NULL)
        return NULL;
    if (!vault_entry_parse(g_bytes_get_data(entry_bytes, NULL), g_bytes_get_size(entry_bytes),
                           &entry, error) ||
        entry.kind != VAULT_ENTRY_BATCH || entry.count == 0)
        return NULL;
    return vault_log_reader_sidecar(reader, index, &entry.list_hash, error);
}

static gboolean add_list(ProofLog *log, guint64 index, GBytes *list, GError **error)
{
    const VaultHash *hashes;
    gsize count = 0;

    if (!vault_entry_list_parse(list, &hashes, &count, error))
        return FALSE;
    for (gsize i = 0; i < count; i++) {
        Place place = {
            .prefix = prefix_of(&hashes[i]), .batch = (guint32)index, .place = (guint32)i};

        g_array_append_val(log->places, place);
    }
    return TRUE;
}

static gboolean read_lists(ProofLog *log, GError **error)
{
    guint64 size = vault_log_reader_checkpoint(log->reader)->size;

    for (guint64 index = 0; index < size; index++) {
        g_autoptr(GError) failure = NULL;
        g_autoptr(GBytes) list = read_list(log->reader, index, &failure);

        if (failure != NULL || (list != NULL && !add_list(log, index, list, &failure))) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
    }
    g_array_sort(log->places, compare_places);
    return TRUE;
}

static guint32 epoch_of(VaultLogReader *reader)
{
    VaultLogKind kind;
    guint32 epoch;
    VaultId id;

    return vault_log_origin_parse(vault_log_reader_checkpoint(reader)->origin, &id, &kind,
                                  &epoch) &&
                   kind == VAULT_LOG_ARCHIVE
               ? epoch
               : 0;
}

ProofLog *proof_log_open(VaultLogReader *reader, GError **error)
{
    g_autoptr(ProofLog) log = g_new0(ProofLog, 1);

    log->places = g_array_new(FALSE, FALSE, sizeof(Place));
    log->reader = reader;
    log->epoch = epoch_of(reader);
    if (!read_lists(log, error))
        return NULL;
    return g_steal_pointer(&log);
}

guint32 proof_log_epoch(const ProofLog *log)
{
    return log->epoch;
}

void proof_log_forget_lists(ProofLog *log)
{
    for (gsize i = 0; i < BATCHES_MAX; i++)
        g_clear_pointer(&log->batches[i], batch_free);
}

void proof_log_prefer(ProofLog *log, VaultLogReader *cosigned)
{
    g_clear_pointer(&log->cosigned, vault_log_reader_close);
    log->cosigned = cosigned;
}

ProofLog *proof_log_of_keep(VaultKeep *keep, guint32 epoch, GError **error)
{
    VaultLogReader *reader = vault_keep_log_reader(keep, VAULT_LOG_ARCHIVE, epoch, error);
    g_autoptr(ProofLog) log = reader == NULL ? NULL : proof_log_open(reader, error);
    g_autoptr(GError) failure = NULL;
    VaultLogReader *cosigned;

    if (log == NULL)
        return NULL;
    cosigned = vault_keep_log_reader_cosigned(keep, VAULT_LOG_ARCHIVE, epoch, &failure);
    if (cosigned == NULL && !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    proof_log_prefer(log, cosigned);
    return g_steal_pointer(&log);
}

void proof_log_close(ProofLog *log)
{
    if (log == NULL)
        return;
    g_clear_pointer(&log->reader, vault_log_reader_close);
    g_clear_pointer(&log->cosigned, vault_log_reader_close);
    proof_log_forget_lists(log);
    g_array_unref(log->places);
    g_free(log);
}

/* The first place whose prefix is not below. */
static guint lower_bound(const GArray *places, guint64 prefix)
{
    guint low = 0, high = places->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(places, Place, middle).prefix < prefix)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void make_levels(Batch *batch)
{
    batch->levels[0] = g_new(VaultHash, batch->count);
    for (gsize i = 0; i < batch->count; i++)
        vault_merkle_entry_hash(batch->hashes[i].bytes, VAULT_HASH_LEN, &batch->levels[0][i]);
    for (gsize level = 1; batch->count >> level > 0; level++) {
        gsize count = batch->count >> level;

        batch->levels[level] = g_new(VaultHash, count);
        for (gsize i = 0; i < count; i++)
            vault_merkle_node_hash(&batch->levels[level - 1][2 * i],
                                   &batch->levels[level - 1][2 * i + 1], &batch->levels[level][i]);
    }
}

static const Batch *take_batch(ProofLog *log, guint64 index, GError **error)
{
    Batch **kept = &log->batches[index % BATCHES_MAX];
    Batch *batch;
    GBytes *list;

    if (*kept != NULL && (*kept)->index == index)
        return *kept;
    list = read_list(log->reader, index, error);
    if (list == NULL)
        return NULL;
    g_clear_pointer(kept, batch_free);
    batch = g_new0(Batch, 1);
    batch->index = index;
    batch->list = list;
    if (!vault_entry_list_parse(list, &batch->hashes, &batch->count, error)) {
        batch_free(batch);
        return NULL;
    }
    make_levels(batch);
    return *kept = batch;
}

static gboolean read_node(gpointer user, const VaultMerkleNode *node, VaultHash *ret_hash,
                          GError **error)
{
    const Batch *batch = user;

    *ret_hash = batch->levels[node->level][node->index];
    return TRUE;
}

static gboolean prove(const ProofLog *log, const Batch *batch, ProofMessage *message, guint32 place,
                      GError **error)
{
    VaultMerkleSource source = {.read = read_node, .user = (gpointer)batch};

    message->is_in_log = TRUE;
    message->batch.epoch = log->epoch;
    message->batch.index = batch->index;
    message->place = place;
    return vault_merkle_prove_inclusion(&source, place, batch->count, &message->path, error);
}

static gboolean find(gpointer user, const VaultHash *record_hash, ProofMessage *message,
                     GError **error)
{
    ProofLog *log = user;
    guint64 prefix = prefix_of(record_hash);

    message->is_in_log = FALSE;
    for (guint i = lower_bound(log->places, prefix); i < log->places->len; i++) {
        const Place *place = &g_array_index(log->places, Place, i);
        const Batch *batch;

        if (place->prefix != prefix)
            return TRUE;
        batch = take_batch(log, place->batch, error);
        if (batch == NULL)
            return FALSE;
        if (vault_merkle_hash_equal(&batch->hashes[place->place], record_hash))
            return prove(log, batch, message, place->place, error);
    }
    return TRUE;
}

static ProofBatch *prove_batch(VaultLogReader *reader, guint64 index, GError **error)
{
    g_autoptr(GBytes) entry = vault_log_reader_entry(reader, index, error);
    const char *note = vault_log_reader_note(reader);
    VaultTlogProof *proof;
    VaultMerkleProof path;

    if (entry == NULL || !vault_log_reader_prove_inclusion(reader, index, &path, error))
        return NULL;
    proof = vault_tlog_proof_new(index, &path, note, strlen(note), error);
    return proof == NULL ? NULL : proof_batch_new(g_steal_pointer(&entry), proof);
}

static GPtrArray *prove_batches(gpointer user, const ProofBatchId *ids, gsize count, GError **error)
{
    ProofLog *log = user;
    g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func((GDestroyNotify)proof_batch_free);

    for (gsize i = 0; i < count; i++) {
        guint64 index = ids[i].index;
        gboolean is_cosigned =
            log->cosigned != NULL && index < vault_log_reader_checkpoint(log->cosigned)->size;
        ProofBatch *batch = prove_batch(is_cosigned ? log->cosigned : log->reader, index, error);

        if (batch == NULL)
            return NULL;
        g_ptr_array_add(batches, batch);
    }
    return g_steal_pointer(&batches);
}

ProofSource proof_log_source(ProofLog *log)
{
    return (ProofSource){.find = find, .batches = prove_batches, .user = log};
}
