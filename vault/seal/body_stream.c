#define ZSTD_STATIC_LINKING_ONLY

#include "vault/seal/sealed_body.h"

#include "vault/base/bytes.h"
#include "vault/crypto/stream.h"

#include <string.h>
#include <zstd.h>

#define HASH_LOG 16
#define CHAIN_LOG 15

typedef enum {
    STREAM_OPEN,
    STREAM_MESSAGE_COMPLETE, /* its hash is taken */
    STREAM_OVER,             /* the sink was finished or abandoned */
} StreamState;

struct VaultBodyStream {
    VaultSealer *sealer;
    VaultBodySink sink;
    StreamState state;
    VaultSealedBody *body;
    VaultStream *stream;
    guint8 *memory; /* the zstd context lies in it, window and all */
    gsize memory_len;
    ZSTD_CCtx *context;
    VaultHasher *message_hasher;
    VaultHash message_hash;
    VaultHasher *ciphertext_hasher;
    guint32 ciphertext_crc;
    guint64 ciphertext_len;
    gsize chunk_len; /* filled part of chunk */
    guint8 chunk[VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN];
};

static const struct {
    ZSTD_cParameter parameter;
    int value;
} stream_parameters[] = {
    {ZSTD_c_windowLog, SEAL_STREAM_WINDOW_LOG},
    {ZSTD_c_hashLog, HASH_LOG},
    {ZSTD_c_chainLog, CHAIN_LOG},
    {ZSTD_c_contentSizeFlag, 0},
    {ZSTD_c_checksumFlag, 0},
};

static gsize context_memory_len(int level)
{
    ZSTD_CCtx_params *parameters = ZSTD_createCCtxParams();
    gsize len;

    g_assert(parameters != NULL && !ZSTD_isError(ZSTD_CCtxParams_init(parameters, level)));
    for (gsize i = 0; i < G_N_ELEMENTS(stream_parameters); i++)
        g_assert(!ZSTD_isError(ZSTD_CCtxParams_setParameter(
            parameters, stream_parameters[i].parameter, stream_parameters[i].value)));
    len = ZSTD_estimateCStreamSize_usingCCtxParams(parameters);
    ZSTD_freeCCtxParams(parameters);
    g_assert(!ZSTD_isError(len));
    return len;
}

gsize vault_body_stream_memory(void)
{
    return context_memory_len(3) + sizeof(VaultBodyStream) + 4096;
}

static gboolean append(VaultBodyStream *stream, const guint8 *bytes, gsize len, GError **error)
{
    if (!stream->sink.append(stream->sink.sink, bytes, len, error))
        return FALSE;
    vault_hasher_update(stream->ciphertext_hasher, bytes, len);
    stream->ciphertext_crc = vault_crc32c(stream->ciphertext_crc, bytes, len);
    stream->ciphertext_len += len;
    return TRUE;
}

static gboolean seal_chunk(VaultBodyStream *stream, VaultStreamPosition position, GError **error)
{
    gsize len = stream->chunk_len;

    stream->chunk_len = 0;
    return vault_stream_seal(stream->stream, stream->chunk, len, position, stream->chunk, error) &&
           append(stream, stream->chunk, len + VAULT_STREAM_TAG_LEN, error);
}

/* Room in the chunk for plaintext that is sure to come: only then is a full chunk sealed, since the
 * last one is sealed differently. */
static gboolean make_room(VaultBodyStream *stream, gsize *ret_room, GError **error)
{
    if (stream->chunk_len == VAULT_STREAM_CHUNK_LEN &&
        !seal_chunk(stream, VAULT_STREAM_MORE, error))
        return FALSE;
    *ret_room = VAULT_STREAM_CHUNK_LEN - stream->chunk_len;
    return TRUE;
}

/* Until the input is used up or, with ZSTD_e_end, the whole frame is out. Each turn of the loop has
 * more output before it: the end of a frame is never empty. */
static gboolean compress(VaultBodyStream *stream, const void *bytes, gsize len,
                         ZSTD_EndDirective directive, GError **error)
{
    ZSTD_inBuffer in = {bytes, len, 0};
    gboolean is_done;

    do {
        ZSTD_outBuffer out = {stream->chunk, 0, 0};
        gsize room, left;

        if (!make_room(stream, &room, error))
            return FALSE;
        out.dst = stream->chunk + stream->chunk_len;
        out.size = room;
        left = ZSTD_compressStream2(stream->context, &out, &in, directive);
        g_assert(!ZSTD_isError(left));
        stream->chunk_len += out.pos;
        stream->body->reference.compressed_len += out.pos;
        is_done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    } while (!is_done);
    return TRUE;
}

static gboolean pad(VaultBodyStream *stream, GError **error)
{
    guint64 compressed_len = stream->body->reference.compressed_len;
    guint64 zeros = vault_padded_len(compressed_len, VAULT_BODY_PADDING_FLOOR) - compressed_len;

    while (zeros > 0) {
        gsize room, len;

        if (!make_room(stream, &room, error))
            return FALSE;
        len = MIN(zeros, room);
        memset(stream->chunk + stream->chunk_len, 0, len);
        stream->chunk_len += len;
        zeros -= len;
    }
    return TRUE;
}

static gboolean is_usable(const VaultBodyStream *stream, GError **error)
{
    if (stream->state != STREAM_OVER)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO,
                "the sealed stream of a large message has failed before");
    return FALSE;
}

static void abandon(VaultBodyStream *stream)
{
    if (stream->state == STREAM_OVER)
        return;
    stream->state = STREAM_OVER;
    stream->sink.abandon(stream->sink.sink);
}

static void begin_frame(VaultBodyStream *stream)
{
    gsize memory_len = context_memory_len(stream->sealer->compression_level);

    stream->memory = g_malloc(memory_len);
    stream->memory_len = memory_len;
    stream->context = ZSTD_initStaticCCtx(stream->memory, memory_len);
    g_assert(stream->context != NULL);
    g_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(stream->context, ZSTD_c_compressionLevel,
                                                  stream->sealer->compression_level)));
    for (gsize i = 0; i < G_N_ELEMENTS(stream_parameters); i++)
        g_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(
            stream->context, stream_parameters[i].parameter, stream_parameters[i].value)));
}

VaultBodyStream *vault_body_stream_begin(VaultSealer *sealer, VaultBodySink sink, GError **error)
{
    g_autoptr(VaultBodyStream) stream = g_new0(VaultBodyStream, 1);
    VaultStreamParameters parameters = {.suite = VAULT_SUITE_X25519, .kind = VAULT_RECORD_BODY};
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];

    stream->sealer = sealer;
    stream->sink = sink;
    stream->body = seal_body_new();
    parameters.key = &stream->body->reference.key;
    parameters.record_id = stream->body->reference.body_id;
    stream->stream = vault_stream_new(&parameters, commitment);
    stream->message_hasher = vault_hasher_new();
    stream->ciphertext_hasher = vault_hasher_new();
    begin_frame(stream);
    if (!append(stream, commitment, sizeof commitment, error))
        return NULL;
    return g_steal_pointer(&stream);
}

gboolean vault_body_stream_write(VaultBodyStream *stream, const void *bytes, gsize len,
                                 GError **error)
{
    g_assert(stream->state != STREAM_MESSAGE_COMPLETE);
    if (!is_usable(stream, error))
        return FALSE;
    if (len == 0)
        return TRUE;
    vault_hasher_update(stream->message_hasher, bytes, len);
    stream->body->reference.message_len += len;
    if (compress(stream, bytes, len, ZSTD_e_continue, error))
        return TRUE;
    abandon(stream);
    return FALSE;
}

void vault_body_stream_message_hash(VaultBodyStream *stream, VaultHash *ret_hash)
{
    if (stream->state == STREAM_OPEN) {
        vault_hasher_finish(stream->message_hasher, &stream->message_hash);
        stream->state = STREAM_MESSAGE_COMPLETE;
    }
    *ret_hash = stream->message_hash;
}

static gboolean finish_sink(VaultBodyStream *stream, const VaultLocator *locator,
                            VaultRecord *record, GError **error)
{
    VaultHash message_hash, ciphertext_hash;
    guint8 header[VAULT_RECORD_HEADER_LEN_MAX];
    gsize clear_len, header_len;

    vault_body_stream_message_hash(stream, &message_hash);
    clear_len = seal_body_format_header(stream->sealer, stream->body, &message_hash,
                                        stream->ciphertext_len, locator, header);
    header_len = vault_record_format_crcs(header, clear_len, stream->ciphertext_crc);
    vault_hasher_finish(stream->ciphertext_hasher, &ciphertext_hash);
    vault_record_hash(header, header_len, &ciphertext_hash, &record->hash);
    if (!stream->sink.finish(stream->sink.sink, header, header_len, &record->place, error))
        return FALSE;
    stream->state = STREAM_OVER;
    return TRUE;
}

VaultSealedBody *vault_body_stream_finish(VaultBodyStream *stream, const VaultLocator *locator,
                                          GError **error)
{
    g_autoptr(VaultRecord) record = g_new0(VaultRecord, 1);

    if (!is_usable(stream, error))
        return NULL;
    if (!compress(stream, NULL, 0, ZSTD_e_end, error) || !pad(stream, error) ||
        !seal_chunk(stream, VAULT_STREAM_LAST, error) ||
        !finish_sink(stream, locator, record, error)) {
        abandon(stream);
        return NULL;
    }
    record->kind = VAULT_RECORD_BODY;
    record->record_id = stream->body->reference.body_id;
    record->locator = *locator;
    stream->body->reference.body_hash = record->hash;
    stream->body->record = g_steal_pointer(&record);
    return g_steal_pointer(&stream->body);
}

void vault_body_stream_free(VaultBodyStream *stream)
{
    if (stream == NULL)
        return;
    abandon(stream);
    vault_sealed_body_free(stream->body);
    vault_stream_free(stream->stream);
    vault_hasher_free(stream->message_hasher);
    vault_hasher_free(stream->ciphertext_hasher);
    if (stream->memory != NULL)
        vault_wipe(stream->memory, stream->memory_len);
    g_free(stream->memory);
    vault_wipe(stream, sizeof *stream);
    g_free(stream);
}
