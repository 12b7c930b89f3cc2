/* Mailboxes that are closed, and addresses that come and go, in a running vault and after a crash.
 */
#include "approval_world.h"

#include "tests/support/keep_fixture.h"
#include "vault/act/mailbox_change.h"
#include "vault/keep/internal.h"

#define ANNA "anna@firm.example"
#define BERT "bert@firm.example"
#define OTHER "other@firm.example"
#define NOW KEEP_FIXTURE_NOW_S

static gboolean change(KeepFixture *fixture, const char *act, const MailboxId *mailbox,
                       const char *address, gboolean is_primary, GError **error)
{
    VaultMailboxChange change = {
        .mailbox_id = *mailbox, .address = (char *)address, .is_primary = is_primary};
    g_autofree char *text = vault_mailbox_change_format(&change);

    return vault_keep_operate(fixture->keep, act, text, strlen(text), NULL, error);
}

static void assert_changed(KeepFixture *fixture, const char *act, const MailboxId *mailbox,
                           const char *address, gboolean is_primary)
{
    g_autoptr(GError) error = NULL;

    if (!change(fixture, act, mailbox, address, is_primary, &error))
        fail_msg("%s: %s", act, error->message);
}

static void assert_not_changed(KeepFixture *fixture, const char *act, const MailboxId *mailbox,
                               const char *address, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_false(change(fixture, act, mailbox, address, FALSE, &error));
    assert_vault_error(error, code);
}

static MailboxId resolved(KeepFixture *fixture, const char *address)
{
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    VaultResolution resolution;
    MailboxId id;

    assert_true(depository->resolve(depository, address, &id, &resolution, NULL));
    return id;
}

static void set_closed_mail(KeepFixture *fixture, VaultPolicyClosedMail closed_mail)
{
    g_autoptr(VaultPolicy) policy = vault_policy_new();
    g_autofree char *text = NULL;
    VaultKeepStatus status;

    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    policy->serial = status.policy_serial + 1;
    policy->vault_id = fixture->keep->id;
    policy->created_s = NOW;
    policy->closed_mail = closed_mail;
    vault_policy_sign(policy, &fixture->master.signing_key, &fixture->master.public.verify_key);
    text = policy_text(policy);
    assert_true(vault_keep_set_policy(fixture->keep, text, strlen(text), fake_verify, NULL, NULL));
}

static void assert_same(MailboxId a, MailboxId b)
{
    assert_memory_equal(a.bytes, b.bytes, VAULT_ID_LEN);
}

static void assert_other(MailboxId a, MailboxId b)
{
    assert_memory_not_equal(a.bytes, b.bytes, VAULT_ID_LEN);
}

/* ---- closed ---------------------------------------------------------------------------------- */

static void mail_for_a_closed_mailbox_goes_as_the_policy_says(void **state)
{
    static const struct {
        VaultPolicyClosedMail closed_mail;
        VaultAdmission admission;
        gboolean is_new;
    } cases[] = {
        {VAULT_CLOSED_MAIL_UNASSIGNED, VAULT_ADMIT, FALSE},
        {VAULT_CLOSED_MAIL_REJECT_TEMPORARY, VAULT_REJECT_TEMPORARY, FALSE},
        {VAULT_CLOSED_MAIL_REJECT_PERMANENT, VAULT_REJECT_PERMANENT, FALSE},
        {VAULT_CLOSED_MAIL_NEW, VAULT_ADMIT, TRUE},
    };
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = resolved(fixture, ANNA), unassigned = resolved(fixture, NULL);

    assert_changed(fixture, "mailbox-close", &anna, NULL, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        VaultDepository *depository;
        MailboxId later;

        set_closed_mail(fixture, cases[i].closed_mail);
        keep_fixture_crash(fixture);
        keep_fixture_open(fixture);
        depository = vault_keep_depository(fixture->keep);
        assert_int_equal(depository->admit(depository, ANNA), cases[i].admission);
        assert_int_equal(depository->admit(depository, BERT), VAULT_ADMIT);
        assert_int_equal(depository->admit(depository, NULL), VAULT_ADMIT);
        later = resolved(fixture, ANNA);
        assert_other(later, anna);
        if (cases[i].is_new)
            assert_other(later, unassigned);
        else
            assert_same(later, unassigned);
    }
    assert_int_equal(
        vault_keep_depository(fixture->keep)->admit(vault_keep_depository(fixture->keep), ANNA),
        VAULT_ADMIT);
    assert_same(resolved(fixture, ANNA), keep_fixture_mailbox(fixture, ANNA));
}

static void policy_counts_from_when_it_is_set(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    MailboxId anna = resolved(fixture, ANNA);

    set_closed_mail(fixture, VAULT_CLOSED_MAIL_REJECT_PERMANENT);
    assert_int_equal(depository->admit(depository, ANNA), VAULT_ADMIT);
    assert_changed(fixture, "mailbox-close", &anna, NULL, FALSE);
    assert_int_equal(depository->admit(depository, ANNA), VAULT_REJECT_PERMANENT);
    set_closed_mail(fixture, VAULT_CLOSED_MAIL_REJECT_TEMPORARY);
    assert_int_equal(depository->admit(depository, ANNA), VAULT_REJECT_TEMPORARY);
}

static void closed_mailbox_keeps_its_mail_and_gets_no_more_keys(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    guint64 later = vault_month_start(202612) - 60;
    g_autoptr(GPtrArray) months = NULL;
    MailboxId anna;
    guint made;

    keep_fixture_deliver(fixture, "one", ANNA);
    anna = keep_fixture_mailbox(fixture, ANNA);
    assert_changed(fixture, "mailbox-close", &anna, NULL, FALSE);
    keep_fixture_set_now(later);
    assert_true(vault_keep_prepare_next_month(fixture->keep, later, &made, NULL));
    months = vault_keep_months(fixture->keep, &anna, 1, 0, G_MAXUINT64, NULL);
    assert_int_equal(months->len, 1);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
}

static void closing_is_refused_where_it_cannot_be(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = resolved(fixture, ANNA), unassigned = resolved(fixture, NULL), unknown = {{1}};

    assert_not_changed(fixture, "mailbox-close", &unassigned, NULL, VAULT_ERROR_REFUSED);
    assert_not_changed(fixture, "mailbox-close", &unknown, NULL, VAULT_ERROR_NOT_FOUND);
    assert_not_changed(fixture, "mailbox-close", &anna, ANNA, VAULT_ERROR_MALFORMED);
    assert_changed(fixture, "mailbox-close", &anna, NULL, FALSE);
    assert_not_changed(fixture, "mailbox-close", &anna, NULL, VAULT_ERROR_REFUSED);
    assert_not_changed(fixture, "address-add", &anna, BERT, VAULT_ERROR_REFUSED);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void mail_for_an_added_address_lands_in_the_mailbox(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = resolved(fixture, ANNA);

    assert_changed(fixture, "address-add", &anna, OTHER, FALSE);
    assert_same(resolved(fixture, OTHER), anna);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_same(resolved(fixture, OTHER), anna);
    assert_same(resolved(fixture, ANNA), anna);
}

static void new_primary_address_makes_an_alias_of_the_one_before(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = resolved(fixture, ANNA);
    g_autoptr(VaultMailboxValue) mailbox = NULL;

    keep_fixture_set_now(NOW + 10);
    assert_changed(fixture, "address-add", &anna, OTHER, TRUE);
    mailbox = vault_keyring_get_mailbox(fixture->keep->keyring, &anna, NULL);
    assert_string_equal(vault_mailbox_value_primary(mailbox), OTHER);
    assert_int_equal(mailbox->addresses->len, 3);
    assert_same(resolved(fixture, ANNA), anna);
    assert_changed(fixture, "address-remove", &anna, ANNA, FALSE);
    assert_other(resolved(fixture, ANNA), anna);
    assert_same(resolved(fixture, OTHER), anna);
}

static void address_that_was_removed_makes_a_new_mailbox(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = resolved(fixture, ANNA), later;
    g_autoptr(VaultMailboxValue) mailbox = NULL;
    const VaultMailboxAddress *ended;

    assert_changed(fixture, "address-add", &anna, OTHER, FALSE);
    keep_fixture_set_now(NOW + 10);
    assert_changed(fixture, "address-remove", &anna, OTHER, FALSE);
    later = resolved(fixture, OTHER);
    assert_other(later, anna);
    mailbox = vault_keyring_get_mailbox(fixture->keep->keyring, &anna, NULL);
    ended = g_ptr_array_index(mailbox->addresses, 1);
    assert_int_equal(ended->from_s, NOW);
    assert_int_equal(ended->until_s, NOW + 10);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    assert_same(resolved(fixture, OTHER), later);
}

static void addresses_are_refused_where_they_cannot_be(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = resolved(fixture, ANNA), unassigned = resolved(fixture, NULL);

    resolved(fixture, BERT);
    assert_not_changed(fixture, "address-add", &anna, BERT, VAULT_ERROR_REFUSED);
    assert_not_changed(fixture, "address-add", &anna, ANNA, VAULT_ERROR_REFUSED);
    assert_not_changed(fixture, "address-add", &unassigned, OTHER, VAULT_ERROR_REFUSED);
    assert_not_changed(fixture, "address-add", &anna, NULL, VAULT_ERROR_MALFORMED);
    assert_not_changed(fixture, "address-remove", &anna, ANNA, VAULT_ERROR_REFUSED);
    assert_not_changed(fixture, "address-remove", &anna, OTHER, VAULT_ERROR_NOT_FOUND);
    /* What was refused is nobody's: mail for it makes a mailbox. */
    assert_other(resolved(fixture, OTHER), unassigned);
}

static void mailbox_has_at_most_1024_addresses(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = resolved(fixture, ANNA);
    g_autoptr(VaultMailboxValue) mailbox =
        vault_keyring_get_mailbox(fixture->keep->keyring, &anna, NULL);

    while (mailbox->addresses->len < VAULT_MAILBOX_ADDRESSES_MAX - 1)
        g_ptr_array_add(mailbox->addresses,
                        vault_mailbox_address_new("x@y", VAULT_ADDRESS_ALIAS, 1, 2));
    assert_true(vault_keyring_update_mailbox(fixture->keep->keyring, mailbox, NULL));
    assert_changed(fixture, "address-add", &anna, OTHER, FALSE);
    assert_not_changed(fixture, "address-add", &anna, BERT, VAULT_ERROR_TOO_LARGE);
    assert_other(resolved(fixture, BERT), anna);
}

static void text_of_a_change_has_one_form(void **state)
{
    static const struct {
        const char *text;
        VaultErrorCode code;
    } cases[] = {
        {"muniment-mailbox-change/2\n", VAULT_ERROR_UNSUPPORTED},
        {"muniment-mailbox-change/1\nmailbox: 01\nrank: none\n", VAULT_ERROR_MALFORMED},
        {"muniment-mailbox-change/1\nmailbox: 01000000000000000000000000000000\nrank: some\n",
         VAULT_ERROR_MALFORMED},
        {"muniment-mailbox-change/1\nmailbox: 01000000000000000000000000000000\nrank: alias\n",
         VAULT_ERROR_MALFORMED},
        {"muniment-mailbox-change/1\nmailbox: 01000000000000000000000000000000\nrank: alias\n"
         "address: unassigned\n",
         VAULT_ERROR_MALFORMED},
        {"muniment-mailbox-change/1\nmailbox: 01000000000000000000000000000000\nrank: none\n"
         "address: a@b\n",
         VAULT_ERROR_MALFORMED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        VaultMailboxChange change;
        g_autoptr(GError) error = NULL;

        assert_false(
            vault_mailbox_change_parse(cases[i].text, strlen(cases[i].text), &change, &error));
        assert_vault_error(error, cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_for_a_closed_mailbox_goes_as_the_policy_says),
        cmocka_unit_test(policy_counts_from_when_it_is_set),
        cmocka_unit_test(closed_mailbox_keeps_its_mail_and_gets_no_more_keys),
        cmocka_unit_test(closing_is_refused_where_it_cannot_be),
        cmocka_unit_test(mail_for_an_added_address_lands_in_the_mailbox),
        cmocka_unit_test(new_primary_address_makes_an_alias_of_the_one_before),
        cmocka_unit_test(address_that_was_removed_makes_a_new_mailbox),
        cmocka_unit_test(addresses_are_refused_where_they_cannot_be),
        cmocka_unit_test(mailbox_has_at_most_1024_addresses),
        cmocka_unit_test(text_of_a_change_has_one_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
