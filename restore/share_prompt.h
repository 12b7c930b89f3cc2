/* Shares that are typed in, one keeper after the other, on a screen of its own.
 *
 * Each is checked when its last word is done. A wrong word is named and asked for again, a share
 * that does not belong to the others is refused at once, and the screen is empty before the next
 * keeper sits down. Errors: MALFORMED (no terminal), IO ("interrupted"). Threads: the main thread
 * only.
 */
#pragma once

#include "restore/share_collection.h"

/* Asks until none is missing; those that are there already count. */
gboolean restore_share_prompt_all(RestoreShares *shares, GError **error);
gboolean restore_share_prompt_one(VaultShareSheet *ret_sheet, GError **error);
