/* What is due every 10 minutes: a batch of the archive log. And every hour: what witnesses say to
 * it, the keys of the next month, made ahead while there is time, those of imports that are over,
 * the states of erasures, and another key of the logs when that is due; once a month, what is past
 * its retention maximum. */
#pragma once

#include "archived/daemon.h"

typedef struct ArchivedHousekeeping ArchivedHousekeeping;
ArchivedHousekeeping *archived_housekeeping_start(ArchivedDaemon *daemon);
/* Waits for what is under way. */
void archived_housekeeping_stop(ArchivedHousekeeping *housekeeping);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedHousekeeping, archived_housekeeping_stop)
