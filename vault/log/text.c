#include "vault/log/text.h"

#include <string.h>

gboolean log_text_line(LogText *text, const char **ret_line, gsize *ret_len)
{
    if (text->left == 0 || memchr(text->next, '\n', text->left) == NULL)
        return FALSE;
    return log_text_part(text, '\n', ret_line, ret_len);
}

gboolean log_text_part(LogText *text, char separator, const char **ret_part, gsize *ret_len)
{
    const char *end;

    if (text->left == 0)
        return FALSE;
    end = memchr(text->next, separator, text->left);
    *ret_part = text->next;
    *ret_len = end != NULL ? (gsize)(end - text->next) : text->left;
    text->next += end != NULL ? *ret_len + 1 : *ret_len;
    text->left -= end != NULL ? *ret_len + 1 : *ret_len;
    return TRUE;
}

gboolean log_text_is(const char *line, gsize len, const char *expected)
{
    return len == strlen(expected) && memcmp(line, expected, len) == 0;
}

gboolean log_text_decimal(const char *digits, gsize len, guint64 *ret_number)
{
    guint64 number = 0;

    if (len == 0 || (len > 1 && digits[0] == '0'))
        return FALSE;
    for (gsize i = 0; i < len; i++) {
        guint64 digit = (guint64)(digits[i] - '0');

        if (!g_ascii_isdigit(digits[i]) || number > ((guint64)G_MAXINT64 - digit) / 10)
            return FALSE;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return TRUE;
}

GByteArray *log_text_base64(const char *text, gsize len)
{
    /* GLib's decoder passes over what it does not know: only what encodes to the same text again
     * was base64. */
    g_autofree char *copy = g_strndup(text, len);
    g_autofree char *again = NULL;
    gsize bytes_len = 0;
    g_autofree guchar *bytes = NULL;

    if (len == 0 || strlen(copy) != len)
        return NULL;
    bytes = g_base64_decode(copy, &bytes_len);
    again = g_base64_encode(bytes, bytes_len);
    if (strcmp(again, copy) != 0)
        return NULL;
    return g_byte_array_new_take(g_steal_pointer(&bytes), bytes_len);
}

gboolean log_text_base64_exact(const char *text, gsize len, guint8 *ret_bytes, gsize bytes_len)
{
    g_autoptr(GByteArray) bytes = NULL;

    if (len != (bytes_len + 2) / 3 * 4)
        return FALSE;
    bytes = log_text_base64(text, len);
    if (bytes == NULL || bytes->len != bytes_len)
        return FALSE;
    memcpy(ret_bytes, bytes->data, bytes_len);
    return TRUE;
}

void log_text_append_base64_line(GString *text, const guint8 *bytes, gsize len)
{
    g_autofree char *encoded = g_base64_encode(bytes, len);

    g_string_append(text, encoded);
    g_string_append_c(text, '\n');
}

gboolean log_text_is_key_name(const char *name, gsize len)
{
    const char *end = name + len;

    if (len == 0 || len > VAULT_NOTE_NAME_LEN_MAX || !g_utf8_validate_len(name, len, NULL))
        return FALSE;
    for (const char *next = name; next < end; next = g_utf8_next_char(next)) {
        gunichar character = g_utf8_get_char(next);

        if (character == '+' || g_unichar_isspace(character) || g_unichar_iscntrl(character))
            return FALSE;
    }
    return TRUE;
}

gboolean log_text_malformed(GError **error, const char *what, const char *why)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s: %s", what, why);
    return FALSE;
}
