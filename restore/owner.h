/* Acting as the owner of a vault: a command run by root must leave no file that the daemon cannot
 * write.
 *
 * After restore_owner_enter() new files belong to the owner of the vault's folder, while what root
 * may read can still be read (mail to be imported from a user's home). restore_owner_leave() makes
 * the process root again: for files that root asked for, such as exports. So a reading verb enters,
 * opens the vault, leaves and writes its output; a writing verb enters and stays. For anyone but
 * root both do nothing. Threads: call before threads are started. Errors: NOT_FOUND, IO, REFUSED.
 */
#pragma once

#include <glib.h>

gboolean restore_owner_enter(const char *vault_path, GError **error);
void restore_owner_leave(void);
