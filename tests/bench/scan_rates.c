/* What a scan of words costs: releases, then reading and opening, by message and core.
 *
 *   bench_scan MESSAGES LENGTH MAILBOXES [THREADS]
 *
 * The terms are LENGTH bytes of made words, for each message in one mailbox, in a vault in TMPDIR.
 */
#include "tests/unit/search_world.h"

#include "restore/terms_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double now_s(void)
{
    return 1e-6 * (double)g_get_monotonic_time();
}

/* Words as a dictionary would have them: rising, sharing their beginnings. */
static char *make_words(gsize len)
{
    GString *words = g_string_sized_new(len + 32);

    for (guint32 word = g_random_int() % 1000; words->len < len;
         word += (guint32)g_random_int_range(1, 4000))
        g_string_append_printf(words, "w%06x%c%c", word, (char)g_random_int_range(1, 255),
                               (char)g_random_int_range(1, 8));
    g_string_truncate(words, len);
    return g_string_free(words, FALSE);
}

static void fill(ReleaseWorld *world, guint count, gsize len, guint mailboxes)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *address = g_strdup_printf("m%u@example.org", i % mailboxes);
        g_autofree char *words = make_words(len);

        search_world_deliver(world, words, address);
    }
}

static void measure_releases(ReleaseWorld *world, const char *grant, guint count)
{
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    g_autofree RecordId *ids = g_new(RecordId, VAULT_VIEW_RELEASE_COUNT_MAX);
    const VaultCopyFilter filter = {.to_s = G_MAXUINT64};
    VaultTermsPosition position = {.catalog_mark = 0};
    double start, list_s, cpu;
    gboolean is_more = TRUE;

    start = now_s();
    while (is_more)
        assert_true(vault_keep_terms(world->fixture->keep, &filter, &position,
                                     VAULT_VIEW_RELEASE_COUNT_MAX, page, &is_more, NULL));
    list_s = now_s() - start;
    start = now_s();
    cpu = cpu_s();
    for (guint at = 0; at < page->len;) {
        guint n = MIN(VAULT_VIEW_RELEASE_COUNT_MAX, page->len - at);
        g_autoptr(VaultOpenedRelease) release = NULL;

        for (guint i = 0; i < n; i++)
            ids[i] = g_array_index(page, VaultTermsEntry, at + i).terms_id;
        release = search_world_release(world, grant, &world->anna, ids, n);
        at += n;
    }
    printf("list     %6.2f us a message\n", 1e6 * list_s / count);
    printf("release  %6.2f us a message (%.2f us of CPU), %.2f s in all\n",
           1e6 * (now_s() - start) / count, 1e6 * (cpu_s() - cpu) / count, now_s() - start);
}

static gboolean take(const TermsScanItem *item, gpointer user, GError **error)
{
    (void)g_atomic_int_add((gint *)user, item->outcome == TERMS_SCAN_WORDS);
    return TRUE;
}

static void measure_scan(ReleaseWorld *world, char *grant, guint threads)
{
    g_autoptr(GBytes) text = g_bytes_new_static(grant, strlen(grant));
    g_autoptr(VaultReader) reader = release_world_reader(grant, &world->anna, keep_fixture_now());
    const VaultViewFilter filter = {.to_s = G_MAXUINT64};
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(VaultView) view = NULL;
    TermsScanResult result;
    VaultHash hash;
    gint count = 0;
    double start, cpu;
    TermsScanOptions options = {.reader = reader,
                                .identity = &world->anna,
                                .grant_hash = &hash,
                                .filter = &filter,
                                .thread_count = threads,
                                .take = take,
                                .user = &count};

    vault_hash(grant, strlen(grant), &hash);
    keep_fixture_close(world->fixture);
    options.view = view = vault_view_open(world->fixture->path, NULL, NULL, NULL);
    assert_true(view != NULL && vault_view_present(view, text, NULL));
    start = now_s();
    cpu = cpu_s();
    assert_true(terms_scan_run(&options, &position, &result, NULL));
    printf("scan     %6.2f us a message, %.2f us of CPU a message, %d opened, %.2f s in all\n",
           1e6 * (now_s() - start) / count, 1e6 * (cpu_s() - cpu) / count, count, now_s() - start);
    vault_view_close(view, NULL);
}

int main(int argc, char **argv)
{
    g_autoptr(ReleaseWorld) world = NULL;
    g_autofree char *grant = NULL;

    if (argc < 4) {
        fprintf(stderr, "usage: %s MESSAGES LENGTH MAILBOXES [THREADS]\n", argv[0]);
        return 2;
    }
    world = release_world_new();
    keep_fixture_set_now((guint64)(g_get_real_time() / G_USEC_PER_SEC));
    fill(world, (guint)atoi(argv[1]), (gsize)atoi(argv[2]), (guint)atoi(argv[3]));
    grant = search_world_search_grant(world, &world->anna);
    measure_releases(world, grant, (guint)atoi(argv[1]));
    measure_scan(world, grant, argc > 4 ? (guint)atoi(argv[4]) : 0);
    return 0;
}
