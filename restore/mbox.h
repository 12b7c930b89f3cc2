/* The mbox form of mail, as pure functions on bytes: postmarks ("From " lines) and mboxrd quoting.
 *
 * mboxrd: a line of the message that is any number of '>' and then "From " gets one more '>'. What
 * MboxQuoter makes, MboxUnquoter takes back exactly, however the bytes are cut into pieces: neither
 * holds more than a few bytes. Postmark: "From SENDER Www Mmm dd hh:mm:ss yyyy", UTC.
 *
 * A message and the LF after it: the writer puts one LF after each message, so a message that ends
 * in a line end is followed by an empty line, as everybody expects, and one that does not still
 * comes back exactly: whoever reads drops one LF before the next postmark. At the end of the file
 * that LF is written only after a message that ends in LF. Threads: objects have one user. Source:
 * docs/formats/export.md; qmail's mbox(5); RFC 4155.
 */
#pragma once

#include <glib.h>

/* A longer line is no postmark. */
#define MBOX_POSTMARK_LEN_MAX 1024

/* A longer sender does not fit into one with certainty. */
#define MBOX_SENDER_LEN_MAX 512

/* With the LF, at most MBOX_POSTMARK_LEN_MAX bytes. An empty, NULL or too long sender is
 * MAILER-DAEMON, since half an address is another one; bytes that would break the line are "_". */
char *mbox_postmark_format(const char *sender, guint64 received_s);

typedef struct {
    char *sender; /* "" = null sender (MAILER-DAEMON) */
    guint64 received_s;
} MboxPostmark;
void mbox_postmark_clear(MboxPostmark *postmark);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MboxPostmark, mbox_postmark_clear)
/* One line, with or without its line end. FALSE unless it begins with "From " and holds a date in
 * one of the forms in use (with or without seconds, with a zone before or after the year). */
gboolean mbox_postmark_parse(const char *line, gsize len, MboxPostmark *ret_postmark);

typedef enum {
    MBOX_MBOXRD, /* every line of '>' and "From " lost or gets one '>' */
    MBOX_MBOXO,  /* only "From " itself was quoted */
    MBOX_PLAIN,  /* nothing was quoted (mboxcl2) */
} MboxQuoting;

/* State of both directions; {0} is not a beginning: use mbox_quote_begin(). */
typedef struct {
    MboxQuoting quoting;
    gboolean is_line_start; /* nothing but '>' since the line began */
    guint64 mark_count;     /* of '>' since then */
    gboolean is_mark_held;  /* unquoting: the first '>' is not given out yet */
    gsize matched;          /* bytes of "From " seen and held back */
    gboolean has_bare_from; /* unquoting: a line began with "From " itself, as no quoted one does */
} MboxQuoteState;
void mbox_quote_begin(MboxQuoteState *state, MboxQuoting quoting);
void mbox_quote(MboxQuoteState *state, const guint8 *bytes, gsize len, GByteArray *out);
void mbox_unquote(MboxQuoteState *state, const guint8 *bytes, gsize len, GByteArray *out);
/* Gives out what is still held back, at the end of the message. */
void mbox_quote_end(MboxQuoteState *state, GByteArray *out);
