/* Bytes in some character set into text, through ICU, whose tables need no file.
 *
 * What a set does not know becomes U+FFFD. An unknown name is taken for windows-1252. Threads: any.
 */
#pragma once

#include "ingest/extract/helper/text_out.h"

void extract_charset_add(ExtractTextOut *out, const char *charset, const void *bytes, gsize len);

/* What the bytes look like, never NULL: a byte order mark decides, else what is UTF-8 is UTF-8, and
 * the rest windows-1252. *ret_skip: the length of the mark. */
const char *extract_charset_guess(const guint8 *bytes, gsize len, gsize *ret_skip);

/* As g_malloc'ed UTF-8, wiped by extract_charset_free(): for parsers that want all of it. */
GByteArray *extract_charset_convert(const char *charset, const void *bytes, gsize len);
void extract_charset_free(GByteArray *text);
