#include "vault/crypto/copy_content.h"

#include "vault/base/bytes.h"

#include <string.h>

#define CONTENT_MULTIPLE 128
#define CONTENT_LEN_MIN 256
#define FIXED_LEN (VAULT_KEY_LEN + VAULT_ID_LEN + VAULT_HASH_LEN + 8 + 8 + 1 + VAULT_KEY_LEN + 4)
#define FACT_HEADER_LEN 6

void vault_fact_append(GByteArray *facts, VaultFact type, const void *value, gsize len)
{
    g_assert(len <= G_MAXUINT32);
    vault_bytes_append_u16(facts, (guint16)type);
    vault_bytes_append_u32(facts, (guint32)len);
    g_byte_array_append(facts, value, (guint)len);
}

gboolean vault_fact_next(const guint8 *facts, gsize len, gsize *offset, guint16 *ret_type,
                         const guint8 **ret_value, gsize *ret_len)
{
    VaultBytesReader reader;

    if (*offset >= len)
        return FALSE;
    vault_bytes_reader_init(&reader, facts + *offset, len - *offset);
    *ret_type = vault_bytes_read_u16(&reader);
    *ret_len = vault_bytes_read_u32(&reader);
    *ret_value = vault_bytes_read_borrowed(&reader, *ret_len);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MAY_FOLLOW))
        return FALSE;
    *offset += FACT_HEADER_LEN + *ret_len;
    return TRUE;
}

GByteArray *vault_copy_content_format(const VaultBodyReference *body, const guint8 *facts,
                                      gsize facts_len, GError **error)
{
    gsize len, padded;
    GByteArray *content;

    if (facts_len > VAULT_COPY_FACTS_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "the facts of a copy have %" G_GSIZE_FORMAT " bytes, at most %u are kept",
                    facts_len, VAULT_COPY_FACTS_LEN_MAX);
        return NULL;
    }
    len = FIXED_LEN + facts_len;
    padded =
        MAX(CONTENT_LEN_MIN, (len + CONTENT_MULTIPLE - 1) / CONTENT_MULTIPLE * CONTENT_MULTIPLE);
    /* Sized at once: growing would leave the body key behind in freed memory. */
    content = g_byte_array_sized_new((guint)padded);
    g_byte_array_append(content, body->key.bytes, VAULT_KEY_LEN);
    g_byte_array_append(content, body->body_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(content, body->body_hash.bytes, VAULT_HASH_LEN);
    vault_bytes_append_u64(content, body->message_len);
    vault_bytes_append_u64(content, body->compressed_len);
    vault_bytes_append_u8(content, body->compression);
    g_byte_array_append(content, body->salt.bytes, VAULT_KEY_LEN);
    vault_bytes_append_u32(content, (guint32)facts_len);
    if (facts_len > 0)
        g_byte_array_append(content, facts, (guint)facts_len);
    g_byte_array_set_size(content, (guint)padded);
    memset(content->data + len, 0, padded - len);
    return content;
}

static gboolean is_zeros(const guint8 *bytes, gsize len)
{
    guint8 any = 0;

    for (gsize i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

static gboolean are_facts(const guint8 *facts, gsize len)
{
    gsize offset = 0, value_len;
    const guint8 *value;
    guint16 type;

    while (vault_fact_next(facts, len, &offset, &type, &value, &value_len))
        continue;
    return offset == len;
}

gboolean vault_copy_content_parse(const guint8 *plaintext, gsize len, VaultBodyReference *ret_body,
                                  const guint8 **ret_facts, gsize *ret_facts_len, GError **error)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, plaintext, len);
    vault_bytes_read(&reader, ret_body->key.bytes, VAULT_KEY_LEN);
    vault_bytes_read(&reader, ret_body->body_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, ret_body->body_hash.bytes, VAULT_HASH_LEN);
    ret_body->message_len = vault_bytes_read_u64(&reader);
    ret_body->compressed_len = vault_bytes_read_u64(&reader);
    ret_body->compression = vault_bytes_read_u8(&reader);
    vault_bytes_read(&reader, ret_body->salt.bytes, VAULT_KEY_LEN);
    *ret_facts_len = vault_bytes_read_u32(&reader);
    *ret_facts = vault_bytes_read_borrowed(&reader, *ret_facts_len);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MAY_FOLLOW) ||
        *ret_facts_len > VAULT_COPY_FACTS_LEN_MAX || !are_facts(*ret_facts, *ret_facts_len) ||
        len < CONTENT_LEN_MIN || len % CONTENT_MULTIPLE != 0 ||
        (len > CONTENT_LEN_MIN && reader.left >= CONTENT_MULTIPLE) ||
        !is_zeros(reader.next, reader.left)) {
        vault_body_reference_wipe(ret_body);
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "the content of a copy record is malformed");
        return FALSE;
    }
    if (ret_body->compression == VAULT_COMPRESSION_ZSTD)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "a copy's body has compression %u, which this program does not know: update it",
                ret_body->compression);
    vault_body_reference_wipe(ret_body);
    return FALSE;
}

void vault_message_commitment(const BodySalt *salt, const VaultHash *message_hash,
                              guint8 ret_commitment[VAULT_HASH_LEN])
{
    VaultSpan spans[] = {{salt->bytes, VAULT_KEY_LEN}, {message_hash->bytes, VAULT_HASH_LEN}};
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    memcpy(ret_commitment, hash.bytes, VAULT_HASH_LEN);
}
