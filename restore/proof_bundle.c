#include "restore/proof_bundle.h"

#include "vault/base/bytes.h"
#include "vault/log/text.h"

#include <string.h>

static gboolean set_false(const char *what, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, what);
    return FALSE;
}

/* ---- members --------------------------------------------------------------------------------- */

const char *proof_member_text(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

gboolean proof_member_number(JsonObject *object, const char *name, guint64 *ret_number)
{
    JsonNode *node = json_object_get_member(object, name);

    if (node == NULL || json_node_get_value_type(node) != G_TYPE_INT64 ||
        json_node_get_int(node) < 0)
        return FALSE;
    *ret_number = (guint64)json_node_get_int(node);
    return TRUE;
}

gboolean proof_member_hash(JsonObject *object, const char *name, VaultHash *ret_hash)
{
    return vault_bytes_from_hex(proof_member_text(object, name), ret_hash->bytes, VAULT_HASH_LEN);
}

static void append_hex(GString *line, const char *name, const guint8 *bytes, gsize len)
{
    g_autofree char *hex = vault_bytes_to_hex(bytes, len);

    g_string_append_printf(line, ",\"%s\":\"%s\"", name, hex);
}

/* ---- names of batches ------------------------------------------------------------------------ */

gint proof_batch_id_compare(gconstpointer a, gconstpointer b)
{
    const ProofBatchId *one = a, *other = b;

    if (one->epoch != other->epoch)
        return one->epoch < other->epoch ? -1 : 1;
    return one->index < other->index ? -1 : one->index > other->index;
}

guint proof_batch_id_hash(gconstpointer id)
{
    const ProofBatchId *batch = id;

    return g_int64_hash(&batch->index) ^ batch->epoch << 24;
}

gboolean proof_batch_id_equal(gconstpointer a, gconstpointer b)
{
    return proof_batch_id_compare(a, b) == 0;
}

/* ---- messages -------------------------------------------------------------------------------- */

void proof_message_record_hash(const ProofMessage *message, VaultHash *ret_hash)
{
    vault_record_hash(message->header, message->header_len, &message->ciphertext_hash, ret_hash);
}

void proof_message_append(const ProofMessage *message, GString *line)
{
    append_hex(line, "salt", message->salt.bytes, sizeof message->salt.bytes);
    proof_message_append_public(message, line);
}

void proof_message_append_public(const ProofMessage *message, GString *line)
{
    append_hex(line, "record", message->header, message->header_len);
    append_hex(line, "ciphertext_sha256", message->ciphertext_hash.bytes, VAULT_HASH_LEN);
    g_string_append_printf(line, ",\"in_log\":%s", message->is_in_log ? "true" : "false");
    if (!message->is_in_log)
        return;
    g_string_append_printf(line,
                           ",\"epoch\":%u,\"batch\":%" G_GUINT64_FORMAT
                           ",\"place\":%" G_GUINT64_FORMAT ",\"path\":\"",
                           message->batch.epoch, message->batch.index, message->place);
    for (gsize i = 0; i < message->path.count; i++) {
        g_autofree char *hash = g_base64_encode(message->path.hashes[i].bytes, VAULT_HASH_LEN);

        g_string_append_printf(line, "%s%s", i == 0 ? "" : " ", hash);
    }
    g_string_append_c(line, '"');
}

static gboolean read_path(const char *text, VaultMerkleProof *path)
{
    LogText rest = {text, text == NULL ? 0 : strlen(text)};
    const char *part = NULL;
    gsize len = 0;

    while (log_text_part(&rest, ' ', &part, &len)) {
        if (path->count == VAULT_MERKLE_PROOF_MAX ||
            !log_text_base64_exact(part, len, path->hashes[path->count].bytes, VAULT_HASH_LEN))
            return FALSE;
        path->count++;
    }
    return text != NULL;
}

static gboolean read_header(const char *hex, ProofMessage *message)
{
    gsize len = hex == NULL ? 0 : strlen(hex) / 2;

    message->header_len = len;
    return len == vault_record_header_len(VAULT_RECORD_BODY) &&
           vault_bytes_from_hex(hex, message->header, len);
}

static gboolean read_batch_id(JsonObject *object, ProofBatchId *id)
{
    guint64 epoch = 0;

    if (!proof_member_number(object, "epoch", &epoch) || epoch == 0 || epoch > G_MAXUINT32 ||
        !proof_member_number(object, "batch", &id->index))
        return FALSE;
    id->epoch = (guint32)epoch;
    return TRUE;
}

gboolean proof_message_read(JsonObject *object, ProofMessage *ret_message, GError **error)
{
    JsonNode *in_log = json_object_get_member(object, "in_log");
    ProofMessage *message = ret_message;

    memset(message, 0, sizeof *message);
    if (in_log == NULL || json_node_get_value_type(in_log) != G_TYPE_BOOLEAN)
        return set_false("there is no proof of it", error);
    message->is_in_log = json_node_get_boolean(in_log);
    if (!vault_bytes_from_hex(proof_member_text(object, "salt"), message->salt.bytes,
                              sizeof message->salt.bytes) ||
        !read_header(proof_member_text(object, "record"), message) ||
        !proof_member_hash(object, "ciphertext_sha256", &message->ciphertext_hash))
        return set_false("salt, record or ciphertext_sha256 is missing or damaged", error);
    if (!message->is_in_log)
        return TRUE;
    if (!read_batch_id(object, &message->batch) ||
        !proof_member_number(object, "place", &message->place) ||
        !read_path(proof_member_text(object, "path"), &message->path))
        return set_false("epoch, batch, place or path is missing or damaged", error);
    return TRUE;
}

static gboolean check_commitment(const ProofMessage *message, const RecordId *archive_id,
                                 const VaultHash *message_hash, GError **error)
{
    VaultRecordHeader header;
    guint8 commitment[VAULT_HASH_LEN];

    if (!vault_record_header_parse(message->header, message->header_len, &header, NULL) ||
        header.kind != VAULT_RECORD_BODY)
        return set_false("its record is damaged, or of another kind", error);
    if (!VAULT_ID_EQUAL(header.record_id, *archive_id))
        return set_false("its record is that of another message", error);
    vault_message_commitment(&message->salt, message_hash, commitment);
    if (memcmp(commitment, header.by_kind, sizeof commitment) != 0)
        return set_false("the message is not the one that its record commits to", error);
    return TRUE;
}

gboolean proof_message_check(const ProofMessage *message, const RecordId *archive_id,
                             const VaultHash *message_hash, const VaultEntry *batch, GError **error)
{
    VaultHash record_hash, entry_hash;

    if (!check_commitment(message, archive_id, message_hash, error))
        return FALSE;
    if (!message->is_in_log)
        return TRUE;
    if (batch == NULL)
        return set_false("the batch that it is said to be in is not in the manifest", error);
    proof_message_record_hash(message, &record_hash);
    vault_merkle_entry_hash(record_hash.bytes, VAULT_HASH_LEN, &entry_hash);
    if (!vault_merkle_verify_inclusion(&message->path, message->place, batch->count, &entry_hash,
                                       &batch->root))
        return set_false("its record is not in the batch that it is said to be in", error);
    return TRUE;
}

/* ---- batches --------------------------------------------------------------------------------- */

/* The text under the signatures: what it says is true when these are. */
static guint32 epoch_of(const VaultTlogProof *proof)
{
    const char *text = proof->note->text;
    g_autoptr(VaultCheckpoint) checkpoint = vault_checkpoint_parse(text, strlen(text), NULL);
    VaultLogKind kind;
    guint32 epoch;
    VaultId id;

    return checkpoint != NULL && vault_log_origin_parse(checkpoint->origin, &id, &kind, &epoch) &&
                   kind == VAULT_LOG_ARCHIVE
               ? epoch
               : 0;
}

ProofBatch *proof_batch_new(GBytes *entry, VaultTlogProof *proof)
{
    ProofBatch *batch = g_new0(ProofBatch, 1);

    batch->id = (ProofBatchId){.epoch = epoch_of(proof), .index = proof->index};
    batch->entry = entry;
    batch->proof = proof;
    return batch;
}

void proof_batch_free(ProofBatch *batch)
{
    if (batch == NULL)
        return;
    g_clear_pointer(&batch->entry, g_bytes_unref);
    vault_tlog_proof_free(batch->proof);
    g_free(batch);
}

char *proof_batch_format(const ProofBatch *batch)
{
    g_autofree char *hex =
        vault_bytes_to_hex(g_bytes_get_data(batch->entry, NULL), g_bytes_get_size(batch->entry));
    g_autofree char *proof = vault_tlog_proof_format(batch->proof);
    g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), proof);
    g_autofree char *quoted = json_to_string(node, FALSE);

    return g_strdup_printf("{\"entry\":\"%s\",\"tlog_proof\":%s}", hex, quoted);
}

static GBytes *read_entry(const char *hex)
{
    gsize len = hex == NULL ? 0 : strlen(hex) / 2;
    g_autofree guint8 *bytes = g_malloc(len + 1);

    if (len == 0 || len > VAULT_LOG_ENTRY_LEN_MAX || !vault_bytes_from_hex(hex, bytes, len))
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), len);
}

ProofBatch *proof_batch_read(JsonObject *object, GError **error)
{
    g_autoptr(GBytes) entry = read_entry(proof_member_text(object, "entry"));
    const char *text = proof_member_text(object, "tlog_proof");
    VaultTlogProof *proof;

    if (entry == NULL || text == NULL) {
        set_false("a batch without entry or tlog_proof", error);
        return NULL;
    }
    proof = vault_tlog_proof_parse(text, strlen(text), error);
    return proof == NULL ? NULL : proof_batch_new(g_steal_pointer(&entry), proof);
}

gboolean proof_batch_check(const ProofBatch *batch, const VaultTlogPolicy *policy,
                           VaultEntry *ret_entry, GError **error)
{
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data(batch->entry, &len);
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    VaultHash hash;

    if (!vault_entry_parse(bytes, len, ret_entry, error))
        return FALSE;
    if (ret_entry->kind != VAULT_ENTRY_BATCH)
        return set_false("an entry that is no batch of records", error);
    vault_merkle_entry_hash(bytes, len, &hash);
    checkpoint = vault_tlog_proof_check(batch->proof, policy, &hash, error);
    if (checkpoint == NULL)
        return FALSE;
    return batch->id.epoch > 0 ||
           set_false("its checkpoint is of another log than a vault's archive log", error);
}
