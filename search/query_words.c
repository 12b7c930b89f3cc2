/* What is typed becomes words, by the same rule as mail does. */
#include "search/query_internal.h"

#include <string.h>

static void word_clear(gpointer word)
{
    g_clear_pointer(&((SearchWord *)word)->text, g_free);
}

/* A word as the splitter gives it, and where it stood. */
typedef struct {
    SearchWord word;
    gsize end;
    gboolean is_run_end;
} FoundWord;

typedef struct {
    GArray *words; /* FoundWord */
    gboolean is_exact;
} Found;

static void keep_word(const IngestWord *word, gpointer user)
{
    Found *found = user;
    gsize folded_len = ingest_term_folded_len(word->term, word->len);
    gsize len = found->is_exact ? word->len : folded_len;
    FoundWord kept = {.word = {.text = g_malloc(len + 1),
                               .len = len,
                               .match = len > folded_len ? SEARCH_WORD_EXACT : SEARCH_WORD_FOLDED},
                      .end = word->end,
                      .is_run_end = word->is_run_end};

    memcpy(kept.word.text, word->term, len);
    kept.word.text[len] = '\0';
    g_array_append_val(found->words, kept);
}

static GArray *split(const SearchValue *value, const char *text, gsize len)
{
    Found found = {.words = g_array_new(FALSE, FALSE, sizeof(FoundWord)),
                   .is_exact = value->is_quoted};

    g_array_set_clear_func(found.words, word_clear);
    ingest_word_splitter_split(value->splitter, text, len, keep_word, &found);
    return found.words;
}

/* The last character alone of a run without blanks, behind a pair that has it too: where what is
 * looked for ends there, the text may go on, and the pair says it all. */
static gboolean is_tail(const FoundWord *before, const FoundWord *last)
{
    return last->is_run_end && before->end == last->end;
}

static void end_row(GArray *found, gboolean is_prefix)
{
    FoundWord *last = &g_array_index(found, FoundWord, found->len - 1);

    if (found->len > 1 && is_tail(last - 1, last)) {
        g_array_set_size(found, found->len - 1);
        return;
    }
    if (!is_prefix && !last->is_run_end)
        return;
    last->word.len = ingest_term_folded_len(last->word.text, last->word.len);
    last->word.text[last->word.len] = '\0';
    last->word.match = SEARCH_WORD_PREFIX;
}

/* Takes the words over. */
static GArray *without_places(GArray *found)
{
    GArray *words = g_array_new(FALSE, FALSE, sizeof(SearchWord));

    g_array_set_clear_func(words, word_clear);
    for (guint i = 0; i < found->len; i++) {
        FoundWord *word = &g_array_index(found, FoundWord, i);

        g_array_append_val(words, word->word);
        word->word.text = NULL;
    }
    return words;
}

/* The part of the value that has the words; NULL when asterisks stand where they mean nothing. */
static const char *core_of(const SearchField *field, const SearchValue *value, gsize *ret_len,
                           gboolean *ret_is_prefix, char **ret_mistake)
{
    const char *text = value->text;
    gsize len = value->len;

    *ret_is_prefix = len > 1 && text[len - 1] == '*' && text[len - 2] != ' ';
    len -= *ret_is_prefix;
    if (field->fields == 1u << INGEST_FIELD_FILENAME && len > 2 && g_str_has_prefix(text, "*.")) {
        text += 2;
        len -= 2;
    }
    *ret_len = len;
    if (value->is_quoted || memchr(text, '*', len) == NULL)
        return text;
    *ret_mistake = g_strdup("a word may end with *, which stands for any letters; * stands nowhere "
                            "else (but in filename:*.pdf)");
    return NULL;
}

static char *canonical_text(const SearchValue *value)
{
    return value->is_quoted ? g_strdup_printf("\"%.*s\"", (int)value->len, value->text)
                            : g_strndup(value->text, value->len);
}

SearchNode *search_words_make(const SearchField *field, const SearchValue *value,
                              char **ret_mistake)
{
    gboolean is_prefix;
    gsize len;
    const char *text = core_of(field, value, &len, &is_prefix, ret_mistake);
    g_autoptr(GArray) found = NULL;
    SearchNode *node;

    if (text == NULL)
        return NULL;
    found = split(value, text, len);
    if (found->len == 0) {
        *ret_mistake = g_strdup("there is no word in this: a word has letters or digits");
        return NULL;
    }
    end_row(found, is_prefix);
    node = search_node_new(SEARCH_NODE_WORDS);
    node->fields = field->fields;
    node->text = canonical_text(value);
    node->words = without_places(found);
    return node;
}
