#include "restore/rotation_parts.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_LEN 65536

struct RotationParts {
    char *path;
    const char *type;
    VaultFd fd;
    GByteArray *bytes; /* the part given last, and what was read behind it */
    gsize given_len;
    gboolean is_begun, is_at_end;
};

RotationParts *rotation_parts_open(const char *path, const char *type, GError **error)
{
    g_autoptr(RotationParts) parts = g_new0(RotationParts, 1);

    parts->path = g_strdup(path);
    parts->type = type;
    parts->bytes = g_byte_array_new();
    parts->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (parts->fd >= 0)
        return g_steal_pointer(&parts);
    vault_error_set_errno(error, errno, "cannot open", path);
    return NULL;
}

void rotation_parts_close(RotationParts *parts)
{
    if (parts == NULL)
        return;
    vault_fd_close(&parts->fd);
    g_byte_array_unref(parts->bytes);
    g_free(parts->path);
    g_free(parts);
}

static gboolean read_more(RotationParts *parts, GError **error)
{
    guint8 buffer[READ_LEN];
    ssize_t count;

    do
        count = read(parts->fd, buffer, sizeof buffer);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return vault_error_set_errno(error, errno, "cannot read", parts->path);
    parts->is_at_end = count == 0;
    g_byte_array_append(parts->bytes, buffer, (guint)count);
    return TRUE;
}

/* Up to the line that begins the next part, or the end. Only what is new is searched, and as much
 * before it as may hold the beginning of such a line. */
static gboolean find_end(RotationParts *parts, gsize *ret_len, GError **error)
{
    gsize line_len = strlen(parts->type) + 2, searched = 0;

    for (;;) {
        gsize from = searched > line_len ? searched - line_len : 0;
        const char *text = (const char *)parts->bytes->data;

        searched = parts->bytes->len;
        *ret_len = searched == 0
                       ? 0
                       : from + vault_rotation_part_len(text + from, searched - from, parts->type);
        if (*ret_len < searched || parts->is_at_end)
            return TRUE;
        if (searched > VAULT_ROTATION_PART_LEN_MAX + line_len) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                        "%s: a part of a rotation has at most %u bytes", parts->path,
                        VAULT_ROTATION_PART_LEN_MAX);
            return FALSE;
        }
        if (!read_more(parts, error))
            return FALSE;
    }
}

const char *rotation_parts_next(RotationParts *parts, gsize *ret_len, GError **error)
{
    if (parts->given_len > 0)
        g_byte_array_remove_range(parts->bytes, 0, (guint)parts->given_len);
    parts->given_len = 0;
    if (!find_end(parts, &parts->given_len, error) || (parts->is_begun && parts->given_len == 0))
        return NULL;
    parts->is_begun = TRUE;
    *ret_len = parts->given_len;
    return parts->given_len == 0 ? "" : (const char *)parts->bytes->data;
}
