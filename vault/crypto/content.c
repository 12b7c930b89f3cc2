#include "vault/crypto/content.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"

#include <sodium.h>

#define LABEL "muniment content"
#define LABEL_LEN (sizeof(LABEL) - 1)
#define INFO_LEN (LABEL_LEN + 2 + 2 * VAULT_ID_LEN)
#define PSK_ID_LEN (VAULT_ID_LEN + 4)

/* What a sealed copy is tied to, as HPKE takes it; all of fixed width. */
typedef struct {
    guint8 info[INFO_LEN];
    guint8 psk_id[PSK_ID_LEN];
} Binding;

static VaultHpkeParameters bind_context(const VaultContentContext *context, const ContentSlot *slot,
                                        Binding *ret_binding)
{
    guint8 *at = ret_binding->info;

    memcpy(at, LABEL, LABEL_LEN);
    vault_bytes_put_u16(at + LABEL_LEN, VAULT_SUITE_X25519);
    memcpy(at + LABEL_LEN + 2, context->vault_id.bytes, VAULT_ID_LEN);
    memcpy(at + LABEL_LEN + 2 + VAULT_ID_LEN, context->month_key_id.bytes, VAULT_ID_LEN);
    memcpy(ret_binding->psk_id, context->month_key_id.bytes, VAULT_ID_LEN);
    vault_bytes_put_u32(ret_binding->psk_id + VAULT_ID_LEN, context->leaf);
    return (VaultHpkeParameters){.info = VAULT_SPAN(ret_binding->info),
                                 .psk = VAULT_SPAN(slot->bytes),
                                 .psk_id = VAULT_SPAN(ret_binding->psk_id)};
}

gboolean vault_content_seal_begin(const ContentPublicKey *key, const ContentSlot *slot,
                                  const VaultContentContext *context,
                                  guint8 ret_enc[VAULT_HPKE_ENC_LEN], VaultHpkeContext *ret_sealer,
                                  GError **error)
{
    Binding binding;
    VaultHpkeParameters parameters = bind_context(context, slot, &binding);

    return vault_hpke_setup_sender(key->bytes, &parameters, ret_enc, ret_sealer, error);
}

void vault_content_seal_finish(VaultHpkeContext *sealer, const VaultSpan *header,
                               const void *plaintext, gsize plaintext_len, guint8 *ret_ciphertext)
{
    vault_hpke_seal(sealer, header, plaintext, plaintext_len, ret_ciphertext);
    /* A second message under the same nonce would open both: the context serves once. */
    vault_hpke_context_wipe(sealer);
}

gboolean vault_content_open(const ContentSecretKey *key, const ContentPublicKey *public_key,
                            const ContentSlot *slot, const VaultContentContext *context,
                            const guint8 enc[VAULT_HPKE_ENC_LEN], const VaultSpan *header,
                            const void *ciphertext, gsize ciphertext_len, guint8 *ret_plaintext,
                            GError **error)
{
    Binding binding;
    VaultHpkeParameters parameters = bind_context(context, slot, &binding);
    g_auto(VaultHpkeContext) opener = {0};

    return vault_hpke_setup_receiver(enc, key->bytes, public_key->bytes, &parameters, &opener,
                                     error) &&
           vault_hpke_open(&opener, header, ciphertext, ciphertext_len, ret_plaintext, error);
}

void vault_content_public_key(const ContentSecretKey *key, ContentPublicKey *ret_public_key)
{
    crypto_scalarmult_base(ret_public_key->bytes, key->bytes);
}
