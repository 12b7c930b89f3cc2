#include "vault/store/pack_search.h"

#define RECORD_MAGIC "MNRC"
#define RECORD_MAGIC_LEN 4

gboolean vault_pack_search_at(const VaultPackSearch *search, guint64 offset,
                              VaultSearchResult *ret_result, VaultScannedRecord *ret_record,
                              GError **error)
{
    VaultRecordHeader header;
    const guint8 *bytes;
    gsize len;

    *ret_result = VAULT_SEARCH_NONE;
    if (offset >= search->limit)
        return TRUE;
    if (!vault_pack_window_read(search->window, offset, VAULT_RECORD_HEADER_LEN_MAX, &bytes, &len,
                                error))
        return FALSE;
    len = (gsize)MIN(len, search->limit - offset);
    if (!vault_record_header_parse(bytes, len, &header, NULL))
        return TRUE;
    /* No overflow: the parser bounds the length. */
    if (header.header_len + header.ciphertext_len > search->limit - offset)
        return TRUE;
    *ret_record = (VaultScannedRecord){.header = header,
                                       .offset = offset,
                                       .len = header.header_len + header.ciphertext_len,
                                       .is_intact = TRUE};
    memcpy(ret_record->header_bytes, bytes, header.header_len);
    *ret_result = VAULT_SEARCH_FOUND;
    return TRUE;
}

/* The next place at `from` or later where the record magic stands; `limit` when there is none. */
static gboolean find_magic(const VaultPackSearch *search, guint64 from, guint64 *ret_offset,
                           GError **error)
{
    guint64 offset = from;

    while (offset < search->limit && search->limit - offset >= RECORD_MAGIC_LEN) {
        const guint8 *bytes, *found;
        gsize len;

        if (!vault_pack_window_read(search->window, offset, RECORD_MAGIC_LEN, &bytes, &len, error))
            return FALSE;
        len = (gsize)MIN(len, search->limit - offset);
        if (len < RECORD_MAGIC_LEN)
            break;
        found = memmem(bytes, len, RECORD_MAGIC, RECORD_MAGIC_LEN);
        if (found != NULL) {
            *ret_offset = offset + (guint64)(found - bytes);
            return TRUE;
        }
        /* The magic may lie across the end of what is in the buffer. */
        offset += len - (RECORD_MAGIC_LEN - 1);
    }
    *ret_offset = search->limit;
    return TRUE;
}

gboolean vault_pack_search_record(const VaultPackSearch *search, guint64 from,
                                  VaultSearchResult *ret_result, VaultScannedRecord *ret_record,
                                  GError **error)
{
    guint64 offset = from;

    *ret_result = VAULT_SEARCH_NONE;
    while (find_magic(search, offset, &offset, error)) {
        if (offset >= search->limit)
            return TRUE;
        if (!vault_pack_search_at(search, offset, ret_result, ret_record, error))
            return FALSE;
        if (*ret_result == VAULT_SEARCH_FOUND)
            return TRUE;
        offset++;
    }
    return FALSE;
}

gboolean vault_pack_search_commit_at(const VaultPackSearch *search, guint64 offset,
                                     VaultSearchResult *ret_result, VaultPackCommit *ret_commit,
                                     GError **error)
{
    const guint8 *bytes;
    gsize len;

    *ret_result = VAULT_SEARCH_NONE;
    if (!vault_pack_window_read(search->window, offset, VAULT_PACK_COMMIT_LEN, &bytes, &len, error))
        return FALSE;
    len = offset < search->limit ? (gsize)MIN(len, search->limit - offset) : 0;
    if (vault_pack_commit_parse(bytes, len, ret_commit) &&
        VAULT_ID_EQUAL(ret_commit->pack_id, search->pack_id) && ret_commit->count > 0 &&
        ret_commit->count <= VAULT_GROUP_RECORDS_MAX && ret_commit->start < offset &&
        ret_commit->len == offset - ret_commit->start)
        *ret_result = VAULT_SEARCH_FOUND;
    return TRUE;
}

gboolean vault_pack_search_commit(const VaultPackSearch *search, guint64 from,
                                  VaultSearchResult *ret_result, VaultPackCommit *ret_commit,
                                  GError **error)
{
    guint64 offset = from;

    *ret_result = VAULT_SEARCH_NONE;
    while (find_magic(search, offset, &offset, error)) {
        if (offset >= search->limit)
            return TRUE;
        if (!vault_pack_search_commit_at(search, offset, ret_result, ret_commit, error))
            return FALSE;
        if (*ret_result == VAULT_SEARCH_FOUND && ret_commit->start >= from)
            return TRUE;
        *ret_result = VAULT_SEARCH_NONE;
        offset++;
    }
    return FALSE;
}
