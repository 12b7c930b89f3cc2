/* The shares that were given so far to get a master or escrow key back: which belong together,
 * which do not, and which one is to blame. Every message names shares by number, set and where they
 * came from, and what to do. Never gives a wrong key: what does not combine to the one secret is
 * refused.
 *
 * Secret, in guarded memory. Threads: none shared.
 */
#pragma once

#include "restore/key_role.h"

#define RESTORE_SHARES_MAX 64

typedef struct RestoreShares RestoreShares;
RestoreShares *restore_shares_new(VaultShareRole role);
void restore_shares_free(RestoreShares *shares);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RestoreShares, restore_shares_free)

/* Only shares of this set will do, all of them must be there, and they must give its key. */
void restore_shares_expect_all(RestoreShares *shares, const VaultShareSet *set);

/* That a share is of a key of this role, or, by its words alone, may be: it is taken for one then.
 * NO_KEY for one of the other role, which the message names. */
gboolean restore_share_take(VaultShareRole role, VaultShareSheet *sheet, GError **error);

/* `name` tells people which one is meant: a file, or "the 2nd entered". TOO_LARGE past
 * RESTORE_SHARES_MAX, UNSUPPORTED for a share of something else, NO_KEY for one of the other role.
 */
gboolean restore_shares_add(RestoreShares *shares, const VaultShareSheet *sheet, const char *name,
                            GError **error);
void restore_shares_drop_last(RestoreShares *shares);
guint restore_shares_count(const RestoreShares *shares);

/* Whether all given so far belong together; NO_KEY for a share of another set or key, one that
 * is there twice, or two that contradict each other. */
gboolean restore_shares_check(const RestoreShares *shares, GError **error);
/* How many are still needed; -1 before the first share, which says so. */
gint restore_shares_missing(const RestoreShares *shares);
/* Set number of the first share; 0 before it. */
guint16 restore_shares_set(const RestoreShares *shares);

/* NO_KEY as restore_shares_check(), and when shares are missing or one is not as it was made. More
 * shares than needed are all checked. */
gboolean restore_shares_combine(const RestoreShares *shares, VaultMaster *ret_pair, GError **error);
