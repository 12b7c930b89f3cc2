#include "restore/mbox.h"

#include "restore/mail_date.h"

#include <string.h>
#include <time.h>

static const char from_[] = "From ";
#define FROM_LEN (sizeof from_ - 1)

static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static char *postmark_sender(const char *sender)
{
    gboolean is_left_out =
        sender == NULL || *sender == '\0' || strlen(sender) > MBOX_SENDER_LEN_MAX;
    char *safe = g_strdup(is_left_out ? "MAILER-DAEMON" : sender);

    for (char *at = safe; *at != '\0'; at++) {
        if ((guchar)*at <= ' ' || *at == 0x7f)
            *at = '_';
    }
    return safe;
}

char *mbox_postmark_format(const char *sender, guint64 received_s)
{
    g_autofree char *safe = postmark_sender(sender);
    /* The last second of 9999: what asctime's four digits can say. */
    time_t time = (time_t)MIN(received_s, G_GUINT64_CONSTANT(253402300799));
    struct tm utc;

    gmtime_r(&time, &utc);
    return g_strdup_printf("From %s %s %s %2d %02d:%02d:%02d %04d\n", safe, days[utc.tm_wday],
                           months[utc.tm_mon], utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                           utc.tm_year + 1900);
}

void mbox_postmark_clear(MboxPostmark *postmark)
{
    g_clear_pointer(&postmark->sender, g_free);
}

/* Where the date begins: the last "Www Mmm " of the line, as senders may hold spaces. */
static const char *find_date(const char *text)
{
    const char *found = NULL;

    for (const char *at = strchr(text, ' '); at != NULL; at = strchr(at + 1, ' ')) {
        for (gsize i = 0; i < G_N_ELEMENTS(days); i++) {
            if (g_ascii_strncasecmp(at + 1, days[i], 3) == 0 && at[4] == ' ')
                found = at + 1;
        }
    }
    return found;
}

gboolean mbox_postmark_parse(const char *line, gsize len, MboxPostmark *ret_postmark)
{
    g_autofree char *text = NULL;
    const char *date;

    *ret_postmark = (MboxPostmark){0};
    if (len < FROM_LEN || len > MBOX_POSTMARK_LEN_MAX || memcmp(line, from_, FROM_LEN) != 0 ||
        memchr(line, '\0', len) != NULL)
        return FALSE;
    text = g_strndup(line + FROM_LEN - 1, len - FROM_LEN + 1);
    g_strchomp(text);
    date = find_date(text);
    if (date == NULL || !mail_date_parse_postmark(date, &ret_postmark->received_s))
        return FALSE;
    ret_postmark->sender = g_strndup(text, (gsize)(date - text));
    g_strstrip(ret_postmark->sender);
    if (g_str_equal(ret_postmark->sender, "MAILER-DAEMON") ||
        g_str_equal(ret_postmark->sender, "-"))
        *ret_postmark->sender = '\0';
    if (!g_utf8_validate(ret_postmark->sender, -1, NULL))
        *ret_postmark->sender = '\0';
    return TRUE;
}

void mbox_quote_begin(MboxQuoteState *state, MboxQuoting quoting)
{
    *state = (MboxQuoteState){.quoting = quoting, .is_line_start = TRUE};
}

static void append(GByteArray *out, const void *bytes, gsize len)
{
    g_assert(len <= G_MAXUINT);
    g_byte_array_append(out, bytes, (guint)len);
}

static void give_held(MboxQuoteState *state, GByteArray *out)
{
    if (state->is_mark_held)
        append(out, ">", 1);
    append(out, from_, state->matched);
    state->is_mark_held = FALSE;
    state->matched = 0;
}

void mbox_quote_end(MboxQuoteState *state, GByteArray *out)
{
    give_held(state, out);
    mbox_quote_begin(state, state->quoting);
}

/* A mark is one of a run, so it does not matter that it comes after those of the message. */
static void quote_found(MboxQuoteState *state, GByteArray *out)
{
    if (state->quoting == MBOX_MBOXRD || state->mark_count == 0)
        append(out, ">", 1);
}

static void unquote_found(MboxQuoteState *state, GByteArray *out)
{
    if (state->mark_count == 0)
        state->has_bare_from = TRUE;
    if (state->quoting == MBOX_MBOXRD || state->mark_count == 1)
        state->is_mark_held = FALSE;
}

typedef void (*QuoteFound)(MboxQuoteState *state, GByteArray *out);

/* One byte while the line may still turn out to be '>'* "From ". */
static void scan_start(MboxQuoteState *state, guint8 byte, QuoteFound found, GByteArray *out)
{
    if (byte == '>' && state->matched == 0) {
        if (found == unquote_found && state->mark_count == 0)
            state->is_mark_held = TRUE;
        else
            append(out, ">", 1);
        state->mark_count++;
        return;
    }
    if (byte == (guint8)from_[state->matched] && ++state->matched < FROM_LEN)
        return;
    if (state->matched == FROM_LEN) {
        found(state, out);
        give_held(state, out);
    } else {
        give_held(state, out);
        append(out, &byte, 1);
    }
    state->mark_count = 0;
    state->is_line_start = byte == '\n';
}

static void convert(MboxQuoteState *state, const guint8 *bytes, gsize len, QuoteFound found,
                    GByteArray *out)
{
    if (state->quoting == MBOX_PLAIN) {
        append(out, bytes, len);
        return;
    }
    while (len > 0) {
        const guint8 *line_end;
        gsize count;

        if (state->is_line_start) {
            scan_start(state, *bytes, found, out);
            bytes++, len--;
            continue;
        }
        line_end = memchr(bytes, '\n', len);
        count = line_end == NULL ? len : (gsize)(line_end - bytes) + 1;
        append(out, bytes, count);
        state->is_line_start = line_end != NULL;
        bytes += count, len -= count;
    }
}

void mbox_quote(MboxQuoteState *state, const guint8 *bytes, gsize len, GByteArray *out)
{
    convert(state, bytes, len, quote_found, out);
}

void mbox_unquote(MboxQuoteState *state, const guint8 *bytes, gsize len, GByteArray *out)
{
    convert(state, bytes, len, unquote_found, out);
}
