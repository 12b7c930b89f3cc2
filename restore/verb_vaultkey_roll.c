/* muniment vaultkey roll: a new vault key, and new keys of all that lies under it. */
#include "restore/erasure_request.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_vaultkey.h"
#include "vault/base/file.h"
#include "vault/erasure.h"

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

/* The request's text; new string. */
static char *make_request(const char *vault, const RollOptions *options, GError **error)
{
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (options->approved != NULL) {
        bytes = vault_file_read(options->approved, VAULT_ERASURE_TEXT_LEN_MAX, error);
        return bytes == NULL ? NULL
                             : g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    }
    keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    return keep == NULL ? NULL : restore_vaultkey_request(keep, "roll", options->reason, error);
}

static gboolean roll(const char *vault, const RollOptions *options, GError **error)
{
    g_autofree char *text = make_request(vault, options, error);

    if (text == NULL)
        return FALSE;
    if (options->propose != NULL) {
        if (!restore_output_write(options->propose, text, RESTORE_OUTPUT_PRIVATE, error))
            return FALSE;
        printf("%s asks for a new vault key. Next: muniment approve %s, then\n"
               "  muniment vaultkey roll VAULT --approved %s\n",
               options->propose, options->propose, options->propose);
        return TRUE;
    }
    if (!vault_access_operate(vault, "vaultkey-roll", text, strlen(text), NULL, error))
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
