/* OpenSSH public keys and signatures as far as their form goes: what is stored in a policy and in
 * an approval. Says nothing about whether a signature is good: that is VaultSshVerify's.
 *
 * A public key is the text "TYPE BASE64" in one canonical form. A signature is the SSHSIG blob,
 * that which "ssh-keygen -Y sign" writes between its two armour lines. Pure functions. Errors:
 * MALFORMED, UNSUPPORTED (a type of key or version of signature that is not known here). Source:
 * OpenSSH PROTOCOL.sshsig, RFC 4253 section 6.6.
 */
#pragma once

#include <glib.h>

#define VAULT_SSH_KEY_LEN_MAX 6144       /* of the text */
#define VAULT_SSH_SIGNATURE_LEN_MAX 8192 /* of the blob */
#define VAULT_SSH_SIGNATURE_TEXT_LEN_MAX (4 * ((VAULT_SSH_SIGNATURE_LEN_MAX + 2) / 3))

/* Checks type and base64 of a key and that the blob is of that type. */
gboolean vault_ssh_key_check(const char *type, const char *base64, GError **error);

/* Standard base64 in its one form (padding, no spaces); NULL (MALFORMED) for another. */
GBytes *vault_ssh_base64_parse(const char *text, gsize len_max, GError **error);

/* Is this a signature for the namespace, by the key? */
gboolean vault_ssh_signature_check(GBytes *signature, const char *ssh_namespace,
                                   const char *ssh_key, GError **error);

/* The text that ssh-keygen reads and writes. */
char *vault_ssh_signature_armor(GBytes *signature);
GBytes *vault_ssh_signature_dearmor(const char *text, GError **error);

/* Is the signature over the text good? FALSE with an error when that could not be found out. */
typedef struct {
    const char *ssh_namespace;
    const char *ssh_key;
    const void *text;
    gsize len;
    GBytes *signature;
} VaultSshClaim;
typedef gboolean (*VaultSshVerify)(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                                   GError **error);
