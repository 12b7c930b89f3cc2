/* Where the proofs of restored messages come from: the archive log of a vault, as it stood at one
 * checkpoint. What a source gives needs no trust, whoever checks an export finds what is false.
 *
 * The local source reads every list of the log once when it is made (32 bytes a record) and keeps
 * 16 bytes of memory for each record. Errors: those of the reader.
 * Threads: one user.
 */
#pragma once

#include "restore/proof_bundle.h"
#include "vault/log/log_reader.h"

typedef struct {
    /* Sets is_in_log, and then batch, place and path, of the record whose header and ciphertext
     * hash are in `message`. */
    gboolean (*find)(gpointer user, ProofMessage *message, GError **error);
    /* The line of a batch: proof_batch_format(). */
    char *(*batch)(gpointer user, guint64 index, GError **error);
    gpointer user;
} ProofSource;

typedef struct ProofLog ProofLog;
/* Takes over the reader of an archive log. */
ProofLog *proof_log_open(VaultLogReader *reader, GError **error);
void proof_log_close(ProofLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProofLog, proof_log_close)
ProofSource proof_log_source(ProofLog *log);
