/* What a log sends to a witness: the size that it believes the witness has seen, the consistency
 * proof from there, and the new checkpoint.
 *
 *     old <size>
 *     <base64 of a hash>         0 to VAULT_MERKLE_PROOF_MAX of them
 *                                (blank)
 *     <signed checkpoint>
 *
 * Pure. Errors: MALFORMED (not such a request, or no checkpoint in it), TOO_LARGE (length, size).
 * Source: C2SP tlog-witness; docs/formats/witness.md.
 */
#pragma once

#include "vault/log/checkpoint.h"

#define WITNESS_REQUEST_LEN_MAX (64 * 1024)

typedef struct {
    guint64 old_size;
    VaultMerkleProof proof;
    VaultNote *note;
    VaultCheckpoint *checkpoint; /* what the note says; nobody's signature is checked yet */
} WitnessRequest;

WitnessRequest *witness_request_parse(const char *text, gsize len, GError **error);
void witness_request_free(WitnessRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WitnessRequest, witness_request_free)

/* Formatting a parsed one gives the same bytes. */
char *witness_request_format(guint64 old_size, const VaultMerkleProof *proof, const char *note);
