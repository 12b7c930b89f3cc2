#include "vault/base/bytes.h"

#include <string.h>

void vault_bytes_reader_init(VaultBytesReader *reader, const void *bytes, gsize len)
{
    *reader = (VaultBytesReader){.next = bytes, .left = len, .failed = FALSE};
}

const guint8 *vault_bytes_read_borrowed(VaultBytesReader *reader, gsize len)
{
    const guint8 *at = reader->next;

    if (reader->failed || len > reader->left) {
        reader->failed = TRUE;
        return NULL;
    }
    reader->next += len;
    reader->left -= len;
    return at;
}

void vault_bytes_read(VaultBytesReader *reader, void *ret_bytes, gsize len)
{
    const guint8 *at = vault_bytes_read_borrowed(reader, len);

    if (at == NULL)
        memset(ret_bytes, 0, len);
    else if (len > 0)
        memcpy(ret_bytes, at, len);
}

static guint64 read_integer(VaultBytesReader *reader, gsize len)
{
    const guint8 *at = vault_bytes_read_borrowed(reader, len);
    guint64 value = 0;

    for (gsize i = 0; at != NULL && i < len; i++)
        value = value << 8 | at[i];
    return value;
}

guint8 vault_bytes_read_u8(VaultBytesReader *reader)
{
    return (guint8)read_integer(reader, 1);
}

guint16 vault_bytes_read_u16(VaultBytesReader *reader)
{
    return (guint16)read_integer(reader, 2);
}

guint32 vault_bytes_read_u32(VaultBytesReader *reader)
{
    return (guint32)read_integer(reader, 4);
}

guint64 vault_bytes_read_u64(VaultBytesReader *reader)
{
    return read_integer(reader, 8);
}

char *vault_bytes_read_string16(VaultBytesReader *reader)
{
    gsize len = vault_bytes_read_u16(reader);
    const guint8 *at = vault_bytes_read_borrowed(reader, len);

    if (at == NULL)
        return NULL;
    /* With a length, g_utf8_validate() refuses NUL as well. */
    if (!g_utf8_validate((const char *)at, (gssize)len, NULL)) {
        reader->failed = TRUE;
        return NULL;
    }
    return g_strndup((const char *)at, len);
}

gboolean vault_bytes_reader_finish(const VaultBytesReader *reader, VaultBytesEnd end)
{
    return !reader->failed && (end == VAULT_BYTES_MAY_FOLLOW || reader->left == 0);
}

static void put_integer(guint8 *at, guint64 value, gsize len)
{
    for (gsize i = len; i > 0; i--, value >>= 8)
        at[i - 1] = (guint8)value;
}

void vault_bytes_put_u16(guint8 *at, guint16 value)
{
    put_integer(at, value, 2);
}

void vault_bytes_put_u32(guint8 *at, guint32 value)
{
    put_integer(at, value, 4);
}

void vault_bytes_put_u64(guint8 *at, guint64 value)
{
    put_integer(at, value, 8);
}

static void append_integer(GByteArray *array, guint64 value, gsize len)
{
    guint8 bytes[8];

    put_integer(bytes, value, len);
    g_byte_array_append(array, bytes, (guint)len);
}

void vault_bytes_append_u8(GByteArray *array, guint8 value)
{
    append_integer(array, value, 1);
}

void vault_bytes_append_u16(GByteArray *array, guint16 value)
{
    append_integer(array, value, 2);
}

void vault_bytes_append_u32(GByteArray *array, guint32 value)
{
    append_integer(array, value, 4);
}

void vault_bytes_append_u64(GByteArray *array, guint64 value)
{
    append_integer(array, value, 8);
}

void vault_bytes_append_string16(GByteArray *array, const char *text)
{
    gsize len = strlen(text);

    g_assert(len <= G_MAXUINT16);
    vault_bytes_append_u16(array, (guint16)len);
    g_byte_array_append(array, (const guint8 *)text, (guint)len);
}

char *vault_bytes_to_hex(const guint8 *bytes, gsize len)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = g_malloc(2 * len + 1);

    for (gsize i = 0; i < len; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * len] = '\0';
    return hex;
}

gboolean vault_bytes_from_hex(const char *text, guint8 *ret_bytes, gsize len)
{
    if (text == NULL || strlen(text) != 2 * len)
        return FALSE;
    for (gsize i = 0; i < len; i++) {
        gint high = g_ascii_xdigit_value(text[2 * i]), low = g_ascii_xdigit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return FALSE;
        ret_bytes[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}
