/* muniment init: makes a vault. */
#include "restore/new_vault.h"
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/base/file.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>

static const char verb[] = "init";

typedef struct {
    char **masters, **domains;
    char *vault_key;
    gboolean as_json;
} InitOptions;

static void init_options_clear(InitOptions *options)
{
    g_strfreev(options->masters);
    g_strfreev(options->domains);
    g_free(options->vault_key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InitOptions, init_options_clear)

static gboolean read_master(const char *path, GArray *masters, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
    MasterPublic master;

    if (text == NULL)
        return FALSE;
    if (!vault_master_public_parse(g_bytes_get_data(text, NULL), &master, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    for (guint i = 0; i < masters->len; i++) {
        if (memcmp(&g_array_index(masters, MasterPublic, i), &master, sizeof master) == 0) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s is the same master again",
                        path);
            return FALSE;
        }
    }
    g_array_append_val(masters, master);
    return TRUE;
}

static gboolean read_masters(char **paths, GArray *masters, GError **error)
{
    for (; *paths != NULL; paths++) {
        if (!read_master(*paths, masters, error))
            return FALSE;
    }
    return TRUE;
}

static void print_next_steps(const RestoreNewVault *vault, const InitOptions *options)
{
    const char *path = vault->path;

    printf("\nNext:\n"
           "  1. Carry off this host: every secret master file, if one is here. The archive must "
           "not be able to read itself.\n"
           "  2. Keep a copy of %s on another machine, away from backups of %s:\n"
           "     both together are needed to recover the archive, and one without the other opens "
           "nothing.\n",
           vault->vault_key, path);
    if (options->domains == NULL)
        printf("  3. Name your domains in %s/archived.conf ([mailboxes] domains=).\n", path);
    else
        printf("  3. Look through %s/archived.conf: listeners, limits, TLS.\n", path);
    printf("  4. Check and start:\n"
           "     archived --config %s/archived.conf --check\n"
           "     archived --config %s/archived.conf\n",
           path, path);
}

static void print_report(const RestoreNewVault *vault, const GArray *masters,
                         const InitOptions *options)
{
    printf("Vault:        %s\nVault id:     %s\nVault key:    %s\n", vault->path,
           VAULT_ID_TEXT(vault->id), vault->vault_key);
    for (guint i = 0; i < masters->len; i++) {
        g_autofree char *fingerprint =
            vault_master_fingerprint(&g_array_index(masters, MasterPublic, i));

        printf("Master:       %s   (compare with what \"master create\" printed)\n", fingerprint);
    }
    print_next_steps(vault, options);
}

static gboolean print_json(const RestoreNewVault *vault, const GArray *masters, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "vault");
    json_builder_add_string_value(builder, vault->path);
    json_builder_set_member_name(builder, "vault_id");
    json_builder_add_string_value(builder, VAULT_ID_TEXT(vault->id));
    json_builder_set_member_name(builder, "vault_key");
    json_builder_add_string_value(builder, vault->vault_key);
    json_builder_set_member_name(builder, "masters");
    json_builder_begin_array(builder);
    for (guint i = 0; i < masters->len; i++) {
        g_autofree char *fingerprint =
            vault_master_fingerprint(&g_array_index(masters, MasterPublic, i));

        json_builder_add_string_value(builder, fingerprint);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean init(const char *path, const InitOptions *options, GError **error)
{
    const char *const *domains = (const char *const *)options->domains;
    g_autoptr(GArray) masters = g_array_new(FALSE, FALSE, sizeof(MasterPublic));
    g_auto(RestoreNewVault) vault = {.path = NULL};
    RestoreNewVaultOptions new_vault = {.domains = domains};

    if (!read_masters(options->masters, masters, error) ||
        !restore_new_vault_check(path, options->vault_key, domains, &vault, error))
        return FALSE;
    new_vault.masters = (const MasterPublic *)(gpointer)masters->data;
    new_vault.master_count = masters->len;
    if (!restore_new_vault_make(&vault, &new_vault, error))
        return FALSE;
    if (options->as_json)
        return print_json(&vault, masters, error);
    print_report(&vault, masters, options);
    return TRUE;
}

int restore_verb_init(int argc, char **argv)
{
    g_auto(InitOptions) options = {0};
    const GOptionEntry entries[] = {
        {"master", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.masters,
         "public half of a master key; may be given several times", "M.pub"},
        {"domain", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.domains,
         "a domain whose addresses have mailboxes; may be given several times", "D"},
        {"vaultkey", 0, 0, G_OPTION_ARG_FILENAME, &options.vault_key,
         "where the vault key is kept, outside VAULT (default: VAULT.vaultkey)", "PATH"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT --master M.pub...",
        .summary = "Makes the vault VAULT, a folder that does not exist yet or is empty, and its "
                   "archived.conf.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (options.masters == NULL)
        return restore_verb_usage(verb, "give at least one --master M.pub; \"muniment master "
                                        "create\" makes it");
    return init(argv[1], &options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
