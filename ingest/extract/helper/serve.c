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

/* Nobody to write to: nothing is left to do. */
static void write_all(int fd, const void *bytes, gsize len)
{
    gsize done = 0;

    while (done < len) {
        gssize put = write(fd, (const guint8 *)bytes + done, len - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            _exit(EXIT_FAILURE);
        done += (gsize)put;
    }
}

static void send_frame(int fd, ExtractFrameKind kind, guint32 number)
{
    guint8 bytes[EXTRACT_FRAME_LEN];

    extract_frame_format(&(ExtractFrame){.kind = kind, .number = number}, bytes);
    write_all(fd, bytes, sizeof bytes);
}

static void send_text(gpointer user, const char *text, gsize len)
{
    int fd = GPOINTER_TO_INT(user);

    send_frame(fd, text == NULL ? EXTRACT_FRAME_BREAK : EXTRACT_FRAME_TEXT, (guint32)len);
    write_all(fd, text, len);
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

static gboolean serve_one(int fd, const ExtractRequest *request, ExtractServed extract)
{
    g_auto(Received) received = {.bytes = NULL};
    g_autoptr(ExtractTextOut) out = NULL;
    IngestExtractOutcome outcome;
    ExtractRun run;

    if (!receive(fd, request, &received))
        return FALSE;
    set_alarm(request->time_ms + GRACE_MS);
    out = extract_text_out_new(request->text_len_max, send_text, GINT_TO_POINTER(fd));
    extract_run_init(&run, out);
    outcome = extract(&run, &(ExtractDocument){.bytes = received.bytes,
                                               .len = received.len,
                                               .type = received.type,
                                               .name = received.name});
    extract_text_out_finish(out);
    set_alarm(0);
    send_frame(fd, EXTRACT_FRAME_END, outcome);
    return TRUE;
}

gboolean extract_serve(int fd, ExtractServed extract)
{
    guint8 header[EXTRACT_REQUEST_LEN];
    ExtractRequest request;
    gsize got;

    send_frame(fd, EXTRACT_FRAME_READY, EXTRACT_PROTOCOL_VERSION);
    while ((got = read_all(fd, header, sizeof header)) == sizeof header) {
        if (!extract_request_parse(header, &request) || !serve_one(fd, &request, extract))
            return FALSE;
        malloc_trim(0);
    }
    return got == 0;
}
