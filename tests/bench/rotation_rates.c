/* How long a rotation takes for a vault of that many months, step by step, and how much memory:
 *
 *   bench_rotation FOLDER MONTHS
 *
 * FOLDER must not exist; it stays. */
#include "vault/base/file.h"
#include "vault/keep/internal.h"
#include "vault/open/rotation.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define MONTHS_OF_MAILBOX 120

typedef struct {
    VaultKeep *keep;
    VaultMaster from, to;
    GPtrArray *asked, *answered; /* char *: parts, as files would hold them */
    gint64 begun_us;
} Bench;

static void must(gboolean is_done, const GError *error)
{
    if (is_done)
        return;
    fprintf(stderr, "bench_rotation: %s\n", error == NULL ? "failed" : error->message);
    exit(1);
}

static void tell(Bench *bench, const char *step, guint months)
{
    gint64 now_us = g_get_monotonic_time();
    gdouble elapsed_s = (gdouble)(now_us - bench->begun_us) / 1e6;
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("%-8s %8.2f s  %8.0f months/s  %6ld MiB at most\n", step, elapsed_s,
           (gdouble)months / elapsed_s, usage.ru_maxrss / 1024);
    bench->begun_us = g_get_monotonic_time();
}

static void add_mailbox(Bench *bench, guint number, guint count)
{
    VaultKeyring *keyring = bench->keep->keyring;
    g_autofree char *address = g_strdup_printf("user%u@example.org", number);
    g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new(address, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, &error);

    must(change != NULL && vault_keyring_add_mailbox(keyring, mailbox, &error), error);
    for (guint i = 0; i < count; i++) {
        g_autoptr(VaultMonthValue) month =
            vault_open_months_make(bench->keep->months, &mailbox->mailbox_id, address,
                                   201701 + i % 12 + 100 * (i / 12), 0, &error);

        must(month != NULL && vault_keyring_add_month(keyring, month, &error), error);
    }
    must(vault_keyring_commit(g_steal_pointer(&change), &error), error);
}

static gboolean append_part(const char *text, gsize len, gpointer user, GError **error)
{
    g_ptr_array_add(user, g_strndup(text, len));
    return TRUE;
}

static void begin(Bench *bench)
{
    g_autoptr(GError) error = NULL;
    guint64 months;

    must(vault_keep_begin_rotation(bench->keep, &bench->from.public, append_part, bench->asked,
                                   &months, &error),
         error);
}

static void answer(Bench *bench)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < bench->asked->len; i++) {
        const char *text = g_ptr_array_index(bench->asked, i);
        g_autoptr(VaultRotationAsked) asked =
            vault_rotation_asked_parse(text, strlen(text), &error);
        g_autoptr(VaultRotationAnswered) answered = NULL;

        must(asked != NULL, error);
        answered =
            vault_rotation_answer(asked, &bench->from, &bench->to.public, &bench->to, &error);
        must(answered != NULL, error);
        g_ptr_array_add(bench->answered, vault_rotation_answered_format(answered));
    }
}

static void operate(Bench *bench, const char *act, const char *text)
{
    g_autofree char *said = NULL;
    g_autoptr(GError) error = NULL;

    must(vault_keep_operate(bench->keep, act, text, strlen(text), &said, &error), error);
    if (g_str_equal(act, "rotation-finish"))
        must(g_str_has_prefix(said, "state: retired\n"), NULL);
}

static void open_vault(Bench *bench, const char *path)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    VaultCreateOptions create = {.masters = &bench->from.public, .master_count = 1};
    g_autoptr(GError) error = NULL;

    must(vault_keep_create(path, &create, &error), error);
    bench->keep = vault_keep_open(path, &options, &error);
    must(bench->keep != NULL, error);
}

int main(int argc, char **argv)
{
    Bench bench = {.asked = g_ptr_array_new_with_free_func(g_free),
                   .answered = g_ptr_array_new_with_free_func(g_free),
                   .begun_us = g_get_monotonic_time()};
    guint months = argc == 3 ? (guint)strtoul(argv[2], NULL, 10) : 0;

    if (months == 0) {
        fprintf(stderr, "bench_rotation FOLDER MONTHS\n");
        return 2;
    }
    vault_crypto_init();
    vault_master_create(&bench.from);
    vault_master_create(&bench.to);
    open_vault(&bench, argv[1]);
    for (guint made = 0, number = 0; made < months; made += MONTHS_OF_MAILBOX)
        add_mailbox(&bench, number++, MIN(months - made, MONTHS_OF_MAILBOX));
    tell(&bench, "make", months);
    begin(&bench);
    tell(&bench, "begin", months);
    answer(&bench);
    tell(&bench, "answer", months);
    for (guint i = 0; i < bench.answered->len; i++)
        operate(&bench, "rotation-take", g_ptr_array_index(bench.answered, i));
    tell(&bench, "take", months);
    operate(&bench, "rotation-finish", "");
    tell(&bench, "finish", months);
    vault_keep_close(bench.keep, NULL);
    vault_keep_free(bench.keep);
    g_ptr_array_unref(bench.asked);
    g_ptr_array_unref(bench.answered);
    return 0;
}
