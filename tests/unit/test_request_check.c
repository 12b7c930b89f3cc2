/* May the host do what a request asks for? */
#include "approval_world.h"

#include "vault/act/request_check.h"

#define SERIAL 3

/* A request to remove a hold, which needs two approvals and has them. */
typedef struct {
    GrantWorld *world;
    char *text;
    VaultRequestConditions conditions;
} CheckWorld;

static void check_world_free(CheckWorld *self)
{
    grant_world_free(self->world);
    g_free((char *)self->conditions.policy);
    g_free(self->text);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckWorld, check_world_free)

static char *policy_of(GrantWorld *world, guint32 removal_days)
{
    g_autoptr(VaultPolicy) policy = world_policy(world, SERIAL);

    policy->needed[VAULT_ACT_HOLD_REMOVE] = 2;
    policy->physical_removal_days = removal_days;
    vault_policy_sign(policy, &world->master.signing_key, &world->master.public.verify_key);
    return policy_text(policy);
}

static void make_keyless(VaultRequestFile *request, VaultAct act, const char *detail)
{
    request->act = act;
    g_clear_pointer(&request->reader_name, g_free);
    request->detail = g_strdup(detail);
    g_ptr_array_set_size(request->mailboxes, 0);
}

static CheckWorld *check_world_new(void)
{
    CheckWorld *self = g_new0(CheckWorld, 1);

    self->world = grant_world_new();
    make_keyless(self->world->request, VAULT_ACT_HOLD_REMOVE, "hold 1 of case 2");
    g_free(self->world->request->policy);
    self->world->request->policy = policy_of(self->world, 30);
    self->world->request->policy_serial = SERIAL;
    approve_request(self->world, "Bert", 2);
    approve_request(self->world, "Anna Beispiel", 1);
    self->text = world_request_text(self->world);
    self->conditions = (VaultRequestConditions){.vault_id = self->world->request->vault_id,
                                                .policy = policy_of(self->world, 30),
                                                .now_s = WORLD_EXPIRES_S - 1,
                                                .verify = fake_verify};
    return self;
}

static void assert_refused(const CheckWorld *self, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_request_check(self->text, strlen(self->text), VAULT_ACT_HOLD_REMOVE,
                                    &self->conditions, NULL, &error));
    assert_vault_error(error, code);
}

static void approved_request_is_good_until_its_last_second(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    g_autoptr(VaultRequestFile) request = NULL;
    guint count = 0;

    request = vault_request_check(self->text, strlen(self->text), VAULT_ACT_HOLD_REMOVE,
                                  &self->conditions, &count, NULL);
    assert_non_null(request);
    assert_int_equal(count, 2);
    self->conditions.now_s = WORLD_EXPIRES_S;
    assert_refused(self, VAULT_ERROR_REFUSED);
}

static void request_for_another_vault_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();

    self->conditions.vault_id.bytes[0] ^= 1;
    assert_refused(self, VAULT_ERROR_REFUSED);
}

static void request_for_another_act_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    g_autoptr(GError) error = NULL;

    assert_null(vault_request_check(self->text, strlen(self->text), VAULT_ACT_RETENTION,
                                    &self->conditions, NULL, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void request_under_a_policy_of_another_text_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();

    g_free((char *)self->conditions.policy);
    self->conditions.policy = policy_of(self->world, 31);
    assert_refused(self, VAULT_ERROR_REFUSED);
}

static void request_without_its_approvals_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();

    g_ptr_array_set_size(self->world->request->approvals, 1);
    g_free(self->text);
    self->text = world_request_text(self->world);
    assert_refused(self, VAULT_ERROR_REFUSED);
}

static void request_that_was_changed_after_it_was_approved_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();

    g_free(self->world->request->detail);
    self->world->request->detail = g_strdup("hold 2 of case 2");
    g_free(self->text);
    self->text = world_request_text(self->world);
    assert_refused(self, VAULT_ERROR_REFUSED);
}

static void text_that_is_no_request_is_malformed(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();

    self->text[strlen(self->text) - 1] = 'x';
    assert_refused(self, VAULT_ERROR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approved_request_is_good_until_its_last_second),
        cmocka_unit_test(request_for_another_vault_is_refused),
        cmocka_unit_test(request_for_another_act_is_refused),
        cmocka_unit_test(request_under_a_policy_of_another_text_is_refused),
        cmocka_unit_test(request_without_its_approvals_is_refused),
        cmocka_unit_test(request_that_was_changed_after_it_was_approved_is_refused),
        cmocka_unit_test(text_that_is_no_request_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
