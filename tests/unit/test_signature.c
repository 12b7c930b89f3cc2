/* What a master signs and what is sealed to a reader: each for one purpose only. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/key_files.h"
#include "vault/crypto/value.h"

static VaultIdentity sample_identity(void)
{
    VaultIdentity identity;

    assert_true(vault_identity_create("Ada", &identity, NULL));
    return identity;
}

static void a_signature_is_good_for_one_purpose_text_and_key(void **state)
{
    VaultMaster master, other;
    VaultSignature signature;

    vault_master_create(&master);
    vault_master_create(&other);
    vault_master_sign(&master.signing_key, "grant", "text", 4, &signature);
    assert_true(vault_master_verify(&master.public.verify_key, "grant", "text", 4, &signature));
    assert_false(vault_master_verify(&master.public.verify_key, "policy", "text", 4, &signature));
    assert_false(vault_master_verify(&master.public.verify_key, "grant", "texT", 4, &signature));
    assert_false(vault_master_verify(&master.public.verify_key, "grant", "text", 3, &signature));
    assert_false(vault_master_verify(&other.public.verify_key, "grant", "text", 4, &signature));
    signature.bytes[0] ^= 1;
    assert_false(vault_master_verify(&master.public.verify_key, "grant", "text", 4, &signature));
}

static void what_is_sealed_to_a_reader_opens_for_him_alone(void **state)
{
    VaultIdentity identity = sample_identity(), other = sample_identity();
    const VaultSpan aad = {"aad", 3}, no_aad = {"", 0};
    g_autoptr(GBytes) sealed =
        vault_reader_seal(&identity.public_key, "grant", &aad, "secret", 6, NULL);
    gsize len;
    const guint8 *bytes = g_bytes_get_data(sealed, &len);
    GByteArray *opened = vault_reader_open(&identity, "grant", &aad, bytes, len, NULL);

    assert_int_equal(opened->len, 6);
    assert_memory_equal(opened->data, "secret", 6);
    vault_value_free(opened);
    for (gsize i = 0; i < 4 + len; i++) {
        g_autofree guint8 *changed = g_memdup2(bytes, len);
        gsize changed_len = i == 3 ? len - 1 : len;
        g_autoptr(GError) error = NULL;

        if (i >= 4)
            changed[i - 4] ^= 1;
        assert_null(vault_reader_open(i == 0 ? &other : &identity, i == 1 ? "policy" : "grant",
                                      i == 2 ? &no_aad : &aad, changed, changed_len, &error));
        assert_error(error, VAULT_ERROR_NO_KEY);
    }
}

static void nothing_is_sealed_to_a_key_of_small_order(void **state)
{
    static const ReaderPublicKey zeros = {{0}};
    const VaultSpan aad = {"", 0};
    g_autoptr(GError) error = NULL;

    assert_null(vault_reader_seal(&zeros, "grant", &aad, "secret", 6, &error));
    assert_error(error, VAULT_ERROR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_good_for_one_purpose_text_and_key),
        cmocka_unit_test(what_is_sealed_to_a_reader_opens_for_him_alone),
        cmocka_unit_test(nothing_is_sealed_to_a_key_of_small_order),
    };

    return run_crypto_tests(tests);
}
