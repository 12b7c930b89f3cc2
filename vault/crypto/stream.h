/* Bodies: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) with ChaCha20-Poly1305 and a key
 * commitment stored first.
 *
 * HKDF-SHA256(body key, salt = record id, info = label || suite || kind) gives key 32, nonce prefix
 * 7 and key commitment 32. Chunks hold 64 KiB of plaintext but the last, which holds 0..64 KiB and
 * of which there is always one; nonce = prefix || u32 counter || last flag. Truncation, reordering,
 * duplication and another body key are all found.
 * Source: docs/formats/record.md, section "Body". Threads: one user per object.
 */
#pragma once

#include "vault/crypto/keys.h"

#define VAULT_STREAM_CHUNK_LEN 65536
#define VAULT_STREAM_TAG_LEN 16
#define VAULT_STREAM_COMMITMENT_LEN 32
#define VAULT_STREAM_CHUNKS_MAX G_MAXUINT32

typedef enum { VAULT_STREAM_MORE = 0, VAULT_STREAM_LAST = 1 } VaultStreamPosition;

typedef struct {
    const BodyKey *key;
    RecordId record_id;
    guint16 suite;
    guint8 kind;
} VaultStreamParameters;

typedef struct VaultStream VaultStream;
/* For both directions. An opener compares the commitment with the stored one before any chunk, and
 * stops when it differs: a chunk alone may open under two keys. */
VaultStream *vault_stream_new(const VaultStreamParameters *parameters,
                              guint8 ret_commitment[VAULT_STREAM_COMMITMENT_LEN]);
void vault_stream_free(VaultStream *stream); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultStream, vault_stream_free)

/* Seals the next chunk: exactly VAULT_STREAM_CHUNK_LEN bytes unless LAST, which has 1 to that many,
 * or 0 when it is the only one (asserted: each plaintext has one ciphertext length). ret_ciphertext
 * has len + 16 bytes and may be the plaintext itself. TOO_LARGE past VAULT_STREAM_CHUNKS_MAX
 * chunks.
 */
gboolean vault_stream_seal(VaultStream *stream, const guint8 *plaintext, gsize len,
                           VaultStreamPosition position, guint8 *ret_ciphertext, GError **error);
/* Opens the next chunk (len includes the tag), may be in place. CORRUPT when it is not the chunk of
 * this place; then the stream is of no further use. Nothing may be opened after LAST (asserted). */
gboolean vault_stream_open(VaultStream *stream, const guint8 *ciphertext, gsize len,
                           VaultStreamPosition position, guint8 *ret_plaintext, GError **error);

/* Length of the ciphertext of `plaintext_len` bytes, commitment included. */
guint64 vault_stream_ciphertext_len(guint64 plaintext_len);
