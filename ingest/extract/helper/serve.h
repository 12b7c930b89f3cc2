/* The helper's end of the socket: one request after the other, until the pool closes it.
 *
 * A document is wiped before the next is read. A document that takes too long ends the process by
 * SIGALRM, should the pool be gone by then. Source: ingest/extract/protocol.h.
 */
#pragma once

#include "ingest/extract/helper/document.h"

typedef IngestExtractOutcome (*ExtractServed)(ExtractRun *run, const ExtractDocument *document);

/* Says READY and serves. FALSE: the other side did not keep to the protocol, or went away in the
 * middle. */
gboolean extract_serve(int fd, ExtractServed extract);
