#include "vault/store/reader_value.h"

#include "vault/base/bytes.h"

#include <stdlib.h>

#define READER_VERSION 1

VaultReaderValue *vault_reader_value_new(void)
{
    VaultReaderValue *value = g_new0(VaultReaderValue, 1);

    value->mailboxes = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    return value;
}

void vault_reader_value_free(VaultReaderValue *value)
{
    if (value == NULL)
        return;
    g_free(value->name);
    g_free(value->case_id);
    g_array_unref(value->mailboxes);
    g_free(value);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

gboolean vault_reader_value_has_mailbox(const VaultReaderValue *value, const MailboxId *mailbox_id)
{
    return value->mailboxes->len == 0 ||
           bsearch(mailbox_id, value->mailboxes->data, value->mailboxes->len, sizeof *mailbox_id,
                   compare_ids) != NULL;
}

GByteArray *vault_reader_value_format(const VaultReaderValue *value)
{
    GByteArray *bytes = g_byte_array_new();

    g_assert(value->mailboxes->len <= VAULT_READER_MAILBOXES_MAX);
    vault_bytes_append_u8(bytes, READER_VERSION);
    g_byte_array_append(bytes, value->request_hash.bytes, VAULT_HASH_LEN);
    vault_bytes_append_u64(bytes, value->added_s);
    g_byte_array_append(bytes, value->key.bytes, VAULT_KEY_LEN);
    g_byte_array_append(bytes, value->signer.bytes, VAULT_KEY_LEN);
    vault_bytes_append_u64(bytes, value->from_s);
    vault_bytes_append_u64(bytes, value->to_s);
    vault_bytes_append_u64(bytes, value->expires_s);
    vault_bytes_append_string16(bytes, value->name);
    vault_bytes_append_string16(bytes, value->case_id);
    vault_bytes_append_u32(bytes, value->mailboxes->len);
    if (value->mailboxes->len > 0)
        g_byte_array_append(bytes, (const guint8 *)value->mailboxes->data,
                            value->mailboxes->len * VAULT_ID_LEN);
    return bytes;
}

static gboolean corrupt(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a standing reader of the keyring %s",
                what);
    return FALSE;
}

static gboolean is_text(const char *text, gsize len_max)
{
    return text != NULL && *text != '\0' && strlen(text) <= len_max;
}

static gboolean read_mailboxes(VaultBytesReader *reader, VaultReaderValue *value, GError **error)
{
    guint32 count = vault_bytes_read_u32(reader);

    if (count > VAULT_READER_MAILBOXES_MAX)
        return corrupt(error, "has too many mailboxes");
    for (guint32 i = 0; i < count; i++) {
        MailboxId id;

        vault_bytes_read(reader, id.bytes, VAULT_ID_LEN);
        if (i > 0 && compare_ids(&id, &g_array_index(value->mailboxes, MailboxId, i - 1)) <= 0)
            return corrupt(error, "has mailboxes that are out of order, or cut");
        g_array_append_val(value->mailboxes, id);
    }
    return TRUE;
}

VaultReaderValue *vault_reader_value_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(VaultReaderValue) value = vault_reader_value_new();
    VaultBytesReader reader;

    if (len > 0 && bytes[0] != READER_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "reader value of version %u: this program knows %u", bytes[0], READER_VERSION);
        return NULL;
    }
    vault_bytes_reader_init(&reader, bytes, len);
    vault_bytes_read_u8(&reader);
    vault_bytes_read(&reader, value->request_hash.bytes, VAULT_HASH_LEN);
    value->added_s = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, value->key.bytes, VAULT_KEY_LEN);
    vault_bytes_read(&reader, value->signer.bytes, VAULT_KEY_LEN);
    value->from_s = vault_bytes_read_u64(&reader);
    value->to_s = vault_bytes_read_u64(&reader);
    value->expires_s = vault_bytes_read_u64(&reader);
    value->name = vault_bytes_read_string16(&reader);
    value->case_id = vault_bytes_read_string16(&reader);
    if (!is_text(value->name, VAULT_READER_NAME_LEN_MAX) ||
        !is_text(value->case_id, VAULT_READER_CASE_LEN_MAX) || value->from_s >= value->to_s) {
        corrupt(error, "has no name, no case or no period");
        return NULL;
    }
    if (!read_mailboxes(&reader, value, error))
        return NULL;
    if (vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END))
        return g_steal_pointer(&value);
    corrupt(error, "has the wrong length");
    return NULL;
}
