/* Terms records, pinned: the texts below are formatted to these files, byte for byte, and each file
 * reads as its listing says. tests/golden/terms.py decodes them from the specification alone.
 *
 * `test_terms_golden --write DIR` writes the files, for a form that is added. */
#include "tests/unit/crypto_world.h"

#include <string.h>

#include "ingest/words/terms.h"
#include "vault/crypto/value.h"

#define GOLDEN SOURCE_DIR "/tests/golden/terms"

static void say(IngestTermsBuilder *builder, IngestField field, const char *text)
{
    ingest_terms_builder_add(builder, field, text, strlen(text));
    ingest_terms_builder_end_text(builder, field);
}

static void fill_mail(IngestTermsBuilder *builder)
{
    IngestSummary *summary = ingest_terms_builder_summary(builder);

    memset(summary->message_hash.bytes, 0x11, VAULT_HASH_LEN);
    summary->date_s = 1795512600;
    summary->message_len = 4321;
    summary->marks = INGEST_MARK_ATTACHMENT;
    summary->from = g_strdup("Jane McDonald <j.mcdonald@example.org>");
    summary->to = g_strdup("\"Smith, Bob\" <bob+x@example.net>, ops@example.net");
    summary->subject = g_strdup("Re: the BUDGET for 2027 ~ draft #3");
    summary->list = g_strdup("board.example.org");
    summary->message_id = g_strdup("20261124093000.AB12cd@mail-1.example.org");
    summary->snippet = g_strdup("Hi Bob, see the attached budget. I think");
    g_ptr_array_add(summary->references, g_strdup("1@example.net"));
    g_ptr_array_add(summary->references, g_strdup("2@example.net"));
    g_ptr_array_add(summary->filenames, g_strdup("Budget 2027 (final).xlsx"));
    say(builder, INGEST_FIELD_BODY,
        "Hi Bob, see the attached budget. I think that the travel line is wrong: it says 12,345.67 "
        "where Zyxtron's offer said 1,234.56. > Hi Jane, > see the attached budget. I think that "
        "the travel line is right.");
    say(builder, INGEST_FIELD_BODY, "Jane");
    say(builder, INGEST_FIELD_ATTACHMENT, "Budget 2027 travel 12,345.67 hotels qx7z9 999999999");
}

static void fill_languages(IngestTermsBuilder *builder)
{
    IngestSummary *summary = ingest_terms_builder_summary(builder);

    memset(summary->message_hash.bytes, 0x22, VAULT_HASH_LEN);
    summary->date_s = -1;
    summary->message_len = G_GUINT64_CONSTANT(1) << 40;
    summary->marks = INGEST_MARK_TRUNCATED | INGEST_MARK_PGP_SIGNED;
    summary->from = g_strdup("Иван Ёлкин <ivan@example.ru>");
    summary->cc = g_strdup("Jörg GROSS");
    summary->bcc = g_strdup("\x01\x7f");
    summary->subject = g_strdup("見積書 — Résumé");
    g_ptr_array_add(summary->filenames, g_strdup("図面.pdf"));
    say(builder, INGEST_FIELD_BODY,
        "résumé resume Größe 日本語 か\xe3\x82\x9a Ёлка елка שָׁלוֹם ١٢٣ ภาษา ÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉ"
        "ÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉÉ");
}

static void fill_nothing(IngestTermsBuilder *builder)
{
}

/* More words than the table of kinds has rows for the first of. */
static void fill_many(IngestTermsBuilder *builder)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint64 random = 3;

    for (int i = 0; i < 900; i++)
        g_string_append_printf(text, "w%u ", (guint)i);
    for (int i = 0; i < 100; i++)
        g_string_append_printf(text, "w%u ", (guint)(next_random(&random) % 900));
    say(builder, INGEST_FIELD_ATTACHMENT, text->str);
}

static const struct {
    const char *name;
    void (*fill)(IngestTermsBuilder *builder);
} goldens[] = {{"mail", fill_mail},
               {"languages", fill_languages},
               {"nothing", fill_nothing},
               {"many", fill_many}};

static void list_text(GString *list, const char *name, const char *text)
{
    if (text != NULL)
        g_string_append_printf(list, "%s %s\n", name, text);
}

static void list_words(GString *list, const IngestTerms *terms, IngestField field, const char *name)
{
    g_autoptr(GHashTable) words = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    IngestTermsCursor cursor = {.terms = terms};
    guint32 position = 0;
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term)) {
        gsize folded = ingest_term_folded_len(term.term, term.len);
        gsize exact = folded < term.len ? folded + 1 : 0;

        for (gsize i = 0; term.field == field && i < term.count; i++)
            g_hash_table_insert(words, GUINT_TO_POINTER(term.positions[i] + 1),
                                g_strndup(term.term + exact, term.len - exact));
    }
    for (guint left = g_hash_table_size(words); left > 0; position++) {
        const char *word = g_hash_table_lookup(words, GUINT_TO_POINTER(position + 1));

        if (word != NULL)
            g_string_append_printf(list, "%s %u %s\n", name, position, word);
        left -= word != NULL;
    }
}

static char *list_record(const void *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(IngestTerms) terms = ingest_terms_parse(bytes, len, NULL, &error);
    GString *list = g_string_new(NULL);
    const IngestSummary *summary;
    g_autofree char *hash = NULL;

    if (terms == NULL)
        fail_msg("%s", error->message);
    summary = ingest_terms_summary(terms);
    hash = hex_from_bytes(summary->message_hash.bytes, VAULT_HASH_LEN);
    g_string_append_printf(
        list, "hash %s\ndate %" G_GINT64_FORMAT "\nlength %" G_GUINT64_FORMAT "\nmarks %u\n", hash,
        summary->date_s, summary->message_len, summary->marks);
    list_text(list, "from", summary->from);
    list_text(list, "to", summary->to);
    list_text(list, "cc", summary->cc);
    list_text(list, "bcc", summary->bcc);
    list_text(list, "subject", summary->subject);
    list_text(list, "list", summary->list);
    list_text(list, "message-id", summary->message_id);
    for (guint i = 0; i < summary->references->len; i++)
        list_text(list, "reference", summary->references->pdata[i]);
    for (guint i = 0; i < summary->filenames->len; i++)
        list_text(list, "filename", summary->filenames->pdata[i]);
    list_text(list, "snippet", summary->snippet);
    list_words(list, terms, INGEST_FIELD_BODY, "body");
    list_words(list, terms, INGEST_FIELD_ATTACHMENT, "attachment");
    return g_string_free(list, FALSE);
}

static GByteArray *format(gsize number)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_autoptr(IngestTermsBuilder) builder = ingest_terms_builder_new(splitter, 1 << 20);

    goldens[number].fill(builder);
    return ingest_terms_builder_format(builder);
}

static void each_file_is_what_is_formatted_today(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(goldens); i++) {
        g_autofree char *path = g_strdup_printf(GOLDEN "/%s.terms", goldens[i].name);
        g_autofree char *golden = NULL;
        GByteArray *bytes = format(i);
        gsize len = 0;

        assert_true(g_file_get_contents(path, &golden, &len, NULL));
        assert_int_equal(bytes->len, len);
        assert_memory_equal(bytes->data, golden, len);
        vault_value_free(bytes);
    }
}

static void each_file_reads_as_its_listing(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(goldens); i++) {
        g_autofree char *path = g_strdup_printf(GOLDEN "/%s.terms", goldens[i].name);
        g_autofree char *listing_path = g_strdup_printf(GOLDEN "/%s.txt", goldens[i].name);
        g_autofree char *golden = NULL, *listing = NULL, *list = NULL;
        gsize len = 0;

        assert_true(g_file_get_contents(path, &golden, &len, NULL));
        assert_true(g_file_get_contents(listing_path, &listing, NULL, NULL));
        list = list_record(golden, len);
        assert_string_equal(list, listing);
    }
}

static int write_files(const char *folder)
{
    for (gsize i = 0; i < G_N_ELEMENTS(goldens); i++) {
        g_autofree char *path = g_strdup_printf("%s/%s.terms", folder, goldens[i].name);
        g_autofree char *listing_path = g_strdup_printf("%s/%s.txt", folder, goldens[i].name);
        g_autofree char *list = NULL;
        GByteArray *bytes = format(i);

        list = list_record(bytes->data, bytes->len);
        if (!g_file_set_contents(path, (const char *)bytes->data, (gssize)bytes->len, NULL) ||
            !g_file_set_contents(listing_path, list, -1, NULL))
            return 1;
        vault_value_free(bytes);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_what_is_formatted_today),
        cmocka_unit_test(each_file_reads_as_its_listing),
    };

    if (argc == 3 && g_str_equal(argv[1], "--write")) {
        vault_crypto_init();
        return write_files(argv[2]);
    }
    return run_crypto_tests(tests);
}
