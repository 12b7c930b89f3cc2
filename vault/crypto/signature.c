#include "vault/crypto/key_files.h"

#include <sodium.h>

#define PREFIX "muniment "

/* "muniment <purpose>\0" || text: no purpose holds a NUL, so that none is the begin of another. */
static GByteArray *purpose_and_text(const char *purpose, const void *text, gsize len)
{
    GByteArray *message = g_byte_array_sized_new((guint)(sizeof(PREFIX) + strlen(purpose) + len));

    g_byte_array_append(message, (const guint8 *)PREFIX, sizeof(PREFIX) - 1);
    g_byte_array_append(message, (const guint8 *)purpose, (guint)strlen(purpose) + 1);
    if (len > 0)
        g_byte_array_append(message, text, (guint)len);
    return message;
}

void vault_master_sign(const MasterSigningKey *key, const char *purpose, const void *text,
                       gsize len, VaultSignature *ret_signature)
{
    g_autoptr(GByteArray) message = purpose_and_text(purpose, text, len);

    crypto_sign_detached(ret_signature->bytes, NULL, message->data, message->len, key->bytes);
}

gboolean vault_master_verify(const MasterVerifyKey *key, const char *purpose, const void *text,
                             gsize len, const VaultSignature *signature)
{
    g_autoptr(GByteArray) message = purpose_and_text(purpose, text, len);

    return crypto_sign_verify_detached(signature->bytes, message->data, message->len, key->bytes) ==
           0;
}

void vault_log_key_create(LogSigningKey *ret_signing, LogVerifyKey *ret_verify)
{
    crypto_sign_keypair(ret_verify->bytes, ret_signing->bytes);
    vault_report_secret("log-signing-seed", ret_signing->bytes, VAULT_KEY_LEN);
}
