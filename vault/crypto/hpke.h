/* RFC 9180 HPKE, suite 0x0001, single-shot, modes base and psk. Small on purpose: sender and
 * receiver contexts that seal or open exactly one message (sequence number 0), and the exporter.
 *
 * This is the raw construction on untyped bytes; callers outside vault/crypto use the typed fronts
 * content.h (psk), month.h and key_files.h (base). Proved with the RFC's vectors (appendix A.2).
 * Errors: REFUSED when a sender is given a public key of small order; NO_KEY when a ciphertext does
 * not open, also for an encapsulation of small order. A psk has at least 32 bytes (asserted).
 * Threads: functions are safe, a context has one user.
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_HPKE_ENC_LEN 32
#define VAULT_HPKE_TAG_LEN 16

typedef struct {
    VaultSpan info;
    VaultSpan psk;    /* empty: mode base */
    VaultSpan psk_id; /* empty exactly when psk is */
} VaultHpkeParameters;

typedef struct {
    guint8 key[32];
    guint8 base_nonce[12];
    guint8 exporter_secret[32];
} VaultHpkeContext;
VAULT_DECLARE_WIPE(VaultHpkeContext, vault_hpke_context)

/* Sender: makes a fresh ephemeral key, wiped before the return. */
gboolean vault_hpke_setup_sender(const guint8 public_key[32], const VaultHpkeParameters *parameters,
                                 guint8 ret_enc[VAULT_HPKE_ENC_LEN], VaultHpkeContext *ret_context,
                                 GError **error);
/* Receiver. `public_key` is the receiver's own (saves one multiplication). */
gboolean vault_hpke_setup_receiver(const guint8 enc[VAULT_HPKE_ENC_LEN],
                                   const guint8 secret_key[32], const guint8 public_key[32],
                                   const VaultHpkeParameters *parameters,
                                   VaultHpkeContext *ret_context, GError **error);
/* Once per context. ret_ciphertext has plaintext_len + 16 bytes. */
void vault_hpke_seal(const VaultHpkeContext *context, const VaultSpan *aad, const void *plaintext,
                     gsize plaintext_len, guint8 *ret_ciphertext);
/* ret_plaintext has ciphertext_len - 16 bytes. */
gboolean vault_hpke_open(const VaultHpkeContext *context, const VaultSpan *aad,
                         const void *ciphertext, gsize ciphertext_len, guint8 *ret_plaintext,
                         GError **error);
void vault_hpke_export(const VaultHpkeContext *context, const VaultSpan *exporter_context,
                       guint8 *ret, gsize ret_len);

/* RFC 9180 section 7.1.3 DeriveKeyPair for X25519. */
void vault_hpke_derive_key_pair(const guint8 *ikm, gsize ikm_len, guint8 ret_secret_key[32],
                                guint8 ret_public_key[32]);
