#include "vault/crypto/hpke.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/hpke_internal.h"

#include <sodium.h>

#define MODE_BASE 0
#define MODE_PSK 1
#define PSK_LEN_MIN 32 /* RFC 9180 section 9.5 */

/* What the libraries below us may leave of a secret on the stack lies within this. */
#define STACK_LEN 4096

static const guint8 kem_suite[] = {'K', 'E', 'M', 0x00, 0x20};
static const guint8 hpke_suite[] = {'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x03};
static const VaultSpan empty = {"", 0};

static void labeled_extract(VaultSpan suite, VaultSpan salt, const char *label, VaultSpan ikm,
                            guint8 ret_prk[VAULT_HASH_LEN])
{
    VaultSpan spans[] = {VAULT_SPAN_TEXT("HPKE-v1"), suite, {label, strlen(label)}, ikm};

    vault_hmac_spans(&salt, spans, G_N_ELEMENTS(spans), ret_prk);
}

static void labeled_expand(VaultSpan suite, const guint8 prk[VAULT_HASH_LEN], const char *label,
                           VaultSpan context, guint8 *ret, gsize ret_len)
{
    guint8 len[2];
    VaultSpan spans[] = {
        VAULT_SPAN(len), VAULT_SPAN_TEXT("HPKE-v1"), suite, {label, strlen(label)}, context};

    vault_bytes_put_u16(len, (guint16)ret_len);
    vault_hkdf_expand_spans(prk, spans, G_N_ELEMENTS(spans), ret, ret_len);
}

/* RFC 9180 section 4.1, ExtractAndExpand. */
static void derive_shared_secret(const guint8 dh[32], const guint8 enc[32],
                                 const guint8 public_key[32], guint8 ret_shared_secret[32])
{
    guint8 prk[VAULT_HASH_LEN];
    guint8 kem_context[64];

    memcpy(kem_context, enc, 32);
    memcpy(kem_context + 32, public_key, 32);
    labeled_extract(VAULT_SPAN(kem_suite), empty, "eae_prk", (VaultSpan){dh, 32}, prk);
    labeled_expand(VAULT_SPAN(kem_suite), prk, "shared_secret", VAULT_SPAN(kem_context),
                   ret_shared_secret, 32);
    vault_wipe(prk, sizeof prk);
}

/* RFC 9180 section 5.1. */
static void schedule_keys(const guint8 shared_secret[32], const VaultHpkeParameters *parameters,
                          VaultHpkeContext *ret_context)
{
    VaultSpan suite = VAULT_SPAN(hpke_suite);
    guint8 context[1 + 2 * VAULT_HASH_LEN];
    guint8 secret[VAULT_HASH_LEN];

    g_assert((parameters->psk.len == 0) == (parameters->psk_id.len == 0));
    g_assert(parameters->psk.len == 0 || parameters->psk.len >= PSK_LEN_MIN);
    context[0] = (parameters->psk.len == 0) ? MODE_BASE : MODE_PSK;
    labeled_extract(suite, empty, "psk_id_hash", parameters->psk_id, context + 1);
    labeled_extract(suite, empty, "info_hash", parameters->info, context + 1 + VAULT_HASH_LEN);
    labeled_extract(suite, (VaultSpan){shared_secret, 32}, "secret", parameters->psk, secret);
    labeled_expand(suite, secret, "key", VAULT_SPAN(context), ret_context->key,
                   sizeof ret_context->key);
    labeled_expand(suite, secret, "base_nonce", VAULT_SPAN(context), ret_context->base_nonce,
                   sizeof ret_context->base_nonce);
    labeled_expand(suite, secret, "exp", VAULT_SPAN(context), ret_context->exporter_secret,
                   sizeof ret_context->exporter_secret);
    vault_wipe(secret, sizeof secret);
}

gboolean vault_hpke_setup_sender_with_ephemeral(const guint8 ephemeral_secret_key[32],
                                                const guint8 public_key[32],
                                                const VaultHpkeParameters *parameters,
                                                guint8 ret_enc[VAULT_HPKE_ENC_LEN],
                                                VaultHpkeContext *ret_context, GError **error)
{
    guint8 dh[32];
    guint8 shared_secret[32];

    crypto_scalarmult_base(ret_enc, ephemeral_secret_key);
    /* Fails exactly when the result is all zeros, which a key of small order forces. */
    if (crypto_scalarmult(dh, ephemeral_secret_key, public_key) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "nothing is sealed to this public key: it is of small order");
        return FALSE;
    }
    derive_shared_secret(dh, ret_enc, public_key, shared_secret);
    schedule_keys(shared_secret, parameters, ret_context);
    vault_wipe(dh, sizeof dh);
    vault_wipe(shared_secret, sizeof shared_secret);
    return TRUE;
}

gboolean vault_hpke_setup_sender(const guint8 public_key[32], const VaultHpkeParameters *parameters,
                                 guint8 ret_enc[VAULT_HPKE_ENC_LEN], VaultHpkeContext *ret_context,
                                 GError **error)
{
    guint8 ephemeral[32];
    gboolean done;

    vault_random(ephemeral, sizeof ephemeral);
    vault_report_secret("ephemeral", ephemeral, sizeof ephemeral);
    done = vault_hpke_setup_sender_with_ephemeral(ephemeral, public_key, parameters, ret_enc,
                                                  ret_context, error);
    vault_wipe(ephemeral, sizeof ephemeral);
    sodium_stackzero(STACK_LEN);
    return done;
}

static gboolean set_does_not_open(GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "it does not open: the key is not the one it was sealed to, or it was changed");
    return FALSE;
}

gboolean vault_hpke_setup_receiver(const guint8 enc[VAULT_HPKE_ENC_LEN],
                                   const guint8 secret_key[32], const guint8 public_key[32],
                                   const VaultHpkeParameters *parameters,
                                   VaultHpkeContext *ret_context, GError **error)
{
    guint8 dh[32];
    guint8 shared_secret[32];

    if (crypto_scalarmult(dh, secret_key, enc) != 0)
        return set_does_not_open(error);
    derive_shared_secret(dh, enc, public_key, shared_secret);
    schedule_keys(shared_secret, parameters, ret_context);
    vault_wipe(dh, sizeof dh);
    vault_wipe(shared_secret, sizeof shared_secret);
    sodium_stackzero(STACK_LEN);
    return TRUE;
}

void vault_hpke_seal(const VaultHpkeContext *context, const VaultSpan *aad, const void *plaintext,
                     gsize plaintext_len, guint8 *ret_ciphertext)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(ret_ciphertext, NULL, plaintext, plaintext_len,
                                              aad->bytes, aad->len, NULL, context->base_nonce,
                                              context->key);
}

gboolean vault_hpke_open(const VaultHpkeContext *context, const VaultSpan *aad,
                         const void *ciphertext, gsize ciphertext_len, guint8 *ret_plaintext,
                         GError **error)
{
    if (crypto_aead_chacha20poly1305_ietf_decrypt(ret_plaintext, NULL, NULL, ciphertext,
                                                  ciphertext_len, aad->bytes, aad->len,
                                                  context->base_nonce, context->key) != 0)
        return set_does_not_open(error);
    return TRUE;
}

void vault_hpke_export(const VaultHpkeContext *context, const VaultSpan *exporter_context,
                       guint8 *ret, gsize ret_len)
{
    labeled_expand(VAULT_SPAN(hpke_suite), context->exporter_secret, "sec", *exporter_context, ret,
                   ret_len);
}

void vault_hpke_derive_key_pair(const guint8 *ikm, gsize ikm_len, guint8 ret_secret_key[32],
                                guint8 ret_public_key[32])
{
    guint8 prk[VAULT_HASH_LEN];

    labeled_extract(VAULT_SPAN(kem_suite), empty, "dkp_prk", (VaultSpan){ikm, ikm_len}, prk);
    labeled_expand(VAULT_SPAN(kem_suite), prk, "sk", empty, ret_secret_key, 32);
    crypto_scalarmult_base(ret_public_key, ret_secret_key);
    vault_wipe(prk, sizeof prk);
    sodium_stackzero(STACK_LEN);
}
