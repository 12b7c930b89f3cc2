/* Files through a pool of helpers, as system tests ask for it.
 *
 *   extract_files PROGRAM TIME_MS TEXT_LEN_MAX FILE...
 *
 * Writes for each file "OUTCOME LEN MS\n" and LEN bytes of text, a break as a form feed; then a
 * line of the pool's counters.
 */
#include "ingest/extract/pool.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {
    [INGEST_EXTRACT_TEXT] = "text",           [INGEST_EXTRACT_CUT] = "cut",
    [INGEST_EXTRACT_ENCRYPTED] = "encrypted", [INGEST_EXTRACT_UNKNOWN] = "unknown",
    [INGEST_EXTRACT_UNREAD] = "unread",       [INGEST_EXTRACT_MALFORMED] = "malformed",
    [INGEST_EXTRACT_FAILED] = "failed",
};

static void take(gpointer user, const char *text, gsize len)
{
    if (text == NULL)
        g_string_append_c(user, '\f');
    else
        g_string_append_len(user, text, (gssize)len);
}

static void extract(IngestExtractPool *pool, const char *path, guint64 text_len_max)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);
    g_autofree char *name = g_path_get_basename(path);
    g_autoptr(GString) text = g_string_new(NULL);
    gint64 begin_us = g_get_monotonic_time();
    IngestExtractor *extractor = ingest_extract_pool_extractor(pool);
    IngestExtractOutcome outcome;

    g_assert(file != NULL);
    outcome = extractor->extract(extractor,
                                 &(IngestDocument){.bytes = g_mapped_file_get_contents(file),
                                                   .len = g_mapped_file_get_length(file),
                                                   .filename = name,
                                                   .text_len_max = text_len_max},
                                 take, text);
    printf("%s %" G_GSIZE_FORMAT " %" G_GINT64_FORMAT "\n", names[outcome], text->len,
           (g_get_monotonic_time() - begin_us) / 1000);
    fwrite(text->str, 1, text->len, stdout);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    g_autoptr(IngestExtractPool) pool = NULL;
    IngestExtractStatus status;

    if (argc < 4)
        return 2;
    pool = ingest_extract_pool_new(&(IngestExtractPoolOptions){
        .program = argv[1], .helper_count_max = 1, .time_ms = (guint)atoi(argv[2])});
    for (int i = 4; i < argc; i++)
        extract(pool, argv[i], g_ascii_strtoull(argv[3], NULL, 10));
    ingest_extract_pool_status(pool, &status);
    printf("documents %" G_GUINT64_FORMAT " failed %" G_GUINT64_FORMAT
           " timed_out %" G_GUINT64_FORMAT " helpers %" G_GUINT64_FORMAT " problem %s\n",
           status.document_count, status.failed_count, status.timed_out_count, status.helper_count,
           status.problem == NULL ? "none" : status.problem);
    return 0;
}
