/* Terms: what was collected comes back, in order; pieces, limits, damage. */
#include "tests/unit/crypto_world.h"

#include <string.h>

#include "ingest/words/terms.h"
#include "vault/base/error.h"
#include "vault/crypto/value.h"

typedef struct {
    IngestWordSplitter *splitter;
    IngestTermsBuilder *builder;
} World;

static int set_up(void **state)
{
    World *world = g_new0(World, 1);

    world->splitter = ingest_word_splitter_new();
    world->builder = ingest_terms_builder_new(world->splitter, 1 << 20);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    World *world = *state;

    ingest_terms_builder_free(world->builder);
    ingest_word_splitter_free(world->splitter);
    g_free(world);
    return 0;
}

static void add(World *world, IngestField field, const char *text)
{
    ingest_terms_builder_add(world->builder, field, text, strlen(text));
}

static IngestTerms *parse(World *world, const GByteArray *bytes)
{
    g_autoptr(GError) error = NULL;
    IngestTerms *terms = ingest_terms_parse(bytes->data, bytes->len, world->splitter, &error);

    if (terms == NULL)
        fail_msg("%s", error->message);
    return terms;
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

static void assert_terms(World *world, const char *expected)
{
    GByteArray *bytes = ingest_terms_builder_format(world->builder);
    g_autoptr(IngestTerms) terms = parse(world, bytes);
    g_autofree char *lines = write_down(terms);

    assert_string_equal(lines, expected);
    vault_value_free(bytes);
}

static void terms_come_by_term_and_field_with_their_positions(void **state)
{
    World *world = *state;

    add(world, INGEST_FIELD_ATTACHMENT, "Budget 2024");
    add(world, INGEST_FIELD_BODY, "the budget and the plan: BUDGET!");
    ingest_terms_builder_summary(world->builder)->subject = g_strdup("Budget plan");
    assert_terms(world, "9 2024 1\n"
                        "8 and 2\n"
                        "5 budget 0\n"
                        "8 budget 1,5\n"
                        "9 budget 0\n"
                        "5 plan 1\n"
                        "8 plan 4\n"
                        "8 the 0,3\n");
}

static void texts_of_a_field_are_apart(void **state)
{
    World *world = *state;
    IngestSummary *summary = ingest_terms_builder_summary(world->builder);

    add(world, INGEST_FIELD_BODY, "one two");
    ingest_terms_builder_end_text(world->builder, INGEST_FIELD_BODY);
    ingest_terms_builder_end_text(world->builder, INGEST_FIELD_BODY);
    add(world, INGEST_FIELD_BODY, " -- ");
    ingest_terms_builder_end_text(world->builder, INGEST_FIELD_BODY);
    add(world, INGEST_FIELD_BODY, "two");
    g_ptr_array_add(summary->filenames, g_strdup("a.xls"));
    g_ptr_array_add(summary->filenames, g_strdup("b.xls"));
    assert_terms(world, "7 a 0\n"
                        "7 b 258\n"
                        "8 one 0\n"
                        "8 two 1,258\n"
                        "7 xls 1,259\n");
}

static void exact_forms_follow_their_folded_form(void **state)
{
    World *world = *state;

    add(world, INGEST_FIELD_BODY,
        "résumé resume Resumé re\xcc\x81sume\xcc\x81 日本 か\xe3\x82\x9a");
    assert_terms(world, "8 resume 1\n"
                        "8 resume=resumé 2\n"
                        "8 resume=résumé 0,3\n"
                        "8 か\xe3\x82\x9a 6\n"
                        "8 日本 4\n"
                        "8 本 5\n");
}

static void text_may_come_in_pieces(void **state)
{
    static const char text[] = "Grüße aus 東京都, résumé (re\xcc\x81) end.";
    World *world = *state;
    GByteArray *whole;

    add(world, INGEST_FIELD_BODY, text);
    whole = ingest_terms_builder_format(world->builder);
    for (gsize size = 1; size < 5; size++) {
        g_autoptr(IngestTermsBuilder) builder = ingest_terms_builder_new(world->splitter, 1 << 20);
        GByteArray *pieces;

        for (gsize next = 0; next < strlen(text); next += size)
            ingest_terms_builder_add(builder, INGEST_FIELD_BODY, text + next,
                                     MIN(size, strlen(text) - next));
        pieces = ingest_terms_builder_format(builder);
        assert_int_equal(pieces->len, whole->len);
        assert_memory_equal(pieces->data, whole->data, whole->len);
        vault_value_free(pieces);
    }
    vault_value_free(whole);
}

static void fill_summary(IngestSummary *summary)
{
    summary->date_s = -86400;
    summary->message_len = G_GUINT64_CONSTANT(5000000000);
    memset(summary->message_hash.bytes, 0xa5, VAULT_HASH_LEN);
    summary->marks = INGEST_MARK_ATTACHMENT | INGEST_MARK_PGP_SIGNED;
    summary->from = g_strdup("\"Smith, Jane\" <JSmith@McDonald-2.EXAMPLE.org>");
    summary->to = g_strdup("Jürgen Groß <j.gross@example.org>, JSmith@McDonald-2.example.ORG");
    summary->cc = g_strdup("x");
    summary->bcc = g_strdup("\t!\x01\x7f");
    summary->subject = g_strdup("RE: [list] Ça va? — 100 % sûr…");
    summary->list = g_strdup("<list.example.org>");
    summary->message_id = g_strdup("20260101.AB12cd.x@host");
    summary->snippet = g_strdup("Hi Jane, see the attached plan -- J.");
    g_ptr_array_add(summary->filenames, g_strdup("Plan (final).XLSX"));
    g_ptr_array_add(summary->filenames, g_strdup("図面.pdf"));
    g_ptr_array_add(summary->references, g_strdup("a@b"));
}

static void assert_same_names(const GPtrArray *a, const GPtrArray *b)
{
    assert_int_equal(a->len, b->len);
    for (guint i = 0; i < a->len; i++)
        assert_string_equal(a->pdata[i], b->pdata[i]);
}

static void a_summary_comes_back_as_it_was(void **state)
{
    World *world = *state;
    IngestSummary *summary = ingest_terms_builder_summary(world->builder);
    const IngestSummary *read;
    g_autoptr(IngestTerms) terms = NULL;
    GByteArray *bytes;

    fill_summary(summary);
    add(world, INGEST_FIELD_BODY, "Hi Jane, see the attached plan -- J. And more");
    bytes = ingest_terms_builder_format(world->builder);
    terms = parse(world, bytes);
    read = ingest_terms_summary(terms);
    assert_true(read->date_s == summary->date_s && read->message_len == summary->message_len);
    assert_true(vault_hash_equal(&read->message_hash, &summary->message_hash));
    assert_int_equal(read->marks, summary->marks);
    assert_string_equal(read->from, summary->from);
    assert_string_equal(read->to, summary->to);
    assert_string_equal(read->cc, summary->cc);
    assert_string_equal(read->bcc, summary->bcc);
    assert_string_equal(read->subject, summary->subject);
    assert_string_equal(read->list, summary->list);
    assert_string_equal(read->message_id, summary->message_id);
    assert_string_equal(read->snippet, summary->snippet);
    assert_same_names(read->filenames, summary->filenames);
    assert_same_names(read->references, summary->references);
    vault_value_free(bytes);
}

static void what_is_empty_comes_back_as_nothing(void **state)
{
    World *world = *state;
    g_autoptr(IngestTerms) terms = NULL;
    GByteArray *bytes;
    IngestTermsCursor cursor;
    IngestTerm term;

    ingest_terms_builder_summary(world->builder)->subject = g_strdup("");
    g_ptr_array_add(ingest_terms_builder_summary(world->builder)->filenames, g_strdup(""));
    bytes = ingest_terms_builder_format(world->builder);
    terms = parse(world, bytes);
    cursor = (IngestTermsCursor){.terms = terms};
    assert_null(ingest_terms_summary(terms)->subject);
    assert_int_equal(ingest_terms_summary(terms)->filenames->len, 0);
    assert_false(ingest_terms_next(&cursor, &term));
    vault_value_free(bytes);
}

static void long_texts_are_cut_between_characters(void **state)
{
    World *world = *state;
    IngestSummary *summary = ingest_terms_builder_summary(world->builder);
    g_autoptr(GString) at = g_string_new("x"), past = g_string_new(NULL);
    g_autoptr(IngestTerms) terms = NULL;
    GByteArray *bytes;

    while (at->len < INGEST_SUMMARY_TEXT_LEN_MAX - 1)
        g_string_append(at, "é");
    g_string_assign(past, at->str);
    g_string_append(past, "é");
    summary->to = g_strdup(past->str);
    summary->from = g_strnfill(INGEST_SUMMARY_TEXT_LEN_MAX, 'y');
    summary->cc = g_strdup("bad\xff");
    summary->snippet = g_strnfill(INGEST_SNIPPET_LEN_MAX + 1, 'z');
    for (guint i = 0; i <= INGEST_SUMMARY_NAMES_MAX; i++)
        g_ptr_array_add(summary->references, g_strdup("r"));
    bytes = ingest_terms_builder_format(world->builder);
    terms = parse(world, bytes);
    assert_string_equal(ingest_terms_summary(terms)->to, at->str);
    assert_int_equal(strlen(ingest_terms_summary(terms)->from), INGEST_SUMMARY_TEXT_LEN_MAX);
    assert_string_equal(ingest_terms_summary(terms)->cc, "bad\xef\xbf\xbd");
    assert_int_equal(strlen(ingest_terms_summary(terms)->snippet), INGEST_SNIPPET_LEN_MAX);
    assert_int_equal(ingest_terms_summary(terms)->references->len, INGEST_SUMMARY_NAMES_MAX);
    vault_value_free(bytes);
}

static void text_past_the_limit_is_left_out_and_marked(void **state)
{
    World *world = *state;

    for (gsize len_max = 5; len_max < 7; len_max++) {
        g_autoptr(IngestTermsBuilder) builder = ingest_terms_builder_new(world->splitter, len_max);
        g_autoptr(IngestTerms) terms = NULL;
        GByteArray *bytes;

        assert_int_equal(ingest_terms_builder_room(builder), len_max);
        ingest_terms_builder_add(builder, INGEST_FIELD_BODY, "ab cde", 6);
        assert_int_equal(ingest_terms_builder_room(builder), 0);
        bytes = ingest_terms_builder_format(builder);
        terms = parse(world, bytes);
        assert_int_equal(ingest_terms_summary(terms)->marks,
                         len_max == 5 ? INGEST_MARK_TRUNCATED : 0);
        assert_int_equal(ingest_terms_word_count(terms, INGEST_FIELD_BODY), 2);
        vault_value_free(bytes);
    }
}

static void without_a_splitter_header_words_are_left_out(void **state)
{
    World *world = *state;
    g_autoptr(IngestTerms) terms = NULL;
    g_autofree char *lines = NULL;
    GByteArray *bytes;

    ingest_terms_builder_summary(world->builder)->subject = g_strdup("Plan");
    add(world, INGEST_FIELD_BODY, "Größe");
    bytes = ingest_terms_builder_format(world->builder);
    terms = ingest_terms_parse(bytes->data, bytes->len, NULL, NULL);
    assert_non_null(terms);
    lines = write_down(terms);
    assert_string_equal(lines, "8 grosse=grösse 0\n");
    assert_int_equal(ingest_terms_word_count(terms, INGEST_FIELD_SUBJECT), 0);
    vault_value_free(bytes);
}

static void assert_refused(const void *bytes, gsize len, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_null(ingest_terms_parse(bytes, len, NULL, &error));
    assert_error(error, code);
}

static void what_is_damaged_is_refused(void **state)
{
    World *world = *state;
    GByteArray *bytes;
    g_autofree guint8 *long_bytes = g_malloc0(INGEST_TERMS_LEN_MAX + 1);

    fill_summary(ingest_terms_builder_summary(world->builder));
    add(world, INGEST_FIELD_BODY, "the quick brown fox, Größe, the quick brown fox");
    bytes = ingest_terms_builder_format(world->builder);
    for (gsize len = 0; len < bytes->len; len++)
        assert_refused(bytes->data, len, VAULT_ERROR_CORRUPT);
    bytes->data[0]++;
    assert_refused(bytes->data, bytes->len, VAULT_ERROR_UNSUPPORTED);
    bytes->data[0]--;
    g_byte_array_append(bytes, (const guint8 *)"\0\0", 2);
    assert_refused(bytes->data, bytes->len, VAULT_ERROR_CORRUPT);
    long_bytes[0] = 1;
    assert_refused(long_bytes, INGEST_TERMS_LEN_MAX, VAULT_ERROR_CORRUPT);
    assert_refused(long_bytes, INGEST_TERMS_LEN_MAX + 1, VAULT_ERROR_TOO_LARGE);
    vault_value_free(bytes);
}

/* ---- random texts, against the splitter itself -------------------------------------------------
 */

typedef struct {
    GHashTable *lines; /* "term" -> GString of positions */
    guint32 count;
} Oracle;

static void expect_word(const IngestWord *word, gpointer user)
{
    Oracle *oracle = user;
    GBytes *key = g_bytes_new(word->term, word->len);
    GArray *positions = g_hash_table_lookup(oracle->lines, key);

    if (positions == NULL) {
        positions = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_hash_table_insert(oracle->lines, g_bytes_ref(key), positions);
    }
    g_array_append_vals(positions, &word->position, 1);
    oracle->count++;
    g_bytes_unref(key);
}

static void assert_as_split(World *world, const char *text, gsize len)
{
    g_autoptr(IngestTermsBuilder) builder = ingest_terms_builder_new(world->splitter, 1 << 20);
    g_autoptr(GHashTable) lines = g_hash_table_new_full(
        g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, (GDestroyNotify)g_array_unref);
    Oracle oracle = {.lines = lines};
    g_autoptr(IngestTerms) terms = NULL;
    IngestTermsCursor cursor;
    IngestTerm term;
    GByteArray *bytes;
    guint count = 0;

    ingest_word_splitter_split(world->splitter, text, len, expect_word, &oracle);
    ingest_terms_builder_add(builder, INGEST_FIELD_BODY, text, len);
    bytes = ingest_terms_builder_format(builder);
    terms = parse(world, bytes);
    cursor = (IngestTermsCursor){.terms = terms};
    for (; ingest_terms_next(&cursor, &term); count++) {
        g_autoptr(GBytes) key = g_bytes_new(term.term, term.len);
        const GArray *positions = g_hash_table_lookup(lines, key);

        assert_non_null(positions);
        assert_int_equal(positions->len, term.count);
        assert_memory_equal(positions->data, term.positions, term.count * sizeof(guint32));
    }
    assert_int_equal(count, g_hash_table_size(lines));
    assert_int_equal(ingest_terms_word_count(terms, INGEST_FIELD_BODY), oracle.count);
    vault_value_free(bytes);
}

static void random_texts_come_back_as_the_splitter_cut_them(void **state)
{
    static const char *const parts[] = {"a",
                                        "the",
                                        "x9",
                                        " ",
                                        " ",
                                        ", ",
                                        "é",
                                        "e\xcc\x81",
                                        "日",
                                        "本",
                                        "か\xe3\x82\x9a",
                                        "ß",
                                        "İ",
                                        "\xff",
                                        "١",
                                        "ไ",
                                        "the plan of",
                                        "Zq7",
                                        "\xc2\xad",
                                        "й"};
    guint64 random = 9;

    for (int round = 0; round < 400; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        guint count = (guint)(next_random(&random) % 300);

        for (guint i = 0; i < count; i++)
            g_string_append(text, parts[next_random(&random) % G_N_ELEMENTS(parts)]);
        assert_as_split(*state, text->str, text->len);
    }
}

/* Numbers of words of more than 15 bits, and terms that begin alike. */
static void many_words_come_back(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint64 random = 3;

    for (guint i = 0; i < 40000; i++)
        g_string_append_printf(text, "samebeginning%u ", i);
    for (guint i = 0; i < 1000; i++)
        g_string_append_printf(text, "samebeginning%u ", (guint)(next_random(&random) % 40000));
    assert_as_split(*state, text->str, text->len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(terms_come_by_term_and_field_with_their_positions, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(texts_of_a_field_are_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(exact_forms_follow_their_folded_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_may_come_in_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_summary_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_empty_comes_back_as_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_are_cut_between_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_past_the_limit_is_left_out_and_marked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_splitter_header_words_are_left_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_words_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_texts_come_back_as_the_splitter_cut_them, set_up,
                                        tear_down),
    };

    return run_crypto_tests(tests);
}
