/* RFC 6962 trees: the vectors of the reference implementation, and every proof of every small tree
 * against the RFC's own recursive definition. */
#include "tests/unit/log_world.h"

#define SMALL_MAX 70

static const struct {
    const char *bytes;
    gsize len;
} inputs[] = {{"", 0},
              {"\x00", 1},
              {"\x10", 1},
              {"\x20\x21", 2},
              {"\x30\x31", 2},
              {"\x40\x41\x42\x43", 4},
              {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
              {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16}};

static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

#define HASH_1 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define HASH_23 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define HASH_4567 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define HASH_4 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define HASH_67 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define HASH_45 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

static void vector_list(VaultHash ret_hashes[8])
{
    vault_crypto_init();
    for (gsize i = 0; i < 8; i++)
        vault_merkle_entry_hash(inputs[i].bytes, inputs[i].len, &ret_hashes[i]);
}

static void assert_hash(const VaultHash *hash, const char *hex)
{
    g_autofree char *text = vault_bytes_to_hex(hash->bytes, sizeof hash->bytes);

    assert_string_equal(text, hex);
}

static void assert_proof(const VaultMerkleProof *proof, const char *const *expected, gsize count)
{
    assert_int_equal(proof->count, count);
    for (gsize i = 0; i < count; i++)
        assert_hash(&proof->hashes[i], expected[i]);
}

static void roots_are_those_of_the_reference_implementation(void **state)
{
    VaultHash hashes[8], root;
    VaultMerkleFrontier frontier = {0};

    vector_list(hashes);
    for (gsize size = 0; size <= 8; size++) {
        VaultMerkleList list = {hashes, size};
        VaultMerkleSource source = vault_merkle_list_source(&list);

        assert_true(vault_merkle_root(&source, size, &root, NULL));
        assert_hash(&root, roots[size]);
        vault_merkle_frontier_root(&frontier, &root);
        assert_hash(&root, roots[size]);
        if (size < 8)
            vault_merkle_frontier_append(&frontier, &hashes[size]);
    }
}

static void proofs_are_those_of_the_reference_implementation(void **state)
{
    static const struct {
        guint64 index, size;
        const char *path[3];
        gsize count;
    } inclusion[] = {
        {0, 1, {NULL}, 0},
        {0, 8, {HASH_1, HASH_23, HASH_4567}, 3},
        {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}, 1},
        {5,
         8,
         {HASH_4, HASH_67,
          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30"
          "cd95209614b7"},
         3},
        {1,
         5,
         {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", HASH_23, HASH_4},
         3}};
    static const struct {
        guint64 old_size, size;
        const char *path[3];
        gsize count;
    } consistency[] = {
        {1, 1, {NULL}, 0},
        {1, 8, {HASH_1, HASH_23, HASH_4567}, 3},
        {6,
         8,
         {HASH_45, HASH_67, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
         3},
        {2, 5, {HASH_23, HASH_4}, 2}};
    VaultHash hashes[8];
    VaultMerkleProof proof;

    vector_list(hashes);
    for (gsize i = 0; i < G_N_ELEMENTS(inclusion); i++) {
        VaultMerkleList list = {hashes, inclusion[i].size};
        VaultMerkleSource source = vault_merkle_list_source(&list);

        assert_true(vault_merkle_prove_inclusion(&source, inclusion[i].index, inclusion[i].size,
                                                 &proof, NULL));
        assert_proof(&proof, inclusion[i].path, inclusion[i].count);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(consistency); i++) {
        VaultMerkleList list = {hashes, consistency[i].size};
        VaultMerkleSource source = vault_merkle_list_source(&list);

        assert_true(vault_merkle_prove_consistency(&source, consistency[i].old_size,
                                                   consistency[i].size, &proof, NULL));
        assert_proof(&proof, consistency[i].path, consistency[i].count);
    }
}

/* ---- against the RFC's definition ------------------------------------------------------------ */

static void rfc_root(const VaultHash *hashes, gsize count, VaultHash *ret_root)
{
    VaultHash left, right;
    gsize k = 1;

    if (count == 1) {
        *ret_root = hashes[0];
        return;
    }
    while (2 * k < count)
        k *= 2;
    rfc_root(hashes, k, &left);
    rfc_root(hashes + k, count - k, &right);
    vault_merkle_node_hash(&left, &right, ret_root);
}

static void small_list(VaultHash ret_hashes[SMALL_MAX])
{
    vault_crypto_init();
    for (guint8 i = 0; i < SMALL_MAX; i++)
        vault_merkle_entry_hash(&i, 1, &ret_hashes[i]);
}

/* What an attacker may change of a proof: a bit, its length, its order. */
static void assert_changes_fail(VaultMerkleProof *proof,
                                gboolean (*holds)(const VaultMerkleProof *proof, gpointer user),
                                gpointer user)
{
    assert_true(holds(proof, user));
    for (gsize i = 0; i < proof->count; i++) {
        proof->hashes[i].bytes[i] ^= 4;
        assert_false(holds(proof, user));
        proof->hashes[i].bytes[i] ^= 4;
    }
    memset(&proof->hashes[proof->count], 0, sizeof(VaultHash));
    proof->count++;
    assert_false(holds(proof, user));
    proof->count--;
    if (proof->count > 0) {
        proof->count--;
        assert_false(holds(proof, user));
        proof->count++;
    }
}

typedef struct {
    guint64 first, size; /* index or old size */
    VaultHash hash, root;
} Claim;

static gboolean inclusion_holds(const VaultMerkleProof *proof, gpointer user)
{
    const Claim *claim = user;

    return vault_merkle_verify_inclusion(proof, claim->first, claim->size, &claim->hash,
                                         &claim->root);
}

static gboolean consistency_holds(const VaultMerkleProof *proof, gpointer user)
{
    const Claim *claim = user;

    return vault_merkle_verify_consistency(proof, claim->first, &claim->hash, claim->size,
                                           &claim->root);
}

static void every_inclusion_proof_of_small_trees_holds_and_no_changed_one(void **state)
{
    VaultHash hashes[SMALL_MAX];
    VaultMerkleProof proof;

    small_list(hashes);
    for (guint64 size = 1; size <= SMALL_MAX; size++) {
        VaultMerkleList list = {hashes, size};
        VaultMerkleSource source = vault_merkle_list_source(&list);
        Claim claim = {.size = size};

        rfc_root(hashes, size, &claim.root);
        for (claim.first = 0; claim.first < size; claim.first++) {
            assert_true(vault_merkle_prove_inclusion(&source, claim.first, size, &proof, NULL));
            claim.hash = hashes[claim.first];
            assert_changes_fail(&proof, inclusion_holds, &claim);
            claim.first++; /* another place */
            assert_false(inclusion_holds(&proof, &claim));
            claim.first--;
            claim.hash = hashes[(claim.first + 1) % SMALL_MAX]; /* another entry */
            assert_false(inclusion_holds(&proof, &claim));
        }
    }
}

static void every_consistency_proof_of_small_trees_holds_and_no_changed_one(void **state)
{
    VaultHash hashes[SMALL_MAX], nothing;
    VaultMerkleProof proof;

    small_list(hashes);
    vault_hash(NULL, 0, &nothing);
    for (guint64 size = 1; size <= SMALL_MAX; size++) {
        VaultMerkleList list = {hashes, size};
        VaultMerkleSource source = vault_merkle_list_source(&list);
        Claim claim = {.size = size};

        rfc_root(hashes, size, &claim.root);
        for (claim.first = 0; claim.first <= size; claim.first++) {
            assert_true(vault_merkle_prove_consistency(&source, claim.first, size, &proof, NULL));
            claim.hash = nothing;
            if (claim.first > 0)
                rfc_root(hashes, claim.first, &claim.hash);
            assert_changes_fail(&proof, consistency_holds, &claim);
            claim.hash.bytes[31] ^= 1;
            assert_false(consistency_holds(&proof, &claim));
        }
    }
}

static void an_older_tree_that_differs_has_no_proof(void **state)
{
    VaultHash hashes[SMALL_MAX];
    VaultMerkleList list = {hashes, SMALL_MAX};
    VaultMerkleSource source = vault_merkle_list_source(&list);
    VaultMerkleProof proof;
    Claim claim = {.first = 33, .size = SMALL_MAX};

    small_list(hashes);
    rfc_root(hashes, 33, &claim.hash);
    hashes[7].bytes[0] ^= 1; /* history is rewritten, consistently */
    rfc_root(hashes, SMALL_MAX, &claim.root);
    assert_true(vault_merkle_prove_consistency(&source, 33, SMALL_MAX, &proof, NULL));
    assert_false(consistency_holds(&proof, &claim));
}

/* ---- sizes ---------------------------------------------------------------------------------- */

/* The tree of equal entries: the hash of a node depends on its level alone, so that trees of any
 * size can be walked. */
static gboolean equal_entries_read(gpointer user, const VaultMerkleNode *node, VaultHash *ret_hash,
                                   GError **error)
{
    const guint64 *size = user;

    assert_true(node->level <= 62);
    assert_true(node->index < *size >> node->level); /* wholly within the tree */
    vault_merkle_entry_hash("", 0, ret_hash);
    for (guint8 i = 0; i < node->level; i++)
        vault_merkle_node_hash(ret_hash, ret_hash, ret_hash);
    return TRUE;
}

static void trees_up_to_the_largest_size_are_proven(void **state)
{
    static const guint64 sizes[] = {VAULT_MERKLE_SIZE_MAX, VAULT_MERKLE_SIZE_MAX - 1,
                                    VAULT_MERKLE_SIZE_MAX / 2 + 1, 0x123456789abcdefULL};
    VaultMerkleProof proof;

    vault_crypto_init();
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        guint64 size = sizes[i];
        const guint64 firsts[] = {0, 1, size / 3, size / 2, size - 2, size - 1};
        VaultMerkleSource source = {equal_entries_read, &size};

        for (gsize j = 0; j < G_N_ELEMENTS(firsts); j++) {
            Claim claim = {.first = firsts[j], .size = size};

            assert_true(vault_merkle_root(&source, size, &claim.root, NULL));
            assert_true(vault_merkle_prove_inclusion(&source, firsts[j], size, &proof, NULL));
            vault_merkle_entry_hash("", 0, &claim.hash);
            assert_true(inclusion_holds(&proof, &claim));
            assert_true(vault_merkle_prove_consistency(&source, firsts[j], size, &proof, NULL));
            assert_true(vault_merkle_root(&source, firsts[j], &claim.hash, NULL));
            assert_true(consistency_holds(&proof, &claim));
        }
    }
}

static void larger_sizes_and_places_outside_are_refused(void **state)
{
    guint64 size = VAULT_MERKLE_SIZE_MAX;
    VaultMerkleSource source = {equal_entries_read, &size};
    VaultMerkleProof proof = {.count = 0};
    VaultHash hash = {{0}};
    g_autoptr(GError) too_large = NULL;
    g_autoptr(GError) no_entry = NULL;
    g_autoptr(GError) not_yet = NULL;

    vault_crypto_init();
    assert_false(vault_merkle_root(&source, size + 1, &hash, &too_large));
    log_world_assert_code(too_large, VAULT_ERROR_TOO_LARGE);
    assert_false(vault_merkle_prove_inclusion(&source, 0, G_MAXUINT64, &proof, NULL));
    assert_false(vault_merkle_prove_consistency(&source, 0, G_MAXUINT64, &proof, NULL));
    assert_false(vault_merkle_prove_inclusion(&source, 5, 5, &proof, &no_entry));
    log_world_assert_code(no_entry, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_merkle_prove_consistency(&source, 6, 5, &proof, &not_yet));
    log_world_assert_code(not_yet, VAULT_ERROR_NOT_FOUND);

    /* Equal roots and an empty proof, which would hold if sizes were believed. */
    proof.count = 0;
    assert_false(vault_merkle_verify_consistency(&proof, size + 1, &hash, size + 1, &hash));
    assert_false(vault_merkle_verify_consistency(&proof, 2, &hash, 1, &hash));
    assert_false(vault_merkle_verify_inclusion(&proof, 0, 0, &hash, &hash));
    assert_false(vault_merkle_verify_inclusion(&proof, 1, 1, &hash, &hash));
    assert_true(vault_merkle_verify_inclusion(&proof, 0, 1, &hash, &hash));
    assert_false(vault_merkle_verify_inclusion(&proof, 0, 4, &hash, &hash)); /* the root itself */
    proof.count = VAULT_MERKLE_PROOF_MAX + 1;
    assert_false(vault_merkle_verify_inclusion(&proof, 0, size, &hash, &hash));
    assert_false(vault_merkle_verify_consistency(&proof, 1, &hash, size, &hash));
}

static void a_list_is_not_read_past_its_end(void **state)
{
    VaultHash hashes[3] = {{{1}}};
    VaultMerkleList list = {hashes, 3};
    VaultMerkleSource source = vault_merkle_list_source(&list);
    VaultHash root;
    g_autoptr(GError) error = NULL;

    vault_crypto_init();
    assert_false(vault_merkle_root(&source, 4, &root, &error));
    log_world_assert_code(error, VAULT_ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_the_reference_implementation),
        cmocka_unit_test(proofs_are_those_of_the_reference_implementation),
        cmocka_unit_test(every_inclusion_proof_of_small_trees_holds_and_no_changed_one),
        cmocka_unit_test(every_consistency_proof_of_small_trees_holds_and_no_changed_one),
        cmocka_unit_test(an_older_tree_that_differs_has_no_proof),
        cmocka_unit_test(trees_up_to_the_largest_size_are_proven),
        cmocka_unit_test(larger_sizes_and_places_outside_are_refused),
        cmocka_unit_test(a_list_is_not_read_past_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
