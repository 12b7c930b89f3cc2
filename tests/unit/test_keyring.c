/* The keyring: created, opened with the right vault key only, changed as a whole or not at all. */
#include "tests/unit/keyring_world.h"

static const RowId row = {{1}}, other_row = {{2}};

/* ---- create and open ------------------------------------------------------------------------ */

static void a_new_keyring_opens_with_its_key(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    guint64 mailboxes = 1, months = 1;
    struct stat status;

    assert_int_equal(vault_keyring_generation(keyring), 3);
    assert_true(vault_keyring_count(keyring, &mailboxes, &months, NULL));
    assert_int_equal(mailboxes, 0);
    assert_int_equal(months, 0);
    assert_true(vault_keyring_check(keyring, NULL));
    assert_int_equal(stat(world->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_file_that_is_there_is_not_overwritten(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = NULL;
    g_autoptr(GError) error = NULL;

    assert_false(
        vault_keyring_create(world->path, &world->vault_id, &world->key, SAMPLE_S, &error));
    assert_error(error, VAULT_ERROR_BUSY);
    keyring = world_open(world, VAULT_KEYRING_WRITE);
}

static void no_keyring_is_not_found(void **state)
{
    VaultKey key = {.generation = 1};
    VaultId id = {{0}};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) folder_error = NULL;

    assert_null(
        vault_keyring_open("/nonexistent/keyring", VAULT_KEYRING_WRITE, &id, &key, 1, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_keyring_create("/nonexistent/keyring", &id, &key, 1, &folder_error));
    assert_error(folder_error, VAULT_ERROR_NOT_FOUND);
}

static void assert_open_fails(KeyringWorld *world, const VaultId *vault_id, const VaultKey *keys,
                              gsize count, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeyring) keyring =
        vault_keyring_open(world->path, VAULT_KEYRING_WRITE, vault_id, keys, count, &error);

    assert_null(keyring);
    assert_error(error, code);
}

static void another_vault_key_opens_nothing(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    VaultKey other_bytes = world->key, other_generation = world->key;
    VaultId other_vault = world->vault_id;

    other_bytes.bytes[31] ^= 1;
    other_generation.generation++;
    other_vault.bytes[0] ^= 1;
    assert_open_fails(world, &world->vault_id, &other_bytes, 1, VAULT_ERROR_NO_KEY);
    assert_open_fails(world, &world->vault_id, &other_generation, 1, VAULT_ERROR_NO_KEY);
    assert_open_fails(world, &other_vault, &world->key, 1, VAULT_ERROR_NO_KEY);
    assert_open_fails(world, &world->vault_id, NULL, 0, VAULT_ERROR_NO_KEY);
}

/* While a vault key is being replaced its file holds both: the one that the keyring is sealed
 * under counts, wherever it stands. */
static void of_two_generations_the_fitting_one_opens(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();

    for (guint32 other = 2; other <= 4; other += 2) {
        VaultKey keys[2] = {world->key, world->key};
        g_autoptr(VaultKeyring) keyring = NULL;

        keys[other == 2 ? 0 : 1] = (VaultKey){.generation = other, .bytes = {other & 0xff}};
        keyring =
            vault_keyring_open(world->path, VAULT_KEYRING_READ, &world->vault_id, keys, 2, NULL);
        assert_non_null(keyring);
        assert_int_equal(vault_keyring_generation(keyring), 3);
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void a_row_comes_back_in_every_table(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);

    for (VaultKeyringTable table = 0; table < VAULT_KEYRING_TABLE_COUNT; table++) {
        gboolean has = TRUE;

        assert_true(vault_keyring_has(keyring, table, &row, &has, NULL));
        assert_false(has);
        put_row(keyring, table, &row, "first");
        put_row(keyring, table, &row, "second");
        put_row(keyring, table, &other_row, "");
        assert_true(vault_keyring_has(keyring, table, &row, &has, NULL));
        assert_true(has);
    }
    g_clear_pointer(&keyring, vault_keyring_close);
    keyring = world_open(world, VAULT_KEYRING_READ);
    for (VaultKeyringTable table = 0; table < VAULT_KEYRING_TABLE_COUNT; table++) {
        assert_row(keyring, table, &row, "second");
        assert_row(keyring, table, &other_row, "");
    }
}

static void a_removed_row_is_gone(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(GError) get_error = NULL;
    g_autoptr(GError) remove_error = NULL;

    put_row(keyring, VAULT_KEYRING_HOLDS, &row, "value");
    put_row(keyring, VAULT_KEYRING_HOLDS, &other_row, "kept");
    assert_true(vault_keyring_remove(keyring, VAULT_KEYRING_HOLDS, &row, NULL));
    assert_null(vault_keyring_get(keyring, VAULT_KEYRING_HOLDS, &row, &get_error));
    assert_error(get_error, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_keyring_remove(keyring, VAULT_KEYRING_HOLDS, &row, &remove_error));
    assert_error(remove_error, VAULT_ERROR_NOT_FOUND);
    assert_row(keyring, VAULT_KEYRING_HOLDS, &other_row, "kept");
}

static gboolean append_text(const RowId *row_id, const GByteArray *value, gpointer user,
                            GError **error)
{
    g_string_append_printf(user, "%u=", row_id->bytes[0]);
    g_string_append_len(user, (const char *)value->data, value->len);
    g_string_append_c(user, ' ');
    return TRUE;
}

static gboolean refuse_row(const RowId *row_id, const GByteArray *value, gpointer user,
                           GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "enough");
    return FALSE;
}

static void rows_come_oldest_first(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    for (guint8 i = 9; i > 0; i -= 3) {
        RowId id = {{i}};

        put_row(keyring, VAULT_KEYRING_EVENTS, &id, "x");
    }
    /* A value replaced keeps its place. */
    put_row(keyring, VAULT_KEYRING_EVENTS, &(RowId){{9}}, "y");
    assert_true(vault_keyring_each(keyring, VAULT_KEYRING_EVENTS, append_text, text, NULL));
    assert_string_equal(text->str, "9=y 6=x 3=x ");
    assert_false(vault_keyring_each(keyring, VAULT_KEYRING_EVENTS, refuse_row, NULL, &error));
    assert_error(error, VAULT_ERROR_REFUSED);
}

static void a_tombstone_lies_under_the_month_key_id(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMonthValue) month =
        world_add_month(world, keyring, &mailbox->mailbox_id, 202611);
    VaultTombstoneValue tombstone = {
        .mailbox_id = mailbox->mailbox_id, .month = 202611, .dropped_s = SAMPLE_S};
    VaultTombstoneValue found;
    g_autoptr(GByteArray) value = vault_tombstone_value_format(&tombstone);
    GByteArray *stored;
    RowId row_id;

    memcpy(row_id.bytes, month->month_key_id.bytes, VAULT_ID_LEN);
    assert_true(vault_keyring_put(keyring, VAULT_KEYRING_TOMBSTONES, &row_id, value, NULL));
    stored = vault_keyring_get(keyring, VAULT_KEYRING_TOMBSTONES, &row_id, NULL);
    assert_true(vault_tombstone_value_parse(stored->data, stored->len, &found, NULL));
    assert_memory_equal(&found.mailbox_id, &mailbox->mailbox_id, VAULT_ID_LEN);
    assert_int_equal(found.month, 202611);
    vault_value_free(stored);
}

/* ---- mailboxes and months ------------------------------------------------------------------- */

static void mailboxes_and_months_come_back(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMonthValue) month =
        world_add_month(world, keyring, &mailbox->mailbox_id, 202611);
    g_autoptr(VaultMailboxValue) found_mailbox = NULL;
    g_autoptr(VaultMonthValue) found_month = NULL;
    MailboxId owner;
    guint64 mailboxes, months;

    g_clear_pointer(&keyring, vault_keyring_close);
    keyring = world_open(world, VAULT_KEYRING_READ);
    found_mailbox = vault_keyring_get_mailbox(keyring, &mailbox->mailbox_id, NULL);
    assert_string_equal(vault_mailbox_value_primary(found_mailbox), "a@example.org");
    found_month = vault_keyring_get_month(keyring, &month->month_key_id, NULL);
    assert_same_month(month, found_month);
    assert_true(vault_keyring_month_mailbox(keyring, &month->month_key_id, &owner, NULL));
    assert_true(VAULT_ID_EQUAL(owner, mailbox->mailbox_id));
    assert_true(vault_keyring_count(keyring, &mailboxes, &months, NULL));
    assert_int_equal(mailboxes, 1);
    assert_int_equal(months, 1);
}

static void a_month_updated_is_read_as_it_is_now(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMonthValue) month =
        world_add_month(world, keyring, &mailbox->mailbox_id, 202611);

    for (guint32 leaf = 0; leaf < 5; leaf++) {
        g_autoptr(VaultMonthValue) found = NULL;

        month->leaf_mark += VAULT_LEAF_BLOCK;
        assert_true(vault_erasure_tree_puncture(month->tree, 100 * leaf, NULL));
        assert_true(vault_keyring_update_month(keyring, month, NULL));
        found = vault_keyring_get_month(keyring, &month->month_key_id, NULL);
        assert_same_month(month, found);
        assert_true(vault_erasure_tree_is_punctured(found->tree, 100 * leaf));
    }
}

/* Else a reservation would be granted that is written nowhere, and its leaves given twice. */
static void a_month_that_is_not_there_cannot_be_updated(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMonthValue) month = world_make_month(world, &mailbox->mailbox_id, 202611);
    g_autoptr(GError) error = NULL;

    assert_false(vault_keyring_update_month(keyring, month, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
}

static void a_month_needs_its_mailbox(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new("a@example.org", SAMPLE_S);
    g_autoptr(VaultMonthValue) month = world_make_month(world, &mailbox->mailbox_id, 202611);
    g_autoptr(GError) add_error = NULL;
    g_autoptr(GError) update_error = NULL;
    g_autoptr(GError) mailbox_error = NULL;
    g_autoptr(GError) get_error = NULL;

    assert_false(vault_keyring_add_month(keyring, month, &add_error));
    assert_error(add_error, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_keyring_update_month(keyring, month, &update_error));
    assert_error(update_error, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_keyring_update_mailbox(keyring, mailbox, &mailbox_error));
    assert_error(mailbox_error, VAULT_ERROR_NOT_FOUND);
    assert_null(vault_keyring_get_mailbox(keyring, &mailbox->mailbox_id, &get_error));
    assert_error(get_error, VAULT_ERROR_NOT_FOUND);
}

/* A second row key for a mailbox would take everything under the first along. */
static void what_is_there_is_not_added_again(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMonthValue) month =
        world_add_month(world, keyring, &mailbox->mailbox_id, 202611);
    g_autoptr(VaultMonthValue) found = NULL;
    g_autoptr(GError) mailbox_error = NULL;
    g_autoptr(GError) month_error = NULL;

    assert_false(vault_keyring_add_mailbox(keyring, mailbox, &mailbox_error));
    assert_error(mailbox_error, VAULT_ERROR_REFUSED);
    assert_false(vault_keyring_add_month(keyring, month, &month_error));
    assert_error(month_error, VAULT_ERROR_REFUSED);
    found = vault_keyring_get_month(keyring, &month->month_key_id, NULL);
    assert_same_month(month, found);
}

static void the_newest_key_of_a_month_is_found(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMailboxValue) other = world_add_mailbox(keyring, "b@example.org");
    g_autoptr(VaultMonthValue) old = world_add_month(world, keyring, &mailbox->mailbox_id, 202611);
    g_autoptr(VaultMonthValue) new = world_add_month(world, keyring, &mailbox->mailbox_id, 202611);
    g_autoptr(VaultMonthValue) next = world_add_month(world, keyring, &mailbox->mailbox_id, 202612);
    g_autoptr(VaultMonthValue) found =
        vault_keyring_find_month(keyring, &mailbox->mailbox_id, 202611, NULL);
    g_autoptr(GError) month_error = NULL;
    g_autoptr(GError) mailbox_error = NULL;

    assert_same_month(new, found);
    assert_null(vault_keyring_find_month(keyring, &mailbox->mailbox_id, 202610, &month_error));
    assert_error(month_error, VAULT_ERROR_NOT_FOUND);
    assert_null(vault_keyring_find_month(keyring, &other->mailbox_id, 202611, &mailbox_error));
    assert_error(mailbox_error, VAULT_ERROR_NOT_FOUND);
}

static gboolean count_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    g_string_append_printf(user, "%u ", month->month);
    return TRUE;
}

static gboolean count_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    g_string_append_printf(user, "%s ", vault_mailbox_value_primary(mailbox));
    return TRUE;
}

static void each_month_and_mailbox_is_visited(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) one = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMailboxValue) two = world_add_mailbox(keyring, "b@example.org");
    g_autoptr(VaultMonthValue) first = world_add_month(world, keyring, &one->mailbox_id, 202611);
    g_autoptr(VaultMonthValue) second = world_add_month(world, keyring, &two->mailbox_id, 202609);
    g_autoptr(VaultMonthValue) third = world_add_month(world, keyring, &one->mailbox_id, 202610);
    g_autoptr(GString) all = g_string_new(NULL);
    g_autoptr(GString) of_one = g_string_new(NULL);
    g_autoptr(GString) mailboxes = g_string_new(NULL);

    assert_true(vault_keyring_each_month(keyring, NULL, count_month, all, NULL));
    assert_string_equal(all->str, "202611 202609 202610 ");
    assert_true(vault_keyring_each_month(keyring, &one->mailbox_id, count_month, of_one, NULL));
    assert_string_equal(of_one->str, "202611 202610 ");
    assert_true(vault_keyring_each_mailbox(keyring, count_mailbox, mailboxes, NULL));
    assert_string_equal(mailboxes->str, "a@example.org b@example.org ");
}

static void a_closed_mailbox_is_read_as_closed(void **state)
{
    g_autoptr(KeyringWorld) world = keyring_world_new();
    g_autoptr(VaultKeyring) keyring = world_open(world, VAULT_KEYRING_WRITE);
    g_autoptr(VaultMailboxValue) mailbox = world_add_mailbox(keyring, "a@example.org");
    g_autoptr(VaultMailboxValue) found = NULL;

    mailbox->state = VAULT_MAILBOX_CLOSED;
    mailbox->closed_s = SAMPLE_S + 1;
    assert_true(vault_keyring_update_mailbox(keyring, mailbox, NULL));
    found = vault_keyring_get_mailbox(keyring, &mailbox->mailbox_id, NULL);
    assert_int_equal(found->state, VAULT_MAILBOX_CLOSED);
    assert_int_equal(found->closed_s, SAMPLE_S + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_keyring_opens_with_its_key),
        cmocka_unit_test(a_file_that_is_there_is_not_overwritten),
        cmocka_unit_test(no_keyring_is_not_found),
        cmocka_unit_test(another_vault_key_opens_nothing),
        cmocka_unit_test(of_two_generations_the_fitting_one_opens),
        cmocka_unit_test(a_row_comes_back_in_every_table),
        cmocka_unit_test(a_removed_row_is_gone),
        cmocka_unit_test(rows_come_oldest_first),
        cmocka_unit_test(a_tombstone_lies_under_the_month_key_id),
        cmocka_unit_test(mailboxes_and_months_come_back),
        cmocka_unit_test(a_month_updated_is_read_as_it_is_now),
        cmocka_unit_test(a_month_that_is_not_there_cannot_be_updated),
        cmocka_unit_test(a_month_needs_its_mailbox),
        cmocka_unit_test(what_is_there_is_not_added_again),
        cmocka_unit_test(the_newest_key_of_a_month_is_found),
        cmocka_unit_test(each_month_and_mailbox_is_visited),
        cmocka_unit_test(a_closed_mailbox_is_read_as_closed),
    };

    return run_crypto_tests(tests);
}
