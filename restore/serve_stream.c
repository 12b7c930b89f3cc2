#include "restore/serve_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* 0 at the end. */
static gssize read_some(int fd, guint8 *bytes, gsize len)
{
    gssize count;

    do {
        count = read(fd, bytes, len);
    } while (count < 0 && errno == EINTR);
    return count;
}

/* TRUE with *ret_has FALSE: the input ended before the first byte. */
static gboolean read_exact(ServeInput *input, guint8 *bytes, gsize len, gboolean *ret_has,
                           GError **error)
{
    gsize done = MIN(len, input->len - input->at);

    if (done > 0)
        memcpy(bytes, input->buffer + input->at, done);
    input->at += done;
    while (done < len) {
        /* Large payloads go where they belong, small ones come with what follows them. */
        gboolean is_large = len - done >= SERVE_INPUT_BUFFER_LEN;
        gssize count = is_large ? read_some(input->fd, bytes + done, len - done)
                                : read_some(input->fd, input->buffer, SERVE_INPUT_BUFFER_LEN);

        if (count < 0)
            return vault_error_set_errno(error, errno, "cannot read from", "the connection");
        if (count == 0)
            break;
        if (is_large) {
            done += (gsize)count;
            continue;
        }
        input->len = (gsize)count;
        input->at = MIN(len - done, input->len);
        memcpy(bytes + done, input->buffer, input->at);
        done += input->at;
    }
    *ret_has = done == len;
    if (done == len || done == 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the connection ended in the middle of a frame");
    return FALSE;
}

ServeInputResult serve_input_next(ServeInput *input, guint8 *ret_type, GByteArray *payload,
                                  GError **error)
{
    guint8 bytes[SERVE_FRAME_HEADER_LEN];
    ServeFrameHeader header;
    gboolean has;

    if (!read_exact(input, bytes, sizeof bytes, &has, error))
        return SERVE_INPUT_FAILED;
    if (!has)
        return SERVE_INPUT_END;
    if (!serve_frame_header_parse(bytes, &header, error))
        return SERVE_INPUT_FAILED;
    *ret_type = header.type;
    g_byte_array_set_size(payload, header.len);
    if (!read_exact(input, payload->data, header.len, &has, error))
        return SERVE_INPUT_FAILED;
    if (has)
        return SERVE_INPUT_FRAME;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the connection ended in the middle of a frame");
    return SERVE_INPUT_FAILED;
}

void serve_output_begin(GByteArray *frame)
{
    g_byte_array_set_size(frame, SERVE_FRAME_HEADER_LEN);
}

void serve_output_end(GByteArray *frame, guint8 type)
{
    ServeFrameHeader header = {.type = type, .len = frame->len - SERVE_FRAME_HEADER_LEN};

    g_assert(header.len <= SERVE_PAYLOAD_LEN_MAX);
    serve_frame_header_format(&header, frame->data);
}
