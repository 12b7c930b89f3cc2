/* What the LMTP machine says: lines put behind what is to be sent. Pure. Internal to ingest.
 *
 * Texts carry an enhanced status code (RFC 2034, 3463) and no CRLF. Nothing of an error's own words
 * goes to a peer: they are the operator's.
 */
#pragma once

#include "ingest/lmtp.h"

#define LMTP_REPLY_TOO_LARGE "552 5.3.4 the message is larger than this archive takes"

void lmtp_reply_append(GByteArray *output, const char *text);
void lmtp_reply_append_greeting(GByteArray *output, const char *host_name);

typedef enum { LMTP_STARTTLS_OFFERED, LMTP_STARTTLS_NOT_OFFERED } LmtpStarttls;
void lmtp_reply_append_lhlo(GByteArray *output, const char *host_name, guint64 message_len_max,
                            LmtpStarttls starttls);

/* One reply for each recipient, in their order (RFC 2033 4.2). */
void lmtp_reply_append_to_all(GByteArray *output, const GPtrArray *recipients, const char *text);
void lmtp_reply_append_archived(GByteArray *output, const GPtrArray *recipients, IngestArchived how,
                                const char *archive_id);

/* Always 4xx: the sender keeps the message. What the operator limited was refused before. */
const char *lmtp_reply_of_error(const GError *failure);
