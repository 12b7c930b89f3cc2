#include "vault/store/case_value.h"

#include "vault/base/bytes.h"

#include <stdlib.h>

#define CASE_VERSION 1
#define ID_LABEL "muniment case"

VaultCaseValue *vault_case_value_new(void)
{
    VaultCaseValue *value = g_new0(VaultCaseValue, 1);

    value->mailboxes = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    value->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    return value;
}

void vault_case_value_free(VaultCaseValue *value)
{
    if (value == NULL)
        return;
    case_key_wipe(&value->key);
    g_free(value->case_id);
    g_free(value->reader);
    g_array_unref(value->mailboxes);
    g_array_unref(value->messages);
    g_free(value);
}

/* ---- format ---------------------------------------------------------------------------------- */

static void append_ids(GByteArray *bytes, const GArray *ids)
{
    vault_bytes_append_u32(bytes, ids->len);
    if (ids->len > 0)
        g_byte_array_append(bytes, (const guint8 *)ids->data, ids->len * VAULT_ID_LEN);
}

/* Whose it is, and of what. */
static void append_scope(GByteArray *bytes, const VaultCaseValue *value)
{
    g_byte_array_append(bytes, value->reader_key.bytes, VAULT_KEY_LEN);
    vault_bytes_append_u64(bytes, value->from_s);
    vault_bytes_append_u64(bytes, value->to_s);
    vault_bytes_append_string16(bytes, value->case_id);
    append_ids(bytes, value->mailboxes);
    append_ids(bytes, value->messages);
}

RowId vault_case_value_id(const VaultCaseValue *value, const VaultId *vault_id)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VaultHash hash;
    RowId id;

    g_byte_array_append(bytes, (const guint8 *)ID_LABEL, sizeof ID_LABEL - 1);
    g_byte_array_append(bytes, vault_id->bytes, VAULT_ID_LEN);
    append_scope(bytes, value);
    vault_hash(bytes->data, bytes->len, &hash);
    memcpy(id.bytes, hash.bytes, VAULT_ID_LEN);
    return id;
}

GByteArray *vault_case_value_format(const VaultCaseValue *value)
{
    g_autoptr(GByteArray) clear = g_byte_array_new();
    GByteArray *bytes;

    g_assert(value->mailboxes->len <= VAULT_CASE_MAILBOXES_MAX);
    g_assert(value->messages->len <= VAULT_CASE_MESSAGES_MAX);
    vault_bytes_append_u8(clear, CASE_VERSION);
    vault_bytes_append_u64(clear, value->made_s);
    vault_bytes_append_string16(clear, value->reader);
    append_scope(clear, value);
    /* Sized before the key goes in: a growing array would leave a copy of it behind. */
    bytes = g_byte_array_sized_new(clear->len + VAULT_KEY_LEN);
    g_byte_array_append(bytes, clear->data, clear->len);
    g_byte_array_append(bytes, value->key.bytes, VAULT_KEY_LEN);
    return bytes;
}

/* ---- parse ----------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

static gboolean is_text(const char *text, gsize len_max)
{
    return text != NULL && *text != '\0' && strlen(text) <= len_max;
}

static gboolean read_ids(VaultBytesReader *reader, guint32 max, GArray *ids)
{
    guint32 count = vault_bytes_read_u32(reader);
    const guint8 *bytes =
        count > max ? NULL : vault_bytes_read_borrowed(reader, (gsize)count * VAULT_ID_LEN);

    if (bytes == NULL)
        return FALSE;
    for (guint32 i = 1; i < count; i++)
        if (compare_ids(bytes + (i - 1) * VAULT_ID_LEN, bytes + i * VAULT_ID_LEN) >= 0)
            return FALSE;
    if (count > 0)
        g_array_append_vals(ids, bytes, count);
    return TRUE;
}

static gboolean read_value(VaultBytesReader *reader, VaultCaseValue *value)
{
    value->made_s = vault_bytes_read_u64(reader);
    value->reader = vault_bytes_read_string16(reader);
    vault_bytes_read(reader, value->reader_key.bytes, VAULT_KEY_LEN);
    value->from_s = vault_bytes_read_u64(reader);
    value->to_s = vault_bytes_read_u64(reader);
    value->case_id = vault_bytes_read_string16(reader);
    if (!is_text(value->reader, VAULT_CASE_READER_LEN_MAX) ||
        !is_text(value->case_id, VAULT_CASE_ID_LEN_MAX) || value->from_s >= value->to_s ||
        !read_ids(reader, VAULT_CASE_MAILBOXES_MAX, value->mailboxes) ||
        !read_ids(reader, VAULT_CASE_MESSAGES_MAX, value->messages))
        return FALSE;
    vault_bytes_read(reader, value->key.bytes, VAULT_KEY_LEN);
    return vault_bytes_reader_finish(reader, VAULT_BYTES_MUST_END);
}

VaultCaseValue *vault_case_value_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(VaultCaseValue) value = vault_case_value_new();
    VaultBytesReader reader;

    if (len > 0 && bytes[0] != CASE_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "case value of version %u: this program knows %u", bytes[0], CASE_VERSION);
        return NULL;
    }
    vault_bytes_reader_init(&reader, bytes, len);
    vault_bytes_read_u8(&reader);
    if (read_value(&reader, value))
        return g_steal_pointer(&value);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "a case of the keyring has an impossible form");
    return NULL;
}

/* ---- scope ----------------------------------------------------------------------------------- */

static gboolean names(const GArray *ids, const void *id)
{
    return ids->len == 0 || bsearch(id, ids->data, ids->len, VAULT_ID_LEN, compare_ids) != NULL;
}

gboolean vault_case_value_covers(const VaultCaseValue *value, const MailboxId *mailbox_id,
                                 const RecordId *archive_id, guint64 received_s)
{
    return received_s >= value->from_s && received_s < value->to_s &&
           names(value->mailboxes, mailbox_id) && names(value->messages, archive_id);
}

gboolean vault_case_value_touches(const VaultCaseValue *value, const MailboxId *mailbox_id,
                                  VaultMonth month)
{
    return vault_month_overlaps(month, value->from_s, value->to_s) &&
           names(value->mailboxes, mailbox_id);
}
