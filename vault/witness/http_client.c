#include "vault/witness/http_client.h"

#include "vault/base/error.h"
#include "vault/base/file.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    char *host, *port, *target;
} Url;

static void url_clear(Url *url)
{
    g_free(url->host);
    g_free(url->port);
    g_free(url->target);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Url, url_clear)

void http_answer_clear(HttpAnswer *answer)
{
    g_clear_pointer(&answer->body, g_bytes_unref);
}

static gboolean parse_url(const char *text, Url *ret_url, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_ENCODED, NULL);
    const char *path = uri == NULL ? "" : g_uri_get_path(uri);

    if (uri != NULL && g_str_equal(g_uri_get_scheme(uri), "https")) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "%s: only plain http is spoken, which is enough for what is signed; use "
                    "files where there is https only",
                    text);
        return FALSE;
    }
    if (uri == NULL || !g_str_equal(g_uri_get_scheme(uri), "http") || g_uri_get_host(uri) == NULL ||
        *g_uri_get_host(uri) == '\0' || g_uri_get_userinfo(uri) != NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "%s is no address like http://host/path", text);
        return FALSE;
    }
    ret_url->host = g_strdup(g_uri_get_host(uri));
    ret_url->port = g_strdup_printf("%d", g_uri_get_port(uri) < 0 ? 80 : g_uri_get_port(uri));
    ret_url->target = g_uri_get_query(uri) == NULL ? g_strdup(*path == '\0' ? "/" : path)
                                                   : g_strconcat(*path == '\0' ? "/" : path, "?",
                                                                 g_uri_get_query(uri), NULL);
    return TRUE;
}

/* How long what is under way may take, and what ends it before. */
typedef struct {
    gint64 deadline_us;
    int stop_fd;
} Patience;

static gboolean wait_for(int fd, short events, const Patience *patience)
{
    struct pollfd polled[] = {{.fd = fd, .events = events},
                              {.fd = patience->stop_fd, .events = POLLIN}};
    gint64 left_us = patience->deadline_us - g_get_monotonic_time();
    int ready = left_us > 0 ? poll(polled, G_N_ELEMENTS(polled), (int)(left_us / 1000) + 1) : 0;

    if (ready > 0 && polled[1].revents == 0)
        return TRUE;
    errno = ready > 0 ? ECANCELED : ETIMEDOUT;
    return FALSE;
}

static int try_connect(const struct addrinfo *address, const Patience *patience)
{
    g_auto(VaultFd) fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failure = 0, connected;
    socklen_t len = sizeof failure;

    if (fd < 0)
        return -1;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, patience) ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
            return -1;
        if (failure != 0)
            return errno = failure, -1;
    }
    connected = fd;
    fd = -1;
    return connected;
}

static int connect_to(const Url *url, const Patience *patience, GError **error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fd = -1, code = getaddrinfo(url->host, url->port, &hints, &found);

    if (code != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot find the host %s: %s", url->host,
                    gai_strerror(code));
        return -1;
    }
    errno = EHOSTUNREACH;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
        fd = try_connect(at, patience);
    if (fd < 0)
        vault_error_set_errno(error, errno, "cannot connect to", url->host);
    freeaddrinfo(found);
    return fd;
}

static gboolean send_all(int fd, const char *bytes, gsize len, const Patience *patience)
{
    while (len > 0) {
        ssize_t sent;

        if (!wait_for(fd, POLLOUT, patience))
            return FALSE;
        sent = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return FALSE;
        bytes += MAX(sent, 0);
        len -= (gsize)MAX(sent, 0);
    }
    return TRUE;
}

/* To the end of the connection: HTTP/1.0 is asked for, so that is where the answer ends. */
static gboolean receive_all(int fd, GByteArray *answer, const Patience *patience)
{
    guint8 bytes[4096];

    for (;;) {
        ssize_t got;

        if (!wait_for(fd, POLLIN, patience))
            return FALSE;
        got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got == 0)
            return TRUE;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return FALSE;
        if (got > 0)
            g_byte_array_append(answer, bytes, (guint)got);
        if (answer->len > HTTP_CLIENT_ANSWER_LEN_MAX)
            return errno = EMSGSIZE, FALSE;
    }
}

static gboolean parse_answer(const GByteArray *bytes, HttpAnswer *ret_answer, GError **error)
{
    const char *text = (const char *)bytes->data;
    const char *end = bytes->len == 0 ? NULL : memmem(text, bytes->len, "\r\n\r\n", 4);
    gsize head_len = end == NULL ? 0 : (gsize)(end - text) + 4;
    gsize body_len = bytes->len - head_len;
    guint8 *body;

    if (head_len < strlen("HTTP/1.1 200\r\n") || memcmp(text, "HTTP/1.", 7) != 0 ||
        !g_ascii_isdigit(text[9]) || !g_ascii_isdigit(text[10]) || !g_ascii_isdigit(text[11])) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "the answer is no HTTP");
        return FALSE;
    }
    ret_answer->status = (guint)((text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0'));
    body = g_malloc(body_len + 1);
    memcpy(body, text + head_len, body_len);
    body[body_len] = '\0';
    ret_answer->body = g_bytes_new_take(body, body_len);
    return TRUE;
}

static gboolean talk(int fd, const GString *request, GByteArray *answer, const Patience *patience,
                     const char *host, GError **error)
{
    if (send_all(fd, request->str, request->len, patience) && receive_all(fd, answer, patience))
        return TRUE;
    if (errno == EMSGSIZE) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "%s answers more than %d bytes",
                    host, HTTP_CLIENT_ANSWER_LEN_MAX);
        return FALSE;
    }
    return vault_error_set_errno(error, errno, "no answer from", host);
}

gboolean http_client_post(const HttpPost *post, HttpAnswer *ret_answer, GError **error)
{
    const Patience patience = {.deadline_us =
                                   g_get_monotonic_time() + HTTP_CLIENT_DEADLINE_S * G_USEC_PER_SEC,
                               .stop_fd = post->stop_fd};
    g_auto(Url) url = {0};
    g_auto(VaultFd) fd = -1;
    g_autoptr(GString) request = g_string_new(NULL);
    g_autoptr(GByteArray) answer = g_byte_array_new();

    if (!parse_url(post->url, &url, error))
        return FALSE;
    fd = connect_to(&url, &patience, error);
    if (fd < 0)
        return FALSE;
    g_string_printf(request,
                    "POST %s HTTP/1.0\r\nHost: %s\r\nContent-Type: %s\r\n"
                    "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n",
                    url.target, url.host, post->content_type, post->len);
    g_string_append_len(request, post->body, (gssize)post->len);
    return talk(fd, request, answer, &patience, url.host, error) &&
           parse_answer(answer, ret_answer, error);
}
