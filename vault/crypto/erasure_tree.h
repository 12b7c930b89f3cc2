/* The erasure tree of a mailbox-month: a GGM tree of depth 32 that gives each leaf its slots and
 * forgets single leaves for ever.
 *
 * What is held is the smallest set of nodes whose subtrees cover every leaf not punctured.
 * Puncturing replaces the covering node by the siblings along the path; no node above a punctured
 * leaf is left. Leaf i has a content slot and an index slot. Not promised: secrecy of slots from
 * the host. Source: docs/formats/keys.md, section "Erasure tree". Threads: callers lock.
 */
#pragma once

#include "vault/crypto/keys.h"

#define VAULT_ERASURE_TREE_DEPTH 32
/* Nodes in a serialised tree; 65,536 leaves far apart fit. More is TOO_LARGE. */
#define VAULT_ERASURE_TREE_NODES_MAX (1u << 21)

typedef struct VaultErasureTree VaultErasureTree;

VaultErasureTree *vault_erasure_tree_new(void);
void vault_erasure_tree_free(VaultErasureTree *tree); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultErasureTree, vault_erasure_tree_free)

/* ERASED when the leaf was punctured. Neighbouring leaves are cheap: the last path is kept. */
gboolean vault_erasure_tree_content_slot(VaultErasureTree *tree, guint32 leaf,
                                         ContentSlot *ret_slot, GError **error);
gboolean vault_erasure_tree_index_slot(VaultErasureTree *tree, guint32 leaf, IndexSlot *ret_slot,
                                       GError **error);
/* Idempotent. TOO_LARGE when the tree would outgrow VAULT_ERASURE_TREE_NODES_MAX. */
gboolean vault_erasure_tree_puncture(VaultErasureTree *tree, guint32 leaf, GError **error);
gboolean vault_erasure_tree_is_punctured(const VaultErasureTree *tree, guint32 leaf);
/* Whether no leaf was ever punctured. */
gboolean vault_erasure_tree_is_whole(const VaultErasureTree *tree);
/* The highest punctured leaf, plus 1; 0 for none. */
guint64 vault_erasure_tree_punctured_end(const VaultErasureTree *tree);

/* Appends the canonical form: version, node count, nodes in order of their first leaf. */
void vault_erasure_tree_format(const VaultErasureTree *tree, GByteArray *array);
/* CORRUPT for anything not canonical: overlapping, unsorted, joinable or out-of-range nodes,
 * another length; UNSUPPORTED for a later version. What it accepts, vault_erasure_tree_format()
 * gives back byte for byte. */
VaultErasureTree *vault_erasure_tree_parse(const guint8 *bytes, gsize len, GError **error);
