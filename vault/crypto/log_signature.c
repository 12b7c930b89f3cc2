#include "vault/crypto/log_signature.h"

#include <sodium.h>

void vault_log_verify_key(const LogSigningKey *key, LogVerifyKey *ret_verify)
{
    crypto_sign_ed25519_sk_to_pk(ret_verify->bytes, key->bytes);
}

void vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                    VaultSignature *ret_signature)
{
    crypto_sign_detached(ret_signature->bytes, NULL, text, len, key->bytes);
}

gboolean vault_log_verify(const LogVerifyKey *key, const void *text, gsize len,
                          const VaultSignature *signature)
{
    return crypto_sign_verify_detached(signature->bytes, text, len, key->bytes) == 0;
}

void vault_witness_key_create(WitnessSigningKey *ret_signing, WitnessVerifyKey *ret_verify)
{
    crypto_sign_keypair(ret_verify->bytes, ret_signing->bytes);
    vault_report_secret("witness-signing-seed", ret_signing->bytes, VAULT_KEY_LEN);
}

void vault_witness_verify_key(const WitnessSigningKey *key, WitnessVerifyKey *ret_verify)
{
    crypto_sign_ed25519_sk_to_pk(ret_verify->bytes, key->bytes);
}

void vault_witness_sign(const WitnessSigningKey *key, const void *text, gsize len,
                        VaultSignature *ret_signature)
{
    crypto_sign_detached(ret_signature->bytes, NULL, text, len, key->bytes);
}

gboolean vault_witness_verify(const WitnessVerifyKey *key, const void *text, gsize len,
                              const VaultSignature *signature)
{
    return crypto_sign_verify_detached(signature->bytes, text, len, key->bytes) == 0;
}
