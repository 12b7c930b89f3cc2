/* Contexts in memory of the caller's are in zstd's "static linking only" part, which says that it
 * may change between versions; Debian's shared library exports it. */
#define ZSTD_STATIC_LINKING_ONLY

#include "vault/seal/compressor.h"

#include "vault/crypto/keys.h"

#include <zstd.h>

/* Slack around the literals: wild copies run up to 32 bytes over, buffers are aligned to 64. */
#define LITERALS_SLACK_LEN 1024
#define OUTPUT_LEN_MIN (64u << 10)
/* A larger output buffer is given back at once: messages that long are rare. */
#define OUTPUT_KEPT_MAX (2u << 20)

struct SealCompressor {
    ZSTD_CCtx *context;
    guint8 *memory; /* the context lies in it */
    gsize memory_len;
    guint8 *output;
    gsize output_len;
    gsize output_used;
    gsize literals_used;
};

struct SealCompressorPool {
    GMutex mutex;
    GCond given_back;
    GPtrArray *idle; /* last in, first out: the warmest memory is used again */
    guint made_count;
    guint compressors_max;
    int level;
    gsize memory_len;
};

static void set_parameter(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value)
{
    g_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)));
}

static SealCompressor *compressor_new(const SealCompressorPool *pool)
{
    SealCompressor *compressor = g_new0(SealCompressor, 1);

    compressor->memory = g_malloc(pool->memory_len);
    compressor->memory_len = pool->memory_len;
    compressor->context = ZSTD_initStaticCCtx(compressor->memory, pool->memory_len);
    g_assert(compressor->context != NULL);
    set_parameter(compressor->context, ZSTD_c_compressionLevel, pool->level);
    set_parameter(compressor->context, ZSTD_c_contentSizeFlag, 0);
    set_parameter(compressor->context, ZSTD_c_checksumFlag, 0);
    return compressor;
}

static void output_free(SealCompressor *compressor)
{
    vault_wipe(compressor->output, compressor->output_used);
    compressor->output_used = 0;
    g_clear_pointer(&compressor->output, g_free);
    compressor->output_len = 0;
}

static void compressor_free(gpointer pointer)
{
    SealCompressor *compressor = pointer;

    output_free(compressor);
    vault_wipe(compressor->memory, compressor->memory_len);
    g_free(compressor->memory);
    g_free(compressor);
}

SealCompressorPool *seal_compressor_pool_new(guint compressors_max, int level)
{
    SealCompressorPool *pool = g_new0(SealCompressorPool, 1);

    g_assert(compressors_max > 0);
    g_mutex_init(&pool->mutex);
    g_cond_init(&pool->given_back);
    pool->idle = g_ptr_array_new_with_free_func(compressor_free);
    pool->compressors_max = compressors_max;
    pool->level = level;
    pool->memory_len = ZSTD_estimateCCtxSize(level);
    return pool;
}

void seal_compressor_pool_free(SealCompressorPool *pool)
{
    if (pool == NULL)
        return;
    g_assert(pool->idle->len == pool->made_count);
    g_ptr_array_unref(pool->idle);
    g_mutex_clear(&pool->mutex);
    g_cond_clear(&pool->given_back);
    g_free(pool);
}

SealCompressor *seal_compressor_take(SealCompressorPool *pool)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->mutex);

    while (pool->idle->len == 0 && pool->made_count == pool->compressors_max)
        g_cond_wait(&pool->given_back, &pool->mutex);
    if (pool->idle->len > 0)
        return g_ptr_array_steal_index(pool->idle, pool->idle->len - 1);
    pool->made_count++;
    return compressor_new(pool);
}

void seal_compressor_give_back(SealCompressorPool *pool, SealCompressor *compressor)
{
    guint8 *end = compressor->memory + compressor->memory_len;

    vault_wipe(end - compressor->literals_used, compressor->literals_used);
    compressor->literals_used = 0;
    if (compressor->output_len > OUTPUT_KEPT_MAX)
        output_free(compressor);
    vault_wipe(compressor->output, compressor->output_used);
    compressor->output_used = 0;

    g_mutex_lock(&pool->mutex);
    g_ptr_array_add(pool->idle, compressor);
    g_cond_signal(&pool->given_back);
    g_mutex_unlock(&pool->mutex);
}

static void ensure_output(SealCompressor *compressor, gsize len)
{
    gsize wanted = OUTPUT_LEN_MIN;

    if (compressor->output_len >= len)
        return;
    while (wanted < len)
        wanted *= 2;
    output_free(compressor);
    compressor->output = g_malloc(wanted);
    compressor->output_len = wanted;
}

guint8 *seal_compressor_compress(SealCompressor *compressor, const void *message, gsize len,
                                 gsize room_after, gsize *ret_len)
{
    gsize bound = ZSTD_compressBound(len);
    gsize compressed_len;

    g_assert(!ZSTD_isError(bound) && bound < G_MAXSIZE / 4 && room_after < G_MAXSIZE / 4);
    ensure_output(compressor, bound + room_after);
    compressor->literals_used =
        MIN(MIN(len, ZSTD_BLOCKSIZE_MAX) + LITERALS_SLACK_LEN, compressor->memory_len);
    compressed_len = ZSTD_compress2(compressor->context, compressor->output, bound, message, len);
    g_assert(!ZSTD_isError(compressed_len));
    compressor->output_used = compressed_len;
    *ret_len = compressed_len;
    return compressor->output;
}

const guint8 *seal_compressor_memory(const SealCompressor *compressor, gsize *ret_len)
{
    *ret_len = compressor->memory_len;
    return compressor->memory;
}

const guint8 *seal_compressor_output(const SealCompressor *compressor, gsize *ret_len)
{
    *ret_len = compressor->output_len;
    return compressor->output;
}
