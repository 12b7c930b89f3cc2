/* Inside vault/keep: holds, added and removed.
 *
 * Both are logged, durably, before they take effect, and change one row of the keyring: whoever
 * destroys judges within his own change (judge.h), so that a hold is there for him or comes after.
 * Threads: safe. Writer only. Source: docs/formats/hold.md.
 */
#pragma once

#include "vault/keep.h"

/* `text`: vault/act/hold_file.h. The answer: "hold: ID", "mailboxes: N" covered now, then for each
 * month within the scope that was destroyed before "destroyed: MAILBOX MONTH TIME", and for each
 * erasure that may have destroyed some of it, or was requested, "erasure: ID KIND STATE TIME". One
 * that is requested is not cancelled: it is judged again within the change that destroys, and is
 * refused by then, or passes over what is held. NOT_FOUND: a mailbox or domain that no mailbox
 * bears and that is not said to be expected, or a message that is not here; REFUSED: it would end
 * before it begins; MALFORMED, UNSUPPORTED, TOO_LARGE: the text; and those of vault_keep_log_act().
 */
gboolean vault_holds_add(VaultKeep *keep, const char *text, gsize len, GString *answer,
                         GError **error);
/* `text`: a request for hold-remove, approved as the policy wants. The answer: "free: TIME", before
 * which nothing that it covers is destroyed. NOT_FOUND: no such hold; REFUSED: it ended before, and
 * those of vault_policy_check_request(). */
gboolean vault_holds_remove(VaultKeep *keep, const char *text, gsize len, GString *answer,
                            GError **error);
