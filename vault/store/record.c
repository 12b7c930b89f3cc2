#include "vault/store/record.h"

#include "vault/base/bytes.h"
#include "vault/crypto/value.h"

#define MAGIC "MNRC"
#define MAGIC_LEN 4
#define LOCATOR_PLAIN_LEN_MAX (VAULT_RECORD_HEADER_LEN_MAX - VAULT_RECORD_FIXED_LEN)

static gsize locator_plain_len(VaultRecordKind kind)
{
    switch (kind) {
    case VAULT_RECORD_BODY:
        return 8 + 8 + 4 + 3 * VAULT_ID_LEN;
    case VAULT_RECORD_COPY:
    case VAULT_RECORD_ADDENDUM:
        return VAULT_ID_LEN + 4 + VAULT_ID_LEN + 8 + 4;
    case VAULT_RECORD_TERMS_COPY:
        return VAULT_ID_LEN + 4 + VAULT_ID_LEN + 32 + 4;
    case VAULT_RECORD_TERMS_BODY:
    case VAULT_RECORD_WRAPPER:
    case VAULT_RECORD_EVENT:
        return VAULT_ID_LEN;
    case VAULT_RECORD_COMMIT:
        return 0;
    }
    return 0;
}

static gboolean kind_is_known(guint kind)
{
    return kind >= VAULT_RECORD_BODY && kind <= VAULT_RECORD_COMMIT;
}

gsize vault_record_locator_len(VaultRecordKind kind)
{
    gsize len = locator_plain_len(kind);

    return len == 0 ? 0 : len + VAULT_LOCATOR_TAG_LEN;
}

gsize vault_record_header_len(VaultRecordKind kind)
{
    if (!kind_is_known(kind))
        return 0;
    return VAULT_RECORD_FIXED_LEN + vault_record_locator_len(kind) + VAULT_RECORD_CRC_LEN;
}

/* ---- locators ------------------------------------------------------------------------------- */

static void put_id(guint8 **at, const guint8 id[VAULT_ID_LEN])
{
    memcpy(*at, id, VAULT_ID_LEN);
    *at += VAULT_ID_LEN;
}

static void put_u32(guint8 **at, guint32 value)
{
    vault_bytes_put_u32(*at, value);
    *at += 4;
}

static void put_u64(guint8 **at, guint64 value)
{
    vault_bytes_put_u64(*at, value);
    *at += 8;
}

static void locator_format(VaultRecordKind kind, const VaultLocator *locator, guint8 *at)
{
    switch (kind) {
    case VAULT_RECORD_BODY:
        put_u64(&at, locator->received_s);
        put_u64(&at, locator->archived_s);
        put_u32(&at, locator->flags);
        put_id(&at, locator->retry_tag.bytes);
        put_id(&at, locator->repeat_tag.bytes);
        put_id(&at, locator->repeats.bytes);
        return;
    case VAULT_RECORD_COPY:
    case VAULT_RECORD_ADDENDUM:
        put_id(&at, locator->month_key_id.bytes);
        put_u32(&at, locator->leaf);
        put_id(&at, locator->body_id.bytes);
        put_u64(&at, locator->received_s);
        put_u32(&at, locator->flags);
        return;
    case VAULT_RECORD_TERMS_COPY:
        put_id(&at, locator->month_key_id.bytes);
        put_u32(&at, locator->leaf);
        put_id(&at, locator->body_id.bytes);
        memcpy(at, locator->enc, sizeof locator->enc);
        at += sizeof locator->enc;
        put_u32(&at, locator->step);
        return;
    case VAULT_RECORD_TERMS_BODY:
    case VAULT_RECORD_WRAPPER:
        put_id(&at, locator->body_id.bytes);
        return;
    case VAULT_RECORD_EVENT:
        put_id(&at, locator->row_id.bytes);
        return;
    case VAULT_RECORD_COMMIT:
        return;
    }
}

static void read_copy_place(VaultBytesReader *reader, VaultLocator *locator)
{
    vault_bytes_read(reader, locator->month_key_id.bytes, VAULT_ID_LEN);
    locator->leaf = vault_bytes_read_u32(reader);
    vault_bytes_read(reader, locator->body_id.bytes, VAULT_ID_LEN);
}

/* `bytes` has the length that belongs to `kind`: nothing can be missing. */
static void locator_parse(VaultRecordKind kind, const guint8 *bytes, VaultLocator *locator)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, locator_plain_len(kind));
    *locator = (VaultLocator){0};
    switch (kind) {
    case VAULT_RECORD_BODY:
        locator->received_s = vault_bytes_read_u64(&reader);
        locator->archived_s = vault_bytes_read_u64(&reader);
        locator->flags = vault_bytes_read_u32(&reader);
        vault_bytes_read(&reader, locator->retry_tag.bytes, VAULT_TAG_LEN);
        vault_bytes_read(&reader, locator->repeat_tag.bytes, VAULT_TAG_LEN);
        vault_bytes_read(&reader, locator->repeats.bytes, VAULT_ID_LEN);
        break;
    case VAULT_RECORD_COPY:
    case VAULT_RECORD_ADDENDUM:
        read_copy_place(&reader, locator);
        locator->received_s = vault_bytes_read_u64(&reader);
        locator->flags = vault_bytes_read_u32(&reader);
        break;
    case VAULT_RECORD_TERMS_COPY:
        read_copy_place(&reader, locator);
        vault_bytes_read(&reader, locator->enc, sizeof locator->enc);
        locator->step = vault_bytes_read_u32(&reader);
        break;
    case VAULT_RECORD_TERMS_BODY:
    case VAULT_RECORD_WRAPPER:
        vault_bytes_read(&reader, locator->body_id.bytes, VAULT_ID_LEN);
        break;
    case VAULT_RECORD_EVENT:
        vault_bytes_read(&reader, locator->row_id.bytes, VAULT_ID_LEN);
        break;
    case VAULT_RECORD_COMMIT:
        break;
    }
    g_assert(vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END));
}

/* ---- headers -------------------------------------------------------------------------------- */

gsize vault_record_format_clear(const VaultRecordHeader *header, const LocatorKey *locator_key,
                                const VaultLocator *locator,
                                guint8 ret_header[VAULT_RECORD_HEADER_LEN_MAX])
{
    guint8 plain[LOCATOR_PLAIN_LEN_MAX];
    const VaultSpan clear = {ret_header, VAULT_RECORD_FIXED_LEN};
    guint8 *at = ret_header;

    g_assert(kind_is_known(header->kind));
    g_assert((header->kind == VAULT_RECORD_COMMIT) == (locator_key == NULL));
    g_assert((locator_key == NULL) == (locator == NULL));

    memcpy(at, MAGIC, MAGIC_LEN);
    at[4] = VAULT_RECORD_VERSION;
    at[5] = (guint8)header->kind;
    vault_bytes_put_u16(at + 6, header->suite);
    memcpy(at + 8, header->record_id.bytes, VAULT_ID_LEN);
    vault_bytes_put_u64(at + 24, header->ciphertext_len);
    memcpy(at + 32, header->by_kind, VAULT_RECORD_BY_KIND_LEN);
    if (locator == NULL)
        return VAULT_RECORD_FIXED_LEN;

    locator_format(header->kind, locator, plain);
    vault_locator_seal(locator_key, &header->record_id, &clear, plain,
                       locator_plain_len(header->kind), ret_header + VAULT_RECORD_FIXED_LEN);
    return VAULT_RECORD_FIXED_LEN + vault_record_locator_len(header->kind);
}

gsize vault_record_format_crcs(guint8 header[VAULT_RECORD_HEADER_LEN_MAX], gsize clear_len,
                               guint32 ciphertext_crc)
{
    g_assert(clear_len + VAULT_RECORD_CRC_LEN <= VAULT_RECORD_HEADER_LEN_MAX);
    vault_bytes_put_u32(header + clear_len, ciphertext_crc);
    vault_bytes_put_u32(header + clear_len + 4, vault_crc32c(0, header, clear_len + 4));
    return clear_len + VAULT_RECORD_CRC_LEN;
}

static gboolean set_error(GError **error, VaultErrorCode code, const char *what)
{
    g_set_error_literal(error, VAULT_ERROR, (gint)code, what);
    return FALSE;
}

/* The length of the header that `bytes` begin, 0 when that cannot be. Its kind must be known first:
 * the kind says how long the header is. */
static gsize header_len_of(const guint8 *bytes, gsize len, GError **error)
{
    gsize header_len;

    if (len < VAULT_RECORD_FIXED_LEN + VAULT_RECORD_CRC_LEN || memcmp(bytes, MAGIC, MAGIC_LEN) != 0)
        return set_error(error, VAULT_ERROR_CORRUPT, "no record header here");
    if (bytes[4] != VAULT_RECORD_VERSION)
        return set_error(error, VAULT_ERROR_UNSUPPORTED,
                         "a record of a version that this program does not know");
    header_len = vault_record_header_len((VaultRecordKind)bytes[5]);
    if (header_len == 0)
        return set_error(error, VAULT_ERROR_UNSUPPORTED,
                         "a record of a kind that this program does not know");
    if (len < header_len)
        return set_error(error, VAULT_ERROR_CORRUPT, "the record header is cut short");
    return header_len;
}

gboolean vault_record_header_parse(const guint8 *bytes, gsize len, VaultRecordHeader *ret_header,
                                   GError **error)
{
    VaultBytesReader reader;
    gsize header_len = header_len_of(bytes, len, error);

    *ret_header = (VaultRecordHeader){0};
    if (header_len == 0)
        return FALSE;
    vault_bytes_reader_init(&reader, bytes + header_len - 4, 4);
    if (vault_bytes_read_u32(&reader) != vault_crc32c(0, bytes, header_len - 4))
        return set_error(error, VAULT_ERROR_CORRUPT, "the record header fails its checksum");

    vault_bytes_reader_init(&reader, bytes + 5, header_len - 5);
    ret_header->kind = (VaultRecordKind)vault_bytes_read_u8(&reader);
    ret_header->suite = vault_bytes_read_u16(&reader);
    vault_bytes_read(&reader, ret_header->record_id.bytes, VAULT_ID_LEN);
    ret_header->ciphertext_len = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret_header->by_kind, VAULT_RECORD_BY_KIND_LEN);
    vault_bytes_read_borrowed(&reader, vault_record_locator_len(ret_header->kind));
    ret_header->ciphertext_crc = vault_bytes_read_u32(&reader);
    ret_header->header_len = header_len;
    if (ret_header->suite != VAULT_SUITE_X25519)
        return set_error(error, VAULT_ERROR_UNSUPPORTED,
                         "a record of a suite that this program does not know");
    if (ret_header->ciphertext_len > VAULT_RECORD_CIPHERTEXT_LEN_MAX)
        return set_error(error, VAULT_ERROR_CORRUPT, "the record claims an impossible length");
    return TRUE;
}

gboolean vault_record_locator_open(const guint8 *bytes, const VaultRecordHeader *header,
                                   const LocatorKey *key, VaultLocator *ret_locator, GError **error)
{
    guint8 plain[LOCATOR_PLAIN_LEN_MAX];
    const VaultSpan clear = {bytes, VAULT_RECORD_FIXED_LEN};

    g_assert(header->kind != VAULT_RECORD_COMMIT);
    if (!vault_locator_open(key, &header->record_id, &clear, bytes + VAULT_RECORD_FIXED_LEN,
                            vault_record_locator_len(header->kind), plain, error))
        return FALSE;
    locator_parse(header->kind, plain, ret_locator);
    return TRUE;
}

gboolean vault_record_kind_has_leaf(VaultRecordKind kind)
{
    return kind == VAULT_RECORD_COPY || kind == VAULT_RECORD_ADDENDUM ||
           kind == VAULT_RECORD_TERMS_COPY;
}

void vault_record_hash(const guint8 *header, gsize header_len, const VaultHash *ciphertext_hash,
                       VaultHash *ret_hash)
{
    const VaultSpan spans[] = {{header, header_len}, {ciphertext_hash->bytes, VAULT_HASH_LEN}};

    vault_hash_spans(spans, G_N_ELEMENTS(spans), ret_hash);
}
