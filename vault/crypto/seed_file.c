#include "vault/crypto/seed_file.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/key_text.h"

#include <sodium.h>

#define KDF_NAME "argon2id-1.3"
#define SALT_LEN crypto_pwhash_argon2id_SALTBYTES
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEED_LEN 32
#define SEALED_LEN (NONCE_LEN + SEED_LEN + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define DEFAULT_MEMORY_KIB (256 * 1024)
#define DEFAULT_PASSES 3
#define FINGERPRINT_LEN 16

/* What a file holds besides the first line. */
typedef struct {
    const SeedRole *role;
    VaultPassphraseCost cost;
    guint8 salt[SALT_LEN];
    MasterPublic public;
    guint8 sealed[SEALED_LEN];
} SeedFile;

static const VaultSpan empty = {"", 0};

void seed_file_from_seed(const SeedRole *role, const guint8 seed[32], VaultMaster *ret_master)
{
    VaultSpan ikm = {seed, SEED_LEN};
    VaultSpan x25519 = {role->label_x25519, strlen(role->label_x25519)};
    VaultSpan ed25519 = {role->label_ed25519, strlen(role->label_ed25519)};
    guint8 half[SEED_LEN];

    memcpy(ret_master->seed, seed, SEED_LEN);
    vault_hkdf(&empty, &ikm, &x25519, ret_master->secret_key.bytes, VAULT_KEY_LEN);
    crypto_scalarmult_base(ret_master->public.public_key.bytes, ret_master->secret_key.bytes);
    vault_hkdf(&empty, &ikm, &ed25519, half, sizeof half);
    crypto_sign_seed_keypair(ret_master->public.verify_key.bytes, ret_master->signing_key.bytes,
                             half);
    vault_wipe(half, sizeof half);
}

void seed_file_create(const SeedRole *role, VaultMaster *ret_master)
{
    guint8 seed[SEED_LEN];

    vault_random(seed, sizeof seed);
    vault_report_secret(role->secret_name, seed, sizeof seed);
    seed_file_from_seed(role, seed, ret_master);
    vault_wipe(seed, sizeof seed);
}

static gboolean check_passphrase(const SeedRole *role, const char *passphrase, gsize len,
                                 GError **error)
{
    if (len > VAULT_PASSPHRASE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a passphrase has at most %d bytes",
                    VAULT_PASSPHRASE_LEN_MAX);
        return FALSE;
    }
    if (len > 0 && passphrase != NULL)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "the passphrase is empty: it is all that protects the %s key", role->name);
    return FALSE;
}

/* A hostile file must not ask for a terabyte or a year. */
static gboolean check_cost(const SeedRole *role, const VaultPassphraseCost *cost, GError **error)
{
    if (cost->memory_kib >= VAULT_PASSPHRASE_MEMORY_KIB_MIN &&
        cost->memory_kib <= VAULT_PASSPHRASE_MEMORY_KIB_MAX && cost->passes >= 1 &&
        cost->passes <= VAULT_PASSPHRASE_PASSES_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "a file asks for %u KiB and %u passes for the %s key; %d to %d KiB and 1 to %d "
                "passes are allowed",
                cost->memory_kib, cost->passes, role->name, VAULT_PASSPHRASE_MEMORY_KIB_MIN,
                VAULT_PASSPHRASE_MEMORY_KIB_MAX, VAULT_PASSPHRASE_PASSES_MAX);
    return FALSE;
}

static gboolean derive_file_key(const SeedFile *file, const char *passphrase, gsize len,
                                guint8 ret_key[VAULT_KEY_LEN], GError **error)
{
    if (crypto_pwhash_argon2id(ret_key, VAULT_KEY_LEN, passphrase, len, file->salt,
                               file->cost.passes, (gsize)file->cost.memory_kib * 1024,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "the passphrase needs %u MiB of memory to be checked, and they are not free",
                file->cost.memory_kib / 1024);
    return FALSE;
}

/* Binds all that is not sealed: label, cost, salt, both public keys; of fixed width. */
static GByteArray *format_aad(const SeedFile *file)
{
    GByteArray *aad = g_byte_array_sized_new(128);

    g_byte_array_append(aad, (const guint8 *)file->role->label_file,
                        (guint)strlen(file->role->label_file));
    vault_bytes_append_u32(aad, file->cost.memory_kib);
    vault_bytes_append_u32(aad, file->cost.passes);
    g_byte_array_append(aad, file->salt, SALT_LEN);
    g_byte_array_append(aad, file->public.public_key.bytes, VAULT_KEY_LEN);
    g_byte_array_append(aad, file->public.verify_key.bytes, VAULT_KEY_LEN);
    return aad;
}

static gboolean seal_seed(SeedFile *file, const guint8 seed[SEED_LEN], const char *passphrase,
                          gsize passphrase_len, GError **error)
{
    g_autoptr(GByteArray) aad = format_aad(file);
    guint8 key[VAULT_KEY_LEN];

    if (!derive_file_key(file, passphrase, passphrase_len, key, error))
        return FALSE;
    vault_random(file->sealed, NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(file->sealed + NONCE_LEN, NULL, seed, SEED_LEN,
                                               aad->data, aad->len, NULL, file->sealed, key);
    vault_wipe(key, sizeof key);
    return TRUE;
}

static gboolean open_seed(const SeedFile *file, const char *passphrase, gsize passphrase_len,
                          guint8 ret_seed[SEED_LEN], GError **error)
{
    g_autoptr(GByteArray) aad = format_aad(file);
    guint8 key[VAULT_KEY_LEN];
    int status;

    if (!derive_file_key(file, passphrase, passphrase_len, key, error))
        return FALSE;
    status = crypto_aead_xchacha20poly1305_ietf_decrypt(
        ret_seed, NULL, NULL, file->sealed + NONCE_LEN, SEALED_LEN - NONCE_LEN, aad->data, aad->len,
        file->sealed, key);
    vault_wipe(key, sizeof key);
    if (status == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "wrong passphrase for this %s file, or the file was changed", file->role->name);
    return FALSE;
}

static char *format_file(const SeedFile *file)
{
    GString *text = key_text_new(file->role->type_secret);
    g_autofree char *memory_kib = g_strdup_printf("%u", file->cost.memory_kib);
    g_autofree char *passes = g_strdup_printf("%u", file->cost.passes);

    key_text_put(text, "kdf", KDF_NAME);
    key_text_put(text, "memory-kib", memory_kib);
    key_text_put(text, "passes", passes);
    key_text_put_hex(text, "salt", file->salt, SALT_LEN);
    key_text_put_hex(text, "public-key", file->public.public_key.bytes, VAULT_KEY_LEN);
    key_text_put_hex(text, "verify-key", file->public.verify_key.bytes, VAULT_KEY_LEN);
    key_text_put_hex(text, "sealed-seed", file->sealed, SEALED_LEN);
    return g_string_free(text, FALSE);
}

static gboolean parse_kdf(KeyTextReader *reader, const SeedRole *role, GError **error)
{
    const char *value;
    gsize len;

    if (!key_text_line(reader, "kdf", &value, &len, error))
        return FALSE;
    if (len == strlen(KDF_NAME) && memcmp(value, KDF_NAME, len) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "a %s file with a passphrase function that is not " KDF_NAME, role->name);
    return FALSE;
}

static gboolean parse_file(const char *text, SeedFile *ret_file, GError **error)
{
    KeyTextReader reader;

    return key_text_begin(&reader, text, ret_file->role->type_secret, error) &&
           parse_kdf(&reader, ret_file->role, error) &&
           key_text_u32(&reader, "memory-kib", &ret_file->cost.memory_kib, error) &&
           key_text_u32(&reader, "passes", &ret_file->cost.passes, error) &&
           key_text_hex(&reader, "salt", ret_file->salt, SALT_LEN, error) &&
           key_text_public_key(&reader, "public-key", ret_file->public.public_key.bytes, error) &&
           key_text_hex(&reader, "verify-key", ret_file->public.verify_key.bytes, VAULT_KEY_LEN,
                        error) &&
           key_text_hex(&reader, "sealed-seed", ret_file->sealed, SEALED_LEN, error) &&
           key_text_end(&reader, error) && check_cost(ret_file->role, &ret_file->cost, error);
}

char *seed_file_format(const SeedRole *role, const VaultMaster *master, const char *passphrase,
                       gsize passphrase_len, const VaultPassphraseCost *cost, GError **error)
{
    SeedFile file = {.role = role, .public = master->public};

    if (cost != NULL)
        file.cost = *cost;
    if (file.cost.memory_kib == 0)
        file.cost.memory_kib = DEFAULT_MEMORY_KIB;
    if (file.cost.passes == 0)
        file.cost.passes = DEFAULT_PASSES;
    if (!check_passphrase(role, passphrase, passphrase_len, error) ||
        !check_cost(role, &file.cost, error))
        return NULL;
    vault_random(file.salt, sizeof file.salt);
    if (!seal_seed(&file, master->seed, passphrase, passphrase_len, error))
        return NULL;
    return format_file(&file);
}

gboolean seed_file_parse(const SeedRole *role, const char *text, const char *passphrase,
                         gsize passphrase_len, VaultMaster *ret_master, GError **error)
{
    SeedFile file = {.role = role};
    guint8 seed[SEED_LEN];

    if (!parse_file(text, &file, error) ||
        !check_passphrase(role, passphrase, passphrase_len, error) ||
        !open_seed(&file, passphrase, passphrase_len, seed, error))
        return FALSE;
    seed_file_from_seed(role, seed, ret_master);
    vault_wipe(seed, sizeof seed);
    if (memcmp(&file.public, &ret_master->public, sizeof file.public) == 0)
        return TRUE;
    vault_master_wipe(ret_master);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the public keys of this %s file are not those of its seed", role->name);
    return FALSE;
}

char *seed_file_fingerprint(const SeedRole *role, const MasterPublic *master)
{
    VaultSpan spans[] = {{role->label_fingerprint, strlen(role->label_fingerprint)},
                         VAULT_SPAN(master->public_key.bytes),
                         VAULT_SPAN(master->verify_key.bytes)};
    GString *text = g_string_new(NULL);
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    for (gsize i = 0; i < FINGERPRINT_LEN; i++)
        g_string_append_printf(text, "%s%02x", (i > 0 && i % 2 == 0) ? "-" : "", hash.bytes[i]);
    return g_string_free(text, FALSE);
}

char *seed_file_public_format(const SeedRole *role, const MasterPublic *master)
{
    GString *text = key_text_new(role->type_public);
    g_autofree char *fingerprint = seed_file_fingerprint(role, master);

    key_text_put_hex(text, "public-key", master->public_key.bytes, VAULT_KEY_LEN);
    key_text_put_hex(text, "verify-key", master->verify_key.bytes, VAULT_KEY_LEN);
    key_text_put(text, "fingerprint", fingerprint);
    return g_string_free(text, FALSE);
}

gboolean seed_file_public_parse(const SeedRole *role, const char *text, MasterPublic *ret_master,
                                GError **error)
{
    KeyTextReader reader;
    g_autofree char *fingerprint = NULL;
    const char *value;
    gsize len;

    if (!key_text_begin(&reader, text, role->type_public, error) ||
        !key_text_public_key(&reader, "public-key", ret_master->public_key.bytes, error) ||
        !key_text_hex(&reader, "verify-key", ret_master->verify_key.bytes, VAULT_KEY_LEN, error) ||
        !key_text_line(&reader, "fingerprint", &value, &len, error) ||
        !key_text_end(&reader, error))
        return FALSE;
    fingerprint = seed_file_fingerprint(role, ret_master);
    if (len == strlen(fingerprint) && memcmp(value, fingerprint, len) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "a damaged %s file: its fingerprint is not the one of its keys", role->type_public);
    return FALSE;
}
