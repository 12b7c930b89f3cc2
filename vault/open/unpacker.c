#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_createDCtx_advanced: its memory holds plaintext */
#include "vault/open/unpacker.h"

#include <zstd.h>

struct VaultUnpacker {
    ZSTD_DCtx *zstd;
    VaultHasher *hasher;
    VaultStream *stream; /* of the body under way */
    guint64 message_left;
    guint64 compressed_left;
    gboolean is_frame_ended;
    VaultMessageSink sink;
    gpointer user;
    guint8 chunk[VAULT_STREAM_CHUNK_LEN];
    guint8 message[4 * VAULT_STREAM_CHUNK_LEN];
};

/* zstd's memory is freed without its length: it is kept in front. */
#define WIPED_PREFIX_LEN 16

static void *wiped_alloc(void *unused, size_t len)
{
    guint8 *block;

    if (len > G_MAXSIZE - WIPED_PREFIX_LEN)
        return NULL;
    block = g_try_malloc(len + WIPED_PREFIX_LEN);
    if (block == NULL)
        return NULL;
    memcpy(block, &len, sizeof len);
    return block + WIPED_PREFIX_LEN;
}

static void wiped_free(void *unused, void *address)
{
    guint8 *block;
    size_t len;

    if (address == NULL)
        return;
    block = (guint8 *)address - WIPED_PREFIX_LEN;
    memcpy(&len, block, sizeof len);
    vault_wipe(block, len + WIPED_PREFIX_LEN);
    g_free(block);
}

ZSTD_DCtx *vault_unpacker_new_zstd(void)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx_advanced(
        (ZSTD_customMem){.customAlloc = wiped_alloc, .customFree = wiped_free});

    g_assert(zstd != NULL);
    g_assert(!ZSTD_isError(
        ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, VAULT_UNPACKER_WINDOW_LOG_MAX)));
    return zstd;
}

VaultUnpacker *vault_unpacker_new(void)
{
    VaultUnpacker *unpacker = g_new0(VaultUnpacker, 1);

    unpacker->zstd = vault_unpacker_new_zstd();
    unpacker->hasher = vault_hasher_new();
    return unpacker;
}

void vault_unpacker_free(VaultUnpacker *unpacker)
{
    if (unpacker == NULL)
        return;
    ZSTD_freeDCtx(unpacker->zstd);
    vault_hasher_free(unpacker->hasher);
    vault_stream_free(unpacker->stream);
    vault_wipe(unpacker, sizeof *unpacker);
    g_free(unpacker);
}

static gboolean corrupt(GError **error, const char *what)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, what);
    return FALSE;
}

gboolean vault_unpacker_begin(VaultUnpacker *unpacker, VaultRecordKind kind,
                              const VaultBodyReference *body,
                              const guint8 commitment[VAULT_STREAM_COMMITMENT_LEN],
                              VaultMessageSink sink, gpointer user, GError **error)
{
    VaultStreamParameters parameters = {.key = &body->key,
                                        .record_id = body->body_id,
                                        .suite = VAULT_SUITE_X25519,
                                        .kind = (guint8)kind};
    guint8 expected[VAULT_STREAM_COMMITMENT_LEN];
    VaultHash dropped;

    if (body->compression != VAULT_COMPRESSION_ZSTD) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "the body is compressed in a way (%u) that this version does not know",
                    body->compression);
        return FALSE;
    }
    vault_stream_free(unpacker->stream);
    unpacker->stream = vault_stream_new(&parameters, expected);
    /* No secret: it is stored in clear. */
    if (memcmp(expected, commitment, sizeof expected) != 0)
        return corrupt(error, "the body was sealed with another key than its copy holds");
    (void)ZSTD_DCtx_reset(unpacker->zstd, ZSTD_reset_session_only);
    vault_hasher_finish(unpacker->hasher, &dropped); /* of a body that failed half-way */
    unpacker->message_left = body->message_len;
    unpacker->compressed_left = body->compressed_len;
    unpacker->is_frame_ended = FALSE;
    unpacker->sink = sink;
    unpacker->user = user;
    return TRUE;
}

static gboolean give(VaultUnpacker *unpacker, gsize len, GError **error)
{
    if (len > unpacker->message_left)
        return corrupt(error, "the body holds more than its copy says");
    unpacker->message_left -= len;
    vault_hasher_update(unpacker->hasher, unpacker->message, len);
    return len == 0 || unpacker->sink(unpacker->user, unpacker->message, len, error);
}

/* Output is asked for one byte past what the copy says at most, so that a frame which holds more is
 * found without being unpacked. */
static gboolean decompress(VaultUnpacker *unpacker, const guint8 *bytes, gsize len, GError **error)
{
    ZSTD_inBuffer in = {bytes, len, 0};
    gboolean is_output_full = FALSE;

    while (in.pos < in.size || is_output_full) {
        gsize room = (gsize)MIN(sizeof unpacker->message, unpacker->message_left + 1);
        ZSTD_outBuffer out = {unpacker->message, room, 0};
        gsize hint;

        if (unpacker->is_frame_ended)
            return corrupt(error, "the body's frame ends before its copy says");
        hint = ZSTD_decompressStream(unpacker->zstd, &out, &in);
        if (ZSTD_isError(hint))
            return corrupt(error, "the body cannot be decompressed");
        if (!give(unpacker, out.pos, error))
            return FALSE;
        unpacker->is_frame_ended = hint == 0;
        is_output_full = out.pos == out.size && !unpacker->is_frame_ended;
    }
    return TRUE;
}

static gboolean are_zeros(const guint8 *bytes, gsize len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

gboolean vault_unpacker_chunk(VaultUnpacker *unpacker, const guint8 *ciphertext, gsize len,
                              VaultStreamPosition position, GError **error)
{
    gsize plaintext_len, frame_len;

    if (len < VAULT_STREAM_TAG_LEN || len > VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN)
        return corrupt(error, "the body is cut short");
    if (!vault_stream_open(unpacker->stream, ciphertext, len, position, unpacker->chunk, error))
        return FALSE;
    plaintext_len = len - VAULT_STREAM_TAG_LEN;
    frame_len = (gsize)MIN(plaintext_len, unpacker->compressed_left);
    unpacker->compressed_left -= frame_len;
    if (!decompress(unpacker, unpacker->chunk, frame_len, error))
        return FALSE;
    if (!are_zeros(unpacker->chunk + frame_len, plaintext_len - frame_len))
        return corrupt(error, "something other than zeros follows the body's frame");
    return TRUE;
}

gboolean vault_unpacker_finish(VaultUnpacker *unpacker, VaultHash *ret_hash, GError **error)
{
    if (unpacker->compressed_left > 0 || !unpacker->is_frame_ended || unpacker->message_left > 0)
        return corrupt(error, "the body holds less than its copy says");
    vault_hasher_finish(unpacker->hasher, ret_hash);
    return TRUE;
}
