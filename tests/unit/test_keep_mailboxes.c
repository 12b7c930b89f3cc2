/* Mailboxes: made with their keys on first mail, capped by the hour; next month's keys; listing. */
#include "tests/support/keep_damage.h"

#include "vault/keep/internal.h"

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define DAY KEEP_FIXTURE_DAY_S

static VaultResolution resolve(KeepFixture *fixture, const char *address, MailboxId *ret_mailbox)
{
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    g_autoptr(GError) error = NULL;
    VaultResolution resolution;

    if (!depository->resolve(depository, address, ret_mailbox, &resolution, &error))
        fail_msg("%s", error->message);
    return resolution;
}

static MailboxId unassigned(KeepFixture *fixture)
{
    MailboxId mailbox;

    assert_true(vault_keep_find_mailbox(fixture->keep, "unassigned", &mailbox, NULL));
    return mailbox;
}

static void mailbox_is_made_once_and_found_again(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId first, again, found;
    g_autofree char *hex = NULL;

    assert_int_equal(resolve(fixture, ANNA, &first), VAULT_RESOLVE_CREATED);
    assert_int_equal(resolve(fixture, ANNA, &again), VAULT_RESOLVE_FOUND);
    assert_true(VAULT_ID_EQUAL(first, again));
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(resolve(fixture, ANNA, &again), VAULT_RESOLVE_FOUND);
    assert_true(VAULT_ID_EQUAL(first, again));
    assert_true(vault_keep_find_mailbox(fixture->keep, ANNA, &found, NULL));
    assert_true(VAULT_ID_EQUAL(first, found));
    hex = g_strdup(VAULT_ID_TEXT(first));
    assert_true(vault_keep_find_mailbox(fixture->keep, hex, &found, NULL));
    assert_true(VAULT_ID_EQUAL(first, found));
}

static void unknown_mailbox_is_not_found_and_not_named(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) error = NULL;
    MailboxId mailbox;

    assert_false(vault_keep_find_mailbox(fixture->keep, "nobody@example.org", &mailbox, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
    assert_null(strstr(error->message, "nobody"));
}

static void what_is_no_address_goes_to_the_unassigned_mailbox(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *longest = g_strnfill(VAULT_ADDRESS_LEN_MAX, 'a');
    g_autofree char *too_long = g_strnfill(VAULT_ADDRESS_LEN_MAX + 1, 'a');
    MailboxId mailbox, expected = unassigned(fixture);

    assert_int_equal(resolve(fixture, NULL, &mailbox), VAULT_RESOLVE_FOUND);
    assert_true(VAULT_ID_EQUAL(mailbox, expected));
    assert_int_equal(resolve(fixture, "", &mailbox), VAULT_RESOLVE_UNASSIGNED);
    assert_int_equal(resolve(fixture, "\xff@example.org", &mailbox), VAULT_RESOLVE_UNASSIGNED);
    assert_int_equal(resolve(fixture, too_long, &mailbox), VAULT_RESOLVE_UNASSIGNED);
    assert_true(VAULT_ID_EQUAL(mailbox, expected));
    assert_int_equal(resolve(fixture, longest, &mailbox), VAULT_RESOLVE_CREATED);
}

static void mail_of_too_many_new_mailboxes_goes_to_the_unassigned_one(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId mailbox, expected = unassigned(fixture);

    keep_fixture_close(fixture);
    fixture->options.new_mailboxes_per_hour = 3;
    keep_fixture_open(fixture);
    for (guint i = 0; i < 5; i++) {
        g_autofree char *address = g_strdup_printf("u%u@example.org", i);

        assert_int_equal(resolve(fixture, address, &mailbox),
                         i < 3 ? VAULT_RESOLVE_CREATED : VAULT_RESOLVE_UNASSIGNED);
        assert_int_equal(VAULT_ID_EQUAL(mailbox, expected), i >= 3);
    }
    assert_int_equal(resolve(fixture, "u0@example.org", &mailbox), VAULT_RESOLVE_FOUND);
    keep_fixture_set_now(keep_fixture_now() + 3600);
    assert_int_equal(resolve(fixture, "u4@example.org", &mailbox), VAULT_RESOLVE_CREATED);
}

static void failed_making_takes_no_place_of_the_hour(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository;
    VaultResolution resolution;
    MailboxId mailbox;

    keep_fixture_close(fixture);
    fixture->options.new_mailboxes_per_hour = 1;
    keep_fixture_open(fixture);
    depository = vault_keep_depository(fixture->keep);
    keep_damage_sql(fixture, "keyring.sqlite", "ALTER TABLE months RENAME TO elsewhere");
    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;

        assert_false(depository->resolve(depository, ANNA, &mailbox, &resolution, &error));
        assert_non_null(error);
    }
    keep_damage_sql(fixture, "keyring.sqlite", "ALTER TABLE elsewhere RENAME TO months");
    assert_int_equal(resolve(fixture, ANNA, &mailbox), VAULT_RESOLVE_CREATED);
    assert_int_equal(resolve(fixture, BERT, &mailbox), VAULT_RESOLVE_UNASSIGNED);
}

#define THREADS 6
#define ADDRESSES 40

static gpointer resolve_all(gpointer user)
{
    for (guint i = 0; i < ADDRESSES; i++) {
        g_autofree char *address = g_strdup_printf("u%u@example.org", i);

        keep_fixture_mailbox(user, address);
    }
    return NULL;
}

static void threads_make_each_mailbox_once(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GPtrArray) mailboxes = NULL;
    GThread *threads[THREADS];

    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("resolve", resolve_all, fixture);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    mailboxes = vault_keep_mailboxes(fixture->keep, VAULT_MAILBOX_NAMES, NULL);
    assert_int_equal(mailboxes->len, ADDRESSES + 1);
}

/* ---- next month's keys ---------------------------------------------------------------------- */

static guint prepare(KeepFixture *fixture, guint64 now_s)
{
    g_autoptr(GError) error = NULL;
    guint made;

    if (!vault_keep_prepare_next_month(fixture->keep, now_s, &made, &error))
        fail_msg("%s", error->message);
    return made;
}

static guint months_of(KeepFixture *fixture, const char *address, VaultMonth month)
{
    MailboxId mailbox;
    g_autoptr(GPtrArray) months = NULL;

    assert_true(vault_keep_find_mailbox(fixture->keep, address, &mailbox, NULL));
    months = vault_keep_months(fixture->keep, &mailbox, 1, vault_month_start(month),
                               vault_month_start(month) + 1, NULL);
    return months->len;
}

static void keys_of_the_next_month_are_made_for_mailboxes_in_use(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 december = vault_month_start(202612), january = vault_month_start(202701);

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_deliver(fixture, "two", BERT);
    assert_int_equal(prepare(fixture, december - 3 * DAY - 1), 0);
    assert_int_equal(prepare(fixture, december - 3 * DAY), 3); /* and the unassigned one */
    assert_int_equal(prepare(fixture, december - DAY), 0);
    assert_int_equal(months_of(fixture, ANNA, 202612), 1);
    assert_int_equal(months_of(fixture, "unassigned", 202612), 1);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(prepare(fixture, december - 60), 0);
    /* Only Anna gets mail in December. */
    keep_fixture_set_now(december + DAY);
    keep_fixture_deliver(fixture, "three", ANNA);
    assert_int_equal(months_of(fixture, ANNA, 202612), 1);
    keep_fixture_set_now(january - DAY);
    keep_fixture_deliver(fixture, "four", ANNA);
    assert_int_equal(prepare(fixture, january - DAY), 2);
    assert_int_equal(months_of(fixture, ANNA, 202701), 1);
    assert_int_equal(months_of(fixture, BERT, 202701), 0);
    assert_int_equal(months_of(fixture, "unassigned", 202701), 1);
}

static void mailbox_without_keys_of_this_month_gets_none_of_the_next(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 january = vault_month_start(202701);

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_set_now(january - DAY);
    keep_fixture_deliver(fixture, "two", BERT);
    assert_int_equal(prepare(fixture, january - DAY), 2);
    assert_int_equal(months_of(fixture, ANNA, 202701), 0);
    assert_int_equal(months_of(fixture, BERT, 202701), 1);
}

/* ---- listing -------------------------------------------------------------------------------- */

static void mailboxes_are_listed_by_address_with_what_they_hold(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GPtrArray) mailboxes = NULL;
    const VaultMailbox *mailbox;

    keep_fixture_deliver(fixture, "one", BERT);
    keep_fixture_set_now(keep_fixture_now() + 20 * DAY);
    keep_fixture_deliver(fixture, "two", BERT);
    keep_fixture_deliver(fixture, "three", ANNA);
    mailboxes = vault_keep_mailboxes(fixture->keep, VAULT_MAILBOX_COUNTS, NULL);
    assert_int_equal(mailboxes->len, 3);
    mailbox = g_ptr_array_index(mailboxes, 0);
    assert_string_equal(mailbox->address, ANNA);
    assert_int_equal(mailbox->message_count, 1);
    mailbox = g_ptr_array_index(mailboxes, 1);
    assert_string_equal(mailbox->address, BERT);
    assert_int_equal(mailbox->message_count, 2);
    assert_int_equal(mailbox->last_received_s, keep_fixture_now());
    assert_int_equal(mailbox->created_s, KEEP_FIXTURE_NOW_S);
    mailbox = g_ptr_array_index(mailboxes, 2);
    assert_null(mailbox->address);
    assert_int_equal(mailbox->message_count, 0);
}

static void months_that_overlap_a_range_are_given(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId mailbox = keep_fixture_mailbox(fixture, ANNA);
    guint64 start = vault_month_start(202611), end = vault_month_start(202612);
    static const struct {
        gint64 from, to;
        guint count;
    } ranges[] = {{0, 1, 1}, {-1, 0, 0}, {-1, 1, 1}};

    for (gsize i = 0; i < G_N_ELEMENTS(ranges); i++) {
        g_autoptr(GPtrArray) at_start =
            vault_keep_months(fixture->keep, &mailbox, 1, start + (guint64)ranges[i].from,
                              start + (guint64)ranges[i].to, NULL);
        g_autoptr(GPtrArray) at_end =
            vault_keep_months(fixture->keep, &mailbox, 1, end + (guint64)ranges[i].from,
                              end + (guint64)ranges[i].to, NULL);

        assert_int_equal(at_start->len, ranges[i].count);
        assert_int_equal(at_end->len, ranges[i].from < 0 ? 1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailbox_is_made_once_and_found_again),
        cmocka_unit_test(unknown_mailbox_is_not_found_and_not_named),
        cmocka_unit_test(what_is_no_address_goes_to_the_unassigned_mailbox),
        cmocka_unit_test(mail_of_too_many_new_mailboxes_goes_to_the_unassigned_one),
        cmocka_unit_test(failed_making_takes_no_place_of_the_hour),
        cmocka_unit_test(threads_make_each_mailbox_once),
        cmocka_unit_test(keys_of_the_next_month_are_made_for_mailboxes_in_use),
        cmocka_unit_test(mailbox_without_keys_of_this_month_gets_none_of_the_next),
        cmocka_unit_test(mailboxes_are_listed_by_address_with_what_they_hold),
        cmocka_unit_test(months_that_overlap_a_range_are_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
