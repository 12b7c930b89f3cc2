/* muniment init: makes a vault. */
#include "archived/config_template.h"
#include "ingest/owners.h"
#include "restore/output.h"
#include "restore/owner.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/base/file.h"
#include "vault/crypto/key_files.h"
#include "vault/keep.h"

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

/* The rules that the daemon will make of them judge the domains, before anything is made. */
static gboolean check_domains(char **domains, GError **error)
{
    IngestOwnerSettings settings = {.domains = (const char *const *)domains, .delimiter = ""};
    g_autoptr(GError) failure = NULL;
    g_autoptr(IngestOwnerRules) rules = ingest_owner_rules_new(&settings, &failure);

    if (rules != NULL)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--domain: %s", failure->message);
    return FALSE;
}

static gboolean check_vault_key(const char *vault_key, GError **error)
{
    if (!g_file_test(vault_key, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists, maybe the key of another vault, and is not overwritten; choose another "
                "--vaultkey",
                vault_key);
    return FALSE;
}

/* A new vault belongs to the owner of the folder that it is made in, or of the empty folder given.
 */
static gboolean enter_owner(const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);

    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return restore_owner_enter(path, error);
    if (g_file_test(parent, G_FILE_TEST_IS_DIR))
        return restore_owner_enter(parent, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "there is no folder %s to make the vault in; make it first, for the user that "
                "archived runs as",
                parent);
    return FALSE;
}

static gboolean make(const char *path, const InitOptions *options, const GArray *masters,
                     GError **error)
{
    VaultCreateOptions create = {.masters = (const MasterPublic *)(gpointer)masters->data,
                                 .master_count = masters->len,
                                 .vault_key_path = options->vault_key};
    g_autofree char *config_path = g_build_filename(path, "archived.conf", NULL);
    g_autofree char *config = archived_config_template((const char *const *)options->domains);

    return vault_keep_create(path, &create, error) &&
           restore_output_write(config_path, config, RESTORE_OUTPUT_PRIVATE, error);
}

static gboolean read_vault_id(const char *path, VaultId *ret_id, GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_READER};
    g_autoptr(VaultKeep) keep = vault_keep_open(path, &options, error);

    if (keep == NULL)
        return FALSE;
    *ret_id = *vault_keep_id(keep);
    return vault_keep_close(keep, error);
}

static void print_next_steps(const char *path, const char *vault_key, const InitOptions *options)
{
    printf("\nNext:\n"
           "  1. Carry off this host: every secret master file, if one is here. The archive must "
           "not be able to read itself.\n"
           "  2. Keep a copy of %s on another machine, away from backups of %s:\n"
           "     both together are needed to recover the archive, and one without the other opens "
           "nothing.\n",
           vault_key, path);
    if (options->domains == NULL)
        printf("  3. Name your domains in %s/archived.conf ([mailboxes] domains=).\n", path);
    else
        printf("  3. Look through %s/archived.conf: listeners, limits, TLS.\n", path);
    printf("  4. Check and start:\n"
           "     archived --config %s/archived.conf --check\n"
           "     archived --config %s/archived.conf\n",
           path, path);
}

static void print_report(const char *path, const char *vault_key, const VaultId *id,
                         const GArray *masters, const InitOptions *options)
{
    printf("Vault:        %s\nVault id:     %s\nVault key:    %s\n", path, VAULT_ID_TEXT(*id),
           vault_key);
    for (guint i = 0; i < masters->len; i++) {
        g_autofree char *fingerprint =
            vault_master_fingerprint(&g_array_index(masters, MasterPublic, i));

        printf("Master:       %s   (compare with what \"master create\" printed)\n", fingerprint);
    }
    print_next_steps(path, vault_key, options);
}

static gboolean print_json(const char *path, const char *vault_key, const VaultId *id,
                           const GArray *masters, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "vault");
    json_builder_add_string_value(builder, path);
    json_builder_set_member_name(builder, "vault_id");
    json_builder_add_string_value(builder, VAULT_ID_TEXT(*id));
    json_builder_set_member_name(builder, "vault_key");
    json_builder_add_string_value(builder, vault_key);
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

/* "dir/vault/" names the same folder as "dir/vault", but ".vaultkey" would land inside it. */
static char *without_trailing_slashes(const char *path)
{
    gsize len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return g_strndup(path, len);
}

static gboolean init(const char *given_path, const InitOptions *options, GError **error)
{
    g_autofree char *path = without_trailing_slashes(given_path);
    g_autofree char *vault_key = options->vault_key != NULL ? g_strdup(options->vault_key)
                                                            : g_strconcat(path, ".vaultkey", NULL);
    g_autoptr(GArray) masters = g_array_new(FALSE, FALSE, sizeof(MasterPublic));
    VaultId id;

    if (!read_masters(options->masters, masters, error) ||
        !check_domains(options->domains, error) || !check_vault_key(vault_key, error) ||
        !enter_owner(path, error) || !make(path, options, masters, error) ||
        !read_vault_id(path, &id, error))
        return FALSE;
    if (options->as_json)
        return print_json(path, vault_key, &id, masters, error);
    print_report(path, vault_key, &id, masters, options);
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
