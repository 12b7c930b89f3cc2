/* muniment adopt: a vault that was moved to this host becomes this host's. */
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/owner.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/backup.h"

#include <stdio.h>

static const char verb[] = "adopt";

static gboolean report(const char *path, const VaultGoOnResult *result, gboolean as_json,
                       GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        printf("%s is this host's now; its logs are in epoch %u. Give witnesses and checkers the "
               "keys of\n\"muniment log checkpoint %s --vkey\", of both logs.\n",
               path, result->epoch, path);
        return restore_output_flush(error);
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add_number(builder, "epoch", result->epoch);
    json_text_add_number(builder, "months", result->month_count);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

int restore_verb_adopt(int argc, char **argv)
{
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Takes a vault over that was moved, or copied, to this host.",
        .description =
            "The vault it was copied from may go on where it was: so the logs of this one begin a\n"
            "new epoch, and no two vaults ever sign the same. archived must not run.\n"
            "Exit status: 0 done, 1 failed, 4 it is this host's already.",
        .entries = entries};
    const VaultGoOnOptions options = {.why = VAULT_GO_ON_ADOPTED};
    g_autoptr(GError) error = NULL;
    VaultGoOnResult result;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (!restore_owner_enter(argv[1], &error) ||
        !vault_keep_go_on(argv[1], &options, &result, &error) ||
        !report(argv[1], &result, as_json, &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}
