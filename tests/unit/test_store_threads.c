/* Keyring and catalog in the hands of many threads: each statement is used by one at a time, up to
 * and including its reset. */
#include "tests/unit/keyring_world.h"

#include "vault/store/catalog.h"

#define THREAD_COUNT 4
#define ROUND_COUNT 1500

typedef struct {
    VaultKeyring *keyring;
    VaultCatalog *catalog;
    VaultMonthValue *month;
    RecordId body_id;
} Shared;

static gboolean visit_row(const RowId *row_id, const GByteArray *value, gpointer user,
                          GError **error)
{
    return TRUE;
}

static gpointer use_keyring(gpointer user)
{
    Shared *shared = user;

    for (guint i = 0; i < ROUND_COUNT; i++) {
        RowId row = {{1, (guint8)i}};
        g_autoptr(VaultMonthValue) month = NULL;
        MailboxId mailbox;
        gboolean has;

        g_assert_true(vault_keyring_month_mailbox(shared->keyring, &shared->month->month_key_id,
                                                  &mailbox, NULL));
        g_assert_true(vault_keyring_has(shared->keyring, VAULT_KEYRING_HOLDS, &row, &has, NULL));
        g_assert_true(
            vault_keyring_each(shared->keyring, VAULT_KEYRING_HOLDS, visit_row, NULL, NULL));
        if (i % 10 == 0)
            month = vault_keyring_find_month(shared->keyring, &mailbox, shared->month->month, NULL);
        g_assert_true(i % 10 != 0 || month != NULL);
    }
    return NULL;
}

static gpointer use_catalog(gpointer user)
{
    Shared *shared = user;

    for (guint i = 0; i < ROUND_COUNT; i++) {
        DeliveryTag tags[2] = {{{1}}, {{2}}};
        g_autoptr(GArray) bodies = g_array_new(FALSE, FALSE, sizeof(VaultTaggedBody));
        g_autoptr(GArray) parts = NULL;
        VaultCatalogTotals totals;
        guint64 count, last_s;

        g_assert_true(vault_catalog_find_repeats(shared->catalog, tags, 2, bodies, NULL));
        g_assert_true(vault_catalog_totals(shared->catalog, &totals, NULL));
        g_assert_true(vault_catalog_month_totals(shared->catalog, &shared->month->month_key_id,
                                                 &count, &last_s, NULL));
        parts = vault_catalog_parts(shared->catalog, &shared->body_id, NULL);
        g_assert_nonnull(parts);
    }
    return NULL;
}

static void run_threads(Shared *shared, GThreadFunc run)
{
    GThread *threads[THREAD_COUNT];

    for (gsize i = 0; i < THREAD_COUNT; i++)
        threads[i] = g_thread_new("store", run, shared);
    for (gsize i = 0; i < THREAD_COUNT; i++)
        g_thread_join(threads[i]);
}

static void statements_of_the_keyring_have_one_user(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMonthValue) month =
        world_add_month(world, keyring, &mailbox->mailbox_id, 202611);
    Shared shared = {.keyring = keyring, .month = month};

    run_threads(&shared, use_keyring);
}

static void statements_of_the_catalog_have_one_user(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autofree char *path = g_build_filename(world->folder, "catalog.sqlite", NULL);
    MailboxId mailbox_id = {{1}};
    g_autoptr(VaultMonthValue) month = world_make_month(world, &mailbox_id, 202611);
    g_autoptr(VaultCatalog) catalog =
        vault_catalog_open(path, VAULT_CATALOG_WRITE, &world->vault_id, NULL);
    Shared shared = {.catalog = catalog, .month = month};

    run_threads(&shared, use_catalog);
    g_clear_pointer(&catalog, vault_catalog_close);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_of_the_keyring_have_one_user),
        cmocka_unit_test(statements_of_the_catalog_have_one_user),
    };

    return run_crypto_tests(tests);
}
