#include "ingest/words/common_words.h"

#include <string.h>

#include "ingest/words/vocabulary.h"

#define PLACE_COUNT 16384 /* a power of two, four times the words */

static IngestCommonWord words[INGEST_COMMON_WORD_COUNT];
static guint16 places[PLACE_COUNT]; /* number + 1, 0: free */

static gsize first_place(const char *text, gsize len)
{
    return ingest_words_hash(0, text, len) & (PLACE_COUNT - 1);
}

static void read_list(void)
{
    const char *next = ingest_common_words_list;

    for (guint i = 0; i < INGEST_COMMON_WORD_COUNT; i++) {
        const char *end = strchr(next, ' ');
        gsize place;

        g_assert(end != NULL);
        words[i] = (IngestCommonWord){next, (gsize)(end - next)};
        place = first_place(next, words[i].len);
        while (places[place] != 0)
            place = (place + 1) & (PLACE_COUNT - 1);
        places[place] = (guint16)(i + 1);
        next = end + 1;
    }
}

static void read_list_once(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        read_list();
        g_once_init_leave(&once, 1);
    }
}

const IngestCommonWord *ingest_common_words(void)
{
    read_list_once();
    return words;
}

guint32 ingest_common_word_find(const char *text, gsize len)
{
    read_list_once();
    for (gsize place = first_place(text, len); places[place] != 0;
         place = (place + 1) & (PLACE_COUNT - 1)) {
        guint32 number = places[place] - 1u;

        if (words[number].len == len && memcmp(words[number].text, text, len) == 0)
            return number;
    }
    return INGEST_COMMON_WORD_NONE;
}
