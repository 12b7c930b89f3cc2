/* From the ciphertext of a body, or of a terms body, to what was sealed: chunks, zstd frame, zeros,
 * length, hash.
 *
 * One message at a time: begin, then every chunk in order, then finish; after a failure only begin
 * again. Memory: a window of at most 8 MiB and two chunks, whatever the frame asks for. Errors:
 * CORRUPT, UNSUPPORTED, and what the sink returns. Threads: one user.
 */
#pragma once

#include "vault/crypto/stream.h"
#include "vault/open/reader.h"

/* log2 of the largest zstd window accepted: 8 MiB. */
#define VAULT_UNPACKER_WINDOW_LOG_MAX 23

VaultUnpacker *vault_unpacker_new(void);

/* `kind`: of the record. `commitment`: the first bytes of the ciphertext. */
gboolean vault_unpacker_begin(VaultUnpacker *unpacker, VaultRecordKind kind,
                              const VaultBodyReference *body,
                              const guint8 commitment[VAULT_STREAM_COMMITMENT_LEN],
                              VaultMessageSink sink, gpointer user, GError **error);
gboolean vault_unpacker_chunk(VaultUnpacker *unpacker, const guint8 *ciphertext, gsize len,
                              VaultStreamPosition position, GError **error);
/* The message is complete: its SHA-256. */
gboolean vault_unpacker_finish(VaultUnpacker *unpacker, VaultHash *ret_hash, GError **error);
