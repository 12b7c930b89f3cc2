/* Releases of terms, and case keys, while calls of the operating system fail, one after the other:
 * none is given that the log does not know of, a key that was given once stays the same, and the
 * vault goes on. */
#include "tests/unit/failing_calls.h"
#include "tests/unit/search_world.h"

static void assert_is_logged(ReleaseWorld *world, guint64 index, VaultLoggedAct act)
{
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
    VaultEntry entry;

    assert_true(index < vault_log_reader_checkpoint(log)->size);
    entry = release_world_entry(log, index);
    assert_int_equal(entry.act, act);
}

/* As a process that is killed, every third time. */
static void crash_now_and_then(ReleaseWorld *world, int nth)
{
    if (nth % 3 != 1)
        return;
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
}

static void no_words_without_their_entry_whatever_call_fails(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    gboolean is_over = FALSE;
    int nth = 0;

    for (; !is_over; nth++) {
        g_autoptr(GBytes) sealed = NULL;
        g_autoptr(GError) error = NULL;

        arm(nth, nth % 2 ? EIO : ENOSPC);
        sealed = search_world_ask(world, grant, &delivery.entries[0].terms_id, 1, &error);
        disarm();
        is_over = !has_failed;
        assert_true(sealed != NULL || error->domain == VAULT_ERROR);
        crash_now_and_then(world, nth);
        if (sealed != NULL) {
            g_autoptr(VaultOpenedRelease) release =
                search_world_open(world, grant, &world->anna, sealed, NULL);

            assert_is_logged(world, release->log_index, VAULT_LOGGED_SEARCH);
        }
    }
    assert_true(nth > 8);
}

static void case_key_is_logged_and_stays_the_same_whatever_call_fails(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_auto(VaultOpenedCaseKey) first = {.log_index = 0};
    gboolean is_over = FALSE, has_first = FALSE;
    VaultHash hash;
    int nth = 0;

    vault_hash(grant, strlen(grant), &hash);
    for (; !is_over; nth++) {
        g_autoptr(GBytes) sealed = NULL;
        g_autoptr(GError) error = NULL;
        g_auto(VaultOpenedCaseKey) key = {.log_index = 0};

        arm(nth, nth % 2 ? EIO : ENOSPC);
        (void)vault_keep_case_key(world->fixture->keep, grant, strlen(grant), &sealed, &error);
        disarm();
        is_over = !has_failed;
        assert_true(sealed != NULL || error->domain == VAULT_ERROR);
        crash_now_and_then(world, nth);
        if (sealed == NULL)
            continue;
        assert_true(vault_case_key_open(&world->anna, vault_keep_id(world->fixture->keep), &hash,
                                        sealed, &key, NULL));
        assert_is_logged(world, key.log_index, VAULT_LOGGED_CASE_OPENED);
        assert_true(!has_first || memcmp(&first.key, &key.key, sizeof key.key) == 0);
        first = key;
        has_first = TRUE;
    }
    assert_true(nth > 8 && has_first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_words_without_their_entry_whatever_call_fails),
        cmocka_unit_test(case_key_is_logged_and_stays_the_same_whatever_call_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
