#include "vault/crypto/terms_content.h"

#include "vault/base/bytes.h"
#include "vault/crypto/padding.h"

#define VERSION_BODY 1
#define VERSION_INLINE 2
#define INLINE_FIXED_LEN (1 + 1 + VAULT_ID_LEN + 4 + 4)

G_STATIC_ASSERT(INLINE_FIXED_LEN == 26);

static gsize inline_len(gsize frame_len)
{
    return (gsize)vault_padded_len(INLINE_FIXED_LEN + frame_len, VAULT_TERMS_INLINE_LEN_MIN);
}

static gboolean set_corrupt(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a terms copy %s", what);
    return FALSE;
}

static gboolean check_compression(const VaultTermsContent *content, GError **error)
{
    if (content->compression == VAULT_COMPRESSION_ZSTD)
        return TRUE;
    if (content->compression == VAULT_COMPRESSION_STORED)
        return content->frame_len == content->terms_len ||
               set_corrupt(error, "has not as many terms as it says");
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "terms are compressed in a way (%u) that this program does not know",
                content->compression);
    return FALSE;
}

static gboolean check_terms_len(guint64 len, GError **error)
{
    if (len <= VAULT_TERMS_LEN_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "the terms of a message are %" G_GUINT64_FORMAT " bytes, at most %u are kept", len,
                VAULT_TERMS_LEN_MAX);
    return FALSE;
}

static gboolean check_frame_len(gsize len, GError **error)
{
    if (len <= VAULT_TERMS_INLINE_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "a terms copy has a frame of %" G_GSIZE_FORMAT " bytes, at most %u", len,
                VAULT_TERMS_INLINE_MAX);
    return FALSE;
}

/* ---- format --------------------------------------------------------------------------------- */

static GByteArray *format_inline(const VaultTermsContent *content, GError **error)
{
    GByteArray *plaintext;
    gsize len;

    if (!check_frame_len(content->frame_len, error) || !check_compression(content, error))
        return NULL;
    len = inline_len(content->frame_len);
    /* Sized before it is filled: a growing array would leave copies of the terms behind. */
    plaintext = g_byte_array_sized_new((guint)len);
    vault_bytes_append_u8(plaintext, VERSION_INLINE);
    vault_bytes_append_u8(plaintext, content->compression);
    g_byte_array_append(plaintext, content->message_body_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(plaintext, content->terms_len);
    vault_bytes_append_u32(plaintext, (guint32)content->frame_len);
    if (content->frame_len > 0)
        g_byte_array_append(plaintext, content->frame, (guint)content->frame_len);
    g_byte_array_set_size(plaintext, (guint)len);
    memset(plaintext->data + INLINE_FIXED_LEN + content->frame_len, 0,
           len - INLINE_FIXED_LEN - content->frame_len);
    return plaintext;
}

/* The message stands where a copy has its salt. */
static GByteArray *format_body(const VaultTermsContent *content, GError **error)
{
    g_auto(VaultBodyReference) body = content->body;

    memset(&body.salt, 0, sizeof body.salt);
    memcpy(body.salt.bytes, content->message_body_id.bytes, VAULT_ID_LEN);
    return vault_copy_content_format(&body, NULL, 0, error);
}

GByteArray *vault_terms_content_format(const VaultTermsContent *content, GError **error)
{
    if (!check_terms_len(content->is_inline ? content->terms_len : content->body.message_len,
                         error))
        return NULL;
    return content->is_inline ? format_inline(content, error) : format_body(content, error);
}

/* ---- parse ---------------------------------------------------------------------------------- */

static gboolean are_zeros(const guint8 *bytes, gsize len)
{
    for (gsize i = 0; i < len; i++)
        if (bytes[i] != 0)
            return FALSE;
    return TRUE;
}

static gboolean parse_inline(const guint8 *plaintext, gsize len, VaultTermsContent *ret_content,
                             GError **error)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, plaintext, len);
    (void)vault_bytes_read_u8(&reader); /* version */
    ret_content->is_inline = TRUE;
    ret_content->compression = vault_bytes_read_u8(&reader);
    vault_bytes_read(&reader, ret_content->message_body_id.bytes, VAULT_ID_LEN);
    ret_content->terms_len = vault_bytes_read_u32(&reader);
    ret_content->frame_len = vault_bytes_read_u32(&reader);
    ret_content->frame = vault_bytes_read_borrowed(&reader, ret_content->frame_len);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MAY_FOLLOW))
        return set_corrupt(error, "ends too early");
    if (!check_terms_len(ret_content->terms_len, error) ||
        !check_frame_len(ret_content->frame_len, error) || !check_compression(ret_content, error))
        return FALSE;
    if (len != inline_len(ret_content->frame_len) || !are_zeros(reader.next, reader.left))
        return set_corrupt(error, "has another padding than its frame asks for");
    return TRUE;
}

static gboolean parse_body(const guint8 *plaintext, gsize len, VaultTermsContent *ret_content,
                           GError **error)
{
    VaultBodyReference *body = &ret_content->body;
    const guint8 *facts;
    gsize facts_len;

    if (!vault_copy_content_parse(plaintext, len, body, &facts, &facts_len, error))
        return FALSE;
    if (facts_len > 0 ||
        !are_zeros(body->salt.bytes + VAULT_ID_LEN, sizeof body->salt.bytes - VAULT_ID_LEN))
        return set_corrupt(error, "has facts or a salt");
    memcpy(ret_content->message_body_id.bytes, body->salt.bytes, VAULT_ID_LEN);
    memset(&body->salt, 0, sizeof body->salt);
    return check_terms_len(body->message_len, error);
}

gboolean vault_terms_content_parse(const guint8 *plaintext, gsize len,
                                   VaultTermsContent *ret_content, GError **error)
{
    memset(ret_content, 0, sizeof *ret_content);
    if (len == 0)
        return set_corrupt(error, "is empty");
    switch (plaintext[0]) {
    case VERSION_BODY:
        return parse_body(plaintext, len, ret_content, error);
    case VERSION_INLINE:
        return parse_inline(plaintext, len, ret_content, error);
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "a terms copy of version %u: a later program wrote it", plaintext[0]);
    return FALSE;
}
