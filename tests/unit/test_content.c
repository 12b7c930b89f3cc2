#include "tests/unit/crypto_world.h"

#include "vault/crypto/content.h"

typedef struct {
    ContentSecretKey secret_key;
    ContentPublicKey public_key;
    ContentSlot slot;
    VaultContentContext context;
    char header[64];
    guint8 enc[VAULT_HPKE_ENC_LEN];
    guint8 ciphertext[300 + 16];
} Copy;

static Copy sealed_copy(void)
{
    Copy copy = {.slot = {{5}},
                 .context = {.vault_id = {{1}}, .month_key_id = {{2}}, .leaf = 0x01020304},
                 .header = "the clear header"};
    VaultSpan header = {copy.header, sizeof copy.header};
    guint8 plaintext[300];
    g_auto(VaultHpkeContext) sealer = {0};

    memset(plaintext, 0x5a, sizeof plaintext);
    vault_hpke_derive_key_pair((const guint8 *)"content", 7, copy.secret_key.bytes,
                               copy.public_key.bytes);
    assert_true(vault_content_seal_begin(&copy.public_key, &copy.slot, &copy.context, copy.enc,
                                         &sealer, NULL));
    vault_content_seal_finish(&sealer, &header, plaintext, sizeof plaintext, copy.ciphertext);
    return copy;
}

static gboolean open_copy(const Copy *copy, GError **error)
{
    VaultSpan header = {copy->header, sizeof copy->header};
    guint8 plaintext[300], expected[300];

    memset(expected, 0x5a, sizeof expected);
    if (!vault_content_open(&copy->secret_key, &copy->public_key, &copy->slot, &copy->context,
                            copy->enc, &header, copy->ciphertext, sizeof copy->ciphertext,
                            plaintext, error))
        return FALSE;
    assert_memory_equal(plaintext, expected, sizeof expected);
    return TRUE;
}

static void a_copy_opens_with_its_key_slot_and_header(void **state)
{
    Copy copy = sealed_copy();

    assert_true(open_copy(&copy, NULL));
}

/* Each byte of each part on its own, so that none is left out of what is authenticated. */
static void any_changed_byte_of_any_part_does_not_open(void **state)
{
    Copy copy = sealed_copy();
    struct {
        void *bytes;
        gsize len, step;
    } parts[] = {{&copy.slot, sizeof copy.slot, 1},
                 {&copy.context.vault_id, VAULT_ID_LEN, 1},
                 {&copy.context.month_key_id, VAULT_ID_LEN, 1},
                 {&copy.context.leaf, 4, 1},
                 {copy.header, sizeof copy.header, 1},
                 {copy.enc, sizeof copy.enc, 1},
                 {copy.ciphertext, sizeof copy.ciphertext, 7},
                 {&copy.public_key, VAULT_KEY_LEN, 1}};

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        for (gsize at = 0; at < parts[i].len; at += parts[i].step) {
            g_autoptr(GError) error = NULL;

            ((guint8 *)parts[i].bytes)[at] ^= 2;
            assert_false(open_copy(&copy, &error));
            assert_error(error, VAULT_ERROR_NO_KEY);
            ((guint8 *)parts[i].bytes)[at] ^= 2;
        }
    }
    assert_true(open_copy(&copy, NULL));
}

static void another_months_secret_key_does_not_open(void **state)
{
    Copy copy = sealed_copy();
    g_autoptr(GError) error = NULL;

    vault_hpke_derive_key_pair((const guint8 *)"another", 7, copy.secret_key.bytes,
                               copy.public_key.bytes);
    assert_false(open_copy(&copy, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
}

static void a_copy_of_fewer_bytes_than_a_tag_does_not_open(void **state)
{
    Copy copy = sealed_copy();
    VaultSpan header = {copy.header, sizeof copy.header};
    guint8 plaintext[300];
    g_autoptr(GError) error = NULL;

    assert_false(vault_content_open(&copy.secret_key, &copy.public_key, &copy.slot, &copy.context,
                                    copy.enc, &header, copy.ciphertext, 15, plaintext, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
}

static void nothing_is_sealed_to_a_content_key_of_small_order(void **state)
{
    ContentPublicKey zero = {{0}};
    ContentSlot slot = {{1}};
    VaultContentContext context = {.leaf = 1};
    guint8 enc[VAULT_HPKE_ENC_LEN];
    g_auto(VaultHpkeContext) sealer = {0};
    g_autoptr(GError) error = NULL;

    assert_false(vault_content_seal_begin(&zero, &slot, &context, enc, &sealer, &error));
    assert_error(error, VAULT_ERROR_REFUSED);
}

static void a_sealer_serves_once(void **state)
{
    static const VaultHpkeContext wiped;
    Copy copy = sealed_copy();
    VaultSpan header = {copy.header, sizeof copy.header};
    g_auto(VaultHpkeContext) sealer = {0};

    assert_true(vault_content_seal_begin(&copy.public_key, &copy.slot, &copy.context, copy.enc,
                                         &sealer, NULL));
    assert_memory_not_equal(&sealer, &wiped, sizeof wiped);
    vault_content_seal_finish(&sealer, &header, "x", 1, copy.ciphertext);
    assert_memory_equal(&sealer, &wiped, sizeof wiped);
}

static void public_key_is_the_secret_keys(void **state)
{
    Copy copy = sealed_copy();
    ContentPublicKey public_key;

    vault_content_public_key(&copy.secret_key, &public_key);
    assert_memory_equal(&public_key, &copy.public_key, sizeof public_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_opens_with_its_key_slot_and_header),
        cmocka_unit_test(any_changed_byte_of_any_part_does_not_open),
        cmocka_unit_test(another_months_secret_key_does_not_open),
        cmocka_unit_test(a_copy_of_fewer_bytes_than_a_tag_does_not_open),
        cmocka_unit_test(nothing_is_sealed_to_a_content_key_of_small_order),
        cmocka_unit_test(a_sealer_serves_once),
        cmocka_unit_test(public_key_is_the_secret_keys),
    };

    return run_crypto_tests(tests);
}
