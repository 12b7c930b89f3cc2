/* How fast the case index is made, how large it is, and how fast it answers.
 *
 *   bench_index build FOLDER INDEX [TIMES]   index of the messages below FOLDER, each TIMES times
 *                                            under fresh ids
 *   bench_index query INDEX QUERY...         newest 20 of each; median and 99th percentile
 *   bench_index relevance INDEX QUERY...     likewise, the most relevant 20
 *
 * Terms are made first and kept, so that what is measured is what comes after opening them. */
#include "ingest/message_text.h"
#include "search/index.h"
#include "vault/crypto/value.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static const SearchIndexKey key = {{1}};

typedef struct {
    IngestMessageText *text;
    GPtrArray *terms; /* GByteArray */
    guint64 mail_len;
} Corpus;

static void must(gboolean is_done, GError *error)
{
    if (!is_done)
        g_error("%s", error != NULL ? error->message : "failed");
}

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void read_message(Corpus *corpus, const char *path)
{
    g_autofree char *bytes = NULL;
    gsize len;
    VaultHash hash;

    if (!g_file_get_contents(path, &bytes, &len, NULL))
        return;
    vault_hash(bytes, len, &hash);
    g_ptr_array_add(corpus->terms, ingest_message_text_terms(corpus->text, bytes, len, &hash));
    corpus->mail_len += len;
}

static void read_folder(Corpus *corpus, const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);

    for (const char *name; folder != NULL && (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *below = g_build_filename(path, name, NULL);

        if (g_file_test(below, G_FILE_TEST_IS_DIR))
            read_folder(corpus, below);
        else
            read_message(corpus, below);
    }
}

static double parse_all(const Corpus *corpus, IngestTermsParser *parser, guint64 *ret_terms)
{
    double begun_s = cpu_s();

    *ret_terms = 0;
    for (guint i = 0; i < corpus->terms->len; i++) {
        const GByteArray *bytes = g_ptr_array_index(corpus->terms, i);
        const IngestTerms *terms = ingest_terms_parser_parse(parser, bytes->data, bytes->len, NULL);
        IngestTermsCursor cursor = {.terms = terms};
        IngestTerm term;

        while (ingest_terms_next(&cursor, &term))
            (*ret_terms)++;
    }
    return cpu_s() - begun_s;
}

static void add_all(const Corpus *corpus, IngestTermsParser *parser, SearchIndexWriter *writer)
{
    GError *error = NULL;

    for (guint i = 0; i < corpus->terms->len; i++) {
        const GByteArray *bytes = g_ptr_array_index(corpus->terms, i);
        const IngestTerms *terms = ingest_terms_parser_parse(parser, bytes->data, bytes->len, NULL);
        SearchCopy copy = {.received_s = i, .mailbox_id = {{(guint8)(i % 100)}}};

        vault_random(&copy.terms_id, sizeof copy.terms_id);
        vault_random(&copy.body_id, sizeof copy.body_id);
        must(search_index_writer_add(writer, &copy, terms, &error), error);
    }
}

static void build(const char *folder, const char *index, guint times)
{
    Corpus corpus = {.text =
                         ingest_message_text_new(&(IngestMessageTextOptions){.extractor = NULL}),
                     .terms = g_ptr_array_new_with_free_func((GDestroyNotify)vault_value_free)};
    g_autoptr(IngestTermsParser) parser = ingest_terms_parser_new();
    GError *error = NULL;
    double parse_s, begun_s, all_s, commit_s;
    guint64 terms;
    double count;
    struct rusage usage;

    read_folder(&corpus, folder);
    parse_s = parse_all(&corpus, parser, &terms) * times;
    count = (double)corpus.terms->len * times;
    begun_s = cpu_s();
    SearchIndexWriter *writer = search_index_writer_begin(index, &key, &error);
    must(writer != NULL, error);
    for (guint i = 0; i < times; i++)
        add_all(&corpus, parser, writer);
    commit_s = cpu_s();
    must(search_index_writer_commit(writer, "", 0, &error), error);
    all_s = cpu_s() - begun_s;
    getrusage(RUSAGE_SELF, &usage);
    printf("messages               %.0f, %.1f MB, %.0f terms each\n", count,
           (double)corpus.mail_len * times / 1e6, (double)terms / corpus.terms->len);
    printf("terms parsed           %.1f us a message\n", 1e6 * parse_s / count);
    printf("index made             %.1f us a message more, of which commit %.1f\n",
           1e6 * (all_s - parse_s) / count, 1e6 * (begun_s + all_s - commit_s) / count);
    printf("memory at most         %.0f MB, with all terms\n", (double)usage.ru_maxrss / 1e3);
    search_index_writer_free(writer);
    g_ptr_array_unref(corpus.terms);
    ingest_message_text_free(corpus.text);
}

/* Milliseconds of CPU. */
static double query(SearchIndex *index, const char *text, SearchOrder order)
{
    SearchOptions options = {.order = order, .limit = 20};
    g_auto(SearchQueryError) mistake = {.message = NULL};
    gint64 begun_us = g_get_monotonic_time();
    double begun_s = cpu_s();
    GError *error = NULL;
    guint64 total;
    g_autoptr(SearchQuery) parsed = search_query_parse(text, strlen(text), 1795000000, &mistake);

    must(parsed != NULL, NULL);
    g_autoptr(GArray) hits = search_index_search(index, parsed, &options, &total, &error);
    must(hits != NULL, error);
    for (guint i = 0; i < hits->len; i++)
        ingest_summary_free(
            search_index_summary(index, g_array_index(hits, SearchHit, i).document, &error));
    printf("%8.0f us of CPU, %8" G_GINT64_FORMAT " us %8" G_GUINT64_FORMAT " hits  %s\n",
           1e6 * (cpu_s() - begun_s), g_get_monotonic_time() - begun_us, total, text);
    return 1e3 * (cpu_s() - begun_s);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void query_all(SearchIndex *index, char **texts, guint count, SearchOrder order)
{
    g_autofree double *times_ms = g_new(double, count);

    for (guint i = 0; i < count; i++)
        times_ms[i] = query(index, texts[i], order);
    qsort(times_ms, count, sizeof *times_ms, compare);
    printf("median %.2f ms, p99 %.2f ms of CPU\n", times_ms[count / 2],
           times_ms[count - 1 - count / 100]);
}

int main(int argc, char **argv)
{
    gint64 begun_us = g_get_monotonic_time();

    vault_crypto_init();
    if (argc >= 4 && strcmp(argv[1], "build") == 0) {
        build(argv[2], argv[3], argc > 4 ? (guint)strtoul(argv[4], NULL, 10) : 1);
    } else if (argc >= 4) {
        GError *error = NULL;
        g_autoptr(SearchIndex) index = search_index_open(argv[2], &key, &error);

        must(index != NULL, error);
        printf("%8.0f us of CPU, %8" G_GINT64_FORMAT " us to open, the process begun\n",
               1e6 * cpu_s(), g_get_monotonic_time() - begun_us);
        query_all(index, argv + 3, (guint)argc - 3,
                  strcmp(argv[1], "relevance") == 0 ? SEARCH_ORDER_RELEVANCE : SEARCH_ORDER_NEWEST);
    }
    return 0;
}
