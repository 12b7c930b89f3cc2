#include "archived/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "archived/control_client.h"
#include "vault/base/file.h"

#define BACKLOG 512

struct ArchivedListeners {
    GPtrArray *list; /* ArchivedListener */
};

static void listener_free(gpointer gone)
{
    ArchivedListener *listener = gone;

    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->path != NULL)
        unlink(listener->path);
    g_free(listener->text);
    g_free(listener->path);
    g_free(listener);
}

void archived_listeners_free(ArchivedListeners *listeners)
{
    if (listeners == NULL)
        return;
    g_ptr_array_unref(listeners->list);
    g_free(listeners);
}

guint archived_listeners_count(const ArchivedListeners *listeners)
{
    return listeners->list->len;
}

const ArchivedListener *archived_listeners_get(const ArchivedListeners *listeners, guint index)
{
    return listeners->list->pdata[index];
}

static void add(ArchivedListeners *listeners, int fd, ArchivedConnectionKind kind, const char *text,
                const char *path)
{
    ArchivedListener *listener = g_new(ArchivedListener, 1);

    *listener =
        (ArchivedListener){.fd = fd, .kind = kind, .text = g_strdup(text), .path = g_strdup(path)};
    g_ptr_array_add(listeners->list, listener);
}

static gboolean set_listen_error(GError **error, const char *text)
{
    int saved_errno = errno;
    const char *remedy = saved_errno == EADDRINUSE ? "; another process listens there: stop it, or "
                                                     "choose another listen="
                         : saved_errno == EADDRNOTAVAIL
                             ? "; this machine has no such address: see `ip address`"
                             : "";

    g_set_error(error, VAULT_ERROR, (int)vault_error_code_from_errno(saved_errno),
                "cannot listen on %s: %s%s", text, g_strerror(saved_errno), remedy);
    return FALSE;
}

/* ---- unix ------------------------------------------------------------------------------------ */

/* A socket file that nobody answers on is what a killed process left. */
static void remove_stale(const struct sockaddr_un *address, socklen_t len)
{
    g_auto(VaultFd) probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat status;

    if (probe >= 0 && lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        connect(probe, (const struct sockaddr *)address, len) != 0 && errno == ECONNREFUSED)
        unlink(address->sun_path);
}

/* Owner and mode before listen(): nobody connects in between. */
static gboolean give_to_group(const char *path, const char *group, mode_t without_group,
                              GError **error)
{
    struct group *entry = *group == '\0' ? NULL : getgrnam(group);

    if (*group != '\0' && entry == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "%s is no group of this machine",
                    group);
        return FALSE;
    }
    if (entry != NULL && chown(path, (uid_t)-1, entry->gr_gid) != 0)
        return vault_error_set_errno(error, errno,
                                     "make the vault's owner a member of the group: cannot give "
                                     "it the socket",
                                     path);
    if (chmod(path, entry != NULL ? 0660 : without_group) != 0)
        return vault_error_set_errno(error, errno, "cannot set the mode of", path);
    return TRUE;
}

typedef struct {
    struct sockaddr_un address;
    socklen_t len;
    const char *group;
    mode_t mode; /* without a group */
    ArchivedConnectionKind kind;
    const char *text, *path;
} UnixSocket;

static gboolean listen_unix(ArchivedListeners *listeners, const UnixSocket *wanted, GError **error)
{
    g_auto(VaultFd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    remove_stale(&wanted->address, wanted->len);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&wanted->address, wanted->len) != 0)
        return set_listen_error(error, wanted->text);
    if (!give_to_group(wanted->path, wanted->group, wanted->mode, error)) {
        unlink(wanted->path);
        return FALSE;
    }
    if (listen(fd, BACKLOG) != 0)
        return set_listen_error(error, wanted->text);
    add(listeners, g_steal_fd(&fd), wanted->kind, wanted->text, wanted->path);
    return TRUE;
}

static gboolean listen_lmtp_unix(ArchivedListeners *listeners, const ArchivedConfig *config,
                                 const ArchivedAddress *address, GError **error)
{
    UnixSocket wanted = {.len = address->len,
                         .group = config->unix_group,
                         .mode = 0666,
                         .kind = ARCHIVED_CONNECTION_LMTP,
                         .text = address->text};

    memcpy(&wanted.address, &address->address, sizeof wanted.address);
    wanted.path = wanted.address.sun_path;
    return listen_unix(listeners, &wanted, error);
}

/* ---- control --------------------------------------------------------------------------------- */

static const struct {
    ArchivedDuty duty;
    ArchivedConnectionKind kind;
    gsize group; /* in ArchivedConfig */
} duties[] = {
    {ARCHIVED_DUTY_STATUS, ARCHIVED_CONNECTION_STATUS, offsetof(ArchivedConfig, status_group)},
    {ARCHIVED_DUTY_READ, ARCHIVED_CONNECTION_READ, offsetof(ArchivedConfig, read_group)},
    {ARCHIVED_DUTY_OPERATE, ARCHIVED_CONNECTION_OPERATE, offsetof(ArchivedConfig, operate_group)},
};

static gboolean has_any_group(const ArchivedConfig *config)
{
    return *config->status_group != '\0' || *config->read_group != '\0' ||
           *config->operate_group != '\0';
}

/* Bound through the folder's descriptor, since a socket address holds 107 bytes and paths more. */
static gboolean listen_control(ArchivedListeners *listeners, const ArchivedConfig *config,
                               const char *run, GError **error)
{
    g_auto(VaultFd) directory = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0)
        return vault_error_set_errno(error, errno, "cannot open", run);
    for (gsize i = 0; i < G_N_ELEMENTS(duties); i++) {
        const char *name = archived_duty_name(duties[i].duty);
        g_autofree char *path = g_build_filename(run, name, NULL);
        UnixSocket wanted = {.address = {.sun_family = AF_UNIX},
                             .len = sizeof wanted.address,
                             .group = G_STRUCT_MEMBER(char *, config, duties[i].group),
                             .mode = 0600,
                             .kind = duties[i].kind,
                             .text = path,
                             .path = path};

        snprintf(wanted.address.sun_path, sizeof wanted.address.sun_path, "/proc/self/fd/%d/%s",
                 directory, name);
        if (!listen_unix(listeners, &wanted, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean open_control(ArchivedListeners *listeners, const ArchivedConfig *config,
                             GError **error)
{
    g_autofree char *run = g_build_filename(config->vault_path, "run", NULL);

    if (mkdir(run, 0700) != 0 && errno != EEXIST)
        return vault_error_set_errno(error, errno, "cannot make", run);
    if (chmod(run, has_any_group(config) ? 0711 : 0700) != 0)
        return vault_error_set_errno(error, errno, "cannot set the mode of", run);
    return listen_control(listeners, config, run, error);
}

/* ---- TCP and systemd ------------------------------------------------------------------------- */

static gboolean listen_tcp(ArchivedListeners *listeners, const ArchivedAddress *address,
                           GError **error)
{
    int family = address->address.ss_family;
    const int on = 1;
    g_auto(VaultFd) fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, (const struct sockaddr *)&address->address, address->len) != 0 ||
        listen(fd, BACKLOG) != 0)
        return set_listen_error(error, address->text);
    add(listeners, g_steal_fd(&fd), ARCHIVED_CONNECTION_LMTP, address->text, NULL);
    return TRUE;
}

/* The rule of listen= holds for passed sockets too: off loopback somebody must be named. */
static gboolean is_exposed(int fd, const ArchivedConfig *config)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    guint8 bytes[ARCHIVED_PEER_LEN];

    return getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
           (archived_peer_from_address(&address, bytes) && !archived_peer_is_loopback(bytes) &&
            config->allow->len == 0 &&
            !(config->client_ca != NULL && config->tls == INGEST_TLS_REQUIRE));
}

static gboolean take_passed(ArchivedListeners *listeners, const ArchivedConfig *config, int count,
                            GError **error)
{
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
        if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 || is_exposed(fd, config)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "socket %d passed by systemd is no listening stream socket, or reachable "
                        "from other machines without allow= or client_ca=",
                        fd);
            return FALSE;
        }
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        add(listeners, fd, ARCHIVED_CONNECTION_LMTP, "passed by systemd", NULL);
    }
    return TRUE;
}

static gboolean open_lmtp(ArchivedListeners *listeners, const ArchivedConfig *config,
                          GError **error)
{
    int passed = sd_listen_fds(1);

    if (passed > 0)
        return take_passed(listeners, config, passed, error);
    for (guint i = 0; i < config->listen->len; i++) {
        const ArchivedAddress *address = config->listen->pdata[i];

        if (!(address->is_unix ? listen_lmtp_unix(listeners, config, address, error)
                               : listen_tcp(listeners, address, error)))
            return FALSE;
    }
    return TRUE;
}

ArchivedListeners *archived_listeners_open(const ArchivedConfig *config, GError **error)
{
    g_autoptr(ArchivedListeners) listeners = g_new0(ArchivedListeners, 1);

    listeners->list = g_ptr_array_new_with_free_func(listener_free);
    if (!open_lmtp(listeners, config, error) || !open_control(listeners, config, error))
        return NULL;
    return g_steal_pointer(&listeners);
}
