/* What erase and shred have in common: the request that says what is to be destroyed, shown, asked
 * about, and done; or written for others to approve.
 *
 * Errors: NOT_FOUND (nothing matched), REFUSED, G_OPTION_ERROR, and those of vault_access.h.
 * Threads: the main thread only.
 */
#pragma once

#include "restore/exit_status.h"
#include "vault/act/erasure_detail.h"

typedef struct {
    char **messages; /* erase */
    char *result;
    char *mailbox, *from, *to;
    char *reason;
    char *propose, *approved, *certificate;
    gboolean skips_held, overrides_retention, is_dry_run, is_yes;
} ErasureOptions;
void restore_erasure_options_clear(ErasureOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErasureOptions, restore_erasure_options_clear)

/* `act` is VAULT_ACT_ERASE or _SHRED; the name of the verb is the act's. Prints what it does. */
RestoreExit restore_erasure_run(const char *vault, VaultAct act, const ErasureOptions *options);
