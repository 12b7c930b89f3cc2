#include "restore/mail_input.h"

#include "vault/base/error.h"
#include "vault/crypto/keys.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct MailInput {
    MailInputRead read;
    gpointer user;
    guint64 len;
    int fd;
    guint8 *window;
    gsize start, end; /* the bytes not consumed yet */
    guint64 offset;
    gboolean has_ended;
};

MailInput *mail_input_new(MailInputRead read, gpointer user, guint64 len, int fd)
{
    MailInput *input = g_new0(MailInput, 1);

    input->read = read;
    input->user = user;
    input->len = len;
    input->fd = fd;
    input->window = g_malloc(MAIL_INPUT_WINDOW_LEN);
    return input;
}

void mail_input_free(MailInput *input)
{
    if (input == NULL)
        return;
    vault_wipe(input->window, MAIL_INPUT_WINDOW_LEN);
    g_free(input->window);
    g_free(input);
}

/* One read; the window is moved to its beginning only when its end is reached. */
static gboolean fill(MailInput *input, GError **error)
{
    gssize got;

    if (input->end == MAIL_INPUT_WINDOW_LEN || input->start == input->end) {
        memmove(input->window, input->window + input->start, input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    got = input->read(input->user, input->window + input->end, MAIL_INPUT_WINDOW_LEN - input->end,
                      error);
    if (got < 0)
        return FALSE;
    input->has_ended = got == 0;
    input->end += (gsize)got;
    return TRUE;
}

gboolean mail_input_peek(MailInput *input, gsize want, const guint8 **ret_bytes, gsize *ret_len,
                         GError **error)
{
    g_assert(want <= MAIL_INPUT_WINDOW_LEN);
    while (input->end - input->start < want && !input->has_ended) {
        if (!fill(input, error))
            return FALSE;
    }
    *ret_bytes = input->window + input->start;
    *ret_len = input->end - input->start;
    return TRUE;
}

void mail_input_consume(MailInput *input, gsize len)
{
    g_assert(len <= input->end - input->start);
    input->start += len;
    input->offset += len;
}

guint64 mail_input_offset(const MailInput *input)
{
    return input->offset;
}

guint64 mail_input_len(const MailInput *input)
{
    return input->len;
}

static gboolean look_into_file(MailInput *input, guint64 offset, guint8 *ret_bytes, gsize len,
                               gsize *ret_len, GError **error)
{
    *ret_len = 0;
    while (*ret_len < len && offset <= G_MAXINT64 - len) {
        gssize got =
            pread(input->fd, ret_bytes + *ret_len, len - *ret_len, (off_t)(offset + *ret_len));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return vault_error_set_errno(error, errno, "cannot read", "the file");
        if (got == 0)
            break;
        *ret_len += (gsize)got;
    }
    return TRUE;
}

gboolean mail_input_look_ahead(MailInput *input, guint64 distance, guint8 *ret_bytes, gsize len,
                               MailInputAhead *ret_what, gsize *ret_len, GError **error)
{
    const guint8 *bytes;
    gsize available;

    *ret_what = MAIL_INPUT_AHEAD_BYTES;
    *ret_len = 0;
    if (distance <= MAIL_INPUT_WINDOW_LEN - len) {
        if (!mail_input_peek(input, (gsize)distance + len, &bytes, &available, error))
            return FALSE;
        if (available > distance) {
            *ret_len = MIN(len, available - (gsize)distance);
            memcpy(ret_bytes, bytes + distance, *ret_len);
        }
        return TRUE;
    }
    if (distance > G_MAXUINT64 - input->offset)
        return TRUE;
    if (input->len != G_MAXUINT64 && input->offset + distance > input->len)
        return TRUE;
    if (input->fd >= 0)
        return look_into_file(input, input->offset + distance, ret_bytes, len, ret_len, error);
    *ret_what = MAIL_INPUT_AHEAD_UNKNOWN;
    return TRUE;
}
