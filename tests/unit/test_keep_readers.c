/* What a standing reader gets: keys of which months, releases of which messages. */
#include "tests/unit/standing_world.h"

static void months_made_after_he_was_added_are_his_and_no_other(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry old = release_world_deliver(world, "old", "a@example.org");
    VaultCopyEntry same_month, new, others;
    g_autofree char *grant = standing_grant(world, &world->anna, "a@example.org");
    g_autofree char *text = NULL;

    must_add(world, grant);
    same_month = release_world_deliver(world, "same month", "a@example.org");
    assert_int_equal(month_count(world, grant), 0);
    keep_fixture_set_now(DECEMBER_S);
    new = release_world_deliver(world, "new", "a@example.org");
    others = release_world_deliver(world, "another's", "b@example.org");
    assert_int_equal(month_count(world, grant), 1);
    text = read_message(world, grant, &world->anna, &new);
    assert_string_equal(text, "new");
    assert_int_equal(release_world_refusal(world, grant, &old.record_id), VAULT_ERROR_REFUSED);
    assert_int_equal(release_world_refusal(world, grant, &same_month.record_id),
                     VAULT_ERROR_REFUSED);
    assert_int_equal(release_world_refusal(world, grant, &others.record_id), VAULT_ERROR_REFUSED);
}

static void reader_of_the_vault_has_new_mailboxes_at_once(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = standing_grant(world, &world->anna, NULL);
    g_autofree char *text = NULL;
    VaultCopyEntry entry;

    must_add(world, grant);
    entry = release_world_deliver(world, "first", "new@example.org");
    text = read_message(world, grant, &world->anna, &entry);
    assert_string_equal(text, "first");
}

static void reader_is_still_there_after_a_crash(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = standing_grant(world, &world->anna, NULL);
    g_autofree char *text = NULL;
    VaultCopyEntry entry;

    must_add(world, grant);
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    entry = release_world_deliver(world, "first", "new@example.org");
    text = read_message(world, grant, &world->anna, &entry);
    assert_string_equal(text, "first");
}

static void keys_made_ahead_before_are_said_to_be_missing(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = NULL;
    g_autoptr(GPtrArray) readers = NULL, coverages = NULL;
    const VaultReaderCoverage *first, *second, *unassigned;
    guint made;

    release_world_deliver(world, "message", "a@example.org");
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + 11 * DAY_S); /* 2026-11-29 */
    assert_true(
        vault_keep_prepare_next_month(world->fixture->keep, keep_fixture_now(), &made, NULL));
    release_world_deliver(world, "message", "b@example.org");
    grant = standing_grant(world, &world->anna, NULL);
    must_add(world, grant);
    readers = vault_keep_readers(world->fixture->keep, NULL);
    coverages =
        vault_keep_reader_coverage(world->fixture->keep, g_ptr_array_index(readers, 0), NULL);
    assert_int_equal(coverages->len, 3);
    first = second = unassigned = NULL;
    for (guint i = 0; i < coverages->len; i++) {
        const VaultReaderCoverage *coverage = g_ptr_array_index(coverages, i);

        if (coverage->address == NULL)
            unassigned = coverage;
        else if (g_str_equal(coverage->address, "a@example.org"))
            first = coverage;
        else
            second = coverage;
    }
    assert_int_equal(first->from, 202701);
    assert_int_equal(second->from, 202612);
    assert_int_equal(unassigned->from, 202701);
}

static void keys_made_ahead_after_are_his(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = standing_grant(world, &world->anna, NULL);
    guint made;

    release_world_deliver(world, "message", "a@example.org");
    must_add(world, grant);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + 11 * DAY_S);
    assert_true(
        vault_keep_prepare_next_month(world->fixture->keep, keep_fixture_now(), &made, NULL));
    assert_int_equal(made, 2);
    assert_int_equal(month_count(world, grant), 2);
}

static void period_and_expiry_end_the_keys(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultRequestFile *until = standing_request(world, &world->anna);
    VaultRequestFile *expiring = standing_request(world, &world->bert);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    VaultCopyEntry entry;

    until->to_s = vault_month_start(202612) + 1;
    expiring->expires_s = JANUARY_S;
    first = release_world_grant_of(world, until);
    second = release_world_grant_of(world, expiring);
    must_add(world, first);
    must_add(world, second);
    keep_fixture_set_now(DECEMBER_S);
    entry = release_world_deliver(world, "december", "a@example.org");
    assert_int_equal(month_count(world, first), 1);
    assert_int_equal(month_count(world, second), 1);
    /* The month is his, the message came after the period. */
    assert_int_equal(release_world_refusal(world, first, &entry.record_id), VAULT_ERROR_REFUSED);
    keep_fixture_set_now(JANUARY_S);
    release_world_deliver(world, "january", "a@example.org");
    assert_int_equal(wrap_count(world, "a@example.org"), 2);
    assert_int_equal(release_world_refusal(world, second, &entry.record_id), VAULT_ERROR_REFUSED);
}

static void months_come_in_pages_and_each_once(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *text = standing_grant(world, &world->anna, NULL);
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(text, strlen(text), NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    VaultReaderPosition position = {.is_set = FALSE};
    guint got;

    must_add(world, text);
    for (guint i = 0; i < 3; i++) {
        keep_fixture_set_now(KEEP_FIXTURE_NOW_S + i * 31 * DAY_S);
        for (char name = 'a'; name <= 'c'; name++) {
            g_autofree char *address = g_strdup_printf("%c@example.org", name);

            release_world_deliver(world, address, address);
        }
    }
    do {
        g_autoptr(GPtrArray) page =
            g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);

        assert_true(
            vault_keep_reader_months(world->fixture->keep, grant, &position, 2, page, NULL));
        got = page->len;
        for (guint i = 0; i < got; i++) {
            const VaultMonthKeys *month = g_ptr_array_index(page, i);

            assert_true(g_hash_table_add(seen, g_memdup2(&month->month_key_id, VAULT_ID_LEN)));
        }
    } while (got == 2);
    assert_int_equal(got, 1);
    assert_int_equal(g_hash_table_size(seen), 9);
}

static void erased_copies_of_his_mailbox_are_said_to_be_and_no_others(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry mine, others;
    g_autofree char *grant = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultOpenedRelease) release = NULL;

    release_world_deliver(world, "before", "a@example.org");
    grant = standing_grant(world, &world->anna, "a@example.org");
    must_add(world, grant);
    keep_fixture_set_now(DECEMBER_S);
    mine = release_world_deliver(world, "mine", "a@example.org");
    others = release_world_deliver(world, "another's", "b@example.org");
    keep_damage_drop_month(world->fixture, &mine.month_key_id);
    keep_damage_drop_month(world->fixture, &others.month_key_id);
    sealed = release_world_ask(world, grant, &mine.record_id, 1, NULL);
    assert_non_null(sealed);
    release = release_world_open(world, grant, &world->anna, sealed, NULL);
    assert_int_equal(g_array_index(release->slots, VaultReleasedSlot, 0).state,
                     VAULT_RELEASE_ERASED);
    assert_int_equal(release_world_refusal(world, grant, &others.record_id), VAULT_ERROR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(months_made_after_he_was_added_are_his_and_no_other),
        TEST(reader_of_the_vault_has_new_mailboxes_at_once),
        TEST(reader_is_still_there_after_a_crash),
        TEST(keys_made_ahead_before_are_said_to_be_missing),
        TEST(keys_made_ahead_after_are_his),
        TEST(period_and_expiry_end_the_keys),
        TEST(months_come_in_pages_and_each_once),
        TEST(erased_copies_of_his_mailbox_are_said_to_be_and_no_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
