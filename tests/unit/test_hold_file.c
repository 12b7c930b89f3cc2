/* What a new hold is to cover, as text: one form, and nothing else is taken. */
#include "vault/act/hold_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char sample[] = "muniment-hold/1\n"
                             "case: 4711\n"
                             "reason: a suit\n"
                             "from: 1970-01-01T00:00:00Z\n"
                             "to: 2026-12-01T00:00:00Z\n"
                             "ends: yes\n"
                             "until: 2027-01-01T00:00:00Z\n"
                             "expected: yes\n"
                             "all: no\n"
                             "mailboxes: 2\n"
                             "mailbox: anna@firm.example\n"
                             "mailbox: unassigned\n"
                             "domains: 1\n"
                             "domain: other.example\n"
                             "messages: 2\n"
                             "message: 01000000000000000000000000000000\n"
                             "message: 02000000000000000000000000000000\n";

static void assert_refused(const char *text, gsize len, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_hold_file_parse(text, len, &error));
    assert_int_equal(error->code, code);
}

static void text_comes_back_with_all_that_it_says(void **state)
{
    g_autoptr(VaultHoldFile) hold = vault_hold_file_parse(sample, strlen(sample), NULL);
    g_autofree char *again = NULL;

    assert_non_null(hold);
    assert_string_equal(hold->case_id, "4711");
    assert_string_equal(hold->reason, "a suit");
    assert_int_equal(hold->from_s, 0);
    assert_int_equal(hold->to_s, 1796083200);
    assert_int_equal(hold->until_s, 1798761600);
    assert_true(hold->is_expected);
    assert_false(hold->is_all);
    assert_int_equal(hold->mailboxes->len, 2);
    assert_int_equal(hold->domains->len, 1);
    assert_int_equal(hold->messages->len, 2);
    again = vault_hold_file_format(hold, NULL);
    assert_string_equal(again, sample);
}

static void messages_are_sorted_and_named_once(void **state)
{
    static const RecordId ids[] = {{{2}}, {{1}}, {{2}}};
    g_autoptr(VaultHoldFile) hold = vault_hold_file_parse(sample, strlen(sample), NULL);
    g_autofree char *again = NULL;

    g_array_set_size(hold->messages, 0);
    g_array_append_vals(hold->messages, ids, G_N_ELEMENTS(ids));
    again = vault_hold_file_format(hold, NULL);
    assert_string_equal(again, sample);
}

static void what_is_cut_is_refused(void **state)
{
    for (gsize len = 0; len < strlen(sample); len++)
        assert_refused(sample, len, VAULT_ERROR_MALFORMED);
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *line, *other;
        VaultErrorCode code;
    } cases[] = {
        {"muniment-hold/1", "muniment-hold/2", VAULT_ERROR_UNSUPPORTED},
        {"reason: a suit", "reason: \x01", VAULT_ERROR_MALFORMED},
        {"to: 2026-12-01T00:00:00Z", "to: 1970-01-01T00:00:00Z", VAULT_ERROR_MALFORMED},
        {"until: 2027-01-01T00:00:00Z", "until: 1970-01-01T00:00:00Z", VAULT_ERROR_MALFORMED},
        {"ends: yes", "ends: no", VAULT_ERROR_MALFORMED},
        {"expected: yes", "expected: y", VAULT_ERROR_MALFORMED},
        {"all: no", "all: yes", VAULT_ERROR_MALFORMED},
        {"mailboxes: 2", "mailboxes: 100001", VAULT_ERROR_MALFORMED},
        {"domains: 1", "domains: 1001", VAULT_ERROR_MALFORMED},
        {"messages: 2", "messages: 100001", VAULT_ERROR_MALFORMED},
        {"messages: 2", "messages: 1", VAULT_ERROR_MALFORMED},
        {"message: 01000", "message: 03000", VAULT_ERROR_MALFORMED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) parts = g_strsplit(sample, cases[i].line, 2);
        g_autofree char *text = g_strjoinv(cases[i].other, parts);

        print_message("%s\n", cases[i].other);
        assert_int_equal(g_strv_length(parts), 2);
        assert_refused(text, strlen(text), cases[i].code);
    }
}

static void hold_of_nothing_is_not_written(void **state)
{
    g_autoptr(VaultHoldFile) hold = vault_hold_file_new();
    g_autoptr(GError) error = NULL;

    hold->case_id = g_strdup("4711");
    hold->reason = g_strdup("a suit");
    assert_null(vault_hold_file_format(hold, &error));
    assert_int_equal(error->code, VAULT_ERROR_MALFORMED);
}

static void text_over_16_mib_is_too_large(void **state)
{
    g_autofree char *text = g_strnfill(VAULT_HOLD_FILE_LEN_MAX + 1, 'x');

    assert_refused(text, VAULT_HOLD_FILE_LEN_MAX + 1, VAULT_ERROR_TOO_LARGE);
    assert_refused(text, VAULT_HOLD_FILE_LEN_MAX, VAULT_ERROR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_back_with_all_that_it_says),
        cmocka_unit_test(messages_are_sorted_and_named_once),
        cmocka_unit_test(what_is_cut_is_refused),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(hold_of_nothing_is_not_written),
        cmocka_unit_test(text_over_16_mib_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
