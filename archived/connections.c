#include "archived/connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ArchivedConnections {
    GMutex lock;
    GCond gone;
    GPtrArray *list; /* ArchivedConnection, on their threads' heap */
    GArray *ended;   /* pthread_t: threads that are about to end, to be joined */
    guint counts[ARCHIVED_CONNECTION_KINDS];
    guint64 last_id;
};

ArchivedConnections *archived_connections_new(void)
{
    ArchivedConnections *connections = g_new0(ArchivedConnections, 1);

    g_mutex_init(&connections->lock);
    g_cond_init(&connections->gone);
    connections->list = g_ptr_array_new();
    connections->ended = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    return connections;
}

/* A thread that has left the list still frees what it keeps for itself (OpenSSL's error queue,
 * hash contexts), and uses the lock: only after it was joined may these go. */
static void join_ended(ArchivedConnections *connections)
{
    g_autoptr(GArray) ended = NULL;

    g_mutex_lock(&connections->lock);
    ended = connections->ended;
    connections->ended = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    g_mutex_unlock(&connections->lock);
    for (guint i = 0; i < ended->len; i++)
        pthread_join(g_array_index(ended, pthread_t, i), NULL);
}

void archived_connections_free(ArchivedConnections *connections)
{
    if (connections == NULL)
        return;
    g_assert(connections->list->len == 0);
    join_ended(connections);
    g_array_unref(connections->ended);
    g_ptr_array_unref(connections->list);
    g_mutex_clear(&connections->lock);
    g_cond_clear(&connections->gone);
    g_free(connections);
}

static gboolean peer_of_unix(int fd, ArchivedPeer *peer)
{
    struct ucred credentials;
    socklen_t len = sizeof credentials;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0)
        return FALSE;
    peer->is_unix = TRUE;
    peer->uid = credentials.uid;
    peer->pid = (guint32)credentials.pid;
    memcpy(peer->bytes, &peer->uid, sizeof peer->uid);
    snprintf(peer->text, sizeof peer->text, "unix:uid=%u:pid=%u", peer->uid, peer->pid);
    return TRUE;
}

gboolean archived_peer_of(int fd, ArchivedPeer *ret_peer)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;

    *ret_peer = (ArchivedPeer){0};
    if (getpeername(fd, (struct sockaddr *)&address, &len) != 0)
        return FALSE;
    if (!archived_peer_from_address(&address, ret_peer->bytes))
        return peer_of_unix(fd, ret_peer);
    if (address.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, ret_peer->text,
                  sizeof ret_peer->text);
    else
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address)->sin6_addr, ret_peer->text,
                  sizeof ret_peer->text);
    return TRUE;
}

typedef struct {
    ArchivedConnection connection;
    ArchivedConnectionRun run;
} Thread;

static void connections_add(ArchivedConnections *connections, ArchivedConnection *connection)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);

    connection->id = ++connections->last_id;
    connections->counts[connection->kind]++;
    g_ptr_array_add(connections->list, connection);
}

/* The descriptor is closed under the lock: nobody may shut down its number's next owner. */
static void remove_locked(ArchivedConnections *connections, ArchivedConnection *connection)
{
    g_ptr_array_remove_fast(connections->list, connection);
    connections->counts[connection->kind]--;
    close(connection->fd);
    g_cond_broadcast(&connections->gone);
}

/* By the connection's own thread, as its last act. */
static void connections_leave(ArchivedConnections *connections, ArchivedConnection *connection)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);
    pthread_t self = pthread_self();

    g_array_append_val(connections->ended, self);
    remove_locked(connections, connection);
}

static void connections_remove(ArchivedConnections *connections, ArchivedConnection *connection)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);

    remove_locked(connections, connection);
}

static void *run_thread(void *user)
{
    Thread *thread = user;
    ArchivedConnections *connections = thread->connection.daemon->connections;

    thread->run(&thread->connection);
    connections_leave(connections, &thread->connection);
    g_free(thread);
    return NULL;
}

static int create_thread(Thread *thread)
{
    pthread_attr_t attributes;
    pthread_t id;
    int failure;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, ARCHIVED_THREAD_STACK_LEN);
    failure = pthread_create(&id, &attributes, run_thread, thread);
    pthread_attr_destroy(&attributes);
    return failure;
}

gboolean archived_connections_start(ArchivedDaemon *daemon, int fd, ArchivedConnectionKind kind,
                                    const ArchivedPeer *peer, ArchivedConnectionRun run,
                                    GError **error)
{
    Thread *thread = g_new0(Thread, 1);
    int failure;

    join_ended(daemon->connections);
    thread->run = run;
    thread->connection.fd = fd;
    thread->connection.kind = kind;
    thread->connection.peer = *peer;
    thread->connection.daemon = daemon;
    connections_add(daemon->connections, &thread->connection);
    failure = create_thread(thread);
    if (failure == 0)
        return TRUE;
    connections_remove(daemon->connections, &thread->connection);
    g_free(thread);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "no thread for a connection: %s (see TasksMax= and memory)", g_strerror(failure));
    return FALSE;
}

guint archived_connections_count(ArchivedConnections *connections, ArchivedConnectionKind kind)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);

    return connections->counts[kind];
}

guint archived_connections_count_peer(ArchivedConnections *connections, const ArchivedPeer *peer)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);
    guint count = 0;

    for (guint i = 0; i < connections->list->len; i++) {
        const ArchivedConnection *other = connections->list->pdata[i];

        if (other->kind == ARCHIVED_CONNECTION_LMTP && other->peer.is_unix == peer->is_unix &&
            memcmp(other->peer.bytes, peer->bytes, ARCHIVED_PEER_LEN) == 0)
            count++;
    }
    return count;
}

/* Either this sees is_stopping, or wake_idle() sees is_idle: both are sequentially consistent. */
gboolean archived_connection_enter_idle(ArchivedConnection *connection)
{
    atomic_store(&connection->is_idle, TRUE);
    return !atomic_load(&connection->daemon->is_stopping);
}

void archived_connection_leave_idle(ArchivedConnection *connection)
{
    atomic_store(&connection->is_idle, FALSE);
}

void archived_connections_wake_idle(ArchivedConnections *connections)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);

    for (guint i = 0; i < connections->list->len; i++) {
        ArchivedConnection *connection = connections->list->pdata[i];

        if (atomic_load(&connection->is_idle))
            shutdown(connection->fd, SHUT_RD);
    }
}

void archived_connections_cut(ArchivedConnections *connections)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);

    for (guint i = 0; i < connections->list->len; i++)
        shutdown(((ArchivedConnection *)connections->list->pdata[i])->fd, SHUT_RDWR);
}

gboolean archived_connections_wait_gone(ArchivedConnections *connections, gint64 deadline_us)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);

    while (connections->list->len > 0) {
        if (!g_cond_wait_until(&connections->gone, &connections->lock, deadline_us))
            return connections->list->len == 0;
    }
    return TRUE;
}

gint64 archived_connections_oldest_commit_us(ArchivedConnections *connections)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connections->lock);
    gint64 now = g_get_monotonic_time();
    gint64 oldest = 0;

    for (guint i = 0; i < connections->list->len; i++) {
        ArchivedConnection *connection = connections->list->pdata[i];
        gint64 since = atomic_load(&connection->commit_since_us);

        if (since != 0)
            oldest = MAX(oldest, now - since);
    }
    return oldest;
}
