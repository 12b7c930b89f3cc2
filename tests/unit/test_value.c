/* Sealed values and locators: each thing a value is bound to counts, for both of its keys. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/value.h"

#define TEXT "a value"
#define TEXT_LEN (sizeof(TEXT) - 1)

static const RowKey row_key = {{1}};
static const VaultKey vault_key = {.generation = 3, .bytes = {1}};
static const VaultValuePlace place = {
    .vault_id = {{2}}, .table = "holds", .row_id = {{3}}, .row_version = 4};

/* NULL row key: under the vault key. */
static GByteArray *open_with(const RowKey *key, const VaultKey *under, const VaultValuePlace *at,
                             const void *sealed, gsize len, GError **error)
{
    return key != NULL ? vault_value_open(key, at, sealed, len, error)
                       : vault_value_open_under_vault_key(under, at, sealed, len, error);
}

static void assert_no_key(const RowKey *key, const VaultKey *under, const VaultValuePlace *at,
                          const void *sealed, gsize len)
{
    g_autoptr(GError) error = NULL;

    assert_null(open_with(key, under, at, sealed, len, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
}

static void check_value(const RowKey *key, const VaultKey *under, GBytes *sealed)
{
    gsize len;
    const guint8 *bytes = g_bytes_get_data(sealed, &len);
    GByteArray *value = open_with(key, under, &place, bytes, len, NULL);
    VaultValuePlace others[] = {place, place, place, place, place, place};

    assert_int_equal(len, TEXT_LEN + VAULT_VALUE_OVERHEAD_LEN);
    assert_int_equal(value->len, TEXT_LEN);
    assert_memory_equal(value->data, TEXT, TEXT_LEN);
    vault_value_free(value);
    others[0].vault_id.bytes[15] ^= 1;
    others[1].table = "hold";
    others[2].table = "holdt";
    others[3].row_id.bytes[0] ^= 1;
    others[4].row_version++;
    others[5].row_version += G_GUINT64_CONSTANT(1) << 32;
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        assert_no_key(key, under, &others[i], bytes, len);
    for (gsize i = 0; i < len; i++) {
        g_autofree guint8 *changed = g_memdup2(bytes, len);

        assert_no_key(key, under, &place, changed, i);
        changed[i] ^= 0x80;
        assert_no_key(key, under, &place, changed, len);
    }
}

static void a_value_opens_in_its_place_only(void **state)
{
    g_autoptr(GBytes) under_row_key = vault_value_seal(&row_key, &place, TEXT, TEXT_LEN);
    g_autoptr(GBytes) under_vault_key =
        vault_value_seal_under_vault_key(&vault_key, &place, TEXT, TEXT_LEN);

    check_value(&row_key, NULL, under_row_key);
    check_value(NULL, &vault_key, under_vault_key);
}

/* The same bytes as row key and as vault key: what lies under the one is not read as the other. */
static void keys_of_one_role_do_not_open_the_others_values(void **state)
{
    g_autoptr(GBytes) under_row_key = vault_value_seal(&row_key, &place, TEXT, TEXT_LEN);
    g_autoptr(GBytes) under_vault_key =
        vault_value_seal_under_vault_key(&vault_key, &place, TEXT, TEXT_LEN);
    VaultKey other_generation = vault_key;
    RowKey other_row_key = row_key;
    gsize len;
    const void *bytes = g_bytes_get_data(under_row_key, &len);

    assert_no_key(NULL, &vault_key, &place, bytes, len);
    other_row_key.bytes[31] ^= 1;
    assert_no_key(&other_row_key, NULL, &place, bytes, len);
    bytes = g_bytes_get_data(under_vault_key, &len);
    assert_no_key(&row_key, NULL, &place, bytes, len);
    other_generation.generation++;
    assert_no_key(NULL, &other_generation, &place, bytes, len);
}

static void an_empty_value_is_one(void **state)
{
    g_autoptr(GBytes) sealed = vault_value_seal(&row_key, &place, "", 0);
    gsize len;
    const void *bytes = g_bytes_get_data(sealed, &len);
    GByteArray *value = vault_value_open(&row_key, &place, bytes, len, NULL);

    assert_non_null(value);
    assert_int_equal(value->len, 0);
    vault_value_free(value);
}

static void no_two_sealings_are_the_same(void **state)
{
    g_autoptr(GBytes) one = vault_value_seal(&row_key, &place, TEXT, TEXT_LEN);
    g_autoptr(GBytes) two = vault_value_seal(&row_key, &place, TEXT, TEXT_LEN);

    assert_memory_not_equal(g_bytes_get_data(one, NULL), g_bytes_get_data(two, NULL), 24);
}

static void a_locator_opens_in_its_header_only(void **state)
{
    const LocatorKey key = {{5}}, other_key = {{6}};
    const RecordId id = {{7}}, other_id = {{8}};
    const VaultSpan header = {"header", 6}, other_header = {"headeR", 6};
    guint8 sealed[TEXT_LEN + VAULT_LOCATOR_TAG_LEN], text[TEXT_LEN];

    vault_locator_seal(&key, &id, &header, TEXT, TEXT_LEN, sealed);
    assert_true(vault_locator_open(&key, &id, &header, sealed, sizeof sealed, text, NULL));
    assert_memory_equal(text, TEXT, TEXT_LEN);
    for (gsize i = 0; i < 3 + sizeof sealed; i++) {
        g_autoptr(GError) error = NULL;

        if (i >= 3)
            sealed[i - 3] ^= 1;
        assert_false(vault_locator_open(i == 0 ? &other_key : &key, i == 1 ? &other_id : &id,
                                        i == 2 ? &other_header : &header, sealed, sizeof sealed,
                                        text, &error));
        assert_error(error, VAULT_ERROR_NO_KEY);
        if (i >= 3)
            sealed[i - 3] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_opens_in_its_place_only),
        cmocka_unit_test(keys_of_one_role_do_not_open_the_others_values),
        cmocka_unit_test(an_empty_value_is_one),
        cmocka_unit_test(no_two_sealings_are_the_same),
        cmocka_unit_test(a_locator_opens_in_its_header_only),
    };

    return run_crypto_tests(tests);
}
