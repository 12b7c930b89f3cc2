/* An mbox as a row of messages, streamed: any of its four forms, as mail programs really write
 * them.
 *
 *   next -> read* -> next ...
 *
 * mboxrd: every line that begins with "From " begins a message; one '>' is taken from each line of
 * '>' and "From ". mboxo: such a line counts when it holds a date; ">From " alone is unquoted.
 * mboxcl2: Content-Length: says where a message ends, nothing is quoted; a length that leads to no
 * postmark and not to the end is not believed, and the message ends like one of mboxo. auto: a
 * length that leads exactly to a postmark or the end is believed, else mboxrd with dates.
 *
 * What is no part of the message: the postmark, and the line end (or, where postmarks end in CRLF
 * and at the end of the file, the empty line) before the next one. All else comes out as it is:
 * bare CR, NUL, lines of any length, LF or CRLF.
 * Errors: MALFORMED (the input begins with no postmark), and the input's. Threads: one user.
 * Source: docs/formats/export.md, section "mbox".
 */
#pragma once

#include "restore/mail_header.h"
#include "restore/mail_input.h"
#include "restore/mbox.h"

typedef enum {
    MBOX_READ_AUTO,
    MBOX_READ_MBOXRD,
    MBOX_READ_MBOXO,
    MBOX_READ_MBOXCL2,
} MboxReadForm;

typedef struct {
    guint64 offset; /* of the postmark, in the input */
    gboolean has_postmark_date;
    MboxPostmark postmark; /* sender NULL when the postmark says nothing */
    MailHeader header;
} MboxMessage;
void mbox_message_clear(MboxMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MboxMessage, mbox_message_clear)

typedef struct MboxReader MboxReader;
/* The input is borrowed and stands at its first byte. */
MboxReader *mbox_reader_new(MailInput *input, MboxReadForm form);
void mbox_reader_free(MboxReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MboxReader, mbox_reader_free)

/* Passes over what is left of the message before. ret_message is the caller's to clear, and set
 * when *ret_found. */
gboolean mbox_reader_next(MboxReader *reader, MboxMessage *ret_message, gboolean *ret_found,
                          GError **error);
/* Replaces the bytes of `out` by the next piece; none at the end of the message. */
gboolean mbox_reader_read(MboxReader *reader, GByteArray *out, GError **error);
