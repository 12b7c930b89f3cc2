#include "ingest/words/terms.h"

#include <string.h>

#include "ingest/words/summary.h"
#include "ingest/words/terms_code.h"
#include "ingest/words/terms_format.h"
#include "ingest/words/terms_sort.h"
#include "ingest/words/vocabulary.h"
#include "ingest/words/words_internal.h"
#include "vault/crypto/keys.h"

/* Where the words of the two stored fields are in the history. */
typedef struct {
    guint32 begin, end;
} Range;

struct IngestTerms {
    IngestSummary *summary;
    guint32 word_counts[INGEST_FIELD_COUNT];
    IngestSecretBuffer terms; /* IngestTerm */
    gsize count;
    IngestSecretBuffer positions; /* guint32, of one term after the other */
    IngestSecretBuffer texts;
};

typedef enum { ORDER_BY_TERM, ORDER_ANY } Order;

/* What is decoded first goes through the list where it needs order: all of it, or the words of
 * header fields, which come one by one. */
struct IngestTermsParser {
    IngestTerms terms;
    Order order;
    IngestTermsCode code;
    Range body, attachments;
    IngestWordSplitter *splitter; /* borrowed; NULL: header fields are left out */
    IngestWordSplitter *own_splitter;
    IngestTermList list;
    IngestField field;              /* that the words of a header text are in */
    guint32 position;               /* of the next text's first word */
    IngestSecretBuffer occurrences; /* guint32, for each word twice: body, attachments */
    gsize text_term_count;          /* of those, how many are not 0 */
    IngestSecretBuffer places;      /* guint32: number of a word + 1 at a place of its hash */
    guint32 seed;
};
typedef IngestTermsParser Parser;

static void clear_terms(IngestTerms *terms)
{
    ingest_summary_free(terms->summary);
    ingest_secret_buffer_clear(&terms->texts);
    ingest_secret_buffer_clear(&terms->positions);
    ingest_secret_buffer_clear(&terms->terms);
    vault_wipe(terms, sizeof *terms);
}

void ingest_terms_free(IngestTerms *terms)
{
    if (terms == NULL)
        return;
    clear_terms(terms);
    g_free(terms);
}

static void parser_init(Parser *parser, IngestWordSplitter *splitter, Order order)
{
    memset(parser, 0, sizeof *parser);
    parser->splitter = splitter;
    parser->order = order;
    ingest_terms_code_init(&parser->code, NULL);
}

static void parser_clear(Parser *parser)
{
    clear_terms(&parser->terms);
    ingest_secret_buffer_clear(&parser->occurrences);
    ingest_secret_buffer_clear(&parser->places);
    ingest_terms_code_clear(&parser->code);
    ingest_term_list_clear(&parser->list);
    ingest_word_splitter_free(parser->own_splitter);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parser, parser_clear)

IngestTermsParser *ingest_terms_parser_new(void)
{
    IngestTermsParser *parser = g_new(IngestTermsParser, 1);

    parser_init(parser, NULL, ORDER_ANY);
    parser->splitter = parser->own_splitter = ingest_word_splitter_new();
    vault_random(&parser->seed, sizeof parser->seed);
    return parser;
}

void ingest_terms_parser_free(IngestTermsParser *parser)
{
    if (parser == NULL)
        return;
    parser_clear(parser);
    g_free(parser);
}

/* The texts of the last message become room for those of the next. */
static void parser_begin(Parser *parser)
{
    IngestTerms *terms = &parser->terms;

    ingest_summary_free(terms->summary);
    terms->summary = ingest_summary_new();
    memset(terms->word_counts, 0, sizeof terms->word_counts);
    terms->count = 0;
    ingest_secret_buffer_empty(&terms->terms);
    ingest_secret_buffer_empty(&terms->positions);
    ingest_secret_buffer_empty(&parser->occurrences);
    ingest_secret_buffer_empty(&parser->places);
    ingest_term_list_empty(&parser->list);
    if (terms->texts.bytes == NULL)
        return;
    ingest_secret_buffer_clear(&parser->code.words.vocabulary.texts);
    parser->code.words.vocabulary.texts = terms->texts;
    terms->texts = (IngestSecretBuffer){.bytes = NULL};
}

static gboolean decode(Parser *parser, const guint8 *bytes, gsize len, GError **error)
{
    IngestSummary *summary = parser->terms.summary;

    memcpy(summary->message_hash.bytes, bytes + 1, VAULT_HASH_LEN);
    ingest_terms_code_begin_decoding(&parser->code, bytes + 1 + VAULT_HASH_LEN,
                                     len - 1 - VAULT_HASH_LEN);
    ingest_terms_code_summary(&parser->code, summary);
    ingest_terms_code_words(&parser->code, NULL, 0, &parser->body.begin, &parser->body.end);
    ingest_terms_code_words(&parser->code, NULL, 0, &parser->attachments.begin,
                            &parser->attachments.end);
    return ingest_coder_finish_decoding(&parser->code.coder) || ingest_terms_fail(error);
}

/* ---- words of header fields ------------------------------------------------------------------ */

static void take_header_word(const IngestWord *word, gpointer user)
{
    Parser *parser = user;

    ingest_term_list_add(&parser->list, word->term, word->len, parser->field,
                         parser->position + word->position);
    parser->terms.word_counts[parser->field]++;
}

static void split_header_text(Parser *parser, IngestField field, const char *text)
{
    guint32 before = parser->terms.word_counts[field];

    if (text == NULL)
        return;
    parser->field = field;
    ingest_word_splitter_split(parser->splitter, text, strlen(text), take_header_word, parser);
    parser->position += parser->terms.word_counts[field] - before + INGEST_POSITION_GAP;
}

static void split_header(Parser *parser)
{
    const IngestSummary *summary = parser->terms.summary;
    const struct {
        IngestField field;
        const char *text;
    } texts[] = {
        {INGEST_FIELD_FROM, summary->from},       {INGEST_FIELD_TO, summary->to},
        {INGEST_FIELD_CC, summary->cc},           {INGEST_FIELD_BCC, summary->bcc},
        {INGEST_FIELD_SUBJECT, summary->subject}, {INGEST_FIELD_LIST, summary->list},
    };

    if (parser->splitter == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        parser->position = 0;
        split_header_text(parser, texts[i].field, texts[i].text);
    }
    parser->position = 0;
    for (guint i = 0; i < summary->filenames->len; i++)
        split_header_text(parser, INGEST_FIELD_FILENAME, summary->filenames->pdata[i]);
}

/* ---- words of the texts ---------------------------------------------------------------------- */

static guint32 *occurrences_of(const Parser *parser, guint32 number)
{
    return (guint32 *)(void *)parser->occurrences.bytes + 2 * (gsize)number;
}

/* Returns how many words there are. */
static guint32 count_range(Parser *parser, Range range, guint which)
{
    const guint32 *history = ingest_word_model_history(&parser->code.words);
    guint32 count = 0;

    for (guint32 i = range.begin; i < range.end; i++) {
        if (history[i] == INGEST_VOCABULARY_NONE)
            continue;
        occurrences_of(parser, history[i])[which]++;
        count++;
    }
    return count;
}

/* Makes a term of a word that is not of ASCII alone: of that its exact form is stored. */
static gboolean make_term(Parser *parser, IngestVocabularyWord *word)
{
    const char *text = (const char *)parser->list.texts.bytes + word->offset;
    char term[INGEST_TERM_LEN_MAX];
    gsize len;

    if (!g_utf8_validate_len(text, word->len, NULL))
        return FALSE;
    if (parser->splitter == NULL && parser->own_splitter == NULL)
        parser->own_splitter = ingest_word_splitter_new();
    len = ingest_term_of_exact(parser->splitter != NULL ? parser->splitter : parser->own_splitter,
                               text, word->len, term);
    word->offset = ingest_term_list_append(&parser->list, term, len);
    word->len = (guint8)len;
    vault_wipe(term, sizeof term);
    return TRUE;
}

/* Counts the words of the texts, and makes their terms. */
static gboolean count_words(Parser *parser, GError **error)
{
    const IngestVocabulary *vocabulary = &parser->code.words.vocabulary;
    gsize len = 2 * (gsize)vocabulary->count * sizeof(guint32);

    ingest_secret_buffer_reserve(&parser->occurrences, len + 1);
    parser->occurrences.len = len;
    memset(parser->occurrences.bytes, 0, len);
    parser->terms.word_counts[INGEST_FIELD_BODY] = count_range(parser, parser->body, 0);
    parser->terms.word_counts[INGEST_FIELD_ATTACHMENT] =
        count_range(parser, parser->attachments, 1);
    parser->text_term_count = 0;
    for (guint32 i = 0; i < vocabulary->count; i++) {
        IngestVocabularyWord *word = ingest_vocabulary_word(vocabulary, i);
        const guint32 *counts = occurrences_of(parser, i);

        parser->text_term_count += (counts[0] > 0) + (counts[1] > 0);
        if (counts[0] + counts[1] > 0 && !word->is_plain && !make_term(parser, word))
            return ingest_terms_fail(error);
    }
    return TRUE;
}

static void list_words(Parser *parser)
{
    const IngestVocabulary *vocabulary = &parser->code.words.vocabulary;

    for (guint32 i = 0; i < vocabulary->count; i++) {
        const IngestVocabularyWord *word = ingest_vocabulary_word(vocabulary, i);

        ingest_term_list_add_word(&parser->list, word->offset, word->len, i,
                                  occurrences_of(parser, i));
    }
}

/* ---- words of the texts, without order ------------------------------------------------------- */

static gboolean is_same_term(const Parser *parser, guint32 a, guint32 b)
{
    const IngestVocabulary *vocabulary = &parser->code.words.vocabulary;
    const IngestVocabularyWord *first = ingest_vocabulary_word(vocabulary, a);
    const IngestVocabularyWord *second = ingest_vocabulary_word(vocabulary, b);
    const guint32 *counts = occurrences_of(parser, a), *others = occurrences_of(parser, b);

    return first->len == second->len &&
           ((counts[0] > 0 && others[0] > 0) || (counts[1] > 0 && others[1] > 0)) &&
           memcmp(parser->list.texts.bytes + first->offset,
                  parser->list.texts.bytes + second->offset, first->len) == 0;
}

/* FALSE: that term is there already. */
static gboolean take_place(Parser *parser, guint32 number, guint32 mask)
{
    const IngestVocabularyWord *word =
        ingest_vocabulary_word(&parser->code.words.vocabulary, number);
    guint32 *places = (guint32 *)(void *)parser->places.bytes;
    guint32 at = ingest_words_hash(
        parser->seed, (const char *)parser->list.texts.bytes + word->offset, word->len);

    for (; places[at & mask] != 0; at++) {
        if (is_same_term(parser, places[at & mask] - 1, number))
            return FALSE;
    }
    places[at & mask] = number + 1;
    return TRUE;
}

/* Sorted words that are there twice would be neighbours; these are looked up. */
static gboolean check_different(Parser *parser, GError **error)
{
    const IngestVocabulary *vocabulary = &parser->code.words.vocabulary;
    gsize count = (gsize)1 << g_bit_storage(2 * (gulong)vocabulary->count);

    ingest_secret_buffer_reserve(&parser->places, count * sizeof(guint32));
    parser->places.len = count * sizeof(guint32);
    memset(parser->places.bytes, 0, parser->places.len);
    for (guint32 i = 0; i < vocabulary->count; i++) {
        const guint32 *counts = occurrences_of(parser, i);

        if (counts[0] + counts[1] > 0 && !take_place(parser, i, (guint32)(count - 1)))
            return ingest_terms_fail(error);
    }
    return TRUE;
}

/* ---- all in order ---------------------------------------------------------------------------- */

static IngestTerm *term_begin(Parser *parser, guint32 offset, gsize len, IngestField field,
                              gsize position)
{
    IngestTerms *terms = &parser->terms;
    IngestTerm *term = (IngestTerm *)(void *)terms->terms.bytes + terms->count++;

    *term =
        (IngestTerm){.term = (const char *)parser->list.texts.bytes + offset,
                     .len = len,
                     .field = field,
                     .positions = (const guint32 *)(const void *)terms->positions.bytes + position};
    return term;
}

/* Makes terms of entries. Where each word's positions begin takes the place of its count. */
static gboolean make_terms(Parser *parser, const IngestTermEntry *entries, gsize *ret_position,
                           GError **error)
{
    guint32 *positions = (guint32 *)(void *)parser->terms.positions.bytes;
    const IngestTermEntry *before = NULL;
    IngestTerm *term = NULL;
    gsize position = 0;

    for (gsize i = 0; i < parser->list.count; i++) {
        const IngestTermEntry *entry = &entries[i];
        gboolean is_new =
            before == NULL || ingest_term_entry_compare(&parser->list, before, entry) != 0;
        gboolean is_header = entry->word == INGEST_VOCABULARY_NONE;

        if (!is_new && !is_header)
            return ingest_terms_fail(error);
        if (is_new)
            term =
                term_begin(parser, entry->offset, entry->len, (IngestField)entry->field, position);
        if (is_header)
            positions[position] = entry->number;
        else
            occurrences_of(parser, entry->word)[entry->field == INGEST_FIELD_ATTACHMENT] =
                (guint32)position;
        term->count += is_header ? 1 : entry->number;
        position += is_header ? 1 : entry->number;
        before = entry;
    }
    *ret_position = position;
    return TRUE;
}

/* The same, of words that are in no list. */
static void make_text_terms(Parser *parser, gsize position)
{
    static const IngestField fields[2] = {INGEST_FIELD_BODY, INGEST_FIELD_ATTACHMENT};
    const IngestVocabulary *vocabulary = &parser->code.words.vocabulary;

    for (guint32 i = 0; i < vocabulary->count; i++) {
        const IngestVocabularyWord *word = ingest_vocabulary_word(vocabulary, i);
        guint32 *counts = occurrences_of(parser, i);

        for (guint which = 0; which < G_N_ELEMENTS(fields); which++) {
            guint32 count = counts[which];

            if (count == 0)
                continue;
            term_begin(parser, word->offset, word->len, fields[which], position)->count = count;
            counts[which] = (guint32)position;
            position += count;
        }
    }
}

static void fill_positions(Parser *parser, Range range, guint which)
{
    const guint32 *history = ingest_word_model_history(&parser->code.words);
    guint32 *positions = (guint32 *)(void *)parser->terms.positions.bytes;
    guint32 position = 0;

    for (guint32 i = range.begin; i < range.end; i++) {
        if (history[i] == INGEST_VOCABULARY_NONE)
            position += INGEST_POSITION_GAP;
        else
            positions[occurrences_of(parser, history[i])[which]++] = position++;
    }
}

static void make_room(Parser *parser)
{
    IngestTerms *terms = &parser->terms;
    gsize position_count = 0, term_count = parser->list.count;

    for (guint i = 0; i < INGEST_FIELD_COUNT; i++)
        position_count += terms->word_counts[i];
    if (parser->order == ORDER_ANY)
        term_count += parser->text_term_count;
    ingest_secret_buffer_reserve(&terms->positions, (position_count + 1) * sizeof(guint32));
    terms->positions.len = position_count * sizeof(guint32);
    ingest_secret_buffer_reserve(&terms->terms, (term_count + 1) * sizeof(IngestTerm));
    terms->terms.len = term_count * sizeof(IngestTerm);
}

static gboolean put_in_order(Parser *parser, GError **error)
{
    const IngestTermEntry *entries = ingest_term_list_sort(&parser->list);
    gsize position = 0;

    make_room(parser);
    if (!make_terms(parser, entries, &position, error))
        return FALSE;
    if (parser->order == ORDER_ANY)
        make_text_terms(parser, position);
    parser->terms.texts = parser->list.texts;
    parser->list.texts = (IngestSecretBuffer){.bytes = NULL};
    fill_positions(parser, parser->body, 0);
    fill_positions(parser, parser->attachments, 1);
    return TRUE;
}

static gboolean parse(Parser *parser, const guint8 *bytes, gsize len, GError **error)
{
    parser_begin(parser);
    if (!ingest_terms_check_outside(bytes, len, error) || !decode(parser, bytes, len, error))
        return FALSE;
    parser->list.texts = parser->code.words.vocabulary.texts;
    parser->code.words.vocabulary.texts = (IngestSecretBuffer){.bytes = NULL};
    split_header(parser);
    if (!count_words(parser, error))
        return FALSE;
    if (parser->order == ORDER_BY_TERM)
        list_words(parser);
    else if (!check_different(parser, error))
        return FALSE;
    return put_in_order(parser, error);
}

IngestTerms *ingest_terms_parse(const guint8 *bytes, gsize len, IngestWordSplitter *splitter,
                                GError **error)
{
    g_auto(Parser) parser;
    IngestTerms *terms;

    parser_init(&parser, splitter, ORDER_BY_TERM);
    if (!parse(&parser, bytes, len, error))
        return NULL;
    terms = g_memdup2(&parser.terms, sizeof parser.terms);
    memset(&parser.terms, 0, sizeof parser.terms);
    return terms;
}

const IngestTerms *ingest_terms_parser_parse(IngestTermsParser *parser, const guint8 *bytes,
                                             gsize len, GError **error)
{
    return parse(parser, bytes, len, error) ? &parser->terms : NULL;
}

const IngestSummary *ingest_terms_summary(const IngestTerms *terms)
{
    return terms->summary;
}

guint32 ingest_terms_word_count(const IngestTerms *terms, IngestField field)
{
    return terms->word_counts[field];
}

gboolean ingest_terms_next(IngestTermsCursor *cursor, IngestTerm *ret_term)
{
    if (cursor->next >= cursor->terms->count)
        return FALSE;
    *ret_term = ((const IngestTerm *)(const void *)cursor->terms->terms.bytes)[cursor->next++];
    return TRUE;
}
