#include "vault/store/pack_format.h"

#include "vault/base/bytes.h"

#define PACK_MAGIC "MNPK"
#define TRAILER_MAGIC "MNTR"
#define FOOTER_MAGIC "MNPE"
#define MAGIC_LEN 4
#define PACK_VERSION 1
#define TRAILER_VERSION 1
#define PACK_CRC_OFFSET (VAULT_PACK_HEADER_LEN - 4)

static gboolean set_corrupt(GError **error, const char *what)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, what);
    return FALSE;
}

static guint32 u32_at(const guint8 *bytes)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, 4);
    return vault_bytes_read_u32(&reader);
}

/* ---- pack header ---------------------------------------------------------------------------- */

void vault_pack_header_format(const VaultPackHeader *header, guint8 ret[VAULT_PACK_HEADER_LEN])
{
    memset(ret, 0, VAULT_PACK_HEADER_LEN);
    memcpy(ret, PACK_MAGIC, MAGIC_LEN);
    ret[4] = PACK_VERSION;
    ret[5] = (guint8)header->type;
    memcpy(ret + 8, header->vault_id.bytes, VAULT_ID_LEN);
    memcpy(ret + 24, header->pack_id.bytes, VAULT_ID_LEN);
    vault_bytes_put_u64(ret + 40, header->sequence);
    vault_bytes_put_u64(ret + 48, header->created_s);
    memcpy(ret + 56, header->predecessor.bytes, VAULT_ID_LEN);
    vault_bytes_put_u64(ret + 72, header->predecessor_end);
    vault_bytes_put_u64(ret + 80, header->groups_end);
    vault_bytes_put_u32(ret + 88, header->replaced_count);
    vault_bytes_put_u32(ret + 92, header->dropped_count);
    vault_bytes_put_u32(ret + PACK_CRC_OFFSET, vault_crc32c(0, ret, PACK_CRC_OFFSET));
}

static gboolean header_checks(const guint8 *bytes, gsize len, GError **error)
{
    if (len < VAULT_PACK_HEADER_LEN || memcmp(bytes, PACK_MAGIC, MAGIC_LEN) != 0)
        return set_corrupt(error, "not a pack: its header is missing");
    if (u32_at(bytes + PACK_CRC_OFFSET) != vault_crc32c(0, bytes, PACK_CRC_OFFSET))
        return set_corrupt(error, "the pack header fails its checksum");
    if (bytes[4] == PACK_VERSION && bytes[5] >= VAULT_PACK_GROUPED &&
        bytes[5] <= VAULT_PACK_COMPACTED)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                        "a pack of a version or type that this program does not know: use a newer "
                        "muniment");
    return FALSE;
}

static gboolean read_compacted(VaultBytesReader *reader, VaultPackHeader *header, GError **error)
{
    header->groups_end = vault_bytes_read_u64(reader);
    header->replaced_count = vault_bytes_read_u32(reader);
    header->dropped_count = vault_bytes_read_u32(reader);
    if (header->groups_end >= VAULT_PACK_HEADER_LEN && header->groups_end <= G_MAXUINT32 &&
        header->replaced_count <= VAULT_PACK_REPLACED_MAX &&
        header->dropped_count <= VAULT_PACK_RECORDS_MAX)
        return TRUE;
    return set_corrupt(error, "the pack header says what no compacted pack has");
}

gboolean vault_pack_header_parse(const guint8 *bytes, gsize len, VaultPackHeader *ret_header,
                                 GError **error)
{
    VaultBytesReader reader;

    *ret_header = (VaultPackHeader){0};
    if (!header_checks(bytes, len, error))
        return FALSE;
    vault_bytes_reader_init(&reader, bytes + 5, PACK_CRC_OFFSET - 5);
    ret_header->type = (VaultPackType)vault_bytes_read_u8(&reader);
    vault_bytes_read_u16(&reader);
    vault_bytes_read(&reader, ret_header->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, ret_header->pack_id.bytes, VAULT_ID_LEN);
    ret_header->sequence = vault_bytes_read_u64(&reader);
    ret_header->created_s = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret_header->predecessor.bytes, VAULT_ID_LEN);
    ret_header->predecessor_end = vault_bytes_read_u64(&reader);
    return ret_header->type != VAULT_PACK_COMPACTED || read_compacted(&reader, ret_header, error);
}

char *vault_pack_file_name(const VaultPackHeader *header)
{
    if (header->type == VAULT_PACK_STREAM)
        return g_strconcat(VAULT_ID_TEXT(header->pack_id), VAULT_PACK_STREAM_SUFFIX, NULL);
    if (header->type == VAULT_PACK_COMPACTED)
        return g_strconcat(VAULT_ID_TEXT(header->pack_id), VAULT_PACK_COMPACTED_SUFFIX, NULL);
    return g_strdup_printf("%016" G_GINT64_MODIFIER "x-%s" VAULT_PACK_GROUPED_SUFFIX,
                           header->sequence, VAULT_ID_TEXT(header->pack_id));
}

/* ---- commit records ------------------------------------------------------------------------- */

void vault_pack_commit_format(const VaultPackCommit *commit, const RecordId *record_id,
                              guint8 ret_record[VAULT_PACK_COMMIT_LEN])
{
    const VaultRecordHeader header = {.kind = VAULT_RECORD_COMMIT,
                                      .suite = VAULT_SUITE_X25519,
                                      .record_id = *record_id,
                                      .ciphertext_len = VAULT_PACK_COMMIT_PAYLOAD_LEN};
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    guint8 *payload = ret_record + VAULT_RECORD_FIXED_LEN + VAULT_RECORD_CRC_LEN;
    gsize clear_len = vault_record_format_clear(&header, NULL, NULL, bytes);
    gsize header_len;

    memcpy(payload, commit->pack_id.bytes, VAULT_ID_LEN);
    vault_bytes_put_u64(payload + 16, commit->start);
    vault_bytes_put_u64(payload + 24, commit->len);
    vault_bytes_put_u32(payload + 32, commit->count);
    memcpy(payload + 36, commit->hash.bytes, VAULT_HASH_LEN);
    header_len = vault_record_format_crcs(bytes, clear_len,
                                          vault_crc32c(0, payload, VAULT_PACK_COMMIT_PAYLOAD_LEN));
    g_assert(ret_record + header_len == payload);
    memcpy(ret_record, bytes, header_len);
}

gboolean vault_pack_commit_parse(const guint8 *bytes, gsize len, VaultPackCommit *ret_commit)
{
    VaultRecordHeader header;
    VaultBytesReader reader;
    const guint8 *payload;

    if (!vault_record_header_parse(bytes, len, &header, NULL) ||
        header.kind != VAULT_RECORD_COMMIT || len < VAULT_PACK_COMMIT_LEN ||
        header.ciphertext_len != VAULT_PACK_COMMIT_PAYLOAD_LEN)
        return FALSE;
    payload = bytes + header.header_len;
    if (header.ciphertext_crc != vault_crc32c(0, payload, VAULT_PACK_COMMIT_PAYLOAD_LEN))
        return FALSE;
    vault_bytes_reader_init(&reader, payload, VAULT_PACK_COMMIT_PAYLOAD_LEN);
    vault_bytes_read(&reader, ret_commit->pack_id.bytes, VAULT_ID_LEN);
    ret_commit->start = vault_bytes_read_u64(&reader);
    ret_commit->len = vault_bytes_read_u64(&reader);
    ret_commit->count = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, ret_commit->hash.bytes, VAULT_HASH_LEN);
    return vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END);
}

/* ---- index and trailer ---------------------------------------------------------------------- */

void vault_pack_index_append(GByteArray *index, const VaultPackIndexEntry *entry)
{
    guint8 bytes[VAULT_PACK_INDEX_ENTRY_LEN];

    memcpy(bytes, entry->record_id.bytes, VAULT_ID_LEN);
    bytes[16] = entry->kind;
    vault_bytes_put_u32(bytes + 17, entry->offset);
    vault_bytes_put_u32(bytes + 21, entry->len);
    memcpy(bytes + 25, entry->hash.bytes, VAULT_HASH_LEN);
    g_byte_array_append(index, bytes, sizeof bytes);
}

void vault_pack_index_read(const guint8 *entries, gsize number, VaultPackIndexEntry *ret_entry)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, entries + number * VAULT_PACK_INDEX_ENTRY_LEN,
                            VAULT_PACK_INDEX_ENTRY_LEN);
    vault_bytes_read(&reader, ret_entry->record_id.bytes, VAULT_ID_LEN);
    ret_entry->kind = vault_bytes_read_u8(&reader);
    ret_entry->offset = vault_bytes_read_u32(&reader);
    ret_entry->len = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, ret_entry->hash.bytes, VAULT_HASH_LEN);
}

/* SHA-256 of pack header and trailer: the index holds every record's hash, so this stands for
 * every record, without the file being hashed a second time as it is written. */
static void trailer_hash(const guint8 pack_header[VAULT_PACK_HEADER_LEN], const guint8 *trailer,
                         gsize len, VaultHash *ret_hash)
{
    const VaultSpan spans[] = {{pack_header, VAULT_PACK_HEADER_LEN},
                               {trailer, len - VAULT_HASH_LEN}};

    vault_hash_spans(spans, G_N_ELEMENTS(spans), ret_hash);
}

GByteArray *vault_pack_trailer_format(const guint8 pack_header[VAULT_PACK_HEADER_LEN],
                                      const GByteArray *index, guint64 start)
{
    static const guint8 version_and_zeros[] = {TRAILER_VERSION, 0, 0, 0};
    static const guint8 no_hash[VAULT_HASH_LEN];
    guint32 count = index->len / VAULT_PACK_INDEX_ENTRY_LEN;
    GByteArray *trailer =
        g_byte_array_sized_new(VAULT_PACK_TRAILER_HEAD_LEN + index->len + VAULT_PACK_FOOTER_LEN);
    VaultHash hash;

    g_assert(index->len % VAULT_PACK_INDEX_ENTRY_LEN == 0 && count <= VAULT_PACK_RECORDS_MAX);
    g_byte_array_append(trailer, (const guint8 *)TRAILER_MAGIC, MAGIC_LEN);
    g_byte_array_append(trailer, version_and_zeros, sizeof version_and_zeros);
    vault_bytes_append_u32(trailer, count);
    if (index->len > 0)
        g_byte_array_append(trailer, index->data, index->len);
    g_byte_array_append(trailer, (const guint8 *)FOOTER_MAGIC, MAGIC_LEN);
    vault_bytes_append_u32(trailer, count);
    vault_bytes_append_u64(trailer, start);
    g_byte_array_append(trailer, no_hash, sizeof no_hash);
    trailer_hash(pack_header, trailer->data, trailer->len, &hash);
    memcpy(trailer->data + trailer->len - VAULT_HASH_LEN, hash.bytes, VAULT_HASH_LEN);
    return trailer;
}

guint64 vault_pack_footer_parse(const guint8 footer[VAULT_PACK_FOOTER_LEN], guint64 file_len)
{
    VaultBytesReader reader;
    guint32 count;
    guint64 start;

    if (memcmp(footer, FOOTER_MAGIC, MAGIC_LEN) != 0)
        return 0;
    vault_bytes_reader_init(&reader, footer + MAGIC_LEN, 12);
    count = vault_bytes_read_u32(&reader);
    start = vault_bytes_read_u64(&reader);
    if (count > VAULT_PACK_RECORDS_MAX || start < VAULT_PACK_HEADER_LEN || start > file_len)
        return 0;
    if (file_len - start != VAULT_PACK_TRAILER_HEAD_LEN +
                                (guint64)count * VAULT_PACK_INDEX_ENTRY_LEN + VAULT_PACK_FOOTER_LEN)
        return 0;
    return start;
}

static gboolean entries_are_in_order(const guint8 *entries, gsize count, guint64 end)
{
    guint64 next = VAULT_PACK_HEADER_LEN;

    for (gsize i = 0; i < count; i++) {
        VaultPackIndexEntry entry;

        vault_pack_index_read(entries, i, &entry);
        if (entry.offset < next)
            return FALSE;
        next = (guint64)entry.offset + entry.len;
    }
    return next <= end;
}

gboolean vault_pack_trailer_parse(const guint8 pack_header[VAULT_PACK_HEADER_LEN],
                                  const guint8 *trailer, gsize len, guint64 start,
                                  const guint8 **ret_entries, gsize *ret_count, GError **error)
{
    const guint8 *entries = trailer + VAULT_PACK_TRAILER_HEAD_LEN;
    VaultHash hash;
    gsize count;

    if (len < VAULT_PACK_TRAILER_HEAD_LEN + VAULT_PACK_FOOTER_LEN ||
        vault_pack_footer_parse(trailer + len - VAULT_PACK_FOOTER_LEN, start + len) != start)
        return set_corrupt(error, "the pack's trailer does not fit its footer");
    trailer_hash(pack_header, trailer, len, &hash);
    if (memcmp(hash.bytes, trailer + len - VAULT_HASH_LEN, VAULT_HASH_LEN) != 0)
        return set_corrupt(error, "the pack's trailer fails its hash");
    count =
        (len - VAULT_PACK_TRAILER_HEAD_LEN - VAULT_PACK_FOOTER_LEN) / VAULT_PACK_INDEX_ENTRY_LEN;
    if (memcmp(trailer, TRAILER_MAGIC, MAGIC_LEN) != 0 || trailer[4] != TRAILER_VERSION ||
        u32_at(trailer + 8) != count || !entries_are_in_order(entries, count, start))
        return set_corrupt(error, "the pack's index is not in order");
    *ret_entries = entries;
    *ret_count = count;
    return TRUE;
}
