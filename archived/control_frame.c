#include "archived/control_frame.h"

#include "vault/base/bytes.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define STREAM_BUFFER_LEN (1u << 16)

struct ArchivedControlStream {
    int fd;
    gsize start, end;
    guint8 buffer[STREAM_BUFFER_LEN];
};

ArchivedControlStream *archived_control_stream_new(int fd)
{
    ArchivedControlStream *stream = g_new0(ArchivedControlStream, 1);

    stream->fd = fd;
    return stream;
}

void archived_control_stream_free(ArchivedControlStream *stream)
{
    if (stream == NULL)
        return;
    explicit_bzero(stream->buffer, sizeof stream->buffer);
    g_free(stream);
}

static gboolean set_socket_error(GError **error, const char *what)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO,
                    "the other end of the control socket did not answer in time");
    else
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot %s the control socket: %s", what,
                    g_strerror(errno));
    return FALSE;
}

/* At least one byte more in the buffer; 0 bytes at the peer's end. */
static gboolean stream_fill(ArchivedControlStream *stream, gsize *ret_got, GError **error)
{
    ssize_t got;

    if (stream->start == stream->end)
        stream->start = stream->end = 0;
    if (stream->end == sizeof stream->buffer) {
        memmove(stream->buffer, stream->buffer + stream->start, stream->end - stream->start);
        stream->end -= stream->start;
        stream->start = 0;
    }
    do
        got =
            recv(stream->fd, stream->buffer + stream->end, sizeof stream->buffer - stream->end, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return set_socket_error(error, "read from");
    stream->end += (gsize)got;
    *ret_got = (gsize)got;
    return TRUE;
}

static gboolean set_cut_short(GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO,
                "the other end of the control socket closed in the middle of a message");
    return FALSE;
}

static char *take_line(ArchivedControlStream *stream, gsize len, GError **error)
{
    const char *line = (const char *)stream->buffer + stream->start;

    if (memchr(line, '\0', len) != NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "a NUL byte in a control line");
        return NULL;
    }
    stream->start += len + 1;
    return g_strndup(line, len);
}

gboolean archived_control_read_line(ArchivedControlStream *stream, gsize len_max, char **ret_line,
                                    GError **error)
{
    gsize searched = 0;

    g_assert(len_max <= STREAM_BUFFER_LEN);
    *ret_line = NULL;
    for (;;) {
        gsize held = stream->end - stream->start;
        const guint8 *lf = memchr(stream->buffer + stream->start + searched, '\n', held - searched);
        gsize got;

        if (lf != NULL && (gsize)(lf - stream->buffer) - stream->start < len_max) {
            *ret_line = take_line(stream, (gsize)(lf - stream->buffer) - stream->start, error);
            return *ret_line != NULL;
        }
        if (held >= len_max) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "a control line is longer than %" G_GSIZE_FORMAT " bytes", len_max);
            return FALSE;
        }
        searched = held;
        if (!stream_fill(stream, &got, error))
            return FALSE;
        if (got == 0)
            return held == 0 || set_cut_short(error);
    }
}

gboolean archived_control_read_u32(ArchivedControlStream *stream, guint32 *ret_value,
                                   gboolean *ret_is_end, GError **error)
{
    guint8 bytes[4];
    gsize got = 0;

    *ret_is_end = FALSE;
    if (stream->start == stream->end) {
        if (!stream_fill(stream, &got, error))
            return FALSE;
        *ret_is_end = got == 0;
        if (got == 0)
            return TRUE;
    }
    if (!archived_control_read(stream, bytes, sizeof bytes, error))
        return FALSE;
    *ret_value = (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 |
                 (guint32)bytes[3];
    return TRUE;
}

gboolean archived_control_read(ArchivedControlStream *stream, void *ret_bytes, gsize len,
                               GError **error)
{
    guint8 *next = ret_bytes;

    while (len > 0) {
        gsize held = MIN(stream->end - stream->start, len);
        gsize got;

        memcpy(next, stream->buffer + stream->start, held);
        stream->start += held;
        next += held;
        len -= held;
        if (len == 0)
            return TRUE;
        if (!stream_fill(stream, &got, error))
            return FALSE;
        if (got == 0)
            return set_cut_short(error);
    }
    return TRUE;
}

gboolean archived_control_read_text_len(ArchivedControlStream *stream, guint32 len_max,
                                        guint32 *ret_len, GError **error)
{
    gboolean is_end = FALSE;

    if (!archived_control_read_u32(stream, ret_len, &is_end, error))
        return FALSE;
    if (is_end)
        return set_cut_short(error);
    if (*ret_len <= len_max)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "what follows on the control socket has over %u bytes", len_max);
    return FALSE;
}

char *archived_control_read_text_bytes(ArchivedControlStream *stream, guint32 len, GError **error)
{
    g_autofree char *text = g_malloc0((gsize)len + 1);

    return archived_control_read(stream, text, len, error) ? g_steal_pointer(&text) : NULL;
}

char *archived_control_read_text(ArchivedControlStream *stream, guint32 len_max, guint32 *ret_len,
                                 GError **error)
{
    return archived_control_read_text_len(stream, len_max, ret_len, error)
               ? archived_control_read_text_bytes(stream, *ret_len, error)
               : NULL;
}

gboolean archived_control_send(int fd, const void *bytes, gsize len, GError **error)
{
    const guint8 *next = bytes;

    while (len > 0) {
        ssize_t sent = send(fd, next, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return set_socket_error(error, "write to");
        next += sent;
        len -= (gsize)sent;
    }
    return TRUE;
}

gboolean archived_control_send_frame(int fd, const void *bytes, guint32 len, GError **error)
{
    guint8 head[4];

    vault_bytes_put_u32(head, len);
    return archived_control_send(fd, head, sizeof head, error) &&
           archived_control_send(fd, bytes, len, error);
}

static const char *const code_names[] = {
    [VAULT_ERROR_NOT_FOUND] = "NOT_FOUND",     [VAULT_ERROR_BUSY] = "BUSY",
    [VAULT_ERROR_NO_SPACE] = "NO_SPACE",       [VAULT_ERROR_IO] = "IO",
    [VAULT_ERROR_TOO_LARGE] = "TOO_LARGE",     [VAULT_ERROR_MALFORMED] = "MALFORMED",
    [VAULT_ERROR_CORRUPT] = "CORRUPT",         [VAULT_ERROR_NO_KEY] = "NO_KEY",
    [VAULT_ERROR_ERASED] = "ERASED",           [VAULT_ERROR_REFUSED] = "REFUSED",
    [VAULT_ERROR_UNSUPPORTED] = "UNSUPPORTED",
};

const char *archived_control_code_name(int code)
{
    g_return_val_if_fail(code >= 0 && code < (int)G_N_ELEMENTS(code_names), "IO");
    return code_names[code];
}

VaultErrorCode archived_control_code_parse(const char *name)
{
    for (gsize i = 0; name != NULL && i < G_N_ELEMENTS(code_names); i++) {
        if (strcmp(name, code_names[i]) == 0)
            return (VaultErrorCode)i;
    }
    return VAULT_ERROR_IO;
}

char *archived_control_failure_format(const GError *failure)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) node = NULL;
    g_autofree char *text = NULL;
    int code = failure->domain == VAULT_ERROR ? failure->code : VAULT_ERROR_IO;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "ok");
    json_builder_add_boolean_value(builder, FALSE);
    json_builder_set_member_name(builder, "code");
    json_builder_add_string_value(builder, archived_control_code_name(code));
    json_builder_set_member_name(builder, "message");
    json_builder_add_string_value(builder, failure->message);
    json_builder_end_object(builder);
    node = json_builder_get_root(builder);
    text = json_to_string(node, FALSE);
    return g_strconcat(text, "\n", NULL);
}
