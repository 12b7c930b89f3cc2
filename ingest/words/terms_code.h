/* What a terms record says as decisions for a coder: inside ingest/words.
 *
 * One function for each part, for both directions (coder.h). Source: docs/formats/terms.md.
 */
#pragma once

#include "ingest/words/terms.h"
#include "ingest/words/word_model.h"

typedef struct {
    IngestCoder coder;
    IngestWordModel words;
    IngestNumberModel counts, small; /* of words, of names; of dates and lengths */
    IngestNumberModel separator_len;
    const IngestSymbols *separators;
    IngestChance cases[4][4]; /* by the last one */
    guint last_case;
    guint32 snippet; /* place of its first word in the history, 0: it has none */

    /* encoding only */
    IngestVocabulary *interned; /* words of texts, numbered otherwise */
    IngestSecretBuffer numbers; /* guint32: for each of those, its number in `words` + 1, or 0 */
    IngestSecretBuffer text;    /* decoding only: the one that is being read */
} IngestTermsCode;

/* `interned` is borrowed; NULL: nothing is coded before ingest_terms_code_begin_decoding(). */
void ingest_terms_code_init(IngestTermsCode *code, IngestVocabulary *interned);
/* Decodes the next record, in the room that the last one took. */
void ingest_terms_code_begin_decoding(IngestTermsCode *code, const guint8 *bytes, gsize len);
void ingest_terms_code_clear(IngestTermsCode *code); /* wipes */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(IngestTermsCode, ingest_terms_code_clear)

/* All but the hash. What is decoded is within the limits and UTF-8, or the coder has failed. */
void ingest_terms_code_summary(IngestTermsCode *code, IngestSummary *summary);
/* The texts of one field: `tokens` are numbers in `interned`, INGEST_VOCABULARY_NONE behind each
 * text. What was coded is the history of the word model from *ret_begin to *ret_end. */
void ingest_terms_code_words(IngestTermsCode *code, const guint32 *tokens, guint32 count,
                             guint32 *ret_begin, guint32 *ret_end);
