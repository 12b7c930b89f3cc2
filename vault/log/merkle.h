/* The Merkle tree of RFC 6962 section 2.1 (SHA-256): hashes, roots, proofs and their verification.
 *
 * Pure: hashes of complete subtrees come from a source that the caller gives. Nothing of what is
 * given is trusted: sizes over VAULT_MERKLE_SIZE_MAX are refused before any arithmetic, a proof is
 * valid only when it has just the hashes it must have. `index` and `size` count entries; "leaf" is
 * the erasure tree's word. Threads: safe as far as the source is. vault_crypto_init() comes first.
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_MERKLE_SIZE_MAX (G_GUINT64_CONSTANT(1) << 62)
/* A consistency proof between sizes up to that has at most so many hashes, an inclusion proof one
 * less. */
#define VAULT_MERKLE_PROOF_MAX 63

void vault_merkle_entry_hash(const void *entry, gsize len, VaultHash *ret_hash);
void vault_merkle_node_hash(const VaultHash *left, const VaultHash *right, VaultHash *ret_hash);

/* The complete subtree over entries [index << level, (index + 1) << level). */
typedef struct {
    guint8 level; /* 0: the entry hash itself */
    guint64 index;
} VaultMerkleNode;

/* Gives the hash of a node. It is asked for nodes that lie wholly within the tree only. */
typedef struct {
    gboolean (*read)(gpointer user, const VaultMerkleNode *node, VaultHash *ret_hash,
                     GError **error);
    gpointer user;
} VaultMerkleSource;

typedef struct {
    gsize count;
    VaultHash hashes[VAULT_MERKLE_PROOF_MAX]; /* from the entry up */
} VaultMerkleProof;

/* These set NOT_FOUND when `index` is not below `size` or `old_size` above it, TOO_LARGE when
 * `size` is over VAULT_MERKLE_SIZE_MAX, and whatever the source sets. The root of size 0 is the
 * hash of nothing; a consistency proof from 0, or between equal sizes, is empty. */
gboolean vault_merkle_root(const VaultMerkleSource *source, guint64 size, VaultHash *ret_root,
                           GError **error);
gboolean vault_merkle_prove_inclusion(const VaultMerkleSource *source, guint64 index, guint64 size,
                                      VaultMerkleProof *ret_proof, GError **error);
gboolean vault_merkle_prove_consistency(const VaultMerkleSource *source, guint64 old_size,
                                        guint64 size, VaultMerkleProof *ret_proof, GError **error);

/* FALSE for whatever does not prove it. */
gboolean vault_merkle_verify_inclusion(const VaultMerkleProof *proof, guint64 index, guint64 size,
                                       const VaultHash *entry_hash, const VaultHash *root);
gboolean vault_merkle_verify_consistency(const VaultMerkleProof *proof, guint64 old_size,
                                         const VaultHash *old_root, guint64 size,
                                         const VaultHash *root);

gboolean vault_merkle_hash_equal(const VaultHash *a, const VaultHash *b);

/* A tree of which only the right edge is kept: appends and gives the root in constant memory.
 * Begins as {0}. */
typedef struct {
    guint64 size;
    VaultHash complete[VAULT_MERKLE_PROOF_MAX]; /* by level; valid where `size` has that bit */
} VaultMerkleFrontier;

/* At most VAULT_MERKLE_SIZE_MAX entries (asserted). */
void vault_merkle_frontier_append(VaultMerkleFrontier *frontier, const VaultHash *entry_hash);
void vault_merkle_frontier_root(const VaultMerkleFrontier *frontier, VaultHash *ret_root);

/* A source over a list of entry hashes in memory; borrowed. A node costs as many hashes as it has
 * entries, so a root or a proof costs the list once. */
typedef struct {
    const VaultHash *hashes;
    gsize count;
} VaultMerkleList;
VaultMerkleSource vault_merkle_list_source(VaultMerkleList *list);
