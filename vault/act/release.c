#include "vault/act/release.h"

#include "vault/base/bytes.h"
#include "vault/crypto/value.h"

#define VERSION 1
#define SLOT_LEN (1 + 2 * VAULT_ID_LEN + 4 + VAULT_KEY_LEN)

static gboolean refuse(GError **error, VaultErrorCode code, const char *why)
{
    g_set_error(error, VAULT_ERROR, (gint)code, "release: %s", why);
    return FALSE;
}

static void format_header(const VaultReleaseHeader *header, guint8 ret[VAULT_RELEASE_HEADER_LEN])
{
    ret[0] = VERSION;
    memcpy(ret + 1, header->vault_id.bytes, VAULT_ID_LEN);
    memcpy(ret + 1 + VAULT_ID_LEN, header->grant_hash.bytes, VAULT_HASH_LEN);
    vault_bytes_put_u64(ret + 1 + VAULT_ID_LEN + VAULT_HASH_LEN, header->log_index);
}

/* Sized before the first secret goes in: a growing array would leave copies behind. */
static GByteArray *format_slots(const VaultReleasedSlot *slots, gsize count)
{
    GByteArray *bytes = g_byte_array_sized_new((guint)(4 + count * SLOT_LEN));

    vault_bytes_append_u32(bytes, (guint32)count);
    for (gsize i = 0; i < count; i++) {
        vault_bytes_append_u8(bytes, (guint8)slots[i].state);
        g_byte_array_append(bytes, slots[i].record_id.bytes, VAULT_ID_LEN);
        g_byte_array_append(bytes, slots[i].month_key_id.bytes, VAULT_ID_LEN);
        vault_bytes_append_u32(bytes, slots[i].leaf);
        g_byte_array_append(bytes, slots[i].slot.bytes, VAULT_KEY_LEN);
    }
    return bytes;
}

GBytes *vault_release_seal(const VaultReleaseHeader *header, const VaultReleasedSlot *slots,
                           gsize count, const ReaderPublicKey *key, GError **error)
{
    guint8 clear[VAULT_RELEASE_HEADER_LEN];
    const VaultSpan aad = {clear, sizeof clear};
    g_autoptr(GBytes) sealed = NULL;
    GByteArray *plain, *release;

    g_assert(count <= VAULT_RELEASE_COUNT_MAX);
    format_header(header, clear);
    plain = format_slots(slots, count);
    sealed = vault_reader_seal(key, VAULT_RELEASE_PURPOSE, &aad, plain->data, plain->len, error);
    vault_value_free(plain);
    if (sealed == NULL)
        return NULL;
    release = g_byte_array_new();
    g_byte_array_append(release, clear, sizeof clear);
    g_byte_array_append(release, g_bytes_get_data(sealed, NULL), (guint)g_bytes_get_size(sealed));
    return g_byte_array_free_to_bytes(release);
}

gboolean vault_release_header_parse(const void *release, gsize len, VaultReleaseHeader *ret_header,
                                    GError **error)
{
    VaultBytesReader reader;
    guint8 version;

    *ret_header = (VaultReleaseHeader){0};
    if (len > VAULT_RELEASE_LEN_MAX)
        return refuse(error, VAULT_ERROR_TOO_LARGE, "it is longer than any");
    vault_bytes_reader_init(&reader, release, len);
    version = vault_bytes_read_u8(&reader);
    vault_bytes_read(&reader, ret_header->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(&reader, ret_header->grant_hash.bytes, VAULT_HASH_LEN);
    ret_header->log_index = vault_bytes_read_u64(&reader);
    if (reader.failed)
        return refuse(error, VAULT_ERROR_MALFORMED, "it is cut short");
    return version == VERSION ||
           refuse(error, VAULT_ERROR_UNSUPPORTED, "its version is not known here");
}

static void slot_clear(gpointer slot)
{
    vault_released_slot_wipe(slot);
}

static gboolean read_slot(VaultBytesReader *reader, VaultReleasedSlot *slot)
{
    guint8 state = vault_bytes_read_u8(reader);

    slot->state = (VaultReleaseState)state;
    vault_bytes_read(reader, slot->record_id.bytes, VAULT_ID_LEN);
    vault_bytes_read(reader, slot->month_key_id.bytes, VAULT_ID_LEN);
    slot->leaf = vault_bytes_read_u32(reader);
    vault_bytes_read(reader, slot->slot.bytes, VAULT_KEY_LEN);
    return state <= VAULT_RELEASE_NOT_FOUND;
}

GArray *vault_release_slots_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(GArray) slots = NULL;
    VaultBytesReader reader;
    gboolean is_good = TRUE;
    guint32 count;

    vault_bytes_reader_init(&reader, bytes, len);
    count = vault_bytes_read_u32(&reader);
    if (count > VAULT_RELEASE_COUNT_MAX || reader.left != (gsize)count * SLOT_LEN) {
        refuse(error, VAULT_ERROR_MALFORMED, "it has not the length that its number of slots says");
        return NULL;
    }
    slots = g_array_sized_new(FALSE, TRUE, sizeof(VaultReleasedSlot), MAX(count, 1));
    g_array_set_clear_func(slots, slot_clear);
    g_array_set_size(slots, count);
    for (guint32 i = 0; is_good && i < count; i++)
        is_good = read_slot(&reader, &g_array_index(slots, VaultReleasedSlot, i));
    if (is_good)
        return g_steal_pointer(&slots);
    refuse(error, VAULT_ERROR_MALFORMED, "a slot has no such state");
    return NULL;
}
