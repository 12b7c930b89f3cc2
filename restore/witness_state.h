/* What a witness has seen: of each log the newest checkpoint that it cosigned. One file, replaced
 * as a whole.
 *
 *     muniment-witness-state/1
 *     checkpoint <length>
 *     <that many bytes: the log's checkpoint with the witness's cosignature>
 *     checkpoint …
 *
 * Promises: what witness_state_put() returned TRUE for is on storage. One process at a time has it.
 * Not promised: that a state which was removed or set back by hand is noticed. A file that is not
 * there is a witness that has seen nothing.
 * Errors: BUSY (another witness has it), CORRUPT (damaged, or of a witness with another key), IO,
 * NO_SPACE, TOO_LARGE (WITNESS_LOGS_MAX). Threads: one at a time. Source: docs/formats/witness.md.
 */
#pragma once

#include "vault/log/checkpoint.h"

#define WITNESS_LOGS_MAX 1000
#define WITNESS_STATE_LEN_MAX (64 * 1024 * 1024)

typedef struct {
    VaultCheckpoint *checkpoint;
    char *note; /* with the signatures */
} WitnessSeen;

typedef struct WitnessState WitnessState;

/* `witness` has cosigned all that is in the file. */
WitnessState *witness_state_open(const char *path, const VaultNoteKey *witness, GError **error);
void witness_state_close(WitnessState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WitnessState, witness_state_close)

guint witness_state_count(const WitnessState *state);
/* Borrowed until the next put; NULL: never seen. */
const WitnessSeen *witness_state_find(const WitnessState *state, const char *origin);
/* Takes the place of what was seen of that log. FALSE: what is remembered is as before. */
gboolean witness_state_put(WitnessState *state, const char *note, GError **error);
