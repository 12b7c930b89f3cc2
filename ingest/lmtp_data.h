/* The bytes after DATA: where dots were stuffed and where the message ends. Pure. Internal to
 * ingest.
 *
 *   LINE_START --"."--> AFTER_DOT --CR--> AFTER_DOT_CR --LF--> end
 *    ^   `-- else: IN_LINE or AFTER_CR       `-- else: the dot was stuffed, the CR is content
 *   AFTER_CR --LF--
 *
 * Only <CRLF>.<CRLF> ends a message, and a dot is taken away only behind <CRLF>: a bare CR or LF,
 * alone or with dots, is content like any other byte (else two servers could disagree on where a
 * message ends). Source: RFC 5321 4.5.2 and 2.3.8.
 */
#pragma once

#include <glib.h>

typedef enum {
    LMTP_DATA_LINE_START, /* of the message too */
    LMTP_DATA_AFTER_DOT,
    LMTP_DATA_AFTER_DOT_CR,
    LMTP_DATA_AFTER_CR,
    LMTP_DATA_IN_LINE,
} LmtpDataState;

typedef struct {
    const guint8 *bytes; /* of the message: part of the input, or a constant; may be empty */
    gsize len;
    gsize used_len; /* of the input */
    gboolean is_end;
} LmtpDataSlice;

/* The next slice. Call again with what is left of the input until that is empty or the message has
 * ended; `len` is not 0. */
LmtpDataSlice lmtp_data_scan(LmtpDataState *state, const guint8 *bytes, gsize len);
