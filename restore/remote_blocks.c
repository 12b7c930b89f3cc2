#include "restore/remote_blocks.h"

#include <string.h>

typedef struct {
    RecordId record_id;
    guint64 offset; /* a multiple of SERVE_READ_LEN_MAX */
    guint64 record_len;
    GBytes *payload; /* NULL = free */
    guint64 used;    /* when last */
} Block;

struct RemoteBlocks {
    RemoteLink *link;
    GMutex lock;
    Block blocks[REMOTE_BLOCKS_COUNT];
    guint64 clock;
};

RemoteBlocks *remote_blocks_new(RemoteLink *link)
{
    RemoteBlocks *blocks = g_new0(RemoteBlocks, 1);

    blocks->link = link;
    g_mutex_init(&blocks->lock);
    return blocks;
}

void remote_blocks_free(RemoteBlocks *blocks)
{
    if (blocks == NULL)
        return;
    for (gsize i = 0; i < REMOTE_BLOCKS_COUNT; i++)
        g_clear_pointer(&blocks->blocks[i].payload, g_bytes_unref);
    g_mutex_clear(&blocks->lock);
    g_free(blocks);
}

/* The payload, a new reference, of a block that is kept; NULL when it is not. */
static GBytes *find(RemoteBlocks *blocks, const RecordId *record_id, guint64 offset,
                    guint64 *ret_record_len)
{
    GBytes *payload = NULL;

    g_mutex_lock(&blocks->lock);
    for (gsize i = 0; payload == NULL && i < REMOTE_BLOCKS_COUNT; i++) {
        Block *block = &blocks->blocks[i];

        if (block->payload == NULL || block->offset != offset ||
            !VAULT_ID_EQUAL(block->record_id, *record_id))
            continue;
        block->used = ++blocks->clock;
        *ret_record_len = block->record_len;
        payload = g_bytes_ref(block->payload);
    }
    g_mutex_unlock(&blocks->lock);
    return payload;
}

static void keep(RemoteBlocks *blocks, const ServeRead *read, guint64 record_len, GBytes *payload)
{
    Block *oldest = &blocks->blocks[0];

    g_mutex_lock(&blocks->lock);
    for (gsize i = 1; i < REMOTE_BLOCKS_COUNT; i++) {
        if (blocks->blocks[i].used < oldest->used)
            oldest = &blocks->blocks[i];
    }
    g_clear_pointer(&oldest->payload, g_bytes_unref);
    *oldest = (Block){.record_id = read->record_id,
                      .offset = read->offset,
                      .record_len = record_len,
                      .payload = g_bytes_ref(payload),
                      .used = ++blocks->clock};
    g_mutex_unlock(&blocks->lock);
}

/* The block that begins at `offset`; NULL with the error. */
static GBytes *get(RemoteBlocks *blocks, const RecordId *record_id, guint64 offset,
                   guint64 *ret_record_len, GError **error)
{
    ServeRead read = {.record_id = *record_id, .offset = offset, .len = SERVE_READ_LEN_MAX};
    g_autoptr(GByteArray) request = g_byte_array_new();
    g_autoptr(GBytes) payload = find(blocks, record_id, offset, ret_record_len);

    if (payload != NULL)
        return g_steal_pointer(&payload);
    serve_read_append(request, &read);
    payload = remote_link_call(blocks->link, SERVE_READ, request, error);
    if (payload == NULL ||
        !serve_read_answer_parse(g_bytes_get_data(payload, NULL), g_bytes_get_size(payload), &read,
                                 ret_record_len, error))
        return NULL;
    keep(blocks, &read, *ret_record_len, payload);
    return g_steal_pointer(&payload);
}

gboolean remote_blocks_length(RemoteBlocks *blocks, const RecordId *record_id, guint64 *ret_len,
                              GError **error)
{
    g_autoptr(GBytes) payload = get(blocks, record_id, 0, ret_len, error);

    return payload != NULL;
}

gboolean remote_blocks_read(RemoteBlocks *blocks, const RecordId *record_id, guint64 offset,
                            gsize len, guint8 *ret_bytes, GError **error)
{
    while (len > 0) {
        guint64 start = offset - offset % SERVE_READ_LEN_MAX, record_len;
        g_autoptr(GBytes) payload = get(blocks, record_id, start, &record_len, error);
        const guint8 *bytes;
        gsize skipped = (gsize)(offset - start) + SERVE_READ_ANSWER_PREFIX_LEN, part;

        if (payload == NULL)
            return FALSE;
        bytes = g_bytes_get_data(payload, &part);
        if (part <= skipped) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "record %s ends too early",
                        VAULT_ID_TEXT(*record_id));
            return FALSE;
        }
        part = MIN(len, part - skipped);
        memcpy(ret_bytes, bytes + skipped, part);
        ret_bytes += part;
        offset += part;
        len -= part;
    }
    return TRUE;
}
