/* One LMTP connection of the load generator: blocking, one thread, strict about replies. */
#pragma once

#include <glib.h>

typedef struct {
    const char *host; /* address, or path of a unix socket when it begins with '/' */
    guint port;
    const char *domain, *sender;
    guint users;           /* recipients user0..user<n-1>@domain */
    guint owners;          /* recipients of each message */
    gboolean is_pipelined; /* the next MAIL, RCPT, DATA travel with the final dot */
} BenchTarget;

typedef struct {
    GPtrArray *messages;
    gint *next;           /* shared, atomic: index of the next message */
    GArray *latencies_us; /* gdouble: from the final dot sent to its last reply */
    guint64 refused_count;
} BenchShare;

void bench_connection_run(const BenchTarget *target, BenchShare *share);
