/* A vault key as it lies in a TPM: what is formatted parses back; all else is refused. */
#include "tests/unit/crypto_world.h"

#include "vault/holder/tpm_record.h"

static const VaultId vault_id = {{0xa1, 0xa2}};

static void record_parses_back(void **state)
{
    VaultKey key = {.generation = 7, .bytes = {1, 2, 3}}, parsed;
    guint8 bytes[TPM_RECORD_LEN];
    VaultId id;

    tpm_record_format(&vault_id, &key, bytes);
    assert_memory_equal(bytes, "MNVK\1\xa1\xa2", 7);
    assert_true(tpm_record_parse(bytes, sizeof bytes, &id, &parsed, NULL));
    assert_memory_equal(&id, &vault_id, sizeof id);
    assert_int_equal(parsed.generation, 7);
    assert_memory_equal(parsed.bytes, key.bytes, VAULT_KEY_LEN);
}

static void assert_refused(const guint8 *bytes, gsize len, VaultErrorCode code)
{
    VaultKey key;
    VaultId id;
    g_autoptr(GError) error = NULL;

    assert_false(tpm_record_parse(bytes, len, &id, &key, &error));
    assert_error(error, code);
}

static void what_is_no_record_is_refused(void **state)
{
    VaultKey key = {.generation = 1}, none = {.generation = 0};
    guint8 bytes[TPM_RECORD_LEN + 1] = {0};

    tpm_record_format(&vault_id, &none, bytes);
    assert_refused(bytes, TPM_RECORD_LEN, VAULT_ERROR_CORRUPT);
    tpm_record_format(&vault_id, &key, bytes);
    for (gsize len = 0; len <= sizeof bytes; len++) {
        if (len != TPM_RECORD_LEN)
            assert_refused(bytes, len, VAULT_ERROR_CORRUPT);
    }
    bytes[4] = 2;
    assert_refused(bytes, TPM_RECORD_LEN, VAULT_ERROR_UNSUPPORTED);
    bytes[4] = 1;
    bytes[0] ^= 1;
    assert_refused(bytes, TPM_RECORD_LEN, VAULT_ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_parses_back),
        cmocka_unit_test(what_is_no_record_is_refused),
    };

    return run_crypto_tests(tests);
}
