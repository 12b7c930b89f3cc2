/* The different words of one message, numbered as they come: inside ingest/words.
 *
 * A word is at most INGEST_WORD_LEN_MAX bytes, a message INGEST_MODEL_WORDS_MAX words: offsets
 * suffice. Threads: one user. Texts are valid until the next
 * word is added.
 */
#pragma once

#include "ingest/words/secret_buffer.h"
#include "ingest/words/words.h"

#define INGEST_VOCABULARY_NONE G_MAXUINT32

typedef struct {
    guint32 offset, hash;
    guint32 next_position; /* behind the last place where it is: the model's; 0: nowhere */
    guint8 len;
    guint8 is_plain; /* a-z and 0-9 alone; not known of those from intern() */
} IngestVocabularyWord;

typedef struct {
    IngestSecretBuffer texts;
    IngestSecretBuffer words; /* IngestVocabularyWord */
    guint32 count;
    guint32 *places; /* number + 1; made when something is looked up */
    guint32 place_count, seed;
} IngestVocabulary;

/* Zeros are an empty one. */
void ingest_vocabulary_clear(IngestVocabulary *vocabulary); /* wipes */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(IngestVocabulary, ingest_vocabulary_clear)
/* Without words, with the room that they took. */
void ingest_vocabulary_empty(IngestVocabulary *vocabulary);
/* Where a word may be written that ingest_vocabulary_add() then adds: INGEST_WORD_LEN_MAX bytes. */
static inline char *ingest_vocabulary_room(IngestVocabulary *vocabulary)
{
    ingest_secret_buffer_reserve(&vocabulary->texts, vocabulary->texts.len + INGEST_WORD_LEN_MAX);
    return (char *)vocabulary->texts.bytes + vocabulary->texts.len;
}
/* A new word, which is not looked up: may be there twice. Not to be mixed with intern(). */
static inline guint32 ingest_vocabulary_add(IngestVocabulary *vocabulary, gsize len,
                                            gboolean is_plain)
{
    IngestVocabularyWord word = {
        .offset = (guint32)vocabulary->texts.len, .len = (guint8)len, .is_plain = (guint8)is_plain};

    vocabulary->texts.len += len;
    ingest_secret_buffer_append(&vocabulary->words, &word, sizeof word);
    return vocabulary->count++;
}
/* The number of this word, which is added where it is new. */
guint32 ingest_vocabulary_intern(IngestVocabulary *vocabulary, const char *text, gsize len);

static inline IngestVocabularyWord *ingest_vocabulary_word(const IngestVocabulary *vocabulary,
                                                           guint32 number)
{
    return (IngestVocabularyWord *)(void *)vocabulary->words.bytes + number;
}

static inline const char *ingest_vocabulary_text(const IngestVocabulary *vocabulary,
                                                 const IngestVocabularyWord *word)
{
    return (const char *)vocabulary->texts.bytes + word->offset;
}

/* Which place a word goes to is nothing to be computed ahead by who writes mail: `seed` is random,
 * but for fixed lists. */
guint32 ingest_words_hash(guint32 seed, const char *text, gsize len);

/* The first bytes of a text, at most eight, as a number; the first one lowest. */
static inline guint64 ingest_words_first_eight(const char *text, gsize len)
{
    guint64 eight = 0;
    guint32 first, last;

    if (len >= sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        eight = GUINT64_FROM_LE(eight);
    } else if (len >= sizeof first) {
        memcpy(&first, text, sizeof first);
        memcpy(&last, text + len - sizeof last, sizeof last);
        eight = (guint64)GUINT32_FROM_LE(last) << 8 * (len - sizeof last) | GUINT32_FROM_LE(first);
    } else {
        for (gsize i = 0; i < len; i++)
            eight |= (guint64)(guint8)text[i] << 8 * i;
    }
    return eight;
}
