/* A growing buffer for plaintext. Unlike GByteArray it wipes what it leaves behind when it moves:
 * realloc() would give old places back as they are. Threads: one user per object.
 */
#pragma once

#include <glib.h>
#include <string.h>

typedef struct {
    guint8 *bytes;
    gsize len;
    gsize allocated;
} IngestSecretBuffer;

void ingest_secret_buffer_grow(IngestSecretBuffer *buffer, gsize len);
/* Makes room for `len` bytes in all. */
static inline void ingest_secret_buffer_reserve(IngestSecretBuffer *buffer, gsize len)
{
    if (buffer->allocated < len)
        ingest_secret_buffer_grow(buffer, len);
}
static inline void ingest_secret_buffer_append(IngestSecretBuffer *buffer, const void *bytes,
                                               gsize len)
{
    if (len == 0)
        return;
    ingest_secret_buffer_reserve(buffer, buffer->len + len);
    memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
}
/* Wipes the bytes; the room stays for the next ones, unless it is large. */
void ingest_secret_buffer_empty(IngestSecretBuffer *buffer);
/* Wipes and frees the bytes; the buffer is empty and usable. */
void ingest_secret_buffer_clear(IngestSecretBuffer *buffer);
