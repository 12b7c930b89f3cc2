/* The text of an HTML document, as UTF-8, piece by piece, through libxml2's push parser.
 *
 * Given out: what is shown, in place, with a break where a block begins or ends and none for inline
 * elements; what stands for a picture (alt); and after all of it, each a text of its own, titles
 * (of the document, of elements) and the targets of links, each once. Left out: scripts, styles,
 * comments. Text that styles hide is given out: finding too much is better than too little.
 *
 * No network, no external entities: HTML has its own, which are characters. Never fails; linear in
 * the text. Past a limit the rest is passed over, and end() returns FALSE.
 * Threads: one user per object. Source: HTML living standard, section 15 (rendering).
 */
#pragma once

#include "ingest/extractor.h"

/* Elements open at a time; past it the open ones are forgotten. */
#define INGEST_HTML_DEPTH_MAX 256
/* Of titles and link targets together, and of one. */
#define INGEST_HTML_ASIDE_LEN_MAX (256u << 10)
#define INGEST_HTML_TARGET_LEN_MAX 512

typedef struct IngestHtmlText IngestHtmlText;
IngestHtmlText *ingest_html_text_new(IngestTextSink sink, gpointer user);
void ingest_html_text_free(IngestHtmlText *html);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestHtmlText, ingest_html_text_free)
/* Valid UTF-8, cut anywhere between characters. What the document says of its charset is ignored.
 */
void ingest_html_text_add(IngestHtmlText *html, const char *text, gsize len);
/* FALSE: a limit was reached. */
gboolean ingest_html_text_end(IngestHtmlText *html);

/* The charset that the beginning of a document declares for itself; NULL: none. */
char *ingest_html_declared_charset(const void *bytes, gsize len);
