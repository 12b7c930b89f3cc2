#include "vault/crypto/copy_content.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/value.h"

#define VERSION 1
#define FIXED_LEN (1 + 1 + VAULT_KEY_LEN + VAULT_ID_LEN + VAULT_HASH_LEN + 8 + 8 + VAULT_KEY_LEN)
#define FACT_HEAD_LEN (2 + 4)
#define NO_FACT 0 /* type that begins the zeros */

G_STATIC_ASSERT(FIXED_LEN == 130);

static gsize padded_len(gsize len)
{
    gsize rounded = (len + VAULT_COPY_PADDING - 1) / VAULT_COPY_PADDING * VAULT_COPY_PADDING;

    return MAX(rounded, VAULT_COPY_LEN_MIN);
}

void vault_fact_append(GByteArray *facts, VaultFact type, const void *value, gsize len)
{
    g_assert(type != NO_FACT && len <= VAULT_COPY_FACTS_LEN_MAX);
    vault_bytes_append_u16(facts, (guint16)type);
    vault_bytes_append_u32(facts, (guint32)len);
    if (len > 0)
        g_byte_array_append(facts, value, (guint)len);
}

gboolean vault_fact_next(const guint8 *facts, gsize len, gsize *offset, guint16 *ret_type,
                         const guint8 **ret_value, gsize *ret_len)
{
    VaultBytesReader reader;
    guint16 type;
    gsize value_len;
    const guint8 *value;

    if (*offset >= len)
        return FALSE;
    vault_bytes_reader_init(&reader, facts + *offset, len - *offset);
    type = vault_bytes_read_u16(&reader);
    value_len = vault_bytes_read_u32(&reader);
    value = vault_bytes_read_borrowed(&reader, value_len);
    if (reader.failed || type == NO_FACT)
        return FALSE;
    *offset += FACT_HEAD_LEN + value_len;
    *ret_type = type;
    *ret_value = value;
    *ret_len = value_len;
    return TRUE;
}

/* Where the last whole fact ends. */
static gsize facts_end(const guint8 *facts, gsize len)
{
    gsize end = 0;
    guint16 type;
    const guint8 *value;
    gsize value_len;

    while (vault_fact_next(facts, len, &end, &type, &value, &value_len))
        ;
    return end;
}

static gboolean check_compression(guint8 compression, GError **error)
{
    if (compression == VAULT_COMPRESSION_ZSTD)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "a copy's body is compressed in a way (%u) that this program does not know",
                compression);
    return FALSE;
}

GByteArray *vault_copy_content_format(const VaultBodyReference *body, const guint8 *facts,
                                      gsize facts_len, GError **error)
{
    GByteArray *content;
    gsize len;

    if (!check_compression(body->compression, error))
        return NULL;
    if (facts_len > VAULT_COPY_FACTS_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "the facts of a copy are %" G_GSIZE_FORMAT " bytes, at most %u are stored",
                    facts_len, VAULT_COPY_FACTS_LEN_MAX);
        return NULL;
    }
    g_assert(facts_end(facts, facts_len) == facts_len);
    len = padded_len(FIXED_LEN + facts_len);
    /* Sized before it is filled: a growing array would leave copies of the key behind. */
    content = g_byte_array_sized_new((guint)len);
    vault_bytes_append_u8(content, VERSION);
    vault_bytes_append_u8(content, body->compression);
    g_byte_array_append(content, body->key.bytes, sizeof body->key.bytes);
    g_byte_array_append(content, body->body_id.bytes, sizeof body->body_id.bytes);
    g_byte_array_append(content, body->body_hash.bytes, sizeof body->body_hash.bytes);
    vault_bytes_append_u64(content, body->message_len);
    vault_bytes_append_u64(content, body->compressed_len);
    g_byte_array_append(content, body->salt.bytes, sizeof body->salt.bytes);
    if (facts_len > 0)
        g_byte_array_append(content, facts, (guint)facts_len);
    g_byte_array_set_size(content, (guint)len);
    memset(content->data + FIXED_LEN + facts_len, 0, len - FIXED_LEN - facts_len);
    return content;
}

static gboolean set_corrupt(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a copy %s", what);
    return FALSE;
}

static gboolean parse_facts(const guint8 *facts, gsize len, gsize *ret_facts_len, GError **error)
{
    gsize end = facts_end(facts, len);

    for (gsize i = end; i < len; i++) {
        if (facts[i] != 0)
            return set_corrupt(error, "has a fact that goes past its end");
    }
    if (end > VAULT_COPY_FACTS_LEN_MAX || padded_len(FIXED_LEN + end) != FIXED_LEN + len)
        return set_corrupt(error, "has another length than its facts ask for");
    *ret_facts_len = end;
    return TRUE;
}

gboolean vault_copy_content_parse(const guint8 *plaintext, gsize len, VaultBodyReference *ret_body,
                                  const guint8 **ret_facts, gsize *ret_facts_len, GError **error)
{
    VaultBytesReader reader;
    guint8 version;

    if (len > VAULT_COPY_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a copy is %" G_GSIZE_FORMAT " bytes, at most %u are read", len,
                    VAULT_COPY_LEN_MAX);
        return FALSE;
    }
    vault_bytes_reader_init(&reader, plaintext, len);
    version = vault_bytes_read_u8(&reader);
    ret_body->compression = vault_bytes_read_u8(&reader);
    vault_bytes_read(&reader, ret_body->key.bytes, sizeof ret_body->key.bytes);
    vault_bytes_read(&reader, ret_body->body_id.bytes, sizeof ret_body->body_id.bytes);
    vault_bytes_read(&reader, ret_body->body_hash.bytes, sizeof ret_body->body_hash.bytes);
    ret_body->message_len = vault_bytes_read_u64(&reader);
    ret_body->compressed_len = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret_body->salt.bytes, sizeof ret_body->salt.bytes);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MAY_FOLLOW))
        return set_corrupt(error, "ends too early");
    if (version != VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "a copy of version %u: a later program wrote it", version);
        return FALSE;
    }
    if (!check_compression(ret_body->compression, error))
        return FALSE;
    *ret_facts = reader.next;
    return parse_facts(reader.next, reader.left, ret_facts_len, error);
}

void vault_message_commitment(const BodySalt *salt, const VaultHash *message_hash,
                              guint8 ret_commitment[VAULT_HASH_LEN])
{
    VaultSpan spans[] = {VAULT_SPAN(salt->bytes), VAULT_SPAN(message_hash->bytes)};
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    memcpy(ret_commitment, hash.bytes, VAULT_HASH_LEN);
}
