/* Terms: any bytes are refused as CORRUPT, UNSUPPORTED or TOO_LARGE, or are terms in order with
 * rising positions that add up. What is formatted is parsed to the same summary and to the words
 * that the splitter gives, whatever the pieces.
 *
 * The first byte chooses: "p" parses the rest; else the rest are lines of summary and body: a
 * line's first character says where it goes. */
#include <string.h>

#include "ingest/words/terms.h"
#include "vault/base/error.h"
#include "vault/crypto/value.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static int compare_terms(const IngestTerm *a, const IngestTerm *b)
{
    int order = memcmp(a->term, b->term, MIN(a->len, b->len));

    if (order == 0)
        order = (a->len > b->len) - (a->len < b->len);
    return order != 0 ? order : (int)a->field - (int)b->field;
}

static int compare(gconstpointer a, gconstpointer b)
{
    return compare_terms(a, b);
}

/* Of a parser that sorts nothing, in order. */
static GArray *sorted_terms(const IngestTerms *terms)
{
    IngestTermsCursor cursor = {.terms = terms};
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(IngestTerm));
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term))
        g_array_append_val(sorted, term);
    g_array_sort(sorted, compare);
    return sorted;
}

/* A parser takes what is taken at once, whatever it read before, and finds the same. */
static void check_parser(IngestTermsParser *parser, const guint8 *bytes, gsize len,
                         const IngestTerms *expected)
{
    const IngestTerms *terms = ingest_terms_parser_parse(parser, bytes, len, NULL);
    g_autoptr(GArray) sorted = NULL;
    IngestTermsCursor cursor = {.terms = expected};
    IngestTerm term;
    guint count = 0;

    g_assert_true((terms == NULL) == (expected == NULL));
    if (terms == NULL)
        return;
    sorted = sorted_terms(terms);
    for (; ingest_terms_next(&cursor, &term); count++) {
        const IngestTerm *same = &g_array_index(sorted, IngestTerm, count);

        g_assert_cmpuint(count, <, sorted->len);
        g_assert_cmpint(compare_terms(same, &term), ==, 0);
        g_assert_cmpmem(same->positions, same->count * sizeof(guint32), term.positions,
                        term.count * sizeof(guint32));
    }
    g_assert_cmpuint(count, ==, sorted->len);
    for (guint i = 0; i < INGEST_FIELD_COUNT; i++)
        g_assert_cmpuint(ingest_terms_word_count(terms, (IngestField)i), ==,
                         ingest_terms_word_count(expected, (IngestField)i));
}

static void check_terms(const IngestTerms *terms)
{
    IngestTermsCursor cursor = {.terms = terms};
    IngestTerm term, before = {.len = 0};
    guint64 counts[INGEST_FIELD_COUNT] = {0};

    for (; ingest_terms_next(&cursor, &term); before = term) {
        g_assert_true(term.len > 0 && term.len <= INGEST_TERM_LEN_MAX);
        g_assert_true(term.field >= INGEST_FIELD_FROM && term.field < INGEST_FIELD_COUNT);
        g_assert_true(before.len == 0 || compare_terms(&before, &term) < 0);
        g_assert_cmpuint(term.count, >, 0);
        for (gsize i = 1; i < term.count; i++)
            g_assert_cmpuint(term.positions[i - 1], <, term.positions[i]);
        counts[term.field] += term.count;
    }
    for (guint i = 0; i < INGEST_FIELD_COUNT; i++)
        g_assert_cmpuint(ingest_terms_word_count(terms, (IngestField)i), ==, counts[i]);
}

static void check_text(const char *text)
{
    g_assert_true(text == NULL || (*text != '\0' && g_utf8_validate(text, -1, NULL) &&
                                   strlen(text) <= INGEST_SUMMARY_TEXT_LEN_MAX));
}

static void check_summary(const IngestSummary *summary)
{
    check_text(summary->from);
    check_text(summary->to);
    check_text(summary->cc);
    check_text(summary->bcc);
    check_text(summary->subject);
    check_text(summary->list);
    check_text(summary->message_id);
    check_text(summary->snippet);
    g_assert_cmpuint(summary->filenames->len, <=, INGEST_SUMMARY_NAMES_MAX);
    g_assert_cmpuint(summary->references->len, <=, INGEST_SUMMARY_NAMES_MAX);
    for (guint i = 0; i < summary->filenames->len; i++)
        check_text(summary->filenames->pdata[i]);
}

static void parse_any(const guint8 *data, gsize size)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(IngestTerms) terms = ingest_terms_parse(data, size, splitter, &error);
    g_autoptr(IngestTermsParser) parser = ingest_terms_parser_new();

    check_parser(parser, data, size, terms);
    check_parser(parser, data, size, terms);
    if (terms == NULL) {
        g_assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT) ||
                      g_error_matches(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED));
        return;
    }
    check_terms(terms);
    check_summary(ingest_terms_summary(terms));
}

/* ---- texts there and back -------------------------------------------------------------------- */

static void set_text(char **text, const char *line)
{
    g_free(*text);
    *text = g_strdup(line);
}

static void take_line(IngestTermsBuilder *builder, char **line, gsize piece)
{
    IngestSummary *summary = ingest_terms_builder_summary(builder);
    const char *rest = **line != '\0' ? *line + 1 : *line;
    IngestField field = **line == 'a' ? INGEST_FIELD_ATTACHMENT : INGEST_FIELD_BODY;

    switch (**line) {
    case 'f':
        set_text(&summary->from, rest);
        break;
    case 's':
        set_text(&summary->subject, rest);
        break;
    case 'n':
        g_ptr_array_add(summary->filenames, g_strdup(rest));
        break;
    case 'i':
        g_ptr_array_add(summary->references, g_strdup(rest));
        break;
    case 'd':
        summary->date_s = g_ascii_strtoll(rest, NULL, 10);
        break;
    case 't':
        set_text(&summary->snippet, rest);
        break;
    default:
        for (gsize next = 0, len = strlen(*line); next < len; next += piece)
            ingest_terms_builder_add(builder, field, *line + next, MIN(piece, len - next));
        ingest_terms_builder_end_text(builder, field);
    }
}

static GByteArray *format(IngestWordSplitter *splitter, char **lines, gsize piece,
                          IngestTermsBuilder **ret_builder)
{
    *ret_builder = ingest_terms_builder_new(splitter, 1 << 16);
    for (; *lines != NULL; lines++)
        take_line(*ret_builder, lines, piece);
    return ingest_terms_builder_format(*ret_builder);
}

static void check_same_summary(const IngestSummary *a, const IngestSummary *b)
{
    g_assert_cmpint(a->date_s, ==, b->date_s);
    g_assert_cmpuint(a->marks, ==, b->marks);
    g_assert_cmpstr(a->from, ==, b->from);
    g_assert_cmpstr(a->subject, ==, b->subject);
    g_assert_cmpstr(a->snippet, ==, b->snippet);
    g_assert_cmpuint(a->filenames->len, ==, b->filenames->len);
    g_assert_cmpuint(a->references->len, ==, b->references->len);
    for (guint i = 0; i < a->filenames->len; i++)
        g_assert_cmpstr(a->filenames->pdata[i], ==, b->filenames->pdata[i]);
    for (guint i = 0; i < a->references->len; i++)
        g_assert_cmpstr(a->references->pdata[i], ==, b->references->pdata[i]);
}

/* Of one term, all words of a text. */
typedef struct {
    const IngestTerm *term;
    guint32 first; /* position of the text's first word */
    gsize next;    /* of the term's positions */
    guint32 count; /* words of the text */
} Search;

static void find_word(const IngestWord *word, gpointer user)
{
    Search *search = user;

    search->count++;
    if (word->len != search->term->len || memcmp(word->term, search->term->term, word->len) != 0)
        return;
    g_assert_cmpuint(search->next, <, search->term->count);
    g_assert_cmpuint(search->term->positions[search->next++], ==, search->first + word->position);
}

static gboolean is_body(const char *line)
{
    return *line != '\0' && strchr("fsnidta", *line) == NULL;
}

/* Each term of the body is just where the splitter finds it. */
static void check_body(IngestWordSplitter *splitter, const IngestTerms *terms, char **lines)
{
    IngestTermsCursor cursor = {.terms = terms};
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term)) {
        Search search = {.term = &term};

        for (char **line = lines; term.field == INGEST_FIELD_BODY && *line != NULL; line++) {
            search.count = 0;
            if (is_body(*line))
                ingest_word_splitter_split(splitter, *line, strlen(*line), find_word, &search);
            if (search.count > 0)
                search.first += search.count + INGEST_POSITION_GAP;
        }
        g_assert_true(term.field != INGEST_FIELD_BODY || search.next == term.count);
    }
}

static void there_and_back(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, MIN(size, 2048));
    g_auto(GStrv) lines = g_strsplit(text, "\n", 60);
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_autoptr(IngestTermsBuilder) whole = NULL, pieces = NULL;
    GByteArray *bytes = format(splitter, lines, 4096, &whole);
    GByteArray *same = format(splitter, lines, 3, &pieces);
    g_autoptr(IngestTerms) terms = ingest_terms_parse(bytes->data, bytes->len, splitter, NULL);

    g_autoptr(IngestTermsParser) parser = ingest_terms_parser_new();

    g_assert_nonnull(terms);
    check_parser(parser, bytes->data, bytes->len, terms);
    g_assert_cmpmem(bytes->data, bytes->len, same->data, same->len);
    check_terms(terms);
    check_same_summary(ingest_terms_builder_summary(whole), ingest_terms_summary(terms));
    check_body(splitter, terms, lines);
    vault_value_free(bytes);
    vault_value_free(same);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    vault_crypto_init();
    if (size > 0 && data[0] == 'p')
        parse_any(data + 1, size - 1);
    else if (size > 0)
        there_and_back(data + 1, size - 1);
    return 0;
}
