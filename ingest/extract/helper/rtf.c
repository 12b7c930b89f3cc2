/* RTF into text: groups, the control words that stand for characters or breaks, and characters in
 * the code page of their font.
 *
 * Bytes over 127 are gathered in `raw` until something else comes, because a character of an Asian
 * code page is two of them.
 */
#include "ingest/extract/helper/charset.h"
#include "ingest/extract/helper/formats.h"
#include "ingest/extract/helper/rtf_words.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 1000 /* deeper ones are read as the one around them */
#define FONTS_MAX 4096
#define WORD_LEN_MAX 32
#define RAW_LEN_MAX 4096
#define FALLBACK_MAX 16

typedef struct {
    gboolean is_skipped, is_hidden; /* no text; hidden by \htmlrtf */
    gboolean is_font_table;
    guint fallback_count; /* \uc */
    const char *charset;
} Group;

typedef struct {
    ExtractTextOut *out;
    const guint8 *next, *end;
    Group group;      /* the innermost */
    GArray *around;   /* Group, outermost first */
    guint too_deep;   /* open groups that are not in `around` */
    gboolean is_star; /* \* came, and the word that it marks did not */
    guint fallback_left;
    const char *charset; /* of the document */
    const char *fonts[FONTS_MAX];
    int font;      /* that the font table is at */
    gunichar high; /* first half of a surrogate pair, or 0 */
    gsize raw_len;
    guint8 raw[RAW_LEN_MAX];
} Rtf;

static gboolean is_text(const Rtf *rtf)
{
    return !rtf->group.is_skipped && !rtf->group.is_hidden && !rtf->group.is_font_table;
}

static void flush(Rtf *rtf)
{
    if (rtf->raw_len > 0)
        extract_charset_add(rtf->out, rtf->group.charset, rtf->raw, rtf->raw_len);
    rtf->raw_len = 0;
}

static void put_raw(Rtf *rtf, guint8 byte)
{
    if (rtf->fallback_left > 0) {
        rtf->fallback_left--;
        return;
    }
    if (!is_text(rtf))
        return;
    if (rtf->raw_len == RAW_LEN_MAX)
        flush(rtf);
    rtf->raw[rtf->raw_len++] = byte;
}

static void put_string(Rtf *rtf, const char *text)
{
    flush(rtf);
    if (rtf->fallback_left > 0)
        rtf->fallback_left--;
    else if (is_text(rtf))
        extract_text_out_add_string(rtf->out, text);
}

static void put_break(Rtf *rtf)
{
    flush(rtf);
    if (is_text(rtf))
        extract_text_out_break(rtf->out);
}

/* \u takes 16 bits, as a signed number; what is beyond them comes as two halves. */
static void put_unicode(Rtf *rtf, int number)
{
    gunichar unit = (guint16)number;
    char text[8] = "";

    flush(rtf);
    rtf->fallback_left = rtf->group.fallback_count;
    if (unit >= 0xd800 && unit < 0xdc00) {
        rtf->high = unit;
        return;
    }
    if (unit >= 0xdc00 && unit < 0xe000)
        unit = rtf->high == 0 ? 0xfffd : 0x10000 + ((rtf->high - 0xd800) << 10) + (unit - 0xdc00);
    rtf->high = 0;
    text[g_unichar_to_utf8(unit, text)] = '\0';
    if (is_text(rtf))
        extract_text_out_add_string(rtf->out, text);
}

static void begin_group(Rtf *rtf)
{
    flush(rtf);
    rtf->fallback_left = 0;
    if (rtf->around->len < GROUPS_MAX)
        g_array_append_val(rtf->around, rtf->group);
    else
        rtf->too_deep++;
    while (rtf->next < rtf->end && (*rtf->next == '\r' || *rtf->next == '\n'))
        rtf->next++;
    rtf->is_star = rtf->end - rtf->next >= 2 && rtf->next[0] == '\\' && rtf->next[1] == '*';
    rtf->next += rtf->is_star ? 2 : 0;
}

static void end_group(Rtf *rtf)
{
    flush(rtf);
    rtf->fallback_left = 0;
    rtf->is_star = FALSE;
    if (rtf->too_deep > 0) {
        rtf->too_deep--;
    } else if (rtf->around->len > 0) {
        rtf->group = g_array_index(rtf->around, Group, rtf->around->len - 1);
        g_array_set_size(rtf->around, rtf->around->len - 1);
    }
}

static const char *charset_of_font(const Rtf *rtf, int font)
{
    const char *charset = font >= 0 && font < FONTS_MAX ? rtf->fonts[font] : NULL;

    return charset == NULL ? rtf->charset : charset;
}

static void set_font(Rtf *rtf, int font)
{
    if (rtf->group.is_font_table)
        rtf->font = font;
    else
        rtf->group.charset = charset_of_font(rtf, font);
}

/* Charset 1 is "the default", which is the document's. */
static void set_font_charset(Rtf *rtf, int number)
{
    if (rtf->group.is_font_table && rtf->font >= 0 && rtf->font < FONTS_MAX && number != 1)
        rtf->fonts[rtf->font] = rtf_charset_of_font(number);
}

static void take_word(Rtf *rtf, const RtfWord *word, int number, gboolean has_number)
{
    switch (word->meaning) {
    case RTF_BREAK:
        put_break(rtf);
        return;
    case RTF_CHARACTER:
        put_string(rtf, word->text);
        return;
    case RTF_SKIP:
        rtf->group.is_skipped = TRUE;
        return;
    case RTF_FONTS:
        rtf->group.is_font_table = TRUE;
        return;
    case RTF_FONT:
        set_font(rtf, number);
        return;
    case RTF_FONT_CHARSET:
        set_font_charset(rtf, number);
        return;
    case RTF_PLAIN:
        rtf->group.charset = rtf->charset;
        return;
    case RTF_CODE_PAGE:
        rtf->charset = rtf->group.charset = rtf_charset_of_code_page(number);
        return;
    case RTF_UNICODE:
        put_unicode(rtf, number);
        return;
    case RTF_FALLBACK:
        rtf->group.fallback_count = (guint)CLAMP(number, 0, FALLBACK_MAX);
        return;
    case RTF_BINARY:
        rtf->next += MIN(MAX(number, 0), rtf->end - rtf->next);
        return;
    case RTF_HTML_ONLY:
        rtf->group.is_hidden = !has_number || number != 0;
        return;
    case RTF_STARRED:
    case RTF_OTHER:
        return;
    }
}

static int read_number(Rtf *rtf, gboolean *ret_has_number)
{
    gboolean is_negative =
        rtf->end - rtf->next > 1 && *rtf->next == '-' && g_ascii_isdigit(rtf->next[1]);
    gint64 number = 0;

    rtf->next += is_negative;
    *ret_has_number = rtf->next < rtf->end && g_ascii_isdigit(*rtf->next);
    for (; rtf->next < rtf->end && g_ascii_isdigit(*rtf->next); rtf->next++)
        number = MIN(number * 10 + (*rtf->next - '0'), G_MAXINT);
    return (int)(is_negative ? -number : number);
}

/* \* at the beginning of a group says that whoever does not know the word passes over the group.
 * Elsewhere it says nothing, and programs write it. */
static void read_word(Rtf *rtf)
{
    char name[WORD_LEN_MAX + 1];
    gsize len = 0;
    gboolean has_number;
    const RtfWord *word;
    int number;

    for (; rtf->next < rtf->end && g_ascii_isalpha(*rtf->next); rtf->next++) {
        if (len < WORD_LEN_MAX)
            name[len++] = (char)*rtf->next;
    }
    name[len] = '\0';
    number = read_number(rtf, &has_number);
    if (rtf->next < rtf->end && *rtf->next == ' ')
        rtf->next++;
    word = rtf_word_find(name);
    flush(rtf);
    if (rtf->is_star && (word == NULL || word->meaning != RTF_STARRED))
        rtf->group.is_skipped = TRUE;
    rtf->is_star = FALSE;
    if (word != NULL)
        take_word(rtf, word, number, has_number);
}

static void read_hex(Rtf *rtf)
{
    int high = rtf->end - rtf->next < 2 ? -1 : g_ascii_xdigit_value((char)rtf->next[0]);
    int low = rtf->end - rtf->next < 2 ? -1 : g_ascii_xdigit_value((char)rtf->next[1]);

    if (high < 0 || low < 0)
        return;
    rtf->next += 2;
    put_raw(rtf, (guint8)(high << 4 | low));
}

static void read_symbol(Rtf *rtf, guint8 symbol)
{
    switch (symbol) {
    case '\'':
        read_hex(rtf);
        return;
    case '~':
        put_string(rtf, " ");
        return;
    case '_':
        put_string(rtf, "-");
        return;
    case '\r':
    case '\n':
        put_break(rtf);
        return;
    case '\\':
    case '{':
    case '}':
        put_raw(rtf, symbol);
        return;
    default:
        return;
    }
}

static void read_control(Rtf *rtf)
{
    if (rtf->next == rtf->end)
        return;
    if (g_ascii_isalpha(*rtf->next))
        read_word(rtf);
    else
        read_symbol(rtf, *rtf->next++);
}

static void read_one(Rtf *rtf)
{
    guint8 byte = *rtf->next++;

    switch (byte) {
    case '{':
        begin_group(rtf);
        return;
    case '}':
        end_group(rtf);
        return;
    case '\\':
        read_control(rtf);
        return;
    case '\r':
    case '\n':
    case '\0':
        return;
    default:
        put_raw(rtf, byte);
    }
}

static void rtf_free(Rtf *rtf)
{
    g_array_unref(rtf->around);
    explicit_bzero(rtf, sizeof *rtf);
    g_free(rtf);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rtf, rtf_free)

IngestExtractOutcome extract_rtf(ExtractRun *run, const ExtractDocument *document)
{
    g_autoptr(Rtf) rtf = g_new0(Rtf, 1);

    rtf->out = run->out;
    rtf->next = document->bytes;
    rtf->end = rtf->next + document->len;
    rtf->around = g_array_new(FALSE, FALSE, sizeof(Group));
    rtf->charset = "windows-1252";
    rtf->group = (Group){.fallback_count = 1, .charset = rtf->charset};
    while (rtf->next < rtf->end && !extract_text_out_is_full(run->out))
        read_one(rtf);
    flush(rtf);
    return rtf->around->len > 0 && !extract_text_out_is_full(run->out) ? INGEST_EXTRACT_MALFORMED
                                                                       : INGEST_EXTRACT_TEXT;
}
