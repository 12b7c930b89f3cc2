/* A certificate proves what was logged of an erasure, and nothing else that is put in its place. */
#include "tests/unit/erasure_world.h"

#include "restore/certificate.h"
#include "vault/crypto/hash.h"

static Certificate *made(KeepFixture *fixture)
{
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    g_autoptr(GPtrArray) erasures = NULL;
    g_autoptr(GError) error = NULL;
    Certificate *certificate;

    erase_message(fixture, &delivery.archive_id, "a@example.org");
    erasures = vault_keep_erasures(fixture->keep, NULL);
    certificate = certificate_make(fixture->keep, g_ptr_array_index(erasures, 0), &error);
    if (certificate == NULL)
        fail_msg("%s", error->message);
    return certificate;
}

/* A policy that believes the vault's control log. */
static VaultTlogPolicy *believing(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) keys =
        vault_keep_log_keys(fixture->keep, VAULT_LOG_CONTROL, VAULT_KEEP_EPOCH_NOW, NULL);
    g_autofree char *vkey = vault_note_key_format(g_ptr_array_index(keys, 0));
    g_autofree char *text = g_strdup_printf("log %s\nquorum none\n", vkey);
    g_autoptr(GError) error = NULL;
    VaultTlogPolicy *policy = vault_tlog_policy_parse(text, strlen(text), &error);

    if (policy == NULL)
        fail_msg("%s", error->message);
    return policy;
}

static void it_is_checked_with_the_key_of_the_log(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(KeepFixture) other = keep_fixture_new();
    g_autoptr(Certificate) certificate = made(fixture);
    g_autofree char *text = certificate_format(certificate);
    g_autoptr(Certificate) again = certificate_parse(text, strlen(text), NULL);
    g_autoptr(VaultTlogPolicy) policy = believing(fixture);
    g_autoptr(VaultTlogPolicy) stranger = believing(other);
    g_autoptr(GError) error = NULL;
    g_autofree char *page = NULL;

    assert_non_null(again);
    assert_true(certificate_check(again, NULL, NULL));
    assert_true(certificate_check(again, policy, NULL));
    assert_false(certificate_check(again, stranger, &error));
    page = certificate_page(again->statement);
    assert_non_null(strstr(page, "it was asked for"));
    assert_non_null(strstr(page, "best effort"));
}

static void a_statement_that_was_changed_is_found(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(Certificate) certificate = made(fixture);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) salt_error = NULL;
    gsize len = strlen(certificate->statement);

    certificate->statement[len / 2] ^= 1;
    assert_false(certificate_check(certificate, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_MALFORMED));
    certificate->statement[len / 2] ^= 1;
    certificate->salt[0] ^= 1;
    assert_false(certificate_check(certificate, NULL, &salt_error));
    assert_true(has_code(salt_error, VAULT_ERROR_MALFORMED));
}

static void another_form_is_refused(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(Certificate) certificate = made(fixture);
    g_autofree char *text = certificate_format(certificate);
    g_autoptr(GError) large = NULL;

    for (gsize cut = 0; cut < strlen(text); cut += 7) {
        g_autoptr(GError) error = NULL;

        assert_null(certificate_parse(text, cut, &error));
        assert_true(has_code(error, VAULT_ERROR_MALFORMED));
    }
    assert_null(certificate_parse(text, CERTIFICATE_LEN_MAX + 1, &large));
    assert_true(has_code(large, VAULT_ERROR_TOO_LARGE));
}

static void there_is_none_of_what_was_not_logged(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultErasureValue) value = vault_erasure_value_new();
    g_autoptr(GError) error = NULL;

    assert_null(certificate_make(fixture->keep, value, &error));
    assert_true(has_code(error, VAULT_ERROR_NOT_FOUND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_checked_with_the_key_of_the_log),
        cmocka_unit_test(a_statement_that_was_changed_is_found),
        cmocka_unit_test(another_form_is_refused),
        cmocka_unit_test(there_is_none_of_what_was_not_logged),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
