/* Standing readers added and removed while calls of the operating system fail, one after the other:
 * who is one was logged before, who was removed gets no key, and keyring and memory say the same.
 */
#include "tests/unit/failing_calls.h"
#include "tests/unit/standing_world.h"

/* Of the vault, and each another one. */
static char *numbered_grant(ReleaseWorld *world, int number)
{
    VaultRequestFile *request = standing_request(world, &world->anna);

    g_free(request->case_id);
    request->case_id = g_strdup_printf("case %d", number);
    return release_world_grant_of(world, request);
}

static guint reader_count(ReleaseWorld *world)
{
    g_autoptr(GPtrArray) readers = vault_keep_readers(world->fixture->keep, NULL);

    return readers->len;
}

/* The month that mail of a new mailbox makes is wrapped to him when he is in the keyring. */
static void assert_wraps_fit(ReleaseWorld *world, int number)
{
    g_autofree char *address = g_strdup_printf("a%d@example.org", number);

    release_world_deliver(world, address, address);
    assert_int_equal(wrap_count(world, address), reader_count(world) > 0 ? 1 : 0);
}

static void start_anew_sometimes(ReleaseWorld *world, int number)
{
    if (number % 3 != 1)
        return;
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
}

/* TRUE: no call was left to fail. */
static gboolean add_with_failure(ReleaseWorld *world, int nth, int number)
{
    g_autofree char *grant = numbered_grant(world, nth);
    g_autoptr(GError) error = NULL;
    gboolean is_added;
    RowId id;

    arm(nth, number);
    is_added = vault_keep_add_reader(world->fixture->keep, grant, strlen(grant), &id, &error);
    disarm();
    assert_true(is_added || error->domain == VAULT_ERROR);
    assert_true(!is_added || reader_count(world) == 1);
    start_anew_sometimes(world, nth);
    assert_true(logged(world, VAULT_LOGGED_READER_ADDED, NULL) >= reader_count(world));
    assert_wraps_fit(world, 2 * nth);
    return !has_failed;
}

static gboolean remove_with_failure(ReleaseWorld *world, const RowId *id, int nth, int number)
{
    guint before = logged(world, VAULT_LOGGED_READER_REMOVED, NULL);
    g_autoptr(GError) error = NULL;
    gboolean is_removed;

    arm(nth, number);
    is_removed = vault_keep_remove_reader(world->fixture->keep, id, &error);
    disarm();
    assert_true(is_removed || error->domain == VAULT_ERROR);
    assert_true(!is_removed || reader_count(world) == 0);
    start_anew_sometimes(world, nth);
    if (reader_count(world) == 0)
        assert_true(logged(world, VAULT_LOGGED_READER_REMOVED, NULL) > before);
    assert_wraps_fit(world, 2 * nth + 1);
    return !has_failed;
}

static void readers_come_and_go_whatever_call_fails(void **state)
{
    const int numbers[] = {EIO, ENOSPC};

    for (gsize e = 0; e < G_N_ELEMENTS(numbers); e++) {
        g_autoptr(ReleaseWorld) world = release_world_new();
        gboolean is_over = FALSE;
        int nth = 0;

        for (; !is_over; nth++) {
            g_autofree char *grant = numbered_grant(world, nth);
            gboolean is_add_over = add_with_failure(world, nth, numbers[e]);
            RowId id = must_add(world, grant);

            is_over = remove_with_failure(world, &id, nth, numbers[e]) && is_add_over;
            if (reader_count(world) > 0)
                assert_true(vault_keep_remove_reader(world->fixture->keep, &id, NULL));
        }
        assert_true(nth > 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_come_and_go_whatever_call_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
