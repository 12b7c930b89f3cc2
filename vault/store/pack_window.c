#include "vault/store/pack_window.h"

#include "vault/base/error.h"

#include <errno.h>
#include <unistd.h>

void vault_pack_window_init(VaultPackWindow *window, int fd, const char *path, guint64 file_len,
                            gsize capacity)
{
    *window = (VaultPackWindow){.fd = fd,
                                .path = path,
                                .file_len = file_len,
                                .buffer = g_malloc(capacity),
                                .capacity = capacity};
}

void vault_pack_window_clear(VaultPackWindow *window)
{
    g_clear_pointer(&window->buffer, g_free);
}

static gboolean refill(VaultPackWindow *window, guint64 offset, GError **error)
{
    gsize want = (gsize)MIN(window->capacity, window->file_len - offset);

    window->offset = offset;
    window->len = 0;
    while (window->len < want) {
        ssize_t got = pread(window->fd, window->buffer + window->len, want - window->len,
                            (off_t)(offset + window->len));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            vault_error_set_errno(error, errno, "cannot read", window->path);
            return FALSE;
        }
        if (got == 0) /* cut meanwhile: as if it had been so when it was opened */
            window->file_len = offset + window->len;
        if (got == 0)
            return TRUE;
        window->len += (gsize)got;
    }
    return TRUE;
}

gboolean vault_pack_window_read(VaultPackWindow *window, guint64 offset, gsize want,
                                const guint8 **ret_bytes, gsize *ret_len, GError **error)
{
    gboolean is_here;

    g_assert(want <= window->capacity);
    if (offset >= window->file_len) {
        *ret_bytes = window->buffer;
        *ret_len = 0;
        return TRUE;
    }
    want = (gsize)MIN(want, window->file_len - offset);
    is_here = offset >= window->offset && offset - window->offset <= window->len &&
              window->len - (offset - window->offset) >= want;
    if (!is_here && !refill(window, offset, error))
        return FALSE;
    *ret_bytes = window->buffer + (offset - window->offset);
    *ret_len = window->len - (gsize)(offset - window->offset);
    return TRUE;
}
