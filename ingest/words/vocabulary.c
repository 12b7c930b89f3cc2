#include "ingest/words/vocabulary.h"

#include <string.h>

#include "vault/crypto/keys.h"

#define PLACES_MIN 512

guint32 ingest_words_hash(guint32 seed, const char *text, gsize len)
{
    guint64 hash = (guint64)seed << 32 ^ len;

    for (; len > 0;) {
        gsize part = MIN(len, sizeof hash);

        hash =
            (hash ^ ingest_words_first_eight(text, len)) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
        text += part;
        len -= part;
    }
    return (guint32)(hash >> 16);
}

static void wipe_places(IngestVocabulary *vocabulary)
{
    if (vocabulary->places != NULL)
        vault_wipe(vocabulary->places, vocabulary->place_count * sizeof(guint32));
    g_free(vocabulary->places);
    vocabulary->places = NULL;
    vocabulary->place_count = 0;
}

void ingest_vocabulary_clear(IngestVocabulary *vocabulary)
{
    ingest_secret_buffer_clear(&vocabulary->texts);
    ingest_secret_buffer_clear(&vocabulary->words);
    wipe_places(vocabulary);
    vocabulary->count = 0;
}

void ingest_vocabulary_empty(IngestVocabulary *vocabulary)
{
    ingest_secret_buffer_empty(&vocabulary->texts);
    ingest_secret_buffer_empty(&vocabulary->words);
    wipe_places(vocabulary);
    vocabulary->count = 0;
}

static void place(IngestVocabulary *vocabulary, guint32 number)
{
    guint32 mask = vocabulary->place_count - 1;
    guint32 at = ingest_vocabulary_word(vocabulary, number)->hash & mask;

    while (vocabulary->places[at] != 0)
        at = (at + 1) & mask;
    vocabulary->places[at] = number + 1;
}

static void make_places(IngestVocabulary *vocabulary)
{
    guint32 count = MAX(PLACES_MIN, vocabulary->place_count * 2);

    if (vocabulary->count * 2 < vocabulary->place_count)
        return;
    if (vocabulary->places == NULL)
        vault_random(&vocabulary->seed, sizeof vocabulary->seed);
    wipe_places(vocabulary);
    vocabulary->place_count = count;
    vocabulary->places = g_new0(guint32, count);
    for (guint32 i = 0; i < vocabulary->count; i++)
        place(vocabulary, i);
}

guint32 ingest_vocabulary_intern(IngestVocabulary *vocabulary, const char *text, gsize len)
{
    guint32 hash = 0, mask, number;

    make_places(vocabulary);
    hash = ingest_words_hash(vocabulary->seed, text, len);
    mask = vocabulary->place_count - 1;
    for (guint32 at = hash & mask; vocabulary->places[at] != 0; at = (at + 1) & mask) {
        const IngestVocabularyWord *word =
            ingest_vocabulary_word(vocabulary, vocabulary->places[at] - 1);

        if (word->hash == hash && word->len == len &&
            memcmp(ingest_vocabulary_text(vocabulary, word), text, len) == 0)
            return vocabulary->places[at] - 1;
    }
    g_assert(len <= INGEST_WORD_LEN_MAX);
    memcpy(ingest_vocabulary_room(vocabulary), text, len);
    number = ingest_vocabulary_add(vocabulary, len, FALSE);
    ingest_vocabulary_word(vocabulary, number)->hash = hash;
    place(vocabulary, number);
    return number;
}
