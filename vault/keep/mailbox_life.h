/* Inside vault/keep: mailboxes are closed, and get and lose addresses. A mailbox is made by its
 * first mail (directory.h); a closed one never opens again.
 *
 *   logged, durably -> the mailbox's row -> the directory of the running writer
 *
 * Mail that was on its way before lands where it was bound for. Each address has the dates from and
 * until which it was the mailbox's. Threads: safe. Writer only.
 *
 * `text`: vault/act/mailbox_change.h. Errors: NOT_FOUND (no such mailbox, or it has not that
 * address), REFUSED (closed before, the unassigned one, an address that an open mailbox has, the
 * primary address), TOO_LARGE (more than VAULT_MAILBOX_ADDRESSES_MAX), MALFORMED, UNSUPPORTED (the
 * text), and those of vault_keep_log_act().
 */
#pragma once

#include "vault/keep.h"

/* No new keys and no new mail for it; what comes for its addresses goes by the policy's
 * closed_mail.
 */
gboolean vault_mailbox_life_close(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error);
/* A new primary address makes an alias of the one before. */
gboolean vault_mailbox_life_add_address(VaultKeep *keep, const char *text, gsize len,
                                        GString *answer, GError **error);
/* Later mail for the address makes a new mailbox. */
gboolean vault_mailbox_life_remove_address(VaultKeep *keep, const char *text, gsize len,
                                           GString *answer, GError **error);
