#include "vault/crypto/sealed_blocks.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"

#include <sodium.h>

#define KEY_LEN 32
#define NONCE_LEN 12
#define AAD_LEN 9

struct VaultSealedBlocks {
    guint8 key[KEY_LEN];
};

VaultSealedBlocks *vault_sealed_blocks_new(const VaultSpan *key, const VaultId *file_id,
                                           const char *label,
                                           guint8 ret_commitment[VAULT_BLOCK_COMMITMENT_LEN])
{
    VaultSealedBlocks *blocks = g_new0(VaultSealedBlocks, 1);
    VaultSpan info = {label, strlen(label)};
    guint8 derived[KEY_LEN + VAULT_BLOCK_COMMITMENT_LEN];

    vault_hkdf(&VAULT_SPAN(file_id->bytes), key, &info, derived, sizeof derived);
    memcpy(blocks->key, derived, KEY_LEN);
    memcpy(ret_commitment, derived + KEY_LEN, VAULT_BLOCK_COMMITMENT_LEN);
    vault_wipe(derived, sizeof derived);
    return blocks;
}

void vault_sealed_blocks_free(VaultSealedBlocks *blocks)
{
    if (blocks == NULL)
        return;
    vault_wipe(blocks, sizeof *blocks);
    g_free(blocks);
}

static void put_place(const VaultBlockPlace *place, guint8 nonce[NONCE_LEN], guint8 aad[AAD_LEN])
{
    memset(nonce, 0, NONCE_LEN);
    vault_bytes_put_u64(nonce + NONCE_LEN - 8, place->number);
    aad[0] = place->kind;
    vault_bytes_put_u64(aad + 1, place->place);
}

void vault_sealed_blocks_seal(const VaultSealedBlocks *blocks, const VaultBlockPlace *place,
                              const guint8 *plaintext, gsize len, guint8 *ret_ciphertext)
{
    guint8 nonce[NONCE_LEN], aad[AAD_LEN];

    put_place(place, nonce, aad);
    crypto_aead_chacha20poly1305_ietf_encrypt(ret_ciphertext, NULL, plaintext, len, aad, AAD_LEN,
                                              NULL, nonce, blocks->key);
}

gboolean vault_sealed_blocks_open(const VaultSealedBlocks *blocks, const VaultBlockPlace *place,
                                  const guint8 *ciphertext, gsize len, guint8 *ret_plaintext,
                                  GError **error)
{
    guint8 nonce[NONCE_LEN], aad[AAD_LEN];

    put_place(place, nonce, aad);
    if (len >= VAULT_BLOCK_TAG_LEN &&
        crypto_aead_chacha20poly1305_ietf_decrypt(ret_plaintext, NULL, NULL, ciphertext, len, aad,
                                                  AAD_LEN, nonce, blocks->key) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "block %" G_GUINT64_FORMAT " does not open: it was changed or moved",
                place->number);
    return FALSE;
}
