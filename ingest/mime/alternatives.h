/* Of the texts that are alternatives of each other, each thing once.
 *
 * The first is given out whole. Of the others only the lines are that have a word which none of
 * those before had: where a text and its HTML say the same, the text is all there is, and a phrase
 * is found once; where they differ, both are found. Words are told apart roughly (letters and
 * digits, ASCII case folded). Never fails; linear. Threads: one user per object.
 */
#pragma once

#include "ingest/extractor.h"

/* Words that are remembered; past it every word counts as new. */
#define INGEST_ALTERNATIVES_WORDS_MAX 65536
/* A longer line is taken in parts. */
#define INGEST_ALTERNATIVES_LINE_LEN_MAX 4096

typedef struct IngestAlternatives IngestAlternatives;
IngestAlternatives *ingest_alternatives_new(IngestTextSink sink, gpointer user);
void ingest_alternatives_free(IngestAlternatives *alternatives); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestAlternatives, ingest_alternatives_free)
/* NULL text: words do not go on. */
void ingest_alternatives_add(IngestAlternatives *alternatives, const char *text, gsize len);
void ingest_alternatives_end_text(IngestAlternatives *alternatives);
