/* Reading a log as it stood at one checkpoint: entries, roots and proofs, out of tiles.
 *
 * Nothing is given that the checkpoint's root does not vouch for: what was changed on disk is
 * CORRUPT, never a false answer. A writer may append meanwhile; this reader stays at its
 * checkpoint. Memory is bounded: a cache of VAULT_LOG_TILES_MAX tiles (8 KiB each), one entry
 * bundle. Errors: NOT_FOUND (no log there, no such entry), CORRUPT (a file is missing, damaged, or
 * not what was signed), IO; opening also those of vault_checkpoint_open(). Threads: one at a time.
 * Source: docs/formats/log.md.
 */
#pragma once

#include "vault/log/checkpoint.h"

#define VAULT_LOG_TILES_MAX 128
#define VAULT_LOG_SIDECAR_LEN_MAX (32 * 1024 * 1024)

typedef struct VaultLogReader VaultLogReader;

/* `keys` (VaultNoteKey): those that may have signed for this log. */
VaultLogReader *vault_log_reader_open(const char *directory, const char *origin, GPtrArray *keys,
                                      GError **error);
/* At the newest checkpoint that witnesses cosigned, with their cosignatures in its note; whose they
 * are is not looked at. NOT_FOUND: none is kept. */
VaultLogReader *vault_log_reader_open_cosigned(const char *directory, const char *origin,
                                               GPtrArray *keys, GError **error);
/* Takes the place of the one that is kept: durable on return. What it is, the caller has looked at.
 */
gboolean vault_log_put_cosigned(const char *directory, const char *note, GError **error);
void vault_log_reader_close(VaultLogReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultLogReader, vault_log_reader_close)

/* Borrowed; and the signed note it came from, for proofs. */
const VaultCheckpoint *vault_log_reader_checkpoint(const VaultLogReader *reader);
const char *vault_log_reader_note(const VaultLogReader *reader);

/* Entries in rising order cost one bundle read in 256. */
GBytes *vault_log_reader_entry(VaultLogReader *reader, guint64 index, GError **error);
/* Of the entry at `index`, in the reader's tree. */
gboolean vault_log_reader_prove_inclusion(VaultLogReader *reader, guint64 index,
                                          VaultMerkleProof *ret_proof, GError **error);
/* From `old_size`, whose root is given too, to the reader's tree. */
gboolean vault_log_reader_prove_consistency(VaultLogReader *reader, guint64 old_size,
                                            VaultHash *ret_old_root, VaultMerkleProof *ret_proof,
                                            GError **error);

/* The file beside entry `index`. `expected` is its SHA-256, as the entry says: CORRUPT when it is
 * another. */
GBytes *vault_log_reader_sidecar(VaultLogReader *reader, guint64 index, const VaultHash *expected,
                                 GError **error);
