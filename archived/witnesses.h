/* Has the witnesses of [log] witness_policy= cosign both logs, and keeps what they gave, for
 * proofs.
 *
 * A thread of its own: a witness that hangs keeps nobody else waiting, neither mail nor batches.
 * What a witness did before the start is known only as far as it is in the checkpoint that is kept.
 * Threads: all functions are safe.
 */
#pragma once

#include "archived/daemon.h"

ArchivedWitnesses *archived_witnesses_start(ArchivedDaemon *daemon);
/* Gives up what is under way. */
void archived_witnesses_stop(ArchivedWitnesses *witnesses);

/* A round begins as soon as the one before has ended; returns at once. NULL is passed over. */
void archived_witnesses_ask(ArchivedWitnesses *witnesses);

typedef struct {
    char *name;                           /* the policy's for it */
    guint64 cosigned_s[VAULT_LOGS_COUNT]; /* when it last did; 0: not known */
    char *failure;                        /* of the last round; NULL: there was none */
} ArchivedWitnessState;

/* GPtrArray of ArchivedWitnessState; g_ptr_array_unref(). */
GPtrArray *archived_witnesses_state(ArchivedWitnesses *witnesses);
