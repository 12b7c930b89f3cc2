/* Terms for copies that have none, through the daemon: see "terms" in docs/formats/control.md.
 * They come in clear, on run/operate, and are sealed here. */
#pragma once

#include "archived/connections.h"
#include "archived/control_frame.h"

/* Batches (vault/act/terms_batch.h) under the grant, an answer each, until the client closes or the
 * daemon stops. */
void archived_control_terms_serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                                  const char *grant, gsize len);
