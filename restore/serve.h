/* The host's side of reading elsewhere: requests in, sealed records, lists and releases out.
 *
 * A session is the other side of restore/remote_view.h. It shows what one grant covers, as
 * restore/vault_view.h does on this host, and gives a record only after its slot was released. It
 * opens nothing, has no key of a mailbox, and answers no other question: a client that does not
 * keep to the protocol is told so and the session is over. Memory: one request, one answer, one
 * grant, and the view's ledger. Threads: one user. Source: docs/formats/serve.md.
 */
#pragma once

#include "restore/serve_stream.h"

/* A longer grant is TOO_LARGE. */
#define SERVE_GRANT_LEN_MAX (32u << 20)

typedef struct ServeSession ServeSession;
/* The view is borrowed. `warning` (NULL = none) is told to the client. */
ServeSession *serve_session_new(VaultView *view, const char *warning);
void serve_session_free(ServeSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ServeSession, serve_session_free)

typedef enum { SERVE_GO_ON, SERVE_OVER } ServeNext;
/* `answer` becomes one whole frame, also when the session is over. */
ServeNext serve_session_answer(ServeSession *session, guint8 type, const GByteArray *payload,
                               GByteArray *answer);

/* Until the client closes or was told why the session is over. FALSE: the connection broke, or what
 * came are no frames. */
gboolean serve_run(VaultView *view, const char *warning, int in_fd, int out_fd, GError **error);
