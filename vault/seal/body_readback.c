#define ZSTD_STATIC_LINKING_ONLY /* as in body_stream.c: a context in memory that can be wiped */

#include "vault/seal/sealed_body.h"

#include "vault/crypto/stream.h"

#include <zstd.h>

#define CHUNK_LEN (VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN)

struct VaultBodyReadback {
    VaultBodySource source;
    VaultPlace place;
    VaultStream *stream;
    guint64 offset; /* in the record, of the next chunk */
    guint64 message_left, frame_left;
    guint8 *memory; /* the zstd context lies in it */
    gsize memory_len;
    ZSTD_DCtx *context;
    ZSTD_inBuffer in; /* what of the chunk is frame, and not decompressed yet */
    gboolean is_failed;
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    guint8 chunk[CHUNK_LEN];
};

VaultBodyReadback *vault_body_readback_begin(const VaultSealedBody *body, VaultBodySource source)
{
    VaultBodyReadback *readback = g_new0(VaultBodyReadback, 1);
    const VaultBodyReference *reference = &body->reference;
    VaultStreamParameters parameters = {.key = &reference->key,
                                        .record_id = reference->body_id,
                                        .suite = VAULT_SUITE_X25519,
                                        .kind = VAULT_RECORD_BODY};

    g_assert(body->record != NULL);
    readback->source = source;
    readback->place = body->record->place;
    readback->stream = vault_stream_new(&parameters, readback->commitment);
    readback->offset = vault_record_header_len(VAULT_RECORD_BODY);
    readback->message_left = reference->message_len;
    readback->frame_left = reference->compressed_len;
    readback->memory_len = ZSTD_estimateDStreamSize((gsize)1 << SEAL_STREAM_WINDOW_LOG);
    readback->memory = g_malloc(readback->memory_len);
    readback->context = ZSTD_initStaticDCtx(readback->memory, readback->memory_len);
    g_assert(readback->context != NULL);
    return readback;
}

void vault_body_readback_free(VaultBodyReadback *readback)
{
    if (readback == NULL)
        return;
    readback->source.close(readback->source.source);
    vault_stream_free(readback->stream);
    vault_wipe(readback->memory, readback->memory_len);
    g_free(readback->memory);
    vault_wipe(readback, sizeof *readback);
    g_free(readback);
}

static gboolean set_corrupt(GError **error)
{
    g_set_error_literal(
        error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
        "a large message that was just sealed does not read back: look at the disk");
    return FALSE;
}

static gboolean read_part(VaultBodyReadback *readback, gsize len, GError **error)
{
    if (!readback->source.read(readback->source.source, &readback->place, readback->offset, len,
                               readback->chunk, error))
        return FALSE;
    readback->offset += len;
    return TRUE;
}

/* Before the first chunk: these are the bytes that were sealed, if they are any. */
static gboolean check_commitment(VaultBodyReadback *readback, GError **error)
{
    if (readback->offset > vault_record_header_len(VAULT_RECORD_BODY))
        return TRUE;
    return read_part(readback, VAULT_STREAM_COMMITMENT_LEN, error) &&
           (memcmp(readback->chunk, readback->commitment, VAULT_STREAM_COMMITMENT_LEN) == 0 ||
            set_corrupt(error));
}

static gboolean next_chunk(VaultBodyReadback *readback, GError **error)
{
    guint64 left;
    gsize len;

    if (!check_commitment(readback, error))
        return FALSE;
    left = readback->place.len - readback->offset;
    len = (gsize)MIN(left, CHUNK_LEN);
    if (readback->frame_left == 0 || len <= VAULT_STREAM_TAG_LEN)
        return set_corrupt(error);
    if (!read_part(readback, len, error) ||
        !vault_stream_open(readback->stream, readback->chunk, len,
                           len == left ? VAULT_STREAM_LAST : VAULT_STREAM_MORE, readback->chunk,
                           error))
        return FALSE;
    len = (gsize)MIN(len - VAULT_STREAM_TAG_LEN, readback->frame_left);
    readback->frame_left -= len;
    readback->in = (ZSTD_inBuffer){readback->chunk, len, 0};
    return TRUE;
}

static gboolean fill(VaultBodyReadback *readback, ZSTD_outBuffer *out, GError **error)
{
    while (out->pos < out->size) {
        gsize before = out->pos;

        if (ZSTD_isError(ZSTD_decompressStream(readback->context, out, &readback->in)))
            return set_corrupt(error);
        if (out->pos == before && readback->in.pos == readback->in.size &&
            !next_chunk(readback, error))
            return FALSE;
    }
    return TRUE;
}

gssize vault_body_readback_read(VaultBodyReadback *readback, void *ret_bytes, gsize len,
                                GError **error)
{
    gsize asked = (gsize)MIN(MIN(len, readback->message_left), G_MAXSSIZE);
    ZSTD_outBuffer out = {ret_bytes, asked, 0};

    if (readback->is_failed)
        set_corrupt(error);
    if (readback->is_failed || !fill(readback, &out, error)) {
        readback->is_failed = TRUE;
        return -1;
    }
    readback->message_left -= asked;
    return (gssize)asked;
}
