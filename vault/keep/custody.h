/* Inside vault/keep: what an erasure does with vault keys and keyring copies.
 *
 *   install(g+1) -> the keyring is sealed under g+1 -> copy_keyring -> destroy(g) -> state
 *
 * Each step is durable and read back, may be given again after a crash, and writes into the
 * registry what came of it. A place that is away is a result, not an error: it is brought up to
 * date by vault_custody_update() once it is back, and until then vault_custody_state() names it.
 * vault_custody_may_destroy() alone decides whether a key may go (docs/decisions/0013).
 * Writer only. Threads: safe, one at a time. Errors: REFUSED, IO, NO_SPACE, CORRUPT, and those of
 * the keyring; what befalls one place stands in its result.
 */
#pragma once

#include "vault/custody.h"

typedef enum {
    VAULT_CUSTODY_DONE,
    VAULT_CUSTODY_AWAY,
    VAULT_CUSTODY_FAILED,
    VAULT_CUSTODY_WAITS, /* for another place; the reason names it */
} VaultCustodyOutcome;
/* "done", "away", "failed", "waits". */
const char *vault_custody_outcome_name(VaultCustodyOutcome outcome);

typedef struct {
    VaultCustodySort sort;
    char name[VAULT_CUSTODY_NAME_LEN_MAX + 1];
    VaultCustodyOutcome outcome;
    char *reason; /* unless DONE */
} VaultCustodyResult;
/* GPtrArray of VaultCustodyResult, for the functions below to append to. */
GPtrArray *vault_custody_results_new(void);

/* Puts the next key beside the present one at every reachable holder, the host's first. Fails only
 * when that one cannot take it: then no other was asked. A key of the same generation that is there
 * (of a roll that was given up) is replaced. REFUSED: not the generation after the keyring's. */
gboolean vault_custody_install(VaultKeep *keep, const VaultKey *next, GPtrArray *results,
                               GError **error);
/* The keyring as it is now to every reachable copy. */
gboolean vault_custody_copy_keyring(VaultKeep *keep, GPtrArray *results, GError **error);
/* Destroys an older key at every reachable holder that has the keyring's present one; WAITS
 * everywhere while the key may not go. REFUSED: the present generation, or a later one. */
gboolean vault_custody_destroy(VaultKeep *keep, guint32 generation, GPtrArray *results,
                               GError **error);

/* One copy of the keyring to one place, and all that vault_custody_update() does, with results. */
gboolean vault_custody_copy_to_one(VaultKeep *keep, VaultCopyValue *value, GPtrArray *results,
                                   GError **error);
gboolean vault_custody_update_all(VaultKeep *keep, GPtrArray *results, GError **error);

/* Is there a pair of this generation, as far as is known? */
gboolean vault_custody_pair(VaultKeep *keep, guint32 generation, gboolean *ret_exists,
                            GError **error);
/* A key may be destroyed when a pair of a later generation exists, or when there is none of its own
 * that would be lost with it. */
gboolean vault_custody_may_destroy(VaultKeep *keep, guint32 generation, gboolean *ret_may,
                                   GError **error);
