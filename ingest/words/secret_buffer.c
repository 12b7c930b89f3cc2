#include "ingest/words/secret_buffer.h"

#include "vault/crypto/keys.h"

#include <string.h>

#define ALLOCATED_MIN 1024
#define KEPT_MAX (1u << 20) /* of room that waits for what comes next */

void ingest_secret_buffer_grow(IngestSecretBuffer *buffer, gsize len)
{
    gsize allocated = MAX(buffer->allocated, ALLOCATED_MIN);
    guint8 *bytes;

    g_assert(len <= G_MAXSIZE / 4);
    while (allocated < len)
        allocated *= 2;
    bytes = g_malloc(allocated);
    if (buffer->len > 0) {
        memcpy(bytes, buffer->bytes, buffer->len);
        vault_wipe(buffer->bytes, buffer->len);
    }
    g_free(buffer->bytes);
    buffer->bytes = bytes;
    buffer->allocated = allocated;
}

void ingest_secret_buffer_empty(IngestSecretBuffer *buffer)
{
    if (buffer->allocated > KEPT_MAX) {
        ingest_secret_buffer_clear(buffer);
        return;
    }
    if (buffer->len > 0)
        vault_wipe(buffer->bytes, buffer->len);
    buffer->len = 0;
}

void ingest_secret_buffer_clear(IngestSecretBuffer *buffer)
{
    if (buffer->len > 0)
        vault_wipe(buffer->bytes, buffer->len);
    g_free(buffer->bytes);
    *buffer = (IngestSecretBuffer){NULL, 0, 0};
}
