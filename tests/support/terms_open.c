#include "tests/support/terms_open.h"

#include "vault/crypto/stream.h"
#include "vault/crypto/value.h"
#include "vault/store/record.h"

#include <string.h>
#include <zstd.h>

#define CHUNK_LEN (VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN)

GByteArray *support_open_terms_copy(const SupportTermsKey *key, GBytes *record, GError **error)
{
    gsize len;
    const guint8 *bytes = g_bytes_get_data(record, &len);
    VaultIndexContext context = {key->vault_id, key->month_key_id};
    VaultIndexRecord place = {.slot = &key->slot};
    g_auto(VaultIndexSession) session = {.step = 0};
    GByteArray *plaintext;
    VaultRecordHeader header;
    VaultSpan clear = {.bytes = bytes};

    g_assert(vault_record_header_parse(bytes, len, &header, NULL));
    g_assert(header.kind == VAULT_RECORD_TERMS_COPY);
    g_assert(header.ciphertext_len >= VAULT_INDEX_OVERHEAD_LEN);
    place.record_id = header.record_id;
    memcpy(place.salt, header.by_kind, sizeof place.salt);
    clear.len = header.header_len - VAULT_RECORD_CRC_LEN;
    plaintext = g_byte_array_new();
    g_byte_array_set_size(plaintext, (guint)(header.ciphertext_len - VAULT_INDEX_OVERHEAD_LEN));
    if (vault_index_session_open(&key->secret, &key->public_key, &context, key->enc, &session,
                                 error) &&
        vault_index_open(&session, key->step, &place, &clear, bytes + header.header_len,
                         header.ciphertext_len, plaintext->data, error))
        return plaintext;
    vault_value_free(plaintext);
    return NULL;
}

static GByteArray *decompress(const guint8 *frame, gsize len, gsize terms_len)
{
    GByteArray *terms = g_byte_array_new();
    gsize found_len;

    g_byte_array_set_size(terms, (guint)terms_len + 1);
    found_len = ZSTD_decompress(terms->data, terms->len, frame, len);
    g_assert(!ZSTD_isError(found_len) && found_len == terms_len);
    g_byte_array_set_size(terms, (guint)terms_len);
    return terms;
}

static void check_record_hash(const guint8 *bytes, const VaultRecordHeader *header,
                              const VaultHash *expected)
{
    VaultHash ciphertext_hash, hash;

    vault_hash(bytes + header->header_len, header->ciphertext_len, &ciphertext_hash);
    vault_record_hash(bytes, header->header_len, &ciphertext_hash, &hash);
    g_assert(vault_hash_equal(&hash, expected));
}

/* All chunks of a terms body: the frame and its zeros. */
static GByteArray *open_chunks(const VaultBodyReference *body, const guint8 *ciphertext, gsize len)
{
    GByteArray *padded = g_byte_array_new();
    VaultStreamParameters parameters = {.key = &body->key,
                                        .record_id = body->body_id,
                                        .suite = VAULT_SUITE_X25519,
                                        .kind = VAULT_RECORD_TERMS_BODY};
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN], chunk[VAULT_STREAM_CHUNK_LEN];
    g_autoptr(VaultStream) stream = vault_stream_new(&parameters, commitment);

    g_assert(memcmp(commitment, ciphertext, sizeof commitment) == 0);
    for (gsize at = sizeof commitment; at < len; at += CHUNK_LEN) {
        gsize chunk_len = MIN(len - at, CHUNK_LEN);

        g_assert(vault_stream_open(stream, ciphertext + at, chunk_len,
                                   at + chunk_len == len ? VAULT_STREAM_LAST : VAULT_STREAM_MORE,
                                   chunk, NULL));
        g_byte_array_append(padded, chunk, (guint)(chunk_len - VAULT_STREAM_TAG_LEN));
    }
    return padded;
}

static GByteArray *open_body(const VaultBodyReference *body, const VaultRecordSource *records)
{
    g_autoptr(GBytes) record = records->fetch(records->user, &body->body_id, G_MAXINT, NULL);
    g_autoptr(GByteArray) padded = NULL;
    VaultRecordHeader header;
    const guint8 *bytes;
    gsize len;

    g_assert(record != NULL);
    bytes = g_bytes_get_data(record, &len);
    g_assert(vault_record_header_parse(bytes, len, &header, NULL));
    g_assert(header.kind == VAULT_RECORD_TERMS_BODY);
    check_record_hash(bytes, &header, &body->body_hash);
    padded = open_chunks(body, bytes + header.header_len, header.ciphertext_len);
    g_assert(padded->len == vault_padded_len(body->compressed_len, VAULT_TERMS_PADDING_FLOOR));
    return decompress(padded->data, body->compressed_len, body->message_len);
}

GByteArray *support_open_terms(const SupportTermsKey *key, GBytes *record,
                               const VaultRecordSource *records, GError **error)
{
    GByteArray *plaintext = support_open_terms_copy(key, record, error);
    g_auto(VaultTermsContent) content = {.is_inline = FALSE};
    GByteArray *terms;

    if (plaintext == NULL)
        return NULL;
    g_assert(vault_terms_content_parse(plaintext->data, plaintext->len, &content, NULL));
    if (!content.is_inline)
        terms = open_body(&content.body, records);
    else if (content.compression == VAULT_COMPRESSION_STORED)
        terms = g_byte_array_append(g_byte_array_new(), content.frame, (guint)content.frame_len);
    else
        terms = decompress(content.frame, content.frame_len, content.terms_len);
    vault_value_free(plaintext);
    return terms;
}
