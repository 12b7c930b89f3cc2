#include "restore/vault_access.h"

#include "archived/control_client.h"
#include "restore/owner.h"
#include "restore/remote_address.h"

static gboolean recover(const char *path, GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    g_autoptr(VaultKeep) keep = vault_keep_open(path, &options, error);

    return keep != NULL && vault_keep_close(keep, error);
}

/* NULL when the catalog is up to date now, else why it may not be. */
static char *bring_up_to_date(const char *path)
{
    g_autoptr(GError) failure = NULL;

    if (archived_control_call(path, ARCHIVED_DUTY_READ, "flush", NULL, &failure))
        return NULL;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_clear_error(&failure);
        if (recover(path, &failure))
            return NULL;
    }
    return g_strdup_printf("the newest mail may be missing: %s", failure->message);
}

VaultKeep *vault_access_open(const char *path, VaultAccessFreshness freshness, char **ret_warning,
                             GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_READER};
    g_autofree char *warning = NULL;
    VaultKeep *keep;

    if (remote_address_is(path)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                            "this works where the vault lies: call it on that host; restore and "
                            "show read elsewhere");
        return NULL;
    }
    if (!restore_owner_enter(path, error))
        return NULL;
    if (freshness == VAULT_ACCESS_UP_TO_DATE)
        warning = bring_up_to_date(path);
    keep = vault_keep_open(path, &options, error);
    restore_owner_leave();
    if (keep != NULL && ret_warning != NULL)
        *ret_warning = g_steal_pointer(&warning);
    return keep;
}
