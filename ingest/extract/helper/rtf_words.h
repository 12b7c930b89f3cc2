/* What the control words of RTF mean for its text. Source: RTF specification 1.9.1. Private to
 * rtf.c. */
#pragma once

#include <glib.h>

typedef enum {
    RTF_OTHER,     /* formatting: nothing */
    RTF_BREAK,     /* ends a paragraph, a cell, a page */
    RTF_CHARACTER, /* stands for `text` */
    RTF_SKIP,      /* a group that is no text */
    RTF_STARRED,   /* a group that is text although it is marked with \* */
    RTF_FONTS,     /* \fonttbl */
    RTF_FONT,      /* \f */
    RTF_FONT_CHARSET,
    RTF_PLAIN,
    RTF_CODE_PAGE, /* \ansicpg */
    RTF_UNICODE,   /* \u */
    RTF_FALLBACK,  /* \uc: characters after \u that stand for it */
    RTF_BINARY,    /* \bin: as many bytes are no text */
    RTF_HTML_ONLY, /* \htmlrtf: not shown, until \htmlrtf0 */
} RtfMeaning;

typedef struct {
    const char *name;
    RtfMeaning meaning;
    const char *text;
} RtfWord;

const RtfWord *rtf_word_find(const char *name); /* NULL: RTF_OTHER */

/* Names that ICU knows; windows-1252 where the number is unknown. */
const char *rtf_charset_of_code_page(int code_page);
const char *rtf_charset_of_font(int font_charset);
