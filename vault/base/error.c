#include "vault/base/error.h"

#include <errno.h>

G_DEFINE_QUARK(vault - error - quark, vault_error)

VaultErrorCode vault_error_code_from_errno(int saved_errno)
{
    switch (saved_errno) {
    case ENOSPC:
    case EDQUOT:
        return VAULT_ERROR_NO_SPACE;
    case ENOENT:
        return VAULT_ERROR_NOT_FOUND;
    case EEXIST:
        return VAULT_ERROR_BUSY;
    default:
        return VAULT_ERROR_IO;
    }
}

gboolean vault_error_set_errno(GError **error, int saved_errno, const char *what, const char *on)
{
    g_set_error(error, VAULT_ERROR, (int)vault_error_code_from_errno(saved_errno), "%s %s: %s",
                what, on, g_strerror(saved_errno));
    return FALSE;
}
