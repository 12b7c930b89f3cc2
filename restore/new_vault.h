/* Making a vault, with its archived.conf, for the verbs that do: checked whole before anything is
 * made, and nothing is left of a vault that was not made to its end.
 *
 * The vault belongs to the owner of the folder that it is made in, or of the empty folder given
 * (restore/owner.h); the process is itself again when `finish` is called. Errors: those of
 * vault_keep_create(); G_OPTION_ERROR (a domain that is none), BUSY (the vault key's file is
 * there), NOT_FOUND (no folder to make it in). Threads: the main thread only.
 */
#pragma once

#include "vault/keep.h"

typedef struct {
    char *path; /* without slashes at its end */
    char *vault_key;
    VaultId id; /* once it is made */
} RestoreNewVault;
void restore_new_vault_clear(RestoreNewVault *vault);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreNewVault, restore_new_vault_clear)

typedef struct {
    const MasterPublic *masters;
    gsize master_count;
    const char *const *domains; /* NULL-terminated, or NULL */
    /* Called last, when the vault is whole; where it fails, the vault is removed again. May be
     * NULL. */
    gboolean (*finish)(const RestoreNewVault *vault, gpointer user, GError **error);
    gpointer user;
} RestoreNewVaultOptions;

/* `vault_key` NULL: VAULT.vaultkey. Sets all of *ret_vault but the id. */
gboolean restore_new_vault_check(const char *path, const char *vault_key,
                                 const char *const *domains, RestoreNewVault *ret_vault,
                                 GError **error);
gboolean restore_new_vault_make(RestoreNewVault *vault, const RestoreNewVaultOptions *options,
                                GError **error);
