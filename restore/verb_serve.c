/* muniment serve: the host's side of reading elsewhere, on standard input and output. */
#include "restore/serve.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <unistd.h>

static const char verb[] = "serve";

static const char description[] =
    "Not to be called by hand: a command that is given ssh://host/path as its VAULT starts it "
    "there\n"
    "through ssh. It hands out sealed records, and what is released to a grant, nothing else. An\n"
    "account may be held to it in its authorized_keys file:\n"
    "  restrict,command=\"muniment serve /srv/vault\" ssh-ed25519 AAAA... erika\n";

int restore_verb_serve(int argc, char **argv)
{
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Serves a vault to a reading command elsewhere, on standard input and output.",
        .description = description};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultView) view = NULL;
    g_autofree char *warning = NULL;
    VaultKeep *keep;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO))
        return restore_verb_usage(verb, "this speaks to a program, not to a terminal");
    keep = vault_access_open(argv[1], VAULT_ACCESS_UP_TO_DATE, &warning, &error);
    if (keep == NULL)
        return restore_verb_fail(verb, error);
    view = vault_view_of_keep(keep);
    return serve_run(view, warning, STDIN_FILENO, STDOUT_FILENO, &error)
               ? RESTORE_EXIT_DONE
               : restore_verb_fail(verb, error);
}
