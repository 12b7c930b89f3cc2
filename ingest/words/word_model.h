/* The words of a message, one after the other, as decisions for a coder: inside ingest/words.
 *
 *   follows what it followed before? ─ yes: the word that came there next
 *        │ no
 *   known in this message ─ its number · common ─ its number · letters ─ spelled · else bytes
 *
 * Words are those of the texts, in lower case or as the splitter makes them. A code of all
 * decisions is docs/formats/terms.md, section "Words as decisions". Threads: one user.
 */
#pragma once

#include "ingest/words/coder.h"
#include "ingest/words/common_words.h"
#include "ingest/words/vocabulary.h"

#define INGEST_MODEL_WORDS_MAX (1u << 24) /* of one message */

typedef struct {
    IngestVocabulary vocabulary;
    IngestSecretBuffer history; /* guint32: each word's number, INGEST_VOCABULARY_NONE at a gap */
    guint32 count;              /* of history */
    guint32 match;              /* where in history it went the same way before; 0: nowhere */
    guint32 match_len;

    const IngestSymbols *kinds, *letters;
    const IngestCommonWord *common_words;
    IngestChance is_match[16];
    IngestNumberModel byte_count;
    IngestChance *bytes; /* made when the first word is not of ASCII letters */
} IngestWordModel;

void ingest_word_model_init(IngestWordModel *model);
/* Of the next message: as new, with the room that the last one took. */
void ingest_word_model_begin(IngestWordModel *model);
void ingest_word_model_clear(IngestWordModel *model); /* wipes */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(IngestWordModel, ingest_word_model_clear)

typedef struct {
    const char *text; /* 1 to INGEST_WORD_LEN_MAX bytes */
    gsize len;
    guint32 number; /* in the model's vocabulary, INGEST_VOCABULARY_NONE: new */
} IngestModelWord;
/* Codes a word; returns its number. `word` is NULL when decoding. */
guint32 ingest_word_model_code(IngestWordModel *model, IngestCoder *coder,
                               const IngestModelWord *word);
/* Between two texts. The next word is expected to be that at `match` of history, 0: none. */
void ingest_word_model_gap(IngestWordModel *model, guint32 match);

static inline guint32 *ingest_word_model_history(const IngestWordModel *model)
{
    return (guint32 *)(void *)model->history.bytes;
}
