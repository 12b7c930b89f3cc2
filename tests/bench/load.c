/* Load generator: delivers the messages of a folder over LMTP on many connections and prints one
 * line of JSON: messages per second and the times from final dot to last reply. */
#include "tests/bench/load_connection.h"
#include "tests/bench/load_messages.h"

#include <math.h>
#include <signal.h>

static char *folder, *host, *domain, *sender;
static int port = 2424, connections = 16, count = 5000, users = 50, owners = 1;
static gboolean pipelined;

static const GOptionEntry entries[] = {
    {"messages", 0, 0, G_OPTION_ARG_FILENAME, &folder, "folder of messages", "DIR"},
    {"host", 0, 0, G_OPTION_ARG_STRING, &host, "address or unix socket", "HOST"},
    {"port", 0, 0, G_OPTION_ARG_INT, &port, "port", "N"},
    {"domain", 0, 0, G_OPTION_ARG_STRING, &domain, "domain of the recipients", "D"},
    {"sender", 0, 0, G_OPTION_ARG_STRING, &sender,
     "local part of the senders: another one makes other deliveries of the same messages", "NAME"},
    {"connections", 0, 0, G_OPTION_ARG_INT, &connections, "connections", "N"},
    {"count", 0, 0, G_OPTION_ARG_INT, &count, "messages at most", "N"},
    {"users", 0, 0, G_OPTION_ARG_INT, &users, "different recipients", "N"},
    {"owners", 0, 0, G_OPTION_ARG_INT, &owners, "recipients of each message", "N"},
    {"pipelined", 0, 0, G_OPTION_ARG_NONE, &pipelined, "send the next envelope with the dot", NULL},
    {0},
};

static BenchTarget target;

static gpointer run_connection(gpointer share)
{
    bench_connection_run(&target, share);
    return NULL;
}

static int compare_doubles(gconstpointer a, gconstpointer b)
{
    gdouble x = *(const gdouble *)a, y = *(const gdouble *)b;

    return (x > y) - (x < y);
}

static gdouble quantile(const GArray *sorted, gdouble q)
{
    guint index = (guint)floor(q * (sorted->len - 1) + 0.5);

    return g_array_index(sorted, gdouble, index) / 1000.0;
}

static void print_result(GPtrArray *messages, BenchShare *shares, gdouble seconds)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(gdouble));
    guint64 refused = 0, bytes = 0;

    for (int i = 0; i < connections; i++) {
        g_array_append_vals(all, shares[i].latencies_us->data, shares[i].latencies_us->len);
        g_array_unref(shares[i].latencies_us);
        refused += shares[i].refused_count;
    }
    for (guint i = 0; i < messages->len; i++)
        bytes += g_bytes_get_size(messages->pdata[i]);
    g_array_sort(all, compare_doubles);
    g_print("{\"messages\":%u,\"bytes\":%" G_GUINT64_FORMAT ",\"seconds\":%.3f,"
            "\"per_second\":%.1f,\"refused\":%" G_GUINT64_FORMAT
            ",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
            all->len, bytes, seconds, all->len / seconds, refused, quantile(all, 0.5),
            quantile(all, 0.99), quantile(all, 1.0));
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new("- LMTP load generator");
    g_autoptr(GError) error = NULL;
    gint next = 0;

    signal(SIGPIPE, SIG_IGN);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || folder == NULL ||
        connections < 1 || owners < 1 || users < 1) {
        g_printerr("bench_load: %s\n", error != NULL ? error->message : "--messages DIR is needed");
        return 2;
    }
    g_autoptr(GPtrArray) messages = bench_messages_load(folder, (guint)count, BENCH_STUFFED);
    target = (BenchTarget){.host = host != NULL ? host : "127.0.0.1",
                           .port = (guint)port,
                           .domain = domain != NULL ? domain : "example.org",
                           .sender = sender != NULL ? sender : "sender",
                           .users = (guint)users,
                           .owners = (guint)owners,
                           .is_pipelined = pipelined};
    g_autofree BenchShare *shares = g_new0(BenchShare, connections);
    g_autofree GThread **threads = g_new0(GThread *, connections);
    gint64 started = g_get_monotonic_time();
    for (int i = 0; i < connections; i++) {
        shares[i] = (BenchShare){messages, &next, g_array_new(FALSE, FALSE, sizeof(gdouble)), 0};
        threads[i] = g_thread_new("connection", run_connection, &shares[i]);
    }
    for (int i = 0; i < connections; i++)
        g_thread_join(threads[i]);
    print_result(messages, shares, (gdouble)(g_get_monotonic_time() - started) / 1e6);
    return 0;
}
