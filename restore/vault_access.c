#include "restore/vault_access.h"

#include "archived/control_client.h"
#include "restore/owner.h"
#include "restore/remote_address.h"
#include "vault/base/file.h"

#include <string.h>

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

static gboolean refuse_remote(const char *path, GError **error)
{
    if (!remote_address_is(path))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                        "this works where the vault lies: call it on that host; restore and "
                        "show read elsewhere");
    return FALSE;
}

VaultKeep *vault_access_open(const char *path, VaultAccessFreshness freshness, char **ret_warning,
                             GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_READER};
    g_autofree char *warning = NULL;
    VaultKeep *keep;

    if (!refuse_remote(path, error) || !restore_owner_enter(path, error))
        return NULL;
    if (freshness == VAULT_ACCESS_UP_TO_DATE)
        warning = bring_up_to_date(path);
    keep = vault_keep_open(path, &options, error);
    restore_owner_leave();
    if (keep != NULL && ret_warning != NULL)
        *ret_warning = g_steal_pointer(&warning);
    return keep;
}

/* ---- acts ------------------------------------------------------------------------------------ */

static gboolean operate_as_writer(const char *path, const char *act, const char *text, gsize len,
                                  char **ret_answer, GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    g_autoptr(VaultKeep) keep = vault_keep_open(path, &options, error);

    return keep != NULL && vault_keep_operate(keep, act, text, len, ret_answer, error) &&
           vault_keep_close(keep, error);
}

/* *ret_has_daemon FALSE: none runs, and nothing was done. */
static gboolean ask_daemon(const char *path, const char *act, const char *text, gsize len,
                           char **ret_answer, gboolean *ret_has_daemon, GError **error)
{
    g_autoptr(GError) failure = NULL;

    *ret_has_daemon = TRUE;
    if (!refuse_remote(path, error) || !restore_owner_enter(path, error))
        return FALSE;
    if (archived_control_operate(path, act, text, len, ret_answer, &failure))
        return TRUE;
    *ret_has_daemon = !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
    if (*ret_has_daemon)
        g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean vault_access_operate(const char *path, const char *act, const char *text, gsize len,
                              char **ret_answer, GError **error)
{
    gboolean has_daemon;

    return ask_daemon(path, act, text, len, ret_answer, &has_daemon, error) ||
           (!has_daemon && operate_as_writer(path, act, text, len, ret_answer, error));
}

gboolean vault_access_operate_long(const char *path, const char *act, const char *text,
                                   char **ret_answer, VaultAccessWork as_writer, gpointer user,
                                   GError **error)
{
    gboolean has_daemon;

    return ask_daemon(path, act, text, strlen(text), ret_answer, &has_daemon, error) ||
           (!has_daemon && as_writer(path, user, error));
}

gboolean vault_access_operate_with_file(const char *path, const char *act, const char *file,
                                        gsize len_max, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(file, len_max, error);
    g_autoptr(GError) failure = NULL;
    gsize len = 0;
    const char *text = bytes != NULL ? g_bytes_get_data(bytes, &len) : NULL;

    if (bytes == NULL)
        return FALSE;
    if (vault_access_operate(path, act, text, len, NULL, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_MALFORMED))
        g_prefix_error(&failure, "%s: ", file);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}
