/* The accept loop: listeners, signals and wishes in one poll(), in the main thread.
 *
 *   SIGTERM, SIGINT, wish STOP   stop accepting, wake idle connections, let deliveries end, return
 *   SIGHUP, wish RELOAD          read configuration and certificates again
 *   every half watchdog time     ping systemd, if no commit hangs
 *
 * The signals must be blocked in every thread before the first one is made
 * (archived_server_block_signals()).
 */
#pragma once

#include "archived/listeners.h"

/* What is left of deliveries in flight is cut off then; they were not answered. */
#define ARCHIVED_STOP_TIMEOUT_S 30
/* A commit that takes longer hangs: the watchdog is no longer fed. */
#define ARCHIVED_COMMIT_HANGS_S 120

void archived_server_block_signals(void);
/* Runs until it is asked to stop and all connections are gone. Takes over the listeners. IO: a
 * delivery hangs; the shared objects are still in use then and must not be freed. */
gboolean archived_server_run(ArchivedDaemon *daemon, ArchivedListeners *listeners, GError **error);
