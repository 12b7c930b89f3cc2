/* The sockets that archived listens on: LMTP as configured or passed by systemd, and the control
 * sockets in VAULT/run.
 *
 * Errors: IO, BUSY (another process listens there), REFUSED (permission), with the address and what
 * to do. Unix sockets that a dead process left are replaced. Threads: one user.
 */
#pragma once

#include "archived/connections.h"

typedef struct {
    int fd;
    ArchivedConnectionKind kind;
    char *text;
    char *path; /* of a unix socket that we made: removed on close */
} ArchivedListener;

typedef struct ArchivedListeners ArchivedListeners;
ArchivedListeners *archived_listeners_open(const ArchivedConfig *config, GError **error);
void archived_listeners_free(ArchivedListeners *listeners); /* closes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedListeners, archived_listeners_free)
guint archived_listeners_count(const ArchivedListeners *listeners);
const ArchivedListener *archived_listeners_get(const ArchivedListeners *listeners, guint index);
