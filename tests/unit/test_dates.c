#include "restore/dates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static guint64 parsed(const char *text, RestoreDateEdge edge)
{
    g_autoptr(GError) error = NULL;
    guint64 time_s = 1;

    if (!restore_date_parse("--from", text, edge, &time_s, &error))
        fail_msg("%s: %s", text, error->message);
    return time_s;
}

static void month_begins_at_its_first_second_and_ends_at_the_next_months(void **state)
{
    assert_int_equal(parsed("2026-11", RESTORE_DATE_FROM), 1793491200);
    assert_int_equal(parsed("2026-11", RESTORE_DATE_TO), 1796083200);
    assert_int_equal(parsed("2026-12", RESTORE_DATE_TO), parsed("2027-01", RESTORE_DATE_FROM));
    assert_int_equal(parsed("2024-02", RESTORE_DATE_TO), parsed("2024-03-01", RESTORE_DATE_FROM));
}

static void day_is_included_up_to_its_last_second(void **state)
{
    assert_int_equal(parsed("1970-01-01", RESTORE_DATE_FROM), 0);
    assert_int_equal(parsed("1970-01-01", RESTORE_DATE_TO), 86400);
    assert_int_equal(parsed("2024-02-29", RESTORE_DATE_TO),
                     parsed("2024-03-01", RESTORE_DATE_FROM));
}

static void time_is_the_same_second_at_both_edges_and_knows_offsets(void **state)
{
    assert_int_equal(parsed("2026-11-24T09:30:00Z", RESTORE_DATE_FROM), 1795512600);
    assert_int_equal(parsed("2026-11-24T09:30:00Z", RESTORE_DATE_TO), 1795512600);
    assert_int_equal(parsed("2026-11-24T10:30:00+01:00", RESTORE_DATE_TO), 1795512600);
    assert_int_equal(parsed("2026-11-24t09:30:00z", RESTORE_DATE_TO), 1795512600);
    assert_int_equal(parsed("2026-11-24 09:30:00", RESTORE_DATE_TO), 1795512600);
    assert_int_equal(parsed("2026-11-24T09:30:00.9Z", RESTORE_DATE_TO), 1795512600);
}

static void whatever_is_no_date_is_a_usage_error(void **state)
{
    static const char *const wrong[] = {
        "",
        "2026",
        "2026-13",
        "2026-00",
        "2026-1",
        "2026-02-30",
        "2026-11-24T",
        "2026-W47-2",
        "2026-11-24T25:00:00Z",
        "1969-12-31",
        "yesterday",
        "2026-11-24x",
        "2026/11/24",
        "-026-11",
        "2026-11-24T09:30:00Zx",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        guint64 time_s;

        if (restore_date_parse("--from", wrong[i], RESTORE_DATE_FROM, &time_s, &error))
            fail_msg("\"%s\" was taken for a date", wrong[i]);
        assert_true(g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE));
    }
}

static void last_month_that_can_be_written_is_refused_as_an_end(void **state)
{
    g_autoptr(GError) error = NULL;
    guint64 time_s;

    assert_int_equal(parsed("9999-11", RESTORE_DATE_TO), parsed("9999-12", RESTORE_DATE_FROM));
    assert_false(restore_date_parse("--to", "9999-12", RESTORE_DATE_TO, &time_s, &error));
}

static void period_without_ends_is_all_time_and_an_empty_one_is_refused(void **state)
{
    g_autoptr(GError) error = NULL;
    guint64 from_s, to_s;

    assert_true(restore_period_parse(NULL, NULL, &from_s, &to_s, NULL));
    assert_int_equal(from_s, 0);
    assert_true(to_s > parsed("9999-11", RESTORE_DATE_TO));
    assert_true(restore_period_parse("2026-11", "2026-11", &from_s, &to_s, NULL));
    assert_int_equal(to_s - from_s, 30 * 86400);
    assert_false(restore_period_parse("2026-12", "2026-11", &from_s, &to_s, &error));
    assert_true(g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE));
}

static void text_of_a_time_is_utc(void **state)
{
    g_autofree char *text = restore_date_text(1795512600);

    assert_string_equal(text, "2026-11-24 09:30:00 UTC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(month_begins_at_its_first_second_and_ends_at_the_next_months),
        cmocka_unit_test(day_is_included_up_to_its_last_second),
        cmocka_unit_test(time_is_the_same_second_at_both_edges_and_knows_offsets),
        cmocka_unit_test(whatever_is_no_date_is_a_usage_error),
        cmocka_unit_test(last_month_that_can_be_written_is_refused_as_an_end),
        cmocka_unit_test(period_without_ends_is_all_time_and_an_empty_one_is_refused),
        cmocka_unit_test(text_of_a_time_is_utc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
