#include "search/index/words.h"

/* ---- what a word stands for ------------------------------------------------------------------ */

/* Whether an entry that begins with the word's text is one of the word's. */
static gboolean fits(const SearchEntry *entry, const SearchWord *word)
{
    switch (word->match) {
    case SEARCH_WORD_FOLDED:
        return entry->len == word->len || entry->term[word->len] == '\0';
    case SEARCH_WORD_EXACT:
        return entry->len == word->len;
    case SEARCH_WORD_PREFIX:
        return TRUE;
    }
    g_assert_not_reached();
}

static gboolean begins_with(const SearchEntry *entry, const SearchWord *word)
{
    return entry->len >= word->len && memcmp(entry->term, word->text, word->len) == 0;
}

GArray *search_word_lists(SearchSegment *segment, const SearchWord *word, guint32 mask,
                          GError **error)
{
    g_autoptr(GArray) lists = g_array_new(FALSE, FALSE, sizeof(SearchWordList));
    SearchDictionaryCursor cursor;
    gboolean is_end;

    if (!search_dictionary_seek(segment->dictionary, word->text, word->len, &cursor, &is_end,
                                error))
        return NULL;
    /* The term itself, its exact forms, then all other forms that begin so. */
    while (!is_end && begins_with(&cursor.entry, word) && fits(&cursor.entry, word)) {
        SearchWordList list = {.field = cursor.entry.field, .place = cursor.entry.list};

        if ((mask & 1u << list.field) != 0)
            g_array_append_val(lists, list);
        if (!search_dictionary_next(&cursor, &is_end, error))
            return NULL;
    }
    return g_steal_pointer(&lists);
}

/* ---- one word -------------------------------------------------------------------------------- */

static GPtrArray *new_children(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)search_iterator_free);
}

static SearchIterator *none(SearchEvaluation *evaluation)
{
    return search_iterator_range(evaluation, 0, 0);
}

/* In whatever fields: it does not matter where in them. */
static SearchIterator *single_word(SearchEvaluation *evaluation, const SearchNode *node)
{
    const SearchWord *word = &g_array_index(node->words, SearchWord, 0);
    GArray *lists = search_word_lists(evaluation->segment, word, node->fields, &evaluation->error);

    if (lists == NULL)
        return none(evaluation);
    return lists->len <= SEARCH_LISTS_MAX ? search_iterator_union(evaluation, lists)
                                          : search_iterator_wide(evaluation, lists);
}

/* ---- words next to each other ---------------------------------------------------------------- */

/* The lists of each word (GPtrArray of GArray), of all fields of the mask. */
static GPtrArray *lists_of(SearchEvaluation *evaluation, const SearchNode *node, guint32 mask)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);

    for (guint i = 0; i < node->words->len; i++) {
        GArray *lists =
            search_word_lists(evaluation->segment, &g_array_index(node->words, SearchWord, i), mask,
                              &evaluation->error);

        if (lists == NULL)
            return NULL;
        g_ptr_array_add(all, lists);
    }
    return g_steal_pointer(&all);
}

static GArray *lists_in_field(const GArray *lists, guint field)
{
    GArray *here = g_array_new(FALSE, FALSE, sizeof(SearchWordList));

    for (guint i = 0; i < lists->len; i++)
        if (g_array_index(lists, SearchWordList, i).field == field)
            g_array_append_val(here, g_array_index(lists, SearchWordList, i));
    return here;
}

/* A prefix with very many lists, last of its words: it is looked for behind those before it. */
static SearchIterator *wide_row(SearchEvaluation *evaluation, GPtrArray *before, GArray *lists)
{
    guint count = before->len;
    SearchIterator *head = NULL;

    if (count == 1)
        head = g_ptr_array_steal_index(before, 0);
    if (count > 1)
        head = search_iterator_phrase(evaluation, g_ptr_array_ref(before));
    return search_iterator_wide_phrase(evaluation, head, count, lists);
}

/* All words in one field; NULL where one of them is not in it at all. */
static SearchIterator *row_in_field(SearchEvaluation *evaluation, const GPtrArray *lists,
                                    guint field)
{
    g_autoptr(GPtrArray) children = new_children();

    for (guint i = 0; i < lists->len; i++) {
        g_autoptr(GArray) here = lists_in_field(g_ptr_array_index(lists, i), field);

        if (here->len == 0)
            return NULL;
        if (here->len <= SEARCH_LISTS_MAX)
            g_ptr_array_add(children, search_iterator_union(evaluation, g_steal_pointer(&here)));
        else if (i > 0 && i + 1 == lists->len)
            return wide_row(evaluation, children, g_steal_pointer(&here));
        else
            g_ptr_array_add(
                children, search_iterator_wide_phrase(evaluation, NULL, 0, g_steal_pointer(&here)));
    }
    if (children->len == 1)
        return g_ptr_array_steal_index(children, 0);
    return search_iterator_phrase(evaluation, g_steal_pointer(&children));
}

static SearchIterator *phrase(SearchEvaluation *evaluation, const SearchNode *node)
{
    g_autoptr(GPtrArray) lists = lists_of(evaluation, node, node->fields);
    g_autoptr(GPtrArray) children = new_children();

    for (guint field = 1; lists != NULL && field < INGEST_FIELD_COUNT; field++) {
        SearchIterator *child = row_in_field(evaluation, lists, field);

        if (child != NULL)
            g_ptr_array_add(children, child);
    }
    return search_iterator_or(evaluation, g_steal_pointer(&children));
}

/* ---- words near each other ------------------------------------------------------------------- */

static SearchIterator *near_in_field(SearchEvaluation *evaluation, const SearchNode *node,
                                     GPtrArray *lists[2], guint field)
{
    SearchNearSide sides[2] = {{.word_count = lists[0]->len}, {.word_count = lists[1]->len}};

    sides[0].child = row_in_field(evaluation, lists[0], field);
    if (sides[0].child == NULL)
        return NULL;
    sides[1].child = row_in_field(evaluation, lists[1], field);
    if (sides[1].child == NULL) {
        search_iterator_free(sides[0].child);
        return NULL;
    }
    return search_iterator_near(evaluation, sides, node->distance);
}

static SearchIterator *near(SearchEvaluation *evaluation, const SearchNode *node)
{
    const SearchNode *left = g_ptr_array_index(node->children, 0);
    const SearchNode *right = g_ptr_array_index(node->children, 1);
    guint32 mask = left->fields & right->fields;
    g_autoptr(GPtrArray) left_lists = lists_of(evaluation, left, mask);
    g_autoptr(GPtrArray) right_lists = lists_of(evaluation, right, mask);
    g_autoptr(GPtrArray) children = new_children();
    GPtrArray *lists[2] = {left_lists, right_lists};

    if (left_lists == NULL || right_lists == NULL || left_lists->len == 0 || right_lists->len == 0)
        return none(evaluation);
    for (guint field = 1; field < INGEST_FIELD_COUNT; field++) {
        SearchIterator *child = near_in_field(evaluation, node, lists, field);

        if (child != NULL)
            g_ptr_array_add(children, child);
    }
    return search_iterator_or(evaluation, g_steal_pointer(&children));
}

SearchIterator *search_words_iterator(SearchEvaluation *evaluation, const SearchNode *node)
{
    if (node->kind == SEARCH_NODE_NEAR)
        return near(evaluation, node);
    if (node->words->len == 0)
        return none(evaluation);
    return node->words->len == 1 ? single_word(evaluation, node) : phrase(evaluation, node);
}
