#include "ingest/mime/alternatives.h"

#include "vault/crypto/keys.h"

#include <string.h>

#define SLOTS_MIN 1024
#define HASH_START G_GUINT64_CONSTANT(0xcbf29ce484222325)
#define HASH_PRIME G_GUINT64_CONSTANT(0x100000001b3)

struct IngestAlternatives {
    IngestTextSink sink;
    gpointer user;
    gboolean is_first_over;
    /* Hashes of words, open addressing; 0: free. */
    guint64 *slots;
    gsize slot_count, word_count;
    guint64 hash; /* of the word that goes on; HASH_START: none */
    GByteArray *line;
    gboolean has_new;
};

IngestAlternatives *ingest_alternatives_new(IngestTextSink sink, gpointer user)
{
    IngestAlternatives *alternatives = g_new0(IngestAlternatives, 1);

    alternatives->sink = sink;
    alternatives->user = user;
    alternatives->slot_count = SLOTS_MIN;
    alternatives->slots = g_new0(guint64, SLOTS_MIN);
    alternatives->hash = HASH_START;
    alternatives->line = g_byte_array_new();
    return alternatives;
}

void ingest_alternatives_free(IngestAlternatives *alternatives)
{
    if (alternatives == NULL)
        return;
    vault_wipe(alternatives->slots, alternatives->slot_count * sizeof *alternatives->slots);
    g_free(alternatives->slots);
    vault_wipe(alternatives->line->data, alternatives->line->len);
    g_byte_array_unref(alternatives->line);
    g_free(alternatives);
}

/* ---- words ----------------------------------------------------------------------------------- */

static guint64 *find_slot(guint64 *slots, gsize slot_count, guint64 hash)
{
    gsize at = (hash ^ hash >> 32) & (slot_count - 1);

    while (slots[at] != 0 && slots[at] != hash)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static void grow(IngestAlternatives *alternatives)
{
    gsize slot_count = 2 * alternatives->slot_count;
    guint64 *slots = g_new0(guint64, slot_count);

    for (gsize i = 0; i < alternatives->slot_count; i++)
        if (alternatives->slots[i] != 0)
            *find_slot(slots, slot_count, alternatives->slots[i]) = alternatives->slots[i];
    vault_wipe(alternatives->slots, alternatives->slot_count * sizeof *alternatives->slots);
    g_free(alternatives->slots);
    alternatives->slots = slots;
    alternatives->slot_count = slot_count;
}

/* TRUE: it was not there. */
static gboolean note_word(IngestAlternatives *alternatives, guint64 hash)
{
    guint64 *slot;

    hash |= 1;
    slot = find_slot(alternatives->slots, alternatives->slot_count, hash);
    if (*slot != 0)
        return FALSE;
    if (alternatives->word_count == INGEST_ALTERNATIVES_WORDS_MAX)
        return TRUE;
    *slot = hash;
    if (++alternatives->word_count * 2 > alternatives->slot_count)
        grow(alternatives);
    return TRUE;
}

static void end_word(IngestAlternatives *alternatives)
{
    if (alternatives->hash == HASH_START)
        return;
    if (note_word(alternatives, alternatives->hash))
        alternatives->has_new = TRUE;
    alternatives->hash = HASH_START;
}

static void note_words(IngestAlternatives *alternatives, const char *text, gsize len)
{
    for (gsize i = 0; i < len; i++) {
        guint8 c = (guint8)text[i];

        if (c >= 0x80 || g_ascii_isalnum(c))
            alternatives->hash =
                (alternatives->hash ^ (guint8)g_ascii_tolower((char)c)) * HASH_PRIME;
        else
            end_word(alternatives);
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void end_line(IngestAlternatives *alternatives)
{
    GByteArray *line = alternatives->line;

    end_word(alternatives);
    if (line->len > 0 && alternatives->has_new)
        alternatives->sink(alternatives->user, (const char *)line->data, line->len);
    vault_wipe(line->data, line->len);
    g_byte_array_set_size(line, 0);
    alternatives->has_new = FALSE;
}

/* Where to cut a line that is too long: not within a word, where that can be. */
static gboolean is_line_end(const IngestAlternatives *alternatives, char c)
{
    return c == '\n' || alternatives->line->len >= 2 * INGEST_ALTERNATIVES_LINE_LEN_MAX ||
           (alternatives->line->len >= INGEST_ALTERNATIVES_LINE_LEN_MAX && c == ' ');
}

static void add_lines(IngestAlternatives *alternatives, const char *text, gsize len)
{
    for (gsize i = 0; i < len; i++) {
        g_byte_array_append(alternatives->line, (const guint8 *)&text[i], 1);
        note_words(alternatives, &text[i], 1);
        if (is_line_end(alternatives, text[i]))
            end_line(alternatives);
    }
}

void ingest_alternatives_add(IngestAlternatives *alternatives, const char *text, gsize len)
{
    if (text == NULL) {
        end_line(alternatives);
        alternatives->sink(alternatives->user, NULL, 0);
        return;
    }
    if (alternatives->is_first_over) {
        add_lines(alternatives, text, len);
        return;
    }
    note_words(alternatives, text, len);
    alternatives->sink(alternatives->user, text, len);
}

void ingest_alternatives_end_text(IngestAlternatives *alternatives)
{
    end_line(alternatives);
    if (alternatives->word_count > 0)
        alternatives->is_first_over = TRUE;
}
