#include "vault/act/text_file.h"

#include <stdarg.h>

gboolean vault_text_file_refuse(const VaultTextFile *file, GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s, line %u: %s", file->type,
                file->line, text);
    return FALSE;
}

/* Borrowed; FALSE at the end of the text and for a line without LF. */
static gboolean next_line(VaultTextFile *file, const char **ret_line, gsize *ret_len)
{
    const char *lf = NULL;

    file->line++;
    if (file->next < file->end)
        lf = memchr(file->next, '\n', (gsize)(file->end - file->next));
    if (lf == NULL)
        return FALSE;
    *ret_line = file->next;
    *ret_len = (gsize)(lf - file->next);
    file->next = lf + 1;
    return TRUE;
}

static gboolean refuse_type(const VaultTextFile *file, const char *line, gsize len, GError **error)
{
    const char *slash = strchr(file->type, '/');
    gsize stem_len = (gsize)(slash - file->type) + 1;

    if (len > stem_len && memcmp(line, file->type, stem_len) == 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "the file is of another version than %s, which is the one known here",
                    file->type);
        return FALSE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "this is not a file of type %s",
                file->type);
    return FALSE;
}

gboolean vault_text_file_begin(VaultTextFile *file, const char *text, gsize len, const char *type,
                               GError **error)
{
    const char *line = text;
    gsize line_len = 0;

    *file = (VaultTextFile){.next = text, .end = text + len, .type = type};
    if (!next_line(file, &line, &line_len) || line_len != strlen(type) ||
        memcmp(line, type, line_len) != 0)
        return refuse_type(file, line, line_len, error);
    if (!g_utf8_validate_len(text, len, NULL))
        return vault_text_file_refuse(file, error, "the file is not UTF-8 text");
    return TRUE;
}

char *vault_text_file_take(VaultTextFile *file, const char *name, gsize len_max, GError **error)
{
    gsize name_len = strlen(name), line_len = 0, value_len;
    const char *line = NULL, *value;

    if (!next_line(file, &line, &line_len)) {
        vault_text_file_refuse(file, error, "\"%s:\" is missing, the file ends", name);
        return NULL;
    }
    if (line_len < name_len + 2 || memcmp(line, name, name_len) != 0 || line[name_len] != ':' ||
        line[name_len + 1] != ' ') {
        vault_text_file_refuse(file, error, "\"%s: \" is wanted here", name);
        return NULL;
    }
    value = line + name_len + 2;
    value_len = line_len - name_len - 2;
    if (value_len == 0 || value_len > len_max || value[0] == ' ' || value[value_len - 1] == ' ') {
        vault_text_file_refuse(file, error,
                               "\"%s\" is empty, longer than %" G_GSIZE_FORMAT
                               " bytes, or begins or ends with a space",
                               name, len_max);
        return NULL;
    }
    return g_strndup(value, value_len);
}

gboolean vault_text_file_finish(const VaultTextFile *file, GError **error)
{
    if (file->next == file->end)
        return TRUE;
    return vault_text_file_refuse(file, error, "something follows that has no place there");
}

/* Zero-width (non-)joiners are part of some scripts; other format characters can make a text show
 * as another one. */
static gboolean is_readable_char(gunichar character)
{
    if (character == 0x200c || character == 0x200d)
        return TRUE;
    switch (g_unichar_type(character)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}

gboolean vault_text_is_readable(const char *text, gsize len_max)
{
    gsize len = strlen(text);

    if (len == 0 || len > len_max || text[0] == ' ' || text[len - 1] == ' ' ||
        !g_utf8_validate_len(text, len, NULL))
        return FALSE;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
        if (!is_readable_char(g_utf8_get_char(at)))
            return FALSE;
    }
    return TRUE;
}

char *vault_text_file_take_text(VaultTextFile *file, const char *name, gsize len_max,
                                GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, len_max, error);

    if (value == NULL)
        return NULL;
    if (!vault_text_is_readable(value, len_max)) {
        vault_text_file_refuse(file, error, "\"%s\" holds control characters", name);
        return NULL;
    }
    return g_steal_pointer(&value);
}

gboolean vault_text_file_take_number(VaultTextFile *file, const char *name, guint32 max,
                                     guint32 *ret_number, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, 10, error);
    guint64 number = 0;

    if (value == NULL)
        return FALSE;
    for (const char *at = value; *at != '\0'; at++) {
        if (!g_ascii_isdigit(*at) || (*at == '0' && at == value && at[1] != '\0'))
            return vault_text_file_refuse(file, error, "\"%s\" is not a plain number", name);
        number = number * 10 + (guint64)(*at - '0');
    }
    if (number > max)
        return vault_text_file_refuse(file, error, "\"%s\" is over the limit of %u", name, max);
    *ret_number = (guint32)number;
    return TRUE;
}

char *vault_text_time(guint64 time_s)
{
    g_autoptr(GDateTime) time = NULL;

    g_assert(time_s < VAULT_TEXT_TIME_END_S);
    time = g_date_time_new_from_unix_utc((gint64)time_s);
    return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02dZ", g_date_time_get_year(time),
                           g_date_time_get_month(time), g_date_time_get_day_of_month(time),
                           g_date_time_get_hour(time), g_date_time_get_minute(time),
                           g_date_time_get_second(time));
}

gboolean vault_text_file_take_time(VaultTextFile *file, const char *name, guint64 *ret_s,
                                   GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, 20, error);
    g_autoptr(GDateTime) time = NULL;

    if (value == NULL)
        return FALSE;
    time = g_date_time_new_from_iso8601(value, NULL);
    if (time != NULL && g_date_time_to_unix(time) >= 0 &&
        (guint64)g_date_time_to_unix(time) < VAULT_TEXT_TIME_END_S) {
        g_autofree char *again = vault_text_time((guint64)g_date_time_to_unix(time));

        /* ISO 8601 has many ways to write a second; this format has one. */
        if (g_str_equal(again, value)) {
            *ret_s = (guint64)g_date_time_to_unix(time);
            return TRUE;
        }
    }
    return vault_text_file_refuse(file, error, "\"%s\" is not a time like 2026-11-24T00:21:08Z",
                                  name);
}

gboolean vault_text_file_take_period(VaultTextFile *file, guint64 *ret_from_s, guint64 *ret_to_s,
                                     GError **error)
{
    if (!vault_text_file_take_time(file, "from", ret_from_s, error) ||
        !vault_text_file_take_time(file, "to", ret_to_s, error))
        return FALSE;
    return *ret_from_s < *ret_to_s || vault_text_file_refuse(file, error, "the period is empty");
}

gboolean vault_text_file_hex(const VaultTextFile *file, const char *what, const char *text,
                             guint8 *ret_bytes, gsize len, GError **error)
{
    gsize i;

    for (i = 0; i < 2 * len && g_ascii_isxdigit(text[i]) && !g_ascii_isupper(text[i]); i++) {
        guint8 digit = (guint8)g_ascii_xdigit_value(text[i]);

        ret_bytes[i / 2] = (guint8)((i % 2 == 0) ? digit << 4 : ret_bytes[i / 2] | digit);
    }
    if (i == 2 * len && text[i] == '\0')
        return TRUE;
    return vault_text_file_refuse(file, error,
                                  "\"%s\" is not %" G_GSIZE_FORMAT " lower-case hexadecimal digits",
                                  what, 2 * len);
}

gboolean vault_text_file_take_hex(VaultTextFile *file, const char *name, guint8 *ret_bytes,
                                  gsize len, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, 2 * len, error);

    return value != NULL && vault_text_file_hex(file, name, value, ret_bytes, len, error);
}

gboolean vault_text_file_take_messages(VaultTextFile *file, guint32 max, GArray *ids,
                                       GError **error)
{
    guint32 count;

    if (!vault_text_file_take_number(file, "messages", max, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        RecordId id;

        if (!vault_text_file_take_hex(file, "message", id.bytes, VAULT_ID_LEN, error))
            return FALSE;
        if (i > 0 && memcmp(id.bytes, g_array_index(ids, RecordId, i - 1).bytes, VAULT_ID_LEN) <= 0)
            return vault_text_file_refuse(file, error, "the messages are not in order of id");
        g_array_append_val(ids, id);
    }
    return TRUE;
}

gboolean vault_text_file_month(const VaultTextFile *file, const char *text, VaultMonth *ret_month,
                               GError **error)
{
    guint month = 0;
    gsize i;

    for (i = 0; i < 6 && g_ascii_isdigit(text[i]); i++)
        month = month * 10 + (guint)(text[i] - '0');
    if (i != 6 || text[6] != '\0' || month < 197001 || month % 100 < 1 || month % 100 > 12)
        return vault_text_file_refuse(file, error, "a month is six digits, like 202611");
    *ret_month = month;
    return TRUE;
}

static const char unassigned[] = "unassigned";

const char *vault_text_of_address(const char *address)
{
    return *address != '\0' ? address : unassigned;
}

char *vault_text_file_address(const VaultTextFile *file, const char *text, GError **error)
{
    if (g_str_equal(text, unassigned))
        return g_strdup("");
    if (vault_text_is_readable(text, VAULT_ADDRESS_LEN_MAX) && strchr(text, '@') != NULL)
        return g_strdup(text);
    vault_text_file_refuse(file, error, "an address is wanted here, or \"unassigned\"");
    return NULL;
}

char **vault_text_file_split(const VaultTextFile *file, const char *value, guint count,
                             GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, " ", (gint)count);

    for (guint i = 0; i < count; i++) {
        if (parts[i] == NULL || *parts[i] == '\0' || *parts[i] == ' ') {
            vault_text_file_refuse(file, error, "%u parts, with a space between, are wanted here",
                                   count);
            return NULL;
        }
    }
    return g_steal_pointer(&parts);
}

void vault_text_append(GString *text, const char *name, const char *value)
{
    g_string_append_printf(text, "%s: %s\n", name, value);
}

void vault_text_append_number(GString *text, const char *name, guint32 number)
{
    g_string_append_printf(text, "%s: %u\n", name, number);
}

void vault_text_append_time(GString *text, const char *name, guint64 time_s)
{
    g_autofree char *value = vault_text_time(time_s);

    vault_text_append(text, name, value);
}

void vault_text_append_hex(GString *text, const guint8 *bytes, gsize len)
{
    static const char digits[] = "0123456789abcdef";

    for (gsize i = 0; i < len; i++) {
        g_string_append_c(text, digits[bytes[i] >> 4]);
        g_string_append_c(text, digits[bytes[i] & 15]);
    }
}

void vault_text_append_messages(GString *text, const GArray *ids)
{
    vault_text_append_number(text, "messages", ids->len);
    for (guint i = 0; i < ids->len; i++)
        vault_text_append_hex_line(text, "message", g_array_index(ids, RecordId, i).bytes,
                                   VAULT_ID_LEN);
}

void vault_text_append_hex_line(GString *text, const char *name, const guint8 *bytes, gsize len)
{
    g_string_append_printf(text, "%s: ", name);
    vault_text_append_hex(text, bytes, len);
    g_string_append_c(text, '\n');
}
