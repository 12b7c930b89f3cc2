/* What each LMTP command does to the machine. Internal to ingest.
 * Sources: RFC 2033 4, 5321 4.1, 3030 2, 3207 4.
 */
#pragma once

#include "ingest/lmtp_machine.h"

/* `line` is a whole command without its end and without NUL. */
void lmtp_verbs_run(IngestLmtp *lmtp, const char *line);
