#include "ingest/words/words_internal.h"

#include <string.h>

#include "vault/crypto/keys.h"

/* 0: separates. 1: not ASCII. Else: the letter in its folded form. */
#define NOT_ASCII 1
static const guint8 *ascii_table(void)
{
    static gsize once;
    static guint8 table[256];

    if (g_once_init_enter(&once)) {
        for (guint byte = 0; byte < 256; byte++) {
            if (byte >= 128)
                table[byte] = NOT_ASCII;
            else if (g_ascii_isalnum((char)byte))
                table[byte] = (guint8)g_ascii_tolower((char)byte);
        }
        g_once_init_leave(&once, 1);
    }
    return table;
}

IngestWordSplitter *ingest_word_splitter_new(void)
{
    IngestWordSplitter *splitter = g_new0(IngestWordSplitter, 1);
    UErrorCode status = U_ZERO_ERROR;

    splitter->is_fast = TRUE;
    splitter->ascii = ascii_table();
    splitter->nfkc_fold = unorm2_getNFKCCasefoldInstance(&status);
    if (U_FAILURE(status))
        g_error("ICU has no normalisation: %s", u_errorName(status));
    for (gsize i = 0; i < INGEST_LETTERS_REMEMBERED; i++)
        splitter->normalised[i].source = splitter->letters[i].character = U_SENTINEL;
    return splitter;
}

void ingest_word_splitter_free(IngestWordSplitter *splitter)
{
    if (splitter == NULL)
        return;
    vault_wipe(splitter, sizeof *splitter);
    g_free(splitter);
}

void ingest_words_emit(IngestWordSplitter *splitter, gsize len, gsize offset, gsize end,
                       gboolean is_run_end)
{
    IngestWord word = {.term = splitter->term,
                       .len = len,
                       .position = splitter->position++,
                       .offset = offset,
                       .end = end,
                       .is_run_end = is_run_end};

    splitter->visit(&word, splitter->user);
}

/* A word of ASCII alone: its folded form is its lower-case one, and there is no other. Stops at
 * what separates (returns TRUE) or is not ASCII. */
static gboolean read_ascii(IngestWordSplitter *splitter, gsize *next, gsize text_len,
                           gsize *ret_len)
{
    const guint8 *table = splitter->ascii, *bytes = (const guint8 *)splitter->text;
    gsize at = *next, len = 0;
    guint8 letter = 0;

    for (; at < text_len && (letter = table[bytes[at]]) > NOT_ASCII; at++) {
        if (len < INGEST_WORD_LEN_MAX)
            splitter->term[len++] = (char)letter;
    }
    splitter->term[len] = '\0';
    *next = at;
    *ret_len = len;
    return at == text_len || letter == 0;
}

/* Spans end at each ASCII character that is in no word: no rule reaches over one. */
void ingest_word_splitter_split(IngestWordSplitter *splitter, const char *text, gsize len,
                                IngestWordVisit visit, gpointer user)
{
    const guint8 *table = splitter->ascii, *bytes = (const guint8 *)text;

    splitter->text = text;
    splitter->visit = visit;
    splitter->user = user;
    splitter->position = 0;
    for (gsize next = 0; next < len; next++) {
        gsize begin = next, word_len;

        if (table[bytes[next]] == 0)
            continue;
        if (read_ascii(splitter, &next, len, &word_len) && splitter->is_fast) {
            ingest_words_emit(splitter, word_len, begin, next, FALSE);
            continue;
        }
        while (next < len && table[bytes[next]] != 0)
            next++;
        ingest_words_split_span(splitter, begin, next);
    }
    vault_wipe(splitter->term, sizeof splitter->term);
}

gsize ingest_words_cut(const char *text, gsize len)
{
    const guint8 *table = ascii_table(), *bytes = (const guint8 *)text;

    while (len > 0 && table[bytes[len - 1]] != 0)
        len--;
    return len;
}

gsize ingest_term_folded_len(const char *term, gsize len)
{
    const char *end = memchr(term, '\0', len);

    return end != NULL ? (gsize)(end - term) : len;
}
