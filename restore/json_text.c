#include "restore/json_text.h"

#include "restore/manifest.h"

void json_text_add(JsonBuilder *builder, const char *name, const char *value)
{
    g_autofree char *valid = value == NULL ? NULL : g_utf8_make_valid(value, -1);

    json_builder_set_member_name(builder, name);
    if (valid == NULL)
        json_builder_add_null_value(builder);
    else
        json_builder_add_string_value(builder, valid);
}

void json_text_add_number(JsonBuilder *builder, const char *name, guint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, (gint64)MIN(value, G_MAXINT64));
}

void json_text_add_boolean(JsonBuilder *builder, const char *name, gboolean value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, value);
}

void json_text_add_time(JsonBuilder *builder, const char *name, guint64 time_s)
{
    g_autofree char *text = time_s == 0 ? NULL : manifest_time(time_s);

    json_text_add(builder, name, text);
}

gboolean json_text_is_flat(const char *line)
{
    gboolean is_text = FALSE;

    for (const char *at = line; *at != '\0'; at++) {
        if (is_text && *at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            is_text = !is_text;
        else if (!is_text && (*at == '[' || (*at == '{' && at != line)))
            return FALSE;
    }
    return TRUE;
}
