#include "vault/crypto/key_file_lines.h"

#include "vault/crypto/key_files.h"

#include <string.h>

void key_file_lines_clear(KeyFileLines *file)
{
    for (guint i = 0; file->lines != NULL && file->lines[i] != NULL; i++)
        vault_wipe(file->lines[i], strlen(file->lines[i]));
    g_clear_pointer(&file->lines, g_strfreev);
}

static gboolean malformed(const KeyFileLines *file, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "this is no proper %s file: %s",
                file->type, what);
    return FALSE;
}

gboolean key_file_lines_begin(KeyFileLines *file, const char *type, const char *text,
                              GError **error)
{
    g_autofree char *first = g_strdup_printf("%s/1", type);
    gsize type_len = strlen(type);

    file->type = type;
    if (strlen(text) > VAULT_KEY_FILE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a %s file has at most %d bytes",
                    type, VAULT_KEY_FILE_LEN_MAX);
        return FALSE;
    }
    file->lines = g_strsplit(text, "\n", -1);
    file->next = 1;
    if (file->lines[0] == NULL)
        return malformed(file, "it is empty", error);
    if (strcmp(file->lines[0], first) == 0)
        return TRUE;
    if (strncmp(file->lines[0], type, type_len) == 0 && file->lines[0][type_len] == '/') {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "this %s file has a version that this program does not know: update it", type);
        return FALSE;
    }
    return malformed(file, "its first line is another's", error);
}

gboolean key_file_lines_is_next(const KeyFileLines *file, const char *name)
{
    const char *line = file->lines[file->next];
    gsize len = strlen(name);

    return line != NULL && strncmp(line, name, len) == 0 && line[len] == ':' &&
           line[len + 1] == ' ';
}

const char *key_file_lines_value(KeyFileLines *file, const char *name, GError **error)
{
    if (!key_file_lines_is_next(file, name)) {
        g_autofree char *what =
            g_strdup_printf("line %u should be \"%s: ...\"", file->next + 1, name);

        malformed(file, what, error);
        return NULL;
    }
    return file->lines[file->next++] + strlen(name) + 2;
}

gboolean key_file_lines_bytes(KeyFileLines *file, const char *name, guint8 *ret_bytes, gsize len,
                              GError **error)
{
    const char *value = key_file_lines_value(file, name, error);

    if (value == NULL)
        return FALSE;
    for (gsize i = 0; i < 2 * len; i++) {
        guint8 digit;

        /* Lower case only: a file has one form. */
        if (!g_ascii_isxdigit(value[i]) || g_ascii_isupper(value[i]))
            return malformed(file, "a value is not hexadecimal of the right length", error);
        digit = (guint8)g_ascii_xdigit_value(value[i]);
        ret_bytes[i / 2] = (guint8)((i % 2 == 0) ? digit << 4 : ret_bytes[i / 2] | digit);
    }
    if (value[2 * len] != '\0')
        return malformed(file, "a value is not hexadecimal of the right length", error);
    return TRUE;
}

gboolean key_file_lines_number(KeyFileLines *file, const char *name, guint64 max,
                               guint64 *ret_number, GError **error)
{
    const char *value = key_file_lines_value(file, name, error);

    if (value == NULL)
        return FALSE;
    if (!g_ascii_string_to_unsigned(value, 10, 0, max, ret_number, NULL) ||
        (value[0] == '0' && value[1] != '\0') || value[0] == '+')
        return malformed(file, "a value is no number, or out of its range", error);
    return TRUE;
}

gboolean key_file_lines_end(const KeyFileLines *file, GError **error)
{
    const char *const *left = (const char *const *)file->lines + file->next;

    if (left[0] != NULL && left[0][0] == '\0' && left[1] == NULL)
        return TRUE;
    return malformed(file, "it has lines that do not belong there, or its last line has no end",
                     error);
}

void key_file_append_bytes(GString *text, const char *name, const guint8 *bytes, gsize len)
{
    static const char digits[] = "0123456789abcdef";

    g_string_append_printf(text, "%s: ", name);
    for (gsize i = 0; i < len; i++) {
        g_string_append_c(text, digits[bytes[i] >> 4]);
        g_string_append_c(text, digits[bytes[i] & 15]);
    }
    g_string_append_c(text, '\n');
}
