/* Where the proofs of restored messages come from: the archive log of a vault, as it stood at one
 * checkpoint, here or elsewhere. What a source gives needs no trust, whoever checks an export finds
 * what is false.
 *
 * A log of one epoch is read here, all of them in restore/proof_logs.h. It reads every list of the
 * log once when it is made (32 bytes a record) and keeps 16 bytes of memory for each record.
 * Errors: those of the reader.
 * Threads: one user, but for expect().
 */
#pragma once

#include "restore/proof_bundle.h"
#include "vault/keep.h"

/* Batches that are asked for at once. */
#define PROOF_BATCHES_MAX 64

typedef struct {
    /* Sets is_in_log, and then batch, place and path; the rest of `ret_message` stays. */
    gboolean (*find)(gpointer user, const VaultHash *record_hash, ProofMessage *ret_message,
                     GError **error);
    /* find() will be called for this one: what is far away is fetched meanwhile. May be NULL; safe
     * in any thread. */
    void (*expect)(gpointer user, const VaultHash *record_hash);
    /* ProofBatch of each, at most PROOF_BATCHES_MAX, `ids` rising. NOT_FOUND: no such entry. */
    GPtrArray *(*batches)(gpointer user, const ProofBatchId *ids, gsize count, GError **error);
    gpointer user;
} ProofSource;

typedef struct ProofLog ProofLog;
/* Takes over the reader of an archive log. */
ProofLog *proof_log_open(VaultLogReader *reader, GError **error);
/* Batches that are in the tree of this reader, which it takes over, are proved by its checkpoint.
 */
void proof_log_prefer(ProofLog *log, VaultLogReader *cosigned);
/* Of a vault's archive log, with what its witnesses cosigned where that is kept. NOT_FOUND: no log
 * yet. */
ProofLog *proof_log_of_keep(VaultKeep *keep, guint32 epoch, GError **error);
/* Of the reader's origin; 0: it is no archive log. */
guint32 proof_log_epoch(const ProofLog *log);
/* Drops the lists that are held, up to 48 MiB: they are read again when they are needed. */
void proof_log_forget_lists(ProofLog *log);
void proof_log_close(ProofLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProofLog, proof_log_close)
ProofSource proof_log_source(ProofLog *log);
