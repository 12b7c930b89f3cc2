/* Inside vault/keep: acts of erasure, step by step (vault/erasure.h). One at a time: the keeper's
 * erasure lock. erasure.c begins and gives up, erasure_change.c destroys, erasure_finish.c drives
 * on what was destroyed, erasure_statement.c says what is known of it.
 */
#pragma once

#include "vault/custody.h"
#include "vault/erasure.h"
#include "vault/keep/erasure_scope.h"

typedef enum { VAULT_ERASURE_DO, VAULT_ERASURE_PREVIEW } VaultErasureMode;
gboolean vault_erasure_run(VaultKeep *keep, VaultErasureMode mode, const char *text, gsize len,
                           GString *answer, GError **error);
/* REFUSED: the request of the order was done before. */
gboolean vault_erasure_check_new(VaultKeep *keep, const VaultErasureOrder *order, GError **error);
/* Retention that is over: destroys what the scope holds (copies of one month key together, and
 * their messages, by which the catalog forgets them; mailboxes not needed) and what is past its
 * maximum, as far as the judge lets it: the rest is passed over. Returns the erasure. NOT_FOUND:
 * nothing is left of it. */
VaultErasureValue *vault_erasure_expire(VaultKeep *keep, VaultErasureScope *scope,
                                        const VaultErasureOrder *order, GError **error);
gboolean vault_erasure_cancel(VaultKeep *keep, const char *text, gsize len, GError **error);
/* At the start of a writer: gives up what destroyed nothing, drives on what did. What cannot be
 * done now is tried again hourly and keeps no mail waiting. */
void vault_erasure_resume(VaultKeep *keep);

/* New keys for all, under the next vault key: whoever saw the old one sees no more. */
gboolean vault_erasure_roll(VaultKeep *keep, const char *text, gsize len, GString *answer,
                            GError **error);

/* ---- erasure_change.c: with the erasure lock held -------------------------------------------- */

typedef struct {
    VaultErasureScope *scope; /* NULL: a roll alone */
    gboolean renews_all;      /* every row key */
    const VaultErasureOrder *order;
    VaultErasureValue *value; /* becomes online */
    const VaultKey *next;     /* NULL: the vault key stays */
} VaultErasureChange;
/* All of it, durable, and memory follows; or nothing. */
gboolean vault_erasure_change_run(VaultKeep *keep, VaultErasureChange *change, GError **error);
/* A fresh vault key of the next generation, at the holders. In guarded memory. */
VaultKey *vault_erasure_next_key(VaultKeep *keep, GError **error);

/* ---- erasure_finish.c ------------------------------------------------------------------------ */

/* From the change to the statement. May be given again. */
gboolean vault_erasure_finish(VaultKeep *keep, VaultErasureValue *value, GError **error);
/* The keyring to its copies, older vault keys destroyed where they may be. */
gboolean vault_erasure_spread(VaultKeep *keep, GError **error);
gboolean vault_erasure_put(VaultKeep *keep, const VaultErasureValue *value, GError **error);
/* Says in the log, durably, how it stands; notes where in `value`. */
gboolean vault_erasure_log(VaultKeep *keep, VaultErasureValue *value,
                           const VaultCustodyState *custody, VaultLoggedAct act, GError **error);
/* Reaches a state now. */
void vault_erasure_reach(VaultKeep *keep, VaultErasureValue *value, VaultErasureState state);

/* ---- erasure_reads.c: before the catalog forgets ----------------------------------------------
 */

/* Fills value->reads from the control log, once. */
gboolean vault_erasure_note_reads(VaultKeep *keep, VaultErasureValue *value, GError **error);

/* ---- erasure_statement.c --------------------------------------------------------------------- */

char *vault_erasure_statement(const VaultErasureValue *value, const VaultCustodyState *custody,
                              VaultLoggedAct act, guint64 now_s);
/* The first day on which it can be final; G_MAXUINT64 = not foreseen. */
guint64 vault_erasure_final_s(const VaultErasureValue *value, const VaultCustodyState *custody,
                              guint64 now_s);
