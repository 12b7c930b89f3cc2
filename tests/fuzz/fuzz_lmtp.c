/* LMTP: input in one piece or in many gives the same events, messages and replies; events follow
 * their grammar; there are no more replies than commands and recipients; and what DATA gives equals
 * what a plain un-stuffer makes of the same bytes.
 *
 * The first byte of an input chooses the options, the second the pieces; the rest is the session.
 */
#include <string.h>

#include "ingest/lmtp.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

#define MESSAGE_LEN_MAX 100
#define RECIPIENTS_MAX 3

typedef struct {
    IngestLmtp *lmtp;
    GString *told;       /* events and messages, but for how the bytes were cut */
    GByteArray *message; /* since BEGIN */
    guint accepted_count, delivered_count;
    gboolean is_open; /* between BEGIN and its end */
    gboolean is_over;
} Talk;

static void talk_free(Talk *talk)
{
    ingest_lmtp_free(talk->lmtp);
    g_string_free(talk->told, TRUE);
    g_byte_array_unref(talk->message);
    g_free(talk);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Talk, talk_free)

static Talk *talk_new(guint8 choice)
{
    IngestLmtpOptions options = {.host_name = "h",
                                 .message_len_max = (choice & 1) != 0 ? MESSAGE_LEN_MAX : 0,
                                 .recipients_max = RECIPIENTS_MAX,
                                 .tls = (IngestTlsMode)((choice >> 1) % 3)};
    Talk *talk = g_new0(Talk, 1);

    talk->lmtp = ingest_lmtp_new(&options);
    talk->told = g_string_new(NULL);
    talk->message = g_byte_array_new();
    return talk;
}

static void take_rcpt(Talk *talk)
{
    const char *rcpt = ingest_lmtp_rcpt(talk->lmtp);

    g_string_append_printf(talk->told, "RCPT %s\n", rcpt);
    g_assert_true(*rcpt != '\0' && strlen(rcpt) <= INGEST_LMTP_PATH_LEN_MAX);
    g_assert_true(g_utf8_validate(rcpt, -1, NULL));
    g_assert_null(strpbrk(rcpt, "\r\n"));
    if (strchr(rcpt, '!') != NULL) {
        ingest_lmtp_refuse_rcpt(talk->lmtp, "451 4.3.0 no");
        return;
    }
    ingest_lmtp_accept_rcpt(talk->lmtp);
    talk->accepted_count++;
}

static void take_begin(Talk *talk)
{
    const IngestEnvelope *envelope = ingest_lmtp_envelope(talk->lmtp);

    g_assert_false(talk->is_open);
    g_assert_nonnull(envelope->sender);
    g_assert_cmpuint(envelope->recipients->len, >, 0);
    g_assert_cmpuint(envelope->recipients->len, <=, RECIPIENTS_MAX);
    g_string_append_printf(talk->told, "BEGIN %s %u\n", envelope->sender,
                           envelope->recipients->len);
    talk->is_open = TRUE;
    g_byte_array_set_size(talk->message, 0);
}

static void take_delivery(Talk *talk)
{
    g_assert_true(talk->is_open);
    talk->is_open = FALSE;
    talk->delivered_count++;
    g_string_append(talk->told, "DELIVER ");
    g_string_append_len(talk->told, (const char *)talk->message->data, talk->message->len);
    if (talk->message->len % 3 == 0) {
        g_autoptr(GError) failure = g_error_new_literal(VAULT_ERROR, VAULT_ERROR_BUSY, "x");

        ingest_lmtp_reply_error(talk->lmtp, failure);
    } else {
        ingest_lmtp_reply_archived(talk->lmtp, INGEST_ARCHIVED_NOW, "id");
    }
}

static void take_event(Talk *talk, IngestLmtpEvent event, const guint8 *bytes, gsize len)
{
    g_assert_false(talk->is_over);
    switch (event) {
    case INGEST_LMTP_NONE:
        g_assert_not_reached();
    case INGEST_LMTP_STARTTLS:
        /* Without a handshake: all that follows is to be swallowed, however it comes. */
        g_assert_false(talk->is_open);
        g_string_append(talk->told, "STARTTLS\n");
        return;
    case INGEST_LMTP_RCPT:
        take_rcpt(talk);
        return;
    case INGEST_LMTP_BEGIN:
        take_begin(talk);
        return;
    case INGEST_LMTP_BYTES:
        g_assert_true(talk->is_open && len > 0);
        g_byte_array_append(talk->message, bytes, (guint)len);
        return;
    case INGEST_LMTP_DELIVER:
        take_delivery(talk);
        return;
    case INGEST_LMTP_ABANDON:
        g_assert_true(talk->is_open);
        talk->is_open = FALSE;
        g_string_append(talk->told, "ABANDON\n");
        return;
    case INGEST_LMTP_QUIT:
        g_assert_false(talk->is_open);
        talk->is_over = TRUE;
        return;
    }
}

/* In memory of exactly its size, so that ASan sees the first byte read past it. */
static void feed(Talk *talk, const guint8 *input, gsize input_len)
{
    g_autofree guint8 *piece = g_memdup2(input, input_len);
    const guint8 *bytes = NULL;
    gsize len = 0;
    IngestLmtpEvent event;

    ingest_lmtp_feed(talk->lmtp, piece, input_len);
    while ((event = ingest_lmtp_next(talk->lmtp, &bytes, &len)) != INGEST_LMTP_NONE)
        take_event(talk, event, bytes, len);
}

/* Pieces of changing lengths from 1 to 8, or of 1 to 256. */
static void feed_pieces(Talk *talk, const guint8 *input, gsize len, guint8 choice)
{
    guint32 state = choice;
    guint bits = (choice & 1) != 0 ? 3 : 8;

    for (gsize at = 0; at < len;) {
        gsize here;

        state = state * 1664525 + 1013904223;
        here = MIN((gsize)(state >> (32 - bits)) + 1, len - at);
        feed(talk, input + at, here);
        at += here;
    }
}

static void begin_secured(Talk *talk)
{
    static const char *const starttls = "STARTTLS\r\n";

    feed(talk, (const guint8 *)starttls, strlen(starttls));
    if (strstr(talk->told->str, "STARTTLS") != NULL)
        ingest_lmtp_secured(talk->lmtp);
}

/* Each line of input brings one reply at most, and each accepted recipient one more; besides these
 * there is the greeting and, once, 421. */
static void check_reply_count(Talk *talk, const guint8 *input, gsize len, guint commands)
{
    GByteArray *output = ingest_lmtp_output(talk->lmtp);
    g_autofree char *text = g_strndup((const char *)output->data, output->len);
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    guint replies = 0;

    g_assert_true(output->len >= 2 && g_str_has_suffix(text, "\r\n"));
    for (char **line = lines; line[1] != NULL; line++) {
        g_assert_true(g_ascii_isdigit((*line)[0]) && g_ascii_isdigit((*line)[1]) &&
                      g_ascii_isdigit((*line)[2]));
        replies += (*line)[3] == ' ';
    }
    for (gsize i = 0; i < len; i++)
        commands += input[i] == '\n';
    g_assert_cmpuint(replies, <=, 2 + commands + talk->accepted_count);
}

static void check_cutting(const guint8 *input, gsize len, guint8 options, guint8 pieces)
{
    g_autoptr(Talk) whole = talk_new(options);
    g_autoptr(Talk) cut = talk_new(options);
    GByteArray *said = ingest_lmtp_output(whole->lmtp), *cut_said = ingest_lmtp_output(cut->lmtp);
    gboolean is_secured_first = (options & 8) != 0;

    if (is_secured_first) {
        begin_secured(whole);
        begin_secured(cut);
    }
    feed(whole, input, len);
    feed_pieces(cut, input, len, pieces);
    check_reply_count(whole, input, len, is_secured_first ? 1 : 0);
    g_assert_cmpmem(whole->told->str, whole->told->len, cut->told->str, cut->told->len);
    g_assert_cmpmem(said->data, said->len, cut_said->data, cut_said->len);
    g_assert_true(whole->is_over == cut->is_over && whole->is_open == cut->is_open);
}

/* RFC 5321 4.5.2 line by line. NULL when the message does not end. */
static GByteArray *unstuff(const guint8 *wire, gsize len)
{
    g_autoptr(GByteArray) message = g_byte_array_new();
    gsize at = 0;

    while (at < len) {
        const guint8 *line = wire + at;
        const guint8 *end = memmem(line, len - at, "\r\n", 2);
        gsize line_len;

        if (end == NULL)
            return NULL;
        line_len = (gsize)(end - line) + 2;
        at += line_len;
        if (line_len == 3 && line[0] == '.')
            return g_steal_pointer(&message);
        if (line[0] == '.') {
            line++;
            line_len--;
        }
        g_byte_array_append(message, line, (guint)line_len);
    }
    return NULL;
}

static void check_transparency(const guint8 *wire, gsize len, guint8 pieces)
{
    static const char *const start =
        "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";
    g_autoptr(Talk) talk = talk_new(0);
    g_autoptr(GByteArray) wanted = unstuff(wire, len);
    g_autoptr(GString) told = NULL;

    feed(talk, (const guint8 *)start, strlen(start));
    told = g_string_new_len(talk->told->str, (gssize)talk->told->len);
    feed_pieces(talk, wire, len, pieces);
    g_assert_true((wanted != NULL) == (talk->delivered_count > 0));
    if (wanted == NULL)
        return;
    g_string_append(told, "DELIVER ");
    g_string_append_len(told, (const char *)wanted->data, wanted->len);
    g_assert_cmpuint(talk->told->len, >=, told->len);
    g_assert_cmpmem(talk->told->str, told->len, told->str, told->len);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    if (size < 2)
        return 0;
    check_cutting(data + 2, size - 2, data[0], data[1]);
    check_transparency(data + 2, size - 2, data[1]);
    return 0;
}
