/* Checkpoints: what a log signs. Origin, tree size, root hash, a line each; then extension lines,
 * which ours have none of and readers keep as they are.
 *
 * Errors: MALFORMED (not a checkpoint; another origin than asked for; a false signature), TOO_LARGE
 * (size over VAULT_MERKLE_SIZE_MAX), NO_KEY (none of the keys signed). Pure.
 * Source: C2SP tlog-checkpoint; docs/formats/log.md.
 */
#pragma once

#include "vault/log/merkle.h"
#include "vault/log/note.h"

typedef struct {
    char *origin; /* a key name */
    guint64 size; /* number of entries */
    VaultHash root;
    char *extensions; /* each line with its newline; "" for none */
} VaultCheckpoint;

/* `origin` is asserted to be a key name. */
VaultCheckpoint *vault_checkpoint_new(const char *origin, guint64 size, const VaultHash *root);
void vault_checkpoint_free(VaultCheckpoint *checkpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCheckpoint, vault_checkpoint_free)

/* The note's text, without signatures. Formatting a parsed one gives the same bytes. */
VaultCheckpoint *vault_checkpoint_parse(const char *text, gsize len, GError **error);
char *vault_checkpoint_format(const VaultCheckpoint *checkpoint);

/* A whole signed note; the key's name is the origin. */
char *vault_checkpoint_sign(const VaultCheckpoint *checkpoint, const LogSigningKey *key);
/* Of log `origin`, signed by at least one of `keys` (VaultNoteKey) and falsely by none. */
VaultCheckpoint *vault_checkpoint_open(const char *note, gsize len, const char *origin,
                                       GPtrArray *keys, GError **error);
