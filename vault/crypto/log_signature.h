/* Plain Ed25519 signatures (RFC 8032), as signed notes want them: no label of ours goes before the
 * text. What keeps uses apart is the key: one of a log signs checkpoints only, one of a witness
 * cosignatures only, and their key ids differ by type (docs/formats/log.md).
 * vault_log_key_create() is in key_files.h. Verification refuses keys and points of small order.
 * Threads: safe.
 */
#pragma once

#include "vault/crypto/keys.h"

/* The public half of a signing key. */
void vault_log_verify_key(const LogSigningKey *key, LogVerifyKey *ret_verify);
void vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                    VaultSignature *ret_signature);
gboolean vault_log_verify(const LogVerifyKey *key, const void *text, gsize len,
                          const VaultSignature *signature);

void vault_witness_key_create(WitnessSigningKey *ret_signing, WitnessVerifyKey *ret_verify);
void vault_witness_verify_key(const WitnessSigningKey *key, WitnessVerifyKey *ret_verify);
void vault_witness_sign(const WitnessSigningKey *key, const void *text, gsize len,
                        VaultSignature *ret_signature);
gboolean vault_witness_verify(const WitnessVerifyKey *key, const void *text, gsize len,
                              const VaultSignature *signature);
