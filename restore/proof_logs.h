/* The archive logs of a vault through all its epochs as one source of proofs: a record is in one of
 * them, whose checkpoint proves it.
 *
 * Memory is that of each log (restore/proof_source.h), but for the lists that are held: they are of
 * one log at a time. Errors: those of the logs; NOT_FOUND (the vault has no logs yet). Threads: one
 * user.
 */
#pragma once

#include "restore/proof_source.h"

typedef struct ProofLogs ProofLogs;
/* Takes over the array of ProofLog, that of the first epoch first, none left out. */
ProofLogs *proof_logs_new(GPtrArray *logs);
ProofLogs *proof_logs_open(VaultKeep *keep, GError **error);
void proof_logs_free(ProofLogs *logs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProofLogs, proof_logs_free)
ProofSource proof_logs_source(ProofLogs *logs);
