#include "archived/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "archived/control.h"
#include "archived/log.h"
#include "archived/session.h"
#include "vault/base/file.h"

#define POLL_MS 10000       /* without a watchdog */
#define ACCEPT_PAUSE_MS 100 /* after running out of descriptors */

/* Said before any session exists, so not by the machine. */
static const char reply_busy[] = "421 4.3.2 too many connections, try again later\r\n";
static const char reply_untrusted[] = "554 5.7.1 this peer may not connect\r\n";

typedef struct {
    ArchivedDaemon *daemon;
    const ArchivedListeners *listeners;
    VaultFd signal_fd;
    struct pollfd *polled; /* the listeners, then signals, then wishes */
    guint listener_count;
    int poll_ms;
    gboolean has_watchdog;
    gboolean is_paused; /* no descriptors left: the backlog waits */
} Server;

static void server_clear(Server *server)
{
    vault_fd_close(&server->signal_fd);
    g_clear_pointer(&server->polled, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Server, server_clear)

static void fill_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
}

void archived_server_block_signals(void)
{
    sigset_t signals;

    fill_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void refuse(ArchivedDaemon *daemon, int fd, const ArchivedPeer *peer, const char *reply)
{
    /* As far as the socket's buffer takes it: a peer that does not read must not hold us up. */
    ssize_t sent = send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);

    (void)sent;
    close(fd);
    atomic_fetch_add(&daemon->counters.connections_refused, 1);
    archived_log(ARCHIVED_LOG_INFO, "refused", "connection refused", LOG_TEXT("peer", peer->text),
                 LOG_NUMBER("reply", g_ascii_strtoull(reply, NULL, 10)));
}

/* NULL: welcome. */
static const char *reason_to_refuse(ArchivedDaemon *daemon, const ArchivedPeer *peer)
{
    g_autoptr(ArchivedConfig) config = archived_daemon_config(daemon);

    if (!peer->is_unix && !archived_config_allows(config, peer->bytes))
        return reply_untrusted;
    if (archived_connections_count(daemon->connections, ARCHIVED_CONNECTION_LMTP) >=
            config->max_connections ||
        archived_connections_count_peer(daemon->connections, peer) >= config->connections_per_peer)
        return reply_busy;
    return NULL;
}

static void welcome(ArchivedDaemon *daemon, int fd, const ArchivedListener *listener,
                    const ArchivedPeer *peer)
{
    g_autoptr(GError) failure = NULL;
    gboolean is_lmtp = listener->kind == ARCHIVED_CONNECTION_LMTP;
    const char *reason = is_lmtp ? reason_to_refuse(daemon, peer) : NULL;

    if (!is_lmtp && archived_connections_count(daemon->connections, listener->kind) >=
                        ARCHIVED_CONTROL_CONNECTIONS_MAX)
        reason = "{\"ok\":false,\"code\":\"BUSY\",\"message\":\"too many control connections\"}\n";
    if (reason != NULL) {
        refuse(daemon, fd, peer, reason);
        return;
    }
    if (is_lmtp)
        atomic_fetch_add(&daemon->counters.connections, 1);
    if (!archived_connections_start(daemon, fd, listener->kind, peer,
                                    is_lmtp ? archived_session_run : archived_control_run,
                                    &failure))
        archived_log_error(ARCHIVED_LOG_ERROR, "connection", failure, 0);
}

static void accept_from(Server *server, const ArchivedListener *listener)
{
    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        ArchivedPeer peer;

        if (fd < 0) {
            server->is_paused = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
            if (server->is_paused)
                archived_log(ARCHIVED_LOG_ERROR, "accept",
                             "out of file descriptors: raise LimitNOFILE=");
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        if (archived_peer_of(fd, &peer))
            welcome(server->daemon, fd, listener, &peer);
        else
            close(fd);
    }
}

/* ---- signals, wishes, systemd ---------------------------------------------------------------- */

static void do_reload(Server *server)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
    archived_daemon_reload(server->daemon, NULL); /* a failure is logged and shown in status */
    sd_notify(0, "READY=1");
}

static guint take_signals(Server *server)
{
    struct signalfd_siginfo taken;
    guint wishes = 0;

    while (read(server->signal_fd, &taken, sizeof taken) == sizeof taken)
        wishes |= taken.ssi_signo == SIGHUP ? ARCHIVED_WISH_RELOAD : ARCHIVED_WISH_STOP;
    return wishes;
}

static guint take_wishes(ArchivedDaemon *daemon)
{
    guint64 count;
    ssize_t got = read(daemon->wake_fd, &count, sizeof count);

    (void)got; /* it is only a bell */
    return atomic_exchange(&daemon->wishes, 0);
}

/* A delivery may wait for attached documents that long before it comes to the disk. */
static gint64 commit_hangs_us(ArchivedDaemon *daemon)
{
    g_autoptr(ArchivedConfig) config = archived_daemon_config(daemon);
    gint64 documents_s =
        daemon->extract == NULL ? 0 : INGEST_EXTRACT_MESSAGE_TIMES * (gint64)config->extract_s;

    return (ARCHIVED_COMMIT_HANGS_S + documents_s) * G_USEC_PER_SEC;
}

/* Pings only while commits end: a daemon whose disk hangs is better restarted. */
static void feed_watchdog(Server *server)
{
    ArchivedDaemon *daemon = server->daemon;
    gint64 oldest = archived_connections_oldest_commit_us(daemon->connections);

    if (oldest > commit_hangs_us(daemon))
        archived_log(ARCHIVED_LOG_ERROR, "watchdog", "a commit hangs: is the disk alive?",
                     LOG_NUMBER("ms", (guint64)oldest / 1000));
    else if (server->has_watchdog)
        sd_notify(0, "WATCHDOG=1");
    sd_notifyf(0, "STATUS=%u connections, %" G_GUINT64_FORMAT " messages archived",
               archived_connections_count(daemon->connections, ARCHIVED_CONNECTION_LMTP),
               (guint64)atomic_load(&daemon->counters.messages));
}

/* ---- the loop -------------------------------------------------------------------------------- */

static gboolean server_open(Server *server, GError **error)
{
    guint64 watchdog_us = 0;
    sigset_t signals;

    fill_signals(&signals);
    server->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signal_fd < 0)
        return vault_error_set_errno(error, errno, "cannot wait for", "signals");
    server->listener_count = archived_listeners_count(server->listeners);
    server->polled = g_new0(struct pollfd, server->listener_count + 2);
    for (guint i = 0; i < server->listener_count; i++)
        server->polled[i].fd = archived_listeners_get(server->listeners, i)->fd;
    server->polled[server->listener_count].fd = server->signal_fd;
    server->polled[server->listener_count + 1].fd = server->daemon->wake_fd;
    for (guint i = 0; i < server->listener_count + 2; i++)
        server->polled[i].events = POLLIN;
    server->has_watchdog = sd_watchdog_enabled(0, &watchdog_us) > 0;
    server->poll_ms = server->has_watchdog ? (int)CLAMP(watchdog_us / 2000, 1, POLL_MS) : POLL_MS;
    return TRUE;
}

static guint wait_for_work(Server *server)
{
    const struct pollfd *signals = &server->polled[server->listener_count];
    nfds_t count = server->listener_count + 2;
    guint wishes = 0;

    g_assert(server->polled != NULL); /* gcc's analyser cannot see that server_open() succeeded */
    if (server->is_paused) {
        g_usleep(ACCEPT_PAUSE_MS * 1000);
        server->is_paused = FALSE;
    }
    if (poll(server->polled, count, server->poll_ms) <= 0)
        return 0;
    for (guint i = 0; i < server->listener_count; i++) {
        if (server->polled[i].revents != 0)
            accept_from(server, archived_listeners_get(server->listeners, i));
    }
    if (signals[0].revents != 0)
        wishes |= take_signals(server);
    if (signals[1].revents != 0)
        wishes |= take_wishes(server->daemon);
    return wishes;
}

static void serve(Server *server)
{
    gint64 fed_us = 0;

    for (;;) {
        guint wishes = wait_for_work(server);
        gint64 now_us = g_get_monotonic_time();

        if (now_us - fed_us >= (gint64)server->poll_ms * 1000 * 9 / 10) {
            feed_watchdog(server);
            fed_us = now_us;
        }
        if (wishes & ARCHIVED_WISH_STOP)
            return;
        if (wishes & ARCHIVED_WISH_RELOAD)
            do_reload(server);
    }
}

/* Nothing new is taken; what was begun is answered. FALSE: some thread hangs. */
static gboolean stop(ArchivedDaemon *daemon)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)ARCHIVED_STOP_TIMEOUT_S * G_USEC_PER_SEC;

    sd_notifyf(0, "STOPPING=1\nSTATUS=finishing deliveries\nEXTEND_TIMEOUT_USEC=%u",
               (ARCHIVED_STOP_TIMEOUT_S + 30) * (guint)G_USEC_PER_SEC);
    archived_log(ARCHIVED_LOG_NOTICE, "stopping", "no new connections; deliveries end");
    atomic_store(&daemon->is_stopping, TRUE);
    archived_budget_stop_waiting(daemon->budget);
    archived_budget_stop_waiting(daemon->grants);
    vault_keep_stop_compacting(daemon->keep);
    archived_connections_wake_idle(daemon->connections);
    if (archived_connections_wait_gone(daemon->connections, deadline))
        return TRUE;
    archived_log(ARCHIVED_LOG_WARNING, "stopping", "some deliveries did not end and are cut off");
    archived_connections_cut(daemon->connections);
    return archived_connections_wait_gone(daemon->connections,
                                          g_get_monotonic_time() + 5 * (gint64)G_USEC_PER_SEC);
}

gboolean archived_server_run(ArchivedDaemon *daemon, ArchivedListeners *listeners, GError **error)
{
    g_autoptr(ArchivedListeners) owned = listeners;
    g_auto(Server) server = {.daemon = daemon, .listeners = listeners, .signal_fd = -1};

    if (!server_open(&server, error))
        return FALSE;
    sd_notify(0, "READY=1");
    serve(&server);
    g_clear_pointer(&owned, archived_listeners_free);
    if (stop(daemon))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO,
                "a delivery hangs and was given up; it was not answered, the vault recovers at "
                "the next start");
    return FALSE;
}
