#include "vault/seal/sealed_body.h"

#include "vault/base/bytes.h"

#define COMPRESSION_LEVEL_DEFAULT 3

VaultSealer *vault_sealer_new(const VaultSealerOptions *options)
{
    VaultSealer *sealer = g_new0(VaultSealer, 1);
    guint contexts_max = options->contexts_max > 0 ? options->contexts_max : g_get_num_processors();

    sealer->vault_id = options->vault_id;
    sealer->locator_key = vault_secret_new(sizeof *sealer->locator_key);
    *sealer->locator_key = *options->locator_key;
    sealer->compression_level =
        options->compression_level != 0 ? options->compression_level : COMPRESSION_LEVEL_DEFAULT;
    sealer->compressors = seal_compressor_pool_new(contexts_max, sealer->compression_level);
    return sealer;
}

void vault_sealer_free(VaultSealer *sealer)
{
    if (sealer == NULL)
        return;
    seal_compressor_pool_free(sealer->compressors);
    vault_secret_free(sealer->locator_key);
    g_free(sealer);
}

void vault_sealed_body_free(VaultSealedBody *body)
{
    if (body == NULL)
        return;
    g_clear_pointer(&body->record, vault_record_free);
    vault_wipe(body, sizeof *body);
    g_free(body);
}

const RecordId *vault_sealed_body_id(const VaultSealedBody *body)
{
    return &body->reference.body_id;
}

VaultRecord *vault_sealed_body_take_record(VaultSealedBody *body)
{
    g_assert(body->record != NULL);
    return g_steal_pointer(&body->record);
}

VaultSealedBody *seal_body_new(void)
{
    VaultSealedBody *body = g_new0(VaultSealedBody, 1);
    VaultBodyReference *reference = &body->reference;

    vault_random(reference->body_id.bytes, sizeof reference->body_id.bytes);
    vault_random(reference->key.bytes, sizeof reference->key.bytes);
    vault_random(reference->salt.bytes, sizeof reference->salt.bytes);
    vault_report_secret("body-key", reference->key.bytes, sizeof reference->key.bytes);
    vault_report_secret("body-salt", reference->salt.bytes, sizeof reference->salt.bytes);
    reference->compression = VAULT_COMPRESSION_ZSTD;
    return body;
}

gsize seal_body_format_header(const VaultSealer *sealer, const VaultSealedBody *body,
                              const VaultHash *message_hash, guint64 ciphertext_len,
                              const VaultLocator *locator, guint8 *ret_header)
{
    VaultRecordHeader header = {
        .kind = VAULT_RECORD_BODY,
        .suite = VAULT_SUITE_X25519,
        .record_id = body->reference.body_id,
        .ciphertext_len = ciphertext_len,
    };

    vault_message_commitment(&body->reference.salt, message_hash, header.by_kind);
    return vault_record_format_clear(&header, sealer->locator_key, locator, ret_header);
}

VaultRecord *seal_finish_record(const VaultRecordHeader *header, const VaultLocator *locator,
                                guint8 *bytes, gsize clear_len)
{
    VaultRecord *record = g_new0(VaultRecord, 1);
    gsize header_len = vault_record_header_len(header->kind);
    gsize ciphertext_len = (gsize)header->ciphertext_len;
    VaultHash ciphertext_hash;

    g_assert(header_len ==
             vault_record_format_crcs(bytes, clear_len,
                                      vault_crc32c(0, bytes + header_len, ciphertext_len)));
    vault_hash(bytes + header_len, ciphertext_len, &ciphertext_hash);
    vault_record_hash(bytes, header_len, &ciphertext_hash, &record->hash);
    record->kind = header->kind;
    record->record_id = header->record_id;
    record->locator = *locator;
    record->bytes = g_bytes_new_take(bytes, header_len + ciphertext_len);
    return record;
}
