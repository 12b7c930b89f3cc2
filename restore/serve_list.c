/* Lists in the serve protocol: restore/serve_frame.h. */
#include "restore/serve_frame.h"
#include "vault/base/bytes.h"

#include <string.h>

#define ENTRY_LEN 96

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the other side does not keep to the protocol: %s", what);
    return FALSE;
}

static void append_ids(GByteArray *payload, const void *ids, gsize count)
{
    vault_bytes_append_u16(payload, (guint16)count);
    if (count > 0)
        g_byte_array_append(payload, ids, (guint)(count * VAULT_ID_LEN));
}

/* Borrowed; NULL when there are none, or too many of them. */
static gconstpointer read_ids(VaultBytesReader *reader, gsize *ret_count)
{
    *ret_count = vault_bytes_read_u16(reader);
    return *ret_count == 0 ? NULL : vault_bytes_read_borrowed(reader, *ret_count * VAULT_ID_LEN);
}

void serve_list_append(GByteArray *payload, const ServeList *list)
{
    vault_bytes_append_u8(payload, list->position.is_set ? 1 : 0);
    vault_bytes_append_u64(payload, list->position.received_s);
    g_byte_array_append(payload, list->position.record_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u64(payload, list->filter.from_s);
    vault_bytes_append_u64(payload, list->filter.to_s);
    vault_bytes_append_u16(payload, list->max);
    append_ids(payload, list->filter.mailboxes, list->filter.mailbox_count);
    append_ids(payload, list->filter.messages, list->filter.message_count);
}

gboolean serve_list_parse(const guint8 *payload, gsize len, ServeList *ret_list, GError **error)
{
    VaultViewFilter *filter = &ret_list->filter;
    VaultBytesReader reader;
    guint8 is_set;

    vault_bytes_reader_init(&reader, payload, len);
    is_set = vault_bytes_read_u8(&reader);
    ret_list->position.is_set = is_set != 0;
    ret_list->position.received_s = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret_list->position.record_id.bytes, VAULT_ID_LEN);
    filter->from_s = vault_bytes_read_u64(&reader);
    filter->to_s = vault_bytes_read_u64(&reader);
    ret_list->max = vault_bytes_read_u16(&reader);
    filter->mailboxes = read_ids(&reader, &filter->mailbox_count);
    filter->messages = read_ids(&reader, &filter->message_count);
    if (is_set > 1 || ret_list->max < 1 || ret_list->max > VAULT_VIEW_PAGE_COUNT_MAX ||
        filter->mailbox_count > VAULT_VIEW_FILTER_COUNT_MAX ||
        filter->message_count > VAULT_VIEW_FILTER_COUNT_MAX ||
        !vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END))
        return set_malformed(error, "a list");
    return TRUE;
}

static void append_entry(GByteArray *payload, const VaultCopyEntry *entry)
{
    g_byte_array_append(payload, entry->record_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, entry->body_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, entry->mailbox_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, entry->month_key_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(payload, entry->leaf);
    vault_bytes_append_u32(payload, entry->flags);
    vault_bytes_append_u64(payload, entry->received_s);
    vault_bytes_append_u64(payload, entry->copy_len);
    vault_bytes_append_u64(payload, entry->body_len);
}

static void read_entry(VaultBytesReader *reader, VaultCopyEntry *ret_entry)
{
    vault_bytes_read(reader, ret_entry->record_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, ret_entry->body_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, ret_entry->mailbox_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, ret_entry->month_key_id.bytes, VAULT_ID_LEN);
    ret_entry->leaf = vault_bytes_read_u32(reader);
    ret_entry->flags = vault_bytes_read_u32(reader);
    ret_entry->received_s = vault_bytes_read_u64(reader);
    ret_entry->copy_len = vault_bytes_read_u64(reader);
    ret_entry->body_len = vault_bytes_read_u64(reader);
}

void serve_list_answer_append(GByteArray *payload, const GArray *page)
{
    vault_bytes_append_u16(payload, (guint16)page->len);
    for (guint i = 0; i < page->len; i++)
        append_entry(payload, &g_array_index(page, VaultCopyEntry, i));
}

/* A list that does not go forward would never end. */
static gboolean is_behind(const VaultViewPosition *position, const VaultCopyEntry *entry)
{
    return !position->is_set || entry->received_s > position->received_s ||
           (entry->received_s == position->received_s &&
            memcmp(&entry->record_id, &position->record_id, VAULT_ID_LEN) > 0);
}

gboolean serve_list_answer_parse(const guint8 *payload, gsize len, const VaultViewPosition *after,
                                 gsize max, GArray *page, GError **error)
{
    VaultViewPosition position = *after;
    VaultBytesReader reader;
    guint count;

    vault_bytes_reader_init(&reader, payload, len);
    count = vault_bytes_read_u16(&reader);
    if (reader.failed || count > max || reader.left != (gsize)count * ENTRY_LEN)
        return set_malformed(error, "a page of a list");
    for (guint i = 0; i < count; i++) {
        VaultCopyEntry entry = {0};

        read_entry(&reader, &entry);
        if (!is_behind(&position, &entry))
            return set_malformed(error, "a list out of order");
        position = (VaultViewPosition){
            .is_set = TRUE, .received_s = entry.received_s, .record_id = entry.record_id};
        g_array_append_val(page, entry);
    }
    return TRUE;
}
