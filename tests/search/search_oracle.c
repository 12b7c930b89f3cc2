/* The oracle of searches, as a program. See README.md. */
#include "tests/search/oracle.h"

#include "ingest/message_text.h"
#include "vault/crypto/value.h"

#include <stdio.h>
#include <string.h>

/* Of each kind of thing so many messages are asked. */
#define SAMPLED_MESSAGES 300

typedef struct {
    char **lines; /* path, tab, mailbox */
    guint count;
    IngestMessageText *text;
    IngestWordSplitter *splitter;
} Messages;

static char **read_lines(const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        g_error("%s", error->message);
    return g_strsplit(g_strchomp(text), "\n", -1);
}

/* Takes the place of `terms`: freed by the caller, after the message. */
static OracleMessage *read_message(Messages *messages, guint index, GByteArray **ret_terms)
{
    g_auto(GStrv) parts = g_strsplit(messages->lines[index], "\t", 2);
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    VaultHash hash;
    gsize len;

    if (parts[0] == NULL || parts[1] == NULL)
        g_error("line %u is not path, tab, mailbox", index);
    if (!g_file_get_contents(parts[0], &bytes, &len, &error))
        g_error("%s", error->message);
    vault_hash(bytes, len, &hash);
    *ret_terms = ingest_message_text_terms(messages->text, bytes, len, &hash);
    return oracle_message_new(*ret_terms, messages->splitter, parts[1]);
}

/* ---- evaluate -------------------------------------------------------------------------------- */

typedef struct {
    SearchQuery *query;
    GString *yes, *unknown;
} Asked;

static void ask_all(GArray *asked, const OracleMessage *message, guint index)
{
    for (guint i = 0; i < asked->len; i++) {
        Asked *one = &g_array_index(asked, Asked, i);
        OracleAnswer answer = oracle_answer(one->query->root, message);

        if (answer != ORACLE_NO)
            g_string_append_printf(answer == ORACLE_YES ? one->yes : one->unknown, " %u", index);
    }
}

static GArray *parse_queries(const char *path)
{
    g_auto(GStrv) lines = read_lines(path);
    GArray *asked = g_array_new(FALSE, FALSE, sizeof(Asked));

    for (char **line = lines; *line != NULL; line++) {
        g_auto(SearchQueryError) mistake = {0};
        Asked one = {.yes = g_string_new(NULL), .unknown = g_string_new(NULL)};

        one.query = search_query_parse(*line, strlen(*line),
                                       (guint64)(g_get_real_time() / G_USEC_PER_SEC), &mistake);
        if (one.query == NULL)
            g_error("%s: %s", *line, mistake.message);
        g_array_append_val(asked, one);
    }
    return asked;
}

static void evaluate(Messages *messages, const char *queries)
{
    g_autoptr(GArray) asked = parse_queries(queries);

    for (guint i = 0; i < messages->count; i++) {
        GByteArray *terms = NULL;
        OracleMessage *message = read_message(messages, i, &terms);

        ask_all(asked, message, i);
        oracle_message_free(message);
        vault_value_free(terms);
    }
    for (guint i = 0; i < asked->len; i++) {
        Asked *one = &g_array_index(asked, Asked, i);

        printf("%s ?%s\n", one->yes->str, one->unknown->str);
        search_query_free(one->query);
        g_string_free(one->yes, TRUE);
        g_string_free(one->unknown, TRUE);
    }
}

/* ---- vocabulary ------------------------------------------------------------------------------ */

static const char *const field_names[INGEST_FIELD_COUNT] = {[INGEST_FIELD_FROM] = "from",
                                                            [INGEST_FIELD_TO] = "to",
                                                            [INGEST_FIELD_CC] = "cc",
                                                            [INGEST_FIELD_BCC] = "bcc",
                                                            [INGEST_FIELD_SUBJECT] = "subject",
                                                            [INGEST_FIELD_LIST] = "list",
                                                            [INGEST_FIELD_FILENAME] = "filename",
                                                            [INGEST_FIELD_BODY] = "body",
                                                            [INGEST_FIELD_ATTACHMENT] =
                                                                "attachment"};

static char *folded(const IngestTerm *term)
{
    return g_strndup(term->term, ingest_term_folded_len(term->term, term->len));
}

static void count_words(GHashTable *counts, const OracleMessage *message)
{
    const GArray *terms = oracle_message_terms(message);
    g_autofree char *last = NULL;

    for (guint i = 0; i < terms->len; i++) {
        const IngestTerm *term = &g_array_index(terms, IngestTerm, i);
        char *word = folded(term);

        if (g_strcmp0(word, last) != 0)
            g_hash_table_insert(
                counts, g_strdup(word),
                GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(counts, word)) + 1));
        g_free(last);
        last = word;
    }
}

/* The word that stands at a position of a field, or NULL. */
static const IngestTerm *term_at(const GArray *terms, IngestField field, guint32 position)
{
    for (guint i = 0; i < terms->len; i++) {
        const IngestTerm *term = &g_array_index(terms, IngestTerm, i);

        for (gsize at = 0; term->field == field && at < term->count; at++) {
            if (term->positions[at] == position)
                return term;
        }
    }
    return NULL;
}

/* Two neighbours of a field, and one some words on, from somewhere within. */
static void print_phrase(const OracleMessage *message, IngestField field, guint seed)
{
    const GArray *terms = oracle_message_terms(message);
    guint32 position = seed % 97;
    const IngestTerm *first = term_at(terms, field, position);
    const IngestTerm *second = term_at(terms, field, position + 1);
    const IngestTerm *third = term_at(terms, field, position + 2 + seed % 7);

    g_autofree char *a = first == NULL ? NULL : folded(first);
    g_autofree char *b = second == NULL ? NULL : folded(second);
    g_autofree char *c = third == NULL ? NULL : folded(third);

    if (a != NULL && b != NULL && c != NULL)
        printf("phrase\t%s\t%s\t%s\t%s\n", field_names[field], a, b, c);
}

static void print_exact(const OracleMessage *message, guint seed)
{
    const GArray *terms = oracle_message_terms(message);

    for (guint i = seed % 13; i < terms->len; i++) {
        const IngestTerm *term = &g_array_index(terms, IngestTerm, i);
        gsize folded_len = ingest_term_folded_len(term->term, term->len);

        if (folded_len == term->len)
            continue;
        printf("exact\t%.*s\t%.*s\n", (int)folded_len, term->term,
               (int)(term->len - folded_len - 1), term->term + folded_len + 1);
        return;
    }
}

static void print_text(const char *kind, const char *text)
{
    if (text != NULL && *text != '\0' && strpbrk(text, "\t\n\r\"") == NULL)
        printf("%s\t%s\n", kind, text);
}

static void print_samples(const OracleMessage *message, guint seed)
{
    const IngestSummary *summary = oracle_message_summary(message);

    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        print_phrase(message, (IngestField)field, seed);
    print_exact(message, seed);
    print_text("from", summary->from);
    print_text("to", summary->to);
    print_text("subject", summary->subject);
    print_text("id", summary->message_id);
    if (summary->filenames->len > 0)
        print_text("filename", summary->filenames->pdata[0]);
    printf("date\t%" G_GINT64_FORMAT "\nsize\t%" G_GUINT64_FORMAT "\n", summary->date_s,
           summary->message_len);
}

static void vocabulary(Messages *messages)
{
    g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint step = MAX(messages->count / SAMPLED_MESSAGES, 1);
    GHashTableIter each;
    gpointer word, count;

    for (guint i = 0; i < messages->count; i++) {
        GByteArray *terms = NULL;
        OracleMessage *message = read_message(messages, i, &terms);

        count_words(counts, message);
        if (i % step == 0)
            print_samples(message, i / step);
        oracle_message_free(message);
        vault_value_free(terms);
    }
    g_hash_table_iter_init(&each, counts);
    while (g_hash_table_iter_next(&each, &word, &count))
        printf("word\t%u\t%s\n", GPOINTER_TO_UINT(count), (char *)word);
}

int main(int argc, char **argv)
{
    Messages messages = {.lines = NULL};
    IngestMessageTextOptions options = {.extractor = NULL};

    if (!(argc == 3 && g_str_equal(argv[1], "vocabulary")) &&
        !(argc == 4 && g_str_equal(argv[1], "evaluate"))) {
        fprintf(stderr, "search_oracle vocabulary LIST | evaluate LIST QUERIES\n");
        return 2;
    }
    vault_crypto_init();
    messages.lines = read_lines(argv[2]);
    messages.count = g_strv_length(messages.lines);
    messages.text = ingest_message_text_new(&options);
    messages.splitter = ingest_word_splitter_new();
    if (argc == 3)
        vocabulary(&messages);
    else
        evaluate(&messages, argv[3]);
    ingest_word_splitter_free(messages.splitter);
    ingest_message_text_free(messages.text);
    g_strfreev(messages.lines);
    return 0;
}
