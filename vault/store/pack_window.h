/* A pack file read forward through one buffer. Not mapped: a bad sector must be an error here, not
 * a signal that ends the daemon. Internal to vault/store. Threads: one user.
 */
#pragma once

#include <glib.h>

typedef struct {
    int fd; /* borrowed */
    const char *path;
    guint64 file_len;
    guint8 *buffer;
    gsize capacity;
    guint64 offset; /* of buffer[0] */
    gsize len;
} VaultPackWindow;

void vault_pack_window_init(VaultPackWindow *window, int fd, const char *path, guint64 file_len,
                            gsize capacity);
void vault_pack_window_clear(VaultPackWindow *window);

/* Sets *ret_bytes to what is at `offset`: at least `want` bytes (at most the capacity) unless the
 * file ends before, and *ret_len to how many there are. Borrowed until the next call. IO. */
gboolean vault_pack_window_read(VaultPackWindow *window, guint64 offset, gsize want,
                                const guint8 **ret_bytes, gsize *ret_len, GError **error);
