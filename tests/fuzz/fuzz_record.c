/* Record headers: what parses is formatted again to the same bytes, and its locator, if it opens,
 * too. The input is tried as it is, and with the checksum put right, so that what lies behind the
 * checksum is reached; then its bytes are taken as fields, formatted and parsed. */
#include "vault/store/record.h"

#include "vault/base/bytes.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static const LocatorKey key = {{1, 2, 3, 4}};

/* Formats the header anew with the locator that it was found to have. */
static void check_same(const guint8 *bytes, const VaultRecordHeader *header)
{
    guint8 again[VAULT_RECORD_HEADER_LEN_MAX];
    gboolean has_locator = header->kind != VAULT_RECORD_COMMIT;
    VaultLocator locator;
    gsize len;

    if (has_locator && !vault_record_locator_open(bytes, header, &key, &locator, NULL))
        return;
    len = vault_record_format_clear(header, has_locator ? &key : NULL,
                                    has_locator ? &locator : NULL, again);
    len = vault_record_format_crcs(again, len, header->ciphertext_crc);
    g_assert(len == header->header_len && memcmp(again, bytes, len) == 0);
}

static void try_bytes(const guint8 *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    VaultRecordHeader header;
    gboolean is_parsed = vault_record_header_parse(bytes, len, &header, &error);

    g_assert(is_parsed == (error == NULL));
    if (!is_parsed)
        return;
    g_assert(header.header_len == vault_record_header_len(header.kind));
    g_assert(header.header_len <= len && header.suite == VAULT_SUITE_X25519);
    g_assert(header.ciphertext_len <= VAULT_RECORD_CIPHERTEXT_LEN_MAX);
    check_same(bytes, &header);
}

static void try_with_checksum(const guint8 *bytes, gsize len)
{
    gsize header_len = len > 5 ? vault_record_header_len((VaultRecordKind)bytes[5]) : 0;
    g_autofree guint8 *changed = g_memdup2(bytes, len);

    if (header_len == 0 || len < header_len)
        return;
    vault_bytes_put_u32(changed + header_len - 4, vault_crc32c(0, changed, header_len - 4));
    try_bytes(changed, len);
}

/* The input as the fields of a header: whatever they are, format and parse agree on them. */
static void try_fields(const guint8 *bytes, gsize len)
{
    VaultRecordHeader header = {.suite = VAULT_SUITE_X25519}, parsed;
    VaultLocator locator = {0};
    guint8 formatted[VAULT_RECORD_HEADER_LEN_MAX];
    VaultBytesReader reader;
    gsize formatted_len;

    vault_bytes_reader_init(&reader, bytes, len);
    header.kind = (VaultRecordKind)(VAULT_RECORD_BODY + vault_bytes_read_u8(&reader) % 7);
    header.ciphertext_len = vault_bytes_read_u64(&reader) % VAULT_RECORD_CIPHERTEXT_LEN_MAX;
    header.ciphertext_crc = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, header.record_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, header.by_kind, VAULT_RECORD_BY_KIND_LEN);
    locator.leaf = vault_bytes_read_u32(&reader);
    locator.received_s = vault_bytes_read_u64(&reader);
    locator.flags = vault_bytes_read_u32(&reader);
    locator.step = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, locator.body_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, locator.row_id.bytes, VAULT_ID_LEN);
    formatted_len = vault_record_format_clear(&header, &key, &locator, formatted);
    formatted_len = vault_record_format_crcs(formatted, formatted_len, header.ciphertext_crc);
    g_assert(vault_record_header_parse(formatted, formatted_len, &parsed, NULL));
    g_assert(parsed.ciphertext_len == header.ciphertext_len && parsed.kind == header.kind);
    g_assert(vault_record_locator_open(formatted, &parsed, &key, &locator, NULL));
    check_same(formatted, &parsed);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static gboolean is_ready;

    if (!is_ready)
        vault_crypto_init();
    is_ready = TRUE;
    try_bytes(data, size);
    try_with_checksum(data, size);
    try_fields(data, size);
    return 0;
}
