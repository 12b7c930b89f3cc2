/* Sealing to a mailbox-month: HPKE mode_psk, recipient = the month's content key, psk = the content
 * slot of the copy's leaf, psk_id = month key id || leaf, info = label || suite || vault id ||
 * month key id. Used for copy records and addenda.
 *
 * Sealing is in two steps because the encapsulation is part of the header, and the header is the
 * AAD. Errors: NO_KEY when key, slot, context or header do not fit the ciphertext. Source:
 * docs/formats/keys.md, section "Content".
 */
#pragma once

#include "vault/crypto/hpke.h"

typedef struct {
    VaultId vault_id;
    MonthKeyId month_key_id;
    guint32 leaf;
} VaultContentContext;

gboolean vault_content_seal_begin(const ContentPublicKey *key, const ContentSlot *slot,
                                  const VaultContentContext *context,
                                  guint8 ret_enc[VAULT_HPKE_ENC_LEN], VaultHpkeContext *ret_sealer,
                                  GError **error);
/* ret_ciphertext has plaintext_len + 16 bytes. */
void vault_content_seal_finish(VaultHpkeContext *sealer, const VaultSpan *header,
                               const void *plaintext, gsize plaintext_len, guint8 *ret_ciphertext);

gboolean vault_content_open(const ContentSecretKey *key, const ContentPublicKey *public_key,
                            const ContentSlot *slot, const VaultContentContext *context,
                            const guint8 enc[VAULT_HPKE_ENC_LEN], const VaultSpan *header,
                            const void *ciphertext, gsize ciphertext_len, guint8 *ret_plaintext,
                            GError **error);
/* The public half, computed once per granted key. */
void vault_content_public_key(const ContentSecretKey *key, ContentPublicKey *ret_public_key);
