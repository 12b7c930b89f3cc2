#include "archived/config.h"

#include "archived/config_keys.h"
#include "vault/base/file.h"

#include <string.h>

ArchivedConfig *archived_config_ref(ArchivedConfig *config)
{
    g_atomic_ref_count_inc(&config->references);
    return config;
}

static void free_value(ArchivedConfig *config, const ConfigKey *key)
{
    gpointer value = (guint8 *)config + key->offset;

    if (key->kind == CONFIG_LIST)
        g_strfreev(*(GStrv *)value);
    else if (key->kind == CONFIG_TEXT || key->kind == CONFIG_PATH)
        g_free(*(char **)value);
}

void archived_config_unref(ArchivedConfig *config)
{
    if (config == NULL || !g_atomic_ref_count_dec(&config->references))
        return;
    for (gsize i = 0; i < CONFIG_KEY_COUNT; i++)
        free_value(config, &config_keys[i]);
    g_clear_pointer(&config->listen, g_ptr_array_unref);
    g_clear_pointer(&config->allow, g_array_unref);
    ingest_owner_rules_free(config->rules);
    g_free(config->file_path);
    g_free(config->vault_path);
    g_free(config);
}

static void free_address(gpointer address)
{
    archived_address_free(address);
}

static ArchivedConfig *config_new(const char *file_path)
{
    ArchivedConfig *config = g_new0(ArchivedConfig, 1);

    g_atomic_ref_count_init(&config->references);
    config->file_path = g_strdup(file_path);
    config->vault_path = g_path_get_dirname(file_path);
    config->listen = g_ptr_array_new_with_free_func(free_address);
    config->allow = g_array_new(FALSE, FALSE, sizeof(ArchivedNetwork));
    for (gsize i = 0; i < CONFIG_KEY_COUNT; i++)
        g_assert(config_key_set(config, &config_keys[i], config_keys[i].default_text, NULL));
    return config;
}

/* The known name that a person probably meant: same letters but for case, "-" and "_". */
static const char *find_similar(const char *group, const char *name)
{
    g_autofree char *wanted = g_strdelimit(g_ascii_strdown(name, -1), "-", '_');

    for (gsize i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(config_keys[i].name, wanted) == 0 &&
            (strcmp(config_keys[i].group, group) != 0 || strcmp(wanted, name) != 0))
            return config_keys[i].name;
    }
    return NULL;
}

static const char *group_of(const char *name)
{
    for (gsize i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(config_keys[i].name, name) == 0)
            return config_keys[i].group;
    }
    return NULL;
}

static void note_unknown(const ArchivedConfigEntry *entry, ArchivedMistakes *mistakes)
{
    const char *similar = find_similar(entry->group, entry->key);

    if (config_group_find(entry->group) < 0)
        archived_mistakes_add(mistakes, entry->line,
                              "%s= stands under the unknown group [%s]: the groups are [lmtp], "
                              "[mailboxes], [limits], [search], [control] and [log]",
                              entry->key, entry->group);
    else if (similar != NULL)
        archived_mistakes_add(mistakes, entry->line,
                              "[%s] has no key %s: did you mean %s= under [%s]?", entry->group,
                              entry->key, similar, group_of(similar));
    else
        archived_mistakes_add(mistakes, entry->line,
                              "[%s] has no key %s: remove the line, or see archived.conf(5)",
                              entry->group, entry->key);
}

static void take_entry(ArchivedConfig *config, const ArchivedConfigEntry *entry, ConfigLines *lines,
                       ArchivedMistakes *mistakes)
{
    g_autoptr(GError) error = NULL;
    int group = config_group_find(entry->group);
    int key = config_key_find(entry->group, entry->key);

    if (group >= 0)
        lines->groups[group] = entry->section;
    if (key < 0) {
        note_unknown(entry, mistakes);
        return;
    }
    lines->keys[key] = entry->line;
    if (!config_key_set(config, &config_keys[key], entry->value, &error))
        archived_mistakes_add(mistakes, entry->line, "%s", error->message);
}

static ArchivedConfig *parse(const char *text, gsize len, const char *file_path, ConfigLines *lines,
                             ArchivedMistakes *mistakes)
{
    g_autoptr(ArchivedConfig) config = config_new(file_path);
    g_autoptr(GPtrArray) entries = archived_config_lines_parse(text, len, mistakes);

    for (guint i = 0; i < entries->len; i++)
        take_entry(config, entries->pdata[i], lines, mistakes);
    config_check_values(config, lines, mistakes);
    return g_steal_pointer(&config);
}

ArchivedConfig *archived_config_parse(const char *text, gsize len, const char *file_path,
                                      ArchivedMistakes *mistakes)
{
    ConfigLines lines = {0};
    g_autoptr(ArchivedConfig) config = parse(text, len, file_path, &lines, mistakes);

    return archived_mistakes_count(mistakes) > 0 ? NULL : g_steal_pointer(&config);
}

ArchivedConfig *archived_config_load(const char *path, ArchivedConfigDepth depth, GError **error)
{
    g_autofree char *file_path = g_canonicalize_filename(path, NULL);
    g_autoptr(ArchivedMistakes) mistakes = archived_mistakes_new(path);
    g_autoptr(GBytes) bytes = vault_file_read(file_path, ARCHIVED_CONFIG_LEN_MAX, error);
    g_autoptr(ArchivedConfig) config = NULL;
    g_autofree char *all = NULL;
    ConfigLines lines = {0};
    const char *text;
    gsize len;

    if (bytes == NULL)
        return NULL;
    text = g_bytes_get_data(bytes, &len);
    config = parse(text == NULL ? "" : text, len, file_path, &lines, mistakes);
    if (depth == ARCHIVED_CONFIG_SYSTEM)
        config_check_system(config, &lines, mistakes);
    if (archived_mistakes_count(mistakes) == 0)
        return g_steal_pointer(&config);
    all = archived_mistakes_format(mistakes);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, all);
    return NULL;
}

guint64 archived_config_delivery_memory(const ArchivedConfig *config)
{
    guint64 taken = ARCHIVED_MEMORY_BASE + config->max_connections * ARCHIVED_MEMORY_PER_CONNECTION;

    return config->memory > taken ? config->memory - taken : 0;
}

gboolean archived_config_allows(const ArchivedConfig *config, const guint8 peer[ARCHIVED_PEER_LEN])
{
    for (guint i = 0; i < config->allow->len; i++) {
        if (archived_network_contains(&g_array_index(config->allow, ArchivedNetwork, i), peer))
            return TRUE;
    }
    return config->allow->len == 0;
}
