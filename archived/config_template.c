#include "archived/config_template.h"

#include "archived/config_keys.h"

#include <string.h>

static void append_comment(GString *text, const char *help)
{
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);

    for (char **line = lines; *line != NULL; line++)
        g_string_append_printf(text, "# %s\n", *line);
}

static void append_key(GString *text, const ConfigKey *key, const char *value)
{
    append_comment(text, key->help);
    g_string_append_printf(text, "%s=%s\n\n", key->name, value);
}

char *archived_config_template(const char *const *domains)
{
    g_autofree char *list = domains == NULL ? g_strdup("") : g_strjoinv(";", (GStrv)domains);
    GString *text =
        g_string_new("# Configuration of archived, the daemon that takes mail into this vault: "
                     "archived.conf(5).\n"
                     "# Every key is here with its default. After a change:\n"
                     "#   archived --config FILE --check && systemctl reload archived\n");

    for (gsize group = 0; group < CONFIG_GROUP_COUNT; group++) {
        g_string_append_c(text, '\n');
        append_comment(text, config_groups[group].help);
        g_string_append_printf(text, "[%s]\n", config_groups[group].name);
        for (gsize i = 0; i < CONFIG_KEY_COUNT; i++) {
            const ConfigKey *key = &config_keys[i];

            if (strcmp(key->group, config_groups[group].name) == 0)
                append_key(text, key, strcmp(key->name, "domains") == 0 ? list : key->default_text);
        }
    }
    g_string_truncate(text, text->len - 1); /* one line end is enough at the file's end */
    return g_string_free(text, FALSE);
}
