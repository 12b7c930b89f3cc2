/* HMAC-SHA256 and HKDF-Expand over several spans, for the constructions inside this folder only:
 * labels and contexts are hashed where they lie, without being joined first. Sources: RFC 2104,
 * RFC 5869. Threads: safe; each thread has one hashing context of its own.
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_SPANS_MAX 8

#define VAULT_SPAN(array) ((VaultSpan){(array), sizeof(array)})
#define VAULT_SPAN_TEXT(literal) ((VaultSpan){(literal), sizeof(literal) - 1})

/* A key longer than 64 bytes is hashed first, as RFC 2104 says. */
void vault_hmac_spans(const VaultSpan *key, const VaultSpan *spans, gsize count,
                      guint8 ret_mac[VAULT_HASH_LEN]);

/* `count` at most VAULT_SPANS_MAX, ret_len at most 255 * 32 (both asserted). */
void vault_hkdf_expand_spans(const guint8 prk[VAULT_HASH_LEN], const VaultSpan *info, gsize count,
                             guint8 *ret, gsize ret_len);
