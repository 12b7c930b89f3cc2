#include "vault/holder/keyring_copy.h"

#include "vault/base/bytes.h"

#define MAGIC 0x4d4e4b43 /* "MNKC" */
#define VERSION 1

void vault_keyring_copy_format(const VaultKeyringCopy *copy,
                               guint8 ret_bytes[VAULT_KEYRING_COPY_TRAILER_LEN])
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    vault_bytes_append_u32(bytes, MAGIC);
    vault_bytes_append_u32(bytes, VERSION);
    g_byte_array_append(bytes, copy->vault_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(bytes, copy->place_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(bytes, copy->key.generation);
    g_byte_array_append(bytes, copy->key.digest, VAULT_KEY_DIGEST_LEN);
    vault_bytes_append_u64(bytes, copy->time_s);
    vault_bytes_append_u64(bytes, copy->keyring_len);
    g_byte_array_append(bytes, copy->hash.bytes, VAULT_HASH_LEN);
    vault_bytes_append_u32(bytes, vault_crc32c(0, bytes->data, bytes->len));
    g_assert(bytes->len == VAULT_KEYRING_COPY_TRAILER_LEN);
    memcpy(ret_bytes, bytes->data, bytes->len);
}

static gboolean refuse(GError **error, VaultErrorCode code, const char *why)
{
    g_set_error(error, VAULT_ERROR, (gint)code, "this is no copy of a keyring: %s", why);
    return FALSE;
}

gboolean vault_keyring_copy_parse(const guint8 *bytes, gsize len, VaultKeyringCopy *ret_copy,
                                  GError **error)
{
    VaultBytesReader reader;
    guint32 magic, version;

    vault_bytes_reader_init(&reader, bytes, len);
    magic = vault_bytes_read_u32(&reader);
    version = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, ret_copy->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, ret_copy->place_id.bytes, VAULT_ID_LEN);
    ret_copy->key.generation = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, ret_copy->key.digest, VAULT_KEY_DIGEST_LEN);
    ret_copy->time_s = vault_bytes_read_u64(&reader);
    ret_copy->keyring_len = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret_copy->hash.bytes, VAULT_HASH_LEN);
    if (reader.failed || magic != MAGIC)
        return refuse(error, VAULT_ERROR_MALFORMED, "it does not end as one");
    if (version != VERSION)
        return refuse(error, VAULT_ERROR_UNSUPPORTED, "its version is not known here");
    if (vault_bytes_read_u32(&reader) !=
            vault_crc32c(0, bytes, VAULT_KEYRING_COPY_TRAILER_LEN - 4) ||
        !vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) || ret_copy->key.generation == 0)
        return refuse(error, VAULT_ERROR_MALFORMED, "what stands at its end is damaged");
    return TRUE;
}
