/* Releases, and what else of reading is logged, through the daemon: see "release" and what follows
 * in docs/formats/control.md. The daemon opens nothing: what it sends is sealed to the grant's
 * reader. */
#pragma once

#include "archived/connections.h"
#include "archived/control_frame.h"
#include "vault/keep.h"

/* Whoever may use run/read may send grants, good or not, as slowly as he likes: those over the
 * first length are held within the second, all together, and one without room is BUSY. */
#define ARCHIVED_CONTROL_GRANT_SMALL_LEN (64u << 10)
#define ARCHIVED_CONTROL_GRANTS_LEN_MAX (64u << 20)

/* For so many bytes, of daemon->grants. BUSY: there is none. */
gboolean archived_control_make_room(ArchivedCharge *charge, guint32 len, GError **error);
/* Reads the grant and has it judged; NULL when it is not good, or none. The charge is of
 * daemon->grants, and to be kept as long as the grant is. */
char *archived_control_take_grant(ArchivedDaemon *daemon, ArchivedControlStream *stream,
                                  ArchivedCharge *charge, guint32 *ret_len, GError **error);
/* Lists of copies or terms copies, a release each, and case keys, until the client closes or the
 * daemon stops. */
void archived_control_release_serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                                    const char *grant, gsize len);
/* ret_is_over: the stream is out of step. `act`: begun or done; the text is the client's word. */
gboolean archived_control_take_restore(ArchivedConnection *connection,
                                       ArchivedControlStream *stream, VaultLoggedAct act,
                                       gboolean *ret_is_over, GError **error);
