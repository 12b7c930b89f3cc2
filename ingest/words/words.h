/* How text becomes words: one rule, for mail as it is stored and for what is searched.
 *
 * Text is normalised (NFKC, full case folding, by ICU; ASCII has a fast path) and cut into words:
 * the longest runs of letters, marks and digits. For scripts that put something between words these
 * are the words of UAX #29, which are cut once more at . ' _ and the like, so that addresses, host
 * names, "don't", "1,234.50" and names with hyphens are rows of words: each part is found, and
 * whoever looks for all of it looks for the phrase. In scripts that put nothing there (Han, kana,
 * Hangul, Thai, Khmer) each pair of neighbouring characters is a word, and the last one of a run
 * alone: any substring of two is then a word or a row of words, and no dictionary, whose next
 * version cuts otherwise, decides what is found.
 *
 * A word is known by its *folded* form, without diacritics; where it has some, the *exact* form
 * goes with it, so that `resume` finds both and `"résumé"` only one. A word longer than
 * INGEST_WORD_LEN_MAX counts by its first bytes, cut between characters.
 *
 * Any bytes are taken: what is no UTF-8 counts as U+FFFD, which is in no word. Time is linear in
 * the text. Threads: a splitter has one user. Source: docs/formats/terms.md, section "Words".
 */
#pragma once

#include <glib.h>

#define INGEST_WORD_LEN_MAX 64 /* bytes of the folded form, and of the exact one */
/* folded, NUL, exact */
#define INGEST_TERM_LEN_MAX (2 * INGEST_WORD_LEN_MAX + 1)

typedef struct {
    /* The term: the folded form; behind it, where the word has diacritics, a NUL and the exact one.
     * Valid during the visit. In memcmp() order all terms of one folded form are neighbours. */
    const char *term;
    gsize len;
    guint32 position;  /* of the word in its text, from 0; neighbours differ by 1 */
    gsize offset, end; /* the bytes of the text that it stands for, for marking hits */
    /* The last character alone of a run without blanks (CJK, Thai): a query of several characters
     * leaves it out, one of it alone means all words that begin so. */
    gboolean is_run_end;
} IngestWord;
typedef void (*IngestWordVisit)(const IngestWord *word, gpointer user);

typedef struct IngestWordSplitter IngestWordSplitter;
IngestWordSplitter *ingest_word_splitter_new(void);
void ingest_word_splitter_free(IngestWordSplitter *splitter); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestWordSplitter, ingest_word_splitter_free)
/* All words of the text, in order. */
void ingest_word_splitter_split(IngestWordSplitter *splitter, const char *text, gsize len,
                                IngestWordVisit visit, gpointer user);
/* Length of the longest beginning of the text after which it may be cut: what is split in such
 * pieces gives the same words. 0: nowhere yet. */
gsize ingest_words_cut(const char *text, gsize len);

/* Length of the folded form at the beginning of a term. */
gsize ingest_term_folded_len(const char *term, gsize len);
