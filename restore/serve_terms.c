/* Terms in the serve protocol: restore/serve_frame.h. */
#include "restore/serve_frame.h"
#include "vault/base/bytes.h"

#define ENTRY_LEN (5 * VAULT_ID_LEN + 4 + 4 + 8)

/* What an answer says of the list. */
enum { LIST_IS_MORE = 1, LIST_IS_ANEW = 2, LIST_FLAGS_ALL = 3 };

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the other side does not keep to the protocol: %s", what);
    return FALSE;
}

/* ---- lists ----------------------------------------------------------------------------------- */

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

void serve_list_terms_append(GByteArray *payload, const ServeListTerms *list)
{
    vault_bytes_append_u64(payload, list->position.catalog_mark);
    vault_bytes_append_u64(payload, list->position.sequence);
    vault_bytes_append_u64(payload, list->filter.from_s);
    vault_bytes_append_u64(payload, list->filter.to_s);
    vault_bytes_append_u16(payload, list->max);
    append_ids(payload, list->filter.mailboxes, list->filter.mailbox_count);
    append_ids(payload, list->filter.messages, list->filter.message_count);
}

gboolean serve_list_terms_parse(const guint8 *payload, gsize len, ServeListTerms *ret_list,
                                GError **error)
{
    VaultViewFilter *filter = &ret_list->filter;
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, payload, len);
    ret_list->position = (VaultTermsPosition){.catalog_mark = vault_bytes_read_u64(&reader)};
    ret_list->position.sequence = vault_bytes_read_u64(&reader);
    filter->from_s = vault_bytes_read_u64(&reader);
    filter->to_s = vault_bytes_read_u64(&reader);
    ret_list->max = vault_bytes_read_u16(&reader);
    filter->mailboxes = read_ids(&reader, &filter->mailbox_count);
    filter->messages = read_ids(&reader, &filter->message_count);
    if (ret_list->max < 1 || ret_list->max > VAULT_VIEW_PAGE_COUNT_MAX ||
        filter->mailbox_count > VAULT_VIEW_FILTER_COUNT_MAX ||
        filter->message_count > VAULT_VIEW_FILTER_COUNT_MAX)
        return set_malformed(error, "a list of terms out of bounds");
    return vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) ||
           set_malformed(error, "a list of terms");
}

static void append_entry(GByteArray *payload, const VaultTermsEntry *entry)
{
    g_byte_array_append(payload, entry->terms_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, entry->copy_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, entry->body_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, entry->mailbox_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(payload, entry->month_key_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(payload, entry->leaf);
    vault_bytes_append_u32(payload, entry->flags);
    vault_bytes_append_u64(payload, entry->received_s);
}

static void read_entry(VaultBytesReader *reader, VaultTermsEntry *ret_entry)
{
    vault_bytes_read(reader, ret_entry->terms_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, ret_entry->copy_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, ret_entry->body_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, ret_entry->mailbox_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, ret_entry->month_key_id.bytes, VAULT_ID_LEN);
    ret_entry->leaf = vault_bytes_read_u32(reader);
    ret_entry->flags = vault_bytes_read_u32(reader);
    ret_entry->received_s = vault_bytes_read_u64(reader);
}

void serve_list_terms_answer_append(GByteArray *payload, const GArray *page,
                                    const VaultTermsPosition *position, gboolean is_more)
{
    vault_bytes_append_u8(
        payload, (guint8)((is_more ? LIST_IS_MORE : 0) | (position->is_anew ? LIST_IS_ANEW : 0)));
    vault_bytes_append_u64(payload, position->catalog_mark);
    vault_bytes_append_u64(payload, position->sequence);
    vault_bytes_append_u16(payload, (guint16)page->len);
    for (guint i = 0; i < page->len; i++)
        append_entry(payload, &g_array_index(page, VaultTermsEntry, i));
}

/* A list that does not go forward would never end. */
static gboolean goes_forward(const VaultTermsPosition *before, const VaultTermsPosition *after,
                             gboolean is_more)
{
    if (after->is_anew || before->catalog_mark != after->catalog_mark)
        return TRUE;
    return is_more ? after->sequence > before->sequence : after->sequence >= before->sequence;
}

gboolean serve_list_terms_answer_parse(const guint8 *payload, gsize len, gsize max, GArray *page,
                                       VaultTermsPosition *position, gboolean *ret_is_more,
                                       GError **error)
{
    VaultTermsPosition after = {.is_anew = FALSE};
    VaultBytesReader reader;
    guint8 flags;
    guint count;

    vault_bytes_reader_init(&reader, payload, len);
    flags = vault_bytes_read_u8(&reader);
    after.is_anew = (flags & LIST_IS_ANEW) != 0;
    after.catalog_mark = vault_bytes_read_u64(&reader);
    after.sequence = vault_bytes_read_u64(&reader);
    count = vault_bytes_read_u16(&reader);
    *ret_is_more = (flags & LIST_IS_MORE) != 0;
    if (reader.failed || flags > LIST_FLAGS_ALL || count > max ||
        reader.left != (gsize)count * ENTRY_LEN)
        return set_malformed(error, "a page of a list of terms");
    if (!goes_forward(position, &after, *ret_is_more))
        return set_malformed(error, "a list of terms that does not go forward");
    for (guint i = 0; i < count; i++) {
        VaultTermsEntry entry = {.leaf = 0};

        read_entry(&reader, &entry);
        g_array_append_val(page, entry);
    }
    *position = after;
    return TRUE;
}

/* ---- records --------------------------------------------------------------------------------- */

void serve_read_terms_append(GByteArray *payload, const RecordId *ids, gsize count)
{
    append_ids(payload, ids, count);
}

gboolean serve_read_terms_parse(const guint8 *payload, gsize len, const RecordId **ret_ids,
                                gsize *ret_count, GError **error)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, payload, len);
    *ret_ids = read_ids(&reader, ret_count);
    if (*ret_count < 1 || *ret_count > VAULT_VIEW_READ_COUNT_MAX)
        return set_malformed(error, "a read of no terms, or of too many");
    return vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) ||
           set_malformed(error, "a read of terms");
}

G_STATIC_ASSERT(VAULT_VIEW_TERMS_LEN_MAX < SERVE_READ_LEN_MAX);

/* Up to the length of any other read: so each fits alone. */
gsize serve_read_terms_answer_append(GByteArray *payload, GBytes *const *records, gsize count)
{
    gsize len = 0, answered = 0;

    for (; answered < count; answered++) {
        gsize next = records[answered] == NULL ? 0 : g_bytes_get_size(records[answered]);

        if (len + next > SERVE_READ_LEN_MAX)
            break;
        len += next;
    }
    vault_bytes_append_u16(payload, (guint16)answered);
    for (gsize i = 0; i < answered; i++) {
        gsize record_len = 0;
        gconstpointer bytes = records[i] == NULL ? NULL : g_bytes_get_data(records[i], &record_len);

        vault_bytes_append_u32(payload, (guint32)record_len);
        if (record_len > 0)
            g_byte_array_append(payload, bytes, (guint)record_len);
    }
    return answered;
}

gboolean serve_read_terms_answer_parse(GBytes *payload, gsize count, GBytes **ret_records,
                                       gsize *ret_answered, GError **error)
{
    gsize len;
    const guint8 *bytes = g_bytes_get_data(payload, &len);
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, len);
    *ret_answered = vault_bytes_read_u16(&reader);
    if (reader.failed || *ret_answered < 1 || *ret_answered > count)
        return set_malformed(error, "an answer for other terms than were asked for");
    for (gsize i = 0; i < *ret_answered; i++) {
        guint32 record_len = vault_bytes_read_u32(&reader);
        const guint8 *record = record_len > VAULT_VIEW_TERMS_LEN_MAX
                                   ? NULL
                                   : vault_bytes_read_borrowed(&reader, record_len);

        if (record == NULL)
            return set_malformed(error, "terms that are too long, or cut short");
        if (record_len > 0)
            ret_records[i] = g_bytes_new_from_bytes(payload, (gsize)(record - bytes), record_len);
    }
    return vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) ||
           set_malformed(error, "bytes behind the terms");
}
