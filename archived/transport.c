#include "archived/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/time.h>

void archived_transport_open(ArchivedTransport *transport, int fd, guint timeout_s)
{
    const struct timeval timeout = {.tv_sec = timeout_s};
    const int on = 1;

    *transport = (ArchivedTransport){.fd = fd};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on unix sockets: fine */
}

static ArchivedRead read_clear(const ArchivedTransport *transport, void *ret_bytes, gsize len_max,
                               gsize *ret_len)
{
    ssize_t got;

    do
        got = recv(transport->fd, ret_bytes, len_max, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? ARCHIVED_READ_TIMEOUT
                                                       : ARCHIVED_READ_BROKEN;
    *ret_len = (gsize)got;
    return got == 0 ? ARCHIVED_READ_END : ARCHIVED_READ_BYTES;
}

static ArchivedRead read_tls(const ArchivedTransport *transport, void *ret_bytes, gsize len_max,
                             gsize *ret_len)
{
    int result;

    ERR_clear_error();
    result = SSL_read_ex(transport->tls, ret_bytes, len_max, ret_len);
    if (result == 1)
        return ARCHIVED_READ_BYTES;
    switch (SSL_get_error(transport->tls, result)) {
    case SSL_ERROR_ZERO_RETURN:
        return ARCHIVED_READ_END;
    case SSL_ERROR_WANT_READ: /* the socket's timeout */
    case SSL_ERROR_WANT_WRITE:
        return ARCHIVED_READ_TIMEOUT;
    default:
        return ARCHIVED_READ_BROKEN;
    }
}

ArchivedRead archived_transport_read(ArchivedTransport *transport, void *ret_bytes, gsize len_max,
                                     gsize *ret_len)
{
    *ret_len = 0;
    return transport->tls == NULL ? read_clear(transport, ret_bytes, len_max, ret_len)
                                  : read_tls(transport, ret_bytes, len_max, ret_len);
}

static gsize write_some(const ArchivedTransport *transport, const void *bytes, gsize len)
{
    gsize written = 0;
    ssize_t sent;

    if (transport->tls != NULL) {
        ERR_clear_error();
        return SSL_write_ex(transport->tls, bytes, len, &written) == 1 ? written : 0;
    }
    do
        sent = send(transport->fd, bytes, len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? 0 : (gsize)sent;
}

gboolean archived_transport_write(ArchivedTransport *transport, const void *bytes, gsize len)
{
    const guint8 *next = bytes;

    while (len > 0) {
        gsize written = write_some(transport, next, len);

        if (written == 0)
            return FALSE;
        next += written;
        len -= written;
    }
    return TRUE;
}

gboolean archived_transport_secure(ArchivedTransport *transport, SSL_CTX *context, GError **error)
{
    SSL *tls = SSL_new(context);
    unsigned long code;

    ERR_clear_error();
    if (tls != NULL && SSL_set_fd(tls, transport->fd) == 1 && SSL_accept(tls) == 1) {
        transport->tls = tls;
        return TRUE;
    }
    code = ERR_peek_error();
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "TLS handshake failed: %s",
                code == 0 ? "the peer went away" : ERR_reason_error_string(code));
    ERR_clear_error();
    SSL_free(tls);
    return FALSE;
}

void archived_transport_close(ArchivedTransport *transport)
{
    if (transport->tls == NULL)
        return;
    SSL_shutdown(transport->tls);
    SSL_free(transport->tls);
    transport->tls = NULL;
    ERR_clear_error();
}
