/* A leaf is handed out once, whatever happens to process, catalog and keyring. */
#include "tests/support/keep_damage.h"

#include "vault/keep/internal.h"

#define ANNA "anna@example.org"

/* Every (month, leaf) that was ever given. */
typedef struct {
    GHashTable *given;
    GMutex lock;
} Ledger;

static void ledger_clear(Ledger *ledger)
{
    g_hash_table_unref(ledger->given);
    g_mutex_clear(&ledger->lock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ledger, ledger_clear)

static Ledger ledger_new(void)
{
    return (Ledger){.given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
}

static void note(Ledger *ledger, const MonthKeyId *month_key_id, guint32 leaf)
{
    char *key = g_strdup_printf("%s %u", VAULT_ID_TEXT(*month_key_id), leaf);
    gboolean is_new;

    g_mutex_lock(&ledger->lock);
    is_new = g_hash_table_add(ledger->given, key);
    g_mutex_unlock(&ledger->lock);
    if (!is_new)
        fail_msg("leaf %u was given twice", leaf);
}

static guint32 allot(KeepFixture *fixture, Ledger *ledger, const MailboxId *mailbox)
{
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    VaultAllotment allotment;
    g_autoptr(GError) error = NULL;
    guint64 now_s = keep_fixture_now();
    guint32 flags;

    if (!depository->allot(depository, mailbox, 1, &now_s, &allotment, &flags, &error))
        fail_msg("%s", error->message);
    note(ledger, &allotment.month_key_id, allotment.leaf);
    return allotment.leaf;
}

/* One that is committed: the packs know its leaf. */
static KeepDelivery deliver(KeepFixture *fixture, Ledger *ledger)
{
    g_autofree char *text = g_strdup_printf("%u", g_random_int());
    KeepDelivery delivery = keep_fixture_deliver(fixture, text, ANNA);

    note(ledger, &delivery.months[0], delivery.leaves[0]);
    return delivery;
}

static void leaves_go_on_over_blocks_crashes_and_restarts(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_auto(Ledger) ledger = ledger_new();
    MailboxId mailbox = keep_fixture_mailbox(fixture, ANNA);

    for (guint i = 0; i < VAULT_LEAF_BLOCK + 2; i++)
        assert_int_equal(allot(fixture, &ledger, &mailbox), i);
    for (guint i = 0; i < 4; i++) {
        deliver(fixture, &ledger);
        if (i % 2 == 0)
            keep_fixture_crash(fixture);
        else
            keep_fixture_close(fixture);
        keep_fixture_open(fixture);
        allot(fixture, &ledger, &mailbox);
    }
}

static void leaves_are_unique_over_a_lost_catalog(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_auto(Ledger) ledger = ledger_new();

    for (guint i = 0; i < 3; i++) {
        deliver(fixture, &ledger);
        keep_fixture_crash(fixture);
        keep_damage_remove(fixture, "catalog.sqlite");
        keep_fixture_open(fixture);
    }
}

static void keyring_restored_from_an_older_copy_gives_no_leaf_again(void **state)
{
    static const gboolean is_catalog_lost[] = {FALSE, TRUE};

    for (gsize i = 0; i < G_N_ELEMENTS(is_catalog_lost); i++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        g_auto(Ledger) ledger = ledger_new();
        g_auto(KeepDatabase) older = {.file = NULL};
        KeepDelivery last, after;

        deliver(fixture, &ledger);
        keep_fixture_close(fixture);
        older = keep_damage_save_database(fixture, "keyring.sqlite");
        for (guint restarts = 0; restarts < 3; restarts++) {
            keep_fixture_open(fixture);
            last = deliver(fixture, &ledger);
            keep_fixture_close(fixture);
        }
        assert_int_equal(last.leaves[0], 3 * VAULT_LEAF_BLOCK);
        keep_damage_restore_database(fixture, "keyring.sqlite", &older);
        if (is_catalog_lost[i])
            keep_damage_remove(fixture, "catalog.sqlite");
        keep_fixture_open(fixture);
        after = deliver(fixture, &ledger);
        assert_int_equal(after.leaves[0], last.leaves[0] + 1 + VAULT_LEAF_GAP);
        keep_fixture_crash(fixture);
        keep_fixture_open(fixture);
        assert_true(deliver(fixture, &ledger).leaves[0] > after.leaves[0]);
    }
}

static void punctured_leaves_are_passed_over(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_auto(Ledger) ledger = ledger_new();
    KeepDelivery first = deliver(fixture, &ledger);
    MailboxId mailbox = keep_fixture_mailbox(fixture, ANNA);

    keep_damage_puncture(fixture, &first.months[0], VAULT_LEAF_BLOCK);
    keep_damage_puncture(fixture, &first.months[0], VAULT_LEAF_BLOCK + 1);
    keep_damage_puncture(fixture, &first.months[0], VAULT_LEAF_BLOCK + 3);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(allot(fixture, &ledger, &mailbox), VAULT_LEAF_BLOCK + 2);
    assert_int_equal(allot(fixture, &ledger, &mailbox), VAULT_LEAF_BLOCK + 4);
}

static void last_leaf_is_given_and_then_none(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_auto(Ledger) ledger = ledger_new();
    KeepDelivery first = deliver(fixture, &ledger);
    MailboxId mailbox = keep_fixture_mailbox(fixture, ANNA);
    VaultDepository *depository;
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(fixture->keep->keyring, &first.months[0], NULL);
    g_autoptr(GError) error = NULL;
    VaultAllotment allotment;
    guint64 now_s = keep_fixture_now();
    guint32 flags;

    month->leaf_mark = VAULT_LEAVES_MAX - 1;
    assert_true(vault_keyring_update_month(fixture->keep->keyring, month, NULL));
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(allot(fixture, &ledger, &mailbox), G_MAXUINT32);
    depository = vault_keep_depository(fixture->keep);
    assert_false(depository->allot(depository, &mailbox, 1, &now_s, &allotment, &flags, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
}

#define THREADS 8
#define EACH 400

typedef struct {
    KeepFixture *fixture;
    Ledger *ledger;
} Allotting;

static gpointer allot_many(gpointer user)
{
    const Allotting *allotting = user;
    static const char *const addresses[] = {ANNA, "bert@example.org"};

    for (guint i = 0; i < EACH; i++) {
        MailboxId mailbox = keep_fixture_mailbox(allotting->fixture, addresses[i % 2]);

        allot(allotting->fixture, allotting->ledger, &mailbox);
    }
    return NULL;
}

static void threads_share_no_leaf(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_auto(Ledger) ledger = ledger_new();
    Allotting allotting = {fixture, &ledger};
    GThread *threads[THREADS];

    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("allot", allot_many, &allotting);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    assert_int_equal(g_hash_table_size(ledger.given), THREADS * EACH);
}

/* The process that made a month's key uses its first block once, and another never does. */
static void first_block_of_a_key_made_ahead_is_used_once(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_auto(Ledger) ledger = ledger_new();
    MailboxId mailbox = keep_fixture_mailbox(fixture, ANNA);
    VaultMonth next = vault_month_next(vault_month_of_time(keep_fixture_now()));
    guint made;

    deliver(fixture, &ledger);
    assert_true(
        vault_keep_prepare_next_month(fixture->keep, vault_month_start(next) - 60, &made, NULL));
    assert_true(made > 0);
    keep_fixture_set_now(vault_month_start(next) + 60);
    assert_int_equal(allot(fixture, &ledger, &mailbox), 0);
    assert_int_equal(allot(fixture, &ledger, &mailbox), 1);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(allot(fixture, &ledger, &mailbox), VAULT_LEAF_BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_go_on_over_blocks_crashes_and_restarts),
        cmocka_unit_test(leaves_are_unique_over_a_lost_catalog),
        cmocka_unit_test(keyring_restored_from_an_older_copy_gives_no_leaf_again),
        cmocka_unit_test(punctured_leaves_are_passed_over),
        cmocka_unit_test(last_leaf_is_given_and_then_none),
        cmocka_unit_test(threads_share_no_leaf),
        cmocka_unit_test(first_block_of_a_key_made_ahead_is_used_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
