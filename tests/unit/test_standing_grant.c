/* Standing grants: their form, when they are good, what they cover, and that a standing reader
 * believes no wrap that is not what the vault says it is. */
#include "approval_world.h"

#include "vault/act/grant_check.h"

#define SERIAL 3

/* A standing grant for alice, approved by two of three, in a vault that has taken it up. */
typedef struct {
    GrantWorld *world;
    VaultGrantFile *grant;
    char *policy;
    VaultHash standing;
    VaultGrantConditions conditions;
} StandingWorld;

static void standing_world_free(StandingWorld *self)
{
    vault_grant_file_free(self->grant);
    grant_world_free(self->world);
    g_free(self->policy);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandingWorld, standing_world_free)

static void name_mailbox(VaultRequestFile *request, const MailboxId *id, const char *address)
{
    VaultRequestMailbox *mailbox = vault_request_mailbox_new(id);

    mailbox->address = g_strdup(address);
    g_ptr_array_add(request->mailboxes, mailbox);
}

static void regrant(StandingWorld *self)
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
    self->standing = self->grant->request_hash;
}

static StandingWorld *standing_world_new(void)
{
    StandingWorld *self = g_new0(StandingWorld, 1);
    VaultRequestFile *request;

    self->world = grant_world_new();
    request = self->world->request;
    request->act = VAULT_ACT_STANDING_READ;
    request->to_s = request->expires_s = VAULT_REQUEST_NO_END_S;
    g_ptr_array_set_size(request->mailboxes, 0);
    name_mailbox(request, &self->world->alice, "alice@example.org");
    world_use_policy(self->world, SERIAL);
    self->policy = g_strdup(request->policy);
    approve_request(self->world, "Bert", 2);
    approve_request(self->world, "Anna Beispiel", 1);
    regrant(self);
    self->conditions = (VaultGrantConditions){.vault_id = request->vault_id,
                                              .masters = &self->world->master.public,
                                              .master_count = 1,
                                              .policy = self->policy,
                                              .policy_len = strlen(self->policy),
                                              .standing = &self->standing,
                                              .standing_count = 1,
                                              .now_s = WORLD_CREATED_S,
                                              .verify = fake_verify};
    return self;
}

static void assert_verdict(const StandingWorld *self, VaultGrantVerdict expected)
{
    g_autoptr(GError) error = NULL;
    VaultGrantVerdict verdict = vault_grant_check(self->grant, &self->conditions, &error);

    if (verdict != expected)
        fail_msg("verdict %d, expected %d: %s", verdict, expected,
                 error != NULL ? error->message : "no error");
    if (expected != VAULT_GRANT_GOOD)
        assert_vault_error(error, VAULT_ERROR_REFUSED);
}

/* ---- form ----------------------------------------------------------------------------------- */

static void standing_grant_has_no_keys_and_comes_back_as_it_was_written(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    g_autofree char *text = vault_grant_file_format(self->grant);
    MailboxId bob = self->world->bob;

    assert_non_null(strstr(text, "request: act: standing-read\n"));
    assert_non_null(strstr(text, "request: expires: 9999-12-31T23:59:59Z\n"));
    assert_non_null(strstr(text, "\nkeys: 0\nmaster: "));
    assert_true(vault_grant_file_is_standing(self->grant));
    assert_true(vault_grant_file_has_mailbox(self->grant, &self->world->alice));
    assert_false(vault_grant_file_has_mailbox(self->grant, &bob));
    assert_int_equal(vault_grant_file_mailbox_count(self->grant), 1);

    /* None named: all, whatever they will be. */
    g_ptr_array_set_size(self->world->request->mailboxes, 0);
    regrant(self);
    assert_true(vault_grant_file_has_mailbox(self->grant, &bob));
    assert_int_equal(vault_grant_file_mailbox_count(self->grant), 0);
}

static void assert_request_refused(VaultRequestFile *request)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = vault_request_file_format(request, &error);

    assert_null(text);
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
}

static void standing_request_has_no_key_and_no_message(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    VaultRequestFile *request = self->world->request;
    RecordId message = {{1}};

    g_array_append_val(request->messages, message);
    assert_request_refused(request);
    g_array_set_size(request->messages, 0);
    world_add_mailbox(self->world, &self->world->bob, "", 202611, 1);
    assert_request_refused(request);
}

static void standing_request_names_mailboxes_up_to_its_limit(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    VaultRequestFile *request = self->world->request;
    g_autofree char *text = NULL;

    for (guint i = 1; i < VAULT_REQUEST_STANDING_MAILBOXES_MAX; i++) {
        MailboxId id = {{0}};

        vault_bytes_put_u32(id.bytes, i);
        name_mailbox(request, &id, "x@example.org");
    }
    text = world_request_text(self->world);
    assert_non_null(text);
    name_mailbox(request, &self->world->bob, "");
    assert_request_refused(request);
}

static void standing_grant_with_a_key_in_it_is_refused(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    VaultGrantKey key = {.mailbox_id = self->world->alice,
                         .month = 202611,
                         .halves = VAULT_GRANT_BOTH,
                         .sealed_len = VAULT_GRANT_SEALED_LEN_MAX};
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize signed_len;

    g_array_append_val(self->grant->keys, key);
    text = vault_grant_file_format(self->grant);
    assert_null(vault_grant_file_parse_form(text, strlen(text), &signed_len, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
}

/* ---- when it is good ------------------------------------------------------------------------- */

static void standing_grant_is_good_once_it_is_taken_up(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();

    assert_verdict(self, VAULT_GRANT_GOOD);
    self->conditions.standing_count = 0;
    assert_verdict(self, VAULT_GRANT_NOT_TAKEN_UP);
    self->conditions.standing_count = 1;
    self->standing.bytes[0] ^= 1;
    assert_verdict(self, VAULT_GRANT_NOT_TAKEN_UP);
}

static void standing_grant_is_refused_for_what_any_grant_is(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    g_auto(VaultMaster) stranger = {0};

    self->conditions.vault_id.bytes[0] ^= 1;
    assert_verdict(self, VAULT_GRANT_WRONG_VAULT);
    self->conditions.vault_id.bytes[0] ^= 1;
    vault_master_create(&stranger);
    self->conditions.masters = &stranger.public;
    assert_verdict(self, VAULT_GRANT_WRONG_MASTER);
    self->conditions.masters = &self->world->master.public;
    self->conditions.revoked = &self->standing;
    self->conditions.revoked_count = 1;
    assert_verdict(self, VAULT_GRANT_REVOKED);
    self->conditions.revoked_count = 0;

    self->world->request->expires_s = WORLD_EXPIRES_S;
    approve_request(self->world, "Bert", 2);
    approve_request(self->world, "Anna Beispiel", 1);
    regrant(self);
    self->conditions.now_s = WORLD_EXPIRES_S - 1;
    assert_verdict(self, VAULT_GRANT_GOOD);
    self->conditions.now_s = WORLD_EXPIRES_S;
    assert_verdict(self, VAULT_GRANT_EXPIRED);
}

static void standing_grant_needs_the_approvals_that_reading_needs(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();

    g_ptr_array_set_size(self->world->request->approvals, 1);
    regrant(self);
    assert_verdict(self, VAULT_GRANT_UNDER_APPROVED);
}

static void use_policy(StandingWorld *self, VaultPolicy *policy)
{
    vault_policy_sign(policy, &self->world->master.signing_key,
                      &self->world->master.public.verify_key);
    g_free(self->policy);
    self->policy = policy_text(policy);
    self->conditions.policy = self->policy;
    self->conditions.policy_len = strlen(self->policy);
}

static void standing_grant_outlives_a_policy_that_would_approve_it(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    g_autoptr(VaultPolicy) later = world_policy(self->world, SERIAL + 1);
    g_autoptr(VaultPolicy) stricter = world_policy(self->world, SERIAL + 2);
    g_autoptr(VaultPolicy) smaller = world_policy(self->world, SERIAL + 3);

    use_policy(self, later);
    assert_verdict(self, VAULT_GRANT_GOOD);
    stricter->needed[VAULT_ACT_READ] = 3;
    use_policy(self, stricter);
    assert_verdict(self, VAULT_GRANT_UNDER_APPROVED);
    /* Who approved is no approver any more. */
    for (guint i = 0; i < smaller->approvers->len; i++) {
        const VaultApprover *approver = g_ptr_array_index(smaller->approvers, i);

        if (g_str_equal(approver->name, "Bert"))
            g_ptr_array_remove_index(smaller->approvers, i--);
    }
    use_policy(self, smaller);
    assert_verdict(self, VAULT_GRANT_UNDER_APPROVED);
}

static void standing_grant_under_a_policy_that_is_not_yet_or_another_is_refused(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    g_autoptr(VaultPolicy) older = world_policy(self->world, SERIAL - 1);
    g_autoptr(VaultPolicy) other = world_policy(self->world, SERIAL);

    use_policy(self, older);
    assert_verdict(self, VAULT_GRANT_WRONG_POLICY);
    other->needed[VAULT_ACT_READ] = 1;
    use_policy(self, other);
    assert_verdict(self, VAULT_GRANT_WRONG_POLICY);
}

/* ---- scope ---------------------------------------------------------------------------------- */

static void standing_scope_is_the_mailbox_the_wrap_and_the_second(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    g_autoptr(VaultGrantScope) scope = vault_grant_scope_new(self->grant);
    g_autoptr(GError) error = NULL;
    VaultGrantUse use = {.mailbox_id = self->world->alice,
                         .is_wrapped = TRUE,
                         .received_s = self->world->request->from_s,
                         .half = VAULT_GRANT_CONTENT};

    assert_true(vault_grant_scope_covers(scope, &use, NULL));
    use.half = VAULT_GRANT_INDEX;
    assert_true(vault_grant_scope_covers(scope, &use, NULL));
    use.received_s--;
    assert_false(vault_grant_scope_covers(scope, &use, NULL));
    use.received_s++;
    use.is_wrapped = FALSE;
    assert_false(vault_grant_scope_covers(scope, &use, NULL));
    use.is_wrapped = TRUE;
    use.mailbox_id = self->world->bob;
    assert_false(vault_grant_scope_covers(scope, &use, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

/* ---- what the reader believes ---------------------------------------------------------------- */

/* A month of alice, wrapped to the master and to the reader. */
static VaultStandingMonth wrapped_month_as(const StandingWorld *self, VaultMonth number,
                                           VaultWrapKind kind)
{
    VaultMonthIdentity identity = {.vault_id = self->world->request->vault_id,
                                   .mailbox_id = self->world->alice,
                                   .address = "alice@example.org",
                                   .month = number};
    VaultWrapRecipient recipients[2] = {world_recipient(&self->world->master)};
    VaultStandingMonth month = {
        .mailbox_id = identity.mailbox_id, .address = identity.address, .month = number};
    MasterPublic as_master = {.public_key = {{0}}};
    VaultWrap wraps[2];

    recipients[1].kind = kind;
    memcpy(recipients[1].public_key, self->world->reader.public_key.bytes, VAULT_KEY_LEN);
    memcpy(as_master.public_key.bytes, recipients[1].public_key, VAULT_KEY_LEN);
    recipients[1].key_id = kind == VAULT_WRAP_MASTER
                               ? vault_master_key_id(&as_master)
                               : vault_reader_key_id(&self->world->reader.public_key);
    assert_true(vault_month_create(&identity, recipients, 2, &month.keys, wraps, NULL));
    month.wrap = wraps[1];
    return month;
}

static VaultStandingMonth wrapped_month(const StandingWorld *self, VaultMonth number)
{
    return wrapped_month_as(self, number, VAULT_WRAP_STANDING_READER);
}

static VaultReader *read_with(const StandingWorld *self, const VaultStandingMonth *months,
                              gsize count, GError **error)
{
    return vault_grant_standing_reader(self->grant, &self->world->reader, months, count,
                                       WORLD_CREATED_S, error);
}

static void assert_month_refused(const StandingWorld *self, const VaultStandingMonth *month)
{
    g_autoptr(GError) error = NULL;

    assert_null(read_with(self, month, 1, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void wraps_open_to_a_reader_of_their_months(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    VaultStandingMonth months[] = {wrapped_month(self, 202611), wrapped_month(self, 203001)};
    g_autoptr(VaultReader) reader = read_with(self, months, 2, NULL);
    VaultOpenEntry entry = {.mailbox_id = self->world->alice,
                            .month_key_id = vault_month_key_id(&months[0].keys.content),
                            .received_s = WORLD_CREATED_S};

    assert_non_null(reader);
    assert_true(vault_reader_covers(reader, &entry, NULL));
    entry.received_s = self->world->request->from_s - 1;
    assert_false(vault_reader_covers(reader, &entry, NULL));
    entry.received_s = WORLD_CREATED_S;
    entry.month_key_id = vault_month_key_id(&months[1].keys.content);
    assert_true(vault_reader_covers(reader, &entry, NULL));
    entry.month_key_id.bytes[0] ^= 1;
    assert_false(vault_reader_covers(reader, &entry, NULL));
}

static void wrap_that_is_called_another_is_refused(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    VaultStandingMonth good = wrapped_month(self, 202611), other = wrapped_month(self, 202611);
    VaultStandingMonth month = good;
    KeyId master_id = vault_master_key_id(&self->world->master.public);

    month.address = "bob@example.org";
    assert_month_refused(self, &month);
    month = good;
    month.month = 202612;
    assert_month_refused(self, &month);
    month = good;
    month.keys = other.keys;
    assert_month_refused(self, &month);
    month = good;
    month.wrap.kind = VAULT_WRAP_MASTER;
    assert_month_refused(self, &month);
    /* Made for his key, as if he were a master. */
    month = wrapped_month_as(self, 202611, VAULT_WRAP_MASTER);
    assert_month_refused(self, &month);
    month = good;
    month.wrap.key_id = master_id;
    assert_month_refused(self, &month);
    month = good;
    month.wrap.ciphertext[5] ^= 1;
    assert_month_refused(self, &month);
}

static void month_of_another_mailbox_or_period_is_refused(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    VaultStandingMonth month = wrapped_month(self, 202611), early = wrapped_month(self, 202608);
    VaultStandingMonth none = month;

    month.mailbox_id = self->world->bob;
    assert_month_refused(self, &month);
    assert_month_refused(self, &early);
    none.month = 202613;
    assert_month_refused(self, &none);
    /* Of a reader of the whole vault: the mailbox is another than it was wrapped for. */
    g_ptr_array_set_size(self->world->request->mailboxes, 0);
    regrant(self);
    assert_month_refused(self, &month);
}

static void another_identity_or_an_expired_grant_makes_no_reader(void **state)
{
    g_autoptr(StandingWorld) self = standing_world_new();
    g_auto(VaultIdentity) other = {.name = ""};
    g_autoptr(GError) error = NULL;

    assert_true(vault_identity_create("Bert", &other, NULL));
    assert_null(vault_grant_standing_reader(self->grant, &other, NULL, 0, WORLD_CREATED_S, &error));
    assert_vault_error(error, VAULT_ERROR_NO_KEY);
    g_clear_error(&error);
    assert_null(vault_grant_standing_reader(self->grant, &self->world->reader, NULL, 0,
                                            VAULT_REQUEST_NO_END_S, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standing_grant_has_no_keys_and_comes_back_as_it_was_written),
        cmocka_unit_test(standing_request_has_no_key_and_no_message),
        cmocka_unit_test(standing_request_names_mailboxes_up_to_its_limit),
        cmocka_unit_test(standing_grant_with_a_key_in_it_is_refused),
        cmocka_unit_test(standing_grant_is_good_once_it_is_taken_up),
        cmocka_unit_test(standing_grant_is_refused_for_what_any_grant_is),
        cmocka_unit_test(standing_grant_needs_the_approvals_that_reading_needs),
        cmocka_unit_test(standing_grant_outlives_a_policy_that_would_approve_it),
        cmocka_unit_test(standing_grant_under_a_policy_that_is_not_yet_or_another_is_refused),
        cmocka_unit_test(standing_scope_is_the_mailbox_the_wrap_and_the_second),
        cmocka_unit_test(wraps_open_to_a_reader_of_their_months),
        cmocka_unit_test(wrap_that_is_called_another_is_refused),
        cmocka_unit_test(month_of_another_mailbox_or_period_is_refused),
        cmocka_unit_test(another_identity_or_an_expired_grant_makes_no_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
