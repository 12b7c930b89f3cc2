#include "approval_world.h"

#include "vault/act/policy_change.h"

static void assert_refused(const char *text, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    if (vault_policy_parse(text, strlen(text), &error) != NULL)
        fail_msg("taken:\n%s", text);
    assert_vault_error(error, code);
}

static void assert_format_refused(VaultPolicy *policy, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_policy_format(policy, &error));
    assert_vault_error(error, code);
}

static void initial_policy_is_three_lines_and_asks_for_nothing(void **state)
{
    const char *text = vault_policy_initial_text();
    g_autoptr(VaultPolicy) policy = vault_policy_parse(text, strlen(text), NULL);
    g_autofree char *again = vault_policy_format(policy, NULL);

    assert_string_equal(text, "muniment-policy/1\nserial: 0\napprovals: 0\n");
    assert_string_equal(again, text);
    assert_int_equal(policy->serial, 0);
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_COUNTED_END; act++)
        assert_int_equal(policy->needed[act], 0);
    assert_refused("muniment-policy/1\nserial: 0\napprovals: 1\n", VAULT_ERROR_MALFORMED);
    assert_refused("muniment-policy/1\nserial: 1\napprovals: 0\n", VAULT_ERROR_MALFORMED);
    assert_refused("muniment-policy/2\nserial: 1\n", VAULT_ERROR_UNSUPPORTED);
}

static void policy_comes_back_as_it_was_written(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = signed_policy_text(world, 4);
    g_autoptr(VaultPolicy) policy = vault_policy_parse(text, strlen(text), NULL);
    g_autofree char *again = policy_text(policy);

    assert_string_equal(text, again);
    assert_true(policy->is_signed);
    assert_int_equal(policy->needed[VAULT_ACT_READ], 2);
    assert_non_null(vault_policy_approver(policy, "Bert"));
    assert_null(vault_policy_approver(policy, "bert"));
}

static void changed_byte_anywhere_is_found(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = signed_policy_text(world, 4);
    gsize len = strlen(text);

    for (gsize at = 0; at < len; at++) {
        text[at] ^= 1;
        if (vault_policy_parse(text, len, NULL) != NULL)
            fail_msg("byte %zu changed and not found", at);
        text[at] ^= 1;
    }
    /* Cut before the signature it is a draft, which nobody takes for a policy in force. */
    for (gsize cut = 0; cut < len; cut++) {
        g_autoptr(VaultPolicy) policy = vault_policy_parse(text, cut, NULL);

        assert_true(policy == NULL || !policy->is_signed);
    }
}

static void approvers_are_different_people_with_different_keys(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    static const char *const same[] = {"Bert", "bert", "\xef\xbc\xa2\xef\xbd\x85rt"};

    for (gsize i = 0; i < G_N_ELEMENTS(same); i++) {
        g_autoptr(VaultPolicy) policy = world_policy(world, 1);

        add_approver(policy, same[i], 9);
        assert_format_refused(policy, VAULT_ERROR_MALFORMED);
    }
    {
        g_autoptr(VaultPolicy) policy = world_policy(world, 1);

        add_approver(policy, "Dora", 3);
        assert_format_refused(policy, VAULT_ERROR_MALFORMED);
    }
}

static void more_approvals_than_approvers_are_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultPolicy) policy = world_policy(world, 1);
    g_autofree char *fits = NULL;

    policy->needed[VAULT_ACT_ERASE] = 3;
    fits = policy_text(policy);
    policy->needed[VAULT_ACT_ERASE] = 4;
    assert_format_refused(policy, VAULT_ERROR_MALFORMED);
}

static void limits_hold_at_the_limit_and_not_past_it(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultPolicy) policy = world_policy(world, 1);
    g_autofree char *long_name = g_strnfill(VAULT_APPROVER_NAME_LEN_MAX, 'x');
    g_autofree char *longer_name = g_strnfill(VAULT_APPROVER_NAME_LEN_MAX + 1, 'x');
    g_autofree char *fits = NULL;
    char byte = 'm';
    g_autoptr(GError) error = NULL;

    add_approver(policy, long_name, 10);
    for (guint8 i = 4; i < VAULT_POLICY_APPROVERS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("approver %u", i);

        add_approver(policy, name, 20 + i);
    }
    policy->physical_removal_days = VAULT_POLICY_REMOVAL_DAYS_MAX;
    fits = policy_text(policy);
    policy->physical_removal_days++;
    assert_format_refused(policy, VAULT_ERROR_MALFORMED);
    policy->physical_removal_days = 0;
    add_approver(policy, "one more", 200);
    assert_format_refused(policy, VAULT_ERROR_MALFORMED);
    g_ptr_array_set_size(policy->approvers, 3);
    add_approver(policy, longer_name, 10);
    assert_format_refused(policy, VAULT_ERROR_MALFORMED);
    /* The length is judged before a byte is read. */
    assert_null(vault_policy_parse(&byte, VAULT_POLICY_LEN_MAX + 1, &error));
    assert_vault_error(error, VAULT_ERROR_TOO_LARGE);
}

static void keys_of_unknown_type_or_of_another_type_than_said_are_refused(void **state)
{
    g_autofree char *key = fake_key(1);
    const char *base64 = strchr(key, ' ') + 1;
    g_autofree char *loose = g_strconcat(base64, " ", NULL);
    g_autoptr(GError) error = NULL;

    assert_true(vault_ssh_key_check("ssh-ed25519", base64, NULL));
    assert_false(vault_ssh_key_check("ssh-dss", base64, &error));
    assert_vault_error(error, VAULT_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    assert_false(vault_ssh_key_check("ssh-rsa", base64, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
    g_clear_error(&error);
    assert_false(vault_ssh_key_check("ssh-ed25519", loose, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
}

/* ---- change --------------------------------------------------------------------------------- */

static VaultPolicy *parsed(const char *text)
{
    VaultPolicy *policy = vault_policy_parse(text, strlen(text), NULL);

    assert_non_null(policy);
    return policy;
}

static gboolean may_follow(const char *in_force, const char *next, GError **error)
{
    g_autoptr(VaultPolicy) before = parsed(in_force);
    g_autoptr(VaultPolicy) after = parsed(next);

    return vault_policy_may_follow(before, after, next, strlen(next), fake_verify, NULL, error);
}

/* A signed successor; approver 0: by nobody. */
static char *successor(GrantWorld *world, guint32 serial, const char *name, guint8 number)
{
    g_autoptr(VaultPolicy) policy = world_policy(world, serial);

    policy->needed[VAULT_ACT_SHRED] = 1;
    if (number != 0) {
        g_autofree char *draft = policy_text(policy);
        g_autoptr(GBytes) signature = fake_signature(number, VAULT_APPROVAL_OF_POLICY, draft,
                                                     vault_approvals_offset(draft, strlen(draft)));

        vault_approvals_add(policy->approvals, name, signature);
    }
    vault_policy_sign(policy, &world->master.signing_key, &world->master.public.verify_key);
    return policy_text(policy);
}

static void first_policy_follows_the_initial_one_without_approval(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *first = successor(world, 1, NULL, 0);
    g_autofree char *second = successor(world, 2, NULL, 0);
    g_autoptr(GError) error = NULL;

    assert_true(may_follow(vault_policy_initial_text(), first, NULL));
    assert_false(may_follow(vault_policy_initial_text(), second, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void policy_is_changed_with_the_approvals_of_the_one_in_force(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *in_force = signed_policy_text(world, 7);
    g_autofree char *good = successor(world, 8, "Cora", 3);
    const struct {
        const char *name;
        guint8 number;
        guint32 serial;
    } bad[] = {{NULL, 0, 8}, {"Cora", 1, 8}, {"Dora", 3, 8}, {"Cora", 3, 9}, {"Cora", 3, 7}};

    assert_true(may_follow(in_force, good, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *next = successor(world, bad[i].serial, bad[i].name, bad[i].number);
        g_autoptr(GError) error = NULL;

        if (may_follow(in_force, next, &error))
            fail_msg("change %zu was taken", i);
        assert_vault_error(error, VAULT_ERROR_REFUSED);
    }
}

static void policy_of_another_vault_or_master_is_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = signed_policy_text(world, 1);
    g_autoptr(VaultPolicy) policy = parsed(text);
    g_autoptr(VaultPolicy) draft = world_policy(world, 1);
    g_auto(VaultMaster) stranger = {0};
    VaultId other = world->request->vault_id;

    vault_master_create(&stranger);
    assert_true(vault_policy_check_signer(policy, &world->request->vault_id, &world->master.public,
                                          1, NULL));
    assert_false(
        vault_policy_check_signer(policy, &world->request->vault_id, &stranger.public, 1, NULL));
    draft->verify_key = world->master.public.verify_key;
    assert_false(vault_policy_check_signer(draft, &world->request->vault_id, &world->master.public,
                                           1, NULL));
    other.bytes[3] ^= 1;
    assert_false(vault_policy_check_signer(policy, &other, &world->master.public, 1, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_policy_is_three_lines_and_asks_for_nothing),
        cmocka_unit_test(policy_comes_back_as_it_was_written),
        cmocka_unit_test(changed_byte_anywhere_is_found),
        cmocka_unit_test(approvers_are_different_people_with_different_keys),
        cmocka_unit_test(more_approvals_than_approvers_are_refused),
        cmocka_unit_test(limits_hold_at_the_limit_and_not_past_it),
        cmocka_unit_test(keys_of_unknown_type_or_of_another_type_than_said_are_refused),
        cmocka_unit_test(first_policy_follows_the_initial_one_without_approval),
        cmocka_unit_test(policy_is_changed_with_the_approvals_of_the_one_in_force),
        cmocka_unit_test(policy_of_another_vault_or_master_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
