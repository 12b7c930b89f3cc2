#include "archived/config_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#define V4_PREFIX_LEN 96 /* bits of ::ffff:0:0/96 */

static gboolean refuse(GError **error, const char *text, const char *remedy)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "\"%s\" %s", text, remedy);
    return FALSE;
}

static void map_v4(const void *v4, guint8 ret_bytes[ARCHIVED_PEER_LEN])
{
    memset(ret_bytes, 0, 10);
    memset(ret_bytes + 10, 0xff, 2);
    memcpy(ret_bytes + 12, v4, 4);
}

gboolean archived_peer_from_address(const struct sockaddr_storage *address,
                                    guint8 ret_peer[ARCHIVED_PEER_LEN])
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

        map_v4(&v4->sin_addr, ret_peer);
        return TRUE;
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

        memcpy(ret_peer, &v6->sin6_addr, ARCHIVED_PEER_LEN);
        return TRUE;
    }
    return FALSE;
}

gboolean archived_peer_is_loopback(const guint8 peer[ARCHIVED_PEER_LEN])
{
    static const ArchivedNetwork v4_loopback = {.bytes = {[10] = 0xff, [11] = 0xff, [12] = 127},
                                                .prefix_len = V4_PREFIX_LEN + 8};
    static const ArchivedNetwork v6_loopback = {.bytes = {[15] = 1}, .prefix_len = 128};

    return archived_network_contains(&v4_loopback, peer) ||
           archived_network_contains(&v6_loopback, peer);
}

static gboolean parse_port(const char *text, guint16 *ret_port)
{
    guint64 port;

    if (!g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL))
        return FALSE;
    *ret_port = (guint16)port;
    return TRUE;
}

static gboolean parse_unix(ArchivedAddress *address, const char *path, const char *directory,
                           GError **error)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&address->address;
    g_autofree char *full = g_path_is_absolute(path) || directory == NULL
                                ? g_strdup(path)
                                : g_build_filename(directory, path, NULL);

    if (*path == '\0')
        return refuse(error, address->text, "names no file: write unix:/run/archived/lmtp");
    if (strlen(full) >= sizeof un->sun_path)
        return refuse(error, address->text, "is longer than the 107 bytes of a socket address");
    un->sun_family = AF_UNIX;
    g_strlcpy(un->sun_path, full, sizeof un->sun_path);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(full) + 1);
    address->is_unix = TRUE;
    return TRUE;
}

static gboolean parse_v6(ArchivedAddress *address, const char *host, guint16 port)
{
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->address;

    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address->len = sizeof *v6;
    return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

static gboolean parse_v4(ArchivedAddress *address, const char *host, guint16 port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->address;

    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address->len = sizeof *v4;
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

static gboolean parse_tcp(ArchivedAddress *address, GError **error)
{
    const char *text = address->text;
    const char *colon = strrchr(text, ':');
    g_autofree char *host = NULL;
    guint8 peer[ARCHIVED_PEER_LEN];
    gsize host_len;
    guint16 port;

    if (colon == NULL || !parse_port(colon + 1, &port))
        return refuse(error, text,
                      "has no port from 1 to 65535: write 127.0.0.1:2424, [::1]:2424 or "
                      "unix:/path");
    if (port == 25)
        return refuse(error, text,
                      "is the port of SMTP, where LMTP must not run (RFC 2033): "
                      "choose another, 2424 for example");
    host_len = (gsize)(colon - text);
    if (host_len > 2 && text[0] == '[' && text[host_len - 1] == ']') {
        host = g_strndup(text + 1, host_len - 2);
        address->is_loopback = parse_v6(address, host, port);
    } else {
        host = g_strndup(text, host_len);
        address->is_loopback = parse_v4(address, host, port);
    }
    if (!address->is_loopback)
        return refuse(error, text,
                      "is not an IP address and port: write 127.0.0.1:2424 or [::1]:2424 (names "
                      "are not looked up)");
    g_assert(archived_peer_from_address(&address->address, peer));
    address->is_loopback = archived_peer_is_loopback(peer);
    return TRUE;
}

ArchivedAddress *archived_address_parse(const char *text, const char *directory, GError **error)
{
    g_autoptr(ArchivedAddress) address = g_new0(ArchivedAddress, 1);
    gboolean is_good;

    address->text = g_strdup(text);
    is_good = g_str_has_prefix(text, "unix:")
                  ? parse_unix(address, text + strlen("unix:"), directory, error)
                  : parse_tcp(address, error);
    return is_good ? g_steal_pointer(&address) : NULL;
}

void archived_address_free(ArchivedAddress *address)
{
    if (address == NULL)
        return;
    g_free(address->text);
    g_free(address);
}

/* Bits beyond the prefix, which a person wrote by mistake. */
static gboolean has_host_bits(const ArchivedNetwork *network)
{
    for (guint bit = network->prefix_len; bit < 8 * ARCHIVED_PEER_LEN; bit++) {
        if (network->bytes[bit / 8] & (0x80 >> bit % 8))
            return TRUE;
    }
    return FALSE;
}

gboolean archived_network_parse(const char *text, ArchivedNetwork *ret_network, GError **error)
{
    const char *slash = strchr(text, '/');
    g_autofree char *host = slash == NULL ? g_strdup(text) : g_strndup(text, (gsize)(slash - text));
    struct in_addr v4;
    guint bits = 128;
    guint64 prefix_len;

    if (inet_pton(AF_INET, host, &v4) == 1) {
        map_v4(&v4, ret_network->bytes);
        bits = 32;
    } else if (inet_pton(AF_INET6, host, ret_network->bytes) != 1) {
        return refuse(error, text,
                      "is not an address or network: write 192.0.2.7, 192.0.2.0/24 "
                      "or 2001:db8::/32");
    }
    prefix_len = bits;
    if (slash != NULL && !g_ascii_string_to_unsigned(slash + 1, 10, 0, bits, &prefix_len, NULL))
        return refuse(error, text,
                      bits == 32 ? "has no prefix length from 0 to 32 after the slash"
                                 : "has no prefix length from 0 to 128 after the slash");
    ret_network->prefix_len = (guint)prefix_len + (128 - bits);
    if (has_host_bits(ret_network))
        return refuse(error, text,
                      "has bits set after its prefix: write the network's first "
                      "address, or a longer prefix");
    return TRUE;
}

gboolean archived_network_contains(const ArchivedNetwork *network,
                                   const guint8 peer[ARCHIVED_PEER_LEN])
{
    guint whole = network->prefix_len / 8;
    guint rest = network->prefix_len % 8;

    if (memcmp(network->bytes, peer, whole) != 0)
        return FALSE;
    return rest == 0 || ((network->bytes[whole] ^ peer[whole]) & (0xff00 >> rest) & 0xff) == 0;
}
