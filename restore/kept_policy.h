/* The policy kept beside a master: the newest that this master has seen of a vault, so that nobody
 * gets an older rule back by bringing an older file.
 *
 * It lies in MASTER.policy; of a further vault of the same master in MASTER.<vault id>.policy.
 * Errors: REFUSED (older, another text of the same serial, a signer that is not trusted),
 * MALFORMED, IO. Threads: the main thread only. Source: docs/formats/policy.md, section "Kept
 * beside the master".
 */
#pragma once

#include "vault/act/policy_change.h"

typedef struct {
    char *path;          /* where it is kept; NULL: nowhere (no master file) */
    VaultPolicy *policy; /* NULL: none is kept */
    char *text;
    VaultId vault_id;
    GArray *trusted; /* MasterPublic: who else may sign policies; the kept one's signer too */
} RestoreKeptPolicy;
void restore_kept_policy_clear(RestoreKeptPolicy *kept);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreKeptPolicy, restore_kept_policy_clear)

/* `master_path` may be NULL; `trusted_paths`: MASTER.pub files, NULL-terminated, may be NULL. */
gboolean restore_kept_policy_open(RestoreKeptPolicy *kept, const char *master_path,
                                  const VaultId *vault_id, char **trusted_paths, GError **error);
/* Not older than the kept one, and the same where it is of the same serial. */
gboolean restore_kept_policy_judge(const RestoreKeptPolicy *kept, const VaultPolicy *policy,
                                   const char *text, GError **error);
/* Signed by this master or by another that is trusted. */
gboolean restore_kept_policy_check_signer(const RestoreKeptPolicy *kept, const VaultPolicy *policy,
                                          const MasterPublic *own, GError **error);
/* Keeps it in place of an older one. */
gboolean restore_kept_policy_keep(const RestoreKeptPolicy *kept, const VaultPolicy *policy,
                                  const char *text, GError **error);
