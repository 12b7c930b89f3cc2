/* Asking all witnesses of a trust policy that have an address, one after another, about one log.
 *
 * Errors of an answer: those of witness_client.h. Threads: one at a time for a reader.
 */
#pragma once

#include "vault/log/log_reader.h"
#include "vault/log/tlog_policy.h"

typedef struct {
    char *name;      /* the policy's for it */
    guint64 time_s;  /* when it says that it cosigned; 0: it did not */
    GError *failure; /* NULL: it cosigned */
} WitnessAnswer;

/* Each is asked, also after one has failed; once `stop_fd` can be read (-1: never) the rest fail
 * soon. GPtrArray of WitnessAnswer; g_ptr_array_unref(). *ret_note is the reader's note with all
 * cosignatures that came, NULL when none did. */
GPtrArray *witness_round_ask(const VaultTlogPolicy *policy, VaultLogReader *reader, int stop_fd,
                             char **ret_note);

/* Whether `note` may take the place of `kept` (NULL: there is none): not where only `kept` has the
 * quorum, as a proof could then no longer be made that the policy believes. */
gboolean witness_round_may_replace(const VaultTlogPolicy *policy, const char *kept,
                                   const char *note);

/* When the witness says that it cosigned `note`; 0: it did not. `note` may be NULL. */
guint64 witness_round_time(const VaultTlogWitness *witness, const char *note);
