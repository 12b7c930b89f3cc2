/* What an import takes from the header of a message: never its bytes, only when and from whom it
 * came and which flags an mbox keeps in it. Pure; hostile input; at most MAIL_HEADER_LEN_MAX bytes
 * are looked at.
 */
#pragma once

#include <glib.h>

#define MAIL_HEADER_LEN_MAX (128u << 10)

typedef struct {
    gsize header_len; /* with the empty line; 0 = no end of the header seen */
    gboolean has_received;
    guint64 received_s; /* date of the topmost Received: */
    char *return_path;  /* topmost Return-Path: without brackets; NULL = none */
    char *keywords;     /* IMAP flags of Status:, X-Status:, X-Mozilla-Status:; NULL = none */
    gboolean has_len;   /* Content-Length: */
    guint64 content_len;
} MailHeader;
void mail_header_clear(MailHeader *header);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MailHeader, mail_header_clear)

void mail_header_parse(const guint8 *bytes, gsize len, MailHeader *ret_header);
/* Does it begin like a message: a field name that messages begin with? */
gboolean mail_header_looks_like(const guint8 *bytes, gsize len);
