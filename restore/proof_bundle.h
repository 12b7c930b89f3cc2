/* What ties a restored message to the archive log, as members of the manifest's lines: anybody can
 * check it who has SHA-256 and a verifier of tlog proofs, with neither vault nor secret.
 *
 *   file ─SHA-256─> ‖ salt ─SHA-256─> commitment, in the record's header
 *   header ‖ ciphertext hash ─SHA-256─> record hash ─path─> root, in the batch's entry
 *   entry ─tlog-proof─> checkpoint, signed
 *
 * Pure. Errors: MALFORMED (not such members; or they prove something else, which is said), and
 * those of vault_tlog_proof_check(). Source: docs/formats/proof-bundle.md.
 */
#pragma once

#include "vault/log/entry.h"
#include "vault/log/tlog_proof.h"
#include "vault/open.h"

#include <json-glib/json-glib.h>

/* A batch: an entry of the archive log of one epoch. By epoch, then index, is their order. */
typedef struct {
    guint32 epoch; /* from 1 */
    guint64 index;
} ProofBatchId;
gint proof_batch_id_compare(gconstpointer a, gconstpointer b);
/* For hash tables. */
guint proof_batch_id_hash(gconstpointer id);
gboolean proof_batch_id_equal(gconstpointer a, gconstpointer b);

typedef struct {
    BodySalt salt;
    guint8 header[VAULT_RECORD_HEADER_LEN_MAX]; /* of the body's record */
    gsize header_len;
    VaultHash ciphertext_hash;
    gboolean is_in_log; /* else: younger than the last batch. Then: */
    ProofBatchId batch;
    guint64 place; /* in the batch */
    VaultMerkleProof path;
} ProofMessage;

/* The record's hash, which the batch lists. */
void proof_message_record_hash(const ProofMessage *message, VaultHash *ret_hash);
/* Appends the members, each with a comma before it. */
void proof_message_append(const ProofMessage *message, GString *line);
/* Without the salt, which only readers have. */
void proof_message_append_public(const ProofMessage *message, GString *line);
gboolean proof_message_read(JsonObject *object, ProofMessage *ret_message, GError **error);
/* That the message of this hash and archive id is what the record commits to; and, when it is in
 * the log, that the record is in `batch`, an entry that was checked (NULL: there is none such). */
gboolean proof_message_check(const ProofMessage *message, const RecordId *archive_id,
                             const VaultHash *message_hash, const VaultEntry *batch,
                             GError **error);

/* One batch entry with its proof. */
typedef struct {
    ProofBatchId id; /* as the proof has it; of another log than an archive log: epoch 0 */
    GBytes *entry;
    VaultTlogProof *proof;
} ProofBatch;
/* Takes both over. */
ProofBatch *proof_batch_new(GBytes *entry, VaultTlogProof *proof);
void proof_batch_free(ProofBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProofBatch, proof_batch_free)

/* A line of "batches": an object, without comma and line end. */
char *proof_batch_format(const ProofBatch *batch);
ProofBatch *proof_batch_read(JsonObject *object, GError **error);
/* That it is the entry of a batch in an archive log which `policy` believes. */
gboolean proof_batch_check(const ProofBatch *batch, const VaultTlogPolicy *policy,
                           VaultEntry *ret_entry, GError **error);

/* Members of objects that others wrote; NULL and FALSE when missing or of another type. */
const char *proof_member_text(JsonObject *object, const char *name);
gboolean proof_member_number(JsonObject *object, const char *name, guint64 *ret_number);
gboolean proof_member_hash(JsonObject *object, const char *name, VaultHash *ret_hash);
