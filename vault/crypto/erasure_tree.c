#include "vault/crypto/erasure_tree.h"

#include "vault/base/bytes.h"

#include <sodium.h>

#define DEPTH VAULT_ERASURE_TREE_DEPTH
#define VERSION 1
#define HEAD_LEN (1 + 4)
#define NODE_LEN (1 + 4 + VAULT_KEY_LEN)

#define LABEL_NODE "muniment erasure tree node"
#define LABEL_CONTENT_SLOT "muniment erasure tree content slot"
#define LABEL_INDEX_SLOT "muniment erasure tree index slot"

/* A place in the tree is NULL when all leaves below it are punctured, a held node when none is, and
 * else an inner node, which has lost its key and has at least one child that is not NULL. */
typedef struct Node Node;
struct Node {
    guint8 key[VAULT_KEY_LEN];
    Node *child[2];
};

/* Keys on the way to the leaf last asked for, so that the next leaf begins where the ways part.
 * It never outlives a puncture: keys above a punctured leaf would be the way back to it. */
typedef struct {
    gboolean is_filled;
    guint32 leaf;
    guint8 keys[DEPTH + 1][VAULT_KEY_LEN]; /* by depth, from that of the held node on */
} Path;

struct VaultErasureTree {
    Node *root;
    gsize node_count; /* held ones */
    Path path;
};

static gboolean is_held(const Node *node)
{
    return node->child[0] == NULL && node->child[1] == NULL;
}

/* Which child the way to `leaf` takes below a node of this depth. */
static guint side_of(guint32 leaf, guint depth)
{
    return leaf >> (DEPTH - 1 - depth) & 1;
}

static Node *node_new(const guint8 key[VAULT_KEY_LEN])
{
    Node *node = g_new0(Node, 1);

    if (key != NULL)
        memcpy(node->key, key, VAULT_KEY_LEN);
    return node;
}

/* At most DEPTH calls deep. */
static void node_free(Node *node)
{
    if (node == NULL)
        return;
    node_free(node->child[0]);
    node_free(node->child[1]);
    vault_wipe(node, sizeof *node);
    g_free(node);
}

/* One call gives both children: 64 bytes, left then right. */
static void derive_children(const guint8 key[VAULT_KEY_LEN], guint8 ret_keys[2][VAULT_KEY_LEN])
{
    crypto_generichash(ret_keys[0], 2 * VAULT_KEY_LEN, (const guint8 *)LABEL_NODE,
                       sizeof(LABEL_NODE) - 1, key, VAULT_KEY_LEN);
}

VaultErasureTree *vault_erasure_tree_new(void)
{
    VaultErasureTree *tree = g_new0(VaultErasureTree, 1);

    tree->root = node_new(NULL);
    vault_random(tree->root->key, sizeof tree->root->key);
    tree->node_count = 1;
    return tree;
}

void vault_erasure_tree_free(VaultErasureTree *tree)
{
    if (tree == NULL)
        return;
    node_free(tree->root);
    vault_wipe(tree, sizeof *tree);
    g_free(tree);
}

/* The held node above `leaf` and its depth; NULL when the leaf is punctured. */
static const Node *find_held(const VaultErasureTree *tree, guint32 leaf, guint *ret_depth)
{
    const Node *node = tree->root;
    guint depth = 0;

    while (node != NULL && !is_held(node))
        node = node->child[side_of(leaf, depth++)];
    *ret_depth = depth;
    return node;
}

gboolean vault_erasure_tree_is_punctured(const VaultErasureTree *tree, guint32 leaf)
{
    guint depth;

    return find_held(tree, leaf, &depth) == NULL;
}

gboolean vault_erasure_tree_is_whole(const VaultErasureTree *tree)
{
    return tree->root != NULL && is_held(tree->root);
}

guint64 vault_erasure_tree_punctured_end(const VaultErasureTree *tree)
{
    const Node *node = tree->root;
    guint64 end = G_GUINT64_CONSTANT(1) << DEPTH;

    /* Below an inner node some leaf is punctured: on the right, unless all of that is held. */
    for (guint depth = 0; node != NULL; depth++) {
        if (is_held(node))
            return 0;
        if (node->child[1] != NULL && is_held(node->child[1])) {
            end -= G_GUINT64_CONSTANT(1) << (DEPTH - depth - 1);
            node = node->child[0];
        } else {
            node = node->child[1];
        }
    }
    return end;
}

/* How many steps from the root the ways to two leaves have in common. */
static guint shared_depth(guint32 a, guint32 b)
{
    return (a == b) ? DEPTH : (guint)__builtin_clz(a ^ b);
}

static gboolean derive_leaf(VaultErasureTree *tree, guint32 leaf, GError **error)
{
    Path *path = &tree->path;
    guint held_depth;
    guint depth;
    const Node *held = find_held(tree, leaf, &held_depth);

    if (held == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_ERASED, "leaf %u was erased for ever", leaf);
        return FALSE;
    }
    /* The path serves when it runs through the same held node. */
    depth = path->is_filled ? shared_depth(path->leaf, leaf) : 0;
    if (!path->is_filled || depth < held_depth) {
        depth = held_depth;
        memcpy(path->keys[depth], held->key, VAULT_KEY_LEN);
    }
    for (; depth < DEPTH; depth++) {
        guint8 children[2][VAULT_KEY_LEN];

        derive_children(path->keys[depth], children);
        memcpy(path->keys[depth + 1], children[side_of(leaf, depth)], VAULT_KEY_LEN);
        vault_wipe(children, sizeof children);
    }
    path->leaf = leaf;
    path->is_filled = TRUE;
    return TRUE;
}

gboolean vault_erasure_tree_content_slot(VaultErasureTree *tree, guint32 leaf,
                                         ContentSlot *ret_slot, GError **error)
{
    if (!derive_leaf(tree, leaf, error))
        return FALSE;
    crypto_generichash(ret_slot->bytes, sizeof ret_slot->bytes, (const guint8 *)LABEL_CONTENT_SLOT,
                       sizeof(LABEL_CONTENT_SLOT) - 1, tree->path.keys[DEPTH], VAULT_KEY_LEN);
    return TRUE;
}

gboolean vault_erasure_tree_index_slot(VaultErasureTree *tree, guint32 leaf, IndexSlot *ret_slot,
                                       GError **error)
{
    if (!derive_leaf(tree, leaf, error))
        return FALSE;
    crypto_generichash(ret_slot->bytes, sizeof ret_slot->bytes, (const guint8 *)LABEL_INDEX_SLOT,
                       sizeof(LABEL_INDEX_SLOT) - 1, tree->path.keys[DEPTH], VAULT_KEY_LEN);
    return TRUE;
}

/* Opens a held node into its two children. */
static void split(Node *node)
{
    guint8 children[2][VAULT_KEY_LEN];

    derive_children(node->key, children);
    node->child[0] = node_new(children[0]);
    node->child[1] = node_new(children[1]);
    vault_wipe(node->key, sizeof node->key);
    vault_wipe(children, sizeof children);
}

gboolean vault_erasure_tree_puncture(VaultErasureTree *tree, guint32 leaf, GError **error)
{
    Node **way[DEPTH + 1] = {&tree->root};
    guint held_depth;

    if (find_held(tree, leaf, &held_depth) == NULL)
        return TRUE;
    /* The held node goes, one sibling for each step below it comes. */
    if (tree->node_count - 1 + (DEPTH - held_depth) > VAULT_ERASURE_TREE_NODES_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "an erasure tree holds at most %u nodes", VAULT_ERASURE_TREE_NODES_MAX);
        return FALSE;
    }
    vault_wipe(&tree->path, sizeof tree->path);
    for (guint depth = 0; depth < DEPTH; depth++) {
        if (is_held(*way[depth]))
            split(*way[depth]);
        way[depth + 1] = &(*way[depth])->child[side_of(leaf, depth)];
    }
    g_clear_pointer(way[DEPTH], node_free);
    /* An inner node without children must not stay: it would look like a held one. */
    for (guint depth = DEPTH; depth > 0 && is_held(*way[depth - 1]); depth--)
        g_clear_pointer(way[depth - 1], node_free);
    tree->node_count = tree->node_count - 1 + (DEPTH - held_depth);
    return TRUE;
}

static void format_node(const Node *node, guint depth, guint32 first_leaf, GByteArray *array)
{
    if (node == NULL)
        return;
    if (is_held(node)) {
        vault_bytes_append_u8(array, (guint8)depth);
        vault_bytes_append_u32(array, first_leaf);
        g_byte_array_append(array, node->key, sizeof node->key);
        return;
    }
    format_node(node->child[0], depth + 1, first_leaf, array);
    format_node(node->child[1], depth + 1, first_leaf | 1u << (DEPTH - 1 - depth), array);
}

void vault_erasure_tree_format(const VaultErasureTree *tree, GByteArray *array)
{
    vault_bytes_append_u8(array, VERSION);
    vault_bytes_append_u32(array, (guint32)tree->node_count);
    format_node(tree->root, 0, 0, array);
}

static gboolean set_corrupt(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "an erasure tree %s", what);
    return FALSE;
}

/* Puts a held node where nothing was. `*next_leaf` is the first leaf not yet spoken of. */
static gboolean parse_node(VaultErasureTree *tree, VaultBytesReader *reader, guint64 *next_leaf,
                           GError **error)
{
    guint depth = vault_bytes_read_u8(reader);
    guint32 first_leaf = vault_bytes_read_u32(reader);
    const guint8 *key = vault_bytes_read_borrowed(reader, VAULT_KEY_LEN);
    Node **place = &tree->root;
    guint64 leaf_count;

    if (key == NULL || depth > DEPTH)
        return set_corrupt(error, "has a node out of range");
    leaf_count = (guint64)1 << (DEPTH - depth);
    if (first_leaf % leaf_count != 0 || first_leaf < *next_leaf)
        return set_corrupt(error, "has nodes that overlap or stand in the wrong order");
    *next_leaf = first_leaf + leaf_count;
    for (guint step = 0; step < depth; step++) {
        if (*place == NULL)
            *place = node_new(NULL);
        place = &(*place)->child[side_of(first_leaf, step)];
    }
    *place = node_new(key);
    return TRUE;
}

/* Two held siblings: their parent would have been held instead. */
static gboolean is_joinable(const Node *node)
{
    if (node == NULL || is_held(node))
        return FALSE;
    return (node->child[0] != NULL && is_held(node->child[0]) && node->child[1] != NULL &&
            is_held(node->child[1])) ||
           is_joinable(node->child[0]) || is_joinable(node->child[1]);
}

VaultErasureTree *vault_erasure_tree_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(VaultErasureTree) tree = g_new0(VaultErasureTree, 1);
    VaultBytesReader reader;
    guint64 next_leaf = 0;
    guint8 version;

    vault_bytes_reader_init(&reader, bytes, len);
    version = vault_bytes_read_u8(&reader);
    tree->node_count = vault_bytes_read_u32(&reader);
    if (!reader.failed && version != VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "an erasure tree of version %u: a later program wrote it", version);
        return NULL;
    }
    if (reader.failed || tree->node_count > VAULT_ERASURE_TREE_NODES_MAX ||
        reader.left != tree->node_count * NODE_LEN) {
        set_corrupt(error, "has another length than it says");
        return NULL;
    }
    for (gsize i = 0; i < tree->node_count; i++) {
        if (!parse_node(tree, &reader, &next_leaf, error))
            return NULL;
    }
    if (is_joinable(tree->root)) {
        set_corrupt(error, "holds two nodes where one would do");
        return NULL;
    }
    return g_steal_pointer(&tree);
}
