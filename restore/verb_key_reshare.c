/* muniment master reshare, vaultkey escrow reshare: the same key in a new set of shares. */
#include "restore/master_secret.h"
#include "restore/share_set.h"
#include "restore/verb.h"
#include "restore/verb_key.h"

typedef struct {
    RestoreMasterSource source;
    char *verb, *out;
    gint count, threshold;
    gboolean as_json;
} ReshareOptions;

static void reshare_options_clear(ReshareOptions *options)
{
    restore_master_source_clear(&options->source);
    g_free(options->verb);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReshareOptions, reshare_options_clear)

/* The secret, and the identifier of the set that it comes from (-1: from a passphrase). */
static gboolean read_secret(const ReshareOptions *options, VaultMaster *ret_pair,
                            gint *ret_identifier, GError **error)
{
    g_autoptr(RestoreShares) shares = NULL;

    *ret_identifier = -1;
    if (options->source.master != NULL)
        return restore_master_secret_read(&options->source, ret_pair, error);
    shares = restore_shares_new(options->source.role);
    if (!restore_master_shares_read(options->source.share_files, shares, error) ||
        !restore_shares_combine(shares, ret_pair, error))
        return FALSE;
    *ret_identifier = restore_shares_set(shares);
    return TRUE;
}

static void say_what_stays(const char *verb, gint old_identifier, guint new_identifier)
{
    if (old_identifier < 0)
        restore_verb_say(verb, "the file and its passphrase still open the same key");
    else
        restore_verb_say(verb,
                         "the old set %d still combines to the same key: have its shares destroyed "
                         "once set %u is confirmed; shares of the two sets do not mix",
                         old_identifier, new_identifier);
}

static gboolean reshare(const ReshareOptions *options, GError **error)
{
    g_auto(VaultMaster) pair = {0};
    g_auto(RestoreShareSet) set = {.set = {.role = options->source.role,
                                           .count = (guint)options->count,
                                           .threshold = (guint)options->threshold}};
    gint old_identifier;

    if (!read_secret(options, &pair, &old_identifier, error) ||
        !restore_share_set_write(options->out, &pair, old_identifier, &set, error) ||
        !restore_share_set_report(&set, options->out, options->as_json, error))
        return FALSE;
    say_what_stays(options->verb, old_identifier, set.set.identifier);
    return TRUE;
}

/* Shares are typed in unless the options say otherwise. */
static const char *problem_of(ReshareOptions *options, int argc)
{
    if (options->out == NULL || argc != 1)
        return "give --out DIR, --shares N and --threshold K, and no arguments";
    if (options->source.master == NULL && options->source.share_files == NULL)
        options->source.ask_shares = TRUE;
    if (restore_master_source_problem(&options->source) != NULL)
        return "give the key one way: --share F for each share, its file, or neither to type the "
               "shares in; --passphrase-file goes with the file";
    return restore_share_set_problem(options->count, options->threshold);
}

static int run(ReshareOptions *options, const GOptionEntry *entries, int argc, char **argv)
{
    g_autofree char *summary =
        g_strdup_printf("Makes a new set of shares of the same key, %s, from enough shares of the "
                        "old set, which are asked for.",
                        restore_key_role(options->source.role)->a_key);
    const RestoreVerbUsage usage = {
        .verb = options->verb,
        .arguments = "--out DIR --shares N --threshold K",
        .summary = summary,
        .description = "The old set still combines: resharing helps when a share was lost or a "
                       "keeper leaves, not when enough shares were seen by others.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(options->verb, error);
    problem = problem_of(options, argc);
    if (problem != NULL)
        return restore_verb_usage(options->verb, "%s", problem);
    return reshare(options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(options->verb, error);
}

int restore_verb_key_reshare(VaultShareRole role, int argc, char **argv)
{
    g_auto(ReshareOptions)
        options = {.source = {.role = role}, .verb = restore_key_verb(role, "reshare")};
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "folder for the new sheets", "DIR"},
        {"shares", 0, 0, G_OPTION_ARG_INT, &options.count, "number of new shares (1 to 16)", "N"},
        {"threshold", 0, 0, G_OPTION_ARG_INT, &options.threshold, "how many of them give the key",
         "K"},
        {"share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.source.share_files,
         "read a share of the old set from F (give it for each share)", "F"},
        {restore_key_role(role)->name, 0, 0, G_OPTION_ARG_FILENAME, &options.source.master,
         "share the key of this file, which has a passphrase", "F"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.source.passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};

    return run(&options, entries, argc, argv);
}
