#include "vault/crypto/hash_internal.h"
#include "vault/crypto/hpke.h"
#include "vault/crypto/key_files.h"
#include "vault/crypto/value.h"

#define OVERHEAD_LEN (VAULT_HPKE_ENC_LEN + VAULT_HPKE_TAG_LEN)

/* info = "muniment <purpose>\0" || key id. */
static GByteArray *format_info(const char *purpose, const ReaderPublicKey *key)
{
    GByteArray *info = g_byte_array_new();
    KeyId id = vault_reader_key_id(key);

    g_byte_array_append(info, (const guint8 *)"muniment ", strlen("muniment "));
    g_byte_array_append(info, (const guint8 *)purpose, (guint)strlen(purpose) + 1);
    g_byte_array_append(info, id.bytes, sizeof id.bytes);
    return info;
}

GBytes *vault_reader_seal(const ReaderPublicKey *key, const char *purpose, const VaultSpan *aad,
                          const void *plaintext, gsize len, GError **error)
{
    g_autoptr(GByteArray) info = format_info(purpose, key);
    VaultHpkeParameters parameters = {.info = {info->data, info->len}};
    g_auto(VaultHpkeContext) sealer = {0};
    g_autofree guint8 *sealed = g_malloc(len + OVERHEAD_LEN);

    if (!vault_hpke_setup_sender(key->bytes, &parameters, sealed, &sealer, error))
        return NULL;
    vault_hpke_seal(&sealer, aad, plaintext, len, sealed + VAULT_HPKE_ENC_LEN);
    return g_bytes_new_take(g_steal_pointer(&sealed), len + OVERHEAD_LEN);
}

GByteArray *vault_reader_open(const VaultIdentity *identity, const char *purpose,
                              const VaultSpan *aad, const void *sealed, gsize len, GError **error)
{
    g_autoptr(GByteArray) info = format_info(purpose, &identity->public_key);
    VaultHpkeParameters parameters = {.info = {info->data, info->len}};
    g_auto(VaultHpkeContext) opener = {0};
    const guint8 *enc = sealed;
    GByteArray *plaintext;

    if (len < OVERHEAD_LEN || len > G_MAXUINT) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "it does not open: it is too short or too long to be sealed to a reader");
        return NULL;
    }
    if (!vault_hpke_setup_receiver(enc, identity->secret_key.bytes, identity->public_key.bytes,
                                   &parameters, &opener, error))
        return NULL;
    plaintext = g_byte_array_sized_new((guint)(len - OVERHEAD_LEN));
    g_byte_array_set_size(plaintext, (guint)(len - OVERHEAD_LEN));
    if (vault_hpke_open(&opener, aad, enc + VAULT_HPKE_ENC_LEN, len - VAULT_HPKE_ENC_LEN,
                        plaintext->data, error))
        return plaintext;
    vault_value_free(plaintext);
    return NULL;
}
