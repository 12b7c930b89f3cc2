/* LMTP (RFC 2033) as a pure state machine on bytes: no socket, no clock, no file.
 *
 *   greeting -> idle --LHLO--> ready --MAIL--> mail --RCPT+--> rcpt --DATA--> data --dot--> ready
 *                                 ^                              `--BDAT--> chunk --LAST--> ready
 *                                 `--- RSET, LHLO, STARTTLS (back to idle, all buffers dropped)
 *
 * The caller feeds bytes (ingest_lmtp_feed) and takes events until NONE; replies gather in an
 * output buffer that the caller sends whenever it is not empty and must be sent before it waits for
 * input (PIPELINING, RFC 2920). Message bytes come out dot-unstuffed, CRLF kept, everything else
 * exactly as received: NUL, bare CR, bare LF and lines of any length included; only <CRLF>.<CRLF>
 * ends DATA. After DELIVER the caller answers once, and every accepted RCPT gets its reply, in
 * order: a message is archived for all of them or for none. Errors never refuse a message for its
 * content. Threads: one user per object. Sources: RFC 2033, 5321, 2034, 2920, 1870, 6152, 3030,
 * 6531, 3207.
 */
#pragma once

#include "vault/base/error.h"

/* Command lines without their CRLF; RFC 5321 4.5.3.1.4 asks for 512. */
#define INGEST_LMTP_LINE_LEN_MAX 4096
#define INGEST_LMTP_PATH_LEN_MAX 512
/* All addresses of a transaction, a byte more for each: they are in memory that no budget counts,
 * and have to fit into the facts of one copy. */
#define INGEST_LMTP_RECIPIENTS_LEN_MAX (256u << 10)
#define INGEST_LMTP_ERRORS_MAX 20 /* since a message was archived; then 421 */

typedef enum { INGEST_TLS_OFF, INGEST_TLS_MAY, INGEST_TLS_REQUIRE } IngestTlsMode;

typedef struct {
    const char *host_name;
    guint64 message_len_max; /* 0 = no limit */
    guint recipients_max;
    IngestTlsMode tls; /* STARTTLS is offered unless OFF or already active */
} IngestLmtpOptions;

typedef enum {
    INGEST_LMTP_NONE,     /* needs more input */
    INGEST_LMTP_STARTTLS, /* reply 220 queued; send it, do the handshake, then ingest_lmtp_secured()
                           */
    INGEST_LMTP_RCPT,     /* a recipient awaits ingest_lmtp_accept_rcpt() or _refuse_rcpt() */
    INGEST_LMTP_BEGIN,    /* message bytes follow; envelope is complete */
    INGEST_LMTP_BYTES,    /* ret_bytes/ret_len: message bytes, valid until the next call */
    INGEST_LMTP_DELIVER,  /* message complete: to be answered */
    INGEST_LMTP_ABANDON,  /* the message under way is dropped: RSET, LHLO, STARTTLS, QUIT or too
                             many errors between chunks, or it is over message_len_max */
    INGEST_LMTP_QUIT,     /* send the output, close */
} IngestLmtpEvent;

typedef struct IngestLmtp IngestLmtp;
IngestLmtp *ingest_lmtp_new(const IngestLmtpOptions *options);
void ingest_lmtp_free(IngestLmtp *lmtp); /* wipes what it holds */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestLmtp, ingest_lmtp_free)

/* Bytes are borrowed until an event NONE was returned, and no more are fed before. Message bytes
 * are given out from there: none is kept. */
void ingest_lmtp_feed(IngestLmtp *lmtp, const guint8 *bytes, gsize len);
IngestLmtpEvent ingest_lmtp_next(IngestLmtp *lmtp, const guint8 **ret_bytes, gsize *ret_len);
/* What is to be sent; the caller empties it (g_byte_array_set_size(out, 0)). */
GByteArray *ingest_lmtp_output(IngestLmtp *lmtp);
/* After STARTTLS, when the handshake is done: state and every byte that came behind the command are
 * dropped (RFC 3207 4.2). */
void ingest_lmtp_secured(IngestLmtp *lmtp);

typedef struct {
    const char *sender;    /* "" = null sender; without angle brackets */
    GPtrArray *recipients; /* char *, accepted ones in order, duplicates included */
    guint64 declared_len;  /* SIZE=, 0 = none */
    gboolean is_smtputf8, is_binary, is_secured;
} IngestEnvelope;
const IngestEnvelope *ingest_lmtp_envelope(const IngestLmtp *lmtp);
const char *ingest_lmtp_rcpt(const IngestLmtp *lmtp); /* after event RCPT, until its answer */
void ingest_lmtp_accept_rcpt(IngestLmtp *lmtp);
/* `reply` as "451 4.3.0 text". */
void ingest_lmtp_refuse_rcpt(IngestLmtp *lmtp, const char *reply);

/* 250 2.1.5 <rcpt> archived as ID, or "already archived as", to every recipient. */
typedef enum { INGEST_ARCHIVED_NOW, INGEST_ARCHIVED_ALREADY } IngestArchived;
void ingest_lmtp_reply_archived(IngestLmtp *lmtp, IngestArchived how, const char *archive_id);
/* The same reply, chosen by the error's code, to every recipient: always 4xx. */
void ingest_lmtp_reply_error(IngestLmtp *lmtp, const GError *failure);
/* "421 4.3.2 ..." after which QUIT comes, and before it ABANDON if a message was under way. */
void ingest_lmtp_reply_closing(IngestLmtp *lmtp, const char *reply);
