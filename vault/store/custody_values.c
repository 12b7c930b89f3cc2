#include "vault/store/custody_values.h"

#include "vault/base/bytes.h"

#define VALUE_VERSION 1
#define DAY_S G_GUINT64_CONSTANT(86400)

gboolean vault_custody_name_is_valid(const char *name)
{
    gsize len = strlen(name);

    return len >= 1 && len <= VAULT_CUSTODY_NAME_LEN_MAX && name[0] != '-' &&
           strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-") == len;
}

static gboolean corrupt(const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "a %s of the keyring has the wrong length or an impossible field", what);
    return FALSE;
}

/* Reads past version and name, which each value begins with. */
static gboolean begin_parse(VaultBytesReader *reader, const guint8 *bytes, gsize len,
                            const char *what, char ret_name[VAULT_CUSTODY_NAME_LEN_MAX + 1],
                            GError **error)
{
    g_autofree char *name = NULL;

    vault_bytes_reader_init(reader, bytes, len);
    if (len == 0)
        return corrupt(what, error);
    if (vault_bytes_read_u8(reader) != VALUE_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "%s of version %u: this program knows %u", what, bytes[0], VALUE_VERSION);
        return FALSE;
    }
    name = vault_bytes_read_string16(reader);
    if (name == NULL || !vault_custody_name_is_valid(name))
        return corrupt(what, error);
    g_strlcpy(ret_name, name, VAULT_CUSTODY_NAME_LEN_MAX + 1);
    return TRUE;
}

static GByteArray *begin_format(const char *name)
{
    GByteArray *bytes = g_byte_array_new();

    g_assert(vault_custody_name_is_valid(name));
    vault_bytes_append_u8(bytes, VALUE_VERSION);
    vault_bytes_append_string16(bytes, name);
    return bytes;
}

static char *read_place(VaultBytesReader *reader)
{
    char *place = vault_bytes_read_string16(reader);

    if (place != NULL && strlen(place) > VAULT_CUSTODY_PLACE_LEN_MAX)
        g_clear_pointer(&place, g_free);
    return place;
}

static void append_key(GByteArray *bytes, const VaultKeyDigest *key)
{
    vault_bytes_append_u32(bytes, key->generation);
    g_byte_array_append(bytes, key->digest, VAULT_KEY_DIGEST_LEN);
}

static VaultKeyDigest read_key(VaultBytesReader *reader)
{
    VaultKeyDigest key = {.generation = vault_bytes_read_u32(reader)};

    vault_bytes_read(reader, key.digest, VAULT_KEY_DIGEST_LEN);
    return key;
}

/* ---- holders -------------------------------------------------------------------------------- */

void vault_holder_value_free(VaultHolderValue *value)
{
    if (value == NULL)
        return;
    g_free(value->place);
    g_free(value);
}

GByteArray *vault_holder_value_format(const VaultHolderValue *value)
{
    GByteArray *bytes = begin_format(value->name);

    g_assert(value->count <= VAULT_KEY_GENERATIONS_MAX);
    vault_bytes_append_u8(bytes, value->kind);
    vault_bytes_append_string16(bytes, value->place);
    g_byte_array_append(bytes, value->escrow_key, VAULT_KEY_LEN);
    vault_bytes_append_u64(bytes, value->added_s);
    vault_bytes_append_u64(bytes, value->seen_s);
    vault_bytes_append_u8(bytes, (guint8)value->disk);
    vault_bytes_append_u8(bytes, (guint8)value->count);
    for (guint i = 0; i < value->count; i++)
        append_key(bytes, &value->keys[i]);
    return bytes;
}

static gboolean is_rising(const VaultHolderValue *value)
{
    for (guint i = 0; i < value->count; i++) {
        if (value->keys[i].generation <= (i == 0 ? 0 : value->keys[i - 1].generation))
            return FALSE;
    }
    return TRUE;
}

VaultHolderValue *vault_holder_value_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(VaultHolderValue) value = g_new0(VaultHolderValue, 1);
    VaultBytesReader reader;
    guint8 disk, count;

    if (!begin_parse(&reader, bytes, len, "holder", value->name, error))
        return NULL;
    value->kind = vault_bytes_read_u8(&reader);
    value->place = read_place(&reader);
    vault_bytes_read(&reader, value->escrow_key, VAULT_KEY_LEN);
    value->added_s = vault_bytes_read_u64(&reader);
    value->seen_s = vault_bytes_read_u64(&reader);
    disk = vault_bytes_read_u8(&reader);
    count = vault_bytes_read_u8(&reader);
    value->disk = disk == VAULT_DISK_OTHER ? VAULT_DISK_OTHER : VAULT_DISK_OF_VAULT;
    value->count = MIN(count, VAULT_KEY_GENERATIONS_MAX);
    for (guint i = 0; i < value->count; i++)
        value->keys[i] = read_key(&reader);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) || value->kind == 0 ||
        value->place == NULL || disk > VAULT_DISK_OTHER || count > VAULT_KEY_GENERATIONS_MAX ||
        !is_rising(value)) {
        corrupt("holder", error);
        return NULL;
    }
    return g_steal_pointer(&value);
}

/* ---- copies --------------------------------------------------------------------------------- */

void vault_copy_value_free(VaultCopyValue *value)
{
    if (value == NULL)
        return;
    g_free(value->place);
    g_free(value);
}

GByteArray *vault_copy_value_format(const VaultCopyValue *value)
{
    GByteArray *bytes = begin_format(value->name);

    vault_bytes_append_u8(bytes, value->kind);
    vault_bytes_append_string16(bytes, value->place);
    g_byte_array_append(bytes, value->place_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u64(bytes, value->added_s);
    vault_bytes_append_u8(bytes, (guint8)value->disk);
    append_key(bytes, &value->key);
    vault_bytes_append_u64(bytes, value->copied_s);
    return bytes;
}

VaultCopyValue *vault_copy_value_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(VaultCopyValue) value = g_new0(VaultCopyValue, 1);
    VaultBytesReader reader;
    guint8 disk;

    if (!begin_parse(&reader, bytes, len, "copy", value->name, error))
        return NULL;
    value->kind = vault_bytes_read_u8(&reader);
    value->place = read_place(&reader);
    vault_bytes_read(&reader, value->place_id.bytes, VAULT_ID_LEN);
    value->added_s = vault_bytes_read_u64(&reader);
    disk = vault_bytes_read_u8(&reader);
    value->disk = disk == VAULT_DISK_OTHER ? VAULT_DISK_OTHER : VAULT_DISK_OF_VAULT;
    value->key = read_key(&reader);
    value->copied_s = vault_bytes_read_u64(&reader);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) || value->kind == 0 ||
        value->place == NULL || disk > VAULT_DISK_OTHER ||
        (value->key.generation == 0) != (value->copied_s == 0)) {
        corrupt("copy", error);
        return NULL;
    }
    return g_steal_pointer(&value);
}

/* ---- declarations --------------------------------------------------------------------------- */

GByteArray *vault_declaration_value_format(const VaultDeclarationValue *value)
{
    GByteArray *bytes = begin_format(value->name);

    vault_bytes_append_u32(bytes, value->keep_days);
    vault_bytes_append_u64(bytes, value->declared_s);
    vault_bytes_append_u64(bytes, value->ended_s);
    return bytes;
}

gboolean vault_declaration_value_parse(const guint8 *bytes, gsize len, VaultDeclarationValue *ret,
                                       GError **error)
{
    VaultBytesReader reader;

    *ret = (VaultDeclarationValue){.keep_days = 0};
    if (!begin_parse(&reader, bytes, len, "declaration", ret->name, error))
        return FALSE;
    ret->keep_days = vault_bytes_read_u32(&reader);
    ret->declared_s = vault_bytes_read_u64(&reader);
    ret->ended_s = vault_bytes_read_u64(&reader);
    if (vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) &&
        ret->keep_days <= VAULT_CUSTODY_KEEP_DAYS_MAX)
        return TRUE;
    return corrupt("declaration", error);
}

guint64 vault_declaration_counts_until(const VaultDeclarationValue *value, guint64 destroyed_s)
{
    guint64 keep_s = value->keep_days * DAY_S;
    /* The last one that can hold it was made just before, or when they ended. */
    guint64 made_s = value->ended_s == 0 ? destroyed_s : MIN(value->ended_s, destroyed_s);
    guint64 until_s = MIN(made_s, G_MAXUINT64 - keep_s) + keep_s;

    return until_s > destroyed_s ? until_s : 0;
}
