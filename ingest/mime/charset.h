/* Bytes in a charset that mail claims become UTF-8, piece by piece.
 *
 * Mail lies about charsets, so what is claimed is a hint:
 *   - ASCII bytes are themselves, but for charsets in which they are not (UTF-7, ISO-2022, UTF-16);
 *   - what is valid UTF-8 is UTF-8; where a CJK charset is claimed, only with a character of three
 *     bytes, for short texts of those are valid by chance;
 *   - a claimed charset means the larger one that people wrote: ISO-8859-1 windows-1252, GB2312
 *     GB18030, KS C 5601 windows-949, and so on (the table in charset_names.c);
 *   - where none is claimed, or an unknown one, or US-ASCII or UTF-8 falsely, ICU guesses from the
 *     first bytes that are not ASCII; windows-1252 is what is left.
 * What cannot be read becomes U+FFFD. The output is valid UTF-8 without NUL. Never fails; linear;
 * holds at most INGEST_CHARSET_WINDOW bytes back. The pieces may be cut anywhere.
 *
 * Threads: one user per object. Source: RFC 2045 to 2047, encoding.spec.whatwg.org (labels).
 */
#pragma once

#include "ingest/extractor.h"

#define INGEST_CHARSET_WINDOW 4096

typedef struct IngestCharset IngestCharset;
/* `claimed` may be NULL or anything. */
IngestCharset *ingest_charset_new(const char *claimed, IngestTextSink sink, gpointer user);
void ingest_charset_free(IngestCharset *charset); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestCharset, ingest_charset_free)
void ingest_charset_add(IngestCharset *charset, const void *bytes, gsize len);
/* What was held back comes out now. */
void ingest_charset_end(IngestCharset *charset);

/* All at once, appended. */
void ingest_charset_append(GString *text, const char *claimed, const void *bytes, gsize len);
