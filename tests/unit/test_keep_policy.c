#include "approval_world.h"

#include "tests/support/keep_fixture.h"

/* A world whose vault and master are the fixture's, so that its policies are for that vault. */
static GrantWorld *world_of(KeepFixture *fixture)
{
    GrantWorld *world = grant_world_new();

    world->master = fixture->master;
    world->request->vault_id = *vault_keep_id(fixture->keep);
    return world;
}

static gboolean set(KeepFixture *fixture, const char *text, GError **error)
{
    return vault_keep_set_policy(fixture->keep, text, strlen(text), fake_verify, NULL, error);
}

static void assert_not_set(KeepFixture *fixture, const char *text, VaultErrorCode code)
{
    g_autofree char *before = vault_keep_policy(fixture->keep, NULL);
    g_autofree char *after = NULL;
    g_autoptr(GError) error = NULL;

    assert_false(set(fixture, text, &error));
    assert_vault_error(error, code);
    after = vault_keep_policy(fixture->keep, NULL);
    assert_string_equal(before, after);
}

static char *approved_by_cora(GrantWorld *world, guint32 serial, guint32 removal_days)
{
    g_autoptr(VaultPolicy) policy = world_policy(world, serial);
    g_autoptr(GBytes) signature = NULL;
    g_autofree char *draft = NULL;

    policy->physical_removal_days = removal_days;
    draft = policy_text(policy);
    signature = fake_signature(3, VAULT_APPROVAL_OF_POLICY, draft,
                               vault_approvals_offset(draft, strlen(draft)));
    vault_approvals_add(policy->approvals, "Cora", signature);
    vault_policy_sign(policy, &world->master.signing_key, &world->master.public.verify_key);
    return policy_text(policy);
}

static void new_vault_has_the_initial_policy(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *text = vault_keep_policy(fixture->keep, NULL);
    VaultKeepStatus status;

    assert_string_equal(text, vault_policy_initial_text());
    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    assert_int_equal(status.policy_serial, 0);
}

static void policy_in_force_survives_a_crash_and_the_newest_counts(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GrantWorld) world = world_of(fixture);
    g_autofree char *first = signed_policy_text(world, 1);
    g_autofree char *second = approved_by_cora(world, 2, 7);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    VaultKeepStatus status;

    if (!set(fixture, first, &error) || !set(fixture, second, &error))
        fail_msg("%s", error->message);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    text = vault_keep_policy(fixture->keep, NULL);
    assert_string_equal(text, second);
    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    assert_int_equal(status.policy_serial, 2);
}

static void policy_that_may_not_follow_is_not_put_in_force(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GrantWorld) world = world_of(fixture);
    g_autofree char *first = signed_policy_text(world, 1);
    g_autofree char *second = signed_policy_text(world, 2);
    g_autofree char *third = approved_by_cora(world, 3, 7);
    g_autoptr(VaultPolicy) draft = world_policy(world, 1);
    g_autofree char *draft_text = policy_text(draft);
    g_autofree char *stranger = NULL;
    g_autofree char *other_vault = NULL;

    vault_master_create(&world->master);
    stranger = signed_policy_text(world, 1);
    world->master = fixture->master;
    world->request->vault_id.bytes[0] ^= 1;
    other_vault = signed_policy_text(world, 1);

    assert_not_set(fixture, draft_text, VAULT_ERROR_REFUSED);
    assert_not_set(fixture, stranger, VAULT_ERROR_REFUSED);
    assert_not_set(fixture, other_vault, VAULT_ERROR_REFUSED);
    assert_not_set(fixture, second, VAULT_ERROR_REFUSED);
    assert_not_set(fixture, vault_policy_initial_text(), VAULT_ERROR_REFUSED);
    assert_not_set(fixture, "muniment-policy/1\nserial: x\n", VAULT_ERROR_MALFORMED);
    assert_true(set(fixture, first, NULL));
    assert_not_set(fixture, first, VAULT_ERROR_REFUSED);
    assert_not_set(fixture, second, VAULT_ERROR_REFUSED); /* nobody approved it */
    assert_not_set(fixture, third, VAULT_ERROR_REFUSED);
}

typedef struct {
    KeepFixture *fixture;
    const char *text; /* set while a signature is being verified; NULL: done */
} Race;

static gboolean racing_verify(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                              GError **error)
{
    Race *race = user;

    if (race->text != NULL)
        assert_true(set(race->fixture, g_steal_pointer(&race->text), NULL));
    return fake_verify(claim, ret_is_good, NULL, error);
}

static void policy_that_another_set_meanwhile_stays_in_force(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GrantWorld) world = world_of(fixture);
    g_autofree char *first = signed_policy_text(world, 1);
    g_autofree char *winner = approved_by_cora(world, 2, 7);
    g_autofree char *loser = approved_by_cora(world, 2, 8);
    Race race = {fixture, winner};
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(set(fixture, first, NULL));
    assert_false(
        vault_keep_set_policy(fixture->keep, loser, strlen(loser), racing_verify, &race, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    text = vault_keep_policy(fixture->keep, NULL);
    assert_string_equal(text, winner);
}

static void assert_not_done(KeepFixture *fixture, const char *act, const char *text, gsize len,
                            VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = NULL;

    assert_false(vault_keep_operate(fixture->keep, act, text, len, &answer, &error));
    assert_vault_error(error, code);
    assert_null(answer);
}

static void act_is_done_by_name_and_only_a_known_one(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *long_text = g_strnfill(VAULT_POLICY_LEN_MAX + 1, 'a');
    g_autofree char *answer = NULL;
    g_autoptr(GrantWorld) world = world_of(fixture);
    g_autofree char *text = signed_policy_text(world, 1);
    g_autofree char *in_force = NULL;

    assert_not_done(fixture, "policy-unset", text, strlen(text), VAULT_ERROR_UNSUPPORTED);
    assert_not_done(fixture, "policy-set", "a\0b\n", 4, VAULT_ERROR_MALFORMED);
    assert_not_done(fixture, "policy-set", long_text, VAULT_POLICY_LEN_MAX + 1,
                    VAULT_ERROR_TOO_LARGE);
    assert_not_done(fixture, "policy-set", long_text, VAULT_POLICY_LEN_MAX, VAULT_ERROR_MALFORMED);
    assert_true(vault_keep_operate(fixture->keep, "policy-set", text, strlen(text), &answer, NULL));
    assert_string_equal(answer, "");
    in_force = vault_keep_policy(fixture->keep, NULL);
    assert_string_equal(in_force, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_vault_has_the_initial_policy),
        cmocka_unit_test(policy_in_force_survives_a_crash_and_the_newest_counts),
        cmocka_unit_test(policy_that_may_not_follow_is_not_put_in_force),
        cmocka_unit_test(policy_that_another_set_meanwhile_stays_in_force),
        cmocka_unit_test(act_is_done_by_name_and_only_a_known_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
