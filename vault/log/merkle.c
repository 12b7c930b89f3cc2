#include "vault/log/merkle.h"

#define ENTRY_PREFIX 0x00
#define NODE_PREFIX 0x01

void vault_merkle_entry_hash(const void *entry, gsize len, VaultHash *ret_hash)
{
    const guint8 prefix = ENTRY_PREFIX;
    const VaultSpan spans[] = {{&prefix, 1}, {entry, len}};

    vault_hash_spans(spans, G_N_ELEMENTS(spans), ret_hash);
}

void vault_merkle_node_hash(const VaultHash *left, const VaultHash *right, VaultHash *ret_hash)
{
    guint8 input[1 + 2 * VAULT_HASH_LEN];

    input[0] = NODE_PREFIX;
    memcpy(input + 1, left->bytes, VAULT_HASH_LEN);
    memcpy(input + 1 + VAULT_HASH_LEN, right->bytes, VAULT_HASH_LEN);
    vault_hash(input, sizeof input, ret_hash);
}

gboolean vault_merkle_hash_equal(const VaultHash *a, const VaultHash *b)
{
    return memcmp(a->bytes, b->bytes, VAULT_HASH_LEN) == 0;
}

/* ---- roots and proofs ----------------------------------------------------------------------- */

static guint8 floor_log2(guint64 n)
{
    return (guint8)(63 - __builtin_clzll(n));
}

/* Where RFC 6962 splits a tree of n > 1 entries: the largest power of two below n. */
static guint64 split_of(guint64 n)
{
    return G_GUINT64_CONSTANT(1) << floor_log2(n - 1);
}

/* MTH(D[begin:end]), not empty, of a range that the recursion of section 2.1 arrives at: from its
 * begin on it is complete subtrees of falling size. */
static gboolean range_hash(const VaultMerkleSource *source, guint64 begin, guint64 end,
                           VaultHash *ret_hash, GError **error)
{
    VaultHash parts[64];
    gsize count = 0;

    while (begin < end) {
        guint8 level = floor_log2(end - begin);
        VaultMerkleNode node = {level, begin >> level};

        if (!source->read(source->user, &node, &parts[count++], error))
            return FALSE;
        begin += G_GUINT64_CONSTANT(1) << level;
    }
    g_assert(count > 0);
    *ret_hash = parts[--count];
    while (count > 0)
        vault_merkle_node_hash(&parts[--count], ret_hash, ret_hash);
    return TRUE;
}

static gboolean check_size(guint64 size, GError **error)
{
    if (size <= VAULT_MERKLE_SIZE_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "a log of %" G_GUINT64_FORMAT " entries is larger than any", size);
    return FALSE;
}

gboolean vault_merkle_root(const VaultMerkleSource *source, guint64 size, VaultHash *ret_root,
                           GError **error)
{
    if (!check_size(size, error))
        return FALSE;
    if (size == 0) {
        vault_hash(NULL, 0, ret_root);
        return TRUE;
    }
    return range_hash(source, 0, size, ret_root, error);
}

static gboolean proof_push(const VaultMerkleSource *source, guint64 begin, guint64 end,
                           VaultMerkleProof *proof, GError **error)
{
    g_assert(proof->count < VAULT_MERKLE_PROOF_MAX);
    return range_hash(source, begin, end, &proof->hashes[proof->count++], error);
}

/* Proofs are found from the root down and told from the entry up. */
static void proof_reverse(VaultMerkleProof *proof)
{
    for (gsize i = 0, j = proof->count; i + 1 < j; i++) {
        VaultHash hash = proof->hashes[i];

        j--;
        proof->hashes[i] = proof->hashes[j];
        proof->hashes[j] = hash;
    }
}

gboolean vault_merkle_prove_inclusion(const VaultMerkleSource *source, guint64 index, guint64 size,
                                      VaultMerkleProof *ret_proof, GError **error)
{
    guint64 begin = 0, end = size;

    ret_proof->count = 0;
    if (!check_size(size, error))
        return FALSE;
    if (index >= size) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "the log of %" G_GUINT64_FORMAT " entries has no entry %" G_GUINT64_FORMAT,
                    size, index);
        return FALSE;
    }
    while (end - begin > 1) {
        guint64 middle = begin + split_of(end - begin);
        gboolean is_left = index < middle;

        if (!proof_push(source, is_left ? middle : begin, is_left ? end : middle, ret_proof, error))
            return FALSE;
        *(is_left ? &end : &begin) = middle;
    }
    proof_reverse(ret_proof);
    return TRUE;
}

gboolean vault_merkle_prove_consistency(const VaultMerkleSource *source, guint64 old_size,
                                        guint64 size, VaultMerkleProof *ret_proof, GError **error)
{
    guint64 begin = 0, end = size;

    ret_proof->count = 0;
    if (!check_size(size, error))
        return FALSE;
    if (old_size > size) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "the log has %" G_GUINT64_FORMAT " entries, not yet %" G_GUINT64_FORMAT, size,
                    old_size);
        return FALSE;
    }
    if (old_size == 0)
        return TRUE;
    while (end != old_size) {
        guint64 middle = begin + split_of(end - begin);
        gboolean is_left = old_size <= middle;

        if (!proof_push(source, is_left ? middle : begin, is_left ? end : middle, ret_proof, error))
            return FALSE;
        *(is_left ? &end : &begin) = middle;
    }
    /* A subtree that begins the log is the old root, which the verifier has. */
    if (begin > 0 && !proof_push(source, begin, end, ret_proof, error))
        return FALSE;
    proof_reverse(ret_proof);
    return TRUE;
}

/* ---- verification: RFC 9162 sections 2.1.3.2 and 2.1.4.2 --------------------------------------
 */

gboolean vault_merkle_verify_inclusion(const VaultMerkleProof *proof, guint64 index, guint64 size,
                                       const VaultHash *entry_hash, const VaultHash *root)
{
    VaultHash hash = *entry_hash;
    guint64 node = index, last;

    if (size > VAULT_MERKLE_SIZE_MAX || index >= size || proof->count > VAULT_MERKLE_PROOF_MAX)
        return FALSE;
    last = size - 1;
    for (gsize i = 0; i < proof->count; i++) {
        if (last == 0)
            return FALSE;
        if ((node & 1) != 0 || node == last) {
            vault_merkle_node_hash(&proof->hashes[i], &hash, &hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            vault_merkle_node_hash(&hash, &proof->hashes[i], &hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && vault_merkle_hash_equal(&hash, root);
}

/* The walk up from the old tree's last complete subtree: both roots come out of one proof. */
static gboolean walk_consistency(const VaultHash *next, gsize count, guint64 old_size, guint64 size,
                                 VaultHash *old_hash, VaultHash *hash)
{
    guint64 node = old_size - 1, last = size - 1;

    while ((node & 1) != 0) {
        node >>= 1;
        last >>= 1;
    }
    for (gsize i = 0; i < count; i++) {
        if (last == 0)
            return FALSE;
        if ((node & 1) != 0 || node == last) {
            vault_merkle_node_hash(&next[i], old_hash, old_hash);
            vault_merkle_node_hash(&next[i], hash, hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            vault_merkle_node_hash(hash, &next[i], hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0;
}

gboolean vault_merkle_verify_consistency(const VaultMerkleProof *proof, guint64 old_size,
                                         const VaultHash *old_root, guint64 size,
                                         const VaultHash *root)
{
    VaultHash old_hash, hash;
    gsize used;

    if (size > VAULT_MERKLE_SIZE_MAX || old_size > size || proof->count > VAULT_MERKLE_PROOF_MAX)
        return FALSE;
    if (old_size == size)
        return proof->count == 0 && vault_merkle_hash_equal(old_root, root);
    if (old_size == 0) {
        vault_hash(NULL, 0, &hash);
        return proof->count == 0 && vault_merkle_hash_equal(old_root, &hash);
    }
    if (proof->count == 0)
        return FALSE;
    /* A complete old tree is itself the first hash, and left out of the proof. */
    used = (old_size & (old_size - 1)) == 0 ? 0 : 1;
    old_hash = hash = used == 0 ? *old_root : proof->hashes[0];
    return walk_consistency(proof->hashes + used, proof->count - used, old_size, size, &old_hash,
                            &hash) &&
           vault_merkle_hash_equal(&old_hash, old_root) && vault_merkle_hash_equal(&hash, root);
}

/* ---- a tree in memory ----------------------------------------------------------------------- */

void vault_merkle_frontier_append(VaultMerkleFrontier *frontier, const VaultHash *entry_hash)
{
    VaultHash hash = *entry_hash;
    guint level = 0;

    g_assert(frontier->size < VAULT_MERKLE_SIZE_MAX);
    for (; (frontier->size >> level & 1) != 0; level++)
        vault_merkle_node_hash(&frontier->complete[level], &hash, &hash);
    frontier->complete[level] = hash;
    frontier->size++;
}

void vault_merkle_frontier_root(const VaultMerkleFrontier *frontier, VaultHash *ret_root)
{
    gboolean is_first = TRUE;

    vault_hash(NULL, 0, ret_root);
    for (guint level = 0; level < VAULT_MERKLE_PROOF_MAX; level++) {
        if ((frontier->size >> level & 1) == 0)
            continue;
        if (is_first)
            *ret_root = frontier->complete[level];
        else
            vault_merkle_node_hash(&frontier->complete[level], ret_root, ret_root);
        is_first = FALSE;
    }
}

static gboolean list_read(gpointer user, const VaultMerkleNode *node, VaultHash *ret_hash,
                          GError **error)
{
    const VaultMerkleList *list = user;
    guint64 count = G_GUINT64_CONSTANT(1) << node->level, begin = node->index << node->level;
    VaultMerkleFrontier frontier = {0};

    if (begin > list->count || count > list->count - begin) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "the list of %" G_GSIZE_FORMAT " hashes ends before that", list->count);
        return FALSE;
    }
    for (guint64 i = begin; i < begin + count; i++)
        vault_merkle_frontier_append(&frontier, &list->hashes[i]);
    vault_merkle_frontier_root(&frontier, ret_hash);
    return TRUE;
}

VaultMerkleSource vault_merkle_list_source(VaultMerkleList *list)
{
    return (VaultMerkleSource){list_read, list};
}
