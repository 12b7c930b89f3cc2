/* A folder with a new set of shares: a sheet for each keeper, and master.pub.unconfirmed (of an
 * escrow key escrow.pub.unconfirmed), which becomes master.pub when all shares were entered again.
 * The secret is in the sheets alone.
 *
 * Errors: BUSY (a file is there already; nothing is overwritten), IO, NO_SPACE, NOT_FOUND. Threads:
 * the main thread only.
 */
#pragma once

#include "restore/share_collection.h"

typedef struct {
    VaultShareSet set;
    char *unconfirmed; /* path */
    GPtrArray *sheets; /* paths, in order */
    gboolean has_qr;
} RestoreShareSet;
void restore_share_set_clear(RestoreShareSet *set);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreShareSet, restore_share_set_clear)

/* Why such a set is not possible, for people; NULL when it is. */
const char *restore_share_set_problem(gint count, gint threshold);

/* Makes the folder and all files in it, or leaves none. `set->set` has role, count and threshold;
 * the rest of `set` is filled. The set is not `not_identifier` (-1: any). */
gboolean restore_share_set_write(const char *directory, const VaultMaster *pair,
                                 gint not_identifier, RestoreShareSet *set, GError **error);

/* To standard output: what was made, and what is to be done with it. */
gboolean restore_share_set_report(const RestoreShareSet *set, const char *directory,
                                  gboolean as_json, GError **error);

char *restore_share_set_unconfirmed_path(VaultShareRole role, const char *directory);
/* NO_KEY: the set in the file is of the other role. */
gboolean restore_share_set_read(VaultShareRole role, const char *directory, VaultShareSet *ret_set,
                                GError **error);
