/* Random queries, as trees; and relevance as it is defined. */
#pragma once

#include "tests/unit/case_index_world.h"

static inline void clear_word(gpointer word)
{
    g_free(((SearchWord *)word)->text);
}

static inline SearchNode *new_node(SearchNodeKind kind)
{
    SearchNode *node = g_new0(SearchNode, 1);

    node->kind = kind;
    node->children = g_ptr_array_new_with_free_func((GDestroyNotify)search_node_free);
    node->words = g_array_new(FALSE, FALSE, sizeof(SearchWord));
    g_array_set_clear_func(node->words, clear_word);
    return node;
}

static inline void random_word(SearchWord *word, guint64 *random, gboolean is_last)
{
    static const char *const folded[] = {"the",  "of",    "resume", "cafe", "naive",   "alpha",
                                         "beta", "gamma", "delta",  "42",   "example", "absent"};
    static const char *const prefixes[] = {"p", "al", "alp", "p1", "r", "resum", "zzz", ""};
    g_autofree char *text = NULL;

    word->match = SEARCH_WORD_FOLDED;
    if (is_last && next_random(random) % 4 == 0) {
        word->match = SEARCH_WORD_PREFIX;
        text = g_strdup(prefixes[next_random(random) % G_N_ELEMENTS(prefixes)]);
    } else if (next_random(random) % 8 == 0) {
        static const char exact[] = "resume\0r\303\251sum\303\251";

        word->match = SEARCH_WORD_EXACT;
        word->len = sizeof exact - 1;
        word->text = g_memdup2(exact, sizeof exact);
        return;
    } else if (next_random(random) % 4 == 0) {
        text = g_strdup_printf("p%02u", (guint)(next_random(random) % 110));
    } else {
        text = g_strdup(folded[next_random(random) % G_N_ELEMENTS(folded)]);
    }
    word->len = strlen(text);
    word->text = g_steal_pointer(&text);
}

static inline SearchNode *random_words(guint64 *random)
{
    static const guint32 masks[] = {FIELDS_ALL,
                                    1u << INGEST_FIELD_BODY,
                                    1u << INGEST_FIELD_SUBJECT,
                                    1u << INGEST_FIELD_FROM | 1u << INGEST_FIELD_TO,
                                    1u << INGEST_FIELD_ATTACHMENT | 1u << INGEST_FIELD_BODY,
                                    1u << INGEST_FIELD_CC};
    static const guint counts[] = {1, 1, 1, 2, 2, 3};
    SearchNode *node = new_node(SEARCH_NODE_WORDS);
    guint count = counts[next_random(random) % G_N_ELEMENTS(counts)];

    node->fields = masks[next_random(random) % G_N_ELEMENTS(masks)];
    if (next_random(random) % 2 == 0)
        node->fields = FIELDS_ALL;
    for (guint i = 0; i < count; i++) {
        SearchWord word;

        random_word(&word, random, i + 1 == count);
        g_array_append_val(node->words, word);
    }
    return node;
}

static inline SearchNode *random_near(guint64 *random)
{
    SearchNode *node = new_node(SEARCH_NODE_NEAR);

    node->distance = (guint32)(next_random(random) % 6);
    g_ptr_array_add(node->children, random_words(random));
    g_ptr_array_add(node->children, random_words(random));
    return node;
}

static inline SearchNode *random_facts(const GPtrArray *messages, guint64 *random)
{
    static const SearchNodeKind kinds[] = {SEARCH_NODE_DATE,    SEARCH_NODE_SIZE, SEARCH_NODE_MARKS,
                                           SEARCH_NODE_MAILBOX, SEARCH_NODE_ID,   SEARCH_NODE_ALL};
    SearchNode *node = new_node(kinds[next_random(random) % G_N_ELEMENTS(kinds)]);
    guint number = (guint)(next_random(random) % (MAILBOX_COUNT + 1));
    gint64 unit = node->kind == SEARCH_NODE_DATE ? 1000 : 1;

    node->from = (gint64)(next_random(random) % 40) * unit;
    node->to = node->from + (gint64)(next_random(random) % 30) * unit;
    if (next_random(random) % 4 == 0)
        node->to = G_MAXINT64;
    node->marks = (guint32)(1 + next_random(random) % 15);
    if (node->kind == SEARCH_NODE_MAILBOX)
        node->text = number % 3 == 0 ? g_strdup_printf("*@firm%u.example", number % 2)
                                     : g_strdup_printf("user%u@firm%u.example", number, number % 2);
    if (node->kind == SEARCH_NODE_ID && number % 2 == 0)
        node->text = g_strdup_printf("%u@id", (guint)(next_random(random) % 500));
    if (node->kind == SEARCH_NODE_ID && number % 2 == 1)
        node->id =
            copy_of(g_ptr_array_index(messages, next_random(random) % messages->len), 0)->body_id;
    return node;
}

static inline SearchNode *random_node(const GPtrArray *messages, guint64 *random, guint depth)
{
    static const SearchNodeKind kinds[] = {SEARCH_NODE_AND, SEARCH_NODE_OR, SEARCH_NODE_NOT};
    guint64 drawn = next_random(random) % 10;
    SearchNode *node;
    guint count;

    if (depth == 0 || drawn < 4)
        return random_words(random);
    if (drawn == 4)
        return random_near(random);
    if (drawn == 5)
        return random_facts(messages, random);
    node = new_node(kinds[next_random(random) % G_N_ELEMENTS(kinds)]);
    count = node->kind == SEARCH_NODE_NOT ? 1 : 2 + (guint)(next_random(random) % 2);
    if (node->kind == SEARCH_NODE_OR && next_random(random) % 10 == 0)
        count = 40;
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(node->children, random_node(messages, random, count > 3 ? 0 : depth - 1));
    return node;
}

static inline SearchQuery *random_query(const GPtrArray *messages, guint64 *random)
{
    SearchQuery *query = g_new0(SearchQuery, 1);

    query->root = random_node(messages, random, 3);
    return query;
}

/* ---- relevance, from its definition ---------------------------------------------------------- */

static inline double model_idf(const GPtrArray *messages, const SearchNode *node)
{
    double idf = 0, count = 0;

    for (guint i = 0; i < messages->len; i++)
        count += ((const ModelMessage *)g_ptr_array_index(messages, i))->indexed > 0;
    for (guint w = 0; w < node->words->len; w++) {
        double with_word = 0;

        for (guint i = 0; i < messages->len; i++) {
            const ModelMessage *message = g_ptr_array_index(messages, i);

            for (guint n = 0; message->indexed > 0 && n < message->terms->len; n++) {
                const ModelTerm *term = g_ptr_array_index(message->terms, n);

                with_word += (node->fields & 1u << term->field) != 0 &&
                             model_word_fits(term, &g_array_index(node->words, SearchWord, w));
            }
        }
        with_word = MIN(with_word, count);
        idf += log(1 + (count - with_word + 0.5) / (with_word + 0.5));
    }
    return idf;
}

static inline double model_length(const ModelMessage *message, guint32 fields)
{
    double length = 0;

    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        if ((fields & 1u << field) != 0)
            length += message->lengths[field];
    return length;
}

static inline void model_add_score(const GPtrArray *messages, const SearchNode *node,
                                   double *scores)
{
    double idf = 0, total = 0, count = 0;
    guint32 fields = node->fields;

    if (node->kind == SEARCH_NODE_AND || node->kind == SEARCH_NODE_OR)
        for (guint i = 0; i < node->children->len; i++)
            model_add_score(messages, g_ptr_array_index(node->children, i), scores);
    if (node->kind != SEARCH_NODE_WORDS && node->kind != SEARCH_NODE_NEAR)
        return;
    if (node->kind == SEARCH_NODE_WORDS)
        idf = model_idf(messages, node);
    for (guint i = 0; node->kind == SEARCH_NODE_NEAR && i < 2; i++) {
        idf += model_idf(messages, g_ptr_array_index(node->children, i));
        fields |= ((const SearchNode *)g_ptr_array_index(node->children, i))->fields;
    }
    for (guint i = 0; i < messages->len; i++) {
        const ModelMessage *message = g_ptr_array_index(messages, i);

        count += message->indexed > 0;
        total += message->indexed > 0 ? model_length(message, fields) : 0;
    }
    for (guint i = 0; i < messages->len; i++) {
        guint32 frequency = model_frequency(g_ptr_array_index(messages, i), node);
        double length = model_length(g_ptr_array_index(messages, i), fields);

        if (frequency > 0)
            scores[i] += idf * frequency * 2.2 /
                         (frequency + 1.2 * (0.25 + 0.75 * length / (total / count)));
    }
}
