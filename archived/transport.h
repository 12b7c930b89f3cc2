/* Bytes to and from a peer, in clear or, after secure(), over TLS. Blocking, with timeouts of the
 * socket itself, so that waiting costs one system call.
 *
 * Threads: one user, the connection's. The descriptor is borrowed.
 */
#pragma once

#include <openssl/ssl.h>

#include "vault/base/error.h"

typedef struct {
    int fd;
    SSL *tls; /* NULL: in clear */
} ArchivedTransport;

typedef enum {
    ARCHIVED_READ_BYTES,
    ARCHIVED_READ_END,     /* the peer closed, or the daemon shut our reading half */
    ARCHIVED_READ_TIMEOUT, /* nothing came for the idle time */
    ARCHIVED_READ_BROKEN
} ArchivedRead;

/* Sets the timeouts and TCP_NODELAY (answers are sent whole, so there is nothing to wait for). */
void archived_transport_open(ArchivedTransport *transport, int fd, guint timeout_s);
ArchivedRead archived_transport_read(ArchivedTransport *transport, void *ret_bytes, gsize len_max,
                                     gsize *ret_len);
gboolean archived_transport_write(ArchivedTransport *transport, const void *bytes, gsize len);
/* The handshake as server. REFUSED: the peer has no acceptable certificate, or the like. */
gboolean archived_transport_secure(ArchivedTransport *transport, SSL_CTX *context, GError **error);
/* Says goodbye in TLS; the descriptor stays open. */
void archived_transport_close(ArchivedTransport *transport);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchivedTransport, archived_transport_close)
