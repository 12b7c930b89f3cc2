/* A connection to `muniment serve`: requests go out one behind the other, answers come back in the
 * same order, so that many may be under way.
 *
 * Answers are taken in by a thread of the link as fast as they come; it must never be kept waiting,
 * else both sides could wait for each other with full buffers. A broken connection fails what is
 * under way and everything after. Errors: IO, MALFORMED, and what the host answers. Threads: safe.
 */
#pragma once

#include "restore/serve_frame.h"

typedef struct RemoteLink RemoteLink;

/* Starts the command (argv, found in PATH) with the connection as its standard input and output. */
RemoteLink *remote_link_spawn(char **command, GError **error);
/* Over a stream socket, which it takes over. */
RemoteLink *remote_link_new(int fd);
/* Ends the connection; waits for the command, when it was started. What is under way fails first.
 */
void remote_link_free(RemoteLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RemoteLink, remote_link_free)

/* Called in the link's thread with the answer's payload, or NULL and the failure; must not wait. */
typedef void (*RemoteAnswer)(GBytes *payload, const GError *failure, gpointer user);
/* Called once in any case, also when this fails to send. */
void remote_link_send(RemoteLink *link, ServeType type, const GByteArray *payload,
                      RemoteAnswer answer, gpointer user);
/* Sends and waits; NULL with the error. Not from the link's thread. */
GBytes *remote_link_call(RemoteLink *link, ServeType type, const GByteArray *payload,
                         GError **error);
