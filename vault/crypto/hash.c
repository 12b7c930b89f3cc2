#include "vault/crypto/hash_internal.h"

#include "vault/base/bytes.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#define BLOCK_LEN 64

struct VaultHasher {
    EVP_MD_CTX *context; /* ready for the first byte of a hash, or in the middle of one */
};

/* Fetched once: a fetch by name for each hash would cost more than a short hash itself. */
static EVP_MD *sha256;

static gpointer init_libraries(gpointer unused)
{
    if (sodium_init() < 0)
        g_error("libsodium does not start");
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256 == NULL)
        g_error("OpenSSL has no SHA-256");
    return sha256;
}

void vault_crypto_init(void)
{
    static GOnce once = G_ONCE_INIT;

    g_once(&once, init_libraries, NULL);
}

static EVP_MD_CTX *context_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    g_assert(sha256 != NULL); /* vault_crypto_init() comes first */
    if (context == NULL || EVP_DigestInit_ex2(context, sha256, NULL) != 1)
        g_error("OpenSSL cannot start SHA-256");
    return context;
}

static void context_free(gpointer context)
{
    EVP_MD_CTX_free(context);
}

static EVP_MD_CTX *thread_context(void)
{
    static GPrivate key = G_PRIVATE_INIT(context_free);
    EVP_MD_CTX *context = g_private_get(&key);

    if (context == NULL) {
        context = context_new();
        g_private_set(&key, context);
    }
    return context;
}

static void update(EVP_MD_CTX *context, const void *bytes, gsize len)
{
    if (len > 0 && EVP_DigestUpdate(context, bytes, len) != 1)
        g_error("SHA-256 failed");
}

/* Begins anew at once: a finished context still holds its result, which may be a key. */
static void finish(EVP_MD_CTX *context, guint8 ret_hash[VAULT_HASH_LEN])
{
    if (EVP_DigestFinal_ex(context, ret_hash, NULL) != 1 ||
        EVP_DigestInit_ex2(context, NULL, NULL) != 1)
        g_error("SHA-256 failed");
}

VaultHasher *vault_hasher_new(void)
{
    VaultHasher *hasher = g_new0(VaultHasher, 1);

    hasher->context = context_new();
    return hasher;
}

void vault_hasher_free(VaultHasher *hasher)
{
    if (hasher == NULL)
        return;
    EVP_MD_CTX_free(hasher->context);
    g_free(hasher);
}

void vault_hasher_update(VaultHasher *hasher, const void *bytes, gsize len)
{
    update(hasher->context, bytes, len);
}

void vault_hasher_finish(VaultHasher *hasher, VaultHash *ret_hash)
{
    finish(hasher->context, ret_hash->bytes);
}

void vault_hash(const void *bytes, gsize len, VaultHash *ret_hash)
{
    vault_hash_spans(&(VaultSpan){bytes, len}, 1, ret_hash);
}

void vault_hash_spans(const VaultSpan *spans, gsize count, VaultHash *ret_hash)
{
    EVP_MD_CTX *context = thread_context();

    for (gsize i = 0; i < count; i++)
        update(context, spans[i].bytes, spans[i].len);
    finish(context, ret_hash->bytes);
}

/* HMAC is written out on the one hashing context because EVP_MAC keeps a copy of its last key and
 * takes three times as long for our short messages. */
void vault_hmac_spans(const VaultSpan *key, const VaultSpan *spans, gsize count,
                      guint8 ret_mac[VAULT_HASH_LEN])
{
    EVP_MD_CTX *context = thread_context();
    guint8 pad[BLOCK_LEN] = {0};

    if (key->len > BLOCK_LEN) {
        update(context, key->bytes, key->len);
        finish(context, pad);
    } else if (key->len > 0) {
        memcpy(pad, key->bytes, key->len);
    }
    for (gsize i = 0; i < BLOCK_LEN; i++)
        pad[i] ^= 0x36;
    update(context, pad, sizeof pad);
    for (gsize i = 0; i < count; i++)
        update(context, spans[i].bytes, spans[i].len);
    finish(context, ret_mac);
    for (gsize i = 0; i < BLOCK_LEN; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    update(context, pad, sizeof pad);
    update(context, ret_mac, VAULT_HASH_LEN);
    finish(context, ret_mac);
    vault_wipe(pad, sizeof pad);
}

void vault_hkdf_extract(const VaultSpan *salt, const VaultSpan *ikm, guint8 ret_prk[VAULT_HASH_LEN])
{
    vault_hmac_spans(salt, ikm, 1, ret_prk);
}

void vault_hkdf_expand_spans(const guint8 prk[VAULT_HASH_LEN], const VaultSpan *info, gsize count,
                             guint8 *ret, gsize ret_len)
{
    VaultSpan key = {prk, VAULT_HASH_LEN};
    guint8 block[VAULT_HASH_LEN];
    guint8 counter = 0;
    VaultSpan spans[VAULT_SPANS_MAX + 2] = {{block, 0}};

    g_assert(ret_len <= 255 * VAULT_HASH_LEN && count <= VAULT_SPANS_MAX);
    if (count > 0)
        memcpy(&spans[1], info, count * sizeof *info);
    spans[count + 1] = (VaultSpan){&counter, sizeof counter};
    while (ret_len > 0) {
        gsize len = MIN(ret_len, sizeof block);

        counter++;
        vault_hmac_spans(&key, spans, count + 2, block);
        memcpy(ret, block, len);
        spans[0].len = sizeof block;
        ret += len;
        ret_len -= len;
    }
    vault_wipe(block, sizeof block);
}

void vault_hkdf_expand(const guint8 prk[VAULT_HASH_LEN], const VaultSpan *info, guint8 *ret,
                       gsize ret_len)
{
    vault_hkdf_expand_spans(prk, info, 1, ret, ret_len);
}

void vault_hkdf(const VaultSpan *salt, const VaultSpan *ikm, const VaultSpan *info, guint8 *ret,
                gsize ret_len)
{
    guint8 prk[VAULT_HASH_LEN];

    vault_hkdf_extract(salt, ikm, prk);
    vault_hkdf_expand(prk, info, ret, ret_len);
    vault_wipe(prk, sizeof prk);
}

void vault_delivery_tag(const DayKey *key, const char *label, const VaultSpan *spans, gsize count,
                        DeliveryTag *ret_tag)
{
    crypto_generichash_state state;
    guint8 mac[crypto_generichash_BYTES];

    crypto_generichash_init(&state, key->bytes, sizeof key->bytes, sizeof mac);
    crypto_generichash_update(&state, (const guint8 *)label, strlen(label) + 1);
    for (gsize i = 0; i < count; i++) {
        guint8 len[8];

        vault_bytes_put_u64(len, spans[i].len);
        crypto_generichash_update(&state, len, sizeof len);
        crypto_generichash_update(&state, spans[i].bytes, spans[i].len);
    }
    crypto_generichash_final(&state, mac, sizeof mac);
    memcpy(ret_tag->bytes, mac, sizeof ret_tag->bytes);
    vault_wipe(&state, sizeof state);
}

gboolean vault_hash_equal(const VaultHash *a, const VaultHash *b)
{
    return sodium_memcmp(a->bytes, b->bytes, VAULT_HASH_LEN) == 0;
}
