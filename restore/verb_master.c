/* muniment master create: the offline key that a vault is sealed to, under a passphrase or in
 * shares; and the table of the other verbs about it. */
#include "restore/verb_master.h"
#include "restore/master_files.h"
#include "restore/output.h"
#include "restore/share_set.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char create_verb[] = "master create";

typedef struct {
    char *out, *passphrase_file;
    gint count, threshold; /* of shares; both 0 for a passphrase */
    gboolean as_json;
} CreateOptions;

static void create_options_clear(CreateOptions *options)
{
    g_free(options->out);
    g_free(options->passphrase_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CreateOptions, create_options_clear)

static gboolean report(const VaultMaster *master, const RestoreMasterFiles *files, gboolean as_json,
                       GError **error)
{
    g_autofree char *fingerprint = vault_master_fingerprint(&master->public);
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        printf("Master key:   %s   (secret: move it off every networked machine)\n"
               "Public half:  %s   (for \"muniment init VAULT --master\")\n"
               "Fingerprint:  %s\n\n"
               "Without this file and its passphrase nobody will ever read the archive.\n"
               "Keep two copies of the file in different places, and the passphrase apart.\n",
               files->secret, files->public, fingerprint);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "master");
    json_builder_add_string_value(builder, files->secret);
    json_builder_set_member_name(builder, "public");
    json_builder_add_string_value(builder, files->public);
    json_builder_set_member_name(builder, "fingerprint");
    json_builder_add_string_value(builder, fingerprint);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean create_shares(const CreateOptions *options, GError **error)
{
    g_auto(RestoreMasterFiles) files = {.secret = NULL};

    return restore_master_files_prepare(options->out, &files, error) &&
           restore_master_create_shares(options->out, (guint)options->count,
                                        (guint)options->threshold, options->as_json, error);
}

static gboolean create_passphrase(const CreateOptions *options, GError **error)
{
    g_auto(RestoreMasterFiles) files = {.secret = NULL};
    g_auto(VaultMaster) master = {0};

    return restore_master_files_prepare(options->out, &files, error) &&
           restore_master_files_create(&files, create_verb, options->passphrase_file, &master,
                                       error) &&
           report(&master, &files, options->as_json, error);
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

static int run_create(int argc, char **argv)
{
    g_auto(CreateOptions) options = {0};
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
    const RestoreVerbUsage usage = {
        .verb = create_verb,
        .arguments = "--out DIR [--shares N --threshold K]",
        .summary = "Makes a master key: under a passphrase as DIR/master (secret) and "
                   "DIR/master.pub, or as one printable sheet per share.",
        .description = "Run it on a machine without network, with DIR on removable storage.\n"
                       "DIR/master.pub is written only after the passphrase was entered again and "
                       "has opened DIR/master, or after \"muniment master confirm DIR\" was given "
                       "all shares.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;
    gboolean is_created;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(create_verb, error);
    problem = problem_of(&options, argc);
    if (problem != NULL)
        return restore_verb_usage(create_verb, "%s", problem);
    is_created =
        is_shared(&options) ? create_shares(&options, &error) : create_passphrase(&options, &error);
    return is_created ? RESTORE_EXIT_DONE : restore_verb_fail(create_verb, error);
}

int restore_verb_master(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"create", "make a master key: under a passphrase, or in shares", run_create},
        {"confirm", "enter all shares again, and get the public half", restore_verb_master_confirm},
        {"check-share", "check one share, alone", restore_verb_master_check_share},
        {"sheet", "write the sheet of one share anew", restore_verb_master_sheet},
        {"drill", "prove to a vault that the master key can still be used",
         restore_verb_master_drill},
        {"rotate", "wrap what is wrapped to one master to another", restore_verb_master_rotate},
        {"reshare", "make a new set of shares of the same key", restore_verb_master_reshare},
    };

    return restore_verb_dispatch("muniment master", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
