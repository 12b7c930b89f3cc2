#include "ingest/words/spelling.h"

#include "ingest/words/common_words.h"

/* 0: end of the word, or what is before its first letter; 1 to 26: letters; 27 to 36: digits. */
#define SYMBOL_COUNT 37
#define FIRST_LETTER 1
#define FIRST_DIGIT 27

/* Common words say nothing of digits, and names know pairs that no common word has. */
#define COUNT_OF_ANY 4
#define COUNT_OF_DIGIT 40

static IngestSymbols after[SYMBOL_COUNT];

static guint symbol_of(char letter)
{
    return g_ascii_isdigit(letter) ? (guint)(letter - '0') + FIRST_DIGIT
                                   : (guint)(letter - 'a') + FIRST_LETTER;
}

static char letter_of(guint symbol)
{
    return " abcdefghijklmnopqrstuvwxyz0123456789"[symbol];
}

static void count_common_words(guint32 counts[SYMBOL_COUNT][SYMBOL_COUNT])
{
    for (guint32 i = 0; i < INGEST_COMMON_WORD_COUNT; i++) {
        IngestCommonWord word = ingest_common_words()[i];
        guint before = 0;

        if (g_ascii_isdigit(word.text[0]))
            continue;
        for (gsize k = 0; k < word.len; k++) {
            guint symbol = symbol_of(word.text[k]);

            counts[before][symbol]++;
            before = symbol;
        }
        counts[before][0]++;
    }
}

static void count_letters(void)
{
    guint32 counts[SYMBOL_COUNT][SYMBOL_COUNT] = {{0}};

    count_common_words(counts);
    for (guint before = 0; before < SYMBOL_COUNT; before++) {
        for (guint symbol = 0; symbol < SYMBOL_COUNT; symbol++) {
            counts[before][symbol] += COUNT_OF_ANY;
            if (symbol >= FIRST_DIGIT && (before == 0 || before >= FIRST_DIGIT))
                counts[before][symbol] += COUNT_OF_DIGIT;
        }
        if (before >= FIRST_DIGIT)
            counts[before][0] += 2 * COUNT_OF_DIGIT;
        ingest_symbols_init(&after[before], counts[before], SYMBOL_COUNT);
    }
}

gboolean ingest_spelling_is_possible(const char *text, gsize len)
{
    for (gsize i = 0; i < len; i++) {
        if (!g_ascii_islower(text[i]) && !g_ascii_isdigit(text[i]))
            return FALSE;
    }
    return TRUE;
}

const IngestSymbols *ingest_spelling_letters(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        count_letters();
        g_once_init_leave(&once, 1);
    }
    return after;
}

/* The coder's state is kept where the compiler knows that no text is written. */
static gsize decode(IngestCoder *coder, const IngestSymbols *letters, char *text, gsize len_max)
{
    IngestCoder local = *coder;
    guint before = 0;
    gsize len = 0;

    local.is_encoding = FALSE;
    for (;;) {
        before = ingest_coder_symbol(&local, &letters[before], 0);
        if (before == 0 || len == len_max)
            break;
        text[len++] = letter_of(before);
    }
    *coder = local;
    if (before == 0 && len > 0)
        return len;
    coder->has_failed = TRUE;
    text[0] = 'x';
    return 1;
}

gsize ingest_spelling_code(IngestCoder *coder, const IngestSymbols *letters, char *text, gsize len,
                           gsize len_max)
{
    guint before = 0;

    if (!coder->is_encoding)
        return decode(coder, letters, text, len_max);
    for (gsize i = 0; i < len; i++)
        before = ingest_coder_symbol(coder, &letters[before], symbol_of(text[i]));
    ingest_coder_symbol(coder, &letters[before], 0);
    return len;
}
