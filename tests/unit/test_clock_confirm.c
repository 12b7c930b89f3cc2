/* A clock that an operator says is right: nothing is lost before, and destruction is possible
 * after. */
#include "judge_world.h"

#define ANNA "anna@firm.example"
#define Y2036 G_GUINT64_CONSTANT(2082758400)

static gboolean confirm(KeepFixture *fixture, guint64 time_s, GError **error)
{
    g_autofree char *time = vault_text_time(time_s);
    g_autofree char *text = g_strdup_printf("muniment-clock/1\nnow: %s\n", time);

    return vault_keep_operate(fixture->keep, "clock-confirm", text, strlen(text), NULL, error);
}

static VaultJudgement judgement(KeepFixture *fixture)
{
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    g_autoptr(VaultJudge) judge = judge_world_judge(fixture, NULL);

    return judge_world_copy(judge, &anna, NULL, NOW).judgement;
}

static void reopen(KeepFixture *fixture)
{
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
}

static void mail_is_taken_and_nothing_destroyed_in_1970_and_2036(void **state)
{
    static const guint64 wrong_times[] = {0, Y2036};

    for (gsize i = 0; i < G_N_ELEMENTS(wrong_times); i++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();

        keep_fixture_deliver(fixture, "one", ANNA);
        keep_fixture_set_now(wrong_times[i]);
        keep_fixture_set_synchronised(FALSE);
        assert_int_equal(judgement(fixture), VAULT_JUDGED_CLOCK);
        keep_fixture_deliver(fixture, "two", ANNA);
        reopen(fixture);
        assert_int_equal(judgement(fixture), VAULT_JUDGED_CLOCK);
        assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
        keep_fixture_set_now(NOW + 60);
        assert_int_equal(judgement(fixture), VAULT_JUDGED_FREE);
    }
}

static void host_that_was_idle_is_good_again_once_confirmed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) error = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_set_now(NOW + 10 * DAY);
    keep_fixture_set_synchronised(FALSE);
    assert_int_equal(judgement(fixture), VAULT_JUDGED_CLOCK);
    if (!confirm(fixture, NOW + 10 * DAY, &error))
        fail_msg("%s", error->message);
    assert_int_equal(judgement(fixture), VAULT_JUDGED_FREE);
    reopen(fixture);
    assert_int_equal(judgement(fixture), VAULT_JUDGED_FREE);
    assert_int_equal(keep_fixture_deliver(fixture, "two", ANNA).flags, 0);
    /* Later mail vouches for the clock; a confirmation does for two days. */
    keep_fixture_set_now(NOW + 13 * DAY);
    assert_int_equal(judgement(fixture), VAULT_JUDGED_CLOCK);
}

static void vault_that_took_mail_in_2036_is_good_again_once_confirmed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    keep_fixture_set_now(Y2036);
    keep_fixture_deliver(fixture, "one",
                         ANNA); /* its first: nothing shows that the clock is wrong */
    keep_fixture_set_now(NOW);
    assert_int_equal(judgement(fixture), VAULT_JUDGED_CLOCK);
    assert_true(confirm(fixture, NOW, NULL));
    assert_int_equal(judgement(fixture), VAULT_JUDGED_FREE);
    keep_fixture_deliver(fixture, "two", ANNA);
    reopen(fixture);
    assert_int_equal(judgement(fixture), VAULT_JUDGED_FREE);
    keep_fixture_set_now(Y2036);
    keep_fixture_set_synchronised(FALSE);
    assert_int_equal(judgement(fixture), VAULT_JUDGED_CLOCK);
}

static void another_time_than_the_archives_is_not_confirmed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) early = NULL;
    g_autoptr(GError) late = NULL;
    g_autoptr(GError) text = NULL;
    g_autoptr(GError) version = NULL;

    assert_false(confirm(fixture, NOW - VAULT_CLOCK_BEHIND_S - 1, &early));
    assert_vault_error(early, VAULT_ERROR_REFUSED);
    assert_false(confirm(fixture, NOW + VAULT_CLOCK_BEHIND_S + 1, &late));
    assert_vault_error(late, VAULT_ERROR_REFUSED);
    assert_true(confirm(fixture, NOW - VAULT_CLOCK_BEHIND_S, NULL));
    assert_true(confirm(fixture, NOW + VAULT_CLOCK_BEHIND_S, NULL));
    assert_false(vault_keep_operate(fixture->keep, "clock-confirm", "now\n", 4, NULL, &text));
    assert_vault_error(text, VAULT_ERROR_MALFORMED);
    assert_false(vault_keep_operate(fixture->keep, "clock-confirm", "muniment-clock/2\n", 17, NULL,
                                    &version));
    assert_vault_error(version, VAULT_ERROR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_is_taken_and_nothing_destroyed_in_1970_and_2036),
        cmocka_unit_test(host_that_was_idle_is_good_again_once_confirmed),
        cmocka_unit_test(vault_that_took_mail_in_2036_is_good_again_once_confirmed),
        cmocka_unit_test(another_time_than_the_archives_is_not_confirmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
