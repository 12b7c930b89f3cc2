/* Master files: the offline seed under a passphrase, and its public half. */
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/key_file_lines.h"
#include "vault/crypto/key_files.h"

#include <sodium.h>
#include <string.h>

#define MEMORY_KIB_DEFAULT (256u * 1024)
#define MEMORY_KIB_MIN 8u
#define MEMORY_KIB_MAX (4u * 1024 * 1024)
#define PASSES_DEFAULT 3u
#define PASSES_MAX 100u
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEALED_LEN (32 + crypto_aead_xchacha20poly1305_ietf_ABYTES)

static const VaultSpan no_salt = {"", 0};

void vault_master_from_seed(const guint8 seed[32], VaultMaster *ret_master)
{
    VaultSpan ikm = {seed, 32};
    VaultSpan exchange = VAULT_SPAN_TEXT("muniment master x25519");
    VaultSpan sign = VAULT_SPAN_TEXT("muniment master ed25519");
    guint8 sign_seed[32];

    memcpy(ret_master->seed, seed, sizeof ret_master->seed);
    vault_hkdf(&no_salt, &ikm, &exchange, ret_master->secret_key.bytes, VAULT_KEY_LEN);
    crypto_scalarmult_base(ret_master->public.public_key.bytes, ret_master->secret_key.bytes);
    vault_hkdf(&no_salt, &ikm, &sign, sign_seed, sizeof sign_seed);
    crypto_sign_seed_keypair(ret_master->public.verify_key.bytes, ret_master->signing_key.bytes,
                             sign_seed);
    vault_wipe(sign_seed, sizeof sign_seed);
}

void vault_master_create(VaultMaster *ret_master)
{
    guint8 seed[32];

    vault_random(seed, sizeof seed);
    vault_report_secret("master-seed", seed, sizeof seed);
    vault_master_from_seed(seed, ret_master);
    vault_wipe(seed, sizeof seed);
}

static gboolean derive_file_key(const char *passphrase, gsize len, const guint8 *salt,
                                const VaultPassphraseCost *cost, guint8 ret_key[32], GError **error)
{
    if (crypto_pwhash(ret_key, 32, passphrase, len, salt, cost->passes,
                      (gsize)cost->memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "Argon2id needs %u MiB of memory for this master file: free some",
                cost->memory_kib / 1024);
    return FALSE;
}

/* All that is not secret, as its lines stand in the file: the AAD of the seed. */
static GString *format_clear(const MasterPublic *master, const VaultPassphraseCost *cost,
                             const guint8 *salt)
{
    GString *text = g_string_new("muniment-master/1\n");

    key_file_append_bytes(text, "public-key", master->public_key.bytes, VAULT_KEY_LEN);
    key_file_append_bytes(text, "verify-key", master->verify_key.bytes, VAULT_KEY_LEN);
    g_string_append_printf(text, "argon2id-memory-kib: %u\nargon2id-passes: %u\n", cost->memory_kib,
                           cost->passes);
    key_file_append_bytes(text, "argon2id-salt", salt, crypto_pwhash_SALTBYTES);
    return text;
}

char *vault_master_format(const VaultMaster *master, const char *passphrase, gsize passphrase_len,
                          const VaultPassphraseCost *cost, GError **error)
{
    VaultPassphraseCost used = {.memory_kib = MEMORY_KIB_DEFAULT, .passes = PASSES_DEFAULT};
    guint8 salt[crypto_pwhash_SALTBYTES], key[32], sealed[NONCE_LEN + SEALED_LEN];
    g_autoptr(GString) text = NULL;

    if (cost != NULL && cost->memory_kib != 0)
        used.memory_kib = cost->memory_kib;
    if (cost != NULL && cost->passes != 0)
        used.passes = cost->passes;
    if (passphrase_len == 0 || passphrase_len > VAULT_PASSPHRASE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a passphrase has 1 to %d bytes",
                    VAULT_PASSPHRASE_LEN_MAX);
        return NULL;
    }
    vault_random(salt, sizeof salt);
    vault_random(sealed, NONCE_LEN);
    if (!derive_file_key(passphrase, passphrase_len, salt, &used, key, error))
        return NULL;
    text = format_clear(&master->public, &used, salt);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_LEN, NULL, master->seed, 32,
                                               (const guint8 *)text->str, text->len, NULL, sealed,
                                               key);
    vault_wipe(key, sizeof key);
    key_file_append_bytes(text, "sealed-seed", sealed, sizeof sealed);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

typedef struct {
    MasterPublic public;
    VaultPassphraseCost cost;
    guint8 salt[crypto_pwhash_SALTBYTES];
    guint8 sealed[NONCE_LEN + SEALED_LEN];
} MasterFile;

static gboolean parse_file(const char *text, MasterFile *ret_file, GError **error)
{
    g_auto(KeyFileLines) file = {0};
    guint64 memory_kib, passes;

    if (!key_file_lines_begin(&file, "muniment-master", text, error) ||
        !key_file_lines_bytes(&file, "public-key", ret_file->public.public_key.bytes, VAULT_KEY_LEN,
                              error) ||
        !key_file_lines_bytes(&file, "verify-key", ret_file->public.verify_key.bytes, VAULT_KEY_LEN,
                              error) ||
        !key_file_lines_number(&file, "argon2id-memory-kib", MEMORY_KIB_MAX, &memory_kib, error) ||
        !key_file_lines_number(&file, "argon2id-passes", PASSES_MAX, &passes, error) ||
        !key_file_lines_bytes(&file, "argon2id-salt", ret_file->salt, sizeof ret_file->salt,
                              error) ||
        !key_file_lines_bytes(&file, "sealed-seed", ret_file->sealed, sizeof ret_file->sealed,
                              error) ||
        !key_file_lines_end(&file, error))
        return FALSE;
    ret_file->cost = (VaultPassphraseCost){(guint32)memory_kib, (guint32)passes};
    if (memory_kib >= MEMORY_KIB_MIN && passes >= 1)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "this is no proper muniment-master file: its Argon2id cost is too low");
    return FALSE;
}

gboolean vault_master_parse(const char *text, const char *passphrase, gsize passphrase_len,
                            VaultMaster *ret_master, GError **error)
{
    MasterFile file;
    guint8 key[32], seed[32];
    g_autoptr(GString) clear = NULL;
    gboolean is_opened;

    if (!parse_file(text, &file, error) ||
        !derive_file_key(passphrase, passphrase_len, file.salt, &file.cost, key, error))
        return FALSE;
    clear = format_clear(&file.public, &file.cost, file.salt);
    is_opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
                    seed, NULL, NULL, file.sealed + NONCE_LEN, SEALED_LEN,
                    (const guint8 *)clear->str, clear->len, file.sealed, key) == 0;
    vault_wipe(key, sizeof key);
    if (is_opened)
        vault_master_from_seed(seed, ret_master);
    vault_wipe(seed, sizeof seed);
    if (is_opened && memcmp(&ret_master->public, &file.public, sizeof file.public) == 0)
        return TRUE;
    vault_master_wipe(ret_master);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                        "the passphrase does not open this master file (or the file was changed)");
    return FALSE;
}

char *vault_master_public_format(const MasterPublic *master)
{
    g_autofree char *fingerprint = vault_master_fingerprint(master);
    GString *text = g_string_new("muniment-master-public/1\n");

    key_file_append_bytes(text, "public-key", master->public_key.bytes, VAULT_KEY_LEN);
    key_file_append_bytes(text, "verify-key", master->verify_key.bytes, VAULT_KEY_LEN);
    g_string_append_printf(text, "fingerprint: %s\n", fingerprint);
    return g_string_free(text, FALSE);
}

gboolean vault_master_public_parse(const char *text, MasterPublic *ret_master, GError **error)
{
    g_auto(KeyFileLines) file = {0};
    g_autofree char *expected = NULL;
    const char *fingerprint;

    if (!key_file_lines_begin(&file, "muniment-master-public", text, error) ||
        !key_file_lines_bytes(&file, "public-key", ret_master->public_key.bytes, VAULT_KEY_LEN,
                              error) ||
        !key_file_lines_bytes(&file, "verify-key", ret_master->verify_key.bytes, VAULT_KEY_LEN,
                              error))
        return FALSE;
    fingerprint = key_file_lines_value(&file, "fingerprint", error);
    expected = vault_master_fingerprint(ret_master);
    if (fingerprint == NULL || !key_file_lines_end(&file, error))
        return FALSE;
    if (strcmp(fingerprint, expected) == 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "this master public file was changed: its fingerprint is another's");
    return FALSE;
}

char *vault_master_fingerprint(const MasterPublic *master)
{
    VaultSpan spans[] = {VAULT_SPAN_TEXT("muniment master fingerprint"),
                         VAULT_SPAN(master->public_key.bytes),
                         VAULT_SPAN(master->verify_key.bytes)};
    GString *text = g_string_new(NULL);
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    for (gsize i = 0; i < 20; i += 2)
        g_string_append_printf(text, "%s%02x%02x", i == 0 ? "" : "-", hash.bytes[i],
                               hash.bytes[i + 1]);
    return g_string_free(text, FALSE);
}

KeyId vault_master_key_id(const MasterPublic *master)
{
    return vault_key_id(VAULT_ROLE_MASTER, master->public_key.bytes);
}

static GByteArray *signed_text(const char *purpose, const void *text, gsize len)
{
    GByteArray *all = g_byte_array_new();

    g_byte_array_append(all, (const guint8 *)"muniment ", 9);
    g_byte_array_append(all, (const guint8 *)purpose, (guint)strlen(purpose) + 1);
    g_byte_array_append(all, text, (guint)len);
    return all;
}

void vault_master_sign(const MasterSigningKey *key, const char *purpose, const void *text,
                       gsize len, VaultSignature *ret_signature)
{
    g_autoptr(GByteArray) all = signed_text(purpose, text, len);

    crypto_sign_detached(ret_signature->bytes, NULL, all->data, all->len, key->bytes);
}

gboolean vault_master_verify(const MasterVerifyKey *key, const char *purpose, const void *text,
                             gsize len, const VaultSignature *signature)
{
    g_autoptr(GByteArray) all = signed_text(purpose, text, len);

    return crypto_sign_verify_detached(signature->bytes, all->data, all->len, key->bytes) == 0;
}
