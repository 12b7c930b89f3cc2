#include "approval_world.h"

#include "vault/act/grant_check.h"

#define SERIAL 3

/* A grant to read, approved by two of three, and a vault in which it is good. */
typedef struct {
    GrantWorld *world;
    VaultGrantFile *grant;
    char *policy;
    VaultGrantConditions conditions;
} CheckWorld;

static void check_world_free(CheckWorld *self)
{
    vault_grant_file_free(self->grant);
    grant_world_free(self->world);
    g_free(self->policy);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckWorld, check_world_free)

/* As it goes to the reader: written and read again. */
static void regrant(CheckWorld *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultGrantFile) made = world_grant(self->world, &error);
    g_autofree char *text = made != NULL ? vault_grant_file_format(made) : NULL;

    if (made == NULL)
        fail_msg("%s", error->message);
    g_clear_pointer(&self->grant, vault_grant_file_free);
    self->grant = vault_grant_file_parse(text, strlen(text), &error);
    if (self->grant == NULL)
        fail_msg("%s", error->message);
}

static CheckWorld *check_world_new(void)
{
    CheckWorld *self = g_new0(CheckWorld, 1);

    self->world = grant_world_new();
    world_use_policy(self->world, SERIAL);
    self->policy = g_strdup(self->world->request->policy);
    approve_request(self->world, "Bert", 2);
    approve_request(self->world, "Anna Beispiel", 1);
    regrant(self);
    self->conditions = (VaultGrantConditions){.vault_id = self->world->request->vault_id,
                                              .masters = &self->world->master.public,
                                              .master_count = 1,
                                              .policy = self->policy,
                                              .policy_len = strlen(self->policy),
                                              .now_s = WORLD_EXPIRES_S - 1,
                                              .verify = fake_verify};
    return self;
}

static void assert_verdict(const CheckWorld *self, VaultGrantVerdict expected)
{
    g_autoptr(GError) error = NULL;
    VaultGrantVerdict verdict = vault_grant_check(self->grant, &self->conditions, &error);

    if (verdict != expected)
        fail_msg("verdict %d, expected %d: %s", verdict, expected,
                 error != NULL ? error->message : "no error");
    if (expected == VAULT_GRANT_GOOD)
        assert_null(error);
    else if (expected != VAULT_GRANT_UNKNOWN)
        assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void approved_grant_is_good_until_its_last_second(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();

    assert_verdict(self, VAULT_GRANT_GOOD);
    self->conditions.now_s = WORLD_EXPIRES_S;
    assert_verdict(self, VAULT_GRANT_EXPIRED);
}

static void revoked_request_has_no_good_grant(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    VaultHash revoked[2] = {{{1}}, self->grant->request_hash};

    self->conditions.revoked = revoked;
    self->conditions.revoked_count = 1;
    assert_verdict(self, VAULT_GRANT_GOOD);
    self->conditions.revoked_count = 2;
    assert_verdict(self, VAULT_GRANT_REVOKED);
    /* Nor one that is made anew for it. */
    regrant(self);
    assert_verdict(self, VAULT_GRANT_REVOKED);
}

static void grant_for_another_vault_or_by_another_master_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    g_auto(VaultMaster) stranger = {0};
    MasterPublic masters[2];

    self->conditions.vault_id.bytes[0] ^= 1;
    assert_verdict(self, VAULT_GRANT_WRONG_VAULT);
    self->conditions.vault_id.bytes[0] ^= 1;

    vault_master_create(&stranger);
    self->conditions.masters = &stranger.public;
    assert_verdict(self, VAULT_GRANT_WRONG_MASTER);
    masters[0] = stranger.public;
    masters[1] = self->world->master.public;
    self->conditions.masters = masters;
    self->conditions.master_count = 2;
    assert_verdict(self, VAULT_GRANT_GOOD);
}

static void grant_under_another_policy_than_the_one_in_force_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    g_autofree char *newer = signed_policy_text(self->world, SERIAL + 1);
    g_autofree char *older = signed_policy_text(self->world, SERIAL - 1);
    g_autoptr(VaultPolicy) other = world_policy(self->world, SERIAL);
    g_autofree char *same_serial = NULL;
    const char *texts[3];

    other->needed[VAULT_ACT_READ] = 0;
    vault_policy_sign(other, &self->world->master.signing_key,
                      &self->world->master.public.verify_key);
    same_serial = policy_text(other);
    texts[0] = newer;
    texts[1] = older;
    texts[2] = same_serial;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        self->conditions.policy = texts[i];
        self->conditions.policy_len = strlen(texts[i]);
        assert_verdict(self, VAULT_GRANT_WRONG_POLICY);
    }
}

/* What a master was talked into is caught again by the host. */
static void grant_of_a_request_that_lacks_approvals_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    GPtrArray *approvals = self->world->request->approvals;

    g_ptr_array_set_size(approvals, 1);
    regrant(self);
    assert_verdict(self, VAULT_GRANT_UNDER_APPROVED);

    /* The second approval is of the request as it was before. */
    self->world->request->to_s += 1;
    approve_request(self->world, "Bert", 2);
    regrant(self);
    assert_verdict(self, VAULT_GRANT_UNDER_APPROVED);
    approve_request(self->world, "Anna Beispiel", 1);
    regrant(self);
    assert_verdict(self, VAULT_GRANT_GOOD);

    /* With another's key, and by somebody who is no approver. */
    approve_request(self->world, "Bert", 1);
    approve_request(self->world, "Dora", 4);
    regrant(self);
    assert_verdict(self, VAULT_GRANT_UNDER_APPROVED);
}

static void reader_does_not_approve_for_himself(void **state)
{
    static const char *const names[] = {"Bert", "BERT"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(CheckWorld) self = check_world_new();

        g_free(self->world->request->reader_name);
        self->world->request->reader_name = g_strdup(names[i]);
        approve_request(self->world, "Anna Beispiel", 1);
        approve_request(self->world, "Bert", 2);
        regrant(self);
        assert_verdict(self, VAULT_GRANT_UNDER_APPROVED);
        approve_request(self->world, "Cora", 3);
        regrant(self);
        assert_verdict(self, VAULT_GRANT_GOOD);
    }
}

static void lacking_approvals_are_named(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    g_autoptr(GError) error = NULL;

    g_ptr_array_set_size(self->world->request->approvals, 1);
    regrant(self);
    vault_grant_check(self->grant, &self->conditions, &error);
    assert_non_null(strstr(error->message, "2 approvals are needed, 1 counts (Anna Beispiel)"));
    assert_non_null(strstr(error->message, "missing: any of Bert, Cora"));
}

static gboolean broken_verify(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                              GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "broken");
    return FALSE;
}

static void approvals_that_cannot_be_verified_make_no_good_grant(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();

    self->conditions.verify = broken_verify;
    assert_verdict(self, VAULT_GRANT_UNKNOWN);
}

/* ---- scope ---------------------------------------------------------------------------------- */

static void scope_ends_at_the_second_the_id_the_month_and_the_half(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    RecordId named = {{7}}, next = {{7}};
    g_autoptr(VaultGrantScope) scope = NULL;
    VaultGrantUse use;

    next.bytes[VAULT_ID_LEN - 1] = 1;
    g_array_append_val(self->world->request->messages, named);
    regrant(self);
    scope = vault_grant_scope_new(self->grant);
    use = (VaultGrantUse){.month_key_id =
                              g_array_index(self->grant->keys, VaultGrantKey, 0).month_key_id,
                          .archive_id = named,
                          .received_s = self->world->request->from_s,
                          .half = VAULT_GRANT_CONTENT};
    assert_true(vault_grant_scope_covers(scope, &use, NULL));
    use.received_s--;
    assert_false(vault_grant_scope_covers(scope, &use, NULL));
    use.received_s = self->world->request->to_s - 1;
    assert_true(vault_grant_scope_covers(scope, &use, NULL));
    use.received_s++;
    assert_false(vault_grant_scope_covers(scope, &use, NULL));
    use.received_s--;
    use.archive_id = next;
    assert_false(vault_grant_scope_covers(scope, &use, NULL));
    use.archive_id = named;
    use.month_key_id.bytes[0] ^= 1;
    assert_false(vault_grant_scope_covers(scope, &use, NULL));
}

static void search_only_grant_covers_words_and_no_message(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    g_autoptr(VaultGrantScope) scope = NULL;
    g_autoptr(GError) error = NULL;
    VaultGrantUse use;

    self->world->request->act = VAULT_ACT_SEARCH;
    regrant(self);
    scope = vault_grant_scope_new(self->grant);
    use = (VaultGrantUse){.month_key_id =
                              g_array_index(self->grant->keys, VaultGrantKey, 0).month_key_id,
                          .received_s = self->world->request->from_s,
                          .half = VAULT_GRANT_INDEX};
    assert_true(vault_grant_scope_covers(scope, &use, NULL));
    use.half = VAULT_GRANT_CONTENT;
    assert_false(vault_grant_scope_covers(scope, &use, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

/* ---- the grant that a dishonest master's tool could make ------------------------------------- */

static void assert_form_refused(const VaultGrantFile *grant)
{
    g_autofree char *text = vault_grant_file_format(grant);
    gsize signed_len;
    g_autoptr(GError) error = NULL;

    assert_null(vault_grant_file_parse_form(text, strlen(text), &signed_len, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
}

static void key_that_the_request_does_not_ask_for_is_refused(void **state)
{
    g_autoptr(CheckWorld) self = check_world_new();
    VaultGrantKey *keys = (VaultGrantKey *)(gpointer)self->grant->keys->data;
    VaultGrantKey first = keys[0];
    const VaultRequestMailbox *alice = g_ptr_array_index(self->grant->request->mailboxes, 0);
    const VaultRequestMonth *august = g_ptr_array_index(alice->months, 0);

    /* In the request, but its period does not touch it. */
    keys[0].month = august->month;
    keys[0].month_key_id = vault_month_key_id(&august->keys.content);
    assert_form_refused(self->grant);
    keys[0] = first;
    keys[0].month_key_id.bytes[0] ^= 1;
    assert_form_refused(self->grant);
    keys[0] = first;
    keys[0].mailbox_id.bytes[0] ^= 1;
    assert_form_refused(self->grant);
    keys[0] = keys[1];
    assert_form_refused(self->grant);
    keys[0] = first;
    keys[0].halves = VAULT_GRANT_INDEX;
    keys[0].sealed_len = (guint8)vault_grant_sealed_len(VAULT_GRANT_INDEX);
    assert_form_refused(self->grant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approved_grant_is_good_until_its_last_second),
        cmocka_unit_test(revoked_request_has_no_good_grant),
        cmocka_unit_test(grant_for_another_vault_or_by_another_master_is_refused),
        cmocka_unit_test(grant_under_another_policy_than_the_one_in_force_is_refused),
        cmocka_unit_test(grant_of_a_request_that_lacks_approvals_is_refused),
        cmocka_unit_test(reader_does_not_approve_for_himself),
        cmocka_unit_test(lacking_approvals_are_named),
        cmocka_unit_test(approvals_that_cannot_be_verified_make_no_good_grant),
        cmocka_unit_test(scope_ends_at_the_second_the_id_the_month_and_the_half),
        cmocka_unit_test(search_only_grant_covers_words_and_no_message),
        cmocka_unit_test(key_that_the_request_does_not_ask_for_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
