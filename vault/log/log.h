/* Writing a log: an append-only Merkle tree of entries on disk, in the form of C2SP tlog-tiles,
 * with signed checkpoints.
 *
 *     append:  sidecars, bundles, tiles ── synced ──> head ── synced ──> checkpoint ── synced ──>
 * TRUE
 *
 * Promises: when vault_log_append() returned TRUE the entries are on stable storage under a signed
 * checkpoint. Whatever fails or crashes, no two roots are ever signed for one size: `head` names
 * the tree that will be signed and is durable before the signature is made, so a restart can only
 * sign the same again. What a crash left before that is written over.
 * Not promised: that a log which was removed or set back by hand is noticed here. That takes a
 * checkpoint kept elsewhere (log_verify.h, a witness); who creates a log remembers that it exists.
 *
 * The writer of the vault is the only one (VAULT/lock). Memory: 64 KiB of hashes, the entries of
 * one bundle, and what the caller appends. Payloads are opaque; what they are is said elsewhere.
 * Errors: NOT_FOUND (open: no log there), BUSY (create: something is there), CORRUPT (head, tiles,
 * checkpoint disagree: nothing is signed), NO_KEY (the checkpoint there is signed by none of the
 * keys given), MALFORMED (the origin is none), TOO_LARGE (entry, sidecar, batch, log), IO,
 * NO_SPACE. Threads: one at a time. Source: docs/formats/log.md.
 */
#pragma once

#include "vault/log/log_reader.h"
#include "vault/log/tile.h"

#define VAULT_LOG_BATCH_MAX 65536

typedef struct {
    const char *directory; /* its parent exists */
    const char *origin;    /* see vault_log_origin() */
    const LogSigningKey *key;
    const LogVerifyKey *earlier_keys; /* rotated: may have signed the checkpoint that is there */
    gsize earlier_count;
} VaultLogOptions;

typedef enum { VAULT_LOG_ARCHIVE, VAULT_LOG_CONTROL } VaultLogKind;
#define VAULT_LOGS_COUNT 2 /* by VaultLogKind */

/* "muniment/<vault id>/archive/<epoch>", or control. */
char *vault_log_origin(const VaultId *vault_id, VaultLogKind kind, guint32 epoch);
/* FALSE: it is no such name, or not in its one spelling. */
gboolean vault_log_origin_parse(const char *origin, VaultId *ret_vault_id, VaultLogKind *ret_kind,
                                guint32 *ret_epoch);

typedef struct VaultLog VaultLog;

/* An empty log with a signed checkpoint of size 0. A crash leaves one that opens, or none. */
gboolean vault_log_create(const VaultLogOptions *options, GError **error);
/* Drives an interrupted append forward or forgets it. */
VaultLog *vault_log_open(const VaultLogOptions *options, GError **error);
void vault_log_close(VaultLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultLog, vault_log_close)

typedef struct {
    GBytes *payload; /* at most VAULT_LOG_ENTRY_LEN_MAX bytes */
    GBytes *sidecar; /* NULL: none; a file beside the entry, whose SHA-256 the payload holds */
} VaultLogEntry;

/* All or none of 1..VAULT_LOG_BATCH_MAX entries. FALSE: they may be in the log or not; if they are,
 * they are signed by the next append or open, so look at the reader's checkpoint after it. The log
 * stays usable. */
gboolean vault_log_append(VaultLog *log, const VaultLogEntry *entries, gsize count,
                          guint64 *ret_first_index, GError **error);

/* Borrowed; always at the last checkpoint that was signed. */
VaultLogReader *vault_log_reader(VaultLog *log);
