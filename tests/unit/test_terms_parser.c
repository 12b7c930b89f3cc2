/* A parser of many messages: the same terms as one by one, in any order; nothing of the last
 * message in the next. */
#include "tests/unit/crypto_world.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/words/terms.h"
#include "ingest/words/terms_code.h"
#include "vault/base/error.h"
#include "vault/crypto/value.h"

static void add(IngestTermsBuilder *builder, IngestField field, const char *text)
{
    ingest_terms_builder_add(builder, field, text, strlen(text));
}

/* "field term position,position" a line, "=" for the NUL. */
static char *write_down(const IngestTerms *terms)
{
    GString *lines = g_string_new(NULL);
    IngestTermsCursor cursor = {.terms = terms};
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term)) {
        g_string_append_printf(lines, "%u ", term.field);
        for (gsize i = 0; i < term.len; i++)
            g_string_append_c(lines, term.term[i] != '\0' ? term.term[i] : '=');
        for (gsize i = 0; i < term.count; i++)
            g_string_append_printf(lines, "%c%u", i == 0 ? ' ' : ',', term.positions[i]);
        g_string_append_c(lines, '\n');
    }
    return g_string_free(lines, FALSE);
}

static void assert_refused(const void *bytes, gsize len, VaultErrorCode code)
{
    g_autoptr(IngestTermsParser) parser = ingest_terms_parser_new();
    g_autoptr(GError) error = NULL, same = NULL;

    assert_null(ingest_terms_parse(bytes, len, NULL, &error));
    assert_error(error, code);
    assert_null(ingest_terms_parser_parse(parser, bytes, len, &same));
    assert_error(same, code);
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sort_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    qsort(lines, g_strv_length(lines), sizeof *lines, compare_lines);
    return g_strjoinv("\n", lines);
}

static void assert_parsed_alike(IngestWordSplitter *splitter, IngestTermsParser *parser,
                                const GByteArray *bytes)
{
    g_autoptr(IngestTerms) ordered = ingest_terms_parse(bytes->data, bytes->len, splitter, NULL);
    const IngestTerms *terms = ingest_terms_parser_parse(parser, bytes->data, bytes->len, NULL);
    g_autofree char *expected = write_down(ordered), *found = NULL;
    g_autofree char *expected_lines = sort_lines(expected), *found_lines = NULL;

    assert_non_null(terms);
    found = write_down(terms);
    found_lines = sort_lines(found);
    assert_string_equal(found_lines, expected_lines);
    assert_string_equal(ingest_terms_summary(terms)->subject,
                        ingest_terms_summary(ordered)->subject);
}

static void a_parser_reads_one_message_after_the_other(void **state)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_autoptr(IngestTermsParser) parser = ingest_terms_parser_new();
    g_autoptr(IngestTermsBuilder) builder = ingest_terms_builder_new(splitter, 1 << 20);
    g_autoptr(IngestTermsBuilder) other = ingest_terms_builder_new(splitter, 1 << 20);
    GByteArray *bytes, *other_bytes;

    ingest_terms_builder_summary(builder)->subject = g_strdup("The plan, the plan");
    ingest_terms_builder_summary(builder)->to = g_strdup("anna@example.org, bert@example.org");
    add(builder, INGEST_FIELD_BODY, "the quick brown fox, Größe, plan, the quick brown fox");
    add(builder, INGEST_FIELD_ATTACHMENT, "the fox, grosse Größe");
    bytes = ingest_terms_builder_format(builder);
    ingest_terms_builder_summary(other)->subject = g_strdup("fox");
    add(other, INGEST_FIELD_BODY, "Ein Größeres");
    other_bytes = ingest_terms_builder_format(other);
    assert_parsed_alike(splitter, parser, bytes);
    assert_parsed_alike(splitter, parser, other_bytes);
    assert_null(ingest_terms_parser_parse(parser, bytes->data, bytes->len - 2, NULL));
    assert_parsed_alike(splitter, parser, bytes);
    vault_value_free(bytes);
    vault_value_free(other_bytes);
}

/* As no builder makes it: a word `count` times, up to two, each with a number of its own. */
static GByteArray *format_same_words(guint32 count)
{
    const guint32 tokens[] = {0, count == 2 ? 1 : INGEST_VOCABULARY_NONE, INGEST_VOCABULARY_NONE};
    static const guint8 outside[1 + VAULT_HASH_LEN] = {1};
    g_autoptr(IngestSummary) summary = ingest_summary_new();
    g_auto(IngestVocabulary) vocabulary = {.count = 0};
    g_auto(IngestTermsCode) code;
    IngestSecretBuffer bytes = {.bytes = NULL};
    GByteArray *record = g_byte_array_new();
    guint32 begin, end;

    for (guint i = 0; i < 2; i++) {
        memcpy(ingest_vocabulary_room(&vocabulary), "qzqz", 4);
        ingest_vocabulary_add(&vocabulary, 4, TRUE);
    }
    ingest_terms_code_init(&code, &vocabulary);
    ingest_terms_code_summary(&code, summary);
    ingest_terms_code_words(&code, tokens, count + 1, &begin, &end);
    ingest_terms_code_words(&code, NULL, 0, &begin, &end);
    ingest_secret_buffer_append(&bytes, outside, sizeof outside);
    ingest_coder_finish_encoding(&code.coder, &bytes);
    g_byte_array_append(record, bytes.bytes, (guint)bytes.len);
    ingest_secret_buffer_clear(&bytes);
    return record;
}

static void a_word_that_is_there_twice_is_refused(void **state)
{
    g_autoptr(IngestTermsParser) parser = ingest_terms_parser_new();
    GByteArray *once = format_same_words(1), *twice = format_same_words(2);

    assert_refused(twice->data, twice->len, VAULT_ERROR_CORRUPT);
    assert_non_null(ingest_terms_parser_parse(parser, once->data, once->len, NULL));
    vault_value_free(once);
    vault_value_free(twice);
}

static void what_is_refused_at_once_is_refused_alike(void **state)
{
    GByteArray *bytes = format_same_words(1);
    g_autofree guint8 *long_bytes = g_malloc0(INGEST_TERMS_LEN_MAX + 1);

    for (gsize len = 0; len < bytes->len; len++)
        assert_refused(bytes->data, len, VAULT_ERROR_CORRUPT);
    bytes->data[0]++;
    assert_refused(bytes->data, bytes->len, VAULT_ERROR_UNSUPPORTED);
    long_bytes[0] = 1;
    assert_refused(long_bytes, INGEST_TERMS_LEN_MAX + 1, VAULT_ERROR_TOO_LARGE);
    vault_value_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parser_reads_one_message_after_the_other),
        cmocka_unit_test(a_word_that_is_there_twice_is_refused),
        cmocka_unit_test(what_is_refused_at_once_is_refused_alike),
    };

    return run_crypto_tests(tests);
}
