/* muniment master create, vaultkey escrow create: a new key that is kept offline, under a
 * passphrase or in shares. */
#include "restore/json_text.h"
#include "restore/master_files.h"
#include "restore/output.h"
#include "restore/share_set.h"
#include "restore/verb.h"
#include "restore/verb_key.h"

#include <stdio.h>

typedef struct {
    const RestoreKeyRole *role;
    char *verb;
    char *out, *passphrase_file;
    gint count, threshold; /* of shares; both 0 for a passphrase */
    gboolean as_json;
} CreateOptions;

static void create_options_clear(CreateOptions *options)
{
    g_free(options->verb);
    g_free(options->out);
    g_free(options->passphrase_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CreateOptions, create_options_clear)

static gboolean report(const VaultMaster *pair, const RestoreMasterFiles *files,
                       const CreateOptions *options, GError **error)
{
    const RestoreKeyRole *role = options->role;
    g_autofree char *fingerprint = vault_share_fingerprint(role->role, &pair->public);
    g_autoptr(JsonBuilder) builder = NULL;

    if (!options->as_json) {
        printf("%s:   %s   (secret: %s)\n"
               "Public half:  %s   (for \"%s\")\n"
               "Fingerprint:  %s\n\n"
               "%s\n",
               role->title, files->secret, role->secret_advice, files->public, role->use,
               fingerprint, role->advice);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add(builder, role->name, files->secret);
    json_text_add(builder, "public", files->public);
    json_text_add(builder, "fingerprint", fingerprint);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean create_shares(const CreateOptions *options, GError **error)
{
    g_auto(RestoreMasterFiles) files = {.role = options->role->role};
    g_auto(VaultMaster) pair = {0};
    g_auto(RestoreShareSet) set = {.set = {.role = options->role->role,
                                           .count = (guint)options->count,
                                           .threshold = (guint)options->threshold}};

    if (!restore_master_files_prepare(options->out, &files, error))
        return FALSE;
    options->role->create(&pair);
    return restore_share_set_write(options->out, &pair, -1, &set, error) &&
           restore_share_set_report(&set, options->out, options->as_json, error);
}

static gboolean create_passphrase(const CreateOptions *options, GError **error)
{
    g_auto(RestoreMasterFiles) files = {.role = options->role->role};
    g_auto(VaultMaster) pair = {0};

    return restore_master_files_prepare(options->out, &files, error) &&
           restore_master_files_create(&files, options->verb, options->passphrase_file, &pair,
                                       error) &&
           report(&pair, &files, options, error);
}

static gboolean is_shared(const CreateOptions *options)
{
    return options->count != 0 || options->threshold != 0;
}

static const char *problem_of(const CreateOptions *options, int argc)
{
    if (options->out == NULL || argc != 1)
        return "give --out DIR and nothing else but options";
    if (!is_shared(options))
        return NULL;
    if (options->passphrase_file != NULL)
        return "shares have no passphrase: give --shares and --threshold, or --passphrase-file";
    return restore_share_set_problem(options->count, options->threshold);
}

static int run(CreateOptions *options, const GOptionEntry *entries, int argc, char **argv)
{
    const RestoreKeyRole *role = options->role;
    g_autofree char *summary =
        g_strdup_printf("Makes %s: under a passphrase as DIR/%s (secret) and DIR/%s.pub, or as one "
                        "printable sheet per share.",
                        role->a_key, role->name, role->name);
    g_autofree char *description = g_strdup_printf(
        "Run it on a machine without network, with DIR on removable storage%s.\n"
        "DIR/%s.pub is written only after the passphrase was entered again and has opened DIR/%s, "
        "or after \"muniment %s confirm DIR\" was given all shares.",
        role->who, role->name, role->name, role->command);
    const RestoreVerbUsage usage = {.verb = options->verb,
                                    .arguments = "--out DIR [--shares N --threshold K]",
                                    .summary = summary,
                                    .description = description,
                                    .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;
    gboolean is_created;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(options->verb, error);
    problem = problem_of(options, argc);
    if (problem != NULL)
        return restore_verb_usage(options->verb, "%s", problem);
    is_created =
        is_shared(options) ? create_shares(options, &error) : create_passphrase(options, &error);
    return is_created ? RESTORE_EXIT_DONE : restore_verb_fail(options->verb, error);
}

int restore_verb_key_create(VaultShareRole role, int argc, char **argv)
{
    g_auto(CreateOptions)
        options = {.role = restore_key_role(role), .verb = restore_key_verb(role, "create")};
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "folder for the files", "DIR"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"shares", 0, 0, G_OPTION_ARG_INT, &options.count,
         "no passphrase, but this many shares for as many people (1 to 16)", "N"},
        {"threshold", 0, 0, G_OPTION_ARG_INT, &options.threshold,
         "how many of the shares give the key", "K"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};

    return run(&options, entries, argc, argv);
}
