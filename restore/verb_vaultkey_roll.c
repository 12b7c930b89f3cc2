/* muniment vaultkey roll: a new vault key, and new keys of all that lies under it. */
#include "restore/host_request.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_vaultkey.h"

#include <stdio.h>

static const char verb[] = "vaultkey roll";

typedef struct {
    char *reason, *propose, *approved;
} RollOptions;

static void roll_options_clear(RollOptions *options)
{
    g_free(options->reason);
    g_free(options->propose);
    g_free(options->approved);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RollOptions, roll_options_clear)

static gboolean propose(VaultKeep *keep, const RestoreHostAct *act, const char *path,
                        GError **error)
{
    return keep != NULL && restore_host_request_propose(keep, act, path, error);
}

/* The request's text; new string. */
static char *make_request(VaultKeep *keep, const RestoreHostAct *act, const char *approved,
                          GError **error)
{
    if (approved != NULL)
        return restore_host_request_read(approved, act, error);
    return keep == NULL ? NULL : restore_host_request_make(keep, act, error);
}

static gboolean roll(const char *vault, const RollOptions *options, GError **error)
{
    const RestoreHostAct act = {
        .act = VAULT_ACT_VAULTKEY, .case_id = "none", .reason = options->reason, .detail = "roll"};
    g_autoptr(VaultKeep) keep = NULL;
    g_autofree char *text = NULL;

    if (options->approved == NULL)
        keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    if (options->propose != NULL)
        return propose(keep, &act, options->propose, error);
    text = make_request(keep, &act, options->approved, error);
    g_clear_pointer(&keep, vault_keep_free);
    if (text == NULL ||
        !vault_access_operate(vault, "vaultkey-roll", text, strlen(text), NULL, error))
        return FALSE;
    printf("The vault has a new vault key, and new keys under it.\n");
    return TRUE;
}

int restore_verb_vaultkey_roll(int argc, char **argv)
{
    g_auto(RollOptions) options = {0};
    const GOptionEntry entries[] = {
        {"reason", 0, 0, G_OPTION_ARG_STRING, &options.reason, "why; it is logged", "TEXT"},
        {"propose", 0, 0, G_OPTION_ARG_FILENAME, &options.propose,
         "write a request to be approved, and do nothing", "FILE"},
        {"approved", 0, 0, G_OPTION_ARG_FILENAME, &options.approved,
         "do exactly what this request says", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT --reason TEXT",
        .summary = "Replaces the vault key and all keys under it, as when others may have seen it.",
        .description = "Exit status: 4 the policy wants approvals.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if ((options.reason == NULL) == (options.approved == NULL))
        return restore_verb_usage(verb, "give --reason TEXT: it is logged; an approved request has "
                                        "one");
    return roll(argv[1], &options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
