/* zstd contexts for whole bodies: a few, shared by all threads, that keep no plaintext.
 *
 * A compressor lies in memory of our own, so that what it worked on can be wiped after each use
 * without giving the memory back. Tables hold positions only; what holds message bytes is the
 * literals buffer, the last bytes of that memory, and our output (a compressed message is as good
 * as a plain one). tests/unit/test_seal.c looks through the whole memory for the message.
 * Threads: the pool is shared, a compressor has one user between take and give_back.
 */
#pragma once

#include <glib.h>

typedef struct SealCompressor SealCompressor;
typedef struct SealCompressorPool SealCompressorPool;

SealCompressorPool *seal_compressor_pool_new(guint compressors_max, int level);
/* All compressors must have been given back. */
void seal_compressor_pool_free(SealCompressorPool *pool);

/* Waits for one when all are taken. */
SealCompressor *seal_compressor_take(SealCompressorPool *pool);
/* Wipes what the last message left in it. */
void seal_compressor_give_back(SealCompressorPool *pool, SealCompressor *compressor);

/* One zstd frame without content size and checksum (both are authenticated elsewhere), followed by
 * at least `room_after` writable bytes. Borrowed until the compressor is given back. */
guint8 *seal_compressor_compress(SealCompressor *compressor, const void *message, gsize len,
                                 gsize room_after, gsize *ret_len);

/* For the test that looks for plaintext. */
const guint8 *seal_compressor_memory(const SealCompressor *compressor, gsize *ret_len);
const guint8 *seal_compressor_output(const SealCompressor *compressor, gsize *ret_len);
