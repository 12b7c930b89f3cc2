/* Acting as the owner of a vault: a command run by root must leave no file that the daemon cannot
 * write.
 *
 * After restore_owner_enter() new files belong to the owner of the vault's folder, while what root
 * may read can still be read (mail to be imported from a user's home). restore_owner_leave() makes
 * the process root again: for files that root asked for, such as exports. So a reading verb enters,
 * opens the vault, leaves and writes its output; a writing verb enters and stays. For anyone but
 * root both only look. Threads: call before threads are started. Errors: NOT_FOUND (no folder is
 * there), IO (this user may not use it, or may not act as its owner).
 */
#pragma once

#include <glib.h>

/* This user can reach into the vault's folder, at least for its sockets: its own files may still be
 * closed to him. */
gboolean restore_owner_check(const char *vault_path, GError **error);
gboolean restore_owner_enter(const char *vault_path, GError **error);
void restore_owner_leave(void);
