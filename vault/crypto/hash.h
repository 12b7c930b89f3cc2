/* SHA-256, HKDF-SHA256 and keyed BLAKE2b as the formats use them.
 * Sources: FIPS 180-4, RFC 5869, RFC 7693. Threads: objects are not shared, functions are safe.
 * vault_crypto_init() comes before all of them.
 */
#pragma once

#include "vault/crypto/keys.h"

#define VAULT_HASH_LEN 32

typedef struct {
    guint8 bytes[VAULT_HASH_LEN];
} VaultHash;

typedef struct VaultHasher VaultHasher;
VaultHasher *vault_hasher_new(void);
void vault_hasher_update(VaultHasher *hasher, const void *bytes, gsize len);
/* Gives the hash of all so far and starts again from nothing. */
void vault_hasher_finish(VaultHasher *hasher, VaultHash *ret_hash);
void vault_hasher_free(VaultHasher *hasher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultHasher, vault_hasher_free)

void vault_hash(const void *bytes, gsize len, VaultHash *ret_hash);

/* In a time that says nothing of where they differ. */
gboolean vault_hash_equal(const VaultHash *a, const VaultHash *b);

typedef struct {
    const void *bytes;
    gsize len;
} VaultSpan;

/* SHA-256 over the spans, one after the other. */
void vault_hash_spans(const VaultSpan *spans, gsize count, VaultHash *ret_hash);

/* HKDF-SHA256 extract and expand; `salt` may be empty. ret_len at most 255 * 32 (asserted). */
void vault_hkdf(const VaultSpan *salt, const VaultSpan *ikm, const VaultSpan *info, guint8 *ret,
                gsize ret_len);
void vault_hkdf_extract(const VaultSpan *salt, const VaultSpan *ikm, guint8 ret_prk[32]);
void vault_hkdf_expand(const guint8 prk[32], const VaultSpan *info, guint8 *ret, gsize ret_len);

/* Retry and repeat tags: first 16 bytes of BLAKE2b-256(key = day key, label || 0 || for each span:
 * u64 length || bytes), so that no two lists of spans are the same input. */
#define VAULT_TAG_LEN 16
typedef struct {
    guint8 bytes[VAULT_TAG_LEN];
} DeliveryTag;
void vault_delivery_tag(const DayKey *key, const char *label, const VaultSpan *spans, gsize count,
                        DeliveryTag *ret_tag);
