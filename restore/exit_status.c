#include "restore/exit_status.h"

#include "vault/base/error.h"

RestoreExit restore_exit_status(const GError *error)
{
    if (error->domain == G_OPTION_ERROR)
        return RESTORE_EXIT_USAGE;
    if (error->domain != VAULT_ERROR)
        return RESTORE_EXIT_FAILED;
    switch ((VaultErrorCode)error->code) {
    case VAULT_ERROR_NOT_FOUND:
    case VAULT_ERROR_BUSY:
    case VAULT_ERROR_NO_SPACE:
    case VAULT_ERROR_IO:
    case VAULT_ERROR_TOO_LARGE:
    case VAULT_ERROR_MALFORMED:
    case VAULT_ERROR_CORRUPT:
    case VAULT_ERROR_NO_KEY:
    case VAULT_ERROR_ERASED:
    case VAULT_ERROR_UNSUPPORTED:
        return RESTORE_EXIT_FAILED;
    case VAULT_ERROR_REFUSED:
        return RESTORE_EXIT_REFUSED;
    }
    g_assert_not_reached();
}
