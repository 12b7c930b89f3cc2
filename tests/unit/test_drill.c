/* Drills: only a master that opens the canary gets a result signed, only a vault's own challenge
 * counts, once, and from when it was made. */
#include "restore/drill_answer.h"
#include "tests/support/keep_fixture.h"
#include "tests/unit/grant_world.h"

#define DUE_S (VAULT_DRILL_DAYS * KEEP_FIXTURE_DAY_S)

static char *challenge_of(KeepFixture *fixture)
{
    g_autoptr(GError) error = NULL;
    char *text = vault_keep_drill_challenge(fixture->keep, &error);

    if (text == NULL)
        fail_msg("%s", error->message);
    return text;
}

static VaultDrillChallenge *parsed(const char *text)
{
    g_autoptr(GError) error = NULL;
    VaultDrillChallenge *challenge = vault_drill_challenge_parse(text, strlen(text), &error);

    if (challenge == NULL)
        fail_msg("%s", error->message);
    return challenge;
}

static char *answer_of(KeepFixture *fixture)
{
    g_autofree char *text = challenge_of(fixture);
    g_autoptr(VaultDrillChallenge) challenge = parsed(text);
    VaultDrillResult result;

    assert_true(drill_answer(challenge, &fixture->master, &result, NULL));
    return vault_drill_result_format(&result);
}

static gboolean take(KeepFixture *fixture, const char *text, GError **error)
{
    return vault_keep_take_drill(fixture->keep, text, strlen(text), error);
}

static VaultKeepStatus status_of(KeepFixture *fixture)
{
    VaultKeepStatus status;

    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    return status;
}

static void assert_not_taken(KeepFixture *fixture, const char *text, VaultErrorCode code)
{
    guint64 before_s = status_of(fixture).last_drill_s;
    g_autoptr(GError) error = NULL;

    assert_false(take(fixture, text, &error));
    assert_vault_error(error, code);
    assert_int_equal(status_of(fixture).last_drill_s, before_s);
}

/* ---- the vault ------------------------------------------------------------------------------ */

static void drill_counts_from_its_challenge_and_survives_a_crash(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 made_s = keep_fixture_now();
    g_autofree char *answer = NULL;
    g_autoptr(GError) error = NULL;

    assert_int_equal(status_of(fixture).last_drill_s, 0);
    assert_int_equal(status_of(fixture).drill_due_s, made_s + DUE_S);
    keep_fixture_set_now(made_s + 10 * KEEP_FIXTURE_DAY_S);
    answer = answer_of(fixture);
    keep_fixture_set_now(made_s + 12 * KEEP_FIXTURE_DAY_S);
    if (!take(fixture, answer, &error))
        fail_msg("%s", error->message);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(status_of(fixture).last_drill_s, made_s + 10 * KEEP_FIXTURE_DAY_S);
    assert_int_equal(status_of(fixture).drill_due_s, made_s + 10 * KEEP_FIXTURE_DAY_S + DUE_S);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

static void result_counts_once_and_an_older_one_not_at_all(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *older = answer_of(fixture);
    g_autofree char *newer = NULL;

    keep_fixture_set_now(keep_fixture_now() + 1);
    newer = answer_of(fixture);
    assert_true(take(fixture, newer, NULL));
    assert_not_taken(fixture, newer, VAULT_ERROR_REFUSED);
    assert_not_taken(fixture, older, VAULT_ERROR_REFUSED);
}

static void challenge_is_of_this_vault_and_not_of_a_time_to_come(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *challenge_text = challenge_of(fixture);
    g_autoptr(VaultDrillChallenge) challenge = parsed(challenge_text);
    guint64 now_s = keep_fixture_now();
    g_autofree char *early = NULL;

    for (guint field = 0; field < 4; field++) {
        VaultDrillName name = challenge->name;
        VaultDrillResult result;
        g_autofree char *text = NULL;

        name.vault_id.bytes[0] ^= field == 0 ? 1 : 0;
        name.created_s -= field == 1 ? 1 : 0;
        name.canary.bytes[15] ^= field == 2 ? 1 : 0;
        name.seal.bytes[31] ^= field == 3 ? 1 : 0;
        vault_drill_result_sign(&name, &fixture->master.signing_key,
                                &fixture->master.public.verify_key, &result);
        text = vault_drill_result_format(&result);
        assert_not_taken(fixture, text, VAULT_ERROR_REFUSED);
    }
    keep_fixture_set_now(now_s + 2);
    early = answer_of(fixture);
    keep_fixture_set_now(now_s + 1);
    assert_not_taken(fixture, early, VAULT_ERROR_REFUSED);
}

static void stranger_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *challenge_text = challenge_of(fixture);
    g_autoptr(VaultDrillChallenge) challenge = parsed(challenge_text);
    g_auto(VaultMaster) stranger = {0};
    VaultDrillResult result;
    g_autofree char *text = NULL;

    vault_master_create(&stranger);
    vault_drill_result_sign(&challenge->name, &stranger.signing_key, &stranger.public.verify_key,
                            &result);
    text = vault_drill_result_format(&result);
    assert_not_taken(fixture, text, VAULT_ERROR_REFUSED);
    assert_not_taken(fixture, "muniment-drill-result/1\n", VAULT_ERROR_MALFORMED);
    assert_not_taken(fixture, "muniment-drill-result/2\n", VAULT_ERROR_UNSUPPORTED);
}

static void drill_is_in_the_control_log(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *answer = answer_of(fixture);
    g_autoptr(VaultLogReader) reader = NULL;
    g_autoptr(GBytes) bytes = NULL;
    VaultEntry entry;
    gsize len = 0;
    const guint8 *data;

    assert_true(take(fixture, answer, NULL));
    reader = vault_keep_log_reader(fixture->keep, VAULT_LOG_CONTROL, VAULT_KEEP_EPOCH_NOW, NULL);
    assert_non_null(reader);
    bytes = vault_log_reader_entry(reader, vault_log_reader_checkpoint(reader)->size - 1, NULL);
    assert_non_null(bytes);
    data = g_bytes_get_data(bytes, &len);
    assert_true(vault_entry_parse(data, len, &entry, NULL));
    assert_int_equal(entry.act, VAULT_LOGGED_MASTER_DRILLED);
}

/* ---- the master ----------------------------------------------------------------------------- */

static void only_a_master_that_opens_the_canary_answers(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *text = challenge_of(fixture);
    g_auto(VaultMaster) stranger = {0};
    VaultDrillResult result;

    vault_master_create(&stranger);
    for (guint change = 0; change < 6; change++) {
        g_autoptr(VaultDrillChallenge) challenge = parsed(text);
        VaultWrap *wrap = &g_array_index(challenge->wraps, VaultWrap, 0);
        g_autoptr(GError) error = NULL;

        wrap->ciphertext[0] ^= change == 1 ? 1 : 0;
        wrap->enc[0] ^= change == 2 ? 1 : 0;
        challenge->keys.content.bytes[0] ^= change == 3 ? 1 : 0;
        challenge->name.canary.bytes[0] ^= change == 4 ? 1 : 0;
        challenge->name.vault_id.bytes[0] ^= change == 5 ? 1 : 0;
        assert_false(
            drill_answer(challenge, change == 0 ? &stranger : &fixture->master, &result, &error));
        assert_vault_error(error, VAULT_ERROR_NO_KEY);
    }
}

/* ---- the texts ------------------------------------------------------------------------------ */

static void files_have_one_form_and_nothing_may_be_changed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *challenge_text = challenge_of(fixture);
    g_autoptr(VaultDrillChallenge) challenge = parsed(challenge_text);
    g_autofree char *again = vault_drill_challenge_format(challenge);
    g_autofree char *answer = answer_of(fixture);
    gsize len = strlen(answer);
    VaultDrillResult result;

    assert_string_equal(again, challenge_text);
    for (gsize i = 0; i < len; i++) {
        answer[i] ^= 1;
        assert_false(vault_drill_result_parse(answer, len, &result, NULL));
        answer[i] ^= 1;
        assert_false(vault_drill_result_parse(answer, i, &result, NULL));
    }
    assert_true(vault_drill_result_parse(answer, len, &result, NULL));
    for (gsize i = 0; i < strlen(challenge_text); i++)
        assert_null(vault_drill_challenge_parse(challenge_text, i, NULL));
}

static void limits_of_the_files_hold(void **state)
{
    g_autofree MasterPublic *masters = g_new0(MasterPublic, VAULT_WRAPS_MAX + 1);
    static const VaultId vault_id = {{1}};
    g_autoptr(VaultDrillChallenge) most = NULL;
    g_autofree char *most_text = NULL;
    g_autofree char *long_text = g_strnfill(VAULT_DRILL_LEN_MAX + 1, 'x');
    g_autoptr(GError) error = NULL;
    VaultDrillResult result;

    for (gsize i = 0; i <= VAULT_WRAPS_MAX; i++) {
        g_auto(VaultMaster) master = {0};

        vault_master_create(&master);
        masters[i] = master.public;
    }
    most = vault_drill_challenge_new(&vault_id, 1, masters, VAULT_WRAPS_MAX, NULL);
    assert_non_null(most);
    most_text = vault_drill_challenge_format(most);
    vault_drill_challenge_free(parsed(most_text));
    assert_null(vault_drill_challenge_new(&vault_id, 1, masters, VAULT_WRAPS_MAX + 1, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    g_clear_error(&error);
    assert_null(vault_drill_challenge_new(&vault_id, 1, masters, 0, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    g_clear_error(&error);
    assert_false(vault_drill_result_parse(long_text, VAULT_DRILL_LEN_MAX + 1, &result, &error));
    assert_vault_error(error, VAULT_ERROR_TOO_LARGE);
    g_clear_error(&error);
    assert_null(vault_drill_challenge_parse(long_text, VAULT_DRILL_LEN_MAX + 1, &error));
    assert_vault_error(error, VAULT_ERROR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drill_counts_from_its_challenge_and_survives_a_crash),
        cmocka_unit_test(result_counts_once_and_an_older_one_not_at_all),
        cmocka_unit_test(challenge_is_of_this_vault_and_not_of_a_time_to_come),
        cmocka_unit_test(stranger_is_refused),
        cmocka_unit_test(drill_is_in_the_control_log),
        cmocka_unit_test(only_a_master_that_opens_the_canary_answers),
        cmocka_unit_test(files_have_one_form_and_nothing_may_be_changed),
        cmocka_unit_test(limits_of_the_files_hold),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
