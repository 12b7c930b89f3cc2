#include "restore/mbox_reader.h"

#include "vault/base/error.h"

#include <string.h>

#define PIECE_LEN 65536
#define WINDOW_WANTED (2 * PIECE_LEN)

struct MboxReader {
    MailInput *input;
    MboxReadForm form;
    gboolean is_inside;    /* a message is under way */
    gboolean is_exact;     /* its end is known by its length */
    guint64 exact_left;    /* bytes to that end */
    gboolean is_crlf;      /* its postmark ended in CRLF */
    gboolean is_line_open; /* in the middle of a line */
    guint64 line_len;      /* of the line under way or just ended, without its end */
    guint8 held[2];        /* the end of the last line, which may belong to no message */
    gsize held_len;
    MboxQuoteState quoting;
};

void mbox_message_clear(MboxMessage *message)
{
    mbox_postmark_clear(&message->postmark);
    mail_header_clear(&message->header);
}

MboxReader *mbox_reader_new(MailInput *input, MboxReadForm form)
{
    MboxReader *reader = g_new0(MboxReader, 1);

    reader->input = input;
    reader->form = form;
    return reader;
}

void mbox_reader_free(MboxReader *reader)
{
    g_free(reader);
}

/* Length of the line at `bytes` with its end, when it is one that may be a postmark; else 0. */
static gsize from_line_len(const guint8 *bytes, gsize len)
{
    gsize bounded = MIN(len, MBOX_POSTMARK_LEN_MAX);
    const guint8 *line_end;

    if (len < 5 || memcmp(bytes, "From ", 5) != 0)
        return 0;
    line_end = memchr(bytes, '\n', bounded);
    return line_end == NULL ? bounded : (gsize)(line_end - bytes) + 1;
}

static gboolean is_postmark(const MboxReader *reader, const guint8 *bytes, gsize len)
{
    gsize line_len = from_line_len(bytes, len);
    g_auto(MboxPostmark) postmark = {0};

    if (line_len == 0)
        return FALSE;
    return reader->form == MBOX_READ_MBOXRD ||
           mbox_postmark_parse((const char *)bytes, line_len, &postmark);
}

/* ---- where a message begins ------------------------------------------------------------------ */

static gboolean take_postmark(MboxReader *reader, MboxMessage *message, gboolean *ret_found,
                              GError **error)
{
    const guint8 *bytes;
    gsize len, line_len;

    *ret_found = FALSE;
    message->offset = mail_input_offset(reader->input);
    if (!mail_input_peek(reader->input, MBOX_POSTMARK_LEN_MAX, &bytes, &len, error))
        return FALSE;
    if (len == 0)
        return TRUE;
    line_len = from_line_len(bytes, len);
    if (line_len == 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "no \"From \" line at byte %" G_GUINT64_FORMAT ": this is no mbox",
                    message->offset);
        return FALSE;
    }
    message->has_postmark_date =
        mbox_postmark_parse((const char *)bytes, line_len, &message->postmark);
    reader->is_crlf = line_len >= 2 && bytes[line_len - 2] == '\r';
    mail_input_consume(reader->input, line_len);
    *ret_found = TRUE;
    return TRUE;
}

/* What follows a message of that length: the end, or a line end and then the end or a postmark. */
static gboolean leads_to_postmark(MboxReader *reader, guint64 len, gboolean *ret_leads,
                                  GError **error)
{
    guint8 bytes[MBOX_POSTMARK_LEN_MAX + 3];
    MailInputAhead what;
    gsize got, at = 1;

    *ret_leads = FALSE;
    /* The last byte of the message as well: it tells "at the end" from "past the end". */
    if (!mail_input_look_ahead(reader->input, len - 1, bytes, sizeof bytes, &what, &got, error))
        return FALSE;
    if (what == MAIL_INPUT_AHEAD_UNKNOWN) {
        *ret_leads = reader->form == MBOX_READ_MBOXCL2;
        return TRUE;
    }
    if (got == 0)
        return TRUE;
    if (at < got && bytes[at] == '\r')
        at++;
    if (at < got && bytes[at] == '\n')
        at++;
    *ret_leads = at == got || is_postmark(reader, bytes + at, got - at);
    return TRUE;
}

static gboolean find_length(MboxReader *reader, const MailHeader *header, GError **error)
{
    gboolean may_have_length = reader->form == MBOX_READ_AUTO || reader->form == MBOX_READ_MBOXCL2;

    reader->is_exact = FALSE;
    if (!may_have_length || !header->has_len || header->header_len == 0)
        return TRUE;
    reader->exact_left = header->header_len + header->content_len;
    return leads_to_postmark(reader, reader->exact_left, &reader->is_exact, error);
}

static gboolean pass_over(MboxReader *reader, GError **error)
{
    g_autoptr(GByteArray) unused = g_byte_array_new();

    while (reader->is_inside) {
        if (!mbox_reader_read(reader, unused, error))
            return FALSE;
    }
    return TRUE;
}

static MboxQuoting quoting_of(const MboxReader *reader)
{
    if (reader->is_exact || reader->form == MBOX_READ_MBOXCL2)
        return MBOX_PLAIN;
    return reader->form == MBOX_READ_MBOXO ? MBOX_MBOXO : MBOX_MBOXRD;
}

gboolean mbox_reader_next(MboxReader *reader, MboxMessage *ret_message, gboolean *ret_found,
                          GError **error)
{
    g_auto(MboxMessage) message = {0};
    const guint8 *bytes;
    gsize len;

    *ret_found = FALSE;
    if (!pass_over(reader, error) || !take_postmark(reader, &message, ret_found, error))
        return FALSE;
    if (!*ret_found)
        return TRUE;
    *ret_found = FALSE;
    if (!mail_input_peek(reader->input, MAIL_HEADER_LEN_MAX, &bytes, &len, error))
        return FALSE;
    mail_header_parse(bytes, len, &message.header);
    if (!find_length(reader, &message.header, error))
        return FALSE;
    mbox_quote_begin(&reader->quoting, quoting_of(reader));
    reader->is_inside = TRUE;
    reader->is_line_open = FALSE;
    reader->held_len = 0;
    reader->line_len = 0;
    *ret_message = message;
    message = (MboxMessage){0};
    *ret_found = TRUE;
    return TRUE;
}

/* ---- its bytes ------------------------------------------------------------------------------- */

static void give_held(MboxReader *reader, GByteArray *out)
{
    mbox_unquote(&reader->quoting, reader->held, reader->held_len, out);
    reader->held_len = 0;
}

typedef enum { ENDED_BY_POSTMARK, ENDED_BY_INPUT } MessageEnd;

static void end_message(MboxReader *reader, MessageEnd end, GByteArray *out)
{
    gboolean is_last_line_empty = reader->line_len == 0;
    gboolean is_separator = is_last_line_empty || (end == ENDED_BY_POSTMARK && !reader->is_crlf);

    if (!is_separator)
        give_held(reader, out);
    reader->held_len = 0;
    mbox_quote_end(&reader->quoting, out);
    reader->is_inside = FALSE;
}

/* One line, or as much of it as the window has. */
static gsize take_line(MboxReader *reader, const guint8 *bytes, gsize len, GByteArray *out)
{
    const guint8 *line_end = memchr(bytes, '\n', len);
    gsize taken = line_end == NULL ? len : (gsize)(line_end - bytes) + 1;
    gsize content_len = taken;

    give_held(reader, out);
    if (line_end != NULL) {
        reader->held_len = reader->is_crlf && taken >= 2 && bytes[taken - 2] == '\r' ? 2 : 1;
        memcpy(reader->held, bytes + taken - reader->held_len, reader->held_len);
        content_len -= reader->held_len;
    }
    mbox_unquote(&reader->quoting, bytes, content_len, out);
    reader->line_len = (reader->is_line_open ? reader->line_len : 0) + content_len;
    reader->is_line_open = line_end == NULL;
    return taken;
}

static gboolean read_lines(MboxReader *reader, GByteArray *out, GError **error)
{
    const guint8 *bytes;
    gsize len, at = 0;

    if (!mail_input_peek(reader->input, WINDOW_WANTED, &bytes, &len, error))
        return FALSE;
    if (len == 0) {
        end_message(reader, ENDED_BY_INPUT, out);
        return TRUE;
    }
    while (at < len && out->len < PIECE_LEN) {
        /* A postmark is judged with its whole line in sight, or with all that there is. */
        if (!reader->is_line_open && len - at < MBOX_POSTMARK_LEN_MAX && len >= WINDOW_WANTED)
            break;
        if (!reader->is_line_open && is_postmark(reader, bytes + at, len - at)) {
            end_message(reader, ENDED_BY_POSTMARK, out);
            break;
        }
        at += take_line(reader, bytes + at, len - at, out);
    }
    mail_input_consume(reader->input, at);
    return TRUE;
}

/* The length is used up. It may have been believed unseen: when no postmark follows, the message
 * goes on to the next one, so that a false length loses nothing. */
static gboolean end_exact(MboxReader *reader, GError **error)
{
    const guint8 *bytes;
    gsize len, at = 0;

    if (!mail_input_peek(reader->input, MBOX_POSTMARK_LEN_MAX + 2, &bytes, &len, error))
        return FALSE;
    if (at < len && bytes[at] == '\r')
        at++;
    if (at < len && bytes[at] == '\n')
        at++;
    reader->is_exact = FALSE;
    if (at < len && !is_postmark(reader, bytes + at, len - at)) {
        reader->is_line_open = TRUE;
        reader->line_len = 1;
        return TRUE;
    }
    mail_input_consume(reader->input, at);
    reader->is_inside = FALSE;
    return TRUE;
}

static gboolean read_exact(MboxReader *reader, GByteArray *out, GError **error)
{
    const guint8 *bytes;
    gsize len, taken;

    if (!mail_input_peek(reader->input, PIECE_LEN, &bytes, &len, error))
        return FALSE;
    taken = (gsize)MIN((guint64)len, reader->exact_left);
    if (taken == 0)
        return end_exact(reader, error);
    g_byte_array_append(out, bytes, (guint)taken);
    mail_input_consume(reader->input, taken);
    reader->exact_left -= taken;
    return TRUE;
}

gboolean mbox_reader_read(MboxReader *reader, GByteArray *out, GError **error)
{
    g_byte_array_set_size(out, 0);
    /* A piece may be nothing but a held line end, or a message nothing at all. */
    while (reader->is_inside && out->len == 0) {
        if (!(reader->is_exact ? read_exact : read_lines)(reader, out, error))
            return FALSE;
    }
    return TRUE;
}
