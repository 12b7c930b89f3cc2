/* Addresses of the configuration: where to listen, and who may connect.
 *
 * Peers and networks are compared as 16 bytes, IPv4 as ::ffff:a.b.c.d. Pure: names are never looked
 * up, so an entry means the same at every start. Errors: MALFORMED, with the remedy.
 */
#pragma once

#include <sys/socket.h>

#include "vault/base/error.h"

#define ARCHIVED_PEER_LEN 16

typedef struct {
    char *text; /* as configured */
    struct sockaddr_storage address;
    socklen_t len;
    gboolean is_unix;
    gboolean is_loopback; /* TCP on 127.0.0.0/8 or ::1 */
} ArchivedAddress;

/* "127.0.0.1:2424", "[::1]:2424", "unix:/path". A relative unix path is taken from `directory`. */
ArchivedAddress *archived_address_parse(const char *text, const char *directory, GError **error);
void archived_address_free(ArchivedAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedAddress, archived_address_free)

typedef struct {
    guint8 bytes[ARCHIVED_PEER_LEN];
    guint prefix_len; /* bits, of 128 */
} ArchivedNetwork;

/* "192.0.2.0/24", "2001:db8::/32", or one address. */
gboolean archived_network_parse(const char *text, ArchivedNetwork *ret_network, GError **error);
gboolean archived_network_contains(const ArchivedNetwork *network,
                                   const guint8 peer[ARCHIVED_PEER_LEN]);

/* The peer of an accepted TCP connection as 16 bytes; FALSE for any other family. */
gboolean archived_peer_from_address(const struct sockaddr_storage *address,
                                    guint8 ret_peer[ARCHIVED_PEER_LEN]);
gboolean archived_peer_is_loopback(const guint8 peer[ARCHIVED_PEER_LEN]);
