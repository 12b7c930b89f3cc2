/* Words that need not be spelled: each has a number, the first ones the smaller: inside
 * ingest/words. A list made of public word lists, of nobody's mail; fixed for ever. English: other
 * languages are stored as well, only not as small. Threads: all functions are safe.
 */
#pragma once

#include <glib.h>

#define INGEST_COMMON_WORD_COUNT 4096
#define INGEST_COMMON_WORD_NONE G_MAXUINT32

extern const char ingest_common_words_list[]; /* a blank behind each */

typedef struct {
    const char *text; /* not terminated */
    gsize len;
} IngestCommonWord;
/* By number. */
const IngestCommonWord *ingest_common_words(void);
/* INGEST_COMMON_WORD_NONE: it has no number. */
guint32 ingest_common_word_find(const char *text, gsize len);
