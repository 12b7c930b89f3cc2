/* The state of a splitter: inside ingest/words, and for tests that compare its two paths. */
#pragma once

#include "ingest/words/letter.h"
#include "ingest/words/words.h"

#include <unicode/unorm2.h>

#define INGEST_LETTERS_REMEMBERED 512 /* a power of two */
/* What one character becomes when it is normalised alone. */
#define INGEST_CHARACTERS_REMEMBERED_MAX 3
typedef struct {
    UChar32 source;
    guint8 has_boundary_before; /* nothing before it changes it */
    guint8 count;
    UChar32 characters[INGEST_CHARACTERS_REMEMBERED_MAX];
} IngestNormalised;

typedef struct {
    gsize offset, end;
    gsize exact_len, folded_len;
    gboolean is_full; /* what came was too long */
    gboolean is_open; /* there is such a word */
    char exact[INGEST_WORD_LEN_MAX], folded[INGEST_WORD_LEN_MAX];
} IngestOpenWord;

struct IngestWordSplitter {
    gboolean is_fast; /* FALSE in tests: ASCII goes the long way too */
    const guint8 *ascii;
    const UNormalizer2 *nfkc_fold;
    IngestNormalised normalised[INGEST_LETTERS_REMEMBERED];
    IngestLetter letters[INGEST_LETTERS_REMEMBERED];

    /* of the text that is being split */
    const char *text;
    IngestWordVisit visit;
    gpointer user;
    guint32 position;
    IngestOpenWord word;         /* of INGEST_LETTER_WORD */
    IngestOpenWord before, unit; /* the last two paired letters, with their marks */
    char term[INGEST_TERM_LEN_MAX + 1];
};

/* text[offset, end) has no ASCII but letters and digits, and nothing of its words is outside. */
void ingest_words_split_span(IngestWordSplitter *splitter, gsize offset, gsize end);
/* The next word: the first `len` bytes of splitter->term. */
void ingest_words_emit(IngestWordSplitter *splitter, gsize len, gsize offset, gsize end,
                       gboolean is_run_end);
/* The term of a word of which only the exact form is kept; `exact` is UTF-8, `term` has room for
 * INGEST_TERM_LEN_MAX bytes. Returns its length. */
gsize ingest_term_of_exact(IngestWordSplitter *splitter, const char *exact, gsize len, char *term);
