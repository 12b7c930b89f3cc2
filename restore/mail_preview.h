/* What a message shows at a glance: header fields, its text, its attachments. Pure; hostile input;
 * GMime reads it. What comes out is valid UTF-8 but not safe for a terminal: restore/output.h is.
 */
#pragma once

#include <glib.h>

/* A longer message is previewed up to here. */
#define MAIL_PREVIEW_LEN_MAX (64u << 20)
#define MAIL_PREVIEW_TEXT_LEN_MAX (1u << 20)
#define MAIL_PREVIEW_PARTS_MAX 1000

typedef struct {
    char *name;  /* NULL = none */
    char *type;  /* "application/pdf" */
    guint64 len; /* decoded */
} MailPreviewPart;

typedef struct {
    /* Decoded; NULL = the message has none. */
    char *from, *to, *cc, *subject, *date, *message_id;
    char *text; /* of the first text/plain that is no attachment; NULL = none */
    gboolean is_text_cut, has_html;
    GPtrArray *attachments; /* MailPreviewPart: every leaf that is not the text or its HTML twin */
} MailPreview;
void mail_preview_clear(MailPreview *preview);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MailPreview, mail_preview_clear)

void mail_preview_make(const guint8 *bytes, gsize len, MailPreview *ret_preview);
