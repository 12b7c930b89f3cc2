#include "ingest/mime/charset.h"

#include "ingest/mime/charset_names.h"
#include "vault/crypto/keys.h"

#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define OUT_LEN 2048
/* Below that ICU's guess is noise. */
#define CONFIDENCE_MIN 30
#define GUESS_LEN_MIN 8
/* Enough to tell scripts apart; ICU takes long. */
#define GUESS_LEN_MAX 1024

typedef enum {
    PLAIN,      /* nothing but ASCII so far */
    WINDOW,     /* collecting, to look at what it is */
    UTF8,       /* known to be, or as good as */
    CONVERTING, /* through ICU */
} State;

struct IngestCharset {
    IngestTextSink sink;
    gpointer user;
    IngestCharsetKind kind;
    char name[INGEST_CHARSET_NAME_MAX];
    State state;
    GByteArray *window;
    guint8 held[4]; /* UTF8: a character that is not whole yet */
    gsize held_len;
    UConverter *converter, *utf8;
    UChar pivot[OUT_LEN / 2], *pivot_source, *pivot_target;
    gboolean is_reset;
};

static gboolean open_converter(IngestCharset *charset, const char *name)
{
    UErrorCode status = U_ZERO_ERROR;

    charset->converter = ucnv_open(name, &status);
    charset->utf8 = U_SUCCESS(status) ? ucnv_open("UTF-8", &status) : NULL;
    if (U_FAILURE(status)) {
        g_clear_pointer(&charset->converter, ucnv_close);
        return FALSE;
    }
    charset->is_reset = TRUE;
    charset->pivot_source = charset->pivot_target = charset->pivot;
    charset->state = CONVERTING;
    return TRUE;
}

IngestCharset *ingest_charset_new(const char *claimed, IngestTextSink sink, gpointer user)
{
    IngestCharset *charset = g_new(IngestCharset, 1);

    /* The pivot is large and needs no zeros. */
    memset(charset, 0, offsetof(IngestCharset, pivot));
    charset->sink = sink;
    charset->user = user;
    charset->kind = ingest_charset_lookup(claimed, charset->name);
    if (charset->kind == INGEST_CHARSET_STATEFUL && !open_converter(charset, charset->name))
        charset->kind = INGEST_CHARSET_GUESS;
    return charset;
}

void ingest_charset_free(IngestCharset *charset)
{
    if (charset == NULL)
        return;
    if (charset->window != NULL) {
        vault_wipe(charset->window->data, charset->window->len);
        g_byte_array_unref(charset->window);
    }
    g_clear_pointer(&charset->converter, ucnv_close);
    g_clear_pointer(&charset->utf8, ucnv_close);
    vault_wipe(charset, sizeof *charset);
    g_free(charset);
}

static void give(IngestCharset *charset, const void *text, gsize len)
{
    if (len > 0)
        charset->sink(charset->user, text, len);
}

/* ---- through ICU ----------------------------------------------------------------------------- */

/* ICU keeps a NUL; nobody behind us wants one. */
static void give_without_nul(IngestCharset *charset, char *text, gsize len)
{
    for (char *nul = memchr(text, '\0', len); nul != NULL;
         nul = memchr(nul, '\0', len - (gsize)(nul - text)))
        *nul = ' ';
    give(charset, text, len);
}

static void convert(IngestCharset *charset, const void *bytes, gsize len, gboolean is_end)
{
    const char *source = bytes, *source_end = source + len;
    UErrorCode status;

    do {
        char out[OUT_LEN], *target = out;

        status = U_ZERO_ERROR;
        ucnv_convertEx(charset->utf8, charset->converter, &target, out + sizeof out, &source,
                       source_end, charset->pivot, &charset->pivot_source, &charset->pivot_target,
                       charset->pivot + G_N_ELEMENTS(charset->pivot), (UBool)charset->is_reset,
                       (UBool)is_end, &status);
        charset->is_reset = FALSE;
        give_without_nul(charset, out, (gsize)(target - out));
        vault_wipe(out, (gsize)(target - out));
    } while (status == U_BUFFER_OVERFLOW_ERROR);
}

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

/* How many bytes the character is to have; 0: none begins so. */
static gsize character_len(guint8 first)
{
    return first < 0x80   ? 1
           : first < 0xc2 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf5 ? 4
                          : 0;
}

/* Whether the bytes are the beginning of a character that more bytes may make whole. */
static gboolean is_unfinished(const guint8 *bytes, gsize len)
{
    guint8 whole[4];
    gsize wanted = len == 0 ? 0 : character_len(bytes[0]);

    if (wanted <= len || len >= 4)
        return FALSE;
    memcpy(whole, bytes, len);
    for (gsize i = len; i < wanted; i++)
        whole[i] = 0x80;
    if (g_utf8_validate_len((const char *)whole, wanted, NULL))
        return TRUE;
    for (gsize i = len; i < wanted; i++)
        whole[i] = 0xbf;
    return g_utf8_validate_len((const char *)whole, wanted, NULL);
}

static void give_utf8(IngestCharset *charset, const guint8 *bytes, gsize len, gboolean is_end)
{
    while (len > 0) {
        const char *end;
        gsize valid_len;

        (void)g_utf8_validate_len((const char *)bytes, len, &end);
        valid_len = (gsize)((const guint8 *)end - bytes);
        give(charset, bytes, valid_len);
        bytes += valid_len, len -= valid_len;
        if (len == 0)
            return;
        if (!is_end && is_unfinished(bytes, len)) {
            memcpy(charset->held, bytes, len);
            charset->held_len = len;
            return;
        }
        give(charset, REPLACEMENT, strlen(REPLACEMENT));
        bytes++, len--;
    }
}

/* A character that began in the piece before is finished first. */
static void add_utf8(IngestCharset *charset, const guint8 *bytes, gsize len, gboolean is_end)
{
    while (charset->held_len > 0 && (len > 0 || is_end)) {
        guint8 joined[4];
        gsize joined_len = charset->held_len;

        memcpy(joined, charset->held, joined_len);
        if (len > 0) {
            joined[joined_len++] = *bytes++;
            len--;
        }
        charset->held_len = 0;
        give_utf8(charset, joined, joined_len, is_end && len == 0);
    }
    give_utf8(charset, bytes, len, is_end);
}

/* ---- what is it? ----------------------------------------------------------------------------- */

typedef struct {
    gsize wide;    /* characters of two bytes and more */
    gsize wider;   /* of three and more */
    gsize invalid; /* bytes that are in none */
} Census;

/* A character that the end cuts counts for nothing. */
static Census take_census(const guint8 *bytes, gsize len)
{
    Census census = {0};

    for (gsize at = 0; at < len;) {
        gsize wanted = character_len(bytes[at]);

        if (wanted == 1) {
            at++;
        } else if (wanted != 0 && at + wanted <= len &&
                   g_utf8_validate_len((const char *)bytes + at, wanted, NULL)) {
            census.wide++;
            census.wider += wanted > 2;
            at += wanted;
        } else if (is_unfinished(bytes + at, len - at)) {
            return census;
        } else {
            census.invalid++;
            at++;
        }
    }
    return census;
}

static gboolean is_utf8(const IngestCharset *charset, const Census *census)
{
    if (census->invalid == 0)
        return census->wider > 0 || charset->kind != INGEST_CHARSET_CJK;
    return (charset->kind == INGEST_CHARSET_UTF8 || charset->kind == INGEST_CHARSET_GUESS) &&
           census->wide > census->invalid;
}

/* In Latin text few letters are not ASCII: which charset of several it is in nobody can tell. */
static gboolean is_latin(const guint8 *bytes, gsize len)
{
    gsize wide = 0;

    for (gsize i = 0; i < len; i++)
        wide += bytes[i] >= 0x80;
    return wide * 6 < len;
}

static gboolean is_byte_order_mark(const guint8 *bytes, gsize len)
{
    return len >= 2 && bytes[0] + bytes[1] == 0xff + 0xfe && bytes[0] >= 0xfe;
}

static gboolean open_guess(IngestCharset *charset)
{
    const GByteArray *window = charset->window;
    gsize len = MIN(window->len, GUESS_LEN_MAX);
    UErrorCode status = U_ZERO_ERROR;
    const UCharsetMatch *match = NULL;
    const char *name = NULL;
    gboolean is_open = FALSE;
    UCharsetDetector *detector;

    if (is_byte_order_mark(window->data, len))
        return open_converter(charset, "UTF-16");
    if (len < GUESS_LEN_MIN || is_latin(window->data, len))
        return FALSE;
    detector = ucsdet_open(&status);
    if (U_SUCCESS(status))
        ucsdet_setText(detector, (const char *)charset->window->data, (int32_t)charset->window->len,
                       &status);
    if (U_SUCCESS(status))
        match = ucsdet_detect(detector, &status);
    if (U_SUCCESS(status) && match != NULL &&
        ucsdet_getConfidence(match, &status) >= CONFIDENCE_MIN)
        name = ucsdet_getName(match, &status);
    if (U_SUCCESS(status) && name != NULL && !g_str_has_prefix(name, "IBM")) {
        char wider[INGEST_CHARSET_NAME_MAX];

        (void)ingest_charset_lookup(name, wider);
        is_open = *wider != '\0' && open_converter(charset, wider);
    }
    ucsdet_close(detector);
    return is_open;
}

static void decide(IngestCharset *charset, gboolean is_end)
{
    GByteArray *window = charset->window;
    Census census = take_census(window->data, window->len);
    gboolean is_claimed =
        charset->kind == INGEST_CHARSET_SINGLE || charset->kind == INGEST_CHARSET_CJK;

    if (is_utf8(charset, &census) ||
        (!(is_claimed && open_converter(charset, charset->name)) && !open_guess(charset) &&
         !open_converter(charset, "windows-1252")))
        charset->state = UTF8;
    if (charset->state == UTF8)
        add_utf8(charset, window->data, window->len, is_end);
    else
        convert(charset, window->data, window->len, is_end);
    vault_wipe(window->data, window->len);
    g_byte_array_set_size(window, 0);
}

static gsize ascii_len(const guint8 *bytes, gsize len)
{
    gsize at = 0;

    for (guint64 eight; at + 8 <= len; at += 8) {
        memcpy(&eight, bytes + at, 8);
        if ((eight & G_GUINT64_CONSTANT(0x8080808080808080)) != 0)
            break;
    }
    while (at < len && bytes[at] < 0x80)
        at++;
    return at;
}

static gsize add_plain(IngestCharset *charset, const guint8 *bytes, gsize len)
{
    gsize plain_len = ascii_len(bytes, len);

    /* NULs are let through the same way as in UTF-8: as characters that are none. */
    if (memchr(bytes, '\0', plain_len) != NULL)
        give_utf8(charset, bytes, plain_len, TRUE);
    else
        give(charset, bytes, plain_len);
    if (plain_len < len)
        charset->state = WINDOW;
    return plain_len;
}

static gsize add_window(IngestCharset *charset, const guint8 *bytes, gsize len)
{
    gsize taken_len;

    if (charset->window == NULL)
        charset->window = g_byte_array_new();
    taken_len = MIN(len, INGEST_CHARSET_WINDOW - charset->window->len);
    g_byte_array_append(charset->window, bytes, (guint)taken_len);
    if (charset->window->len == INGEST_CHARSET_WINDOW)
        decide(charset, FALSE);
    return taken_len;
}

void ingest_charset_add(IngestCharset *charset, const void *bytes, gsize len)
{
    const guint8 *at = bytes;
    gsize taken_len;

    for (; len > 0; at += taken_len, len -= taken_len) {
        taken_len = len;
        if (charset->state == PLAIN)
            taken_len = add_plain(charset, at, len);
        else if (charset->state == WINDOW)
            taken_len = add_window(charset, at, len);
        else if (charset->state == UTF8)
            add_utf8(charset, at, len, FALSE);
        else
            convert(charset, at, len, FALSE);
    }
}

void ingest_charset_end(IngestCharset *charset)
{
    if (charset->state == WINDOW)
        decide(charset, TRUE);
    else if (charset->state == UTF8)
        add_utf8(charset, NULL, 0, TRUE);
    else if (charset->state == CONVERTING)
        convert(charset, "", 0, TRUE);
}

static void append_piece(gpointer user, const char *text, gsize len)
{
    g_string_append_len(user, text, (gssize)len);
}

void ingest_charset_append(GString *text, const char *claimed, const void *bytes, gsize len)
{
    g_autoptr(IngestCharset) charset = ingest_charset_new(claimed, append_piece, text);

    ingest_charset_add(charset, bytes, len);
    ingest_charset_end(charset);
}
