#include "tests/support/lmtp_talk.h"

#include <string.h>

IngestLmtpOptions lmtp_talk_options(void)
{
    return (IngestLmtpOptions){.host_name = "archive.test", .recipients_max = 1000};
}

LmtpTalk *lmtp_talk_new(const IngestLmtpOptions *options)
{
    IngestLmtpOptions defaults = lmtp_talk_options();
    LmtpTalk *talk = g_new0(LmtpTalk, 1);

    talk->lmtp = ingest_lmtp_new(options != NULL ? options : &defaults);
    talk->notes = g_string_new(NULL);
    talk->message = g_byte_array_new();
    talk->delivered = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    lmtp_talk_expect(talk, "", "220 archive.test", NULL);
    return talk;
}

LmtpTalk *lmtp_talk_greeted(const IngestLmtpOptions *options)
{
    LmtpTalk *talk = lmtp_talk_new(options);

    lmtp_talk_send(talk, "LHLO client.test\r\n", 18, 0);
    g_free(lmtp_talk_replies(talk));
    return talk;
}

void lmtp_talk_free(LmtpTalk *talk)
{
    if (talk == NULL)
        return;
    ingest_lmtp_free(talk->lmtp);
    g_string_free(talk->notes, TRUE);
    g_byte_array_unref(talk->message);
    g_ptr_array_unref(talk->delivered);
    g_free(talk);
}

static void note(LmtpTalk *talk, const char *word)
{
    if (talk->notes->len > 0)
        g_string_append_c(talk->notes, ' ');
    g_string_append(talk->notes, word);
}

static void take_rcpt(LmtpTalk *talk)
{
    g_autofree char *word = g_strdup_printf("RCPT(%s)", ingest_lmtp_rcpt(talk->lmtp));

    note(talk, word);
    if (talk->rcpt_reply == NULL)
        ingest_lmtp_accept_rcpt(talk->lmtp);
    else
        ingest_lmtp_refuse_rcpt(talk->lmtp, talk->rcpt_reply);
}

static void take_begin(LmtpTalk *talk)
{
    const IngestEnvelope *envelope = ingest_lmtp_envelope(talk->lmtp);
    g_autoptr(GString) word = g_string_new("BEGIN(");

    g_string_append_printf(word, "%s>", envelope->sender);
    for (guint i = 0; i < envelope->recipients->len; i++)
        g_string_append_printf(word, "%s%s", i > 0 ? "," : "",
                               (const char *)g_ptr_array_index(envelope->recipients, i));
    g_string_append_c(word, ')');
    note(talk, word->str);
    g_byte_array_set_size(talk->message, 0);
}

static void take_bytes(LmtpTalk *talk, const guint8 *bytes, gsize len)
{
    assert_true(len > 0);
    if (!g_str_has_suffix(talk->notes->str, "BYTES"))
        note(talk, "BYTES");
    g_byte_array_append(talk->message, bytes, (guint)len);
}

static void take_delivery(LmtpTalk *talk)
{
    GByteArray *copy = g_byte_array_new();

    note(talk, "DELIVER");
    g_byte_array_append(copy, talk->message->data, talk->message->len);
    g_ptr_array_add(talk->delivered, copy);
    if (talk->failure == NULL)
        ingest_lmtp_reply_archived(talk->lmtp, talk->how, LMTP_TALK_ARCHIVE_ID);
    else
        ingest_lmtp_reply_error(talk->lmtp, talk->failure);
}

static void take_events(LmtpTalk *talk)
{
    for (;;) {
        const guint8 *bytes = NULL;
        gsize len = 0;

        switch (ingest_lmtp_next(talk->lmtp, &bytes, &len)) {
        case INGEST_LMTP_NONE:
            return;
        case INGEST_LMTP_STARTTLS:
            note(talk, "STARTTLS");
            if (talk->is_secured_at_once)
                ingest_lmtp_secured(talk->lmtp);
            break;
        case INGEST_LMTP_RCPT:
            take_rcpt(talk);
            break;
        case INGEST_LMTP_BEGIN:
            take_begin(talk);
            break;
        case INGEST_LMTP_BYTES:
            take_bytes(talk, bytes, len);
            break;
        case INGEST_LMTP_DELIVER:
            take_delivery(talk);
            break;
        case INGEST_LMTP_ABANDON:
            note(talk, "ABANDON");
            break;
        case INGEST_LMTP_QUIT:
            note(talk, "QUIT");
            talk->is_over = TRUE;
            break;
        }
    }
}

void lmtp_talk_send(LmtpTalk *talk, const void *bytes, gsize len, gsize piece_len)
{
    gsize step = piece_len != 0 ? piece_len : MAX(len, 1);

    for (gsize at = 0; at < len; at += step) {
        gsize here = MIN(step, len - at);
        g_autofree guint8 *piece = g_memdup2((const guint8 *)bytes + at, here);

        ingest_lmtp_feed(talk->lmtp, piece, here);
        take_events(talk);
    }
    take_events(talk);
}

char *lmtp_talk_replies(LmtpTalk *talk)
{
    GByteArray *output = ingest_lmtp_output(talk->lmtp);
    char *text = g_strndup((const char *)output->data, output->len);

    g_byte_array_set_size(output, 0);
    return text;
}

void lmtp_talk_expect(LmtpTalk *talk, const char *text, ...)
{
    g_autofree char *replies = NULL;
    g_auto(GStrv) lines = NULL;
    guint count = 0;
    va_list codes;

    lmtp_talk_send(talk, text, strlen(text), 0);
    replies = lmtp_talk_replies(talk);
    lines = g_strsplit(replies, "\r\n", -1);
    va_start(codes, text);
    for (const char *code; (code = va_arg(codes, const char *)) != NULL; count++)
        if (lines[count] == NULL || !g_str_has_prefix(lines[count], code))
            fail_msg("after \"%s\": \"%s\", not \"%s\"", text, replies, code);
    va_end(codes);
    /* After the last CRLF comes an empty piece; without any reply there is none. */
    if (g_strv_length(lines) != (count > 0 ? count + 1 : 0))
        fail_msg("after \"%s\": not %u replies but \"%s\"", text, count, replies);
}

void lmtp_talk_expect_notes(LmtpTalk *talk, const char *notes)
{
    assert_string_equal(talk->notes->str, notes);
    g_string_truncate(talk->notes, 0);
}

void lmtp_talk_expect_message(LmtpTalk *talk, guint number, const void *bytes, gsize len)
{
    const GByteArray *message;

    assert_true(number < talk->delivered->len);
    message = g_ptr_array_index(talk->delivered, number);
    assert_int_equal(message->len, len);
    if (len > 0)
        assert_memory_equal(message->data, bytes, len);
}
