/* The connections there are, each with a thread of its own; LMTP and control sockets alike.
 *
 *   accepted --start--> thread runs --its function returns--> removed, closed
 *
 * Stopping: those that are idle are woken (their reading half is shut down, so that they can still
 * say goodbye), the others end by themselves when their delivery is answered; after a deadline the
 * rest is cut off. Threads: all functions are safe.
 */
#pragma once

#include <stdatomic.h>

#include "archived/config_address.h"
#include "archived/daemon.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ARCHIVED_THREAD_STACK_LEN (1u << 20) /* their frames are larger */
#else
#define ARCHIVED_THREAD_STACK_LEN (256u << 10)
#endif

typedef enum {
    ARCHIVED_CONNECTION_LMTP,
    ARCHIVED_CONNECTION_STATUS,
    ARCHIVED_CONNECTION_READ,
    ARCHIVED_CONNECTION_OPERATE,
    ARCHIVED_CONNECTION_KINDS
} ArchivedConnectionKind;

/* Control connections at a time, of each duty. */
#define ARCHIVED_CONTROL_CONNECTIONS_MAX 16

typedef struct {
    gboolean is_unix;
    guint8 bytes[ARCHIVED_PEER_LEN]; /* TCP address, or the uid */
    guint32 uid, pid;                /* unix */
    char text[64];                   /* for the log */
} ArchivedPeer;

typedef struct {
    guint64 id; /* from 1, never again */
    int fd;
    ArchivedConnectionKind kind;
    ArchivedPeer peer;
    ArchivedDaemon *daemon;
    atomic_bool is_idle;
    _Atomic gint64 commit_since_us; /* monotonic; 0 = no commit under way */
} ArchivedConnection;

ArchivedConnections *archived_connections_new(void);
void archived_connections_free(ArchivedConnections *connections); /* there are none any more */

/* Who is at the other end of an accepted socket. FALSE when it is gone already. */
gboolean archived_peer_of(int fd, ArchivedPeer *ret_peer);

typedef void (*ArchivedConnectionRun)(ArchivedConnection *connection);
/* Takes over the descriptor, also when it fails (BUSY: no thread could be made). */
gboolean archived_connections_start(ArchivedDaemon *daemon, int fd, ArchivedConnectionKind kind,
                                    const ArchivedPeer *peer, ArchivedConnectionRun run,
                                    GError **error);
guint archived_connections_count(ArchivedConnections *connections, ArchivedConnectionKind kind);
guint archived_connections_count_peer(ArchivedConnections *connections, const ArchivedPeer *peer);

/* A connection is about to wait for a peer that has nothing under way. FALSE: the daemon stops, say
 * goodbye instead. */
gboolean archived_connection_enter_idle(ArchivedConnection *connection);
void archived_connection_leave_idle(ArchivedConnection *connection);

/* daemon->is_stopping must be set before. */
void archived_connections_wake_idle(ArchivedConnections *connections);
void archived_connections_cut(ArchivedConnections *connections);
/* TRUE when all are gone before the deadline (monotonic us). */
gboolean archived_connections_wait_gone(ArchivedConnections *connections, gint64 deadline_us);

/* For how long the oldest commit is under way; 0 when there is none. */
gint64 archived_connections_oldest_commit_us(ArchivedConnections *connections);
