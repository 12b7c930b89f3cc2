#include "vault/crypto/escrow.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/hpke.h"
#include "vault/crypto/seed_file.h"

#define LABEL_SEAL "muniment escrow"

G_STATIC_ASSERT(VAULT_ESCROW_SEALED_LEN == VAULT_HPKE_ENC_LEN + VAULT_KEY_LEN + VAULT_HPKE_TAG_LEN);

/* ---- the pair ------------------------------------------------------------------------------- */

static const SeedRole role = {
    .name = "escrow",
    .secret_name = "escrow-seed",
    .type_secret = "muniment-escrow",
    .type_public = "muniment-escrow-public",
    .label_x25519 = "muniment escrow x25519",
    .label_ed25519 = "muniment escrow ed25519",
    .label_file = "muniment escrow file",
    .label_fingerprint = "muniment escrow fingerprint",
};

void vault_escrow_create(VaultEscrow *ret_escrow)
{
    seed_file_create(&role, &ret_escrow->pair);
}

void vault_escrow_from_seed(const guint8 seed[32], VaultEscrow *ret_escrow)
{
    seed_file_from_seed(&role, seed, &ret_escrow->pair);
}

VaultEscrowPublic vault_escrow_public(const VaultEscrow *escrow)
{
    return (VaultEscrowPublic){.pair = escrow->pair.public};
}

EscrowPublicKey vault_escrow_public_key(const VaultEscrowPublic *escrow)
{
    EscrowPublicKey key;

    memcpy(key.bytes, escrow->pair.public_key.bytes, VAULT_KEY_LEN);
    return key;
}

char *vault_escrow_format(const VaultEscrow *escrow, const char *passphrase, gsize passphrase_len,
                          const VaultPassphraseCost *cost, GError **error)
{
    return seed_file_format(&role, &escrow->pair, passphrase, passphrase_len, cost, error);
}

gboolean vault_escrow_parse(const char *text, const char *passphrase, gsize passphrase_len,
                            VaultEscrow *ret_escrow, GError **error)
{
    return seed_file_parse(&role, text, passphrase, passphrase_len, &ret_escrow->pair, error);
}

char *vault_escrow_public_format(const VaultEscrowPublic *escrow)
{
    return seed_file_public_format(&role, &escrow->pair);
}

gboolean vault_escrow_public_parse(const char *text, VaultEscrowPublic *ret_escrow, GError **error)
{
    return seed_file_public_parse(&role, text, &ret_escrow->pair, error);
}

char *vault_escrow_fingerprint(const VaultEscrowPublic *escrow)
{
    return seed_file_fingerprint(&role, &escrow->pair);
}

/* ---- sealing -------------------------------------------------------------------------------- */

/* What a sealed vault key is bound to: of which vault and generation it is, and for whom. */
typedef struct {
    GByteArray *info, *aad;
} Binding;

static void binding_clear(Binding *binding)
{
    g_clear_pointer(&binding->info, g_byte_array_unref);
    g_clear_pointer(&binding->aad, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Binding, binding_clear)

static Binding bind(const EscrowPublicKey *escrow_key, const VaultId *vault_id, guint32 generation)
{
    Binding binding = {.info = g_byte_array_new(), .aad = g_byte_array_new()};
    KeyId id = vault_key_id(VAULT_ROLE_ESCROW, escrow_key->bytes);

    g_byte_array_append(binding.info, (const guint8 *)LABEL_SEAL, sizeof(LABEL_SEAL));
    g_byte_array_append(binding.info, id.bytes, VAULT_ID_LEN);
    g_byte_array_append(binding.aad, vault_id->bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(binding.aad, generation);
    return binding;
}

gboolean vault_escrow_seal(const EscrowPublicKey *escrow_key, const VaultId *vault_id,
                           const VaultKey *key, VaultEscrowedKey *ret_sealed, GError **error)
{
    g_auto(Binding) binding = bind(escrow_key, vault_id, key->generation);
    VaultHpkeParameters parameters = {.info = {binding.info->data, binding.info->len}};
    VaultSpan aad = {binding.aad->data, binding.aad->len};
    g_auto(VaultHpkeContext) sealer = {0};

    if (!vault_hpke_setup_sender(escrow_key->bytes, &parameters, ret_sealed->sealed, &sealer,
                                 error))
        return FALSE;
    vault_hpke_seal(&sealer, &aad, key->bytes, VAULT_KEY_LEN,
                    ret_sealed->sealed + VAULT_HPKE_ENC_LEN);
    ret_sealed->key = vault_key_digest(vault_id, key);
    return TRUE;
}

static gboolean check_digest(const VaultEscrowFile *file, const VaultEscrowedKey *sealed,
                             const VaultKey *key, GError **error)
{
    VaultKeyDigest digest = vault_key_digest(&file->vault_id, key);

    if (vault_key_digest_equal(&digest, &sealed->key))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                        "what was sealed is not the key that the file names");
    return FALSE;
}

static gboolean open_key(const VaultEscrow *escrow, const VaultEscrowFile *file,
                         const VaultEscrowedKey *sealed, VaultKey *ret_key, GError **error)
{
    g_auto(Binding) binding = bind(&file->escrow_key, &file->vault_id, sealed->key.generation);
    VaultHpkeParameters parameters = {.info = {binding.info->data, binding.info->len}};
    VaultSpan aad = {binding.aad->data, binding.aad->len};
    g_auto(VaultHpkeContext) opener = {0};

    ret_key->generation = sealed->key.generation;
    return vault_hpke_setup_receiver(sealed->sealed, escrow->pair.secret_key.bytes,
                                     file->escrow_key.bytes, &parameters, &opener, error) &&
           vault_hpke_open(&opener, &aad, sealed->sealed + VAULT_HPKE_ENC_LEN,
                           VAULT_ESCROW_SEALED_LEN - VAULT_HPKE_ENC_LEN, ret_key->bytes, error) &&
           check_digest(file, sealed, ret_key, error);
}

gboolean vault_escrow_open(const VaultEscrow *escrow, const VaultEscrowFile *file,
                           VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], GError **error)
{
    if (memcmp(escrow->pair.public.public_key.bytes, file->escrow_key.bytes, VAULT_KEY_LEN) != 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                            "the vault key was sealed to another escrow key: give that one");
        return FALSE;
    }
    for (gsize i = 0; i < file->count; i++) {
        if (!open_key(escrow, file, &file->keys[i], &ret_keys[i], error)) {
            g_prefix_error(error, "vault key %u: ", file->keys[i].key.generation);
            vault_wipe(ret_keys, VAULT_KEY_GENERATIONS_MAX * sizeof *ret_keys);
            return FALSE;
        }
    }
    return TRUE;
}
