/* muniment grant revoke: a grant is good for nothing from here on. What was opened with it before
 * stays known. */
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/grant_file.h"

#include <stdio.h>

static const char verb[] = "grant revoke";

int restore_verb_grant_revoke(int argc, char **argv)
{
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT FILE.grant",
        .summary = "Makes a grant good for nothing from here on, and logs that.",
        .description =
            "So is every other grant that was made for the same request. What was opened "
            "with it before stays known to whoever opened it.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one FILE.grant");
    if (!vault_access_operate_with_file(argv[1], "grant-revoke", argv[2], VAULT_GRANT_LEN_MAX,
                                        &error))
        return restore_verb_fail(verb, error);
    printf("%s is revoked.\n", argv[2]);
    return RESTORE_EXIT_DONE;
}
