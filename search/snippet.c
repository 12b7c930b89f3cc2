#include "search/snippet.h"

#include <string.h>

struct SearchMarker {
    GPtrArray *rows; /* SearchNode of kind WORDS, borrowed */
    IngestWordSplitter *splitter;
};

static void collect(GPtrArray *rows, SearchNode *node)
{
    if (node->kind == SEARCH_NODE_WORDS)
        g_ptr_array_add(rows, node);
    if (node->kind == SEARCH_NODE_NOT)
        return;
    for (guint i = 0; node->children != NULL && i < node->children->len; i++)
        collect(rows, node->children->pdata[i]);
}

SearchMarker *search_marker_new(const SearchQuery *query)
{
    SearchMarker *marker = g_new0(SearchMarker, 1);

    marker->rows = g_ptr_array_new();
    marker->splitter = ingest_word_splitter_new();
    collect(marker->rows, query->root);
    return marker;
}

void search_marker_free(SearchMarker *marker)
{
    if (marker == NULL)
        return;
    g_ptr_array_unref(marker->rows);
    ingest_word_splitter_free(marker->splitter);
    g_free(marker);
}

/* ---- the words of the text ------------------------------------------------------------------- */

typedef struct {
    char term[INGEST_TERM_LEN_MAX];
    gsize len, folded_len;
    gsize offset, end;
} TextWord;

static void keep_word(const IngestWord *word, gpointer user)
{
    GArray *words = user;
    TextWord kept = {.len = word->len,
                     .folded_len = ingest_term_folded_len(word->term, word->len),
                     .offset = word->offset,
                     .end = word->end};

    memcpy(kept.term, word->term, word->len);
    g_array_append_val(words, kept);
}

static gboolean is_word(const SearchWord *wanted, const TextWord *word)
{
    gsize len = word->folded_len;

    switch (wanted->match) {
    case SEARCH_WORD_FOLDED:
        break;
    case SEARCH_WORD_EXACT:
        len = word->len;
        break;
    case SEARCH_WORD_PREFIX:
        len = MIN(word->folded_len, wanted->len);
        break;
    }
    return len == wanted->len && memcmp(wanted->text, word->term, len) == 0;
}

static gboolean is_row_at(const GArray *row, const GArray *words, guint first)
{
    if (words->len - first < row->len)
        return FALSE;
    for (guint i = 0; i < row->len; i++) {
        if (!is_word(&g_array_index(row, SearchWord, i),
                     &g_array_index(words, TextWord, first + i)))
            return FALSE;
    }
    return TRUE;
}

/* ---- places ---------------------------------------------------------------------------------- */

static gint compare_places(gconstpointer a, gconstpointer b)
{
    const SearchHitPlace *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Places that touch become one. */
static void join_places(GArray *places)
{
    guint kept = 0;

    g_array_sort(places, compare_places);
    for (guint i = 0; i < places->len; i++) {
        SearchHitPlace place = g_array_index(places, SearchHitPlace, i);
        SearchHitPlace *last = kept == 0 ? NULL : &g_array_index(places, SearchHitPlace, kept - 1);

        if (last != NULL && place.offset <= last->end)
            last->end = MAX(last->end, place.end);
        else
            g_array_index(places, SearchHitPlace, kept++) = place;
    }
    g_array_set_size(places, kept);
}

static void find_row(const GArray *row, const GArray *words, GArray *places)
{
    for (guint first = 0; first < words->len; first++) {
        SearchHitPlace place;

        if (!is_row_at(row, words, first))
            continue;
        place.offset = g_array_index(words, TextWord, first).offset;
        place.end = g_array_index(words, TextWord, first + row->len - 1).end;
        g_array_append_val(places, place);
    }
}

GArray *search_marker_find(SearchMarker *marker, IngestField field, const char *text)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(SearchHitPlace));
    g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(TextWord));

    if (text == NULL)
        return places;
    ingest_word_splitter_split(marker->splitter, text, strlen(text), keep_word, words);
    for (guint i = 0; i < marker->rows->len; i++) {
        const SearchNode *node = marker->rows->pdata[i];

        if ((node->fields & 1u << field) != 0)
            find_row(node->words, words, places);
    }
    join_places(places);
    return places;
}

char *search_marked_text(const char *text, const GArray *places, const char *before,
                         const char *behind)
{
    g_autoptr(GString) marked = NULL;
    gsize at = 0;

    if (text == NULL)
        return NULL;
    marked = g_string_new(NULL);
    for (guint i = 0; i < places->len; i++) {
        const SearchHitPlace *place = &g_array_index(places, SearchHitPlace, i);

        g_string_append_len(marked, text + at, (gssize)(place->offset - at));
        g_string_append(marked, before);
        g_string_append_len(marked, text + place->offset, (gssize)(place->end - place->offset));
        g_string_append(marked, behind);
        at = place->end;
    }
    g_string_append(marked, text + at);
    return g_string_free(g_steal_pointer(&marked), FALSE);
}
