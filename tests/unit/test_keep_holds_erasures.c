/* A hold and erasures: what was destroyed before is said, and what is under way destroys nothing of
 * what is held by then. */
#include "tests/unit/erasure_world.h"

#include "vault/act/hold_file.h"
#include "vault/keep/erasure.h"
#include "vault/keep/internal.h"

#define ANNA "anna@firm.example"
#define BERT "bert@firm.example"

static VaultHoldFile *hold_on(const char *address)
{
    VaultHoldFile *hold = vault_hold_file_new();

    hold->case_id = g_strdup("4711");
    hold->reason = g_strdup("a suit");
    hold->to_s = VAULT_TEXT_TIME_END_S - 1;
    hold->is_all = address == NULL;
    if (address != NULL)
        g_ptr_array_add(hold->mailboxes, g_strdup(address));
    return hold;
}

/* Takes the hold over. The line about the only erasure that is spoken of; NULL: none is. */
static char *add(KeepFixture *fixture, VaultHoldFile *hold)
{
    g_autoptr(VaultHoldFile) owned = hold;
    g_autofree char *text = vault_hold_file_format(owned, NULL);
    g_autofree char *answer = NULL;
    g_autoptr(GError) error = NULL;
    const char *line;

    if (!vault_keep_operate(fixture->keep, "hold-add", text, strlen(text), &answer, &error))
        fail_msg("%s", error->message);
    line = strstr(answer, "erasure: ");
    if (line == NULL)
        return NULL;
    assert_null(strstr(line + 1, "erasure: "));
    return g_strndup(line, (gsize)(strchr(line, '\n') - line));
}

static void assert_said(KeepFixture *fixture, VaultHoldFile *hold, const char *what)
{
    g_autofree char *line = add(fixture, hold);
    g_autofree char *expected = NULL;
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(fixture->keep, NULL);

    if (what != NULL)
        expected = g_strdup_printf(
            "erasure: %s %s", VAULT_ID_TEXT(((VaultErasureValue *)erasures->pdata[0])->id), what);
    if (expected == NULL)
        assert_null(line);
    else
        assert_string_equal(line, expected);
}

static VaultHoldFile *hold_on_message(const char *address, const RecordId *id)
{
    VaultHoldFile *hold = hold_on(address);

    g_array_append_vals(hold->messages, id, 1);
    return hold;
}

static VaultHoldFile *hold_between(const char *address, guint64 from_s, guint64 to_s)
{
    VaultHoldFile *hold = hold_on(address);

    hold->from_s = from_s;
    hold->to_s = to_s;
    return hold;
}

static void hold_says_which_erasures_may_have_touched_its_scope(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "first", ANNA);
    KeepDelivery second = keep_fixture_deliver(fixture, "second", ANNA);

    keep_fixture_deliver(fixture, "third", BERT);
    assert_said(fixture, hold_on(BERT), NULL);
    assert_true(erasure_do(fixture, "erasure",
                           erasure_of_message(fixture, &first.archive_id, ANNA, "mailboxes"), NULL,
                           NULL));
    assert_said(fixture, hold_on(ANNA), "erase final 2026-11-18T11:06:40Z");
    assert_said(fixture, hold_on(NULL), "erase final 2026-11-18T11:06:40Z");
    assert_said(fixture, hold_on(BERT), NULL);
    assert_said(fixture, hold_on_message(ANNA, &first.archive_id),
                "erase final 2026-11-18T11:06:40Z");
    assert_said(fixture, hold_on_message(ANNA, &second.archive_id), NULL);
    assert_said(fixture,
                hold_between(ANNA, KEEP_FIXTURE_NOW_S, KEEP_FIXTURE_NOW_S + KEEP_FIXTURE_DAY_S),
                "erase final 2026-11-18T11:06:40Z");
    assert_said(fixture,
                hold_between(ANNA, KEEP_FIXTURE_NOW_S + 1, KEEP_FIXTURE_NOW_S + KEEP_FIXTURE_DAY_S),
                NULL);
}

/* ---- an erasure that is under way ------------------------------------------------------------ */

/* What happens between the first judgement and the change: an erasure is requested by then. */
static void (*meanwhile)(KeepFixture *fixture);
static KeepFixture *meanwhile_fixture;

VaultKey *__real_vault_erasure_next_key(VaultKeep *keep, GError **error);
VaultKey *__wrap_vault_erasure_next_key(VaultKeep *keep, GError **error);

VaultKey *__wrap_vault_erasure_next_key(VaultKeep *keep, GError **error)
{
    if (meanwhile != NULL)
        meanwhile(meanwhile_fixture);
    return __real_vault_erasure_next_key(keep, error);
}

static void hold_anna(KeepFixture *fixture)
{
    assert_said(fixture, hold_on(ANNA), "erase requested 2026-11-18T11:06:40Z");
}

static void hold_that_comes_while_an_erasure_is_requested_wins(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", ANNA);
    VaultRequestFile *request =
        erasure_of_message(fixture, &delivery.archive_id, ANNA, "everywhere");
    g_autoptr(GError) error = NULL;

    meanwhile = hold_anna;
    meanwhile_fixture = fixture;
    assert_false(erasure_do(fixture, "erasure", request, NULL, &error));
    meanwhile = NULL;
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_int_equal(erasure_state(fixture), VAULT_ERASURE_CANCELLED);
    assert_int_equal(erasure_generation(fixture), 1);
    assert_said(fixture, hold_on(ANNA), NULL); /* it is not spoken of any more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hold_says_which_erasures_may_have_touched_its_scope),
        cmocka_unit_test(hold_that_comes_while_an_erasure_is_requested_wins),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
