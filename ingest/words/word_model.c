#include "ingest/words/word_model.h"

#include <string.h>

#include "ingest/words/frequencies.h"
#include "ingest/words/spelling.h"
#include "vault/crypto/keys.h"

#define MANY_BITS 15

/* Of a word of other bytes, each is expected by the one before it: of that, this many bits. */
#define BYTE_CONTEXT_COUNT 16
#define BYTE_CHANCES (BYTE_CONTEXT_COUNT * 256)

static void free_bytes(IngestWordModel *model)
{
    if (model->bytes != NULL)
        vault_wipe(model->bytes, BYTE_CHANCES * sizeof *model->bytes);
    g_free(model->bytes);
    model->bytes = NULL;
}

void ingest_word_model_init(IngestWordModel *model)
{
    memset(model, 0, sizeof *model);
    model->kinds = ingest_word_kinds();
    model->letters = ingest_spelling_letters();
    model->common_words = ingest_common_words();
    ingest_word_model_begin(model);
}

void ingest_word_model_begin(IngestWordModel *model)
{
    static const guint32 none = INGEST_VOCABULARY_NONE;

    ingest_vocabulary_empty(&model->vocabulary);
    free_bytes(model);
    ingest_chances_init(model->is_match, G_N_ELEMENTS(model->is_match));
    ingest_number_model_init(&model->byte_count);
    ingest_secret_buffer_empty(&model->history);
    ingest_secret_buffer_append(&model->history, &none, sizeof none); /* place 0 is nowhere */
    model->count = 1;
    model->match = model->match_len = 0;
}

void ingest_word_model_clear(IngestWordModel *model)
{
    ingest_vocabulary_clear(&model->vocabulary);
    ingest_secret_buffer_clear(&model->history);
    free_bytes(model);
    vault_wipe(model, sizeof *model);
}

void ingest_word_model_gap(IngestWordModel *model, guint32 match)
{
    static const guint32 none = INGEST_VOCABULARY_NONE;

    ingest_secret_buffer_append(&model->history, &none, sizeof none);
    model->count++;
    model->match = match;
    model->match_len = match != 0 ? G_N_ELEMENTS(model->is_match) - 1 : 0;
}

/* The bits of number + 1 behind its first one. */
static guint32 code_rest(IngestCoder *coder, guint len, guint32 number)
{
    guint32 value = 1;

    for (guint left = len; left > 0;) {
        guint bits = MIN(left, INGEST_CODER_BITS_MAX);

        left -= bits;
        value = value << bits |
                ingest_coder_raw(coder, bits, (number + 1) >> left & ((1u << bits) - 1));
    }
    return value - 1;
}

static guint rest_len(guint32 number)
{
    return g_bit_storage(number + 1) - 1;
}

static guint32 code_common(IngestWordModel *model, IngestCoder *coder, guint len, guint32 number)
{
    IngestCommonWord word;

    number = code_rest(coder, len, number);
    if (number >= INGEST_COMMON_WORD_COUNT) {
        coder->has_failed = TRUE;
        number = 0;
    }
    word = model->common_words[number];
    memcpy(ingest_vocabulary_room(&model->vocabulary), word.text, word.len);
    return ingest_vocabulary_add(&model->vocabulary, word.len, TRUE);
}

static guint32 code_spelled(IngestWordModel *model, IngestCoder *coder, const IngestModelWord *word)
{
    char *text = ingest_vocabulary_room(&model->vocabulary);
    gsize len = 0;

    if (coder->is_encoding) {
        len = word->len;
        memcpy(text, word->text, len);
    }
    return ingest_vocabulary_add(
        &model->vocabulary,
        ingest_spelling_code(coder, model->letters, text, len, INGEST_WORD_LEN_MAX), TRUE);
}

static guint8 code_byte(IngestWordModel *model, IngestCoder *coder, guint8 before, guint8 byte)
{
    IngestChance *chances = model->bytes + (before & (BYTE_CONTEXT_COUNT - 1)) * 256;

    return (guint8)ingest_coder_tree(coder, chances, 8, byte);
}

static guint32 code_bytes(IngestWordModel *model, IngestCoder *coder, const IngestModelWord *word)
{
    char *text = ingest_vocabulary_room(&model->vocabulary);
    guint32 len = coder->is_encoding ? (guint32)word->len - 1 : 0;
    guint8 before = 0;

    if (model->bytes == NULL) {
        model->bytes = g_new(IngestChance, BYTE_CHANCES);
        ingest_chances_init(model->bytes, BYTE_CHANCES);
    }
    len = ingest_coder_number(coder, &model->byte_count, len);
    if (len >= INGEST_WORD_LEN_MAX) {
        coder->has_failed = TRUE;
        len = 0;
    }
    for (guint32 i = 0; i <= len; i++) {
        before = code_byte(model, coder, before, coder->is_encoding ? (guint8)word->text[i] : 0);
        text[i] = (char)before;
    }
    return ingest_vocabulary_add(&model->vocabulary, len + 1, FALSE);
}

/* A number of this message: early words come often, so they are counted from the first. */
static guint32 code_known(IngestWordModel *model, IngestCoder *coder, guint len, guint32 number)
{
    if (len == MANY_BITS)
        len += ingest_coder_raw(coder, 4, coder->is_encoding ? rest_len(number) - len : 0);
    number = code_rest(coder, len, number);
    if (number < model->vocabulary.count)
        return number;
    coder->has_failed = TRUE;
    return model->vocabulary.count > 0 ? 0 : code_common(model, coder, 0, 0);
}

static guint symbol_of(const IngestModelWord *word, guint32 *ret_number)
{
    *ret_number = word->number;
    if (word->number != INGEST_VOCABULARY_NONE)
        return INGEST_WORD_KNOWN + MIN(rest_len(word->number), MANY_BITS);
    *ret_number = ingest_common_word_find(word->text, word->len);
    if (*ret_number != INGEST_COMMON_WORD_NONE)
        return INGEST_WORD_COMMON + rest_len(*ret_number);
    return ingest_spelling_is_possible(word->text, word->len) ? INGEST_WORD_SPELLED
                                                              : INGEST_WORD_BYTES;
}

static guint32 code_unexpected(IngestWordModel *model, IngestCoder *coder,
                               const IngestModelWord *word)
{
    guint known_bits = MIN(g_bit_storage(model->vocabulary.count) - 1, INGEST_KNOWN_BITS_COUNT - 1);
    guint32 number = 0;
    guint symbol = coder->is_encoding ? symbol_of(word, &number) : 0;

    symbol = ingest_coder_symbol(coder, &model->kinds[known_bits], symbol);
    if (symbol < INGEST_WORD_COMMON)
        return code_known(model, coder, symbol - INGEST_WORD_KNOWN, number);
    if (symbol < INGEST_WORD_SPELLED)
        return code_common(model, coder, symbol - INGEST_WORD_COMMON, number);
    return symbol == INGEST_WORD_SPELLED ? code_spelled(model, coder, word)
                                         : code_bytes(model, coder, word);
}

/* Goes on where this word was last, unless the way that was gone before is still the same. */
static void remember(IngestWordModel *model, guint32 number, gboolean is_match)
{
    IngestVocabularyWord *word = ingest_vocabulary_word(&model->vocabulary, number);

    ingest_secret_buffer_append(&model->history, &number, sizeof number);
    model->count++;
    if (is_match) {
        model->match++;
        model->match_len = MIN(model->match_len + 1, G_N_ELEMENTS(model->is_match) - 1);
    } else {
        model->match = word->next_position;
        model->match_len = 0;
    }
    word->next_position = model->count;
}

guint32 ingest_word_model_code(IngestWordModel *model, IngestCoder *coder,
                               const IngestModelWord *word)
{
    guint32 number = coder->is_encoding ? word->number : INGEST_VOCABULARY_NONE;
    guint32 expected = INGEST_VOCABULARY_NONE;
    gboolean is_match = FALSE;

    if (model->match != 0 && model->match < model->count)
        expected = ingest_word_model_history(model)[model->match];
    if (expected != INGEST_VOCABULARY_NONE)
        is_match = ingest_coder_bit(coder, &model->is_match[model->match_len], number == expected);
    if (is_match)
        number = expected;
    else
        number = code_unexpected(model, coder, word);
    remember(model, number, is_match);
    return number;
}
