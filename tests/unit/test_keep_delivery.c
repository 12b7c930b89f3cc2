#include "tests/support/keep_fixture.h"

static void delivered_message_is_listed_and_its_records_are_there(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "hello", "anna@example.org");
    g_autoptr(GArray) parts = vault_keep_message(fixture->keep, &delivery.archive_id, NULL);

    assert_non_null(parts);
    assert_int_equal(parts->len, 3);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivered_message_is_listed_and_its_records_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
