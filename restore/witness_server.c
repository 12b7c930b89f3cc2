#include "restore/witness_server.h"

#include "vault/base/file.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_LEN_MAX (WITNESS_HTTP_HEAD_LEN_MAX + WITNESS_HTTP_BODY_LEN_MAX)

typedef struct {
    Witness *witness;
    GMutex lock; /* of the witness */
    gint connections;
} Server;

typedef struct {
    VaultFd fd;
    gint64 deadline_us;
    GString *input;
} Connection;

static void connection_clear(Connection *connection)
{
    vault_fd_close(&connection->fd);
    g_string_free(connection->input, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Connection, connection_clear)

/* ---- one connection ------------------------------------------------------------------------- */

static gboolean wait_for(const Connection *connection, short events)
{
    struct pollfd polled = {.fd = connection->fd, .events = events};
    gint64 left_us = connection->deadline_us - g_get_monotonic_time();

    return left_us > 0 && poll(&polled, 1, (int)(left_us / 1000) + 1) == 1;
}

static gboolean receive_more(Connection *connection)
{
    char bytes[4096];
    ssize_t got;

    if (connection->input->len >= INPUT_LEN_MAX || !wait_for(connection, POLLIN))
        return FALSE;
    got = recv(connection->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0)
        g_string_append_len(connection->input, bytes, got);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void send_all(const Connection *connection, const GString *text)
{
    gsize sent = 0;

    while (sent < text->len && wait_for(connection, POLLOUT)) {
        ssize_t count =
            send(connection->fd, text->str + sent, text->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return;
        sent += count > 0 ? (gsize)count : 0;
    }
}

/* The peer may still be sending what was refused: closed at once, it would be told of a reset
 * connection instead of the answer. */
static void end_politely(Connection *connection)
{
    (void)shutdown(connection->fd, SHUT_WR);
    connection->deadline_us = MIN(connection->deadline_us, g_get_monotonic_time() + G_USEC_PER_SEC);
    g_string_truncate(connection->input, 0);
    while (receive_more(connection))
        continue;
}

static void answer(Server *server, Connection *connection, WitnessHttpProgress progress,
                   const WitnessHttpRequest *request)
{
    WitnessAnswer said = {0};
    g_autoptr(GString) text = NULL;

    if (progress == WITNESS_HTTP_REFUSED) {
        said = (WitnessAnswer){request->status, "text/plain", g_strdup("refused\n")};
    } else {
        g_mutex_lock(&server->lock);
        witness_answer(server->witness, request, connection->input->str + request->head_len,
                       (guint64)(g_get_real_time() / G_USEC_PER_SEC), &said);
        g_mutex_unlock(&server->lock);
    }
    text = witness_http_answer(said.status, said.content_type, said.body);
    g_free(said.body);
    send_all(connection, text);
    end_politely(connection);
}

static void attend(gpointer fd_plus_one, gpointer user)
{
    Server *server = user;
    g_auto(Connection)
        connection = {.fd = GPOINTER_TO_INT(fd_plus_one) - 1,
                      .deadline_us = g_get_monotonic_time() + WITNESS_DEADLINE_S * G_USEC_PER_SEC,
                      .input = g_string_new(NULL)};
    WitnessHttpRequest request;
    WitnessHttpProgress progress = WITNESS_HTTP_MORE;

    while (progress == WITNESS_HTTP_MORE && receive_more(&connection))
        progress = witness_http_parse(connection.input->str, connection.input->len, &request);
    if (progress != WITNESS_HTTP_MORE)
        answer(server, &connection, progress, &request);
    g_atomic_int_add(&server->connections, -1);
}

/* ---- the listener --------------------------------------------------------------------------- */

static struct addrinfo *parse_address(const char *text, GError **error)
{
    const char *colon = strrchr(text, ':');
    g_autofree char *host = colon == NULL ? NULL : g_strndup(text, (gsize)(colon - text));
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    gsize len = host == NULL ? 0 : strlen(host);

    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        memmove(host, host + 1, len - 1);
    }
    if (len == 0 || getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "%s is no address to listen on, like 127.0.0.1:2480 or [::1]:2480", text);
        return NULL;
    }
    return found;
}

static int listen_on(const char *address, GError **error)
{
    struct addrinfo *found = parse_address(address, error);
    g_auto(VaultFd) fd = -1;
    int yes = 1;
    gboolean is_bound;

    if (found == NULL)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    is_bound = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
               bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 64) == 0;
    if (!is_bound)
        vault_error_set_errno(error, errno, "cannot listen on", address);
    freeaddrinfo(found);
    if (!is_bound)
        return -1;
    yes = fd;
    fd = -1;
    return yes;
}

static char *name_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return g_strdup("?");
    return g_strdup_printf(address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void take_connection(Server *server, GThreadPool *pool, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (g_atomic_int_add(&server->connections, 1) >= WITNESS_CONNECTIONS_MAX) {
        g_atomic_int_add(&server->connections, -1);
        vault_fd_close(&fd);
        return;
    }
    g_thread_pool_push(pool, GINT_TO_POINTER(fd + 1), NULL);
}

static void accept_until_told(Server *server, GThreadPool *pool, int listener, int signals)
{
    struct pollfd polled[] = {{.fd = listener, .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};

    while (polled[1].revents == 0) {
        if (poll(polled, G_N_ELEMENTS(polled), -1) > 0 && polled[0].revents != 0)
            take_connection(server, pool, listener);
    }
}

static int block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

gboolean witness_serve(Witness *witness, const char *address, void (*ready)(const char *address),
                       GError **error)
{
    g_auto(VaultFd) listener = listen_on(address, error);
    g_auto(VaultFd) signals = -1;
    g_autofree char *where = NULL;
    Server server = {.witness = witness};
    GThreadPool *pool;

    if (listener < 0)
        return FALSE;
    signals = block_signals();
    if (signals < 0)
        return vault_error_set_errno(error, errno, "cannot wait for", "signals");
    g_mutex_init(&server.lock);
    pool = g_thread_pool_new(attend, &server, WITNESS_CONNECTIONS_MAX, TRUE, error);
    if (pool != NULL) {
        where = name_of(listener);
        ready(where);
        accept_until_told(&server, pool, listener, signals);
        g_thread_pool_free(pool, FALSE, TRUE);
    }
    g_mutex_clear(&server.lock);
    return pool != NULL;
}
