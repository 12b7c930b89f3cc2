/* How fast it is decided what may be destroyed: 1,000,000 copies in 10,000 mailboxes, and 10,000
 * spans, under 100 holds, one of them on 100,000 messages, and 100 retention rules.
 *
 *   bench_judge [COPIES] */
#include "vault/keep/judge.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>

#define MAILBOXES 10000
#define HOLDS 100
#define RULES 100
#define NOW_S G_GUINT64_CONSTANT(1795000000)

static guint64 now_s(void)
{
    return NOW_S;
}

static void must(gboolean is_done, GError *error)
{
    if (!is_done)
        g_error("%s", error != NULL ? error->message : "failed");
}

static void put(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row, GByteArray *value)
{
    GError *error = NULL;

    must(vault_keyring_put(keyring, table, row, value, &error), error);
    g_byte_array_unref(value);
}

static void add_hold(VaultKeyring *keyring, guint number)
{
    g_autoptr(VaultHoldValue) hold = vault_hold_value_new();

    hold->case_id = g_strdup_printf("%u", number);
    hold->reason = g_strdup("benchmark");
    for (guint i = 0; i < 10; i++)
        g_ptr_array_add(hold->addresses,
                        g_strdup_printf("user%u@firm.example", (number * 10 + i) % MAILBOXES));
    hold->from_s = NOW_S - number * 86400;
    if (number == 0)
        g_array_set_size(hold->messages, VAULT_HOLD_MESSAGES_MAX);
    for (guint i = 0; i < hold->messages->len; i++)
        vault_random(g_array_index(hold->messages, RecordId, i).bytes, VAULT_ID_LEN);
    put(keyring, VAULT_KEYRING_HOLDS, &hold->hold_id, vault_hold_value_format(hold));
}

static void add_rule(VaultKeyring *keyring, guint number)
{
    g_autofree char *name = g_strdup_printf("user%u@firm.example", number);
    g_autoptr(VaultRetentionValue) rule =
        number == 0 ? vault_retention_value_new(VAULT_RETENTION_DEFAULT, "")
                    : vault_retention_value_new(VAULT_RETENTION_MAILBOX, name);

    rule->min_days = 30;
    put(keyring, VAULT_KEYRING_RETENTION, &rule->rule_id, vault_retention_value_format(rule));
}

static void fill(VaultKeyring *keyring, MailboxId *mailboxes)
{
    GError *error = NULL;
    VaultKeyringChange *change = vault_keyring_begin(keyring, &error);

    must(change != NULL, error);
    for (guint i = 0; i < MAILBOXES; i++) {
        g_autofree char *address = g_strdup_printf("user%u@firm.example", i);
        g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new(address, NOW_S);

        mailboxes[i] = mailbox->mailbox_id;
        must(vault_keyring_add_mailbox(keyring, mailbox, &error), error);
    }
    for (guint i = 0; i < HOLDS; i++)
        add_hold(keyring, i);
    for (guint i = 0; i < RULES; i++)
        add_rule(keyring, i);
    must(vault_keyring_commit(change, &error), error);
}

static double seconds_since(gint64 begun_us)
{
    return (double)(g_get_monotonic_time() - begun_us) / 1e6;
}

static void measure(VaultKeyring *keyring, const MailboxId *mailboxes, guint copies)
{
    VaultClock clock;
    VaultJudgeOptions options = {
        .keyring = keyring, .clock = &clock, .act = {.act = VAULT_ACT_ERASE}};
    GError *error = NULL;
    gint64 begun_us = g_get_monotonic_time();
    VaultVerdict verdict;
    guint64 free_count = 0;

    vault_clock_init(&clock, now_s, NULL);
    g_autoptr(VaultJudge) judge = vault_judge_new(&options, &error);
    must(judge != NULL, error);
    printf("a judge made            %.1f ms\n", 1e3 * seconds_since(begun_us));
    begun_us = g_get_monotonic_time();
    for (guint i = 0; i < MAILBOXES; i++)
        must(vault_judge_span(judge, &mailboxes[i], 0, NOW_S, &verdict, &error), error);
    printf("10,000 mailboxes        %.3f s\n", seconds_since(begun_us));
    begun_us = g_get_monotonic_time();
    for (guint i = 0; i < copies; i++) {
        VaultJudgedCopy copy = {.mailbox_id = mailboxes[i % MAILBOXES],
                                .received_s = NOW_S - (guint64)(i % 100) * 86400};

        must(vault_judge_copy(judge, &copy, &verdict, &error), error);
        free_count += verdict.judgement == VAULT_JUDGED_FREE;
    }
    printf("%u copies          %.3f s, %.0f ns each; %" G_GUINT64_FORMAT " free\n", copies,
           seconds_since(begun_us), 1e9 * seconds_since(begun_us) / copies, free_count);
    vault_clock_clear(&clock);
}

int main(int argc, char **argv)
{
    guint copies = argc > 1 ? (guint)strtoul(argv[1], NULL, 10) : 1000000;
    g_autofree char *folder = g_dir_make_tmp("bench-judge-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "keyring.sqlite", NULL);
    g_autofree MailboxId *mailboxes = g_new0(MailboxId, MAILBOXES);
    VaultId id = {{1}};
    VaultKey key = {.generation = 1};
    GError *error = NULL;
    VaultKeyring *keyring;

    vault_crypto_init();
    must(vault_keyring_create(path, &id, &key, NOW_S, &error), error);
    keyring = vault_keyring_open(path, VAULT_KEYRING_WRITE, &id, &key, 1, &error);
    must(keyring != NULL, error);
    fill(keyring, mailboxes);
    measure(keyring, mailboxes, copies);
    vault_keyring_close(keyring);
    g_unlink(path);
    g_rmdir(folder);
    return 0;
}
