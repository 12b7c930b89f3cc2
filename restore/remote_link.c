#include "restore/remote_link.h"

#include "restore/serve_stream.h"
#include "vault/base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    ServeType type;
    RemoteAnswer answer;
    gpointer user;
} Pending;

struct RemoteLink {
    VaultFd fd;
    GPid pid; /* 0 = nothing was started */
    GThread *thread;
    GMutex send_lock; /* the order of requests on the wire is that of `pending` */
    GMutex lock;
    GQueue pending;  /* Pending, oldest first; under `lock` */
    GError *failure; /* under `lock`; once set it stays */
};

/* ---- answers --------------------------------------------------------------------------------- */

/* Nothing is answered after this. */
static void fail(RemoteLink *link, GError *failure)
{
    Pending *pending;

    g_mutex_lock(&link->lock);
    if (link->failure == NULL)
        link->failure = g_error_copy(failure);
    g_mutex_unlock(&link->lock);
    for (;;) {
        g_mutex_lock(&link->lock);
        pending = g_queue_pop_head(&link->pending);
        g_mutex_unlock(&link->lock);
        if (pending == NULL)
            return;
        pending->answer(NULL, failure, pending->user);
        g_free(pending);
    }
}

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, what);
    return FALSE;
}

static gboolean take_answer(RemoteLink *link, guint8 type, GByteArray *payload, GError **error)
{
    g_autofree Pending *pending = NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = g_byte_array_free_to_bytes(payload);

    g_mutex_lock(&link->lock);
    pending = g_queue_pop_head(&link->pending);
    g_mutex_unlock(&link->lock);
    if (pending == NULL)
        return set_malformed(error, "the host answers what nobody asked");
    if (type == (pending->type | SERVE_ANSWER)) {
        pending->answer(bytes, NULL, pending->user);
        return TRUE;
    }
    if (type == SERVE_ERROR)
        serve_error_set(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &failure);
    else
        set_malformed(&failure, "the host answers something else than was asked");
    pending->answer(NULL, failure, pending->user);
    if (type == SERVE_ERROR)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gpointer take_answers(gpointer user)
{
    RemoteLink *link = user;
    g_autofree ServeInput *input = g_new0(ServeInput, 1);
    g_autoptr(GError) failure = NULL;

    input->fd = link->fd;
    while (failure == NULL) {
        GByteArray *payload = g_byte_array_new();
        guint8 type;
        ServeInputResult result = serve_input_next(input, &type, payload, &failure);

        if (result == SERVE_INPUT_FRAME) {
            (void)take_answer(link, type, payload, &failure);
            continue;
        }
        g_byte_array_unref(payload);
        if (result == SERVE_INPUT_END)
            g_set_error_literal(&failure, VAULT_ERROR, VAULT_ERROR_IO,
                                "the connection to the vault's host has ended; what ssh or the "
                                "host said of it stands above");
    }
    fail(link, failure);
    return NULL;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The socket of a command that has ended must not kill this process: no SIGPIPE. */
static gboolean send_all(int fd, const guint8 *bytes, gsize len, GError **error)
{
    while (len > 0) {
        gssize sent = send(fd, bytes, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return vault_error_set_errno(error, errno, "cannot send to", "the vault's host");
        bytes += sent;
        len -= (gsize)sent;
    }
    return TRUE;
}

/* FALSE: the connection is broken already, and `pending` not queued. */
static gboolean queue(RemoteLink *link, Pending *pending, GError **error)
{
    gboolean ok;

    g_mutex_lock(&link->lock);
    ok = link->failure == NULL;
    if (ok)
        g_queue_push_tail(&link->pending, pending);
    else
        g_propagate_error(error, g_error_copy(link->failure));
    g_mutex_unlock(&link->lock);
    return ok;
}

void remote_link_send(RemoteLink *link, ServeType type, const GByteArray *payload,
                      RemoteAnswer answer, gpointer user)
{
    Pending *pending = g_new0(Pending, 1);
    g_autoptr(GByteArray) frame = g_byte_array_sized_new(SERVE_FRAME_HEADER_LEN + payload->len);
    g_autoptr(GError) failure = NULL;

    *pending = (Pending){.type = type, .answer = answer, .user = user};
    serve_output_begin(frame);
    g_byte_array_append(frame, payload->data, payload->len);
    serve_output_end(frame, (guint8)type);
    g_mutex_lock(&link->send_lock);
    if (!queue(link, pending, &failure)) {
        g_mutex_unlock(&link->send_lock);
        answer(NULL, failure, user);
        g_free(pending);
        return;
    }
    /* Whatever fails here ends the connection, and the thread that reads from it tells everyone. */
    if (!send_all(link->fd, frame->data, frame->len, NULL))
        (void)shutdown(link->fd, SHUT_RDWR);
    g_mutex_unlock(&link->send_lock);
}

typedef struct {
    GMutex lock;
    GCond cond;
    gboolean is_done;
    GBytes *payload;
    GError *failure;
} Waiting;

static void wake(GBytes *payload, const GError *failure, gpointer user)
{
    Waiting *waiting = user;

    g_mutex_lock(&waiting->lock);
    waiting->payload = payload == NULL ? NULL : g_bytes_ref(payload);
    waiting->failure = failure == NULL ? NULL : g_error_copy(failure);
    waiting->is_done = TRUE;
    g_cond_signal(&waiting->cond);
    g_mutex_unlock(&waiting->lock);
}

GBytes *remote_link_call(RemoteLink *link, ServeType type, const GByteArray *payload,
                         GError **error)
{
    Waiting waiting = {0};

    g_mutex_init(&waiting.lock);
    g_cond_init(&waiting.cond);
    remote_link_send(link, type, payload, wake, &waiting);
    g_mutex_lock(&waiting.lock);
    while (!waiting.is_done)
        g_cond_wait(&waiting.cond, &waiting.lock);
    g_mutex_unlock(&waiting.lock);
    g_mutex_clear(&waiting.lock);
    g_cond_clear(&waiting.cond);
    if (waiting.failure != NULL)
        g_propagate_error(error, waiting.failure);
    return waiting.payload;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

RemoteLink *remote_link_new(int fd)
{
    RemoteLink *link = g_new0(RemoteLink, 1);

    link->fd = fd;
    g_mutex_init(&link->send_lock);
    g_mutex_init(&link->lock);
    g_queue_init(&link->pending);
    link->thread = g_thread_new("link", take_answers, link);
    return link;
}

RemoteLink *remote_link_spawn(char **command, GError **error)
{
    g_autoptr(GError) failure = NULL;
    RemoteLink *link;
    int fds[2];
    GPid pid;
    gboolean ok;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        vault_error_set_errno(error, errno, "cannot make", "a socket");
        return NULL;
    }
    ok = g_spawn_async_with_pipes_and_fds(
        NULL, (const char *const *)command, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
        NULL, NULL, fds[1], fds[1], -1, NULL, NULL, 0, &pid, NULL, NULL, NULL, &failure);
    close(fds[1]);
    if (!ok) {
        close(fds[0]);
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot start %s: %s", command[0],
                    failure->message);
        return NULL;
    }
    link = remote_link_new(fds[0]);
    link->pid = pid;
    return link;
}

void remote_link_free(RemoteLink *link)
{
    if (link == NULL)
        return;
    (void)shutdown(link->fd, SHUT_RDWR);
    g_thread_join(link->thread);
    if (link->pid != 0) {
        while (waitpid(link->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        g_spawn_close_pid(link->pid);
    }
    vault_fd_close(&link->fd);
    g_clear_error(&link->failure);
    g_mutex_clear(&link->send_lock);
    g_mutex_clear(&link->lock);
    g_free(link);
}
