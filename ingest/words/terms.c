#include "ingest/words/terms.h"

#include <string.h>

#include "ingest/words/summary.h"
#include "ingest/words/terms_code.h"
#include "ingest/words/terms_format.h"
#include "ingest/words/terms_sort.h"
#include "ingest/words/words_internal.h"
#include "vault/base/error.h"
#include "vault/crypto/keys.h"

/* Where the words of the two stored fields are in the history. */
typedef struct {
    guint32 begin, end;
} Range;

struct IngestTerms {
    IngestSummary *summary;
    guint32 word_counts[INGEST_FIELD_COUNT];
    IngestTerm *terms;
    gsize count;
    guint32 *positions;
    gsize position_count;
    IngestSecretBuffer texts;
};

/* While parsing. */
typedef struct {
    IngestTerms *terms;
    IngestTermsCode code;
    Range body, attachments;
    IngestWordSplitter *splitter, *own_splitter;
    IngestTermList list;
    IngestField field;    /* that the words of a header text are in */
    guint32 position;     /* of the next text's first word */
    guint32 *occurrences; /* for each word, twice: body, attachments */
} Parser;

static void parser_clear(Parser *parser)
{
    if (parser->occurrences != NULL)
        vault_wipe(parser->occurrences, 2 * parser->code.words.vocabulary.count * sizeof(guint32));
    g_free(parser->occurrences);
    ingest_terms_code_clear(&parser->code);
    ingest_term_list_clear(&parser->list);
    ingest_word_splitter_free(parser->own_splitter);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parser, parser_clear)

void ingest_terms_free(IngestTerms *terms)
{
    if (terms == NULL)
        return;
    ingest_summary_free(terms->summary);
    ingest_secret_buffer_clear(&terms->texts);
    if (terms->positions != NULL)
        vault_wipe(terms->positions, terms->position_count * sizeof *terms->positions);
    g_free(terms->positions);
    if (terms->terms != NULL)
        vault_wipe(terms->terms, terms->count * sizeof *terms->terms);
    g_free(terms->terms);
    vault_wipe(terms, sizeof *terms);
    g_free(terms);
}

static gboolean fail(GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "the terms of a message are damaged; verify the vault");
    return FALSE;
}

static gboolean check_outside(const guint8 *bytes, gsize len, GError **error)
{
    if (len > INGEST_TERMS_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "the terms of a message have %" G_GSIZE_FORMAT " bytes, at most %u are read",
                    len, INGEST_TERMS_LEN_MAX);
        return FALSE;
    }
    if (len > 0 && bytes[0] != INGEST_TERMS_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "the terms of a message are of version %u, this program reads %u: use a newer "
                    "one",
                    bytes[0], INGEST_TERMS_VERSION);
        return FALSE;
    }
    return len > 1 + VAULT_HASH_LEN || fail(error);
}

static gboolean decode(Parser *parser, const guint8 *bytes, gsize len, GError **error)
{
    IngestSummary *summary = parser->terms->summary;

    memcpy(summary->message_hash.bytes, bytes + 1, VAULT_HASH_LEN);
    ingest_terms_code_init(&parser->code, NULL, bytes + 1 + VAULT_HASH_LEN,
                           len - 1 - VAULT_HASH_LEN);
    ingest_terms_code_summary(&parser->code, summary);
    ingest_terms_code_words(&parser->code, NULL, 0, &parser->body.begin, &parser->body.end);
    ingest_terms_code_words(&parser->code, NULL, 0, &parser->attachments.begin,
                            &parser->attachments.end);
    return ingest_coder_finish_decoding(&parser->code.coder) || fail(error);
}

/* ---- words of header fields ------------------------------------------------------------------ */

static void take_header_word(const IngestWord *word, gpointer user)
{
    Parser *parser = user;

    ingest_term_list_add(&parser->list, word->term, word->len, parser->field,
                         parser->position + word->position);
    parser->terms->word_counts[parser->field]++;
}

static void split_header_text(Parser *parser, IngestField field, const char *text)
{
    guint32 before = parser->terms->word_counts[field];

    if (text == NULL)
        return;
    parser->field = field;
    ingest_word_splitter_split(parser->splitter, text, strlen(text), take_header_word, parser);
    parser->position += parser->terms->word_counts[field] - before + INGEST_POSITION_GAP;
}

static void split_header(Parser *parser)
{
    const IngestSummary *summary = parser->terms->summary;
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

/* Returns how many words there are. */
static guint32 count_range(Parser *parser, Range range, guint which)
{
    const guint32 *history = ingest_word_model_history(&parser->code.words);
    guint32 count = 0;

    for (guint32 i = range.begin; i < range.end; i++) {
        if (history[i] == INGEST_VOCABULARY_NONE)
            continue;
        parser->occurrences[2 * history[i] + which]++;
        count++;
    }
    return count;
}

/* The term of a word that is not of ASCII alone: of that its exact form is stored. */
static gboolean append_term(Parser *parser, const IngestVocabularyWord *word, guint32 *ret_offset,
                            gsize *ret_len)
{
    const char *text = (const char *)parser->list.texts.bytes + word->offset;
    char term[INGEST_TERM_LEN_MAX];

    if (!g_utf8_validate_len(text, word->len, NULL))
        return FALSE;
    if (parser->splitter == NULL && parser->own_splitter == NULL)
        parser->own_splitter = ingest_word_splitter_new();
    *ret_len = ingest_term_of_exact(
        parser->splitter != NULL ? parser->splitter : parser->own_splitter, text, word->len, term);
    *ret_offset = ingest_term_list_append(&parser->list, term, *ret_len);
    vault_wipe(term, sizeof term);
    return TRUE;
}

static gboolean list_words(Parser *parser, GError **error)
{
    const IngestVocabulary *vocabulary = &parser->code.words.vocabulary;

    parser->occurrences = g_new0(guint32, 2 * vocabulary->count + 1);
    parser->terms->word_counts[INGEST_FIELD_BODY] = count_range(parser, parser->body, 0);
    parser->terms->word_counts[INGEST_FIELD_ATTACHMENT] =
        count_range(parser, parser->attachments, 1);
    for (guint32 i = 0; i < vocabulary->count; i++) {
        const IngestVocabularyWord *word = ingest_vocabulary_word(vocabulary, i);
        const guint32 *counts = parser->occurrences + 2 * i;
        guint32 offset = word->offset;
        gsize len = word->len;

        if (counts[0] + counts[1] == 0)
            continue;
        if (!word->is_plain && !append_term(parser, word, &offset, &len))
            return fail(error);
        ingest_term_list_add_word(&parser->list, offset, len, i, counts);
    }
    return TRUE;
}

/* ---- all in order ---------------------------------------------------------------------------- */

static void term_begin(Parser *parser, const IngestTermEntry *entry, gsize position)
{
    IngestTerms *terms = parser->terms;

    terms->terms[terms->count++] =
        (IngestTerm){.term = (const char *)terms->texts.bytes + entry->offset,
                     .len = entry->len,
                     .field = (IngestField)entry->field,
                     .positions = terms->positions + position};
}

/* Makes terms of entries. Where each word's positions begin takes the place of its count. */
static gboolean make_terms(Parser *parser, const IngestTermEntry *entries, GError **error)
{
    IngestTerms *terms = parser->terms;
    const IngestTermEntry *before = NULL;
    gsize position = 0;

    for (gsize i = 0; i < parser->list.count; i++) {
        const IngestTermEntry *entry = &entries[i];
        gboolean is_new =
            before == NULL || ingest_term_entry_compare(&parser->list, before, entry) != 0;
        gboolean is_header = entry->word == INGEST_VOCABULARY_NONE;

        if (!is_new && !is_header)
            return fail(error);
        if (is_new)
            term_begin(parser, entry, position);
        if (is_header) {
            terms->positions[position] = entry->number;
        } else {
            parser->occurrences[2 * entry->word + (entry->field == INGEST_FIELD_ATTACHMENT)] =
                (guint32)position;
        }
        terms->terms[terms->count - 1].count += is_header ? 1 : entry->number;
        position += is_header ? 1 : entry->number;
        before = entry;
    }
    return TRUE;
}

static void fill_positions(Parser *parser, Range range, guint which)
{
    const guint32 *history = ingest_word_model_history(&parser->code.words);
    guint32 position = 0;

    for (guint32 i = range.begin; i < range.end; i++) {
        if (history[i] == INGEST_VOCABULARY_NONE)
            position += INGEST_POSITION_GAP;
        else
            parser->terms->positions[parser->occurrences[2 * history[i] + which]++] = position++;
    }
}

static gboolean put_in_order(Parser *parser, GError **error)
{
    IngestTerms *terms = parser->terms;
    const IngestTermEntry *entries = ingest_term_list_sort(&parser->list);

    for (guint i = 0; i < INGEST_FIELD_COUNT; i++)
        terms->position_count += terms->word_counts[i];
    terms->positions = g_new(guint32, terms->position_count + 1);
    terms->terms = g_new(IngestTerm, parser->list.count + 1);
    terms->texts = parser->list.texts;
    if (!make_terms(parser, entries, error)) {
        terms->texts = (IngestSecretBuffer){.bytes = NULL};
        return FALSE;
    }
    parser->list.texts = (IngestSecretBuffer){.bytes = NULL};
    fill_positions(parser, parser->body, 0);
    fill_positions(parser, parser->attachments, 1);
    return TRUE;
}

IngestTerms *ingest_terms_parse(const guint8 *bytes, gsize len, IngestWordSplitter *splitter,
                                GError **error)
{
    g_autoptr(IngestTerms) terms = g_new0(IngestTerms, 1);
    g_auto(Parser) parser = {.terms = terms, .splitter = splitter};

    terms->summary = ingest_summary_new();
    if (!check_outside(bytes, len, error) || !decode(&parser, bytes, len, error))
        return NULL;
    parser.list.texts = parser.code.words.vocabulary.texts;
    parser.code.words.vocabulary.texts = (IngestSecretBuffer){.bytes = NULL};
    split_header(&parser);
    if (!list_words(&parser, error) || !put_in_order(&parser, error))
        return NULL;
    return g_steal_pointer(&terms);
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
    *ret_term = cursor->terms->terms[cursor->next++];
    return TRUE;
}
