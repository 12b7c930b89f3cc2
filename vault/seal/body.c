#include "vault/seal/sealed_body.h"

#include "vault/crypto/stream.h"

#include <string.h>

/* Commitment, then the chunks. */
static gboolean seal_chunks(const VaultSealedBody *body, VaultRecordKind kind,
                            const guint8 *plaintext, gsize len, guint8 *ret_ciphertext,
                            GError **error)
{
    VaultStreamParameters parameters = {
        .key = &body->reference.key,
        .record_id = body->reference.body_id,
        .suite = VAULT_SUITE_X25519,
        .kind = kind,
    };
    g_autoptr(VaultStream) stream = vault_stream_new(&parameters, ret_ciphertext);
    guint8 *at = ret_ciphertext + VAULT_STREAM_COMMITMENT_LEN;

    while (len > VAULT_STREAM_CHUNK_LEN) {
        if (!vault_stream_seal(stream, plaintext, VAULT_STREAM_CHUNK_LEN, VAULT_STREAM_MORE, at,
                               error))
            return FALSE;
        plaintext += VAULT_STREAM_CHUNK_LEN;
        len -= VAULT_STREAM_CHUNK_LEN;
        at += VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN;
    }
    return vault_stream_seal(stream, plaintext, len, VAULT_STREAM_LAST, at, error);
}

static gsize padding_floor(VaultRecordKind kind)
{
    return kind == VAULT_RECORD_BODY ? VAULT_BODY_PADDING_FLOOR : VAULT_TERMS_PADDING_FLOOR;
}

/* Padding adds less than 12 % above the floor. */
gsize seal_padding_room(VaultRecordKind kind, gsize plain_len)
{
    return padding_floor(kind) + plain_len / 8 + 64;
}

/* Seals from the compressor's output straight to the record's place behind its header: one
 * allocation of exactly the record's size, no copy. */
guint8 *seal_frame(VaultSealedBody *body, const SealFrame *frame, gsize *ret_ciphertext_len,
                   GError **error)
{
    gsize header_len = vault_record_header_len(frame->kind);
    gsize padded_len = vault_padded_len(frame->len, padding_floor(frame->kind));
    gsize ciphertext_len = vault_stream_ciphertext_len(padded_len);
    g_autofree guint8 *bytes = g_malloc(header_len + ciphertext_len);

    memset(frame->bytes + frame->len, 0, padded_len - frame->len);
    if (!seal_chunks(body, frame->kind, frame->bytes, padded_len, bytes + header_len, error))
        return NULL;
    body->reference.compressed_len = frame->len;
    *ret_ciphertext_len = ciphertext_len;
    return g_steal_pointer(&bytes);
}

void seal_body_finish(const VaultSealer *sealer, VaultSealedBody *body,
                      const VaultRecordHeader *header, const VaultLocator *locator, guint8 *bytes)
{
    gsize clear_len = vault_record_format_clear(header, sealer->locator_key, locator, bytes);

    body->record = seal_finish_record(header, locator, bytes, clear_len);
    body->reference.body_hash = body->record->hash;
}

static guint8 *compress_and_seal(VaultSealer *sealer, VaultSealedBody *body, const void *message,
                                 gsize len, gsize *ret_ciphertext_len, GError **error)
{
    SealCompressor *compressor = seal_compressor_take(sealer->compressors);
    SealFrame frame = {.kind = VAULT_RECORD_BODY};
    guint8 *bytes;

    frame.bytes = seal_compressor_compress(compressor, message, len,
                                           seal_padding_room(frame.kind, len), &frame.len);
    bytes = seal_frame(body, &frame, ret_ciphertext_len, error);
    seal_compressor_give_back(sealer->compressors, compressor);
    body->reference.message_len = len;
    return bytes;
}

VaultSealedBody *vault_seal_hashed_body(VaultSealer *sealer, const void *message, gsize len,
                                        const VaultHash *message_hash, const VaultLocator *locator,
                                        GError **error)
{
    g_autoptr(VaultSealedBody) body = seal_body_new();
    VaultRecordHeader header = {
        .kind = VAULT_RECORD_BODY,
        .suite = VAULT_SUITE_X25519,
        .record_id = body->reference.body_id,
    };
    gsize ciphertext_len;
    guint8 *bytes = compress_and_seal(sealer, body, message, len, &ciphertext_len, error);

    if (bytes == NULL)
        return NULL;
    header.ciphertext_len = ciphertext_len;
    vault_message_commitment(&body->reference.salt, message_hash, header.by_kind);
    seal_body_finish(sealer, body, &header, locator, bytes);
    return g_steal_pointer(&body);
}

VaultSealedBody *vault_seal_body(VaultSealer *sealer, const void *message, gsize len,
                                 const VaultLocator *locator, GError **error)
{
    VaultHash message_hash;

    vault_hash(message, len, &message_hash);
    return vault_seal_hashed_body(sealer, message, len, &message_hash, locator, error);
}
