#include "vault/store/keyring_values.h"

#include "vault/base/bytes.h"

/* All values of this file are of version 1, but that of a master that was drilled, or that another
 * takes the place of. */
#define VALUE_VERSION 1
#define MASTER_DRILLED_VERSION 2
#define MASTER_REPLACED_VERSION 3

static GByteArray *begin(void)
{
    /* Large enough for each of them: growing would leave key bytes in freed memory. */
    GByteArray *bytes = g_byte_array_sized_new(256);

    vault_bytes_append_u8(bytes, VALUE_VERSION);
    return bytes;
}

static gboolean check_version(const guint8 *bytes, gsize len, const char *what, GError **error)
{
    if (len > 0 && bytes[0] == VALUE_VERSION)
        return TRUE;
    if (len == 0)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a %s of the keyring is empty", what);
    else
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "%s of version %u: this program knows %u", what, bytes[0], VALUE_VERSION);
    return FALSE;
}

static gboolean check_end(const VaultBytesReader *reader, gboolean is_valid, const char *what,
                          GError **error)
{
    if (is_valid && vault_bytes_reader_finish(reader, VAULT_BYTES_MUST_END))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "a %s of the keyring has the wrong length or an impossible field", what);
    return FALSE;
}

/* Reader past the version byte. */
static VaultBytesReader fields(const guint8 *bytes, gsize len)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes + 1, len - 1);
    return reader;
}

GByteArray *vault_generation_value_format(const VaultGenerationValue *value)
{
    GByteArray *bytes = begin();

    g_byte_array_append(bytes, value->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(bytes, value->generation);
    g_byte_array_append(bytes, value->vault_row_key_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u64(bytes, value->created_s);
    return bytes;
}

gboolean vault_generation_value_parse(const guint8 *bytes, gsize len, VaultGenerationValue *ret,
                                      GError **error)
{
    VaultBytesReader reader;

    if (!check_version(bytes, len, "generation", error))
        return FALSE;
    reader = fields(bytes, len);
    vault_bytes_read(&reader, ret->vault_id.bytes, VAULT_ID_LEN);
    ret->generation = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, ret->vault_row_key_id.bytes, VAULT_ID_LEN);
    ret->created_s = vault_bytes_read_u64(&reader);
    return check_end(&reader, ret->generation > 0, "generation", error);
}

const char *vault_master_state_name(VaultMasterState state)
{
    switch (state) {
    case VAULT_MASTER_ACTIVE:
        return "active";
    case VAULT_MASTER_RETIRED:
        return "retired";
    case VAULT_MASTER_RETIRING:
        return "retiring";
    }
    g_assert_not_reached();
}

/* The first that has room for what is to be said. */
static guint8 master_version(const VaultMasterValue *value)
{
    if (!vault_id_is_zero(value->successor.bytes))
        return MASTER_REPLACED_VERSION;
    return value->drilled_s != 0 ? MASTER_DRILLED_VERSION : VALUE_VERSION;
}

GByteArray *vault_master_value_format(const VaultMasterValue *value)
{
    GByteArray *bytes = begin();

    vault_bytes_append_u8(bytes, (guint8)value->state);
    vault_bytes_append_u64(bytes, value->added_s);
    g_byte_array_append(bytes, value->master.public_key.bytes, VAULT_KEY_LEN);
    g_byte_array_append(bytes, value->master.verify_key.bytes, VAULT_KEY_LEN);
    bytes->data[0] = master_version(value);
    if (bytes->data[0] >= MASTER_DRILLED_VERSION)
        vault_bytes_append_u64(bytes, value->drilled_s);
    if (bytes->data[0] == MASTER_REPLACED_VERSION)
        g_byte_array_append(bytes, value->successor.bytes, VAULT_ID_LEN);
    return bytes;
}

/* One that is retiring has a successor; the other states may be with and without one. */
static gboolean is_master_valid(const VaultMasterValue *value, guint8 version)
{
    if (master_version(value) != version)
        return FALSE;
    return value->state == VAULT_MASTER_ACTIVE || value->state == VAULT_MASTER_RETIRED ||
           (value->state == VAULT_MASTER_RETIRING && version == MASTER_REPLACED_VERSION);
}

gboolean vault_master_value_parse(const guint8 *bytes, gsize len, VaultMasterValue *ret,
                                  GError **error)
{
    guint8 version = len > 0 ? bytes[0] : 0;
    gboolean is_later = version == MASTER_DRILLED_VERSION || version == MASTER_REPLACED_VERSION;
    VaultBytesReader reader;

    *ret = (VaultMasterValue){.drilled_s = 0};
    if (!is_later && !check_version(bytes, len, "master", error))
        return FALSE;
    reader = fields(bytes, len);
    ret->state = (VaultMasterState)vault_bytes_read_u8(&reader);
    ret->added_s = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret->master.public_key.bytes, VAULT_KEY_LEN);
    vault_bytes_read(&reader, ret->master.verify_key.bytes, VAULT_KEY_LEN);
    if (version >= MASTER_DRILLED_VERSION)
        ret->drilled_s = vault_bytes_read_u64(&reader);
    if (version == MASTER_REPLACED_VERSION)
        vault_bytes_read(&reader, ret->successor.bytes, VAULT_ID_LEN);
    return check_end(&reader, is_master_valid(ret, version), "master", error);
}

static GByteArray *key_value_format(const guint8 key[VAULT_KEY_LEN])
{
    GByteArray *bytes = begin();

    g_byte_array_append(bytes, key, VAULT_KEY_LEN);
    return bytes;
}

static gboolean key_value_parse(const guint8 *bytes, gsize len, const char *what,
                                guint8 ret_key[VAULT_KEY_LEN], GError **error)
{
    VaultBytesReader reader;

    if (!check_version(bytes, len, what, error))
        return FALSE;
    reader = fields(bytes, len);
    vault_bytes_read(&reader, ret_key, VAULT_KEY_LEN);
    return check_end(&reader, TRUE, what, error);
}

GByteArray *vault_locator_key_value_format(const LocatorKey *key)
{
    return key_value_format(key->bytes);
}

gboolean vault_locator_key_value_parse(const guint8 *bytes, gsize len, LocatorKey *ret,
                                       GError **error)
{
    return key_value_parse(bytes, len, "locator key", ret->bytes, error);
}

GByteArray *vault_event_key_value_format(const RowKey *key)
{
    return key_value_format(key->bytes);
}

gboolean vault_event_key_value_parse(const guint8 *bytes, gsize len, RowKey *ret, GError **error)
{
    return key_value_parse(bytes, len, "event key", ret->bytes, error);
}

GByteArray *vault_day_key_value_format(const VaultDayKeyValue *value)
{
    GByteArray *bytes = begin();

    vault_bytes_append_u32(bytes, value->day);
    g_byte_array_append(bytes, value->key.bytes, VAULT_KEY_LEN);
    return bytes;
}

gboolean vault_day_key_value_parse(const guint8 *bytes, gsize len, VaultDayKeyValue *ret,
                                   GError **error)
{
    VaultBytesReader reader;

    if (!check_version(bytes, len, "day key", error))
        return FALSE;
    reader = fields(bytes, len);
    ret->day = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, ret->key.bytes, VAULT_KEY_LEN);
    return check_end(&reader, TRUE, "day key", error);
}

GByteArray *vault_log_key_value_format(const VaultLogKeyValue *value)
{
    GByteArray *bytes = begin();

    vault_bytes_append_u64(bytes, value->created_s);
    g_byte_array_append(bytes, value->signing.bytes, sizeof value->signing.bytes);
    g_byte_array_append(bytes, value->verify.bytes, VAULT_KEY_LEN);
    return bytes;
}

gboolean vault_log_key_value_parse(const guint8 *bytes, gsize len, VaultLogKeyValue *ret,
                                   GError **error)
{
    VaultBytesReader reader;

    if (!check_version(bytes, len, "log key", error))
        return FALSE;
    reader = fields(bytes, len);
    ret->created_s = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret->signing.bytes, sizeof ret->signing.bytes);
    vault_bytes_read(&reader, ret->verify.bytes, VAULT_KEY_LEN);
    return check_end(&reader, TRUE, "log key", error);
}

const RowId vault_log_state_row = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

GByteArray *vault_log_state_value_format(const VaultLogStateValue *value)
{
    GByteArray *bytes = begin();

    vault_bytes_append_u32(bytes, value->epoch);
    vault_bytes_append_u64(bytes, value->archive_size);
    vault_bytes_append_u64(bytes, value->control_size);
    return bytes;
}

gboolean vault_log_state_value_parse(const guint8 *bytes, gsize len, VaultLogStateValue *ret,
                                     GError **error)
{
    VaultBytesReader reader;

    if (!check_version(bytes, len, "log state", error))
        return FALSE;
    reader = fields(bytes, len);
    ret->epoch = vault_bytes_read_u32(&reader);
    ret->archive_size = vault_bytes_read_u64(&reader);
    ret->control_size = vault_bytes_read_u64(&reader);
    return check_end(&reader, ret->epoch > 0, "log state", error);
}

GByteArray *vault_revocation_value_format(const VaultRevocationValue *value)
{
    GByteArray *bytes = begin();

    g_byte_array_append(bytes, value->request_hash.bytes, VAULT_HASH_LEN);
    vault_bytes_append_u64(bytes, value->revoked_s);
    return bytes;
}

gboolean vault_revocation_value_parse(const guint8 *bytes, gsize len, VaultRevocationValue *ret,
                                      GError **error)
{
    VaultBytesReader reader;

    if (!check_version(bytes, len, "revocation", error))
        return FALSE;
    reader = fields(bytes, len);
    vault_bytes_read(&reader, ret->request_hash.bytes, VAULT_HASH_LEN);
    ret->revoked_s = vault_bytes_read_u64(&reader);
    return check_end(&reader, TRUE, "revocation", error);
}

GByteArray *vault_tombstone_value_format(const VaultTombstoneValue *value)
{
    GByteArray *bytes = begin();

    g_byte_array_append(bytes, value->mailbox_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u32(bytes, value->month);
    vault_bytes_append_u64(bytes, value->dropped_s);
    g_byte_array_append(bytes, value->event_id.bytes, VAULT_ID_LEN);
    return bytes;
}

gboolean vault_tombstone_value_parse(const guint8 *bytes, gsize len, VaultTombstoneValue *ret,
                                     GError **error)
{
    VaultBytesReader reader;

    if (!check_version(bytes, len, "tombstone", error))
        return FALSE;
    reader = fields(bytes, len);
    vault_bytes_read(&reader, ret->mailbox_id.bytes, VAULT_ID_LEN);
    ret->month = vault_bytes_read_u32(&reader);
    ret->dropped_s = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, ret->event_id.bytes, VAULT_ID_LEN);
    return check_end(&reader, vault_month_is_valid(ret->month), "tombstone", error);
}
