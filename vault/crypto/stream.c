#include "vault/crypto/stream.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/stream_internal.h"

#include <sodium.h>

#define LABEL "muniment stream"
#define LABEL_LEN (sizeof(LABEL) - 1)
#define KEY_LEN 32
#define PREFIX_LEN 7
#define DERIVED_LEN (KEY_LEN + PREFIX_LEN + VAULT_STREAM_COMMITMENT_LEN)

struct VaultStream {
    guint8 key[KEY_LEN];
    guint8 nonce[PREFIX_LEN + 4 + 1]; /* prefix, counter, last flag */
    guint32 chunk;                    /* index of the next one */
    gboolean ended;
};

VaultStream *vault_stream_new(const VaultStreamParameters *parameters,
                              guint8 ret_commitment[VAULT_STREAM_COMMITMENT_LEN])
{
    VaultStream *stream = g_new0(VaultStream, 1);
    guint8 info[LABEL_LEN + 2 + 1];
    guint8 derived[DERIVED_LEN];
    VaultSpan key = {parameters->key->bytes, sizeof parameters->key->bytes};

    memcpy(info, LABEL, LABEL_LEN);
    vault_bytes_put_u16(info + LABEL_LEN, parameters->suite);
    info[LABEL_LEN + 2] = parameters->kind;
    vault_hkdf(&VAULT_SPAN(parameters->record_id.bytes), &key, &VAULT_SPAN(info), derived,
               sizeof derived);
    memcpy(stream->key, derived, KEY_LEN);
    memcpy(stream->nonce, derived + KEY_LEN, PREFIX_LEN);
    memcpy(ret_commitment, derived + KEY_LEN + PREFIX_LEN, VAULT_STREAM_COMMITMENT_LEN);
    vault_wipe(derived, sizeof derived);
    return stream;
}

void vault_stream_free(VaultStream *stream)
{
    if (stream == NULL)
        return;
    vault_wipe(stream, sizeof *stream);
    g_free(stream);
}

void vault_stream_skip_to(VaultStream *stream, guint32 chunk)
{
    stream->chunk = chunk;
}

static void put_nonce(VaultStream *stream, VaultStreamPosition position)
{
    vault_bytes_put_u32(stream->nonce + PREFIX_LEN, stream->chunk);
    stream->nonce[PREFIX_LEN + 4] = (position == VAULT_STREAM_LAST) ? 1 : 0;
}

/* The only empty chunk is the one of an empty stream: each plaintext has one ciphertext length. */
static gboolean is_chunk_len(const VaultStream *stream, gsize len, VaultStreamPosition position)
{
    if (position == VAULT_STREAM_MORE)
        return len == VAULT_STREAM_CHUNK_LEN;
    return len <= VAULT_STREAM_CHUNK_LEN && (len > 0 || stream->chunk == 0);
}

gboolean vault_stream_seal(VaultStream *stream, const guint8 *plaintext, gsize len,
                           VaultStreamPosition position, guint8 *ret_ciphertext, GError **error)
{
    g_assert(!stream->ended && is_chunk_len(stream, len, position));
    if (stream->chunk == VAULT_STREAM_CHUNKS_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a body holds at most %u chunks of 64 KiB", VAULT_STREAM_CHUNKS_MAX);
        return FALSE;
    }
    put_nonce(stream, position);
    crypto_aead_chacha20poly1305_ietf_encrypt(ret_ciphertext, NULL, plaintext, len, NULL, 0, NULL,
                                              stream->nonce, stream->key);
    stream->chunk++;
    stream->ended = position == VAULT_STREAM_LAST;
    return TRUE;
}

gboolean vault_stream_open(VaultStream *stream, const guint8 *ciphertext, gsize len,
                           VaultStreamPosition position, guint8 *ret_plaintext, GError **error)
{
    g_assert(!stream->ended);
    put_nonce(stream, position);
    if (stream->chunk == VAULT_STREAM_CHUNKS_MAX || len < VAULT_STREAM_TAG_LEN ||
        !is_chunk_len(stream, len - VAULT_STREAM_TAG_LEN, position) ||
        crypto_aead_chacha20poly1305_ietf_decrypt(ret_plaintext, NULL, NULL, ciphertext, len, NULL,
                                                  0, stream->nonce, stream->key) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "chunk %u does not open: it was changed, moved or cut", stream->chunk);
        return FALSE;
    }
    stream->chunk++;
    stream->ended = position == VAULT_STREAM_LAST;
    return TRUE;
}

guint64 vault_stream_ciphertext_len(guint64 plaintext_len)
{
    guint64 chunks =
        plaintext_len / VAULT_STREAM_CHUNK_LEN + (plaintext_len % VAULT_STREAM_CHUNK_LEN != 0);

    return VAULT_STREAM_COMMITMENT_LEN + plaintext_len + MAX(chunks, 1) * VAULT_STREAM_TAG_LEN;
}
