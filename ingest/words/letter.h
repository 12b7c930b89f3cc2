/* What one character is in a word: inside ingest/words.
 *
 * Characters are looked at after NFKC and case folding (Unicode's NFKC_Casefold). Which kind one
 * is follows from its general category, script and line breaking class, which hardly ever change:
 * what was stored is found by later versions. Source: docs/formats/terms.md, section "Words".
 */
#pragma once

#include <glib.h>
#include <unicode/utypes.h>

typedef enum {
    INGEST_LETTER_NONE,   /* in no word: it separates */
    INGEST_LETTER_WORD,   /* of scripts that put something between words; digits */
    INGEST_LETTER_PAIRED, /* of scripts that do not: Han, kana, Hangul, Thai, Khmer ... */
    INGEST_LETTER_MARK,   /* belongs to the letter before it; after none it counts for nothing */
} IngestLetterKind;

#define INGEST_LETTER_LEN_MAX 8
typedef struct {
    UChar32 character;
    guint8 kind;
    guint8 exact_len, folded_len; /* folded may be empty: a mark that does not count */
    char exact[INGEST_LETTER_LEN_MAX], folded[INGEST_LETTER_LEN_MAX];
} IngestLetter;

/* `character` is normalised and folded. Pure; some hundred ns: callers remember. */
void ingest_letter_init(IngestLetter *letter, UChar32 character);
