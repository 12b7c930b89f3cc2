/* Where extractors put text: made UTF-8, cut at the limit, given on in frames.
 *
 * Bytes that are no UTF-8 become U+FFFD, control characters blanks; a character may lie across two
 * calls. Threads: one user.
 */
#pragma once

#include <glib.h>

/* `text` is at most EXTRACT_FRAME_TEXT_LEN_MAX bytes of valid UTF-8; NULL is a break. */
typedef void (*ExtractTextSink)(gpointer user, const char *text, gsize len);

typedef struct ExtractTextOut ExtractTextOut;
ExtractTextOut *extract_text_out_new(guint64 len_max, ExtractTextSink sink, gpointer user);
void extract_text_out_free(ExtractTextOut *out); /* wiped; what was not finished is dropped */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtractTextOut, extract_text_out_free)

void extract_text_out_add(ExtractTextOut *out, const void *text, gsize len);
void extract_text_out_add_string(ExtractTextOut *out, const char *text); /* NULL: nothing */
/* Words do not span this. Breaks beside each other are one. */
void extract_text_out_break(ExtractTextOut *out);
void extract_text_out_finish(ExtractTextOut *out);
/* The limit is reached: what else is added is dropped, so whoever produces text may stop. */
gboolean extract_text_out_is_full(const ExtractTextOut *out);
