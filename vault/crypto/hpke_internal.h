/* The sender with an ephemeral key of the caller's choice: for RFC 9180's vectors and the golden
 * files only. A repeated ephemeral key destroys the secrecy of what is sealed; nothing but tests
 * includes this header besides hpke.c.
 */
#pragma once

#include "vault/crypto/hpke.h"

gboolean vault_hpke_setup_sender_with_ephemeral(const guint8 ephemeral_secret_key[32],
                                                const guint8 public_key[32],
                                                const VaultHpkeParameters *parameters,
                                                guint8 ret_enc[VAULT_HPKE_ENC_LEN],
                                                VaultHpkeContext *ret_context, GError **error);
