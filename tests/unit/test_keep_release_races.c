/* What changes while a grant is judged counts: no release comes behind what forbids it. */
#include "tests/unit/release_world.h"

typedef struct {
    ReleaseWorld *world;
    const char *grant;
    guint calls;
} Meanwhile;

/* ssh-keygen takes its time, and somebody revokes the grant in it. */
static gboolean revoke_and_verify(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                                  GError **error)
{
    Meanwhile *meanwhile = user;

    if (meanwhile->calls++ == 0)
        assert_true(vault_keep_revoke_grant(meanwhile->world->fixture->keep, meanwhile->grant,
                                            strlen(meanwhile->grant), NULL));
    return fake_verify(claim, ret_is_good, NULL, error);
}

static gboolean set_policy_and_verify(const VaultSshClaim *claim, gboolean *ret_is_good,
                                      gpointer user, GError **error)
{
    Meanwhile *meanwhile = user;

    if (meanwhile->calls++ == 0)
        release_world_set_policy(meanwhile->world, 2);
    return fake_verify(claim, ret_is_good, NULL, error);
}

static void assert_nothing_is_given_when(VaultSshVerify meanwhile_verify)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    Meanwhile meanwhile = {.world = world};
    g_autofree char *grant = NULL;
    g_autoptr(VaultLogReader) log = NULL;
    VaultRequestFile *request;
    VaultEntry last;

    release_world_set_policy(world, 1);
    request = release_world_request(world, &world->anna);
    release_world_approve(request, "Bert", 2);
    release_world_approve(request, "Cora", 3);
    grant = release_world_grant_of(world, request);
    keep_fixture_close(world->fixture);
    world->fixture->options.verify_approval = meanwhile_verify;
    world->fixture->options.verify_user = &meanwhile;
    keep_fixture_open(world->fixture);
    meanwhile.grant = grant;
    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
    assert_true(meanwhile.calls > 0);
    log = release_world_log(world, VAULT_LOG_CONTROL);
    last = release_world_entry(log, vault_log_reader_checkpoint(log)->size - 1);
    assert_int_not_equal(last.act, VAULT_LOGGED_RELEASE);
}

static void grant_that_is_revoked_while_it_is_judged_gets_nothing(void **state)
{
    assert_nothing_is_given_when(revoke_and_verify);
}

static void policy_that_comes_into_force_meanwhile_counts(void **state)
{
    assert_nothing_is_given_when(set_policy_and_verify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_that_is_revoked_while_it_is_judged_gets_nothing),
        cmocka_unit_test(policy_that_comes_into_force_meanwhile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
