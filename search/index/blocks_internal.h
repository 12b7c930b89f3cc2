/* What the reading and the writing of a segment's file agree on. */
#pragma once

#include "search/index/blocks.h"
#include "vault/crypto/sealed_blocks.h"

#include <errno.h>

#define SEARCH_MAGIC 0x4d4e4349u /* MNCI */
#define SEARCH_VERSION 1
/* magic, version, block length, file id, commitment, CRC-32C */
#define SEARCH_HEADER_LEN (4 + 2 + 4 + VAULT_ID_LEN + VAULT_BLOCK_COMMITMENT_LEN + 4)
#define SEARCH_BLOCKS_LABEL "muniment case index"
#define SEARCH_KIND_TRAILER 0
#define SEARCH_KIND_MAP 0xff

static inline guint64 search_block_count(guint64 len)
{
    return len / SEARCH_BLOCK_PLAIN_LEN + (len % SEARCH_BLOCK_PLAIN_LEN != 0);
}
