/* A conversation with the LMTP machine: plays its caller, and notes what it was told.
 *
 * Recipients are accepted, messages "archived", unless the fields below say otherwise. The notes
 * hold every event in order, a word each: RCPT(address), BEGIN(sender>recipients), BYTES (once for
 * any number in a row), DELIVER, ABANDON, STARTTLS, QUIT.
 */
#pragma once

#include "ingest/lmtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LMTP_TALK_ARCHIVE_ID "0123456789abcdef0123456789abcdef"

typedef struct {
    IngestLmtp *lmtp;
    GString *notes;
    GByteArray *message;    /* bytes since BEGIN */
    GPtrArray *delivered;   /* GByteArray: messages as they were at DELIVER */
    const char *rcpt_reply; /* NULL: accept */
    const GError *failure;  /* NULL: archived */
    IngestArchived how;
    gboolean is_secured_at_once; /* the handshake follows STARTTLS by itself */
    gboolean is_over;
} LmtpTalk;

/* Options NULL: host "archive.test", no limits but 1,000 recipients, no TLS. The greeting is taken
 * already. */
LmtpTalk *lmtp_talk_new(const IngestLmtpOptions *options);
/* Also past LHLO and its reply. */
LmtpTalk *lmtp_talk_greeted(const IngestLmtpOptions *options);
void lmtp_talk_free(LmtpTalk *talk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpTalk, lmtp_talk_free)
IngestLmtpOptions lmtp_talk_options(void);

/* Feeds the bytes in pieces (0: in one), each in memory of exactly its size. */
void lmtp_talk_send(LmtpTalk *talk, const void *bytes, gsize len, gsize piece_len);
/* The replies so far, which are taken. */
char *lmtp_talk_replies(LmtpTalk *talk);
/* Sends text and expects one reply for each code, such as "250 2.1.0"; codes end with NULL. */
void lmtp_talk_expect(LmtpTalk *talk, const char *text, ...) G_GNUC_NULL_TERMINATED;
/* The notes since the last call are these. */
void lmtp_talk_expect_notes(LmtpTalk *talk, const char *notes);
/* Of this number, from 0. */
void lmtp_talk_expect_message(LmtpTalk *talk, guint number, const void *bytes, gsize len);
