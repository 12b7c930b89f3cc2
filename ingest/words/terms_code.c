#include "ingest/words/terms_code.h"

#include <string.h>

#include "ingest/words/frequencies.h"
#include "ingest/words/spelling.h"
#include "vault/crypto/keys.h"

static void init_models(IngestTermsCode *code)
{
    ingest_number_model_init(&code->counts);
    ingest_number_model_init(&code->small);
    ingest_number_model_init(&code->separator_len);
    ingest_chances_init(code->cases[0], sizeof code->cases / sizeof(IngestChance));
    code->last_case = 0;
    code->snippet = 0;
}

void ingest_terms_code_init(IngestTermsCode *code, IngestVocabulary *interned)
{
    memset(code, 0, sizeof *code);
    if (interned != NULL)
        ingest_coder_begin_encoding(&code->coder);
    ingest_word_model_init(&code->words);
    init_models(code);
    code->separators = ingest_separator_symbols();
    code->interned = interned;
}

void ingest_terms_code_begin_decoding(IngestTermsCode *code, const guint8 *bytes, gsize len)
{
    ingest_coder_begin_decoding(&code->coder, bytes, len);
    ingest_word_model_begin(&code->words);
    init_models(code);
    ingest_secret_buffer_empty(&code->text);
}

void ingest_terms_code_clear(IngestTermsCode *code)
{
    ingest_coder_clear(&code->coder);
    ingest_word_model_clear(&code->words);
    ingest_secret_buffer_clear(&code->numbers);
    ingest_secret_buffer_clear(&code->text);
    vault_wipe(code, sizeof *code);
}

/* ---- words ----------------------------------------------------------------------------------- */

static guint32 *number_of(IngestTermsCode *code, guint32 interned)
{
    gsize len = ((gsize)interned + 1) * sizeof(guint32);

    if (code->numbers.len < len) {
        ingest_secret_buffer_reserve(&code->numbers, len);
        memset(code->numbers.bytes + code->numbers.len, 0, len - code->numbers.len);
        code->numbers.len = len;
    }
    return (guint32 *)(void *)code->numbers.bytes + interned;
}

static void encode_word(IngestTermsCode *code, guint32 interned)
{
    const IngestVocabularyWord *word = ingest_vocabulary_word(code->interned, interned);
    guint32 *number = number_of(code, interned);

    *number = 1 + ingest_word_model_code(
                      &code->words, &code->coder,
                      &(IngestModelWord){ingest_vocabulary_text(code->interned, word), word->len,
                                         *number != 0 ? *number - 1 : INGEST_VOCABULARY_NONE});
}

static guint32 code_count(IngestTermsCode *code, guint32 count, guint32 max)
{
    count = ingest_coder_number(&code->coder, &code->counts, count);
    if (count > max) {
        code->coder.has_failed = TRUE;
        return 0;
    }
    return count;
}

static guint32 text_len(const guint32 *tokens, guint32 count)
{
    guint32 len = 0;

    while (len < count && tokens[len] != INGEST_VOCABULARY_NONE)
        len++;
    return len;
}

/* Each text is its number of words, then the words; none ends them. Tokens have a gap behind each
 * text, the last one too. */
void ingest_terms_code_words(IngestTermsCode *code, const guint32 *tokens, guint32 count,
                             guint32 *ret_begin, guint32 *ret_end)
{
    guint32 len;

    ingest_word_model_gap(&code->words, code->snippet);
    code->snippet = 0;
    *ret_begin = code->words.count;
    do {
        len = code_count(code, text_len(tokens, count),
                         INGEST_MODEL_WORDS_MAX - MIN(INGEST_MODEL_WORDS_MAX, code->words.count));
        for (guint32 i = 0; i < len && !code->coder.has_failed; i++) {
            if (code->coder.is_encoding)
                encode_word(code, tokens[i]);
            else
                ingest_word_model_code(&code->words, &code->coder, NULL);
        }
        if (len > 0)
            ingest_word_model_gap(&code->words, 0);
        if (len > 0 && code->coder.is_encoding) {
            tokens += len + 1;
            count -= len + 1;
        }
    } while (len > 0 && !code->coder.has_failed);
    *ret_end = code->words.count;
}

/* ---- texts as they are ----------------------------------------------------------------------- */

typedef enum { CASE_LOWER, CASE_CAPITAL, CASE_UPPER, CASE_MIXED } LetterCase;

static gboolean is_word_byte(char byte)
{
    return g_ascii_isalnum(byte) || (guint8)byte >= 0x80;
}

static guint separator_of(const char *text, gsize len)
{
    for (guint i = 0; i < INGEST_SEPARATOR_SPELLED; i++) {
        if (strlen(ingest_separators[i]) == len && memcmp(ingest_separators[i], text, len) == 0)
            return i;
    }
    return INGEST_SEPARATOR_SPELLED;
}

/* Where the next bytes of the text go; it grows past its limit only when what is decoded is none of
 * ours, and then begins anew. */
static char *text_room(IngestTermsCode *code, gsize len)
{
    if (code->text.len + len > INGEST_SUMMARY_TEXT_LEN_MAX) {
        code->coder.has_failed = TRUE;
        code->text.len = 0;
    }
    ingest_secret_buffer_reserve(&code->text, code->text.len + len);
    code->text.len += len;
    return (char *)code->text.bytes + code->text.len - len;
}

static void append_separator(IngestTermsCode *code, const char *separator)
{
    for (; *separator != '\0'; separator++)
        *text_room(code, 1) = *separator;
}

static void code_spelled_separator(IngestTermsCode *code, const char *text, gsize len)
{
    guint32 count = ingest_coder_number(&code->coder, &code->separator_len, (guint32)len);

    if (count > INGEST_SUMMARY_TEXT_LEN_MAX)
        code->coder.has_failed = TRUE;
    for (guint32 i = 0; i < count && !code->coder.has_failed; i++) {
        char byte =
            (char)ingest_coder_raw(&code->coder, 7, code->coder.is_encoding ? (guint8)text[i] : 0);

        if (!code->coder.is_encoding)
            *text_room(code, 1) = byte;
    }
}

/* Returns its length. */
static gsize code_separator(IngestTermsCode *code, IngestTextKind kind, const char *text,
                            gsize left)
{
    gsize len = 0;
    guint separator = 0;

    while (len < left && !is_word_byte(text[len]))
        len++;
    if (code->coder.is_encoding)
        separator = separator_of(text, len);
    separator = ingest_coder_symbol(&code->coder, &code->separators[kind], separator);
    if (separator == INGEST_SEPARATOR_SPELLED)
        code_spelled_separator(code, text, len);
    else if (!code->coder.is_encoding)
        append_separator(code, ingest_separators[separator]);
    return len;
}

/* Of a word of ASCII that has letters; others are as they are. */
static LetterCase case_of(const char *word, gsize len)
{
    gsize upper = 0, letters = 0;

    for (gsize i = 0; i < len; i++) {
        upper += g_ascii_isupper(word[i]);
        letters += g_ascii_isalpha(word[i]);
    }
    if (upper == 0)
        return CASE_LOWER;
    if (upper == 1 && g_ascii_isupper(word[0]))
        return CASE_CAPITAL;
    return upper == letters ? CASE_UPPER : CASE_MIXED;
}

/* Of a word of mixed case, one letter. */
static gboolean code_letter_case(IngestTermsCode *code, const char *word, gsize i)
{
    return (gboolean)ingest_coder_raw(&code->coder, 1,
                                      code->coder.is_encoding && g_ascii_isupper(word[i]));
}

/* Of a word that is `lower` in lower case. Encoding, `word` is it as it is; decoding, `ret_word`
 * becomes that. */
static void code_case(IngestTermsCode *code, const char *lower, const char *word, char *ret_word,
                      gsize len)
{
    LetterCase letter_case = ingest_coder_tree(&code->coder, code->cases[code->last_case], 2,
                                               code->coder.is_encoding ? case_of(word, len) : 0);

    code->last_case = letter_case;
    for (gsize i = 0; letter_case == CASE_MIXED && i < len; i++) {
        gboolean is_upper = g_ascii_isalpha(lower[i]) && code_letter_case(code, word, i);

        if (!code->coder.is_encoding)
            ret_word[i] = is_upper ? g_ascii_toupper(lower[i]) : lower[i];
    }
    if (code->coder.is_encoding || letter_case == CASE_MIXED)
        return;
    memcpy(ret_word, lower, len);
    for (gsize i = 0; i < (letter_case == CASE_UPPER ? len : letter_case == CASE_CAPITAL); i++)
        ret_word[i] = g_ascii_toupper(lower[i]);
}

static gboolean has_letters(const char *word, gsize len)
{
    for (gsize i = 0; i < len; i++) {
        if (g_ascii_isalpha(word[i]))
            return TRUE;
    }
    return FALSE;
}

static gsize word_len(const char *text, gsize left)
{
    gsize len = 0;

    while (len < MIN(left, INGEST_WORD_LEN_MAX) && is_word_byte(text[len]))
        len++;
    return len;
}

/* Words of ASCII are coded in lower case, others as they are. Returns its length. */
static gsize encode_text_word(IngestTermsCode *code, const char *text, gsize left)
{
    gsize len = word_len(text, left);
    char lower[INGEST_WORD_LEN_MAX];
    gboolean is_plain;

    for (gsize i = 0; i < len; i++)
        lower[i] = g_ascii_tolower(text[i]);
    is_plain = ingest_spelling_is_possible(lower, len);
    encode_word(code, ingest_vocabulary_intern(code->interned, is_plain ? lower : text, len));
    if (is_plain && has_letters(lower, len))
        code_case(code, lower, text, NULL, len);
    vault_wipe(lower, len);
    return len;
}

static void decode_text_word(IngestTermsCode *code)
{
    guint32 number = ingest_word_model_code(&code->words, &code->coder, NULL);
    const IngestVocabularyWord *known = ingest_vocabulary_word(&code->words.vocabulary, number);
    const char *lower = ingest_vocabulary_text(&code->words.vocabulary, known);
    char *word = text_room(code, known->len);

    if (known->is_plain && has_letters(lower, known->len))
        code_case(code, lower, NULL, word, known->len);
    else
        memcpy(word, lower, known->len);
}

static guint32 count_words(const char *text, gsize len)
{
    guint32 count = 0;

    for (gsize next = 0; next < len;) {
        gsize word = word_len(text + next, len - next);

        count += word > 0;
        next += MAX(word, 1);
    }
    return count;
}

/* 0 for none; else the number of words + 1, a separator, and as often a word and a separator. */
static void code_text(IngestTermsCode *code, IngestTextKind kind, char **text)
{
    const char *next = *text != NULL ? *text : "";
    gsize left = code->coder.is_encoding ? strlen(next) : 0;
    guint32 count = code_count(code, left > 0 ? 1 + count_words(next, left) : 0,
                               INGEST_SUMMARY_TEXT_LEN_MAX + 1);

    code->text.len = 0;
    if (count == 0)
        return;
    ingest_word_model_gap(&code->words, 0);
    for (guint32 i = 1; !code->coder.has_failed; i++) {
        gsize len = code_separator(code, kind, next, left);

        next += len;
        left -= len;
        if (i == count)
            break;
        if (code->coder.is_encoding) {
            len = encode_text_word(code, next, left);
            next += len;
            left -= len;
        } else {
            decode_text_word(code);
        }
    }
    if (code->coder.is_encoding || code->coder.has_failed || code->text.len == 0)
        return;
    *text = g_strndup((const char *)code->text.bytes, code->text.len);
    if (!g_utf8_validate_len(*text, code->text.len, NULL))
        code->coder.has_failed = TRUE;
}

static void code_names(IngestTermsCode *code, IngestTextKind kind, GPtrArray *names)
{
    guint32 count = code_count(code, names->len, INGEST_SUMMARY_NAMES_MAX);

    for (guint32 i = 0; i < count && !code->coder.has_failed; i++) {
        char *name = code->coder.is_encoding ? names->pdata[i] : NULL;

        code_text(code, kind, &name);
        if (code->coder.is_encoding)
            continue;
        if (name == NULL)
            code->coder.has_failed = TRUE;
        else
            g_ptr_array_add(names, name);
    }
}

static guint64 code_wide(IngestTermsCode *code, guint64 number)
{
    guint64 low = number & G_MAXINT32;

    number = (guint64)ingest_coder_number(&code->coder, &code->small, (guint32)(number >> 31))
             << 31;
    return number | ingest_coder_number(&code->coder, &code->small, (guint32)low);
}

void ingest_terms_code_summary(IngestTermsCode *code, IngestSummary *summary)
{
    struct {
        IngestTextKind kind;
        char **text;
    } texts[] = {
        {INGEST_TEXT_ADDRESSES, &summary->from}, {INGEST_TEXT_ADDRESSES, &summary->to},
        {INGEST_TEXT_ADDRESSES, &summary->cc},   {INGEST_TEXT_ADDRESSES, &summary->bcc},
        {INGEST_TEXT_WORDS, &summary->subject},  {INGEST_TEXT_IDS, &summary->list},
        {INGEST_TEXT_IDS, &summary->message_id},
    };
    guint64 sign = summary->date_s < 0, date = (guint64)summary->date_s ^ -sign;
    guint32 snippet;

    date = code_wide(code, date << 1 | sign);
    summary->date_s = (gint64)(date >> 1 ^ -(date & 1));
    summary->message_len = code_wide(code, summary->message_len);
    summary->marks = ingest_coder_number(&code->coder, &code->small, summary->marks);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        code_text(code, texts[i].kind, texts[i].text);
    code_names(code, INGEST_TEXT_IDS, summary->references);
    code_names(code, INGEST_TEXT_WORDS, summary->filenames);
    snippet = code->words.count + 1;
    code_text(code, INGEST_TEXT_WORDS, &summary->snippet);
    code->snippet = code->words.count > snippet ? snippet : 0;
}
