#include "tests/search/oracle.h"

#include <string.h>

struct OracleMessage {
    IngestTerms *terms;
    GArray *list; /* IngestTerm, by term */
    char *mailbox;
};

OracleMessage *oracle_message_new(const GByteArray *terms, IngestWordSplitter *splitter,
                                  const char *mailbox)
{
    g_autoptr(OracleMessage) message = g_new0(OracleMessage, 1);
    IngestTermsCursor cursor = {.next = 0};
    IngestTerm term;

    message->list = g_array_new(FALSE, FALSE, sizeof(IngestTerm));
    message->mailbox = g_strdup(mailbox);
    message->terms = ingest_terms_parse(terms->data, terms->len, splitter, NULL);
    g_assert(message->terms != NULL);
    cursor.terms = message->terms;
    while (ingest_terms_next(&cursor, &term))
        g_array_append_val(message->list, term);
    return g_steal_pointer(&message);
}

void oracle_message_free(OracleMessage *message)
{
    if (message == NULL)
        return;
    ingest_terms_free(message->terms);
    g_array_unref(message->list);
    g_free(message->mailbox);
    g_free(message);
}

const IngestSummary *oracle_message_summary(const OracleMessage *message)
{
    return ingest_terms_summary(message->terms);
}

const GArray *oracle_message_terms(const OracleMessage *message)
{
    return message->list;
}

/* ---- words ----------------------------------------------------------------------------------- */

static gboolean is_word(const SearchWord *word, const IngestTerm *term)
{
    gsize folded_len = ingest_term_folded_len(term->term, term->len);

    if (word->match == SEARCH_WORD_EXACT)
        return term->len == word->len && memcmp(term->term, word->text, word->len) == 0;
    if (word->match == SEARCH_WORD_FOLDED && folded_len != word->len)
        return FALSE;
    return folded_len >= word->len && memcmp(term->term, word->text, word->len) == 0;
}

/* The first term that is not before the word: what fits stands together from there on. */
static guint first_at(const GArray *list, const SearchWord *word)
{
    guint low = 0, high = list->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const IngestTerm *term = &g_array_index(list, IngestTerm, middle);
        int order = memcmp(term->term, word->text, MIN(term->len, word->len));

        if (order < 0 || (order == 0 && term->len < word->len))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where the word stands in the field: a set of positions. */
static GHashTable *positions_of(const OracleMessage *message, const SearchWord *word,
                                IngestField field)
{
    GHashTable *positions = g_hash_table_new(NULL, NULL);

    for (guint i = first_at(message->list, word); i < message->list->len; i++) {
        const IngestTerm *term = &g_array_index(message->list, IngestTerm, i);

        if (term->len < word->len || memcmp(term->term, word->text, word->len) != 0)
            break;
        for (gsize at = 0; term->field == field && is_word(word, term) && at < term->count; at++)
            g_hash_table_add(positions, GUINT_TO_POINTER(term->positions[at]));
    }
    return positions;
}

/* Positions of the first words of rows that stand in the field: an array of guint32. */
static GArray *rows_in(const OracleMessage *message, const GArray *words, IngestField field)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
    GHashTableIter each;
    gpointer position;

    for (guint i = 0; i < words->len; i++) {
        g_ptr_array_add(sets, positions_of(message, &g_array_index(words, SearchWord, i), field));
        if (g_hash_table_size(sets->pdata[i]) == 0)
            return rows;
    }
    g_hash_table_iter_init(&each, sets->pdata[0]);
    while (g_hash_table_iter_next(&each, &position, NULL)) {
        guint32 first = GPOINTER_TO_UINT(position);
        gboolean is_row = TRUE;

        for (guint i = 1; is_row && i < words->len; i++)
            is_row = g_hash_table_contains(sets->pdata[i], GUINT_TO_POINTER(first + i));
        if (is_row)
            g_array_append_val(rows, first);
    }
    return rows;
}

static gboolean has_row(const SearchNode *node, const OracleMessage *message)
{
    for (guint field = 1; field < INGEST_FIELD_COUNT; field++) {
        g_autoptr(GArray) rows = NULL;

        if ((node->fields & 1u << field) == 0)
            continue;
        rows = rows_in(message, node->words, (IngestField)field);
        if (rows->len > 0)
            return TRUE;
    }
    return FALSE;
}

/* Words between the end of one row and the beginning of the other; rows that overlap: not near. */
static gboolean is_near(guint32 a, guint a_len, guint32 b, guint b_len, guint32 distance)
{
    if (a + a_len <= b)
        return b - a - a_len <= distance;
    return b + b_len <= a && a - b - b_len <= distance;
}

static gboolean has_near(const SearchNode *node, const OracleMessage *message)
{
    const SearchNode *left = node->children->pdata[0], *right = node->children->pdata[1];

    for (guint field = 1; field < INGEST_FIELD_COUNT; field++) {
        g_autoptr(GArray) a = NULL, b = NULL;

        if ((left->fields & right->fields & 1u << field) == 0)
            continue;
        a = rows_in(message, left->words, (IngestField)field);
        b = rows_in(message, right->words, (IngestField)field);
        for (guint i = 0; i < a->len; i++) {
            for (guint j = 0; j < b->len; j++) {
                if (is_near(g_array_index(a, guint32, i), left->words->len,
                            g_array_index(b, guint32, j), right->words->len, node->distance))
                    return TRUE;
            }
        }
    }
    return FALSE;
}

/* ---- all else -------------------------------------------------------------------------------- */

static OracleAnswer known(gboolean is_so)
{
    return is_so ? ORACLE_YES : ORACLE_NO;
}

static gboolean fits_mailbox(const char *wanted, const char *address)
{
    return *wanted == '*' ? g_str_has_suffix(address, wanted + 1) : g_str_equal(wanted, address);
}

/* Of all the answers: the least for AND, the greatest for OR. */
static OracleAnswer answer_joined(const SearchNode *node, const OracleMessage *message)
{
    gboolean is_and = node->kind == SEARCH_NODE_AND;
    OracleAnswer answer = is_and ? ORACLE_YES : ORACLE_NO;

    for (guint i = 0; i < node->children->len; i++) {
        OracleAnswer one = oracle_answer(node->children->pdata[i], message);

        answer = is_and ? MIN(answer, one) : MAX(answer, one);
    }
    return answer;
}

OracleAnswer oracle_answer(const SearchNode *node, const OracleMessage *message)
{
    const IngestSummary *summary = oracle_message_summary(message);

    switch (node->kind) {
    case SEARCH_NODE_ALL:
        return ORACLE_YES;
    case SEARCH_NODE_AND:
    case SEARCH_NODE_OR:
        return answer_joined(node, message);
    case SEARCH_NODE_NOT:
        return ORACLE_YES - oracle_answer(node->children->pdata[0], message);
    case SEARCH_NODE_WORDS:
        return known(has_row(node, message));
    case SEARCH_NODE_NEAR:
        return known(has_near(node, message));
    case SEARCH_NODE_DATE:
        return summary->date_s == 0
                   ? ORACLE_UNKNOWN
                   : known(summary->date_s >= node->from && summary->date_s < node->to);
    case SEARCH_NODE_SIZE:
        return known((gint64)summary->message_len >= node->from &&
                     (gint64)summary->message_len < node->to);
    case SEARCH_NODE_MARKS:
        return known((summary->marks & node->marks) == node->marks);
    case SEARCH_NODE_MAILBOX:
        return known(fits_mailbox(node->text, message->mailbox));
    case SEARCH_NODE_ID:
        return node->text == NULL ? ORACLE_UNKNOWN
                                  : known(g_strcmp0(node->text, summary->message_id) == 0);
    }
    g_assert_not_reached();
}
