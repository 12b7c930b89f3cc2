#include "restore/case_position.h"

#include "vault/base/bytes.h"

/* What the index keeps for us between two scans:
 *   version u8 3 | has content u8 | coverage u64 | catalog mark u64 | sequence u64 | read u64 |
 *   without u64 | failed u64 | unread u64 | newest without u32 */
#define POSITION_VERSION 3
#define POSITION_LEN 62

/* Of another version: zeros, and the list begins anew. */
void case_position_parse(GBytes *bytes, CasePosition *ret_position)
{
    CasePosition position = {0};
    VaultBytesReader in;
    gsize len;
    const guint8 *start = bytes == NULL ? NULL : g_bytes_get_data(bytes, &len);

    *ret_position = position;
    if (start == NULL)
        return;
    vault_bytes_reader_init(&in, start, len);
    if (vault_bytes_read_u8(&in) != POSITION_VERSION)
        return;
    position.has_content = vault_bytes_read_u8(&in) != 0;
    position.coverage = vault_bytes_read_u64(&in);
    position.list.catalog_mark = vault_bytes_read_u64(&in);
    position.list.sequence = vault_bytes_read_u64(&in);
    position.read_count = vault_bytes_read_u64(&in);
    position.without_count = vault_bytes_read_u64(&in);
    position.failed_count = vault_bytes_read_u64(&in);
    position.unread_count = vault_bytes_read_u64(&in);
    position.newest_without_s = vault_bytes_read_u32(&in);
    if (vault_bytes_reader_finish(&in, VAULT_BYTES_MUST_END))
        *ret_position = position;
}

GByteArray *case_position_format(const CasePosition *position)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, POSITION_VERSION);
    vault_bytes_append_u8(bytes, position->has_content ? 1 : 0);
    vault_bytes_append_u64(bytes, position->coverage);
    vault_bytes_append_u64(bytes, position->list.catalog_mark);
    vault_bytes_append_u64(bytes, position->list.sequence);
    vault_bytes_append_u64(bytes, position->read_count);
    vault_bytes_append_u64(bytes, position->without_count);
    vault_bytes_append_u64(bytes, position->failed_count);
    vault_bytes_append_u64(bytes, position->unread_count);
    vault_bytes_append_u32(bytes, position->newest_without_s);
    g_assert(bytes->len == POSITION_LEN);
    return bytes;
}

static void append_month_ids(GByteArray *bytes, const RestoreScope *scope)
{
    const GArray *keys = scope->grant->keys;

    for (guint i = 0; i < keys->len; i++) {
        const VaultGrantKey *key = &g_array_index(keys, VaultGrantKey, i);

        if ((key->halves & VAULT_GRANT_INDEX) != 0)
            g_byte_array_append(bytes, key->month_key_id.bytes, VAULT_ID_LEN);
    }
    for (guint i = 0; scope->months != NULL && i < scope->months->len; i++) {
        const VaultMonthKeys *month = scope->months->pdata[i];

        g_byte_array_append(bytes, month->month_key_id.bytes, VAULT_ID_LEN);
    }
}

/* What a scan lists: a hash of the filter and of the months that there are keys of. */
guint64 case_position_coverage(const RestoreScope *scope)
{
    const VaultViewFilter *filter = &scope->filter;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VaultHash hash;
    guint64 start;

    vault_bytes_append_u64(bytes, filter->from_s);
    vault_bytes_append_u64(bytes, filter->to_s);
    vault_bytes_append_u64(bytes, filter->mailbox_count);
    vault_bytes_append_u64(bytes, filter->message_count);
    for (gsize i = 0; i < filter->mailbox_count; i++)
        g_byte_array_append(bytes, filter->mailboxes[i].bytes, VAULT_ID_LEN);
    for (gsize i = 0; i < filter->message_count; i++)
        g_byte_array_append(bytes, filter->messages[i].bytes, VAULT_ID_LEN);
    append_month_ids(bytes, scope);
    vault_hash(bytes->data, bytes->len, &hash);
    memcpy(&start, hash.bytes, sizeof start);
    return GUINT64_FROM_BE(start);
}

/* Can what an earlier scan went past, for it did not see or could not have it, be had now? A grant
 * made later has keys of later months; one that opens messages reads those without terms; a restore
 * from one mailbox lists that mailbox alone. */
gboolean case_position_has_more(const CasePosition *position, guint64 coverage,
                                gboolean has_content)
{
    return position->coverage != coverage || position->unread_count > 0 ||
           (has_content && !position->has_content && position->without_count > 0);
}
