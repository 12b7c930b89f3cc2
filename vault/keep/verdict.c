/* Verdicts in words. */
#include "vault/act/text_file.h"
#include "vault/keep/judge.h"

const char *vault_judgement_name(VaultJudgement judgement)
{
    switch (judgement) {
    case VAULT_JUDGED_FREE:
        return "free";
    case VAULT_JUDGED_CLOCK:
        return "clock";
    case VAULT_JUDGED_HELD:
        return "held";
    case VAULT_JUDGED_HOLD_ENDED:
        return "hold-ended";
    case VAULT_JUDGED_RETENTION:
        return "retention";
    case VAULT_JUDGED_APPROVALS:
        return "approvals";
    }
    g_assert_not_reached();
}

#define NAMED_HOLDS_MAX 5

static char *name_holds(const GArray *holds)
{
    g_autoptr(GString) text = g_string_new(holds->len == 1 ? "hold " : "holds ");

    for (guint i = 0; i < MIN(holds->len, NAMED_HOLDS_MAX); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
                               VAULT_ID_TEXT(g_array_index(holds, RowId, i)));
    if (holds->len > NAMED_HOLDS_MAX)
        g_string_append_printf(text, " and %u more", holds->len - NAMED_HOLDS_MAX);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *date_text(guint64 time_s)
{
    return time_s < VAULT_TEXT_TIME_END_S ? vault_text_time(time_s)
                                          : g_strdup("the mailbox is closed, and longer");
}

static void refuse_held(const VaultVerdict *verdict, GError **error)
{
    g_autofree char *holds = name_holds(verdict->holds);

    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s must be removed first: muniment hold list shows why it is there", holds);
}

static void refuse_ended(const VaultVerdict *verdict, GError **error)
{
    g_autofree char *holds = name_holds(verdict->holds);
    g_autofree char *date = date_text(verdict->until_s);

    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s ended less than 30 days ago: nothing of it is destroyed before %s", holds,
                date);
}

static void refuse_kept(const VaultVerdict *verdict, GError **error)
{
    g_autofree char *date = date_text(verdict->until_s);

    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "a retention rule keeps it until %s: muniment retention list shows the rules",
                date);
}

gboolean vault_verdict_check(const VaultVerdict *verdict, GError **error)
{
    switch (verdict->judgement) {
    case VAULT_JUDGED_FREE:
        return TRUE;
    case VAULT_JUDGED_CLOCK:
        g_set_error_literal(
            error, VAULT_ERROR, VAULT_ERROR_REFUSED,
            "the clock is not to be trusted, so nothing is destroyed: set it right, "
            "or run muniment clock confirm when it is");
        return FALSE;
    case VAULT_JUDGED_HELD:
        refuse_held(verdict, error);
        return FALSE;
    case VAULT_JUDGED_HOLD_ENDED:
        refuse_ended(verdict, error);
        return FALSE;
    case VAULT_JUDGED_RETENTION:
        refuse_kept(verdict, error);
        return FALSE;
    case VAULT_JUDGED_APPROVALS:
        g_set_error(
            error, VAULT_ERROR, VAULT_ERROR_REFUSED,
            "the policy wants %u approvals of %s, %u count: write a request with --propose, "
            "have it approved, give it with --approved",
            verdict->needed, vault_act_name(verdict->missing_act), verdict->given);
        return FALSE;
    }
    g_assert_not_reached();
}
