#include "ingest/words/word_model.h"

#include <string.h>

#include "ingest/words/common_words.h"
#include "ingest/words/spelling.h"
#include "vault/crypto/keys.h"

enum { KIND_COMMON, KIND_SPELLED, KIND_BYTES };

/* Of a word of other bytes, each is expected by the one before it: of that, this many bits. */
#define BYTE_CONTEXT_COUNT 64
#define BYTE_CHANCES (BYTE_CONTEXT_COUNT * 256)

static void init_chances(IngestChance *chances, gsize count)
{
    for (gsize i = 0; i < count; i++)
        chances[i] = (IngestChance)INGEST_CHANCE_EVEN;
}

void ingest_word_model_init(IngestWordModel *model)
{
    static const guint32 none = INGEST_VOCABULARY_NONE;

    memset(model, 0, sizeof *model);
    init_chances(model->is_match, G_N_ELEMENTS(model->is_match));
    init_chances(&model->is_known, 1);
    init_chances(model->kinds, G_N_ELEMENTS(model->kinds));
    ingest_number_model_init(&model->known);
    ingest_number_model_init(&model->common);
    ingest_number_model_init(&model->byte_count);
    ingest_secret_buffer_append(&model->history, &none, sizeof none); /* place 0 is nowhere */
    model->count = 1;
}

void ingest_word_model_clear(IngestWordModel *model)
{
    ingest_vocabulary_clear(&model->vocabulary);
    ingest_secret_buffer_clear(&model->history);
    if (model->bytes != NULL)
        vault_wipe(model->bytes, BYTE_CHANCES * sizeof *model->bytes);
    g_free(model->bytes);
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

static guint32 code_common(IngestWordModel *model, IngestCoder *coder, guint32 number)
{
    IngestCommonWord word;

    number = ingest_coder_number(coder, &model->common, number);
    if (number >= INGEST_COMMON_WORD_COUNT) {
        coder->has_failed = TRUE;
        number = 0;
    }
    word = ingest_common_word(number);
    return ingest_vocabulary_add(&model->vocabulary, word.text, word.len);
}

static guint32 code_spelled(IngestWordModel *model, IngestCoder *coder, const IngestModelWord *word)
{
    char text[INGEST_WORD_LEN_MAX];
    gsize len = 0;
    guint32 number;

    if (coder->is_encoding) {
        len = word->len;
        memcpy(text, word->text, len);
    }
    len = ingest_spelling_code(coder, text, len, sizeof text);
    number = ingest_vocabulary_add(&model->vocabulary, text, len);
    vault_wipe(text, sizeof text);
    return number;
}

static guint8 code_byte(IngestWordModel *model, IngestCoder *coder, guint8 before, guint8 byte)
{
    IngestChance *chances = model->bytes + (before & (BYTE_CONTEXT_COUNT - 1)) * 256;
    guint node = 1;

    for (guint i = 8; i-- > 0;)
        node = node << 1 | (guint)ingest_coder_bit(coder, &chances[node], byte >> i & 1);
    return (guint8)node;
}

static guint32 code_bytes(IngestWordModel *model, IngestCoder *coder, const IngestModelWord *word)
{
    guint8 text[INGEST_WORD_LEN_MAX], before = 0;
    guint32 len = coder->is_encoding ? (guint32)word->len - 1 : 0, number;

    if (model->bytes == NULL) {
        model->bytes = g_new(IngestChance, BYTE_CHANCES);
        init_chances(model->bytes, BYTE_CHANCES);
    }
    len = ingest_coder_number(coder, &model->byte_count, len);
    if (len >= sizeof text) {
        coder->has_failed = TRUE;
        len = 0;
    }
    for (guint32 i = 0; i <= len; i++)
        before = text[i] =
            code_byte(model, coder, before, coder->is_encoding ? (guint8)word->text[i] : 0);
    number = ingest_vocabulary_add(&model->vocabulary, (const char *)text, len + 1);
    vault_wipe(text, sizeof text);
    return number;
}

static guint32 code_new(IngestWordModel *model, IngestCoder *coder, const IngestModelWord *word)
{
    guint32 common = INGEST_COMMON_WORD_NONE;
    guint kind = KIND_COMMON;

    if (coder->is_encoding) {
        common = ingest_common_word_find(word->text, word->len);
        if (common == INGEST_COMMON_WORD_NONE)
            kind = ingest_spelling_is_possible(word->text, word->len) ? KIND_SPELLED : KIND_BYTES;
    }
    if (ingest_coder_bit(coder, &model->kinds[0], kind == KIND_COMMON))
        return code_common(model, coder, common);
    if (ingest_coder_bit(coder, &model->kinds[1], kind == KIND_SPELLED))
        return code_spelled(model, coder, word);
    return code_bytes(model, coder, word);
}

/* A number of this message: early words come often, so they are counted from the first. */
static guint32 code_known(IngestWordModel *model, IngestCoder *coder, guint32 number)
{
    number = ingest_coder_number(coder, &model->known, number);
    if (number < model->vocabulary.count)
        return number;
    coder->has_failed = TRUE;
    return model->vocabulary.count > 0 ? 0 : ingest_vocabulary_add(&model->vocabulary, "x", 1);
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
    else if (ingest_coder_bit(coder, &model->is_known, number != INGEST_VOCABULARY_NONE))
        number = code_known(model, coder, number);
    else
        number = code_new(model, coder, word);
    remember(model, number, is_match);
    return number;
}
