/* free() and realloc() of this program wipe what they give back.
 *
 * zstd's contexts, OpenSSL's records and GLib's buffers hold plaintext and keys, and their owners
 * do not wipe them. A definition in the program comes before the C library's for all libraries, so
 * linking this file is enough; archived and muniment-extract do. What stays out of reach: memory
 * that a library keeps (contexts are pooled, and empty between messages), GLib's slices (list
 * nodes, no content) and the C library's own streams (which carry no mail). Costs one pass over
 * each freed block: about 1 % of a delivery (docs/limits.md).
 *
 * Left out under sanitizers, which bring an allocator of their own.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_OWN_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define HAS_OWN_ALLOCATOR 1
#endif
#endif

#ifndef HAS_OWN_ALLOCATOR
void __libc_free(void *block);

void free(void *block)
{
    if (block == NULL)
        return;
    explicit_bzero(block, malloc_usable_size(block));
    __libc_free(block);
}

void *realloc(void *block, size_t len)
{
    size_t old_len;
    void *moved;

    if (block == NULL)
        return malloc(len);
    if (len == 0) {
        free(block);
        return NULL;
    }
    old_len = malloc_usable_size(block);
    if (len <= old_len && len >= old_len / 2)
        return block;
    /* The C library would move the bytes and leave the old ones behind. */
    moved = malloc(len);
    if (moved == NULL)
        return NULL;
    memcpy(moved, block, len < old_len ? len : old_len);
    free(block);
    return moved;
}
#endif
