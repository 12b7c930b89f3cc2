#include "ingest/words/frequencies.h"

#define SEPARATOR_COUNT (INGEST_SEPARATOR_SPELLED + 1)

const char *const ingest_separators[INGEST_SEPARATOR_SPELLED] = {
    "",  " ", ".",  "@",  "-",  "_", ", ", " <", ">",  ">, ", "<", "\"", "\" <", ": ", "/", "'",
    "(", ")", " (", ") ", ". ", "+", "=",  "$",  "--", "; ",  "[", "] ", "! ",   "? ", "#"};

static const guint16 kind_counts[INGEST_KNOWN_BITS_COUNT][INGEST_WORD_KIND_COUNT] = {
    {4, 0, 0, 0, 0, 0,  0, 0,  0,  0,  0,  0,  0, 0,   0, 0,
     1, 1, 2, 1, 1, 17, 6, 25, 18, 17, 15, 31, 0, 855, 4},
    {49, 18, 0, 0, 0, 0, 0,   0,  0,  0, 0, 0,  0, 0,   0, 0,
     1,  1,  1, 1, 2, 4, 303, 30, 38, 4, 9, 11, 0, 526, 1},
    {7, 108, 49, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,   0, 0,
     2, 3,   5,  6, 8, 6, 96, 33, 28, 18, 50, 26, 0, 554, 1},
    {6, 74, 67, 29, 0,  0,  0,  0,  0,  0,  0,  0,  0, 0,   0, 0,
     6, 9,  15, 17, 16, 14, 51, 34, 29, 26, 35, 44, 1, 527, 2},
    {7,  50, 47, 48, 52, 0,  0,  0,  0,  0,  0,  0,  0, 0,   0, 0,
     12, 17, 27, 36, 37, 29, 51, 43, 47, 38, 43, 64, 1, 344, 4},
    {8, 31, 22, 39, 83, 96, 0,  0,  0,  0,  0,  0,  0, 0,   0, 0,
     8, 14, 23, 34, 42, 35, 44, 34, 56, 48, 56, 74, 1, 245, 6},
    {6, 20, 17, 30, 65, 133, 127, 0,  0,  0,  0,  0,  0, 0,   0, 0,
     2, 6,  11, 23, 34, 35,  35,  26, 43, 47, 61, 80, 1, 197, 3},
    {4, 16, 12, 21, 49, 103, 170, 148, 0,  0,  0,  0,  0, 0,   0, 0,
     1, 1,  3,  9,  19, 24,  23,  17,  34, 41, 56, 73, 1, 175, 2},
    {2, 6, 11, 16, 39, 86, 133, 200, 167, 0,  0,  0,  0, 0,   0, 0,
     1, 1, 1,  2,  7,  12, 13,  9,   23,  31, 43, 58, 1, 140, 2},
    {2, 5, 10, 16, 40, 77, 115, 159, 184, 121, 0,  0,  0, 0,   0, 0,
     1, 1, 1,  1,  1,  4,  6,   6,   17,  22,  34, 48, 0, 129, 2},
    {2, 4, 7, 13, 31, 83, 99, 182, 113, 164, 112, 0,  0, 0,   0, 0,
     0, 0, 1, 1,  1,  1,  2,  3,   9,   13,  22,  34, 1, 103, 1},
    {1, 1, 1, 8, 14, 87, 62, 110, 104, 158, 322, 68, 0, 0,  0, 0,
     0, 0, 0, 0, 0,  1,  1,  1,   2,   2,   4,   7,  0, 51, 0}};

static const guint16 separator_counts[INGEST_TEXT_KIND_COUNT][SEPARATOR_COUNT] = {
    {91, 44, 376, 214, 26, 3, 123, 34, 20, 24, 2, 5, 8, 0, 1, 1,
     1,  1,  1,   1,   2,  1, 1,   0,  1,  0,  0, 0, 0, 0, 1, 25},
    {96, 620, 24, 5, 18, 10, 40, 2, 1, 1, 1, 1, 1, 28, 17, 9,
     1,  1,   5,  3, 21, 1,  2,  1, 1, 2, 3, 7, 2, 2,  1,  78},
    {264, 34, 369, 122, 121, 14, 1, 9,  20, 0, 10, 1, 1, 1, 1, 1,
     1,   1,  0,   0,   1,   7,  7, 12, 1,  0, 0,  0, 0, 0, 1, 8}};

static IngestSymbols kinds[INGEST_KNOWN_BITS_COUNT], separators[INGEST_TEXT_KIND_COUNT];

static void init_row(IngestSymbols *symbols, const guint16 *row, guint count)
{
    guint32 counts[INGEST_SYMBOLS_MAX];

    for (guint i = 0; i < count; i++)
        counts[i] = row[i];
    ingest_symbols_init(symbols, counts, count);
}

static void init_once(void)
{
    static gsize once;

    if (!g_once_init_enter(&once))
        return;
    for (guint i = 0; i < INGEST_KNOWN_BITS_COUNT; i++)
        init_row(&kinds[i], kind_counts[i], INGEST_WORD_KIND_COUNT);
    for (guint i = 0; i < INGEST_TEXT_KIND_COUNT; i++)
        init_row(&separators[i], separator_counts[i], SEPARATOR_COUNT);
    g_once_init_leave(&once, 1);
}

const IngestSymbols *ingest_word_kinds(void)
{
    init_once();
    return kinds;
}

const IngestSymbols *ingest_separator_symbols(void)
{
    init_once();
    return separators;
}
