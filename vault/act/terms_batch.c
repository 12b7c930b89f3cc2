#include "vault/act/terms_batch.h"

#include "vault/base/bytes.h"
#include "vault/base/error.h"

gsize vault_terms_batch_len(const VaultTermsAddition *addition)
{
    return VAULT_ID_LEN + 2 + addition->copy_count * VAULT_ID_LEN + 4 + addition->terms_len;
}

void vault_terms_batch_append(GByteArray *batch, const VaultTermsAddition *addition)
{
    g_assert(addition->copy_count > 0 && addition->copy_count <= VAULT_TERMS_BATCH_COPIES_MAX);
    g_assert(addition->terms_len > 0 && addition->terms_len <= VAULT_TERMS_BATCH_LEN_MAX);
    g_byte_array_append(batch, addition->body_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u16(batch, (guint16)addition->copy_count);
    g_byte_array_append(batch, addition->copies->bytes,
                        (guint)(addition->copy_count * VAULT_ID_LEN));
    vault_bytes_append_u32(batch, (guint32)addition->terms_len);
    g_byte_array_append(batch, addition->terms, (guint)addition->terms_len);
}

static void read_addition(VaultBytesReader *reader, VaultTermsAddition *ret_addition)
{
    vault_bytes_read(reader, ret_addition->body_id.bytes, VAULT_ID_LEN);
    ret_addition->copy_count = vault_bytes_read_u16(reader);
    ret_addition->copies = (const RecordId *)(gconstpointer)vault_bytes_read_borrowed(
        reader, ret_addition->copy_count * VAULT_ID_LEN);
    ret_addition->terms_len = vault_bytes_read_u32(reader);
    ret_addition->terms = vault_bytes_read_borrowed(reader, ret_addition->terms_len);
}

static gboolean set_too_large(GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "terms are added for at most %d copies, in %u bytes, at once",
                VAULT_TERMS_BATCH_COPIES_MAX, VAULT_TERMS_BATCH_LEN_MAX);
    return FALSE;
}

static gboolean check_addition(const VaultBytesReader *reader, const VaultTermsAddition *addition,
                               gsize copy_count, GError **error)
{
    if (reader->failed || addition->copy_count == 0 || addition->terms_len == 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "terms to be added: cut short, or of no copy, or none");
        return FALSE;
    }
    return copy_count <= VAULT_TERMS_BATCH_COPIES_MAX || set_too_large(error);
}

GArray *vault_terms_batch_parse(const void *bytes, gsize len, GError **error)
{
    g_autoptr(GArray) additions = g_array_new(FALSE, FALSE, sizeof(VaultTermsAddition));
    VaultBytesReader reader;
    gsize copy_count = 0;

    if (len > VAULT_TERMS_BATCH_LEN_MAX) {
        set_too_large(error);
        return NULL;
    }
    vault_bytes_reader_init(&reader, bytes, len);
    while (reader.left > 0) {
        VaultTermsAddition addition = {.copy_count = 0};

        read_addition(&reader, &addition);
        copy_count += addition.copy_count;
        if (!check_addition(&reader, &addition, copy_count, error))
            return NULL;
        g_array_append_val(additions, addition);
    }
    return g_steal_pointer(&additions);
}
