#include "ingest/extract/helper/text_out.h"

#include "ingest/extract/protocol.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

struct ExtractTextOut {
    guint64 left; /* bytes that may still be given on */
    ExtractTextSink sink;
    gpointer user;
    gboolean is_full, is_broken; /* nothing was given since the last break */
    gsize len;
    char frame[EXTRACT_FRAME_TEXT_LEN_MAX];
    gsize partial_len; /* a character that the next call may complete */
    char partial[4];
};

ExtractTextOut *extract_text_out_new(guint64 len_max, ExtractTextSink sink, gpointer user)
{
    ExtractTextOut *out = g_new0(ExtractTextOut, 1);

    out->left = len_max;
    out->sink = sink;
    out->user = user;
    out->is_broken = TRUE;
    return out;
}

void extract_text_out_free(ExtractTextOut *out)
{
    if (out == NULL)
        return;
    explicit_bzero(out, sizeof *out);
    g_free(out);
}

static void flush(ExtractTextOut *out)
{
    if (out->len == 0)
        return;
    out->sink(out->user, out->frame, out->len);
    out->is_broken = FALSE;
    out->len = 0;
}

/* `len` bytes of whole characters. */
static void put(ExtractTextOut *out, const char *text, gsize len)
{
    while (len > 0 && !out->is_full) {
        gsize room = MIN(sizeof out->frame - out->len, out->left);
        gsize part = MIN(len, room);

        while (part > 0 && part < len && ((guint8)text[part] & 0xc0) == 0x80)
            part--;
        memcpy(out->frame + out->len, text, part);
        out->len += part;
        out->left -= part;
        text += part;
        len -= part;
        if (len > 0 && out->left < 4)
            out->is_full = TRUE;
        else if (len > 0)
            flush(out);
    }
}

/* Bytes that a character beginning with `first` has; 0: none begins so. */
static gsize length_of(guint8 first)
{
    return first < 0x80   ? 1
           : first < 0xc2 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf5 ? 4
                          : 0;
}

static gboolean may_continue(const char *text, gsize len)
{
    if (len >= length_of((guint8)text[0]))
        return FALSE;
    for (gsize i = 1; i < len; i++) {
        if (((guint8)text[i] & 0xc0) != 0x80)
            return FALSE;
    }
    return TRUE;
}

/* The first bytes are no character: one of them is replaced, and may have been a control. */
static void put_bad_byte(ExtractTextOut *out, const char *text)
{
    if (*text == '\0')
        put(out, " ", 1);
    else
        put(out, REPLACEMENT, strlen(REPLACEMENT));
}

/* Returns how many bytes at the end may be the begin of a character. */
static gsize put_valid(ExtractTextOut *out, const char *text, gsize len)
{
    while (len > 0) {
        const char *end;

        g_utf8_validate_len(text, len, &end);
        put(out, text, (gsize)(end - text));
        len -= (gsize)(end - text);
        text = end;
        if (len == 0 || may_continue(text, len))
            return len;
        put_bad_byte(out, text);
        text++;
        len--;
    }
    return 0;
}

static void keep_partial(ExtractTextOut *out, const char *text, gsize len)
{
    memcpy(out->partial, text, len);
    out->partial_len = len;
}

void extract_text_out_add(ExtractTextOut *out, const void *text, gsize len)
{
    const char *next = text;

    while (out->partial_len > 0 && len > 0) {
        char joined[8];
        gsize joined_len = out->partial_len + 1;
        gsize rest;

        memcpy(joined, out->partial, out->partial_len);
        joined[out->partial_len] = *next++;
        len--;
        out->partial_len = 0;
        rest = put_valid(out, joined, joined_len);
        keep_partial(out, joined + joined_len - rest, rest);
    }
    if (len > 0) {
        gsize rest = put_valid(out, next, len);

        keep_partial(out, next + len - rest, rest);
    }
}

void extract_text_out_add_string(ExtractTextOut *out, const char *text)
{
    if (text != NULL)
        extract_text_out_add(out, text, strlen(text));
}

static void drop_partial(ExtractTextOut *out)
{
    if (out->partial_len > 0)
        put(out, REPLACEMENT, strlen(REPLACEMENT));
    out->partial_len = 0;
}

void extract_text_out_break(ExtractTextOut *out)
{
    drop_partial(out);
    flush(out);
    if (!out->is_broken)
        out->sink(out->user, NULL, 0);
    out->is_broken = TRUE;
}

void extract_text_out_finish(ExtractTextOut *out)
{
    drop_partial(out);
    flush(out);
}

gboolean extract_text_out_is_full(const ExtractTextOut *out)
{
    return out->is_full;
}
