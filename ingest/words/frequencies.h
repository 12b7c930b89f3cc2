/* How often is what, once and for all: inside ingest/words.
 *
 * Counted in English mail of public lists, scaled to about 1,000 a row: kinds and lengths of words
 * and what stands between them, no word of anybody's. Never to be changed: what is stored was coded
 * by them. Threads: safe.
 */
#pragma once

#include "ingest/words/coder.h"

/* What a word that is not the expected one is, and how long its number. */
enum {
    INGEST_WORD_KNOWN = 0,   /* + bits of its number + 1 behind the first one; 15: that or more */
    INGEST_WORD_COMMON = 16, /* + bits of its number + 1 behind the first one */
    INGEST_WORD_SPELLED = 29,
    INGEST_WORD_BYTES = 30,
    INGEST_WORD_KIND_COUNT = 31
};
/* A row for each number of bits, less one, of the count of known words; none has one bit. The last
 * row is that of all larger ones. */
#define INGEST_KNOWN_BITS_COUNT 12
const IngestSymbols *ingest_word_kinds(void);

typedef enum {
    INGEST_TEXT_ADDRESSES,
    INGEST_TEXT_WORDS,
    INGEST_TEXT_IDS,
    INGEST_TEXT_KIND_COUNT
} IngestTextKind;
#define INGEST_SEPARATOR_SPELLED 31 /* none of the list */
extern const char *const ingest_separators[INGEST_SEPARATOR_SPELLED];
const IngestSymbols *ingest_separator_symbols(void); /* a row for each IngestTextKind */
