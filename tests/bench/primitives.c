/* What the libraries alone cost for these messages: the floor that the daemon's CPU is compared
 * with. Calls libsodium, OpenSSL and zstd directly, never the project's own code. Prints one line
 * of JSON, milliseconds of CPU a message. */
#include "tests/bench/load_messages.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <sodium.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

static gdouble cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (gdouble)now.tv_sec * 1e3 + (gdouble)now.tv_nsec / 1e6;
}

static void hash(const EVP_MD *md, EVP_MD_CTX *ctx, const void *bytes, gsize len)
{
    unsigned char digest[32];

    EVP_DigestInit_ex2(ctx, md, NULL);
    EVP_DigestUpdate(ctx, bytes, len);
    EVP_DigestFinal_ex(ctx, digest, NULL);
}

static void hkdf(EVP_KDF *kdf, unsigned char *key, unsigned char *salt, unsigned char *out,
                 size_t out_len)
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string("digest", (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string("key", key, 32),
        OSSL_PARAM_construct_octet_string("salt", salt, 32),
        OSSL_PARAM_construct_octet_string("info", salt, 32),
        OSSL_PARAM_construct_end(),
    };

    if (EVP_KDF_derive(ctx, out, out_len, parameters) != 1)
        g_error("HKDF failed");
    EVP_KDF_CTX_free(ctx);
}

/* RFC 9180: two scalar multiplications, and the HMACs of KEM and key schedule through OpenSSL's
 * HKDF. */
static void encapsulate(EVP_KDF *kdf, unsigned char *their_public)
{
    unsigned char secret[32], public[32], shared[32], key[32];

    randombytes_buf(secret, sizeof secret);
    crypto_scalarmult_base(public, secret);
    if (crypto_scalarmult(shared, secret, their_public) != 0)
        g_error("small order key");
    /* Extract and expand: of the shared secret, then of secret, key and nonce. */
    for (int i = 0; i < 3; i++)
        hkdf(kdf, shared, public, key, sizeof key);
}

/* What a delivery calls beside that: the body's keys, the copy record (AEAD and hash, 300 bytes),
 * two locators (XChaCha20), slot and tags (keyed BLAKE2b). */
static void small_parts(EVP_KDF *kdf, const EVP_MD *md, EVP_MD_CTX *ctx, unsigned char *key)
{
    unsigned char out[71], record[512] = {0}, locator[128], tag[64], nonce[24] = {0};
    unsigned long long len;

    hkdf(kdf, key, key, out, sizeof out);
    crypto_aead_chacha20poly1305_ietf_encrypt(record, &len, record, 300, record, 128, NULL, nonce,
                                              key);
    hash(md, ctx, record, 316);
    hash(md, ctx, record, 168);
    hash(md, ctx, record, 64); /* the commitment */
    for (int i = 0; i < 2; i++)
        crypto_aead_xchacha20poly1305_ietf_encrypt(locator, &len, record, 80, record, 72, NULL,
                                                   nonce, key);
    for (int i = 0; i < 5; i++)
        crypto_generichash(tag, sizeof tag, record, 64, key, 32);
}

typedef struct {
    gdouble zstd_ms, hash_ms, aead_ms, encapsulation_ms, small_ms;
    guint64 raw, compressed;
} Sums;

static void measure_message(GBytes *message, ZSTD_CCtx *zstd, EVP_MD_CTX *ctx, Sums *sums)
{
    static const EVP_MD *md;
    unsigned char key[32] = {1}, nonce[12] = {2};
    gsize len;
    const guint8 *text = g_bytes_get_data(message, &len);
    gsize bound = ZSTD_compressBound(len);
    g_autofree guint8 *frame = g_malloc(bound + 16);
    unsigned long long sealed_len;
    gdouble t0 = cpu_ms();
    gsize frame_len = ZSTD_compressCCtx(zstd, frame, bound, text, len, 3);
    gdouble t1 = cpu_ms();

    if (md == NULL)
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto_aead_chacha20poly1305_ietf_encrypt(frame, &sealed_len, frame, frame_len, NULL, 0, NULL,
                                              nonce, key);
    gdouble t2 = cpu_ms();
    hash(md, ctx, text, len);
    hash(md, ctx, frame, (gsize)sealed_len);
    gdouble t3 = cpu_ms();
    sums->zstd_ms += t1 - t0;
    sums->aead_ms += t2 - t1;
    sums->hash_ms += t3 - t2;
    sums->raw += len;
    sums->compressed += frame_len;
}

int main(int argc, char **argv)
{
    unsigned char secret[32], public[32];
    Sums sums = {0};

    if (argc != 3 || sodium_init() < 0)
        g_error("usage: bench_primitives DIR COUNT");
    g_autoptr(GPtrArray) messages =
        bench_messages_load(argv[1], (guint)g_ascii_strtoull(argv[2], NULL, 10), BENCH_RAW);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);

    for (guint i = 0; i < messages->len; i++)
        measure_message(messages->pdata[i], zstd, ctx, &sums);
    randombytes_buf(secret, sizeof secret);
    crypto_scalarmult_base(public, secret);
    gdouble started = cpu_ms();
    for (guint i = 0; i < messages->len; i++)
        encapsulate(kdf, public);
    sums.encapsulation_ms = cpu_ms() - started;
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    started = cpu_ms();
    for (guint i = 0; i < messages->len; i++)
        small_parts(kdf, md, ctx, public);
    sums.small_ms = cpu_ms() - started;
    EVP_MD_free(md);
    gdouble n = messages->len;
    g_print("{\"messages\":%u,\"mean_bytes\":%.0f,\"zstd_bytes\":%" G_GUINT64_FORMAT
            ",\"zstd_ms\":%.4f,\"aead_ms\":%.4f,\"hash_ms\":%.4f,\"encapsulation_ms\":%.4f,"
            "\"small_ms\":%.4f,\"sum_ms\":%.4f}\n",
            messages->len, (gdouble)sums.raw / n, sums.compressed, sums.zstd_ms / n,
            sums.aead_ms / n, sums.hash_ms / n, sums.encapsulation_ms / n, sums.small_ms / n,
            (sums.zstd_ms + sums.aead_ms + sums.hash_ms + sums.encapsulation_ms + sums.small_ms) /
                n);
    EVP_KDF_free(kdf);
    EVP_MD_CTX_free(ctx);
    ZSTD_freeCCtx(zstd);
    return 0;
}
