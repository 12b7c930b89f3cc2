/* The daemon's end of the control sockets: one connection of `status`, `read` or `operate`.
 *
 *   request line -> answer line, any number of times; `import` turns the connection into an import
 *
 * A request that a duty may not make is REFUSED. Protocol: docs/formats/control.md; client:
 * archived/control_client.h.
 */
#pragma once

#include "archived/connections.h"

void archived_control_run(ArchivedConnection *connection);
