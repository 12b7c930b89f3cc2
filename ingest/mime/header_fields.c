#include "ingest/mime/header_fields.h"

#include "ingest/mime/charset.h"

#include <gmime/gmime.h>
#include <string.h>

/* RFC 2047 allows 75; mail has longer ones. */
#define ENCODED_WORD_LEN_MAX 4096

void ingest_header_fields_init(IngestHeaderFields *fields, const void *header, gsize len)
{
    *fields = (IngestHeaderFields){.at = header, .end = (const char *)header + len};
}

static gboolean is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Behind the end of the line that begins here. */
static const char *skip_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (gsize)(end - at));

    return newline == NULL ? end : newline + 1;
}

/* Length of the field's name that a line begins with; 0: it is none. */
static gsize name_len(const char *line, gsize len)
{
    gsize at = 0;

    while (at < len && g_ascii_isgraph(line[at]) && line[at] != ':')
        at++;
    for (gsize colon = at; at > 0 && colon < len; colon++) {
        if (line[colon] == ':')
            return at;
        if (!is_blank(line[colon]))
            return 0;
    }
    return 0;
}

gboolean ingest_header_fields_next(IngestHeaderFields *fields)
{
    const char *line = fields->at, *end = line;

    if (line == fields->end)
        return FALSE;
    do
        end = skip_line(end, fields->end);
    while (end < fields->end && is_blank(*end));
    fields->at = end;
    fields->name = line;
    fields->name_len = name_len(line, (gsize)(end - line));
    fields->value = line;
    if (fields->name_len > 0)
        fields->value = (const char *)memchr(line, ':', (gsize)(end - line)) + 1;
    while (end > fields->value && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    fields->value_len = (gsize)(end - fields->value);
    return TRUE;
}

gboolean ingest_header_fields_is(const IngestHeaderFields *fields, const char *name)
{
    return fields->name_len == strlen(name) &&
           g_ascii_strncasecmp(fields->name, name, fields->name_len) == 0;
}

/* ---- values ---------------------------------------------------------------------------------- */

typedef struct {
    const char *charset, *bytes, *end; /* end: behind the closing "?=" */
    gsize charset_len, len;
    char encoding; /* 'B' or 'Q' */
} EncodedWord;

typedef struct {
    GString *text;
    const char *raw_charset;
    /* Encoded words in one charset that follow each other: bytes not yet converted. */
    GByteArray *bytes;
    char charset[64];
} Decoding;

static void flush(Decoding *decoding)
{
    if (decoding->bytes == NULL || decoding->bytes->len == 0)
        return;
    ingest_charset_append(decoding->text, decoding->charset, decoding->bytes->data,
                          decoding->bytes->len);
    g_byte_array_set_size(decoding->bytes, 0);
}

/* "=?charset*language?B?...?=". Blanks within are against the rule, and common. */
static gboolean parse_word(const char *at, const char *end, EncodedWord *word)
{
    const char *mark;

    end = MIN(end, at + ENCODED_WORD_LEN_MAX);
    if (end - at < 8 || at[0] != '=' || at[1] != '?')
        return FALSE;
    word->charset = at + 2;
    mark = memchr(word->charset, '?', (gsize)(end - word->charset));
    if (mark == NULL || end - mark < 5 || mark[2] != '?')
        return FALSE;
    word->charset_len = (gsize)(mark - word->charset);
    word->encoding = g_ascii_toupper(mark[1]);
    word->bytes = mark + 3;
    mark = memmem(word->bytes, (gsize)(end - word->bytes), "?=", 2);
    if (mark == NULL || (word->encoding != 'B' && word->encoding != 'Q') ||
        memchr(word->charset, '\n', word->charset_len) != NULL)
        return FALSE;
    word->len = (gsize)(mark - word->bytes);
    word->end = mark + 2;
    return TRUE;
}

/* Of GMime's decoder only: its reader of headers would convert each word by itself. */
static void decode_bytes(GByteArray *bytes, const EncodedWord *word)
{
    g_autofree char *encoded = g_strndup(word->bytes, word->len);
    guint old_len = bytes->len;
    GMimeEncoding decoder;
    gsize decoded_len;

    if (word->encoding == 'Q')
        g_strdelimit(encoded, "_", ' ');
    g_mime_encoding_init_decode(&decoder, word->encoding == 'Q'
                                              ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
                                              : GMIME_CONTENT_ENCODING_BASE64);
    g_byte_array_set_size(bytes, old_len + (guint)g_mime_encoding_outlen(&decoder, word->len));
    decoded_len =
        g_mime_encoding_flush(&decoder, encoded, word->len, (char *)bytes->data + old_len);
    g_byte_array_set_size(bytes, old_len + (guint)decoded_len);
}

static void take_word(Decoding *decoding, const EncodedWord *word)
{
    const char *language = memchr(word->charset, '*', word->charset_len);
    gsize charset_len = language == NULL ? word->charset_len : (gsize)(language - word->charset);
    g_autofree char *charset = g_strndup(word->charset, charset_len);

    if (decoding->bytes == NULL)
        decoding->bytes = g_byte_array_new();
    if (g_ascii_strcasecmp(charset, decoding->charset) != 0) {
        flush(decoding);
        g_strlcpy(decoding->charset, charset, sizeof decoding->charset);
    }
    decode_bytes(decoding->bytes, word);
}

static void take_raw(Decoding *decoding, const char *bytes, gsize len)
{
    flush(decoding);
    ingest_charset_append(decoding->text, decoding->raw_charset, bytes, len);
}

static gboolean is_all_blank(const char *at, const char *end)
{
    for (; at < end; at++)
        if (!g_ascii_isspace(*at))
            return FALSE;
    return TRUE;
}

static void decode_words(Decoding *decoding, const char *at, const char *end)
{
    const char *raw = at; /* not yet taken */
    gboolean is_after_word = FALSE;
    EncodedWord word;

    while ((at = memmem(at, (gsize)(end - at), "=?", 2)) != NULL) {
        if (!parse_word(at, end, &word)) {
            at += 2;
            continue;
        }
        /* Blanks between two encoded words are none. */
        if (raw < at && !(is_after_word && is_all_blank(raw, at)))
            take_raw(decoding, raw, (gsize)(at - raw));
        take_word(decoding, &word);
        is_after_word = TRUE;
        raw = at = word.end;
    }
    take_raw(decoding, raw, (gsize)(end - raw));
}

/* Folds and runs of blanks become one; none at either end. */
static void collapse(GString *text, gsize from)
{
    gsize to = from;

    for (gsize at = from; at < text->len; at++) {
        if (!g_ascii_isspace(text->str[at]))
            text->str[to++] = text->str[at];
        else if (to > from && text->str[to - 1] != ' ')
            text->str[to++] = ' ';
    }
    if (to > from && text->str[to - 1] == ' ')
        to--;
    g_string_truncate(text, to);
}

static gboolean is_ascii(const char *bytes, gsize len)
{
    for (gsize i = 0; i < len; i++)
        if (bytes[i] == '\0' || (guint8)bytes[i] > 0x7f)
            return FALSE;
    return TRUE;
}

void ingest_header_decode(GString *text, const char *value, gsize len, const char *charset)
{
    Decoding decoding = {.text = text, .raw_charset = charset};
    gsize from = text->len;

    if (is_ascii(value, len) && memmem(value, len, "=?", 2) == NULL)
        g_string_append_len(text, value, (gssize)len);
    else
        decode_words(&decoding, value, value + len);
    g_clear_pointer(&decoding.bytes, g_byte_array_unref);
    collapse(text, from);
}
