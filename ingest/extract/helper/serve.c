#include "ingest/extract/helper/serve.h"

#include "ingest/extract/protocol.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* The pool ends a helper by its own clock; this one is for a pool that died. */
#define GRACE_MS 2000

typedef struct {
    int fd;
    gsize len;
    guint8 bytes[2 * EXTRACT_FRAME_TEXT_LEN_MAX];
} Output;

typedef struct {
    guint8 *bytes;
    gsize len;
    char type[EXTRACT_TYPE_LEN_MAX + 1], name[EXTRACT_NAME_LEN_MAX + 1];
} Received;

static void received_clear(Received *received)
{
    if (received->bytes != NULL)
        explicit_bzero(received->bytes, received->len);
    g_free(received->bytes);
    explicit_bzero(received, sizeof *received);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Received, received_clear)

/* How many bytes there were before the end or an error. */
static gsize read_all(int fd, void *bytes, gsize len)
{
    gsize done = 0;

    while (done < len) {
        gssize got = read(fd, (guint8 *)bytes + done, len - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return done;
        done += (gsize)got;
    }
    return done;
}

/* Frames are gathered: a document may be a hundred thousand short paragraphs. */
static void flush(Output *output)
{
    gsize done = 0;

    while (done < output->len) {
        gssize put = write(output->fd, output->bytes + done, output->len - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            _exit(EXIT_FAILURE); /* nobody to write to: nothing is left to do */
        done += (gsize)put;
    }
    explicit_bzero(output->bytes, output->len);
    output->len = 0;
}

static void put_frame(Output *output, ExtractFrameKind kind, guint32 number, const char *text)
{
    gsize text_len = kind == EXTRACT_FRAME_TEXT ? number : 0;

    if (sizeof output->bytes - output->len < EXTRACT_FRAME_LEN + text_len)
        flush(output);
    extract_frame_format(&(ExtractFrame){.kind = kind, .number = number},
                         output->bytes + output->len);
    output->len += EXTRACT_FRAME_LEN;
    if (text_len > 0)
        memcpy(output->bytes + output->len, text, text_len);
    output->len += text_len;
}

static void put_text(gpointer user, const char *text, gsize len)
{
    put_frame(user, text == NULL ? EXTRACT_FRAME_BREAK : EXTRACT_FRAME_TEXT, (guint32)len, text);
}

static void set_alarm(guint32 time_ms)
{
    const struct itimerval timer = {
        .it_value = {.tv_sec = time_ms / 1000, .tv_usec = (time_ms % 1000) * 1000}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static gboolean receive(int fd, const ExtractRequest *request, Received *received)
{
    received->len = request->document_len;
    received->bytes = g_try_malloc(MAX(received->len, 1));
    return received->bytes != NULL &&
           read_all(fd, received->type, request->type_len) == request->type_len &&
           read_all(fd, received->name, request->name_len) == request->name_len &&
           read_all(fd, received->bytes, received->len) == received->len;
}

static gboolean serve_one(Output *output, const ExtractRequest *request, ExtractServed extract)
{
    g_auto(Received) received = {.bytes = NULL};
    g_autoptr(ExtractTextOut) out = NULL;
    IngestExtractOutcome outcome;
    ExtractRun run;

    if (!receive(output->fd, request, &received))
        return FALSE;
    set_alarm(request->time_ms + GRACE_MS);
    out = extract_text_out_new(request->text_len_max, put_text, output);
    extract_run_init(&run, out);
    outcome = extract(&run, &(ExtractDocument){.bytes = received.bytes,
                                               .len = received.len,
                                               .type = received.type,
                                               .name = received.name});
    extract_text_out_finish(out);
    set_alarm(0);
    put_frame(output, EXTRACT_FRAME_END, outcome, NULL);
    flush(output);
    return TRUE;
}

gboolean extract_serve(int fd, ExtractServed extract)
{
    g_autofree Output *output = g_new0(Output, 1);
    guint8 header[EXTRACT_REQUEST_LEN];
    ExtractRequest request;
    gsize got;

    output->fd = fd;
    put_frame(output, EXTRACT_FRAME_READY, EXTRACT_PROTOCOL_VERSION, NULL);
    flush(output);
    while ((got = read_all(fd, header, sizeof header)) == sizeof header) {
        if (!extract_request_parse(header, &request) || !serve_one(output, &request, extract))
            return FALSE;
        malloc_trim(0);
    }
    return got == 0;
}
