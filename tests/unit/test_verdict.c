/* Verdicts in words. */
#include "judge_world.h"

static void each_refusal_says_what_is_in_the_way(void **state)
{
    static const RowId ids[] = {{{1}}, {{2}}, {{3}}, {{4}}, {{5}}, {{6}}};
    g_autoptr(GArray) holds = g_array_new(FALSE, FALSE, sizeof(RowId));
    const struct {
        VaultVerdict verdict;
        const char *says;
    } cases[] = {
        {{.judgement = VAULT_JUDGED_CLOCK}, "clock confirm"},
        {{.judgement = VAULT_JUDGED_HELD, .holds = holds},
         "01000000000000000000000000000000, 02000000000000000000000000000000"},
        {{.judgement = VAULT_JUDGED_HELD, .holds = holds}, "and 1 more must be removed"},
        {{.judgement = VAULT_JUDGED_HOLD_ENDED, .holds = holds, .until_s = NOW},
         "2026-11-18T11:06:40Z"},
        {{.judgement = VAULT_JUDGED_RETENTION, .until_s = NOW}, "2026-11-18T11:06:40Z"},
        {{.judgement = VAULT_JUDGED_RETENTION, .until_s = G_MAXUINT64}, "the mailbox is closed"},
        {{.judgement = VAULT_JUDGED_APPROVALS, .missing_act = VAULT_ACT_ERASE, .needed = 2},
         "2 approvals of erase, 0 count"},
    };

    g_array_append_vals(holds, ids, G_N_ELEMENTS(ids));
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_verdict_check(&cases[i].verdict, &error));
        assert_int_equal(error->code, VAULT_ERROR_REFUSED);
        if (strstr(error->message, cases[i].says) == NULL)
            fail_msg("\"%s\" is not in: %s", cases[i].says, error->message);
    }
    assert_true(vault_verdict_check(&(VaultVerdict){.judgement = VAULT_JUDGED_FREE}, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_says_what_is_in_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
