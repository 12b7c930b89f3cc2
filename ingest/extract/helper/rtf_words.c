#include "ingest/extract/helper/rtf_words.h"

#include <string.h>

static const RtfWord words[] = {
    {"annotation", RTF_STARRED, NULL},
    {"ansicpg", RTF_CODE_PAGE, NULL},
    {"bin", RTF_BINARY, NULL},
    {"blipuid", RTF_SKIP, NULL},
    {"bullet", RTF_CHARACTER, "\xe2\x80\xa2"},
    {"cell", RTF_BREAK, NULL},
    {"colortbl", RTF_SKIP, NULL},
    {"emdash", RTF_CHARACTER, "\xe2\x80\x94"},
    {"emspace", RTF_CHARACTER, " "},
    {"endash", RTF_CHARACTER, "\xe2\x80\x93"},
    {"enspace", RTF_CHARACTER, " "},
    {"f", RTF_FONT, NULL},
    {"fcharset", RTF_FONT_CHARSET, NULL},
    {"fldinst", RTF_SKIP, NULL},
    {"fonttbl", RTF_FONTS, NULL},
    {"htmlrtf", RTF_HTML_ONLY, NULL},
    {"ldblquote", RTF_CHARACTER, "\xe2\x80\x9c"},
    {"line", RTF_CHARACTER, "\n"},
    {"lquote", RTF_CHARACTER, "\xe2\x80\x98"},
    {"nestcell", RTF_BREAK, NULL},
    {"nestrow", RTF_BREAK, NULL},
    {"nonshppict", RTF_SKIP, NULL},
    {"objdata", RTF_SKIP, NULL},
    {"page", RTF_BREAK, NULL},
    {"par", RTF_BREAK, NULL},
    {"pict", RTF_SKIP, NULL},
    {"plain", RTF_PLAIN, NULL},
    {"qmspace", RTF_CHARACTER, " "},
    {"rdblquote", RTF_CHARACTER, "\xe2\x80\x9d"},
    {"row", RTF_BREAK, NULL},
    {"rquote", RTF_CHARACTER, "\xe2\x80\x99"},
    {"sect", RTF_BREAK, NULL},
    {"shpinst", RTF_STARRED, NULL},
    {"sp", RTF_SKIP, NULL},
    {"stylesheet", RTF_SKIP, NULL},
    {"tab", RTF_CHARACTER, " "},
    {"themedata", RTF_SKIP, NULL},
    {"u", RTF_UNICODE, NULL},
    {"uc", RTF_FALLBACK, NULL},
    {"ud", RTF_STARRED, NULL},
    {"xe", RTF_SKIP, NULL},
};

const RtfWord *rtf_word_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    }
    return NULL;
}

static const struct {
    int code_page, font_charset; /* -1: no font names it */
    const char *charset;
} charsets[] = {
    {1252, 0, "windows-1252"},   {437, 255, "ibm-437"},       {850, -1, "ibm-850"},
    {852, -1, "ibm-852"},        {866, -1, "ibm-866"},        {874, 222, "windows-874"},
    {932, 128, "windows-31j"},   {936, 134, "windows-936"},   {949, 129, "windows-949"},
    {950, 136, "windows-950"},   {1250, 238, "windows-1250"}, {1251, 204, "windows-1251"},
    {1253, 161, "windows-1253"}, {1254, 162, "windows-1254"}, {1255, 177, "windows-1255"},
    {1256, 178, "windows-1256"}, {1257, 186, "windows-1257"}, {1258, 163, "windows-1258"},
    {10000, 77, "macintosh"},    {65001, -1, "UTF-8"},
};

const char *rtf_charset_of_code_page(int code_page)
{
    for (gsize i = 0; i < G_N_ELEMENTS(charsets); i++) {
        if (charsets[i].code_page == code_page)
            return charsets[i].charset;
    }
    return charsets[0].charset;
}

const char *rtf_charset_of_font(int font_charset)
{
    for (gsize i = 0; i < G_N_ELEMENTS(charsets); i++) {
        if (charsets[i].font_charset == font_charset)
            return charsets[i].charset;
    }
    return charsets[0].charset;
}
