#include "ingest/extract/helper/charset.h"

#include <string.h>
#include <unicode/ucnv.h>

#define BLOCK_LEN 8192

typedef void (*TextTaker)(gpointer user, const void *text, gsize len);

typedef UConverter *Converter;
static void converter_clear(Converter *converter)
{
    if (*converter != NULL)
        ucnv_close(*converter);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Converter, converter_clear)

static UConverter *converter_open(const char *charset)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *converter = ucnv_open(charset, &status);

    if (U_SUCCESS(status))
        return converter;
    status = U_ZERO_ERROR;
    return ucnv_open("windows-1252", &status);
}

static void convert(const char *charset, const void *bytes, gsize len, TextTaker take,
                    gpointer user)
{
    g_auto(Converter) from = converter_open(charset);
    g_auto(Converter) to = converter_open("UTF-8");
    const char *source = bytes, *end = source + len;
    char block[BLOCK_LEN];
    UChar pivot[BLOCK_LEN / 4], *pivot_source = pivot, *pivot_target = pivot;
    UErrorCode status = U_BUFFER_OVERFLOW_ERROR;

    for (gboolean is_first = TRUE; from != NULL && to != NULL && status == U_BUFFER_OVERFLOW_ERROR;
         is_first = FALSE) {
        char *target = block;

        status = U_ZERO_ERROR;
        ucnv_convertEx(to, from, &target, block + sizeof block, &source, end, pivot, &pivot_source,
                       &pivot_target, pivot + G_N_ELEMENTS(pivot), is_first, TRUE, &status);
        take(user, block, (gsize)(target - block));
    }
    explicit_bzero(block, sizeof block);
    explicit_bzero(pivot, sizeof pivot);
}

static void take_out(gpointer user, const void *text, gsize len)
{
    extract_text_out_add(user, text, len);
}

void extract_charset_add(ExtractTextOut *out, const char *charset, const void *bytes, gsize len)
{
    if (g_strcmp0(charset, "UTF-8") == 0)
        extract_text_out_add(out, bytes, len);
    else
        convert(charset, bytes, len, take_out, out);
}

static void take_array(gpointer user, const void *text, gsize len)
{
    g_byte_array_append(user, text, (guint)len);
}

GByteArray *extract_charset_convert(const char *charset, const void *bytes, gsize len)
{
    GByteArray *text = g_byte_array_new();

    convert(charset, bytes, len, take_array, text);
    return text;
}

void extract_charset_free(GByteArray *text)
{
    if (text == NULL)
        return;
    if (text->len > 0)
        explicit_bzero(text->data, text->len);
    g_byte_array_unref(text);
}

/* UTF-8, and perhaps NULs. */
static gboolean is_utf8(const guint8 *bytes, gsize len)
{
    const char *next = (const char *)bytes, *end = next + len;

    while (!g_utf8_validate_len(next, (gsize)(end - next), &next)) {
        if (*next != '\0')
            return FALSE;
        next++;
    }
    return TRUE;
}

const char *extract_charset_guess(const guint8 *bytes, gsize len, gsize *ret_skip)
{
    static const struct {
        const char *mark, *charset;
        gsize len;
    } marks[] = {{"\xef\xbb\xbf", "UTF-8", 3},
                 {"\xff\xfe\0\0", "UTF-32LE", 4},
                 {"\0\0\xfe\xff", "UTF-32BE", 4},
                 {"\xff\xfe", "UTF-16LE", 2},
                 {"\xfe\xff", "UTF-16BE", 2}};

    for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (len >= marks[i].len && memcmp(bytes, marks[i].mark, marks[i].len) == 0) {
            *ret_skip = marks[i].len;
            return marks[i].charset;
        }
    }
    *ret_skip = 0;
    return is_utf8(bytes, len) ? "UTF-8" : "windows-1252";
}
