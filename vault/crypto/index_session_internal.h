/* A session with an ephemeral key of the caller's choice: for the vectors only. A repeated one
 * destroys the secrecy of what is sealed. */
#pragma once

#include "vault/crypto/index_session.h"

gboolean vault_index_session_begin_with_ephemeral(const guint8 ephemeral_secret_key[VAULT_KEY_LEN],
                                                  const IndexPublicKey *key,
                                                  const VaultIndexContext *context,
                                                  VaultIndexSession *ret_session, GError **error);
