/* ssh-keygen as the judge and the maker of SSH signatures: it knows every kind of key, and agents
 * and tokens speak with it. Nothing is written to a file: text, key and signature go through
 * memfds. Errors: IO (ssh-keygen is not installed, or could not be run), REFUSED (it did not sign).
 * Threads: safe. Source: docs/decisions/0009-ssh-keygen.md.
 */
#pragma once

#include "vault/act/ssh_text.h"

/* A VaultSshVerify; `user` is not used. */
gboolean vault_ssh_keygen_verify(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                                 GError **error);
/* Signs with a private key file, or with a public one whose private half is in the agent; it may
 * ask for a passphrase, a PIN or a touch on the terminal. */
GBytes *vault_ssh_keygen_sign(const char *key_path, const char *ssh_namespace, const void *text,
                              gsize len, GError **error);
