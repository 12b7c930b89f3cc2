/* A witness: cosigns checkpoints of the logs it was told of, each only when it continues all that
 * it cosigned of that log before.
 *
 * Promises: no cosignature leaves before the state that remembers it is on storage; of one log no
 * two trees are ever cosigned that do not continue each other, while the state file is kept.
 * Logs are told apart by origin: a later epoch is a log of its own, cosigned only if its key was
 * given too. Threads: one at a time.
 * Source: C2SP tlog-witness, tlog-cosignature; docs/formats/witness.md.
 */
#pragma once

#include "restore/witness_http.h"
#include "restore/witness_state.h"

typedef struct {
    const char *name; /* that it cosigns under */
    const WitnessSigningKey *key;
    GPtrArray *logs; /* VaultNoteKey: of each log one or more */
    const char *state_path;
} WitnessOptions;

typedef struct Witness Witness;

/* Borrows the key and the list. Errors: those of witness_state_open(), MALFORMED (the name). */
Witness *witness_open(const WitnessOptions *options, GError **error);
void witness_close(Witness *witness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Witness, witness_close)

const VaultNoteKey *witness_key(const Witness *witness);
/* Checkpoints in its state: 0 at the very beginning. */
guint witness_log_count(const Witness *witness);

typedef struct {
    guint status;
    const char *content_type;
    char *body; /* new string */
} WitnessAnswer;

/* Answers any request, refusals too: an error is an answer. `body` has request->body_len bytes. */
void witness_answer(Witness *witness, const WitnessHttpRequest *request, const char *body,
                    guint64 now_s, WitnessAnswer *ret_answer);
