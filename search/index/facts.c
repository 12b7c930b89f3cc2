#include "search/index/facts.h"

#include "vault/base/bytes.h"

void search_facts_format(const SearchFacts *facts, GByteArray *bytes)
{
    vault_bytes_append_u64(bytes, facts->number);
    vault_bytes_append_u64(bytes, facts->replaces_from);
    g_byte_array_append(bytes, facts->predecessor.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(bytes, facts->document_count);
    vault_bytes_append_u32(bytes, facts->copy_count);
    vault_bytes_append_u32(bytes, facts->stray_count);
    vault_bytes_append_u32(bytes, facts->mailbox_count);
    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        vault_bytes_append_u64(bytes, facts->lengths[field]);
    vault_bytes_append_u8(bytes, facts->position_len);
    g_byte_array_append(bytes, facts->position, facts->position_len);
}

static gboolean corrupt(GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "the trailer of a case index is not right");
    return FALSE;
}

gboolean search_facts_parse(const guint8 *bytes, gsize len, SearchFacts *ret_facts, GError **error)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, len);
    ret_facts->number = vault_bytes_read_u64(&reader);
    ret_facts->replaces_from = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, &ret_facts->predecessor, VAULT_ID_LEN);
    ret_facts->document_count = vault_bytes_read_u32(&reader);
    ret_facts->copy_count = vault_bytes_read_u32(&reader);
    ret_facts->stray_count = vault_bytes_read_u32(&reader);
    ret_facts->mailbox_count = vault_bytes_read_u32(&reader);
    ret_facts->lengths[0] = 0;
    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        ret_facts->lengths[field] = vault_bytes_read_u64(&reader);
    ret_facts->position_len = vault_bytes_read_u8(&reader);
    if (ret_facts->position_len > SEARCH_POSITION_LEN_MAX)
        return corrupt(error);
    vault_bytes_read(&reader, ret_facts->position, ret_facts->position_len);
    if (vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) &&
        ret_facts->replaces_from <= ret_facts->number &&
        ret_facts->document_count < G_MAXUINT32 / 2)
        return TRUE;
    return corrupt(error);
}
