/* Releases, and what else of reading is logged, through the daemon: see "release" and what follows
 * in docs/formats/control.md. The daemon opens nothing: what it sends is sealed to the grant's
 * reader. */
#pragma once

#include "archived/connections.h"
#include "archived/control_frame.h"
#include "vault/keep.h"

/* Reads the grant and has it judged; NULL when it is not good, or none. */
char *archived_control_take_grant(ArchivedDaemon *daemon, ArchivedControlStream *stream,
                                  guint32 *ret_len, GError **error);
/* Lists of copies, a release each, until the client closes or the daemon stops. */
void archived_control_release_serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                                    const char *grant, gsize len);
/* ret_is_over: the stream is out of step. `act`: begun or done; the text is the client's word. */
gboolean archived_control_take_restore(ArchivedConnection *connection,
                                       ArchivedControlStream *stream, VaultLoggedAct act,
                                       gboolean *ret_is_over, GError **error);
