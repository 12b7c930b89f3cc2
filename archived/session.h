/* One LMTP connection, from greeting to close: what the peer sends goes to the machine
 * (ingest/lmtp.h), what the machine asks is done here.
 *
 *   read -> feed -> events: RCPT, BEGIN, BYTES, DELIVER, STARTTLS, QUIT -> answers, in one send
 *
 * Answers: ingest_lmtp_reply_error() chooses the code of a failed delivery; the session itself says
 * only 421 4.4.2 (idle), 421 4.3.2 (stopping), 454 and closes after a failed handshake.
 */
#pragma once

#include "archived/connections.h"

void archived_session_run(ArchivedConnection *connection);
