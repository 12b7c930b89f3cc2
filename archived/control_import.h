/* An import through the daemon: messages on a control connection, delivered as LMTP's are. */
#pragma once

#include "archived/connections.h"
#include "archived/control_frame.h"

/* Until the client closes or the daemon stops. `key`: of this import. */
void archived_control_import_serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                                   const DayKey *key);
