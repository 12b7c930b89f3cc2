#include "vault/act/release.h"

#include "vault/base/bytes.h"
#include "vault/crypto/value.h"

#define SLOT_LEN (1 + 2 * VAULT_ID_LEN + 4 + VAULT_KEY_LEN)
#define TERMS_LEN (SLOT_LEN + VAULT_HPKE_ENC_LEN + 4)

static gboolean refuse(GError **error, VaultErrorCode code, const char *why)
{
    g_set_error(error, VAULT_ERROR, (gint)code, "release: %s", why);
    return FALSE;
}

/* ---- header ---------------------------------------------------------------------------------- */

static void format_header(const VaultReleaseHeader *header, VaultReleasePlane plane,
                          guint8 ret[VAULT_RELEASE_HEADER_LEN])
{
    ret[0] = (guint8)plane;
    memcpy(ret + 1, header->vault_id.bytes, VAULT_ID_LEN);
    memcpy(ret + 1 + VAULT_ID_LEN, header->grant_hash.bytes, VAULT_HASH_LEN);
    vault_bytes_put_u64(ret + 1 + VAULT_ID_LEN + VAULT_HASH_LEN, header->log_index);
}

gboolean vault_release_header_parse(const void *release, gsize len, VaultReleaseHeader *ret_header,
                                    GError **error)
{
    VaultBytesReader reader;
    guint8 plane;

    *ret_header = (VaultReleaseHeader){0};
    vault_bytes_reader_init(&reader, release, len);
    plane = vault_bytes_read_u8(&reader);
    if (len > (plane == VAULT_RELEASE_TERMS ? VAULT_TERMS_RELEASE_LEN_MAX : VAULT_RELEASE_LEN_MAX))
        return refuse(error, VAULT_ERROR_TOO_LARGE, "it is longer than any");
    vault_bytes_read(&reader, ret_header->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, ret_header->grant_hash.bytes, VAULT_HASH_LEN);
    ret_header->log_index = vault_bytes_read_u64(&reader);
    if (reader.failed)
        return refuse(error, VAULT_ERROR_MALFORMED, "it is cut short");
    ret_header->plane = (VaultReleasePlane)plane;
    return plane == VAULT_RELEASE_CONTENT || plane == VAULT_RELEASE_TERMS ||
           refuse(error, VAULT_ERROR_UNSUPPORTED, "what it gives is not known here");
}

/* ---- sealing --------------------------------------------------------------------------------- */

/* Sized before the first secret goes in: a growing array would leave copies behind. */
static GByteArray *begin_rows(gsize count, gsize row_len)
{
    GByteArray *bytes = g_byte_array_sized_new((guint)(4 + count * row_len));

    g_assert(count <= VAULT_RELEASE_COUNT_MAX);
    vault_bytes_append_u32(bytes, (guint32)count);
    return bytes;
}

static void append_slot(GByteArray *bytes, const VaultReleasedSlot *slot)
{
    vault_bytes_append_u8(bytes, (guint8)slot->state);
    g_byte_array_append(bytes, slot->record_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(bytes, slot->month_key_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(bytes, slot->leaf);
    g_byte_array_append(bytes, slot->slot.bytes, VAULT_KEY_LEN);
}

static void append_terms(GByteArray *bytes, const VaultReleasedTerms *terms)
{
    vault_bytes_append_u8(bytes, (guint8)terms->state);
    g_byte_array_append(bytes, terms->record_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(bytes, terms->month_key_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(bytes, terms->leaf);
    g_byte_array_append(bytes, terms->slot.bytes, VAULT_KEY_LEN);
    g_byte_array_append(bytes, terms->enc, VAULT_HPKE_ENC_LEN);
    vault_bytes_append_u32(bytes, terms->step);
}

/* Takes the rows over. */
static GBytes *seal_rows(const VaultReleaseHeader *header, VaultReleasePlane plane,
                         GByteArray *rows, const ReaderPublicKey *key, GError **error)
{
    const char *purpose =
        plane == VAULT_RELEASE_TERMS ? VAULT_TERMS_RELEASE_PURPOSE : VAULT_RELEASE_PURPOSE;
    guint8 clear[VAULT_RELEASE_HEADER_LEN];
    const VaultSpan aad = {clear, sizeof clear};
    g_autoptr(GBytes) sealed = NULL;
    GByteArray *release;

    format_header(header, plane, clear);
    sealed = vault_reader_seal(key, purpose, &aad, rows->data, rows->len, error);
    vault_value_free(rows);
    if (sealed == NULL)
        return NULL;
    release = g_byte_array_new();
    g_byte_array_append(release, clear, sizeof clear);
    g_byte_array_append(release, g_bytes_get_data(sealed, NULL), (guint)g_bytes_get_size(sealed));
    return g_byte_array_free_to_bytes(release);
}

GBytes *vault_release_seal(const VaultReleaseHeader *header, const VaultReleasedSlot *slots,
                           gsize count, const ReaderPublicKey *key, GError **error)
{
    GByteArray *rows = begin_rows(count, SLOT_LEN);

    for (gsize i = 0; i < count; i++)
        append_slot(rows, &slots[i]);
    return seal_rows(header, VAULT_RELEASE_CONTENT, rows, key, error);
}

GBytes *vault_release_seal_terms(const VaultReleaseHeader *header, const VaultReleasedTerms *terms,
                                 gsize count, const ReaderPublicKey *key, GError **error)
{
    GByteArray *rows = begin_rows(count, TERMS_LEN);

    for (gsize i = 0; i < count; i++)
        append_terms(rows, &terms[i]);
    return seal_rows(header, VAULT_RELEASE_TERMS, rows, key, error);
}

/* ---- parsing what was sealed ----------------------------------------------------------------- */

static void slot_clear(gpointer slot)
{
    vault_released_slot_wipe(slot);
}

static void terms_clear(gpointer terms)
{
    vault_released_terms_wipe(terms);
}

/* An array of as many rows as there are bytes for, all zeros. */
static GArray *parse_count(VaultBytesReader *reader, gsize row_len, gsize struct_len,
                           GDestroyNotify clear, GError **error)
{
    guint32 count = vault_bytes_read_u32(reader);
    GArray *rows;

    if (reader->failed || count > VAULT_RELEASE_COUNT_MAX ||
        reader->left != (gsize)count * row_len) {
        refuse(error, VAULT_ERROR_MALFORMED, "it has not the length that its number of slots says");
        return NULL;
    }
    rows = g_array_sized_new(FALSE, TRUE, (guint)struct_len, MAX(count, 1));
    g_array_set_clear_func(rows, clear);
    g_array_set_size(rows, count);
    return rows;
}

static gboolean read_state(VaultBytesReader *reader, VaultReleaseState *ret_state, GError **error)
{
    guint8 state = vault_bytes_read_u8(reader);

    *ret_state = (VaultReleaseState)state;
    return state <= VAULT_RELEASE_NOT_FOUND ||
           refuse(error, VAULT_ERROR_MALFORMED, "a slot has no such state");
}

GArray *vault_release_slots_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(GArray) slots = NULL;
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, len);
    slots = parse_count(&reader, SLOT_LEN, sizeof(VaultReleasedSlot), slot_clear, error);
    for (guint i = 0; slots != NULL && i < slots->len; i++) {
        VaultReleasedSlot *slot = &g_array_index(slots, VaultReleasedSlot, i);

        if (!read_state(&reader, &slot->state, error))
            return NULL;
        vault_bytes_read(&reader, slot->record_id.bytes, VAULT_ID_LEN);
        vault_bytes_read(&reader, slot->month_key_id.bytes, VAULT_ID_LEN);
        slot->leaf = vault_bytes_read_u32(&reader);
        vault_bytes_read(&reader, slot->slot.bytes, VAULT_KEY_LEN);
    }
    return g_steal_pointer(&slots);
}

GArray *vault_release_terms_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(GArray) rows = NULL;
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, len);
    rows = parse_count(&reader, TERMS_LEN, sizeof(VaultReleasedTerms), terms_clear, error);
    for (guint i = 0; rows != NULL && i < rows->len; i++) {
        VaultReleasedTerms *terms = &g_array_index(rows, VaultReleasedTerms, i);

        if (!read_state(&reader, &terms->state, error))
            return NULL;
        vault_bytes_read(&reader, terms->record_id.bytes, VAULT_ID_LEN);
        vault_bytes_read(&reader, terms->month_key_id.bytes, VAULT_ID_LEN);
        terms->leaf = vault_bytes_read_u32(&reader);
        vault_bytes_read(&reader, terms->slot.bytes, VAULT_KEY_LEN);
        vault_bytes_read(&reader, terms->enc, VAULT_HPKE_ENC_LEN);
        terms->step = vault_bytes_read_u32(&reader);
    }
    return g_steal_pointer(&rows);
}
