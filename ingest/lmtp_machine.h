/* The LMTP machine from inside: its state, and what both sides of it (lmtp.c, the bytes that come;
 * lmtp_verbs.c, what a command does) share. Internal to ingest.
 */
#pragma once

#include "ingest/lmtp.h"
#include "ingest/lmtp_data.h"

/* ABANDON and QUIT, the most that one step gives. */
#define EVENTS_WAITING_MAX 2

typedef enum {
    IN_COMMAND,
    IN_LONG_LINE, /* swallowing the rest of an over-long line */
    IN_DATA,
    IN_CHUNK,
    IN_HANDSHAKE,
    AT_CLOSE,
} Where;

struct IngestLmtp {
    char *host_name;
    IngestLmtpOptions options;
    Where where;

    const guint8 *input; /* borrowed */
    gsize input_len;
    GString *line; /* of the command under way */
    GByteArray *output;
    IngestLmtpEvent events[EVENTS_WAITING_MAX];
    guint event_count;

    gboolean is_greeted, is_secured;
    guint errors;

    gboolean is_mail_open;
    IngestEnvelope envelope;
    gsize recipients_len;
    char *sender;
    char *rcpt; /* awaits a verdict */

    LmtpDataState data_state;
    gboolean is_begun;                  /* BEGIN was given: bytes are somebody's */
    gboolean is_too_large, is_unwanted; /* swallowed to its end, then refused */
    gboolean is_chunked, is_last_chunk;
    guint64 message_len, chunk_left;
};

void lmtp_machine_reply(IngestLmtp *lmtp, const char *text);
/* The reply to a mistake; the last that is borne gets 421 behind it, and the session ends. */
void lmtp_machine_refuse(IngestLmtp *lmtp, const char *text);
void lmtp_machine_queue(IngestLmtp *lmtp, IngestLmtpEvent event);

void lmtp_machine_forget_transaction(IngestLmtp *lmtp);
/* Who took the message's bytes hears that no more come; the transaction stays. */
void lmtp_machine_drop_message(IngestLmtp *lmtp);
/* Both of these. */
void lmtp_machine_abandon(IngestLmtp *lmtp);
void lmtp_machine_close(IngestLmtp *lmtp, const char *text);
void lmtp_machine_free_address(gpointer address); /* wipes */
