/* Keys of the keyring replaced: what lay under the old ones opens no more, the rest is as it was,
 * and wherever it stops one vault key opens the file, just one. */
#include "tests/unit/keyring_world.h"

#include "vault/store/keyring_roll.h"
#include "vault/store/keyring_rows.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/wait.h>

static const RowId hold_row = {{1}}, event_row = {{2}};

/* ---- calls that fail, or end the program ---------------------------------------------------- */

static int calls_left = -1; /* -1: none */
static gboolean is_killed;  /* else the call fails */
static gboolean was_reached;

static gboolean must_fail(void)
{
    if (calls_left < 0 || calls_left-- > 0)
        return FALSE;
    if (is_killed)
        _exit(99);
    was_reached = TRUE;
    errno = EIO;
    return TRUE;
}

int fdatasync(int fd)
{
    static int (*real)(int);

    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return must_fail() ? -1 : real(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);

    if (real == NULL)
        real = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    return must_fail() ? -1 : real(fd, bytes, len, offset);
}

/* ---- a keyring with two mailboxes ----------------------------------------------------------- */

typedef struct {
    KeyringWorld *world;
    VaultKeyring *keyring;
    VaultKey next;
    VaultMailboxValue *mailbox, *other;
    VaultMonthValue *first, *second, *of_other;
} Fixture;

static void fixture_clear(Fixture *fixture)
{
    vault_keyring_close(fixture->keyring);
    vault_mailbox_value_free(fixture->mailbox);
    vault_mailbox_value_free(fixture->other);
    vault_month_value_free(fixture->first);
    vault_month_value_free(fixture->second);
    vault_month_value_free(fixture->of_other);
    keyring_world_free(fixture->world);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static void fixture_fill(Fixture *fixture)
{
    KeyringWorld *world = fixture->world = keyring_world_new();

    fixture->keyring = world_open(world, VAULT_KEYRING_WRITE);
    fixture->next.generation = world->key.generation + 1;
    vault_random(fixture->next.bytes, VAULT_KEY_LEN);
    fixture->mailbox = world_add_mailbox(fixture->keyring, "a@example.org");
    fixture->other = world_add_mailbox(fixture->keyring, "b@example.org");
    fixture->first =
        world_add_month(world, fixture->keyring, &fixture->mailbox->mailbox_id, 202601);
    fixture->of_other =
        world_add_month(world, fixture->keyring, &fixture->other->mailbox_id, 202601);
    fixture->second =
        world_add_month(world, fixture->keyring, &fixture->mailbox->mailbox_id, 202602);
    put_row(fixture->keyring, VAULT_KEYRING_HOLDS, &hold_row, "hold");
    put_row(fixture->keyring, VAULT_KEYRING_EVENTS, &event_row, "event");
}

static gboolean opens_under(Fixture *fixture, const VaultKey *key)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeyring) keyring = vault_keyring_open(fixture->world->path, VAULT_KEYRING_READ,
                                                         &fixture->world->vault_id, key, 1, &error);

    if (keyring == NULL)
        assert_error(error, VAULT_ERROR_NO_KEY);
    return keyring != NULL;
}

static void assert_opens_under(Fixture *fixture, const VaultKey *key)
{
    const VaultKey *other = key == &fixture->next ? &fixture->world->key : &fixture->next;

    assert_true(opens_under(fixture, key));
    assert_false(opens_under(fixture, other));
}

/* Everything but what a test changed on purpose. */
static void assert_rest(VaultKeyring *keyring, const Fixture *fixture)
{
    g_autoptr(VaultMonthValue) of_other =
        vault_keyring_get_month(keyring, &fixture->of_other->month_key_id, NULL);
    g_autoptr(VaultMailboxValue) mailbox =
        vault_keyring_get_mailbox(keyring, &fixture->mailbox->mailbox_id, NULL);
    g_autoptr(VaultMonthValue) second =
        vault_keyring_get_month(keyring, &fixture->second->month_key_id, NULL);

    assert_same_month(of_other, fixture->of_other);
    assert_same_month(second, fixture->second);
    assert_non_null(mailbox);
    assert_string_equal(vault_mailbox_value_primary(mailbox), "a@example.org");
    assert_row(keyring, VAULT_KEYRING_HOLDS, &hold_row, "hold");
}

/* The whole of an erasure: leaf 7 of the first month, under the next vault key. */
static gboolean erase_leaf(Fixture *fixture, GError **error)
{
    VaultKeyring *keyring = fixture->keyring;
    g_autoptr(VaultMonthValue) month = NULL;
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, error);

    if (change == NULL || !vault_keyring_roll(keyring, &fixture->next, error))
        return FALSE;
    month = vault_keyring_get_month(keyring, &fixture->first->month_key_id, error);
    return month != NULL && vault_erasure_tree_puncture(month->tree, 7, error) &&
           vault_keyring_update_month(keyring, month, error) &&
           vault_keyring_renew_mailbox(keyring, &month->mailbox_id, error) &&
           vault_keyring_renew_vault_row_key(keyring, error) &&
           vault_keyring_commit(g_steal_pointer(&change), error);
}

static gboolean is_leaf_erased(VaultKeyring *keyring, const Fixture *fixture)
{
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(keyring, &fixture->first->month_key_id, NULL);

    assert_non_null(month);
    return vault_erasure_tree_is_punctured(month->tree, 7);
}

static VaultKeyring *reopen(Fixture *fixture, const VaultKey *key)
{
    g_clear_pointer(&fixture->keyring, vault_keyring_close);
    fixture->keyring = vault_keyring_open(fixture->world->path, VAULT_KEYRING_WRITE,
                                          &fixture->world->vault_id, key, 1, NULL);
    assert_non_null(fixture->keyring);
    return fixture->keyring;
}

/* ---- the tests ------------------------------------------------------------------------------ */

static void after_an_erasure_only_the_next_vault_key_opens(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    g_autoptr(GError) error = NULL;

    fixture_fill(&fixture);
    if (!erase_leaf(&fixture, &error))
        fail_msg("%s", error->message);
    assert_opens_under(&fixture, &fixture.next);
    assert_int_equal(vault_keyring_generation(fixture.keyring), fixture.next.generation);
    for (guint i = 0; i < 2; i++) {
        assert_rest(fixture.keyring, &fixture);
        assert_true(is_leaf_erased(fixture.keyring, &fixture));
        reopen(&fixture, &fixture.next);
    }
}

static void all_can_be_sealed_anew(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    VaultKeyringChange *change;

    fixture_fill(&fixture);
    change = vault_keyring_begin(fixture.keyring, NULL);
    assert_true(vault_keyring_roll(fixture.keyring, &fixture.next, NULL));
    assert_true(vault_keyring_renew_all(fixture.keyring, NULL));
    assert_true(vault_keyring_commit(change, NULL));
    assert_opens_under(&fixture, &fixture.next);
    for (guint i = 0; i < 2; i++) {
        assert_rest(fixture.keyring, &fixture);
        assert_false(is_leaf_erased(fixture.keyring, &fixture));
        reopen(&fixture, &fixture.next);
    }
    assert_int_equal(world_count(fixture.world, "SELECT min(row_version) FROM months"), 3);
    assert_int_equal(world_count(fixture.world, "SELECT min(row_version) FROM mailboxes"), 2);
    assert_int_equal(world_count(fixture.world, "SELECT min(row_version) FROM holds"), 2);
}

static void an_abandoned_change_leaves_the_keys_as_they_were(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    VaultKeyringChange *change;

    fixture_fill(&fixture);
    change = vault_keyring_begin(fixture.keyring, NULL);
    assert_true(vault_keyring_roll(fixture.keyring, &fixture.next, NULL));
    assert_true(vault_keyring_renew_mailbox(fixture.keyring, &fixture.mailbox->mailbox_id, NULL));
    assert_true(vault_keyring_renew_vault_row_key(fixture.keyring, NULL));
    vault_keyring_change_free(change);
    assert_opens_under(&fixture, &fixture.world->key);
    assert_int_equal(vault_keyring_generation(fixture.keyring), fixture.world->key.generation);
    assert_rest(fixture.keyring, &fixture);
    put_row(fixture.keyring, VAULT_KEYRING_HOLDS, &hold_row, "hold");
    assert_rest(reopen(&fixture, &fixture.world->key), &fixture);
}

/* Somebody who kept the old vault key and the old tables of row keys puts them beside the new
 * values: those lie under row keys that he does not have. */
static void old_row_keys_open_nothing_that_was_sealed_anew(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    g_autofree char *saved = NULL;
    g_autofree char *script = NULL;
    g_autoptr(GError) month_error = NULL;
    g_autoptr(GError) row_error = NULL;
    g_autoptr(VaultMonthValue) month = NULL;
    g_autoptr(VaultMonthValue) of_other = NULL;
    VaultKeyring *keyring;

    fixture_fill(&fixture);
    saved = g_strconcat(fixture.world->folder, "/saved", NULL);
    script = g_strdup_printf("VACUUM INTO '%s'", saved);
    world_tamper(fixture.world, script);
    assert_true(erase_leaf(&fixture, NULL));
    g_clear_pointer(&fixture.keyring, vault_keyring_close);
    g_free(script);
    script = g_strdup_printf("ATTACH '%s' AS saved; DELETE FROM row_keys; DELETE FROM generation;"
                             "INSERT INTO row_keys SELECT * FROM saved.row_keys;"
                             "INSERT INTO generation SELECT * FROM saved.generation;",
                             saved);
    world_tamper(fixture.world, script);
    unlink(saved);

    keyring = reopen(&fixture, &fixture.world->key);
    month = vault_keyring_get_month(keyring, &fixture.first->month_key_id, &month_error);
    assert_null(month);
    assert_error(month_error, VAULT_ERROR_CORRUPT);
    assert_null(vault_keyring_get(keyring, VAULT_KEYRING_HOLDS, &hold_row, &row_error));
    assert_error(row_error, VAULT_ERROR_CORRUPT);
    /* Whose mailbox was not touched, he still has. */
    of_other = vault_keyring_get_month(keyring, &fixture.of_other->month_key_id, NULL);
    assert_same_month(of_other, fixture.of_other);
}

static void a_dropped_month_leaves_its_tombstone(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) update_error = NULL;
    g_autoptr(GError) again = NULL;
    VaultTombstoneValue tombstone = {.month = 202601, .dropped_s = SAMPLE_S};
    VaultKeyringChange *change;
    gboolean has = FALSE;
    RowId row_id;

    fixture_fill(&fixture);
    tombstone.mailbox_id = fixture.mailbox->mailbox_id;
    memcpy(row_id.bytes, fixture.first->month_key_id.bytes, VAULT_ID_LEN);
    change = vault_keyring_begin(fixture.keyring, NULL);
    assert_true(
        vault_keyring_drop_month(fixture.keyring, &fixture.first->month_key_id, &tombstone, NULL));
    assert_false(vault_keyring_drop_month(fixture.keyring, &fixture.first->month_key_id, &tombstone,
                                          &again));
    assert_error(again, VAULT_ERROR_NOT_FOUND);
    assert_true(vault_keyring_commit(change, NULL));
    assert_null(vault_keyring_get_month(fixture.keyring, &fixture.first->month_key_id, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_keyring_update_month(fixture.keyring, fixture.first, &update_error));
    assert_error(update_error, VAULT_ERROR_NOT_FOUND);
    assert_true(vault_keyring_has(fixture.keyring, VAULT_KEYRING_TOMBSTONES, &row_id, &has, NULL));
    assert_true(has);
    assert_rest(fixture.keyring, &fixture);
}

static void only_the_following_generation_is_taken(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    g_autoptr(VaultKeyringChange) change = NULL;

    fixture_fill(&fixture);
    change = vault_keyring_begin(fixture.keyring, NULL);
    for (guint i = 0; i < 3; i++) {
        static const int steps[] = {-1, 0, 2};
        g_autoptr(GError) error = NULL;
        VaultKey key = fixture.next;

        key.generation = (guint32)((int)fixture.world->key.generation + steps[i]);
        assert_false(vault_keyring_roll(fixture.keyring, &key, &error));
        assert_error(error, VAULT_ERROR_REFUSED);
    }
}

static void a_mailbox_that_is_not_there_cannot_be_renewed(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    g_autoptr(VaultKeyringChange) change = NULL;
    g_autoptr(GError) error = NULL;
    MailboxId none = {{9}};

    fixture_fill(&fixture);
    change = vault_keyring_begin(fixture.keyring, NULL);
    assert_false(vault_keyring_renew_mailbox(fixture.keyring, &none, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
}

/* A row that does not open would be lost for ever with its row key. */
static void over_a_damaged_row_nothing_is_replaced(void **state)
{
    static const char *const damages[] = {
        "UPDATE row_keys SET row_version = row_version + 1",
        "UPDATE months SET sealed = zeroblob(100)",
        "UPDATE holds SET sealed = zeroblob(100)",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_auto(Fixture) fixture = {.world = NULL};
        g_autoptr(GError) error = NULL;

        fixture_fill(&fixture);
        world_tamper(fixture.world, damages[i]);
        assert_false(erase_leaf(&fixture, &error));
        assert_error(error, VAULT_ERROR_CORRUPT);
        assert_int_equal(vault_keyring_generation(fixture.keyring), fixture.world->key.generation);
        assert_int_equal(world_count(fixture.world, "SELECT max(row_version) FROM generation"), 1);
    }
}

static void another_process_that_reads_is_told_to_try_again(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    g_autoptr(VaultKeyring) reader = NULL;
    g_autoptr(VaultMonthValue) month = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) row_error = NULL;

    fixture_fill(&fixture);
    reader = world_open(fixture.world, VAULT_KEYRING_READ);
    assert_rest(reader, &fixture);
    assert_true(erase_leaf(&fixture, NULL));
    month = vault_keyring_get_month(reader, &fixture.first->month_key_id, &error);
    assert_null(month);
    assert_error(error, VAULT_ERROR_BUSY);
    assert_null(vault_keyring_get(reader, VAULT_KEYRING_HOLDS, &hold_row, &row_error));
    assert_error(row_error, VAULT_ERROR_BUSY);
}

static void settled_the_log_is_empty_unless_somebody_reads(void **state)
{
    g_auto(Fixture) fixture = {.world = NULL};
    g_autofree char *log = NULL;
    g_autoptr(VaultSql) reader = NULL;
    g_autoptr(GError) error = NULL;
    struct stat status;

    fixture_fill(&fixture);
    log = g_strconcat(fixture.world->path, "-wal", NULL);
    reader = vault_sql_open(fixture.world->path, VAULT_SQL_READ, NULL, 0, NULL);
    assert_true(vault_sql_exec(reader, "BEGIN; SELECT count(*) FROM months;", NULL));
    assert_true(erase_leaf(&fixture, NULL));
    assert_false(vault_keyring_settle(fixture.keyring, &error));
    assert_error(error, VAULT_ERROR_BUSY);
    assert_true(vault_sql_exec(reader, "COMMIT", NULL));
    assert_true(vault_keyring_settle(fixture.keyring, NULL));
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_rest(fixture.keyring, &fixture);
}

/* ---- at each call --------------------------------------------------------------------------- */

/* What is there afterwards is of one piece. */
static void assert_whole(Fixture *fixture)
{
    gboolean is_next = opens_under(fixture, &fixture->next);
    VaultKeyring *keyring;

    assert_opens_under(fixture, is_next ? &fixture->next : &fixture->world->key);
    keyring = reopen(fixture, is_next ? &fixture->next : &fixture->world->key);
    assert_rest(keyring, fixture);
    assert_int_equal(is_leaf_erased(keyring, fixture), is_next);
    assert_true(vault_keyring_check(keyring, NULL));
}

static void whichever_call_fails_one_vault_key_opens(void **state)
{
    int nth = 0;

    do {
        g_auto(Fixture) fixture = {.world = NULL};
        gboolean is_done;

        fixture_fill(&fixture);
        was_reached = FALSE;
        calls_left = nth++;
        is_done = erase_leaf(&fixture, NULL);
        calls_left = -1;
        assert_int_equal(is_done, !was_reached);
        /* It goes on under the keys that the file is under. */
        assert_rest(fixture.keyring, &fixture);
        put_row(fixture.keyring, VAULT_KEYRING_HOLDS, &hold_row, "hold");
        assert_int_equal(is_leaf_erased(fixture.keyring, &fixture), is_done);
        assert_whole(&fixture);
    } while (was_reached);
    assert_true(nth > 3);
}

static int erase_and_die(Fixture *fixture, int nth)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        is_killed = TRUE;
        calls_left = nth;
        fixture->keyring = world_open(fixture->world, VAULT_KEYRING_WRITE);
        _exit(erase_leaf(fixture, NULL) && vault_keyring_settle(fixture->keyring, NULL) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void wherever_it_is_killed_one_vault_key_opens(void **state)
{
    guint old_count = 0, next_count = 0;
    int status = 99;

    for (int nth = 0; status == 99; nth++) {
        g_auto(Fixture) fixture = {.world = NULL};

        fixture_fill(&fixture);
        g_clear_pointer(&fixture.keyring, vault_keyring_close);
        status = erase_and_die(&fixture, nth);
        assert_whole(&fixture);
        if (vault_keyring_generation(fixture.keyring) == fixture.next.generation)
            next_count++;
        else
            old_count++;
    }
    assert_int_equal(status, 0);
    assert_true(old_count > 0 && next_count > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_an_erasure_only_the_next_vault_key_opens),
        cmocka_unit_test(all_can_be_sealed_anew),
        cmocka_unit_test(an_abandoned_change_leaves_the_keys_as_they_were),
        cmocka_unit_test(old_row_keys_open_nothing_that_was_sealed_anew),
        cmocka_unit_test(a_dropped_month_leaves_its_tombstone),
        cmocka_unit_test(only_the_following_generation_is_taken),
        cmocka_unit_test(a_mailbox_that_is_not_there_cannot_be_renewed),
        cmocka_unit_test(over_a_damaged_row_nothing_is_replaced),
        cmocka_unit_test(another_process_that_reads_is_told_to_try_again),
        cmocka_unit_test(settled_the_log_is_empty_unless_somebody_reads),
        cmocka_unit_test(whichever_call_fails_one_vault_key_opens),
        cmocka_unit_test(wherever_it_is_killed_one_vault_key_opens),
    };

    return run_crypto_tests(tests);
}
