/* muniment grant revoke: a grant is good for nothing from here on. What was opened with it before
 * stays known. */
#include "archived/control_client.h"
#include "restore/owner.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/grant_file.h"
#include "vault/base/file.h"
#include "vault/keep.h"

#include <stdio.h>

static const char verb[] = "grant revoke";

static gboolean revoke_as_writer(const char *vault, const char *text, gsize len, GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    g_autoptr(VaultKeep) keep = vault_keep_open(vault, &options, error);

    return keep != NULL && vault_keep_revoke_grant(keep, text, len, error) &&
           vault_keep_close(keep, error);
}

static gboolean revoke_grant(const char *vault, const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_GRANT_LEN_MAX, error);
    g_autoptr(GError) failure = NULL;
    gsize len = 0;
    const char *text = bytes != NULL ? g_bytes_get_data(bytes, &len) : NULL;

    if (bytes == NULL || !restore_owner_enter(vault, error))
        return FALSE;
    if (archived_control_revoke_grant(vault, text, len, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_clear_error(&failure);
        if (revoke_as_writer(vault, text, len, &failure))
            return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

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
    if (!revoke_grant(argv[1], argv[2], &error))
        return restore_verb_fail(verb, error);
    printf("%s is revoked.\n", argv[2]);
    return RESTORE_EXIT_DONE;
}
