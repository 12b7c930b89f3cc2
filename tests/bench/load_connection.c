#include "tests/bench/load_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct {
    int fd;
    char buffer[16384];
    gsize start, end;
} Connection;

static int connect_to(const BenchTarget *target)
{
    int one = 1;

    if (target->host[0] == '/') {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_strlcpy(address.sun_path, target->host, sizeof address.sun_path);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
            g_error("cannot connect to %s: %s", target->host, g_strerror(errno));
        return fd;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((guint16)target->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert(inet_pton(AF_INET, target->host, &address.sin_addr) == 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        g_error("cannot connect to %s:%u: %s", target->host, target->port, g_strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void send_two(int fd, const char *first, gsize first_len, const char *second,
                     gsize second_len)
{
    struct iovec parts[2] = {{(void *)first, first_len}, {(void *)second, second_len}};
    struct iovec *next = parts;
    int left = 2;

    while (left > 0) {
        ssize_t sent = writev(fd, next, left);

        if (sent < 0)
            g_error("the server closed the connection: %s", g_strerror(errno));
        while (left > 0 && (gsize)sent >= next->iov_len) {
            sent -= (ssize_t)next->iov_len;
            next++;
            left--;
        }
        if (left > 0) {
            next->iov_base = (char *)next->iov_base + sent;
            next->iov_len -= (gsize)sent;
        }
    }
}

/* One whole reply, continuation lines included; its code. */
static int read_reply(Connection *connection)
{
    for (;;) {
        char *line = connection->buffer + connection->start;
        char *end = memchr(line, '\n', connection->end - connection->start);

        if (end != NULL) {
            connection->start = (gsize)(end + 1 - connection->buffer);
            if (end - line >= 4 && line[3] == '-')
                continue;
            return atoi(line);
        }
        memmove(connection->buffer, line, connection->end - connection->start);
        connection->end -= connection->start;
        connection->start = 0;
        ssize_t got = read(connection->fd, connection->buffer + connection->end,
                           sizeof connection->buffer - connection->end);
        if (got <= 0)
            g_error("the server closed the connection");
        connection->end += (gsize)got;
    }
}

static void append_envelope(GString *out, const BenchTarget *target, guint index)
{
    g_string_append_printf(out, "MAIL FROM:<%s%u@%s>\r\n", target->sender, index % 97,
                           target->domain);
    for (guint i = 0; i < target->owners; i++)
        g_string_append_printf(out, "RCPT TO:<user%u@%s>\r\n", (index * 7 + i) % target->users,
                               target->domain);
    g_string_append(out, "DATA\r\n");
}

static void expect_go_ahead(Connection *connection, const BenchTarget *target)
{
    int code = read_reply(connection);

    for (guint i = 0; code == 250 && i < target->owners; i++)
        code = read_reply(connection);
    if (code == 250)
        code = read_reply(connection);
    if (code != 354)
        g_error("the server answered %d before the message", code);
}

static gint take_next(const BenchShare *share)
{
    gint index = g_atomic_int_add(share->next, 1);

    return index < (gint)share->messages->len ? index : -1;
}

static void deliver_all(Connection *connection, const BenchTarget *target, BenchShare *share)
{
    g_autoptr(GString) envelope = g_string_new(NULL);
    gint index = take_next(share);

    if (index >= 0) {
        append_envelope(envelope, target, (guint)index);
        send_two(connection->fd, envelope->str, envelope->len, "", 0);
    }
    while (index >= 0) {
        gsize len;
        const char *text = g_bytes_get_data(share->messages->pdata[index], &len);
        gint following = take_next(share);
        gint64 started;

        expect_go_ahead(connection, target);
        g_string_truncate(envelope, 0);
        if (following >= 0)
            append_envelope(envelope, target, (guint)following);
        started = g_get_monotonic_time();
        send_two(connection->fd, text, len, envelope->str,
                 target->is_pipelined ? envelope->len : 0);
        for (guint i = 0; i < target->owners; i++)
            if (read_reply(connection) != 250)
                share->refused_count++;
        gdouble latency = (gdouble)(g_get_monotonic_time() - started);
        g_array_append_val(share->latencies_us, latency);
        if (!target->is_pipelined && following >= 0)
            send_two(connection->fd, envelope->str, envelope->len, "", 0);
        index = following;
    }
}

void bench_connection_run(const BenchTarget *target, BenchShare *share)
{
    Connection connection = {.fd = connect_to(target)};

    if (read_reply(&connection) != 220)
        g_error("no greeting");
    send_two(connection.fd, "LHLO bench\r\n", 12, "", 0);
    if (read_reply(&connection) != 250)
        g_error("LHLO refused");
    deliver_all(&connection, target, share);
    send_two(connection.fd, "QUIT\r\n", 6, "", 0);
    close(connection.fd);
}
