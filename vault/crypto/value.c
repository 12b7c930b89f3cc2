#include "vault/crypto/value.h"

#include "vault/base/bytes.h"

#include <sodium.h>

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES

G_STATIC_ASSERT(VAULT_VALUE_OVERHEAD_LEN == NONCE_LEN + TAG_LEN);
G_STATIC_ASSERT(VAULT_LOCATOR_TAG_LEN == TAG_LEN);

#define LABEL_ROW_KEY "muniment value"
#define LABEL_VAULT_KEY "muniment value under vault key"

/* AAD: label and table name with their lengths, so that no place reads as another. */
static GByteArray *format_aad(const char *label, const VaultValuePlace *place)
{
    GByteArray *aad = g_byte_array_sized_new(128);

    vault_bytes_append_string16(aad, label);
    g_byte_array_append(aad, place->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_string16(aad, place->table);
    g_byte_array_append(aad, place->row_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u64(aad, place->row_version);
    return aad;
}

static GBytes *seal(const guint8 key[VAULT_KEY_LEN], const GByteArray *aad, const void *value,
                    gsize len)
{
    guint8 *sealed = g_malloc(len + VAULT_VALUE_OVERHEAD_LEN);

    vault_random(sealed, NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_LEN, NULL, value, len, aad->data,
                                               aad->len, NULL, sealed, key);
    return g_bytes_new_take(sealed, len + VAULT_VALUE_OVERHEAD_LEN);
}

static GByteArray *open_value(const guint8 key[VAULT_KEY_LEN], const GByteArray *aad,
                              const char *table, const guint8 *sealed, gsize len, GError **error)
{
    GByteArray *value;

    if (len < VAULT_VALUE_OVERHEAD_LEN || len > G_MAXUINT) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "a value of table %s is too short or too long to be one", table);
        return NULL;
    }
    /* Sized before it is filled: a growing array would leave copies behind. */
    value = g_byte_array_sized_new((guint)(len - VAULT_VALUE_OVERHEAD_LEN));
    g_byte_array_set_size(value, (guint)(len - VAULT_VALUE_OVERHEAD_LEN));
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(value->data, NULL, NULL, sealed + NONCE_LEN,
                                                   len - NONCE_LEN, aad->data, aad->len, sealed,
                                                   key) == 0)
        return value;
    vault_value_free(value);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "a value of table %s does not open under its key at its place", table);
    return NULL;
}

GBytes *vault_value_seal(const RowKey *key, const VaultValuePlace *place, const void *value,
                         gsize len)
{
    g_autoptr(GByteArray) aad = format_aad(LABEL_ROW_KEY, place);

    return seal(key->bytes, aad, value, len);
}

GByteArray *vault_value_open(const RowKey *key, const VaultValuePlace *place, const void *sealed,
                             gsize len, GError **error)
{
    g_autoptr(GByteArray) aad = format_aad(LABEL_ROW_KEY, place);

    return open_value(key->bytes, aad, place->table, sealed, len, error);
}

void vault_value_free(GByteArray *value)
{
    if (value == NULL)
        return;
    if (value->len > 0)
        vault_wipe(value->data, value->len);
    g_byte_array_unref(value);
}

static GByteArray *format_vault_key_aad(const VaultKey *key, const VaultValuePlace *place)
{
    GByteArray *aad = format_aad(LABEL_VAULT_KEY, place);

    vault_bytes_append_u32(aad, key->generation);
    return aad;
}

GBytes *vault_value_seal_under_vault_key(const VaultKey *key, const VaultValuePlace *place,
                                         const void *value, gsize len)
{
    g_autoptr(GByteArray) aad = format_vault_key_aad(key, place);

    return seal(key->bytes, aad, value, len);
}

GByteArray *vault_value_open_under_vault_key(const VaultKey *key, const VaultValuePlace *place,
                                             const void *sealed, gsize len, GError **error)
{
    g_autoptr(GByteArray) aad = format_vault_key_aad(key, place);

    return open_value(key->bytes, aad, place->table, sealed, len, error);
}

static void format_locator_nonce(const RecordId *record_id, guint8 ret_nonce[NONCE_LEN])
{
    memset(ret_nonce, 0, NONCE_LEN);
    memcpy(ret_nonce, record_id->bytes, VAULT_ID_LEN);
}

void vault_locator_seal(const LocatorKey *key, const RecordId *record_id, const VaultSpan *header,
                        const void *locator, gsize len, guint8 *ret_sealed)
{
    guint8 nonce[NONCE_LEN];

    format_locator_nonce(record_id, nonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret_sealed, NULL, locator, len, header->bytes,
                                               header->len, NULL, nonce, key->bytes);
}

gboolean vault_locator_open(const LocatorKey *key, const RecordId *record_id,
                            const VaultSpan *header, const void *sealed, gsize sealed_len,
                            guint8 *ret_locator, GError **error)
{
    guint8 nonce[NONCE_LEN];

    format_locator_nonce(record_id, nonce);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(ret_locator, NULL, NULL, sealed, sealed_len,
                                                   header->bytes, header->len, nonce,
                                                   key->bytes) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "the locator of record %s does not open under this vault's locator key",
                VAULT_ID_TEXT(*record_id));
    return FALSE;
}
