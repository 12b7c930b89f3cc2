#include "ingest/words/letter.h"

#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

/* Letters that differ from another by a stroke or are two in one: Unicode does not decompose them,
 * yet people type what they look like. */
static const struct {
    UChar32 character;
    const char *folded;
} folded_by_hand[] = {
    {0x00e6, "ae"}, /* ae ligature */
    {0x00f0, "d"},  /* eth */
    {0x00f8, "o"},  /* o with stroke */
    {0x00fe, "th"}, /* thorn */
    {0x0111, "d"},  /* d with stroke */
    {0x0127, "h"},  /* h with stroke */
    {0x0131, "i"},  /* dotless i */
    {0x0142, "l"},  /* l with stroke */
    {0x0153, "oe"}, /* oe ligature */
    {0x0167, "t"},  /* t with stroke */
    {0x0640, ""},   /* tatweel: only makes an Arabic word wider */
};

static UScriptCode script_of(UChar32 character)
{
    UErrorCode status = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript(character, &status);

    return U_SUCCESS(status) ? script : USCRIPT_UNKNOWN;
}

static gboolean is_paired(UChar32 character)
{
    static const UScriptCode scripts[] = {USCRIPT_HAN,    USCRIPT_HIRAGANA, USCRIPT_KATAKANA,
                                          USCRIPT_HANGUL, USCRIPT_BOPOMOFO, USCRIPT_YI};

    for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++) {
        if (uscript_hasScript(character, scripts[i]))
            return TRUE;
    }
    return u_getIntPropertyValue(character, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT;
}

static IngestLetterKind kind_of(UChar32 character)
{
    if (U_GET_GC_MASK(character) & U_GC_M_MASK)
        return INGEST_LETTER_MARK;
    if ((U_GET_GC_MASK(character) & (U_GC_L_MASK | U_GC_N_MASK)) == 0)
        return INGEST_LETTER_NONE;
    if (u_charType(character) == U_DECIMAL_DIGIT_NUMBER)
        return INGEST_LETTER_WORD;
    return is_paired(character) ? INGEST_LETTER_PAIRED : INGEST_LETTER_WORD;
}

static guint8 put(char *text, guint8 len, UChar32 character)
{
    gsize at = len;

    if (at + U8_LENGTH(character) > INGEST_LETTER_LEN_MAX)
        return len;
    U8_APPEND_UNSAFE(text, at, character);
    return (guint8)at;
}

/* Scripts in which marks above and below letters are often left out by who writes or searches. In
 * others (Devanagari, Thai) they are vowels, without which it is another word. */
static gboolean has_optional_marks(UScriptCode script)
{
    return script == USCRIPT_LATIN || script == USCRIPT_GREEK || script == USCRIPT_CYRILLIC ||
           script == USCRIPT_ARABIC || script == USCRIPT_HEBREW;
}

static void fold_by_decomposition(IngestLetter *letter)
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfd = unorm2_getNFDInstance(&status);
    UChar parts[INGEST_LETTER_LEN_MAX];
    int32_t len, next = 0;

    g_assert(U_SUCCESS(status));
    len = unorm2_getDecomposition(nfd, letter->character, parts, G_N_ELEMENTS(parts), &status);
    if (len < 0 || U_FAILURE(status))
        return;
    letter->folded_len = 0;
    while (next < len) {
        UChar32 part;

        U16_NEXT(parts, next, len, part);
        if (u_charType(part) != U_NON_SPACING_MARK)
            letter->folded_len = put(letter->folded, letter->folded_len, part);
    }
}

static void fold(IngestLetter *letter)
{
    UScriptCode script = script_of(letter->character);

    for (gsize i = 0; i < G_N_ELEMENTS(folded_by_hand); i++) {
        if (folded_by_hand[i].character == letter->character) {
            letter->folded_len = (guint8)strlen(folded_by_hand[i].folded);
            memcpy(letter->folded, folded_by_hand[i].folded, letter->folded_len);
            return;
        }
    }
    if (letter->kind == INGEST_LETTER_MARK) {
        if (script == USCRIPT_INHERITED || has_optional_marks(script))
            letter->folded_len = 0;
    } else if (u_charType(letter->character) == U_DECIMAL_DIGIT_NUMBER) {
        letter->folded[0] = (char)('0' + u_charDigitValue(letter->character));
        letter->folded_len = 1;
    } else if (has_optional_marks(script)) {
        fold_by_decomposition(letter);
    }
}

void ingest_letter_init(IngestLetter *letter, UChar32 character)
{
    memset(letter, 0, sizeof *letter);
    letter->character = character;
    letter->kind = (guint8)kind_of(character);
    if (letter->kind == INGEST_LETTER_NONE)
        return;
    letter->exact_len = put(letter->exact, 0, character);
    memcpy(letter->folded, letter->exact, letter->exact_len);
    letter->folded_len = letter->exact_len;
    if (letter->kind != INGEST_LETTER_PAIRED)
        fold(letter);
    g_assert(letter->folded_len <= letter->exact_len);
}
