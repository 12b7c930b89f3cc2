/* The sockets of a witness: one listener, few connections at once, one request each. A connection
 * that is not done within WITNESS_DEADLINE_S is closed, so nobody keeps the witness busy.
 * Errors: MALFORMED (the address), IO (bind). Threads: the caller's, and its own for connections.
 */
#pragma once

#include "restore/witness.h"

#define WITNESS_CONNECTIONS_MAX 16
#define WITNESS_DEADLINE_S 10

/* `address` is "127.0.0.1:2480", "[::1]:2480"; port 0 takes a free one. `ready` is told where.
 * Returns at SIGTERM or SIGINT, when what was begun is answered. */
gboolean witness_serve(Witness *witness, const char *address, void (*ready)(const char *address),
                       GError **error);
