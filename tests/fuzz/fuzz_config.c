/* archived.conf: what is accepted, GKeyFile reads the same (but for blanks at a line's end); and
 * every mistake has its line. */
#include <string.h>

#include "archived/config.h"
#include "archived/config_keys.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* The value that our pass over the lines found is the one GKeyFile gives. */
static void compare_with_key_file(const char *text, gsize len)
{
    g_autoptr(ArchivedMistakes) mistakes = archived_mistakes_new("f");
    g_autoptr(GPtrArray) entries = archived_config_lines_parse(text, len, mistakes);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *terminated = g_strndup(text, len);
    g_auto(GStrv) lines = g_strsplit(terminated, "\n", -1);
    g_autofree char *stripped = NULL;

    if (entries->len == 0)
        return;
    /* GKeyFile takes no blank behind a group, so not CRLF either; editors leave both. */
    for (char **line = lines; *line != NULL; line++)
        g_strchomp(*line);
    stripped = g_strjoinv("\n", lines);
    g_assert_true(
        g_key_file_load_from_data(file, stripped, strlen(stripped), G_KEY_FILE_NONE, NULL));
    for (guint i = entries->len; i > 0; i--) {
        const ArchivedConfigEntry *entry = entries->pdata[i - 1];
        g_autofree char *value = g_key_file_get_value(file, entry->group, entry->key, NULL);
        g_autofree char *name = g_strconcat(entry->group, "\n", entry->key, NULL);

        /* the last one counts, for both */
        if (g_hash_table_add(seen, g_steal_pointer(&name)))
            g_assert_cmpstr(g_strchomp(value), ==, entry->value);
    }
}

static void check_mistakes(const ArchivedMistakes *mistakes)
{
    g_autofree char *text = archived_mistakes_format(mistakes);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    g_assert_cmpuint(g_strv_length(lines), ==, archived_mistakes_count(mistakes));
    for (char **line = lines; *line != NULL; line++)
        g_assert_true(g_str_has_prefix(*line, "f:"));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = (const char *)data;
    g_autoptr(ArchivedMistakes) mistakes = archived_mistakes_new("f");
    g_autoptr(ArchivedConfig) config =
        archived_config_parse(text, size, "/vault/archived.conf", mistakes);

    g_assert_true((config == NULL) == (archived_mistakes_count(mistakes) > 0));
    if (config == NULL) {
        check_mistakes(mistakes);
        return 0;
    }
    g_assert_cmpuint(config->listen->len, >, 0);
    g_assert_cmpuint(archived_config_delivery_memory(config), >=, ARCHIVED_MEMORY_DELIVERIES_MIN);
    g_assert_nonnull(config->rules);
    compare_with_key_file(text, size);
    return 0;
}
