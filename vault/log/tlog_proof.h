/* Proofs that an entry is in a log, as one text file (.tlog-proof): index, inclusion proof and the
 * checkpoint that it leads to, with its signatures.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64>             may be left out
 *     index <n>
 *     <base64 hash>              none or more
 *                                (blank)
 *     <checkpoint>
 *
 * Errors: MALFORMED (not a proof, or it proves something else), TOO_LARGE (length), and those of
 * vault_tlog_policy_check(). Pure. Source: C2SP tlog-proof; docs/formats/log.md.
 */
#pragma once

#include "vault/log/tlog_policy.h"

#define VAULT_TLOG_PROOF_LEN_MAX (1024 * 1024)

typedef struct {
    GByteArray *extra; /* NULL: none; never authenticated */
    guint64 index;
    VaultMerkleProof path;
    VaultNote *note; /* the signed checkpoint */
} VaultTlogProof;

/* `note` is copied: a whole signed checkpoint, else MALFORMED. */
VaultTlogProof *vault_tlog_proof_new(guint64 index, const VaultMerkleProof *path, const char *note,
                                     gsize note_len, GError **error);
void vault_tlog_proof_free(VaultTlogProof *proof);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultTlogProof, vault_tlog_proof_free)

VaultTlogProof *vault_tlog_proof_parse(const char *text, gsize len, GError **error);
/* Formatting a parsed one gives the same bytes. */
char *vault_tlog_proof_format(const VaultTlogProof *proof);

/* The valid checkpoint in which the entry of this hash stands at `proof->index`; else NULL. */
VaultCheckpoint *vault_tlog_proof_check(const VaultTlogProof *proof, const VaultTlogPolicy *policy,
                                        const VaultHash *entry_hash, GError **error);
