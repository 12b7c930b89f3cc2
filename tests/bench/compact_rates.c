/* How fast compaction copies what lives: bench_compact MESSAGES LENGTH DEAD_OF_TEN, in TMPDIR. */
#include "tests/support/keep_damage.h"

#include "vault/keep/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define THREADS 16
#define ADDRESS "anna@example.org"

typedef struct {
    KeepFixture *fixture;
    guint count;
    gsize len;
    GMutex lock;
    GArray *leaves; /* guint32 */
    MonthKeyId month;
} Load;

static gpointer deliver(gpointer user)
{
    Load *load = user;
    g_autofree guint8 *bytes = g_malloc(load->len);

    for (guint i = 0; i < load->count / THREADS; i++) {
        g_autofree char *text = NULL;
        KeepDelivery delivery;

        vault_random(bytes, load->len * 3 / 4);
        text = g_base64_encode(bytes, load->len * 3 / 4);
        delivery = keep_fixture_deliver(load->fixture, text, ADDRESS);
        g_mutex_lock(&load->lock);
        g_array_append_val(load->leaves, delivery.leaves[0]);
        load->month = delivery.months[0];
        g_mutex_unlock(&load->lock);
    }
    return NULL;
}

static void fill(Load *load)
{
    GThread *threads[THREADS];

    keep_fixture_mailbox(load->fixture, ADDRESS);
    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("load", deliver, load);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    keep_fixture_close(load->fixture);
    keep_fixture_open(load->fixture);
}

static void erase(Load *load, guint dead_of_ten)
{
    VaultKeyring *keyring = load->fixture->keep->keyring;
    g_autoptr(VaultMonthValue) month = vault_keyring_get_month(keyring, &load->month, NULL);

    for (guint i = 0; i < load->leaves->len; i++)
        if (i * 7 % 10 < dead_of_ten)
            vault_erasure_tree_puncture(month->tree, g_array_index(load->leaves, guint32, i), NULL);
    vault_keyring_update_month(keyring, month, NULL);
}

static double rate(guint64 len, double s)
{
    return (double)len / 1e6 / s;
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void measure(Load *load)
{
    VaultCompactOptions options = {.seconds_max = 0};
    gint64 begun = g_get_monotonic_time(), planned;
    g_autoptr(GArray) plan = vault_keep_compact_plan(load->fixture->keep, NULL);
    g_autoptr(GError) error = NULL;
    VaultCompactResult result;
    double plan_s, s, cpu;

    planned = g_get_monotonic_time();
    plan_s = (double)(planned - begun) / G_USEC_PER_SEC;
    cpu = cpu_s();
    if (!vault_keep_compact(load->fixture->keep, &options, &result, &error))
        g_error("%s", error->message);
    s = (double)(g_get_monotonic_time() - planned) / G_USEC_PER_SEC;
    cpu = cpu_s() - cpu;
    printf("plan %.3f s; %" G_GUINT64_FORMAT " packs into %" G_GUINT64_FORMAT
           ": kept %" G_GUINT64_FORMAT " records, %.0f MB, dropped %.0f MB in %.2f s: %.0f MB/s of "
           "what lives; %.2f s of CPU, %.0f MB/s of that\n",
           plan_s, result.replaced_count, result.made_count, result.kept_count,
           (double)result.kept_len / 1e6, (double)result.dropped_len / 1e6, s,
           rate(result.kept_len, s), cpu, rate(result.kept_len, cpu));
}

int main(int argc, char **argv)
{
    g_autoptr(GArray) leaves = g_array_new(FALSE, FALSE, sizeof(guint32));
    Load load = {.leaves = leaves};

    if (argc != 4) {
        fprintf(stderr, "usage: bench_compact MESSAGES LENGTH DEAD_OF_TEN\n");
        return 2;
    }
    load.count = (guint)atoi(argv[1]);
    load.len = (gsize)atoi(argv[2]);
    load.fixture = keep_fixture_new();
    fill(&load);
    erase(&load, (guint)atoi(argv[3]));
    measure(&load);
    keep_fixture_free(load.fixture);
    return 0;
}
