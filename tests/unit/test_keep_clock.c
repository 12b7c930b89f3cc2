/* What the keeper does while its clock is not to be trusted: mail is taken under the last good
 * month and marked, and nothing expires. */
#include "tests/support/keep_damage.h"

#include "vault/keep/internal.h"

#define ANNA "anna@example.org"
#define NOW KEEP_FIXTURE_NOW_S
#define DAY KEEP_FIXTURE_DAY_S
#define HOUR 3600

/* ---- judging -------------------------------------------------------------------------------- */

static gboolean yes(void)
{
    return TRUE;
}

static gboolean no(void)
{
    return FALSE;
}

static void assert_judged(guint64 last_s, guint64 now_s, gboolean (*is_synchronised)(void),
                          VaultClockTrust trust, guint64 good_s)
{
    VaultClock clock;
    guint64 good;

    vault_clock_init(&clock, keep_fixture_now, is_synchronised);
    vault_clock_note_archived(&clock, last_s);
    assert_int_equal(vault_clock_judge(&clock, now_s, &good), trust);
    assert_int_equal(good, good_s);
    vault_clock_clear(&clock);
}

static void clock_is_judged_by_the_last_message_and_the_kernel(void **state)
{
    guint64 behind = NOW - VAULT_CLOCK_BEHIND_S, ahead = NOW + VAULT_CLOCK_AHEAD_S;

    assert_judged(0, 0, no, VAULT_CLOCK_GOOD, 0);
    assert_judged(0, NOW, no, VAULT_CLOCK_GOOD, NOW);
    assert_judged(100, 0, yes, VAULT_CLOCK_GOOD, 0);
    assert_judged(NOW, NOW, no, VAULT_CLOCK_GOOD, NOW);
    assert_judged(NOW, behind, yes, VAULT_CLOCK_GOOD, behind);
    assert_judged(NOW, behind - 1, yes, VAULT_CLOCK_UNSURE, NOW);
    assert_judged(NOW, 0, yes, VAULT_CLOCK_UNSURE, NOW);
    assert_judged(NOW, ahead, no, VAULT_CLOCK_GOOD, ahead);
    assert_judged(NOW, ahead + 1, no, VAULT_CLOCK_UNSURE, NOW);
    assert_judged(NOW, ahead + 1, yes, VAULT_CLOCK_GOOD, ahead + 1);
}

/* ---- mail ----------------------------------------------------------------------------------- */

static VaultMonth month_of(KeepFixture *fixture, const KeepDelivery *delivery)
{
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(fixture->keep->keyring, &delivery->months[0], NULL);

    assert_non_null(month);
    return month->month;
}

static void reopen(KeepFixture *fixture)
{
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
}

static const guint64 wrong_times[] = {NOW - 301, 60 * DAY, 0, NOW + 48 * HOUR + 1,
                                      NOW + 4000 * DAY};

static gboolean note_received(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    guint64 *received_s = user;

    *received_s = entry->received_s;
    return TRUE;
}

static guint64 received_of(KeepFixture *fixture, const KeepDelivery *delivery)
{
    VaultCopyFilter filter = {.messages = &delivery->archive_id, .message_count = 1};
    guint64 received_s = G_MAXUINT64;

    assert_true(vault_keep_copies(fixture->keep, &filter, note_received, &received_s, NULL));
    return received_s;
}

/* By a date of that clock no request would cover it, and a retention minimum might be over. */
static void mail_is_taken_under_the_last_good_month_and_marked(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(wrong_times); i++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        KeepDelivery delivery = keep_fixture_deliver(fixture, "good", ANNA);
        g_autofree char *rebuilt = NULL;

        assert_int_equal(delivery.flags, 0);
        keep_fixture_set_now(wrong_times[i]);
        keep_fixture_set_synchronised(FALSE);
        for (guint round = 0; round < 4; round++) {
            g_autofree char *text = g_strdup_printf("unsure %u", round);

            delivery = keep_fixture_deliver(fixture, text, ANNA);
            assert_int_equal(delivery.flags, VAULT_FLAG_CLOCK_UNSURE);
            assert_int_equal(month_of(fixture, &delivery), 202611);
            assert_int_equal(received_of(fixture, &delivery), NOW);
            /* Nobody's word but a good clock's counts, after a restart and a rebuild either. */
            if (round == 1)
                reopen(fixture);
            if (round == 2) {
                keep_fixture_crash(fixture);
                keep_damage_remove(fixture, "catalog.sqlite");
                keep_fixture_open(fixture);
            }
        }
        keep_fixture_set_now(NOW + 60);
        assert_int_equal(keep_fixture_deliver(fixture, "right again", ANNA).flags, 0);
        assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_CATALOG).finding_count, 0);
    }
}

static void clock_far_ahead_is_good_once_the_kernel_calls_it_synchronised(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_set_now(NOW + 40 * DAY);
    keep_fixture_set_synchronised(FALSE);
    assert_int_equal(keep_fixture_deliver(fixture, "two", ANNA).flags, VAULT_FLAG_CLOCK_UNSURE);
    keep_fixture_set_synchronised(TRUE);
    delivery = keep_fixture_deliver(fixture, "three", ANNA);
    assert_int_equal(delivery.flags, 0);
    assert_int_equal(month_of(fixture, &delivery), 202612);
}

static void import_keeps_its_own_month_while_the_clock_is_unsure(void **state)
{
    static const char *const addresses[] = {ANNA, NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(wrong_times); i++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        KeepDelivery delivery;

        keep_fixture_deliver(fixture, "good", ANNA);
        keep_fixture_set_now(wrong_times[i]);
        keep_fixture_set_synchronised(FALSE);
        assert_true(keep_fixture_deliver_at(fixture->keep, "old", addresses,
                                            G_GUINT64_CONSTANT(1400000000), NULL, &delivery, NULL));
        assert_int_equal(delivery.flags, VAULT_FLAG_CLOCK_UNSURE);
        assert_int_equal(month_of(fixture, &delivery), 201405);
        assert_int_equal(received_of(fixture, &delivery), 1400000000);
    }
}

/* ---- nothing expires ------------------------------------------------------------------------ */

static void day_keys_neither_come_nor_go_while_the_clock_is_unsure(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(wrong_times); i++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        g_autofree char *before = NULL, *after = NULL;

        keep_fixture_deliver(fixture, "good", ANNA);
        before = keep_damage_rows(fixture, "keyring.sqlite", "SELECT row_id FROM day_keys");
        keep_fixture_set_now(wrong_times[i]);
        keep_fixture_set_synchronised(FALSE);
        keep_fixture_deliver(fixture, "unsure", ANNA);
        reopen(fixture);
        assert_true(keep_fixture_deliver(fixture, "unsure", ANNA).is_retry);
        assert_true(keep_fixture_deliver(fixture, "good", ANNA).is_retry);
        after = keep_damage_rows(fixture, "keyring.sqlite", "SELECT row_id FROM day_keys");
        assert_string_equal(before, after);
    }
}

static void next_months_keys_are_not_made_while_the_clock_is_unsure(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 later = vault_month_start(202701) - 60;
    guint made;

    keep_fixture_deliver(fixture, "good", ANNA);
    keep_fixture_set_now(later);
    keep_fixture_set_synchronised(FALSE);
    assert_true(vault_keep_prepare_next_month(fixture->keep, later, &made, NULL));
    assert_int_equal(made, 0);
}

/* ---- a vault that was made by a clock that was ahead ---------------------------------------- */

static void day_key_of_a_day_to_come_is_replaced_and_retries_are_known(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *early = NULL, *later = NULL;

    early = keep_damage_rows(fixture, "keyring.sqlite", "SELECT row_id FROM day_keys");
    /* No mail came yet, so nothing shows that this clock is the wrong one. */
    keep_fixture_set_now(NOW - 30 * DAY);
    keep_fixture_deliver(fixture, "hello", ANNA);
    later = keep_damage_rows(fixture, "keyring.sqlite", "SELECT row_id FROM day_keys");
    assert_string_not_equal(early, later);
    assert_int_equal(strlen(early), strlen(later));
    reopen(fixture);
    assert_true(keep_fixture_deliver(fixture, "hello", ANNA).is_retry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_is_judged_by_the_last_message_and_the_kernel),
        cmocka_unit_test(mail_is_taken_under_the_last_good_month_and_marked),
        cmocka_unit_test(clock_far_ahead_is_good_once_the_kernel_calls_it_synchronised),
        cmocka_unit_test(import_keeps_its_own_month_while_the_clock_is_unsure),
        cmocka_unit_test(day_keys_neither_come_nor_go_while_the_clock_is_unsure),
        cmocka_unit_test(next_months_keys_are_not_made_while_the_clock_is_unsure),
        cmocka_unit_test(day_key_of_a_day_to_come_is_replaced_and_retries_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
