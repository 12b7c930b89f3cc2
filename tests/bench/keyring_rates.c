/* What the keyring costs: bench_keyring [MAILBOXES] [MONTHS] [FOLDER]
 *
 * Makes a keyring of so many mailboxes with so many months each (10,000 and 120), then erases in
 * it: a leaf, a mailbox, and all that there is sealed anew. Prints; judges nothing. The months are
 * alike, with public keys of random bytes: one wrap, one primary address, an unpunctured tree. */
#include "vault/base/file.h"
#include "vault/crypto/key_files.h"
#include "vault/store/keyring_roll.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NOW_S 1700000000
#define FIRST_YEAR 2016

typedef struct {
    VaultId vault_id;
    VaultKey key; /* of the generation that there is */
    char *path;
    guint mailbox_count, month_count;
    MailboxId *mailboxes;
} Bench;

static void check(gboolean is_done, GError *error)
{
    if (!is_done)
        g_error("%s", error != NULL ? error->message : "failed");
}

static gdouble seconds_since(gint64 begin_us)
{
    return (gdouble)(g_get_monotonic_time() - begin_us) / 1e6;
}

static guint64 file_len(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (guint64)status.st_size : 0;
}

/* ---- a large keyring ------------------------------------------------------------------------ */

static VaultMonthValue *month_template(const VaultId *vault_id)
{
    VaultMonthIdentity identity = {
        .vault_id = *vault_id, .address = "someone.or.other@mail.example.org", .month = 202601};
    VaultWrapRecipient recipient = {.kind = VAULT_WRAP_MASTER};
    VaultMonthValue *month;
    VaultMaster master;
    GError *error = NULL;

    vault_master_create(&master);
    recipient.key_id = vault_master_key_id(&master.public);
    memcpy(recipient.public_key, master.public.public_key.bytes, VAULT_KEY_LEN);
    month = vault_month_value_new(&identity, &recipient, 1, NOW_S, &error);
    vault_master_wipe(&master);
    check(month != NULL, error);
    return month;
}

static void add_months(Bench *bench, VaultKeyring *keyring, VaultMonthValue *month, guint nth)
{
    GError *error = NULL;
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, &error);

    check(change != NULL, error);
    month->month = (FIRST_YEAR + nth / 12) * 100 + nth % 12 + 1;
    for (guint i = 0; i < bench->mailbox_count; i++) {
        month->mailbox_id = bench->mailboxes[i];
        vault_random(month->keys.content.bytes, VAULT_KEY_LEN);
        month->month_key_id = vault_month_key_id(&month->keys.content);
        check(vault_keyring_add_month(keyring, month, &error), error);
    }
    check(vault_keyring_commit(g_steal_pointer(&change), &error), error);
}

static void add_mailboxes(Bench *bench, VaultKeyring *keyring)
{
    GError *error = NULL;
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, &error);

    check(change != NULL, error);
    for (guint i = 0; i < bench->mailbox_count; i++) {
        g_autofree char *address = g_strdup_printf("someone.number.%u@mail.example.org", i);
        g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new(address, NOW_S);

        check(vault_keyring_add_mailbox(keyring, mailbox, &error), error);
        bench->mailboxes[i] = mailbox->mailbox_id;
    }
    check(vault_keyring_commit(g_steal_pointer(&change), &error), error);
}

/* Month by month, as time makes them: those of one mailbox lie far apart. */
static VaultKeyring *fill(Bench *bench)
{
    gint64 begin_us = g_get_monotonic_time();
    g_autoptr(VaultMonthValue) month = month_template(&bench->vault_id);
    VaultKeyring *keyring;
    GError *error = NULL;

    check(vault_keyring_create(bench->path, &bench->vault_id, &bench->key, NOW_S, &error), error);
    keyring = vault_keyring_open(bench->path, VAULT_KEYRING_WRITE, &bench->vault_id, &bench->key, 1,
                                 &error);
    check(keyring != NULL, error);
    add_mailboxes(bench, keyring);
    for (guint i = 0; i < bench->month_count; i++)
        add_months(bench, keyring, month, i);
    check(vault_keyring_settle(keyring, &error), error);
    printf("filled with %u mailboxes of %u months: %.1f s, %.0f MB\n", bench->mailbox_count,
           bench->month_count, seconds_since(begin_us), (gdouble)file_len(bench->path) / 1e6);
    return keyring;
}

/* ---- erasing -------------------------------------------------------------------------------- */

static gboolean note_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    g_array_append_val((GArray *)user, month->month_key_id);
    return TRUE;
}

/* The month keys of a mailbox: GArray of MonthKeyId. */
static GArray *months_of(VaultKeyring *keyring, const MailboxId *mailbox_id)
{
    GArray *months = g_array_new(FALSE, FALSE, sizeof(MonthKeyId));
    GError *error = NULL;

    check(vault_keyring_each_month(keyring, mailbox_id, note_month, months, &error), error);
    return months;
}

static VaultKeyringChange *begin_roll(Bench *bench, VaultKeyring *keyring)
{
    GError *error = NULL;
    VaultKeyringChange *change = vault_keyring_begin(keyring, &error);

    check(change != NULL, error);
    bench->key.generation++;
    vault_random(bench->key.bytes, VAULT_KEY_LEN);
    check(vault_keyring_roll(keyring, &bench->key, &error), error);
    return change;
}

static void end_roll(VaultKeyring *keyring, VaultKeyringChange *change)
{
    GError *error = NULL;

    check(vault_keyring_commit(change, &error), error);
    check(vault_keyring_settle(keyring, &error), error);
}

static void measure_leaf(Bench *bench, VaultKeyring *keyring)
{
    gint64 begin_us = g_get_monotonic_time();
    const MailboxId *mailbox_id = &bench->mailboxes[bench->mailbox_count / 2];
    g_autoptr(GArray) months = months_of(keyring, mailbox_id);
    VaultKeyringChange *change = begin_roll(bench, keyring);
    GError *error = NULL;
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(keyring, &g_array_index(months, MonthKeyId, 0), &error);

    check(month != NULL && vault_erasure_tree_puncture(month->tree, 5, &error) &&
              vault_keyring_update_month(keyring, month, &error) &&
              vault_keyring_renew_mailbox(keyring, mailbox_id, &error),
          error);
    end_roll(keyring, change);
    printf("one leaf erased, vault key rolled: %.3f s\n", seconds_since(begin_us));
}

static void measure_mailbox(Bench *bench, VaultKeyring *keyring)
{
    gint64 begin_us = g_get_monotonic_time();
    VaultTombstoneValue tombstone = {.mailbox_id = bench->mailboxes[1], .dropped_s = NOW_S};
    g_autoptr(GArray) months = months_of(keyring, &tombstone.mailbox_id);
    VaultKeyringChange *change = begin_roll(bench, keyring);
    GError *error = NULL;

    tombstone.month = 202601;
    for (guint i = 0; i < months->len; i++)
        check(vault_keyring_drop_month(keyring, &g_array_index(months, MonthKeyId, i), &tombstone,
                                       &error),
              error);
    check(vault_keyring_renew_mailbox(keyring, &tombstone.mailbox_id, &error), error);
    end_roll(keyring, change);
    printf("one mailbox shredded, vault key rolled: %.3f s\n", seconds_since(begin_us));
}

static void measure_all(Bench *bench, VaultKeyring *keyring)
{
    gint64 begin_us = g_get_monotonic_time();
    guint64 rows = (guint64)bench->mailbox_count * (bench->month_count + 2);
    VaultKeyringChange *change = begin_roll(bench, keyring);
    GError *error = NULL;
    gdouble s;

    check(vault_keyring_renew_all(keyring, &error), error);
    end_roll(keyring, change);
    s = seconds_since(begin_us);
    printf("all %" G_GUINT64_FORMAT " rows sealed anew: %.1f s, %.0f rows a second\n", rows, s,
           (gdouble)rows / s);
}

int main(int argc, char **argv)
{
    g_autofree char *folder =
        argc > 3 ? g_strdup(argv[3]) : g_dir_make_tmp("muniment-bench-keyring-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "keyring.sqlite", NULL);
    Bench bench = {
        .path = path, .key = {.generation = 1}, .mailbox_count = 10000, .month_count = 120};
    g_autofree MailboxId *mailboxes = NULL;
    g_autoptr(VaultKeyring) keyring = NULL;

    if (argc > 1)
        bench.mailbox_count = MAX(2, (guint)atoi(argv[1]));
    if (argc > 2)
        bench.month_count = MAX(1, (guint)atoi(argv[2]));
    vault_crypto_init();
    vault_random(bench.vault_id.bytes, VAULT_ID_LEN);
    vault_random(bench.key.bytes, VAULT_KEY_LEN);
    mailboxes = bench.mailboxes = g_new0(MailboxId, bench.mailbox_count);
    keyring = fill(&bench);
    measure_leaf(&bench, keyring);
    measure_mailbox(&bench, keyring);
    measure_all(&bench, keyring);
    printf("the keyring is %s, %.0f MB\n", path, (gdouble)file_len(path) / 1e6);
    return EXIT_SUCCESS;
}
