#include "archived/config_tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>

/* Sets "cannot use PATH as WHAT: REASON: REMEDY", with the library's first reason. */
static SSL_CTX *refuse(GError **error, ArchivedTlsPart *ret_part, ArchivedTlsPart part,
                       const char *path, const char *remedy)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

    *ret_part = part;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "cannot use %s: %s: %s", path,
                reason == NULL ? "not readable" : reason, remedy);
    ERR_clear_error();
    return NULL;
}

/* Keys with a passphrase are refused instead of asked for on a terminal nobody watches. */
static int refuse_passphrase(char *buffer, int len, int is_writing, void *user)
{
    (void)buffer;
    (void)len;
    (void)is_writing;
    (void)user;
    return -1;
}

static SSL_CTX *base_context(void)
{
    g_autoptr(SSL_CTX) context = SSL_CTX_new(TLS_server_method());

    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     /* LMTP marks its own ends; this lets us still write a 421 */
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    return g_steal_pointer(&context);
}

static gboolean demand_client_certificates(SSL_CTX *context, const char *path)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);

    if (names == NULL)
        return FALSE;
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return SSL_CTX_load_verify_file(context, path) == 1;
}

SSL_CTX *archived_tls_context_new(const ArchivedConfig *config, ArchivedTlsPart *ret_part,
                                  GError **error)
{
    g_autoptr(SSL_CTX) context = NULL;

    ERR_clear_error();
    context = base_context();
    if (context == NULL)
        return refuse(error, ret_part, ARCHIVED_TLS_LIBRARY, "OpenSSL", "check its installation");
    if (SSL_CTX_use_certificate_chain_file(context, config->certificate) != 1)
        return refuse(error, ret_part, ARCHIVED_TLS_CERTIFICATE, config->certificate,
                      "certificate= must be a PEM file that the vault's owner can read");
    if (SSL_CTX_use_PrivateKey_file(context, config->private_key, SSL_FILETYPE_PEM) != 1)
        return refuse(error, ret_part, ARCHIVED_TLS_PRIVATE_KEY, config->private_key,
                      "private_key= must be the PEM file of certificate='s key, without "
                      "passphrase, that the vault's owner can read");
    if (config->client_ca != NULL && !demand_client_certificates(context, config->client_ca))
        return refuse(error, ret_part, ARCHIVED_TLS_CLIENT_CA, config->client_ca,
                      "client_ca= must be a PEM file of certificates that the vault's owner can "
                      "read");
    return g_steal_pointer(&context);
}
