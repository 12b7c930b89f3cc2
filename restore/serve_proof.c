/* Proofs in the serve protocol: restore/serve_frame.h. */
#include "restore/serve_frame.h"
#include "vault/base/bytes.h"

#include <string.h>

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the other side does not keep to the protocol: %s", what);
    return FALSE;
}

/* ---- one record ------------------------------------------------------------------------------ */

void serve_prove_append(GByteArray *payload, const VaultHash *record_hash)
{
    g_byte_array_append(payload, record_hash->bytes, VAULT_HASH_LEN);
}

gboolean serve_prove_parse(const guint8 *payload, gsize len, VaultHash *ret_hash, GError **error)
{
    if (len != VAULT_HASH_LEN)
        return set_malformed(error, "a record to be proved");
    memcpy(ret_hash->bytes, payload, VAULT_HASH_LEN);
    return TRUE;
}

static void append_batch_id(GByteArray *payload, const ProofBatchId *id)
{
    vault_bytes_append_u32(payload, id->epoch);
    vault_bytes_append_u64(payload, id->index);
}

static ProofBatchId read_batch_id(VaultBytesReader *reader)
{
    ProofBatchId id = {.epoch = vault_bytes_read_u32(reader)};

    id.index = vault_bytes_read_u64(reader);
    return id;
}

static gboolean is_batch_id(const ProofBatchId *id)
{
    return id->epoch >= 1 && id->index < VAULT_MERKLE_SIZE_MAX;
}

void serve_prove_answer_append(GByteArray *payload, const ProofMessage *message)
{
    vault_bytes_append_u8(payload, message->is_in_log ? 1 : 0);
    if (!message->is_in_log)
        return;
    append_batch_id(payload, &message->batch);
    vault_bytes_append_u32(payload, (guint32)message->place);
    vault_bytes_append_u8(payload, (guint8)message->path.count);
    g_byte_array_append(payload, message->path.hashes[0].bytes,
                        (guint)(message->path.count * VAULT_HASH_LEN));
}

gboolean serve_prove_answer_parse(const guint8 *payload, gsize len, ProofMessage *ret_message,
                                  GError **error)
{
    VaultMerkleProof path = {0};
    VaultBytesReader reader;
    ProofBatchId batch = {0};
    guint64 place = 0;
    guint8 is_in_log;

    vault_bytes_reader_init(&reader, payload, len);
    is_in_log = vault_bytes_read_u8(&reader);
    if (is_in_log == 1) {
        batch = read_batch_id(&reader);
        place = vault_bytes_read_u32(&reader);
        path.count = vault_bytes_read_u8(&reader);
        if (!is_batch_id(&batch) || path.count > VAULT_MERKLE_PROOF_MAX)
            return set_malformed(error, "the place of a record");
        vault_bytes_read(&reader, path.hashes, path.count * VAULT_HASH_LEN);
    }
    if (is_in_log > 1 || !vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END))
        return set_malformed(error, "the place of a record");
    ret_message->is_in_log = is_in_log == 1;
    ret_message->batch = batch;
    ret_message->place = place;
    ret_message->path = path;
    return TRUE;
}

/* ---- batches --------------------------------------------------------------------------------- */

void serve_batches_append(GByteArray *payload, const ProofBatchId *ids, gsize count)
{
    vault_bytes_append_u16(payload, (guint16)count);
    for (gsize i = 0; i < count; i++)
        append_batch_id(payload, &ids[i]);
}

gboolean serve_batches_parse(const guint8 *payload, gsize len,
                             ProofBatchId ret_ids[PROOF_BATCHES_MAX], gsize *ret_count,
                             GError **error)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, payload, len);
    *ret_count = vault_bytes_read_u16(&reader);
    if (*ret_count > PROOF_BATCHES_MAX)
        return set_malformed(error, "too many batches at once");
    for (gsize i = 0; i < *ret_count; i++) {
        ret_ids[i] = read_batch_id(&reader);
        if (!is_batch_id(&ret_ids[i]) ||
            (i > 0 && proof_batch_id_compare(&ret_ids[i], &ret_ids[i - 1]) <= 0))
            return set_malformed(error, "batches out of order");
    }
    return vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) ||
           set_malformed(error, "a request for batches");
}

static void append_part(GByteArray *payload, const void *bytes, gsize len)
{
    vault_bytes_append_u32(payload, (guint32)len);
    g_byte_array_append(payload, bytes, (guint)len);
}

void serve_batches_answer_append(GByteArray *payload, GPtrArray *batches)
{
    guint start = payload->len;
    guint16 count = 0;

    vault_bytes_append_u16(payload, 0);
    for (guint i = 0; i < batches->len; i++) {
        const ProofBatch *batch = batches->pdata[i];
        g_autofree char *proof = vault_tlog_proof_format(batch->proof);
        gsize entry_len = g_bytes_get_size(batch->entry), proof_len = strlen(proof);

        if (payload->len - start + 8 + entry_len + proof_len > SERVE_PAYLOAD_LEN_MAX)
            break;
        append_part(payload, g_bytes_get_data(batch->entry, NULL), entry_len);
        append_part(payload, proof, proof_len);
        count++;
    }
    vault_bytes_put_u16(payload->data + start, count);
}

/* NULL: it is none. */
static ProofBatch *read_batch(VaultBytesReader *reader, const ProofBatchId *id)
{
    gsize entry_len = vault_bytes_read_u32(reader), text_len;
    const guint8 *entry = vault_bytes_read_borrowed(reader, entry_len), *text;
    g_autoptr(ProofBatch) batch = NULL;
    VaultTlogProof *proof;

    text_len = vault_bytes_read_u32(reader);
    text = vault_bytes_read_borrowed(reader, text_len);
    if (reader->failed || entry_len == 0 || entry_len > VAULT_LOG_ENTRY_LEN_MAX)
        return NULL;
    proof = vault_tlog_proof_parse((const char *)text, text_len, NULL);
    if (proof == NULL)
        return NULL;
    batch = proof_batch_new(g_bytes_new(entry, entry_len), proof);
    return proof_batch_id_equal(&batch->id, id) ? g_steal_pointer(&batch) : NULL;
}

gboolean serve_batches_answer_parse(const guint8 *payload, gsize len, const ProofBatchId *ids,
                                    gsize count, GPtrArray *batches, GError **error)
{
    VaultBytesReader reader;
    gsize given;

    vault_bytes_reader_init(&reader, payload, len);
    given = vault_bytes_read_u16(&reader);
    if (given > count || (given == 0 && count > 0))
        return set_malformed(error, "another number of batches than was asked for");
    for (gsize i = 0; i < given; i++) {
        ProofBatch *batch = read_batch(&reader, &ids[i]);

        if (batch == NULL)
            return set_malformed(error, "a batch");
        g_ptr_array_add(batches, batch);
    }
    return vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) ||
           set_malformed(error, "batches");
}
