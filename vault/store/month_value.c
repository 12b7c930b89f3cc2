#include "vault/store/month_value.h"

#include "vault/base/bytes.h"

#define FIRST_VERSION 1 /* longer, and names its mailbox */
#define MONTH_VERSION 2

static VaultMonthValue *value_new(void)
{
    VaultMonthValue *value = g_new0(VaultMonthValue, 1);

    value->wraps = g_array_new(FALSE, TRUE, sizeof(VaultWrap));
    return value;
}

void vault_month_value_free(VaultMonthValue *value)
{
    if (value == NULL)
        return;
    g_free(value->address);
    g_array_unref(value->wraps);
    vault_erasure_tree_free(value->tree);
    g_free(value);
}

VaultMonthValue *vault_month_value_new(const VaultMonthIdentity *identity,
                                       const VaultWrapRecipient *recipients, gsize count,
                                       guint64 now_s, GError **error)
{
    g_autoptr(VaultMonthValue) value = value_new();

    if (count == 0 || count > VAULT_WRAPS_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "%" G_GSIZE_FORMAT " recipients for a new mailbox-month, 1 to %d are possible",
                    count, VAULT_WRAPS_MAX);
        return NULL;
    }
    g_array_set_size(value->wraps, (guint)count);
    if (!vault_month_create(identity, recipients, count, &value->keys,
                            (VaultWrap *)(void *)value->wraps->data, error))
        return NULL;
    value->month_key_id = vault_month_key_id(&value->keys.content);
    value->mailbox_id = identity->mailbox_id;
    value->month = identity->month;
    value->address = g_strdup(identity->address);
    value->created_s = now_s;
    value->leaf_mark = VAULT_LEAF_BLOCK;
    value->tree = vault_erasure_tree_new();
    return g_steal_pointer(&value);
}

const VaultWrap *vault_month_value_wrap(const VaultMonthValue *value, VaultWrapKind kind,
                                        const KeyId *key_id)
{
    for (guint i = 0; i < value->wraps->len; i++) {
        const VaultWrap *wrap = &g_array_index(value->wraps, VaultWrap, i);

        if (wrap->kind == kind && VAULT_ID_EQUAL(wrap->key_id, *key_id))
            return wrap;
    }
    return NULL;
}

static void append_wraps(GByteArray *bytes, const GArray *wraps)
{
    vault_bytes_append_u8(bytes, (guint8)wraps->len);
    for (guint i = 0; i < wraps->len; i++) {
        const VaultWrap *wrap = &g_array_index(wraps, VaultWrap, i);

        vault_bytes_append_u8(bytes, wrap->kind);
        g_byte_array_append(bytes, wrap->key_id.bytes, VAULT_ID_LEN);
        g_byte_array_append(bytes, wrap->enc, sizeof wrap->enc);
        g_byte_array_append(bytes, wrap->ciphertext, sizeof wrap->ciphertext);
    }
}

GByteArray *vault_month_value_format(const VaultMonthValue *value)
{
    /* Room for the usual tree at once: growing would leave nodes behind in freed memory. */
    GByteArray *bytes = g_byte_array_sized_new(4096);

    g_assert(value->leaf_mark > 0 && value->leaf_mark <= VAULT_LEAVES_MAX);
    vault_bytes_append_u8(bytes, MONTH_VERSION);
    vault_bytes_append_u16(bytes, VAULT_SUITE_X25519);
    vault_bytes_append_u32(bytes, value->month);
    vault_bytes_append_string16(bytes, value->address);
    vault_bytes_append_u8(bytes, (guint8)(value->created_s >> 32));
    vault_bytes_append_u32(bytes, (guint32)value->created_s);
    g_byte_array_append(bytes, value->keys.content.bytes, VAULT_KEY_LEN);
    g_byte_array_append(bytes, value->keys.index.bytes, VAULT_KEY_LEN);
    append_wraps(bytes, value->wraps);
    vault_bytes_append_u32(bytes, (guint32)(value->leaf_mark - 1));
    vault_erasure_tree_format(value->tree, bytes);
    return bytes;
}

static gboolean corrupt(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a mailbox-month of the keyring %s", what);
    return FALSE;
}

/* ---- parsing: both versions, which differ in how long their numbers are -----------------------
 */

static gboolean parse_wraps(VaultBytesReader *reader, guint count, VaultMonthValue *value,
                            GError **error)
{
    if (count == 0 || count > VAULT_WRAPS_MAX)
        return corrupt(error, "has no wraps or too many");
    for (guint i = 0; i < count; i++) {
        VaultWrap wrap;

        wrap.kind = vault_bytes_read_u8(reader);
        vault_bytes_read(reader, wrap.key_id.bytes, VAULT_ID_LEN);
        vault_bytes_read(reader, wrap.enc, sizeof wrap.enc);
        vault_bytes_read(reader, wrap.ciphertext, sizeof wrap.ciphertext);
        if (wrap.kind < VAULT_WRAP_MASTER || wrap.kind > VAULT_WRAP_STANDING_READER)
            return corrupt(error, "has a wrap of unknown kind");
        g_array_append_val(value->wraps, wrap);
    }
    return TRUE;
}

static gboolean parse_name(VaultBytesReader *reader, VaultMonthValue *value, GError **error)
{
    value->month = vault_bytes_read_u32(reader);
    value->address = vault_bytes_read_string16(reader);
    if (value->address == NULL || strlen(value->address) > VAULT_ADDRESS_LEN_MAX)
        return corrupt(error, "has an address that is cut, too long or no UTF-8");
    return vault_month_is_valid(value->month) || corrupt(error, "is of no month");
}

static void read_keys(VaultBytesReader *reader, VaultMonthValue *value)
{
    vault_bytes_read(reader, value->keys.content.bytes, VAULT_KEY_LEN);
    vault_bytes_read(reader, value->keys.index.bytes, VAULT_KEY_LEN);
}

static gboolean parse_tree(VaultBytesReader *reader, gsize tree_len, VaultMonthValue *value,
                           GError **error)
{
    const guint8 *tree = vault_bytes_read_borrowed(reader, tree_len);

    if (tree == NULL || !vault_bytes_reader_finish(reader, VAULT_BYTES_MUST_END))
        return corrupt(error, "has the wrong length");
    if (value->leaf_mark == 0 || value->leaf_mark > VAULT_LEAVES_MAX)
        return corrupt(error, "has a high-water mark past its last leaf, or none");
    value->tree = vault_erasure_tree_parse(tree, tree_len, error);
    return value->tree != NULL;
}

static gboolean parse_first(VaultBytesReader *reader, const MailboxId *mailbox_id,
                            VaultMonthValue *value, GError **error)
{
    MailboxId named = {{0}};

    vault_bytes_read(reader, named.bytes, VAULT_ID_LEN);
    if (!VAULT_ID_EQUAL(named, *mailbox_id))
        return corrupt(error, "is of another mailbox");
    if (!parse_name(reader, value, error))
        return FALSE;
    value->created_s = vault_bytes_read_u64(reader);
    read_keys(reader, value);
    if (!parse_wraps(reader, vault_bytes_read_u16(reader), value, error))
        return FALSE;
    value->leaf_mark = vault_bytes_read_u64(reader);
    return parse_tree(reader, vault_bytes_read_u32(reader), value, error);
}

static gboolean parse_second(VaultBytesReader *reader, VaultMonthValue *value, GError **error)
{
    if (!parse_name(reader, value, error))
        return FALSE;
    value->created_s = (guint64)vault_bytes_read_u8(reader) << 32;
    value->created_s |= vault_bytes_read_u32(reader);
    read_keys(reader, value);
    if (!parse_wraps(reader, vault_bytes_read_u8(reader), value, error))
        return FALSE;
    value->leaf_mark = (guint64)vault_bytes_read_u32(reader) + 1;
    return parse_tree(reader, reader->left, value, error);
}

static gboolean parse_version(VaultBytesReader *reader, guint8 *ret_version, GError **error)
{
    guint16 suite;

    *ret_version = vault_bytes_read_u8(reader);
    suite = vault_bytes_read_u16(reader);
    if (reader->failed)
        return corrupt(error, "has the wrong length");
    if ((*ret_version == FIRST_VERSION || *ret_version == MONTH_VERSION) &&
        suite == VAULT_SUITE_X25519)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "mailbox-month of version %u, suite 0x%04x: this program knows %u, 0x%04x",
                *ret_version, suite, MONTH_VERSION, VAULT_SUITE_X25519);
    return FALSE;
}

VaultMonthValue *vault_month_value_parse(const MailboxId *mailbox_id, const guint8 *bytes,
                                         gsize len, GError **error)
{
    g_autoptr(VaultMonthValue) value = value_new();
    VaultBytesReader reader;
    guint8 version;

    vault_bytes_reader_init(&reader, bytes, len);
    if (!parse_version(&reader, &version, error) ||
        !(version == FIRST_VERSION ? parse_first(&reader, mailbox_id, value, error)
                                   : parse_second(&reader, value, error)))
        return NULL;
    value->mailbox_id = *mailbox_id;
    value->month_key_id = vault_month_key_id(&value->keys.content);
    return g_steal_pointer(&value);
}
