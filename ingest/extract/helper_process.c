#include "ingest/extract/helper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct IngestHelper {
    pid_t pid; /* 0: not started, or waited for */
    int fd;
    guint document_count;
    gsize input_at, input_len; /* what was received and not taken yet */
    guint8 input[2 * EXTRACT_FRAME_TEXT_LEN_MAX];
    char text[EXTRACT_FRAME_TEXT_LEN_MAX];
};

/* The process stays ours to name until waitpid(), so the signal cannot hit another. */
static int end_process(IngestHelper *helper)
{
    int status = 0;

    if (helper->pid == 0)
        return 0;
    kill(helper->pid, SIGKILL);
    while (waitpid(helper->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    helper->pid = 0;
    return status;
}

void ingest_helper_stop(IngestHelper *helper)
{
    if (helper == NULL)
        return;
    end_process(helper);
    if (helper->fd >= 0)
        close(helper->fd);
    explicit_bzero(helper, sizeof *helper);
    g_free(helper);
}

/* ---- starting -------------------------------------------------------------------------------- */

/* GLib's slices would keep text out of reach of the wiping free(); without TZ the C library looks
 * for the time zone's file again and again. */
static char *const environment[] = {(char *)"LC_ALL=C.UTF-8", (char *)"TZ=UTC0",
                                    (char *)"G_SLICE=always-malloc", NULL};

static gboolean fill_actions(posix_spawn_file_actions_t *actions, int socket)
{
    return posix_spawn_file_actions_adddup2(actions, socket, EXTRACT_FD) == 0 &&
           posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ==
               0 &&
           posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ==
               0 &&
           posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1) == 0;
}

/* What asks a service or a command to stop is not for the helper, which is needed until all that
 * was begun is done, and ends when its socket is closed: hence the session, and the mask. */
static gboolean fill_attributes(posix_spawnattr_t *attributes)
{
    sigset_t masked, all;

    sigemptyset(&masked);
    sigaddset(&masked, SIGHUP);
    sigaddset(&masked, SIGINT);
    sigaddset(&masked, SIGTERM);
    sigfillset(&all);
    return posix_spawnattr_setsigmask(attributes, &masked) == 0 &&
           posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETSID) == 0;
}

static gboolean spawn(IngestHelper *helper, const char *program, int socket)
{
    char *const arguments[] = {(char *)"muniment-extract", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    gboolean is_good;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return FALSE;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return FALSE;
    }
    is_good =
        fill_actions(&actions, socket) && fill_attributes(&attributes) &&
        posix_spawn(&helper->pid, program, &actions, &attributes, arguments, environment) == 0;
    if (!is_good)
        helper->pid = 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return is_good;
}

static gboolean start_process(IngestHelper *helper, const char *program)
{
    int ends[2];
    gboolean is_good;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return FALSE;
    helper->fd = ends[0];
    is_good = spawn(helper, program, ends[1]);
    close(ends[1]);
    return is_good;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static IngestHelperState wait_for(const IngestHelper *helper, short events, gint64 deadline_us)
{
    struct pollfd waiting = {.fd = helper->fd, .events = events};
    gint64 left_us = deadline_us - g_get_monotonic_time();

    if (left_us <= 0)
        return INGEST_HELPER_TIMED_OUT;
    return poll(&waiting, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR ? INGEST_HELPER_BROKEN
                                                                              : INGEST_HELPER_GOOD;
}

static IngestHelperState send_all(IngestHelper *helper, const void *bytes, gsize len,
                                  gint64 deadline_us)
{
    IngestHelperState state = INGEST_HELPER_GOOD;
    gsize done = 0;

    while (done < len && state == INGEST_HELPER_GOOD) {
        gssize put =
            send(helper->fd, (const guint8 *)bytes + done, len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (put >= 0)
            done += (gsize)put;
        else if (errno == EAGAIN)
            state = wait_for(helper, POLLOUT, deadline_us);
        else if (errno != EINTR)
            state = INGEST_HELPER_BROKEN;
    }
    return state;
}

/* Called when all input is taken. */
static IngestHelperState fill_input(IngestHelper *helper, gint64 deadline_us)
{
    gssize got = recv(helper->fd, helper->input, sizeof helper->input, MSG_DONTWAIT);

    if (got > 0) {
        helper->input_at = 0;
        helper->input_len = (gsize)got;
        return INGEST_HELPER_GOOD;
    }
    if (got < 0 && errno == EAGAIN)
        return wait_for(helper, POLLIN, deadline_us);
    return got < 0 && errno == EINTR ? INGEST_HELPER_GOOD : INGEST_HELPER_BROKEN;
}

static IngestHelperState receive_all(IngestHelper *helper, void *bytes, gsize len,
                                     gint64 deadline_us)
{
    IngestHelperState state = INGEST_HELPER_GOOD;
    gsize done = 0;

    while (done < len && state == INGEST_HELPER_GOOD) {
        gsize part = MIN(len - done, helper->input_len - helper->input_at);

        memcpy((guint8 *)bytes + done, helper->input + helper->input_at, part);
        explicit_bzero(helper->input + helper->input_at, part);
        helper->input_at += part;
        done += part;
        if (part == 0)
            state = fill_input(helper, deadline_us);
    }
    return state;
}

static IngestHelperState receive_frame(IngestHelper *helper, ExtractFrame *ret_frame,
                                       gint64 deadline_us)
{
    guint8 bytes[EXTRACT_FRAME_LEN];
    IngestHelperState state = receive_all(helper, bytes, sizeof bytes, deadline_us);

    if (state == INGEST_HELPER_GOOD && !extract_frame_parse(bytes, ret_frame))
        return INGEST_HELPER_BROKEN;
    /* Each frame looks at the clock: one who talks without end does not make us wait. */
    return state == INGEST_HELPER_GOOD && g_get_monotonic_time() > deadline_us
               ? INGEST_HELPER_TIMED_OUT
               : state;
}

IngestHelper *ingest_helper_start(const char *program, gint64 deadline_us,
                                  IngestHelperState *ret_state)
{
    g_autoptr(IngestHelper) helper = g_new0(IngestHelper, 1);
    ExtractFrame frame;
    int status;

    helper->fd = -1;
    *ret_state = INGEST_HELPER_BROKEN;
    if (!start_process(helper, program))
        return NULL;
    *ret_state = receive_frame(helper, &frame, deadline_us);
    if (*ret_state == INGEST_HELPER_GOOD && frame.kind == EXTRACT_FRAME_READY)
        return g_steal_pointer(&helper);
    if (*ret_state != INGEST_HELPER_TIMED_OUT) {
        *ret_state = INGEST_HELPER_BROKEN;
        status = end_process(helper);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXTRACT_EXIT_NO_SANDBOX)
            *ret_state = INGEST_HELPER_NO_SANDBOX;
    }
    return NULL;
}

gboolean ingest_helper_is_idle(const IngestHelper *helper)
{
    struct pollfd waiting = {.fd = helper->fd, .events = POLLIN};

    return helper->input_at == helper->input_len && poll(&waiting, 1, 0) == 0;
}

guint ingest_helper_document_count(const IngestHelper *helper)
{
    return helper->document_count;
}

/* ---- one document ---------------------------------------------------------------------------- */

static IngestHelperState send_request(IngestHelper *helper, const IngestDocument *document,
                                      gint64 deadline_us)
{
    g_autofree char *type = g_strndup(document->content_type == NULL ? "" : document->content_type,
                                      EXTRACT_TYPE_LEN_MAX);
    g_autofree char *name =
        g_strndup(document->filename == NULL ? "" : document->filename, EXTRACT_NAME_LEN_MAX);
    gint64 left_ms = (deadline_us - g_get_monotonic_time()) / 1000;
    const ExtractRequest request = {.document_len = (guint32)document->len,
                                    .text_len_max =
                                        (guint32)MIN(document->text_len_max, EXTRACT_TEXT_LEN_MAX),
                                    .time_ms = (guint32)CLAMP(left_ms, 1, EXTRACT_TIME_MS_MAX),
                                    .type_len = (guint16)strlen(type),
                                    .name_len = (guint16)strlen(name)};
    guint8 header[EXTRACT_REQUEST_LEN];
    IngestHelperState state;

    extract_request_format(&request, header);
    state = send_all(helper, header, sizeof header, deadline_us);
    if (state == INGEST_HELPER_GOOD)
        state = send_all(helper, type, request.type_len, deadline_us);
    if (state == INGEST_HELPER_GOOD)
        state = send_all(helper, name, request.name_len, deadline_us);
    if (state == INGEST_HELPER_GOOD)
        state = send_all(helper, document->bytes, document->len, deadline_us);
    return state;
}

/* The helper may be in the hands of a document: its text is looked at as any input. */
static IngestHelperState take_text(IngestHelper *helper, gsize len, guint64 *left,
                                   gint64 deadline_us, IngestTextSink sink, gpointer sink_user)
{
    IngestHelperState state = INGEST_HELPER_BROKEN;

    if (len <= *left)
        state = receive_all(helper, helper->text, len, deadline_us);
    if (state == INGEST_HELPER_GOOD && !g_utf8_validate_len(helper->text, len, NULL))
        state = INGEST_HELPER_BROKEN;
    if (state == INGEST_HELPER_GOOD) {
        *left -= len;
        sink(sink_user, helper->text, len);
    }
    explicit_bzero(helper->text, len);
    return state;
}

static IngestHelperState take_answer(IngestHelper *helper, guint64 text_len_max, gint64 deadline_us,
                                     IngestTextSink sink, gpointer sink_user,
                                     IngestExtractOutcome *ret_outcome)
{
    IngestHelperState state = INGEST_HELPER_GOOD;
    ExtractFrame frame;

    while (state == INGEST_HELPER_GOOD) {
        state = receive_frame(helper, &frame, deadline_us);
        if (state != INGEST_HELPER_GOOD)
            return state;
        switch (frame.kind) {
        case EXTRACT_FRAME_TEXT:
            state = take_text(helper, frame.number, &text_len_max, deadline_us, sink, sink_user);
            break;
        case EXTRACT_FRAME_BREAK:
            sink(sink_user, NULL, 0);
            break;
        case EXTRACT_FRAME_END:
            *ret_outcome = (IngestExtractOutcome)frame.number;
            return INGEST_HELPER_GOOD;
        case EXTRACT_FRAME_READY:
            return INGEST_HELPER_BROKEN;
        }
    }
    return state;
}

IngestHelperState ingest_helper_exchange(IngestHelper *helper, const IngestDocument *document,
                                         gint64 deadline_us, IngestTextSink sink,
                                         gpointer sink_user, IngestExtractOutcome *ret_outcome)
{
    IngestHelperState state = send_request(helper, document, deadline_us);

    helper->document_count++;
    return state == INGEST_HELPER_GOOD ? take_answer(helper, document->text_len_max, deadline_us,
                                                     sink, sink_user, ret_outcome)
                                       : state;
}
