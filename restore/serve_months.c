/* Months of a standing reader in the serve protocol: restore/serve_frame.h. */
#include "restore/serve_frame.h"
#include "vault/base/bytes.h"

#include <string.h>

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the other side does not keep to the protocol: %s", what);
    return FALSE;
}

void serve_months_append(GByteArray *payload, const ServeMonths *months)
{
    vault_bytes_append_u8(payload, months->position.is_set ? 1 : 0);
    g_byte_array_append(payload, months->position.mailbox_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, months->position.month_key_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u16(payload, months->max);
}

gboolean serve_months_parse(const guint8 *payload, gsize len, ServeMonths *ret_months,
                            GError **error)
{
    VaultBytesReader reader;
    guint8 is_set;

    vault_bytes_reader_init(&reader, payload, len);
    is_set = vault_bytes_read_u8(&reader);
    ret_months->position.is_set = is_set != 0;
    vault_bytes_read(&reader, ret_months->position.mailbox_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, ret_months->position.month_key_id.bytes, VAULT_ID_LEN);
    ret_months->max = vault_bytes_read_u16(&reader);
    if (is_set > 1 || ret_months->max < 1 || ret_months->max > VAULT_VIEW_MONTHS_COUNT_MAX ||
        !vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END))
        return set_malformed(error, "a list of months");
    return TRUE;
}

static void append_month(GByteArray *payload, const VaultMonthKeys *month)
{
    const VaultWrap *wrap = &g_array_index(month->wraps, VaultWrap, 0);

    g_byte_array_append(payload, month->mailbox_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(payload, month->month);
    g_byte_array_append(payload, month->keys.content.bytes, VAULT_KEY_LEN);
    g_byte_array_append(payload, month->keys.index.bytes, VAULT_KEY_LEN);
    vault_bytes_append_u8(payload, wrap->kind);
    g_byte_array_append(payload, wrap->key_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, wrap->enc, sizeof wrap->enc);
    g_byte_array_append(payload, wrap->ciphertext, sizeof wrap->ciphertext);
    vault_bytes_append_string16(payload, month->address);
}

void serve_months_answer_append(GByteArray *payload, const GPtrArray *page)
{
    vault_bytes_append_u16(payload, (guint16)page->len);
    for (guint i = 0; i < page->len; i++)
        append_month(payload, g_ptr_array_index(page, i));
}

static VaultMonthKeys *read_month(VaultBytesReader *reader)
{
    VaultMonthKeys *month = g_new0(VaultMonthKeys, 1);
    VaultWrap wrap;

    vault_bytes_read(reader, month->mailbox_id.bytes, VAULT_ID_LEN);
    month->month = vault_bytes_read_u32(reader);
    vault_bytes_read(reader, month->keys.content.bytes, VAULT_KEY_LEN);
    vault_bytes_read(reader, month->keys.index.bytes, VAULT_KEY_LEN);
    wrap.kind = vault_bytes_read_u8(reader);
    vault_bytes_read(reader, wrap.key_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, wrap.enc, sizeof wrap.enc);
    vault_bytes_read(reader, wrap.ciphertext, sizeof wrap.ciphertext);
    month->address = vault_bytes_read_string16(reader);
    month->month_key_id = vault_month_key_id(&month->keys.content);
    month->wraps = g_array_new(FALSE, FALSE, sizeof(VaultWrap));
    g_array_append_val(month->wraps, wrap);
    return month;
}

/* A list that does not go forward would never end. */
static gboolean is_behind(const VaultReaderPosition *position, const VaultMonthKeys *month)
{
    int order = memcmp(&month->mailbox_id, &position->mailbox_id, VAULT_ID_LEN);

    return !position->is_set || order > 0 ||
           (order == 0 && memcmp(&month->month_key_id, &position->month_key_id, VAULT_ID_LEN) > 0);
}

static gboolean is_month(const VaultBytesReader *reader, const VaultMonthKeys *month)
{
    return !reader->failed && vault_month_is_valid(month->month) && month->address != NULL &&
           strlen(month->address) <= VAULT_ADDRESS_LEN_MAX;
}

gboolean serve_months_answer_parse(const guint8 *payload, gsize len,
                                   const VaultReaderPosition *after, gsize max, GPtrArray *page,
                                   GError **error)
{
    VaultReaderPosition position = *after;
    VaultBytesReader reader;
    guint count;

    vault_bytes_reader_init(&reader, payload, len);
    count = vault_bytes_read_u16(&reader);
    if (count > max)
        return set_malformed(error, "too many months");
    for (guint i = 0; i < count; i++) {
        VaultMonthKeys *month = read_month(&reader);

        g_ptr_array_add(page, month);
        if (!is_month(&reader, month))
            return set_malformed(error, "a month that is none");
        if (!is_behind(&position, month))
            return set_malformed(error, "months out of order");
        position = (VaultReaderPosition){TRUE, month->mailbox_id, month->month_key_id};
    }
    return vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) ||
           set_malformed(error, "a list of months");
}
