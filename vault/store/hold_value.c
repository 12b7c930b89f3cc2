#include "vault/store/hold_value.h"

#include "vault/base/bytes.h"
#include "vault/crypto/month.h"

#define HOLD_VERSION 1

VaultHoldValue *vault_hold_value_new(void)
{
    VaultHoldValue *value = g_new0(VaultHoldValue, 1);

    vault_random(value->hold_id.bytes, VAULT_ID_LEN);
    value->removed_reason = g_strdup("");
    value->addresses = g_ptr_array_new_with_free_func(g_free);
    value->domains = g_ptr_array_new_with_free_func(g_free);
    value->mailboxes = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    value->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    return value;
}

void vault_hold_value_free(VaultHoldValue *value)
{
    if (value == NULL)
        return;
    g_free(value->case_id);
    g_free(value->reason);
    g_free(value->removed_reason);
    g_ptr_array_unref(value->addresses);
    g_ptr_array_unref(value->domains);
    g_array_unref(value->mailboxes);
    g_array_unref(value->messages);
    g_free(value);
}

guint64 vault_hold_value_end_s(const VaultHoldValue *value)
{
    guint64 until_s = value->until_s != 0 ? value->until_s : G_MAXUINT64;

    return value->removed_s != 0 ? MIN(value->removed_s, until_s) : until_s;
}

/* ---- format --------------------------------------------------------------------------------- */

static void append_texts(GByteArray *bytes, const GPtrArray *texts)
{
    vault_bytes_append_u32(bytes, texts->len);
    for (guint i = 0; i < texts->len; i++)
        vault_bytes_append_string16(bytes, g_ptr_array_index(texts, i));
}

static void append_ids(GByteArray *bytes, const GArray *ids)
{
    vault_bytes_append_u32(bytes, ids->len);
    g_byte_array_append(bytes, (const guint8 *)ids->data, ids->len * VAULT_ID_LEN);
}

GByteArray *vault_hold_value_format(const VaultHoldValue *value)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, HOLD_VERSION);
    vault_bytes_append_u64(bytes, value->created_s);
    vault_bytes_append_u64(bytes, value->from_s);
    vault_bytes_append_u64(bytes, value->to_s);
    vault_bytes_append_u64(bytes, value->until_s);
    vault_bytes_append_u64(bytes, value->removed_s);
    vault_bytes_append_string16(bytes, value->case_id);
    vault_bytes_append_string16(bytes, value->reason);
    vault_bytes_append_string16(bytes, value->removed_reason);
    vault_bytes_append_u8(bytes, value->is_all ? 1 : 0);
    append_texts(bytes, value->addresses);
    append_texts(bytes, value->domains);
    append_ids(bytes, value->mailboxes);
    append_ids(bytes, value->messages);
    return bytes;
}

/* ---- parse ---------------------------------------------------------------------------------- */

static gboolean corrupt(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a hold of the keyring %s", what);
    return FALSE;
}

static gboolean parse_texts(VaultBytesReader *reader, guint32 max, GPtrArray *texts)
{
    guint32 count = vault_bytes_read_u32(reader);

    if (count > max)
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        char *text = vault_bytes_read_string16(reader);

        if (text == NULL)
            return FALSE;
        g_ptr_array_add(texts, text);
        if (text[0] == '\0' || strlen(text) > VAULT_ADDRESS_LEN_MAX)
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_ids(VaultBytesReader *reader, guint32 max, GArray *ids)
{
    guint32 count = vault_bytes_read_u32(reader);
    const guint8 *bytes;

    if (count > max)
        return FALSE;
    bytes = vault_bytes_read_borrowed(reader, (gsize)count * VAULT_ID_LEN);
    if (bytes == NULL)
        return FALSE;
    if (count > 0)
        g_array_append_vals(ids, bytes, count);
    return TRUE;
}

static gboolean parse_reasons(VaultBytesReader *reader, VaultHoldValue *value)
{
    g_clear_pointer(&value->removed_reason, g_free);
    value->case_id = vault_bytes_read_string16(reader);
    value->reason = vault_bytes_read_string16(reader);
    value->removed_reason = vault_bytes_read_string16(reader);
    if (value->case_id == NULL || value->reason == NULL || value->removed_reason == NULL)
        return FALSE;
    return value->case_id[0] != '\0' && strlen(value->case_id) <= VAULT_HOLD_CASE_LEN_MAX &&
           value->reason[0] != '\0' && strlen(value->reason) <= VAULT_HOLD_REASON_LEN_MAX &&
           strlen(value->removed_reason) <= VAULT_HOLD_REASON_LEN_MAX;
}

static gboolean parse_scope(VaultBytesReader *reader, VaultHoldValue *value)
{
    guint8 is_all = vault_bytes_read_u8(reader);

    value->is_all = is_all == 1;
    return is_all <= 1 && parse_texts(reader, VAULT_HOLD_ADDRESSES_MAX, value->addresses) &&
           parse_texts(reader, VAULT_HOLD_DOMAINS_MAX, value->domains) &&
           parse_ids(reader, VAULT_HOLD_MAILBOXES_MAX, value->mailboxes) &&
           parse_ids(reader, VAULT_HOLD_MESSAGES_MAX, value->messages);
}

/* What has to hold between the fields. */
static gboolean check(const VaultHoldValue *value, GError **error)
{
    gboolean names_mailboxes =
        value->addresses->len > 0 || value->domains->len > 0 || value->mailboxes->len > 0;

    if (value->is_all == names_mailboxes)
        return corrupt(error, "covers no mailbox, or all and some");
    if (value->to_s != 0 && value->to_s <= value->from_s)
        return corrupt(error, "covers no time");
    if ((value->removed_s == 0) != (value->removed_reason[0] == '\0'))
        return corrupt(error, "was removed without a reason, or has one and was not");
    return TRUE;
}

VaultHoldValue *vault_hold_value_parse(const RowId *hold_id, const guint8 *bytes, gsize len,
                                       GError **error)
{
    g_autoptr(VaultHoldValue) value = vault_hold_value_new();
    VaultBytesReader reader;
    guint8 version;

    value->hold_id = *hold_id;
    vault_bytes_reader_init(&reader, bytes, len);
    version = vault_bytes_read_u8(&reader);
    if (len > 0 && version != HOLD_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "hold of version %u: this program knows %u", version, HOLD_VERSION);
        return NULL;
    }
    value->created_s = vault_bytes_read_u64(&reader);
    value->from_s = vault_bytes_read_u64(&reader);
    value->to_s = vault_bytes_read_u64(&reader);
    value->until_s = vault_bytes_read_u64(&reader);
    value->removed_s = vault_bytes_read_u64(&reader);
    if (!parse_reasons(&reader, value) || !parse_scope(&reader, value) ||
        !vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END)) {
        corrupt(error, "has the wrong length or an impossible field");
        return NULL;
    }
    return check(value, error) ? g_steal_pointer(&value) : NULL;
}
