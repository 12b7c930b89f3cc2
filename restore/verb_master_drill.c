/* muniment master drill: the master's side of a drill. Takes files only, so that it runs where the
 * master is and the vault is not. */
#include "restore/dates.h"
#include "restore/drill_answer.h"
#include "restore/master_secret.h"
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verb_master.h"
#include "vault/base/file.h"

#include <stdio.h>

static const char verb[] = "master drill";

typedef struct {
    RestoreMasterSource source;
    char *out;
} DrillOptions;

static void drill_options_clear(DrillOptions *options)
{
    restore_master_source_clear(&options->source);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DrillOptions, drill_options_clear)

static VaultDrillChallenge *read_challenge(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_DRILL_LEN_MAX, error);
    g_autoptr(VaultDrillChallenge) challenge = NULL;
    gsize len = 0;
    const char *text = bytes != NULL ? g_bytes_get_data(bytes, &len) : NULL;

    if (bytes == NULL)
        return NULL;
    challenge = vault_drill_challenge_parse(text, len, error);
    if (challenge == NULL)
        g_prefix_error(error, "%s: ", path);
    return g_steal_pointer(&challenge);
}

/* Before a passphrase is asked for. */
static void show_challenge(const VaultDrillChallenge *challenge)
{
    g_autofree char *created = restore_date_text(challenge->name.created_s);

    fprintf(stderr,
            "Drill of the masters of vault %s, asked for at %s.\n"
            "The master key opens a canary, in memory, and signs that it could. No mail is read.\n",
            VAULT_ID_TEXT(challenge->name.vault_id), created);
}

static gboolean drill(const char *path, const DrillOptions *options, GError **error)
{
    g_autoptr(VaultDrillChallenge) challenge = read_challenge(path, error);
    g_auto(VaultMaster) master = {0};
    g_autofree char *fingerprint = NULL;
    g_autofree char *text = NULL;
    VaultDrillResult result;

    if (challenge == NULL)
        return FALSE;
    show_challenge(challenge);
    if (!restore_master_secret_read(&options->source, &master, error) ||
        !drill_answer(challenge, &master, &result, error))
        return FALSE;
    text = vault_drill_result_format(&result);
    if (!restore_output_write(options->out, text, RESTORE_OUTPUT_PUBLIC, error))
        return FALSE;
    fingerprint = vault_master_fingerprint(&master.public);
    printf("The master key %s can be used.\n"
           "Next: on the host, muniment drill take VAULT %s\n",
           fingerprint, options->out);
    return TRUE;
}

int restore_verb_master_drill(int argc, char **argv)
{
    g_auto(DrillOptions) options = {.out = NULL};
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "the file to write", "FILE.result"},
        {"master", 0, 0, G_OPTION_ARG_FILENAME, &options.source.master,
         "the secret master file, which has a passphrase", "F"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.source.passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.source.share_files,
         "read a share of the master key from F (give it for each share)", "F"},
        {"shares", 0, 0, G_OPTION_ARG_NONE, &options.source.ask_shares,
         "type the shares of the master key in", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "FILE.challenge --out FILE.result",
        .summary = "Proves to the vault that made the challenge that the master key can still be "
                   "used.",
        .description = "The challenge is of \"muniment drill challenge\"; the result goes back "
                       "to the host, where \"muniment drill take\" takes it up.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 || options.out == NULL)
        return restore_verb_usage(verb, "give one FILE.challenge and --out FILE.result");
    problem = restore_master_source_problem(&options.source);
    if (problem != NULL)
        return restore_verb_usage(verb, "%s", problem);
    return drill(argv[1], &options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
