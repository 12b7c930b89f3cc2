/* muniment setup: everything for a site of one person, in one command. */
#include "restore/custody_text.h"
#include "restore/new_vault.h"
#include "restore/owner.h"
#include "restore/setup_files.h"
#include "restore/setup_report.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/text_file.h"
#include "vault/base/file.h"

static const char verb[] = "setup";

typedef struct {
    char **domains;
    char *reader_public, *reader_name; /* one of them */
    char *out, *vault_key, *passphrase_file;
    gboolean as_json;
} SetupOptions;

static void setup_options_clear(SetupOptions *options)
{
    g_strfreev(options->domains);
    g_free(options->reader_public);
    g_free(options->reader_name);
    g_free(options->out);
    g_free(options->vault_key);
    g_free(options->passphrase_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SetupOptions, setup_options_clear)

static gboolean check_reader(const char *path, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
    g_autofree char *name = NULL;
    ReaderPublicKey key;

    if (text == NULL)
        return FALSE;
    if (vault_identity_public_parse(g_bytes_get_data(text, NULL), &key, &name, error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}

typedef struct {
    SetupFiles files;
    RestoreNewVault vault;
    VaultMaster master;
} Setup;

static void setup_clear(Setup *setup)
{
    setup_files_clear(&setup->files);
    restore_new_vault_clear(&setup->vault);
    vault_master_wipe(&setup->master);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Setup, setup_clear)

static gboolean add_recovery(const RestoreNewVault *vault, gpointer user, GError **error)
{
    Setup *setup = user;

    return setup_files_add_recovery(&setup->files, vault, &setup->master, error);
}

static gboolean make_vault(Setup *setup, const SetupOptions *options, GError **error)
{
    const RestoreNewVaultOptions new_vault = {.masters = &setup->master.public,
                                              .master_count = 1,
                                              .domains = (const char *const *)options->domains,
                                              .finish = add_recovery,
                                              .user = setup};

    return restore_new_vault_make(&setup->vault, &new_vault, error);
}

static gboolean prepare(const char *path, const SetupOptions *options, Setup *setup, GError **error)
{
    g_autofree char *directory = NULL;

    if ((options->reader_public != NULL && !check_reader(options->reader_public, error)) ||
        !restore_new_vault_check(path, options->vault_key, (const char *const *)options->domains,
                                 &setup->vault, error))
        return FALSE;
    directory = options->out != NULL ? g_strdup(options->out)
                                     : g_strconcat(setup->vault.path, ".carry-off", NULL);
    return setup_files_prepare(directory, &setup->files, error);
}

/* The reader before the master, which asks for a passphrase: what can be refused is refused first.
 */
static gboolean make_all(const SetupOptions *options, Setup *setup, GError **error)
{
    return (options->reader_name == NULL ||
            setup_files_add_reader(&setup->files, options->reader_name, error)) &&
           setup_files_add_master(&setup->files, verb, options->passphrase_file, &setup->master,
                                  error) &&
           make_vault(setup, options, error);
}

static char *ask_holder(const Setup *setup, const char *name, const char *place, gboolean is_escrow,
                        GError **error)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    char *answer;

    vault_text_append(lines, "name", name);
    vault_text_append(lines, "kind", is_escrow ? "escrow" : "file");
    vault_text_append(lines, "place", place);
    if (is_escrow)
        vault_text_append_hex_line(lines, "escrow-key", setup->files.escrow_key.bytes,
                                   VAULT_KEY_LEN);
    answer = custody_text_ask(setup->vault.path, "holder-add", lines, error);
    restore_owner_leave();
    return answer;
}

/* The copies that are carried off are holders: what is erased later must reach them, too. */
static void register_copy(const Setup *setup, const char *name, const char *path,
                          gboolean is_escrow)
{
    g_autofree char *place = g_canonicalize_filename(path, NULL);
    g_autofree char *public = g_canonicalize_filename(setup->files.escrow_public, NULL);
    g_autoptr(GError) failure = NULL;
    g_autofree char *answer = ask_holder(setup, name, place, is_escrow, &failure);

    if (answer == NULL)
        restore_verb_say(verb,
                         "the copy of the vault key is not registered: %s; give \"muniment "
                         "vaultkey holders add %s %s %s%s%s\"",
                         failure->message, setup->vault.path, name, place,
                         is_escrow ? " --escrow " : "", is_escrow ? public : "");
}

static gboolean run_setup(const char *path, const SetupOptions *options, GError **error)
{
    g_auto(Setup) setup = {.files = {.directory = NULL}};
    const char *reader_public;

    if (!prepare(path, options, &setup, error) || !make_all(options, &setup, error))
        return FALSE;
    setup_files_keep(&setup.files);
    register_copy(&setup, "carry-off", setup.files.vault_key, FALSE);
    register_copy(&setup, "escrow", setup.files.vault_key_escrow, TRUE);
    reader_public =
        options->reader_public != NULL ? options->reader_public : setup.files.reader.public;
    return options->as_json ? setup_report_json(&setup.files, &setup.vault, &setup.master.public,
                                                reader_public, error)
                            : setup_report(&setup.files, &setup.vault, &setup.master.public,
                                           reader_public, error);
}

static const char *problem_of(const SetupOptions *options, int argc)
{
    if (argc != 2)
        return "give one VAULT";
    if (options->domains == NULL)
        return "give at least one --domain D: whose mail is archived";
    if (options->vault_key != NULL && g_str_has_prefix(options->vault_key, "tpm:"))
        return "setup carries a copy of the vault key off, so --vaultkey is a file; a TPM is for "
               "\"muniment init\" and \"muniment vaultkey holders add\"";
    if ((options->reader_public == NULL) == (options->reader_name == NULL))
        return "give --for NAME.pub, or --reader-name NAME to have an identity made";
    return NULL;
}

int restore_verb_setup(int argc, char **argv)
{
    g_auto(SetupOptions) options = {0};
    const GOptionEntry entries[] = {
        {"domain", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.domains,
         "a domain whose addresses have mailboxes; may be given several times", "D"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &options.reader_public,
         "who will read: the public half of his identity", "NAME.pub"},
        {"reader-name", 0, 0, G_OPTION_ARG_STRING, &options.reader_name,
         "make an identity for this person", "NAME"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out,
         "folder for what is carried off, best on removable storage (default: VAULT.carry-off)",
         "DIR"},
        {"vaultkey", 0, 0, G_OPTION_ARG_FILENAME, &options.vault_key,
         "where the vault key is kept, outside VAULT (default: VAULT.vaultkey)", "PATH"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.passphrase_file,
         "read the master key's passphrase from the first line of FILE", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT --domain D (--for NAME.pub|--reader-name NAME)",
        .summary = "Makes everything for a site of one person: master key, escrow key, vault, "
                   "identity, sheets.",
        .description = "It says at its end what has to be carried off the host. When a step fails, "
                       "all that was made is removed again.\n"
                       "Where the master key must never have been on the host, make it elsewhere "
                       "(muniment master create) and give it to muniment init.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    problem = problem_of(&options, argc);
    if (problem != NULL)
        return restore_verb_usage(verb, "%s", problem);
    return run_setup(argv[1], &options, &error) ? RESTORE_EXIT_DONE
                                                : restore_verb_fail(verb, error);
}
