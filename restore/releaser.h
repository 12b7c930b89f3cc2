/* Whoever gives releases of a vault on this host: the daemon that runs on it, or, where none does,
 * this process as the vault's writer, until it is closed (a daemon that is started meanwhile
 * waits). What comes out is sealed to the grant's reader, and logged before. The host's side only:
 * nothing here opens a release.
 *
 * As root: acts as the vault's owner in each call and is root again on return, so it is for the
 * main thread. Errors: REFUSED (the grant is not good now, or does not cover a copy), BUSY (another
 * command is the writer), those of vault_keep_release_by_grant() and of the control socket.
 */
#pragma once

#include "archived/control_client.h"
#include "vault/keep_terms.h"

typedef struct RestoreReleaser RestoreReleaser;
RestoreReleaser *restore_releaser_open(const char *vault_path, const char *grant, gsize len,
                                       GError **error);
/* Must come before free, or the writer's last batch waits for the next one. */
gboolean restore_releaser_close(RestoreReleaser *releaser, GError **error);
void restore_releaser_free(RestoreReleaser *releaser);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RestoreReleaser, restore_releaser_free)

/* `ids`: of copies or terms copies, by kind, at most VAULT_RELEASE_COUNT_MAX; none of a case key.
 */
GBytes *restore_releaser_ask(RestoreReleaser *releaser, ArchivedReleaseKind kind,
                             const RecordId *ids, gsize count, GError **error);
/* For the log: VAULT_LOGGED_RESTORE_BEGUN or _DONE, with "name: value" lines. */
gboolean restore_releaser_log(RestoreReleaser *releaser, VaultLoggedAct act, const char *text,
                              GError **error);
/* Terms for copies that have none, as vault_keep_add_terms(): the batch goes no further than to
 * this host's daemon, on run/operate, with the grant. */
gboolean restore_releaser_add_terms(RestoreReleaser *releaser, const void *batch, gsize len,
                                    VaultTermsAdded *ret_added, GError **error);
