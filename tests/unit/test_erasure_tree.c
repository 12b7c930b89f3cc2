#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/crypto/erasure_tree.h"

#include <sodium.h>

#define HEAD_LEN 5
#define NODE_LEN 37

static GByteArray *format(const VaultErasureTree *tree)
{
    GByteArray *bytes = g_byte_array_new();

    vault_erasure_tree_format(tree, bytes);
    return bytes;
}

/* A tree whose root key is 00 01 02 ... 1f. */
static VaultErasureTree *known_tree(void)
{
    guint8 bytes[HEAD_LEN + NODE_LEN] = {1, 0, 0, 0, 1};

    for (gsize i = 0; i < VAULT_KEY_LEN; i++)
        bytes[HEAD_LEN + 5 + i] = (guint8)i;
    return vault_erasure_tree_parse(bytes, sizeof bytes, NULL);
}

static ContentSlot content_slot(VaultErasureTree *tree, guint32 leaf)
{
    ContentSlot slot = {0};

    assert_true(vault_erasure_tree_content_slot(tree, leaf, &slot, NULL));
    return slot;
}

/* The definition, written without any cache: 32 keyed hashes from the root, then the label. */
static void derive_by_hand(guint32 leaf, const char *label, guint8 ret_slot[32])
{
    guint8 key[32], children[64];

    for (guint8 i = 0; i < 32; i++)
        key[i] = i;
    for (int bit = 31; bit >= 0; bit--) {
        crypto_generichash(children, 64, (const guint8 *)"muniment erasure tree node", 26, key, 32);
        memcpy(key, children + ((leaf >> bit & 1) ? 32 : 0), 32);
    }
    crypto_generichash(ret_slot, 32, (const guint8 *)label, strlen(label), key, 32);
}

static const guint32 interesting_leaves[] = {
    0, 1, 2, 1023, 1024, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 1, 0};

static void slots_are_what_the_definition_says(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();

    for (gsize i = 0; i < G_N_ELEMENTS(interesting_leaves); i++) {
        guint32 leaf = interesting_leaves[i];
        IndexSlot index;
        ContentSlot content = content_slot(tree, leaf);
        guint8 expected[32];

        derive_by_hand(leaf, "muniment erasure tree content slot", expected);
        assert_memory_equal(content.bytes, expected, 32);
        assert_true(vault_erasure_tree_index_slot(tree, leaf, &index, NULL));
        derive_by_hand(leaf, "muniment erasure tree index slot", expected);
        assert_memory_equal(index.bytes, expected, 32);
    }
}

static void new_trees_differ(void **state)
{
    g_autoptr(VaultErasureTree) a = vault_erasure_tree_new();
    g_autoptr(VaultErasureTree) b = vault_erasure_tree_new();
    ContentSlot slot_a = content_slot(a, 7), slot_b = content_slot(b, 7);

    assert_memory_not_equal(&slot_a, &slot_b, sizeof slot_a);
}

static void punctured_leaf_is_erased(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();
    ContentSlot content;
    IndexSlot index;
    g_autoptr(GError) first = NULL;
    g_autoptr(GError) second = NULL;

    content_slot(tree, 5); /* so that its path is cached */
    assert_true(vault_erasure_tree_puncture(tree, 5, NULL));
    assert_true(vault_erasure_tree_is_punctured(tree, 5));
    assert_false(vault_erasure_tree_content_slot(tree, 5, &content, &first));
    assert_error(first, VAULT_ERROR_ERASED);
    assert_false(vault_erasure_tree_index_slot(tree, 5, &index, &second));
    assert_error(second, VAULT_ERROR_ERASED);
    assert_false(vault_erasure_tree_is_punctured(tree, 4));
}

static void puncturing_again_changes_nothing(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();
    g_autoptr(GByteArray) before = NULL;
    g_autoptr(GByteArray) after = NULL;

    assert_true(vault_erasure_tree_puncture(tree, 99, NULL));
    before = format(tree);
    assert_true(vault_erasure_tree_puncture(tree, 99, NULL));
    after = format(tree);
    assert_int_equal(before->len, HEAD_LEN + 32 * NODE_LEN);
    assert_int_equal(after->len, before->len);
    assert_memory_equal(after->data, before->data, before->len);
}

/* Is `key` among the `count` keys that a serialised tree holds? */
static gboolean holds_key(const GByteArray *bytes, const guint8 key[32])
{
    for (gsize at = HEAD_LEN; at < bytes->len; at += NODE_LEN) {
        if (memcmp(bytes->data + at + 5, key, 32) == 0)
            return TRUE;
    }
    return FALSE;
}

/* No key on the way from the root to a punctured leaf is held, so it cannot be derived again. */
static void assert_no_key_above(const GByteArray *bytes, guint32 leaf)
{
    guint8 key[32], children[64];

    for (guint8 i = 0; i < 32; i++)
        key[i] = i;
    for (int bit = 31; bit >= -1; bit--) {
        assert_false(holds_key(bytes, key));
        if (bit < 0)
            break;
        crypto_generichash(children, 64, (const guint8 *)"muniment erasure tree node", 26, key, 32);
        memcpy(key, children + ((leaf >> bit & 1) ? 32 : 0), 32);
    }
}

/* Leaves near each other, far apart, and at both ends. */
static guint32 random_leaf(guint64 *random)
{
    guint64 number = next_random(random);

    switch (number >> 60 & 3) {
    case 0:
        return (guint32)(number & 63);
    case 1:
        return G_MAXUINT32 - (guint32)(number & 63);
    default:
        return (guint32)number;
    }
}

static void check_random_punctures(guint64 seed)
{
    guint64 random = seed;
    g_autoptr(VaultErasureTree) tree = known_tree();
    g_autoptr(VaultErasureTree) whole = known_tree();
    g_autoptr(GHashTable) punctured = g_hash_table_new(NULL, NULL);
    g_autoptr(VaultErasureTree) parsed = NULL;
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(GByteArray) again = NULL;
    guint count = (guint)(next_random(&random) % 120);

    for (guint i = 0; i < count; i++) {
        guint32 leaf = random_leaf(&random);
        ContentSlot slot;

        (void)vault_erasure_tree_content_slot(tree, random_leaf(&random), &slot, NULL);
        assert_true(vault_erasure_tree_puncture(tree, leaf, NULL));
        g_hash_table_add(punctured, GUINT_TO_POINTER(leaf));
    }
    bytes = format(tree);
    parsed = vault_erasure_tree_parse(bytes->data, bytes->len, NULL);
    assert_non_null(parsed);
    again = format(parsed);
    assert_int_equal(again->len, bytes->len);
    assert_memory_equal(again->data, bytes->data, bytes->len);
    for (guint i = 0; i < 300; i++) {
        guint32 leaf = (i < 128) ? i - 64 : random_leaf(&random);
        gboolean is_gone = g_hash_table_contains(punctured, GUINT_TO_POINTER(leaf));
        ContentSlot slot, from_parsed, expected = content_slot(whole, leaf);

        assert_int_equal(vault_erasure_tree_is_punctured(tree, leaf), is_gone);
        assert_int_equal(vault_erasure_tree_content_slot(tree, leaf, &slot, NULL), !is_gone);
        assert_int_equal(vault_erasure_tree_content_slot(parsed, leaf, &from_parsed, NULL),
                         !is_gone);
        if (is_gone) {
            assert_no_key_above(bytes, leaf);
            continue;
        }
        assert_memory_equal(&slot, &expected, sizeof slot);
        assert_memory_equal(&from_parsed, &expected, sizeof slot);
    }
}

static void random_punctures_erase_those_leaves_and_no_other(void **state)
{
    for (guint64 seed = 1; seed <= 40; seed++)
        check_random_punctures(seed);
}

static void highest_punctured_leaf_is_known(void **state)
{
    static const guint32 leaves[] = {0, 7, 6, 1u << 31, G_MAXUINT32 - 1, 3, G_MAXUINT32};
    g_autoptr(VaultErasureTree) tree = vault_erasure_tree_new();
    guint64 end = 0;

    assert_int_equal(vault_erasure_tree_punctured_end(tree), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(leaves); i++) {
        assert_true(vault_erasure_tree_puncture(tree, leaves[i], NULL));
        end = MAX(end, (guint64)leaves[i] + 1);
        assert_true(vault_erasure_tree_punctured_end(tree) == end);
    }
}

static void order_of_punctures_does_not_show(void **state)
{
    g_autoptr(VaultErasureTree) up = known_tree();
    g_autoptr(VaultErasureTree) down = known_tree();
    g_autoptr(GByteArray) up_bytes = NULL;
    g_autoptr(GByteArray) down_bytes = NULL;

    for (guint32 i = 0; i < 50; i++) {
        assert_true(vault_erasure_tree_puncture(up, i * 3, NULL));
        assert_true(vault_erasure_tree_puncture(down, (49 - i) * 3, NULL));
    }
    up_bytes = format(up);
    down_bytes = format(down);
    assert_int_equal(up_bytes->len, down_bytes->len);
    assert_memory_equal(up_bytes->data, down_bytes->data, up_bytes->len);
}

static void a_punctured_block_shrinks_to_its_outside(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();
    g_autoptr(GByteArray) bytes = NULL;

    for (guint32 leaf = 1024; leaf < 2048; leaf++)
        assert_true(vault_erasure_tree_puncture(tree, leaf, NULL));
    bytes = format(tree);
    assert_int_equal(bytes->len, HEAD_LEN + 22 * NODE_LEN); /* siblings of depth 1 to 22 */
}

/* Two neighbours are punctured: the second takes a held leaf, which adds no node. */
static void puncturing_a_held_leaf_removes_its_node(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(VaultErasureTree) parsed = NULL;

    assert_true(vault_erasure_tree_puncture(tree, 6, NULL));
    assert_true(vault_erasure_tree_puncture(tree, 7, NULL));
    bytes = format(tree);
    assert_int_equal(bytes->len, HEAD_LEN + 31 * NODE_LEN);
    parsed = vault_erasure_tree_parse(bytes->data, bytes->len, NULL);
    assert_non_null(parsed);
    assert_true(vault_erasure_tree_puncture(tree, 5, NULL));
    assert_true(vault_erasure_tree_puncture(tree, 4, NULL));
    assert_false(vault_erasure_tree_is_punctured(tree, 3));
}

static void tree_without_nodes_holds_nothing(void **state)
{
    const guint8 bytes[] = {1, 0, 0, 0, 0};
    g_autoptr(VaultErasureTree) tree = vault_erasure_tree_parse(bytes, sizeof bytes, NULL);
    g_autoptr(GByteArray) again = NULL;

    assert_non_null(tree);
    assert_true(vault_erasure_tree_is_punctured(tree, 0));
    assert_true(vault_erasure_tree_puncture(tree, 0, NULL));
    again = format(tree);
    assert_int_equal(again->len, sizeof bytes);
    assert_memory_equal(again->data, bytes, sizeof bytes);
}

/* Nodes of depth 22 with every second one missing: each puncture in one adds 9 nodes. */
static GByteArray *wide_tree(guint32 node_count)
{
    GByteArray *bytes = g_byte_array_sized_new(HEAD_LEN + node_count * NODE_LEN);

    vault_bytes_append_u8(bytes, 1);
    vault_bytes_append_u32(bytes, node_count);
    for (guint32 i = 0; i < node_count; i++) {
        guint8 key[32] = {(guint8)i, (guint8)(i >> 8), (guint8)(i >> 16), 1};

        vault_bytes_append_u8(bytes, 22);
        vault_bytes_append_u32(bytes, i << 11);
        g_byte_array_append(bytes, key, sizeof key);
    }
    return bytes;
}

static void tree_grows_to_its_limit_and_not_past_it(void **state)
{
    /* 9 short of the limit. */
    g_autoptr(GByteArray) bytes = wide_tree(VAULT_ERASURE_TREE_NODES_MAX - 9);
    g_autoptr(VaultErasureTree) tree = vault_erasure_tree_parse(bytes->data, bytes->len, NULL);
    g_autoptr(GError) error = NULL;

    assert_non_null(tree);
    assert_true(vault_erasure_tree_puncture(tree, 0, NULL));
    assert_false(vault_erasure_tree_puncture(tree, 1u << 11, &error));
    assert_error(error, VAULT_ERROR_TOO_LARGE);
    assert_false(vault_erasure_tree_is_punctured(tree, 1u << 11));
    /* A held leaf may still go. */
    assert_true(vault_erasure_tree_puncture(tree, 1, NULL));
}

static void more_nodes_than_the_limit_are_refused(void **state)
{
    g_autoptr(GByteArray) bytes = wide_tree(VAULT_ERASURE_TREE_NODES_MAX);
    g_autoptr(VaultErasureTree) tree = NULL;
    g_autoptr(GError) error = NULL;
    static const guint8 node[NODE_LEN] = {32, 0xff, 0xff, 0xff, 0xff};

    vault_bytes_put_u32(bytes->data + 1, VAULT_ERASURE_TREE_NODES_MAX + 1);
    g_byte_array_append(bytes, node, sizeof node);
    tree = vault_erasure_tree_parse(bytes->data, bytes->len, &error);
    assert_null(tree);
    assert_error(error, VAULT_ERROR_CORRUPT);
}

static void assert_refused(const GByteArray *bytes, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_erasure_tree_parse(bytes->data, bytes->len, &error));
    assert_error(error, code);
}

typedef struct {
    guint8 depth;
    guint32 first_leaf;
} Place;

static GByteArray *tree_of(const Place *places, guint count)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, 1);
    vault_bytes_append_u32(bytes, count);
    for (guint i = 0; i < count; i++) {
        guint8 key[32] = {(guint8)i};

        vault_bytes_append_u8(bytes, places[i].depth);
        vault_bytes_append_u32(bytes, places[i].first_leaf);
        g_byte_array_append(bytes, key, sizeof key);
    }
    return bytes;
}

static void what_is_not_canonical_is_refused(void **state)
{
    static const Place cases[][2] = {
        {{33, 0}, {32, 8}},                  /* deeper than the tree */
        {{31, 1}, {32, 8}},                  /* not at the begin of a subtree */
        {{0, 0}, {1, 0x80000000}},           /* the second lies in the first */
        {{1, 0x80000000}, {2, 0}},           /* wrong order */
        {{32, 5}, {32, 5}},                  /* twice */
        {{32, 4}, {32, 5}},                  /* joinable, at the bottom */
        {{1, 0}, {1, 0x80000000}},           /* joinable, at the top */
        {{31, 0xfffffffe}, {32, 0xfffffffe}} /* overlap at the end */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) bytes = tree_of(cases[i], 2);

        assert_refused(bytes, VAULT_ERROR_CORRUPT);
    }
}

static void later_version_is_unsupported(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();
    g_autoptr(GByteArray) bytes = format(tree);

    bytes->data[0] = 2;
    assert_refused(bytes, VAULT_ERROR_UNSUPPORTED);
}

static void every_cut_is_refused(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();
    g_autoptr(GByteArray) bytes = NULL;

    assert_true(vault_erasure_tree_puncture(tree, 12345, NULL));
    bytes = format(tree);
    for (guint len = bytes->len; len-- > 0;) {
        g_autoptr(GError) error = NULL;

        assert_null(vault_erasure_tree_parse(bytes->data, len, &error));
        assert_error(error, VAULT_ERROR_CORRUPT);
    }
    vault_bytes_append_u8(bytes, 0);
    assert_refused(bytes, VAULT_ERROR_CORRUPT);
}

static void every_flipped_bit_is_refused_or_read_as_it_stands(void **state)
{
    g_autoptr(VaultErasureTree) tree = known_tree();
    g_autoptr(GByteArray) bytes = NULL;

    assert_true(vault_erasure_tree_puncture(tree, 12345, NULL));
    assert_true(vault_erasure_tree_puncture(tree, 99999999, NULL));
    bytes = format(tree);
    for (guint bit = 0; bit < bytes->len * 8; bit++) {
        g_autoptr(VaultErasureTree) parsed = NULL;
        g_autoptr(GByteArray) again = NULL;

        bytes->data[bit / 8] ^= (guint8)(1 << bit % 8);
        parsed = vault_erasure_tree_parse(bytes->data, bytes->len, NULL);
        if (parsed != NULL) {
            again = format(parsed);
            assert_int_equal(again->len, bytes->len);
            assert_memory_equal(again->data, bytes->data, bytes->len);
        }
        bytes->data[bit / 8] ^= (guint8)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_what_the_definition_says),
        cmocka_unit_test(new_trees_differ),
        cmocka_unit_test(punctured_leaf_is_erased),
        cmocka_unit_test(puncturing_again_changes_nothing),
        cmocka_unit_test(random_punctures_erase_those_leaves_and_no_other),
        cmocka_unit_test(highest_punctured_leaf_is_known),
        cmocka_unit_test(order_of_punctures_does_not_show),
        cmocka_unit_test(a_punctured_block_shrinks_to_its_outside),
        cmocka_unit_test(puncturing_a_held_leaf_removes_its_node),
        cmocka_unit_test(tree_without_nodes_holds_nothing),
        cmocka_unit_test(tree_grows_to_its_limit_and_not_past_it),
        cmocka_unit_test(more_nodes_than_the_limit_are_refused),
        cmocka_unit_test(what_is_not_canonical_is_refused),
        cmocka_unit_test(later_version_is_unsupported),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused_or_read_as_it_stands),
    };

    return run_crypto_tests(tests);
}
