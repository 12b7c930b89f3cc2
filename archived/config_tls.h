/* The TLS side of a configuration: an SSL_CTX for STARTTLS, or why there can be none.
 *
 * TLS 1.2 and up, no session resumption, no renegotiation; with client_ca= the handshake fails for
 * peers without a certificate of one of its authorities. */
#pragma once

#include <openssl/ssl.h>

#include "archived/config.h"

typedef enum {
    ARCHIVED_TLS_CERTIFICATE,
    ARCHIVED_TLS_PRIVATE_KEY,
    ARCHIVED_TLS_CLIENT_CA,
    ARCHIVED_TLS_LIBRARY,
} ArchivedTlsPart;

/* NULL with MALFORMED or IO; *ret_part says which file is to blame. tls= must not be off. The
 * caller owns a reference (SSL_CTX_free). */
SSL_CTX *archived_tls_context_new(const ArchivedConfig *config, ArchivedTlsPart *ret_part,
                                  GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL_CTX, SSL_CTX_free)
