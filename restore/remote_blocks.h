/* Parts of long records, fetched a block at a time: bodies are read in 64 KiB pieces, in order, and
 * each would else be a way there and back. Threads: safe. Errors: of restore/remote_link.h; CORRUPT
 * when a record ends before what is read. */
#pragma once

#include "restore/remote_link.h"

/* Blocks of SERVE_READ_LEN_MAX that are kept; one is in use by each thread that reads. */
#define REMOTE_BLOCKS_COUNT 16

typedef struct RemoteBlocks RemoteBlocks;
RemoteBlocks *remote_blocks_new(RemoteLink *link); /* borrowed */
void remote_blocks_free(RemoteBlocks *blocks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RemoteBlocks, remote_blocks_free)

gboolean remote_blocks_length(RemoteBlocks *blocks, const RecordId *record_id, guint64 *ret_len,
                              GError **error);
gboolean remote_blocks_read(RemoteBlocks *blocks, const RecordId *record_id, guint64 offset,
                            gsize len, guint8 *ret_bytes, GError **error);
