#include "vault/seal/sealed_body.h"

#include "vault/base/bytes.h"
#include "vault/crypto/stream.h"

#include <string.h>

static VaultRecord *body_record(VaultSealedBody *body, GBytes *bytes, const VaultLocator *locator)
{
    VaultRecord *record = g_new0(VaultRecord, 1);

    record->bytes = bytes;
    record->kind = VAULT_RECORD_BODY;
    record->record_id = body->reference.body_id;
    record->hash = body->reference.body_hash;
    record->locator = *locator;
    return record;
}

/* Commitment, then the chunks. */
static gboolean seal_chunks(const VaultSealedBody *body, const guint8 *plaintext, gsize len,
                            guint8 *ret_ciphertext, GError **error)
{
    VaultStreamParameters parameters = {
        .key = &body->reference.key,
        .record_id = body->reference.body_id,
        .suite = VAULT_SUITE_X25519,
        .kind = VAULT_RECORD_BODY,
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

/* Seals from the compressor's output straight to the record's place behind its header: one
 * allocation of exactly the record's size, no copy. */
static guint8 *seal_record(VaultSealedBody *body, const guint8 *padded, gsize padded_len,
                           gsize header_len, gsize *ret_ciphertext_len, GError **error)
{
    gsize ciphertext_len = vault_stream_ciphertext_len(padded_len);
    g_autofree guint8 *bytes = g_malloc(header_len + ciphertext_len);

    if (!seal_chunks(body, padded, padded_len, bytes + header_len, error))
        return NULL;
    *ret_ciphertext_len = ciphertext_len;
    return g_steal_pointer(&bytes);
}

static guint8 *compress_and_seal(VaultSealer *sealer, VaultSealedBody *body, const void *message,
                                 gsize len, gsize *ret_ciphertext_len, GError **error)
{
    gsize header_len = vault_record_header_len(VAULT_RECORD_BODY);
    SealCompressor *compressor = seal_compressor_take(sealer->compressors);
    /* Padding adds less than 12 % above the floor. */
    gsize room = VAULT_BODY_PADDING_FLOOR + len / 8 + 64;
    gsize compressed_len, padded_len;
    guint8 *padded, *bytes;

    padded = seal_compressor_compress(compressor, message, len, room, &compressed_len);
    padded_len = vault_padded_len(compressed_len, VAULT_BODY_PADDING_FLOOR);
    g_assert(padded_len - compressed_len <= room);
    memset(padded + compressed_len, 0, padded_len - compressed_len);
    bytes = seal_record(body, padded, padded_len, header_len, ret_ciphertext_len, error);
    seal_compressor_give_back(sealer->compressors, compressor);
    body->reference.message_len = len;
    body->reference.compressed_len = compressed_len;
    return bytes;
}

VaultSealedBody *vault_seal_hashed_body(VaultSealer *sealer, const void *message, gsize len,
                                        const VaultHash *message_hash, const VaultLocator *locator,
                                        GError **error)
{
    g_autoptr(VaultSealedBody) body = seal_body_new();
    gsize header_len = vault_record_header_len(VAULT_RECORD_BODY);
    gsize ciphertext_len, clear_len;
    VaultHash ciphertext_hash;
    guint8 header[VAULT_RECORD_HEADER_LEN_MAX];
    guint8 *bytes = compress_and_seal(sealer, body, message, len, &ciphertext_len, error);

    if (bytes == NULL)
        return NULL;
    clear_len =
        seal_body_format_header(sealer, body, message_hash, ciphertext_len, locator, header);
    g_assert(header_len ==
             vault_record_format_crcs(header, clear_len,
                                      vault_crc32c(0, bytes + header_len, ciphertext_len)));
    memcpy(bytes, header, header_len);
    vault_hash(bytes + header_len, ciphertext_len, &ciphertext_hash);
    vault_record_hash(bytes, header_len, &ciphertext_hash, &body->reference.body_hash);
    body->record = body_record(body, g_bytes_new_take(bytes, header_len + ciphertext_len), locator);
    return g_steal_pointer(&body);
}

VaultSealedBody *vault_seal_body(VaultSealer *sealer, const void *message, gsize len,
                                 const VaultLocator *locator, GError **error)
{
    VaultHash message_hash;

    vault_hash(message, len, &message_hash);
    return vault_seal_hashed_body(sealer, message, len, &message_hash, locator, error);
}
