/* What all threads of the daemon share: the vault, the configuration in force, the memory budget,
 * the counters. Only wiring; each part has its own header.
 *
 * Threads: all functions are safe. config and tls are replaced by a reload; a connection takes its
 * references once, at its start, and keeps them to its end.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "archived/budget.h"
#include "archived/config.h"
#include "archived/memory_lock.h"
#include "ingest/extract/pool.h"
#include "ingest/terms_maker.h"
#include "vault/keep.h"

typedef struct {
    _Atomic guint64 connections, connections_refused; /* since the start */
    _Atomic guint64 messages, messages_already, messages_failed;
    _Atomic guint64 recipients, message_bytes;
    _Atomic guint64 unassigned;
    _Atomic guint64 messages_without_terms; /* for which they could not be made */
} ArchivedCounters;

typedef struct ArchivedConnections ArchivedConnections;
typedef struct ArchivedWitnesses ArchivedWitnesses;

typedef struct {
    GMutex lock;
    ArchivedConfig *config; /* under lock */
    SSL_CTX *tls;           /* under lock; NULL when tls=off */
    GError *reload_failure; /* under lock; of the last reload, NULL when it was good */

    VaultKeep *keep;
    ArchivedBudget *budget;
    ArchivedBudget *grants;     /* what clients of run/read hold: see control_release.h */
    IngestExtractPool *extract; /* NULL: attached documents are not read */
    IngestTermsMaker *terms;    /* NULL: no terms are made */
    /* What the terms of long messages hold together: of one as long as can be, or several. It is
     * part of `budget` too. */
    ArchivedBudget *terms_memory;
    ArchivedConnections *connections;
    ArchivedWitnesses *witnesses; /* NULL: not started yet */
    ArchivedCounters counters;
    ArchivedMemoryLock memory_lock;
    guint64 started_s;
    atomic_bool is_stopping;
    _Atomic gint64 failure_logged_us; /* when a failed message was last written to the log */
    int wake_fd;                      /* eventfd: the accept loop looks at `wishes` */
    atomic_uint wishes;               /* ArchivedWish bits */
} ArchivedDaemon;

typedef enum { ARCHIVED_WISH_STOP = 1, ARCHIVED_WISH_RELOAD = 2 } ArchivedWish;

ArchivedConfig *archived_daemon_config(ArchivedDaemon *daemon); /* a reference */
SSL_CTX *archived_daemon_tls(ArchivedDaemon *daemon);           /* a reference, or NULL */

/* Reads the configuration and certificates again; a bad one leaves the old in force. Waits for
 * nobody: connections that exist keep what they have. */
gboolean archived_daemon_reload(ArchivedDaemon *daemon, GError **error);

/* Asks the accept loop, from any thread. */
void archived_daemon_wish(ArchivedDaemon *daemon, ArchivedWish wish);

/* A message that was answered with an error: counted, and logged at most once a second. */
void archived_daemon_note_failure(ArchivedDaemon *daemon, const GError *failure,
                                  guint64 connection);

guint64 archived_now_s(void);
