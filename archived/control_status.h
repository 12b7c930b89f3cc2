/* The daemon's state as one JSON object: the answer to `status`. Field by field in
 * docs/formats/control.md. Errors: as vault_keep_status(). Threads: safe. */
#pragma once

#include "archived/daemon.h"

char *archived_control_status(ArchivedDaemon *daemon, GError **error);
