/* Words: terms are sane, positions rise by one, places are inside the text and in order; both paths
 * give the same, and so does a text that is split in pieces; a term is that of its exact form, and
 * splitting that form again gives it first. */
#include <string.h>

#include "ingest/words/words_internal.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* A word whose characters are cut into segments is not normalised as a whole. */
#define CHARACTERS_CERTAIN 32

typedef struct {
    GPtrArray *terms; /* GBytes */
    gsize text_len, offset;
    guint32 position;
} Words;

static void words_clear(Words *words)
{
    g_ptr_array_unref(words->terms);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Words, words_clear)

static Words words_new(gsize text_len)
{
    return (Words){.terms = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
                   .text_len = text_len};
}

static void check_form(const char *form, gsize len)
{
    g_assert_cmpuint(len, >, 0);
    g_assert_cmpuint(len, <=, INGEST_WORD_LEN_MAX);
    g_assert_true(g_utf8_validate_len(form, (gssize)len, NULL));
    for (gsize i = 0; i < len; i++)
        g_assert_true((guint8)form[i] >= 0x80 || g_ascii_islower(form[i]) ||
                      g_ascii_isdigit(form[i]));
}

static void take_word(const IngestWord *word, gpointer user)
{
    Words *words = user;
    gsize folded = ingest_term_folded_len(word->term, word->len);

    g_assert_cmpuint(word->position, ==, words->position++);
    g_assert_cmpuint(word->offset, <, word->end);
    g_assert_cmpuint(word->end, <=, words->text_len);
    g_assert_cmpuint(word->offset, >=, words->offset);
    words->offset = word->offset;
    check_form(word->term, folded);
    if (folded < word->len)
        check_form(word->term + folded + 1, word->len - folded - 1);
    g_ptr_array_add(words->terms, g_bytes_new(word->term, word->len));
}

static Words split(gboolean is_fast, const char *text, gsize len)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    Words words = words_new(len);

    splitter->is_fast = is_fast;
    ingest_word_splitter_split(splitter, text, len, take_word, &words);
    return words;
}

static void check_same(const Words *a, const Words *b)
{
    g_assert_cmpuint(a->terms->len, ==, b->terms->len);
    for (guint i = 0; i < a->terms->len; i++)
        g_assert_true(g_bytes_equal(a->terms->pdata[i], b->terms->pdata[i]));
}

static void check_pieces(const Words *whole, const char *text, gsize len)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_auto(Words) words = words_new(len);
    gsize begin = 0;

    for (gsize end = len / 3; begin < len; end = len) {
        gsize cut = end == len ? len - begin : ingest_words_cut(text + begin, end - begin);

        words.position = words.offset = 0;
        ingest_word_splitter_split(splitter, text + begin, cut, take_word, &words);
        begin += cut;
    }
    check_same(whole, &words);
}

static void check_exact(IngestWordSplitter *splitter, const char *term, gsize len)
{
    gsize folded = ingest_term_folded_len(term, len);
    const char *exact = folded < len ? term + folded + 1 : term;
    gsize exact_len = folded < len ? len - folded - 1 : len;
    char again[INGEST_TERM_LEN_MAX];
    g_auto(Words) words = words_new(exact_len);

    g_assert_cmpmem(again, ingest_term_of_exact(splitter, exact, exact_len, again), term, len);
    if (g_utf8_strlen(exact, (gssize)exact_len) >= CHARACTERS_CERTAIN)
        return;
    ingest_word_splitter_split(splitter, exact, exact_len, take_word, &words);
    g_assert_cmpuint(words.terms->len, >, 0);
    g_assert_cmpmem(g_bytes_get_data(words.terms->pdata[0], NULL),
                    g_bytes_get_size(words.terms->pdata[0]), term, len);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = (const char *)data;
    g_auto(Words) fast = split(TRUE, text, size), slow = split(FALSE, text, size);
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();

    check_same(&fast, &slow);
    check_pieces(&fast, text, size);
    for (guint i = 0; i < fast.terms->len; i++)
        check_exact(splitter, g_bytes_get_data(fast.terms->pdata[i], NULL),
                    g_bytes_get_size(fast.terms->pdata[i]));
    return 0;
}
