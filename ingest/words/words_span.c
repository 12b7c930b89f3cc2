#include "ingest/words/words_internal.h"

#include <string.h>

#include <unicode/utf16.h>
#include <unicode/utf8.h>

/* Characters that are normalised together: a letter and its marks. Longer ones are cut, as in the
 * Stream-Safe Text Format (UAX #15): sorting the marks takes more than linear time. */
#define SEGMENT_MAX 32
/* NFKC_Casefold makes of one UTF-16 unit at most 18 (U+FDFA). */
#define NORMALISED_MAX (SEGMENT_MAX * 2 * 18)

static const IngestLetter *letter_of(IngestWordSplitter *splitter, UChar32 character)
{
    IngestLetter *letter = &splitter->letters[(guint32)character & (INGEST_LETTERS_REMEMBERED - 1)];

    if (letter->character != character)
        ingest_letter_init(letter, character);
    return letter;
}

static int32_t normalise(const IngestWordSplitter *splitter, const UChar *source, int32_t len,
                         UChar ret_normalised[NORMALISED_MAX])
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t normalised_len =
        unorm2_normalize(splitter->nfkc_fold, source, len, ret_normalised, NORMALISED_MAX, &status);

    g_assert(U_SUCCESS(status));
    return normalised_len;
}

static const IngestNormalised *normalised_of(IngestWordSplitter *splitter, UChar32 source)
{
    IngestNormalised *known =
        &splitter->normalised[(guint32)source & (INGEST_LETTERS_REMEMBERED - 1)];
    UChar units[2], normalised[NORMALISED_MAX];
    int32_t len = 0, next = 0;

    if (known->source == source)
        return known;
    U16_APPEND_UNSAFE(units, len, source);
    len = normalise(splitter, units, len, normalised);
    known->source = source;
    known->has_boundary_before = unorm2_hasBoundaryBefore(splitter->nfkc_fold, source) != 0;
    known->count = 0;
    while (next < len) {
        UChar32 character;

        U16_NEXT(normalised, next, len, character);
        if (known->count < INGEST_CHARACTERS_REMEMBERED_MAX)
            known->characters[known->count] = character;
        known->count++;
    }
    return known;
}

static void word_begin(IngestOpenWord *word, gsize offset)
{
    word->is_open = TRUE;
    word->offset = offset;
    word->exact_len = word->folded_len = 0;
    word->is_full = FALSE;
}

/* What does not fit whole ends the word: nothing follows it either. */
static void word_append(IngestOpenWord *word, const IngestLetter *letter, gsize len_max, gsize end)
{
    word->end = end;
    word->is_full |= word->exact_len + letter->exact_len > len_max;
    if (word->is_full)
        return;
    memcpy(word->exact + word->exact_len, letter->exact, letter->exact_len);
    word->exact_len += letter->exact_len;
    memcpy(word->folded + word->folded_len, letter->folded, letter->folded_len);
    word->folded_len += letter->folded_len;
}

/* The folded form; behind it the exact one, if it is another. */
static gsize term_format(char *term, const IngestOpenWord *word)
{
    if (word->folded_len == 0 || (word->folded_len == word->exact_len &&
                                  memcmp(word->folded, word->exact, word->exact_len) == 0)) {
        memcpy(term, word->exact, word->exact_len);
        return word->exact_len;
    }
    memcpy(term, word->folded, word->folded_len);
    term[word->folded_len] = '\0';
    memcpy(term + word->folded_len + 1, word->exact, word->exact_len);
    return word->folded_len + 1 + word->exact_len;
}

static void end_word(IngestWordSplitter *splitter)
{
    IngestOpenWord *word = &splitter->word;

    if (!word->is_open)
        return;
    word->is_open = FALSE;
    ingest_words_emit(splitter, term_format(splitter->term, word), word->offset, word->end, FALSE);
}

gsize ingest_term_of_exact(IngestWordSplitter *splitter, const char *exact, gsize len, char *term)
{
    const guint8 *bytes = (const guint8 *)exact;
    IngestOpenWord word;
    gboolean is_paired = FALSE;

    g_assert(len <= INGEST_WORD_LEN_MAX);
    word_begin(&word, 0);
    for (gsize next = 0; next < len;) {
        gsize begin = next;
        UChar32 character;
        IngestLetter letter;

        U8_NEXT_OR_FFFD(bytes, next, len, character);
        letter = *letter_of(splitter, character);
        is_paired =
            letter.kind == INGEST_LETTER_PAIRED || (is_paired && letter.kind == INGEST_LETTER_MARK);
        letter.exact_len = (guint8)(next - begin);
        memcpy(letter.exact, bytes + begin, letter.exact_len);
        if (is_paired) {
            letter.folded_len = letter.exact_len;
            memcpy(letter.folded, letter.exact, letter.exact_len);
        }
        word_append(&word, &letter, INGEST_WORD_LEN_MAX, 0);
    }
    return term_format(term, &word);
}

static void wait_for_pair(IngestWordSplitter *splitter)
{
    const IngestOpenWord *first = &splitter->before, *second = &splitter->unit;

    if (first->is_open) {
        memcpy(splitter->term, first->exact, first->exact_len);
        memcpy(splitter->term + first->exact_len, second->exact, second->exact_len);
        ingest_words_emit(splitter, first->exact_len + second->exact_len, first->offset,
                          second->end, FALSE);
    }
    splitter->before = *second;
}

/* The last pair, and the last letter alone. */
static void end_run(IngestWordSplitter *splitter)
{
    IngestOpenWord *unit = &splitter->unit;

    if (!unit->is_open)
        return;
    wait_for_pair(splitter);
    memcpy(splitter->term, unit->exact, unit->exact_len);
    ingest_words_emit(splitter, unit->exact_len, unit->offset, unit->end, TRUE);
    unit->is_open = splitter->before.is_open = FALSE;
}

static void take_letter(IngestWordSplitter *splitter, const IngestLetter *letter, gsize offset,
                        gsize end)
{
    switch ((IngestLetterKind)letter->kind) {
    case INGEST_LETTER_NONE:
        end_word(splitter);
        end_run(splitter);
        break;
    case INGEST_LETTER_WORD:
        end_run(splitter);
        if (!splitter->word.is_open)
            word_begin(&splitter->word, offset);
        word_append(&splitter->word, letter, INGEST_WORD_LEN_MAX, end);
        break;
    case INGEST_LETTER_PAIRED:
        end_word(splitter);
        if (splitter->unit.is_open)
            wait_for_pair(splitter);
        word_begin(&splitter->unit, offset);
        word_append(&splitter->unit, letter, INGEST_WORD_LEN_MAX / 2, end);
        break;
    case INGEST_LETTER_MARK:
        if (splitter->word.is_open)
            word_append(&splitter->word, letter, INGEST_WORD_LEN_MAX, end);
        else if (splitter->unit.is_open)
            word_append(&splitter->unit, letter, INGEST_WORD_LEN_MAX / 2, end);
        break;
    }
}

/* Text that is normalised as one. */
typedef struct {
    UChar units[2 * SEGMENT_MAX];
    int32_t len;
    guint count;       /* characters */
    UChar32 character; /* the first */
    gsize offset, end;
} Segment;

static void take_long_segment(IngestWordSplitter *splitter, const Segment *segment)
{
    UChar normalised[NORMALISED_MAX];
    int32_t len = normalise(splitter, segment->units, segment->len, normalised), next = 0;

    while (next < len) {
        UChar32 character;

        U16_NEXT(normalised, next, len, character);
        take_letter(splitter, letter_of(splitter, character), segment->offset, segment->end);
    }
}

static void take_segment(IngestWordSplitter *splitter, Segment *segment)
{
    const IngestNormalised *known;

    if (segment->count == 0)
        return;
    known = segment->count == 1 ? normalised_of(splitter, segment->character) : NULL;
    if (known == NULL || known->count > INGEST_CHARACTERS_REMEMBERED_MAX) {
        take_long_segment(splitter, segment);
    } else {
        for (guint i = 0; i < known->count; i++)
            take_letter(splitter, letter_of(splitter, known->characters[i]), segment->offset,
                        segment->end);
    }
    segment->count = 0;
    segment->len = 0;
}

void ingest_words_split_span(IngestWordSplitter *splitter, gsize offset, gsize end)
{
    const guint8 *bytes = (const guint8 *)splitter->text;
    Segment segment = {.len = 0};
    gsize next = offset;

    splitter->word.is_open = splitter->unit.is_open = splitter->before.is_open = FALSE;
    while (next < end) {
        gsize begin = next;
        UChar32 character;

        U8_NEXT_OR_FFFD(bytes, next, end, character);
        if (segment.count == SEGMENT_MAX || normalised_of(splitter, character)->has_boundary_before)
            take_segment(splitter, &segment);
        if (segment.count++ == 0) {
            segment.character = character;
            segment.offset = begin;
        }
        U16_APPEND_UNSAFE(segment.units, segment.len, character);
        segment.end = next;
    }
    take_segment(splitter, &segment);
    end_word(splitter);
    end_run(splitter);
}
