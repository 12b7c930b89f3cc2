#include "vault/act/case_key.h"

#include "vault/base/bytes.h"

#define VERSION 1

static GByteArray *format_header(const VaultCaseKeyHeader *header)
{
    GByteArray *bytes = g_byte_array_sized_new(VAULT_CASE_KEY_SEALED_LEN);

    vault_bytes_append_u8(bytes, VERSION);
    g_byte_array_append(bytes, header->vault_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(bytes, header->grant_hash.bytes, VAULT_HASH_LEN);
    g_byte_array_append(bytes, header->case_row_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u64(bytes, header->log_index);
    return bytes;
}

GBytes *vault_case_key_seal(const VaultCaseKeyHeader *header, const CaseKey *key,
                            const ReaderPublicKey *reader, GError **error)
{
    g_autoptr(GByteArray) whole = format_header(header);
    const VaultSpan aad = {whole->data, whole->len};
    g_autoptr(GBytes) sealed =
        vault_reader_seal(reader, VAULT_CASE_KEY_PURPOSE, &aad, key->bytes, VAULT_KEY_LEN, error);

    if (sealed == NULL)
        return NULL;
    g_byte_array_append(whole, g_bytes_get_data(sealed, NULL), (guint)g_bytes_get_size(sealed));
    return g_byte_array_free_to_bytes(g_steal_pointer(&whole));
}

gboolean vault_case_key_header_parse(const void *sealed, gsize len, VaultCaseKeyHeader *ret_header,
                                     GError **error)
{
    VaultBytesReader reader;
    guint8 version;

    *ret_header = (VaultCaseKeyHeader){0};
    vault_bytes_reader_init(&reader, sealed, len);
    version = vault_bytes_read_u8(&reader);
    vault_bytes_read(&reader, ret_header->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, ret_header->grant_hash.bytes, VAULT_HASH_LEN);
    vault_bytes_read(&reader, ret_header->case_row_id.bytes, VAULT_ID_LEN);
    ret_header->log_index = vault_bytes_read_u64(&reader);
    if (reader.failed) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "case key: it is cut short");
        return FALSE;
    }
    if (version != VERSION) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                            "case key: its version is not known here");
        return FALSE;
    }
    if (len == VAULT_CASE_KEY_SEALED_LEN)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "case key: it has not the length of one");
    return FALSE;
}
