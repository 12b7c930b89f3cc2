#include "vault/crypto/key_text.h"

#include "vault/crypto/key_files.h"

#include <sodium.h>

#define VERSION "/1"
#define TEXT_LEN_MAX 1024

/* Sets ret_len to the line's length without its end, and gives the begin of the line after it. */
static const char *line_end(const char *line, gsize *ret_len)
{
    const char *end = strchrnul(line, '\n');
    gsize len = (gsize)(end - line);

    *ret_len = (len > 0 && *end == '\n' && line[len - 1] == '\r') ? len - 1 : len;
    return (*end == '\n') ? end + 1 : end;
}

static gboolean set_malformed(const KeyTextReader *reader, const char *what, const char *name,
                              GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "this is no whole %s file: %s \"%s\"",
                reader->type, what, name);
    return FALSE;
}

/* The first line is not ours: says what the file is, where that can be known. */
static gboolean set_other_type(const char *line, gsize len, const char *type, GError **error)
{
    gsize type_len = strlen(type);

    if (len > type_len && memcmp(line, type, type_len) == 0 && line[type_len] == '/') {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "a %s file of a version that this program does not know", type);
        return FALSE;
    }
    if (g_str_has_prefix(line, "muniment-") && len < 64 &&
        g_utf8_validate(line, (gssize)len, NULL)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "a %s file is needed, this is a %.*s file", type, (int)len, line);
        return FALSE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "this is not a %s file", type);
    return FALSE;
}

gboolean key_text_begin(KeyTextReader *reader, const char *text, const char *type, GError **error)
{
    gsize type_len = strlen(type);
    gsize len;

    *reader = (KeyTextReader){.type = type};
    if (strnlen(text, VAULT_KEY_FILE_LEN_MAX + 1) > VAULT_KEY_FILE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a %s file has at most %d bytes, this one has more", type,
                    VAULT_KEY_FILE_LEN_MAX);
        return FALSE;
    }
    reader->next = line_end(text, &len);
    if (len != type_len + strlen(VERSION) || memcmp(text, type, type_len) != 0 ||
        memcmp(text + type_len, VERSION, strlen(VERSION)) != 0)
        return set_other_type(text, len, type, error);
    return TRUE;
}

gboolean key_text_has_line(const KeyTextReader *reader, const char *name)
{
    gsize name_len = strlen(name);

    return strncmp(reader->next, name, name_len) == 0 &&
           strncmp(reader->next + name_len, ": ", 2) == 0;
}

gboolean key_text_line(KeyTextReader *reader, const char *name, const char **ret_value,
                       gsize *ret_len, GError **error)
{
    const char *line = reader->next;
    gsize skip = strlen(name) + 2;
    gsize len;

    if (!key_text_has_line(reader, name))
        return set_malformed(reader, "the next line should be", name, error);
    reader->next = line_end(line, &len);
    *ret_value = line + skip;
    *ret_len = len - skip;
    return TRUE;
}

gboolean key_text_parse_hex(const char *value, gsize len, guint8 *ret_bytes, gsize bytes_len)
{
    return len == 2 * bytes_len &&
           sodium_hex2bin(ret_bytes, bytes_len, value, len, NULL, NULL, NULL) == 0;
}

gboolean key_text_hex(KeyTextReader *reader, const char *name, guint8 *ret_bytes, gsize len,
                      GError **error)
{
    const char *value;
    gsize value_len;

    if (!key_text_line(reader, name, &value, &value_len, error))
        return FALSE;
    if (!key_text_parse_hex(value, value_len, ret_bytes, len))
        return set_malformed(reader, "not the right hexadecimal digits in line", name, error);
    return TRUE;
}

gboolean key_text_parse_u32(const char *value, gsize len, guint32 *ret_number)
{
    guint64 number = 0;

    if (len == 0 || len > 10 || (value[0] == '0' && len > 1))
        return FALSE;
    for (gsize i = 0; i < len; i++) {
        if (!g_ascii_isdigit(value[i]))
            return FALSE;
        number = number * 10 + (guint64)(value[i] - '0');
    }
    *ret_number = (guint32)number;
    return number <= G_MAXUINT32;
}

gboolean key_text_u32(KeyTextReader *reader, const char *name, guint32 *ret_number, GError **error)
{
    const char *value;
    gsize len;

    if (!key_text_line(reader, name, &value, &len, error))
        return FALSE;
    if (!key_text_parse_u32(value, len, ret_number))
        return set_malformed(reader, "not a number in line", name, error);
    return TRUE;
}

gboolean key_text_end(const KeyTextReader *reader, GError **error)
{
    if (*reader->next != '\0')
        return set_malformed(reader, "there is more after its", "last line", error);
    return TRUE;
}

gboolean key_text_public_key(KeyTextReader *reader, const char *name, guint8 ret_key[VAULT_KEY_LEN],
                             GError **error)
{
    static const guint8 any_secret[VAULT_KEY_LEN] = {9};
    guint8 shared[VAULT_KEY_LEN];

    if (!key_text_hex(reader, name, ret_key, VAULT_KEY_LEN, error))
        return FALSE;
    if (crypto_scalarmult(shared, any_secret, ret_key) != 0)
        return set_malformed(reader, "a key of small order in line", name, error);
    return TRUE;
}

GString *key_text_new(const char *type)
{
    GString *text = g_string_sized_new(TEXT_LEN_MAX);

    g_string_append(text, type);
    g_string_append(text, VERSION "\n");
    return text;
}

void key_text_put(GString *text, const char *name, const char *value)
{
    g_assert(text->len + strlen(name) + strlen(value) + 4 < TEXT_LEN_MAX);
    g_string_append(text, name);
    g_string_append(text, ": ");
    g_string_append(text, value);
    g_string_append_c(text, '\n');
}

void key_text_append_hex(GString *text, const guint8 *bytes, gsize len)
{
    gsize start = text->len;

    g_assert(start + 2 * len + 1 < TEXT_LEN_MAX);
    g_string_set_size(text, start + 2 * len);
    sodium_bin2hex(text->str + start, 2 * len + 1, bytes, len);
}

void key_text_put_hex(GString *text, const char *name, const guint8 *bytes, gsize len)
{
    g_string_append(text, name);
    g_string_append(text, ": ");
    key_text_append_hex(text, bytes, len);
    g_string_append_c(text, '\n');
}

void vault_key_text_free(char *text)
{
    if (text != NULL)
        vault_wipe(text, strlen(text));
    g_free(text);
}
