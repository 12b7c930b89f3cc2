#include "vault/seal/sealed_body.h"

#include "vault/crypto/value.h"

typedef GByteArray SecretArray;
static void secret_array_free(SecretArray *array)
{
    vault_value_free(array);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SecretArray, secret_array_free)

static VaultLocator copy_locator(const VaultSealedBody *body, const VaultAllotment *allotment,
                                 guint64 received_s, guint32 flags)
{
    return (VaultLocator){
        .body_id = body->reference.body_id,
        .month_key_id = allotment->month_key_id,
        .leaf = allotment->leaf,
        .received_s = received_s,
        .flags = flags,
    };
}

/* Header and ciphertext in one allocation; `header` is what vault_content_seal_begin() filled. */
static VaultRecord *finish_copy(VaultSealer *sealer, const VaultRecordHeader *header,
                                const VaultLocator *locator, VaultHpkeContext *content_sealer,
                                const SecretArray *plaintext)
{
    gsize header_len = vault_record_header_len(VAULT_RECORD_COPY);
    guint8 *bytes = g_malloc(MAX(header_len + header->ciphertext_len, VAULT_RECORD_HEADER_LEN_MAX));
    gsize clear_len = vault_record_format_clear(header, sealer->locator_key, locator, bytes);
    VaultSpan clear = {bytes, clear_len};

    vault_content_seal_finish(content_sealer, &clear, plaintext->data, plaintext->len,
                              bytes + header_len);
    return seal_finish_record(header, locator, bytes, clear_len);
}

VaultRecord *vault_seal_copy(VaultSealer *sealer, const VaultSealedBody *body,
                             const VaultAllotment *allotment, guint64 received_s, guint32 flags,
                             const GByteArray *facts, GError **error)
{
    g_autoptr(SecretArray) plaintext =
        vault_copy_content_format(&body->reference, facts->data, facts->len, error);
    VaultContentContext context = {
        .vault_id = sealer->vault_id,
        .month_key_id = allotment->month_key_id,
        .leaf = allotment->leaf,
    };
    VaultRecordHeader header = {.kind = VAULT_RECORD_COPY, .suite = VAULT_SUITE_X25519};
    VaultLocator locator = copy_locator(body, allotment, received_s, flags);
    g_auto(VaultHpkeContext) content_sealer = {0};

    if (plaintext == NULL)
        return NULL;
    vault_random(header.record_id.bytes, sizeof header.record_id.bytes);
    header.ciphertext_len = plaintext->len + VAULT_HPKE_TAG_LEN;
    if (!vault_content_seal_begin(&allotment->content_key, &allotment->slot, &context,
                                  header.by_kind, &content_sealer, error))
        return NULL;
    return finish_copy(sealer, &header, &locator, &content_sealer, plaintext);
}
