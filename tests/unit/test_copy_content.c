/* What a copy says: one form, facts kept whole, padding that is nothing but zeros. */
#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/crypto/copy_content.h"
#include "vault/crypto/value.h"

#define FIXED_LEN 130

static VaultBodyReference sample_body(void)
{
    VaultBodyReference body = {
        .compression = VAULT_COMPRESSION_ZSTD, .message_len = 5000, .compressed_len = 1234};

    memset(&body.key, 0x41, sizeof body.key);
    memset(&body.body_id, 0x42, sizeof body.body_id);
    memset(&body.body_hash, 0x43, sizeof body.body_hash);
    memset(&body.salt, 0x44, sizeof body.salt);
    return body;
}

static GByteArray *sample_facts(void)
{
    GByteArray *facts = g_byte_array_new();

    vault_fact_append(facts, VAULT_FACT_SENDER, NULL, 0);
    vault_fact_append(facts, VAULT_FACT_RECIPIENT, "a@example.org", 13);
    vault_fact_append(facts, VAULT_FACT_RECIPIENT, "b@example.org", 13);
    vault_fact_append(facts, (VaultFact)60000, "of a later program", 18);
    return facts;
}

static GByteArray *format(const GByteArray *facts)
{
    VaultBodyReference body = sample_body();
    GByteArray *content = vault_copy_content_format(&body, facts->data, facts->len, NULL);

    assert_non_null(content);
    return content;
}

static void assert_refused(const guint8 *bytes, gsize len, VaultErrorCode code)
{
    g_autofree guint8 *exact = g_memdup2(bytes, len);
    VaultBodyReference body;
    const guint8 *facts;
    gsize facts_len;
    g_autoptr(GError) error = NULL;

    assert_false(vault_copy_content_parse(exact, len, &body, &facts, &facts_len, &error));
    assert_error(error, code);
}

/* Facts that make just `len` bytes: one fact of a type nobody knows. */
static GByteArray *facts_of(gsize len)
{
    GByteArray *facts = g_byte_array_new();
    g_autofree char *value = g_strnfill(len, 'f');

    if (len >= 6)
        vault_fact_append(facts, (VaultFact)60000, value, len - 6);
    return facts;
}

static void a_copy_comes_back_whole(void **state)
{
    g_autoptr(GByteArray) facts = sample_facts();
    GByteArray *content = format(facts);
    VaultBodyReference body, expected = sample_body();
    const guint8 *found;
    gsize found_len;

    assert_true(
        vault_copy_content_parse(content->data, content->len, &body, &found, &found_len, NULL));
    assert_memory_equal(&body.key, &expected.key, sizeof body.key);
    assert_memory_equal(&body.body_id, &expected.body_id, sizeof body.body_id);
    assert_memory_equal(&body.body_hash, &expected.body_hash, sizeof body.body_hash);
    assert_memory_equal(&body.salt, &expected.salt, sizeof body.salt);
    assert_int_equal(body.message_len, 5000);
    assert_int_equal(body.compressed_len, 1234);
    assert_int_equal(found_len, facts->len);
    assert_memory_equal(found, facts->data, facts->len);
    vault_value_free(content);
}

static void lengths_are_multiples_of_128_and_at_least_256(void **state)
{
    static const struct {
        gsize facts_len, content_len;
    } cases[] = {{0, 256},
                 {6, 256},
                 {126, 256},
                 {127, 384},
                 {254, 384},
                 {255, 512},
                 {VAULT_COPY_FACTS_LEN_MAX, 1048832}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) facts = facts_of(cases[i].facts_len);
        GByteArray *content = format(facts);
        VaultBodyReference body;
        const guint8 *found;
        gsize found_len;

        assert_int_equal(facts->len, cases[i].facts_len);
        assert_int_equal(content->len, cases[i].content_len);
        assert_true(content->len <= VAULT_COPY_LEN_MAX);
        assert_true(
            vault_copy_content_parse(content->data, content->len, &body, &found, &found_len, NULL));
        assert_int_equal(found_len, cases[i].facts_len);
        vault_value_free(content);
    }
}

static void facts_over_1_mib_are_too_large(void **state)
{
    g_autoptr(GByteArray) facts = facts_of(VAULT_COPY_FACTS_LEN_MAX);
    VaultBodyReference body = sample_body();
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *huge = g_malloc0(VAULT_COPY_LEN_MAX + 1);

    vault_fact_append(facts, VAULT_FACT_SENDER, NULL, 0);
    assert_null(vault_copy_content_format(&body, facts->data, facts->len, &error));
    assert_error(error, VAULT_ERROR_TOO_LARGE);
    huge[0] = huge[1] = 1;
    assert_refused(huge, VAULT_COPY_LEN_MAX, VAULT_ERROR_CORRUPT);
    assert_refused(huge, VAULT_COPY_LEN_MAX + 1, VAULT_ERROR_TOO_LARGE);
}

static void a_copy_of_any_other_length_is_corrupt(void **state)
{
    g_autoptr(GByteArray) facts = facts_of(200);
    GByteArray *content = format(facts);
    gsize whole = content->len;

    g_byte_array_set_size(content, (guint)whole + 300);
    memset(content->data + whole, 0, 300);
    for (gsize len = 0; len < content->len; len++)
        if (len != whole)
            assert_refused(content->data, len, VAULT_ERROR_CORRUPT);
    vault_value_free(content);
}

static void anything_but_zeros_behind_the_facts_is_corrupt(void **state)
{
    g_autoptr(GByteArray) facts = sample_facts();
    GByteArray *content = format(facts);

    /* In the first two bytes it would be the type of one more fact, an empty one. */
    for (gsize at = FIXED_LEN + facts->len + 2; at < content->len; at++) {
        content->data[at] = 1;
        assert_refused(content->data, content->len, VAULT_ERROR_CORRUPT);
        content->data[at] = 0;
    }
    vault_value_free(content);
}

static void a_fact_that_goes_past_the_end_is_corrupt(void **state)
{
    g_autoptr(GByteArray) facts = sample_facts();
    GByteArray *content = format(facts);

    vault_bytes_put_u32(content->data + FIXED_LEN + 6 + 2, G_MAXUINT32);
    assert_refused(content->data, content->len, VAULT_ERROR_CORRUPT);
    vault_bytes_put_u32(content->data + FIXED_LEN + 6 + 2, 256);
    assert_refused(content->data, content->len, VAULT_ERROR_CORRUPT);
    vault_value_free(content);
}

static void another_version_or_compression_is_unsupported(void **state)
{
    static const guint8 others[] = {0, 2, 255};
    g_autoptr(GByteArray) facts = sample_facts();
    GByteArray *content = format(facts);
    VaultBodyReference body = sample_body();
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < 2 * G_N_ELEMENTS(others); i++) {
        content->data[i % 2] = others[i / 2];
        assert_refused(content->data, content->len, VAULT_ERROR_UNSUPPORTED);
        content->data[i % 2] = 1;
    }
    body.compression = 2;
    assert_null(vault_copy_content_format(&body, NULL, 0, &error));
    assert_error(error, VAULT_ERROR_UNSUPPORTED);
    vault_value_free(content);
}

static void facts_are_walked_one_by_one(void **state)
{
    g_autoptr(GByteArray) facts = sample_facts();
    static const guint16 types[] = {VAULT_FACT_SENDER, VAULT_FACT_RECIPIENT, VAULT_FACT_RECIPIENT,
                                    60000};
    static const gsize lens[] = {0, 13, 13, 18};
    gsize offset = 0, count = 0, len;
    guint16 type;
    const guint8 *value;

    for (; vault_fact_next(facts->data, facts->len, &offset, &type, &value, &len); count++) {
        assert_true(count < G_N_ELEMENTS(types));
        assert_int_equal(type, types[count]);
        assert_int_equal(len, lens[count]);
    }
    assert_int_equal(count, G_N_ELEMENTS(types));
    assert_int_equal(offset, facts->len);
}

/* Where a fact is cut, the walk stands still before it. */
static void a_walk_ends_before_a_cut_fact(void **state)
{
    g_autoptr(GByteArray) facts = sample_facts();

    for (gsize cut = 0; cut < facts->len; cut++) {
        g_autofree guint8 *exact = g_memdup2(facts->data, cut);
        gsize offset = 0, len;
        guint16 type;
        const guint8 *value;

        while (vault_fact_next(exact, cut, &offset, &type, &value, &len))
            assert_true(offset <= cut);
        assert_true(offset <= cut);
    }
}

static void the_commitment_is_bound_to_salt_and_hash(void **state)
{
    BodySalt salt = {{1}};
    VaultHash hash = {{2}};
    guint8 commitment[VAULT_HASH_LEN], other[VAULT_HASH_LEN];

    vault_message_commitment(&salt, &hash, commitment);
    salt.bytes[31] ^= 1;
    vault_message_commitment(&salt, &hash, other);
    assert_memory_not_equal(commitment, other, sizeof other);
    salt.bytes[31] ^= 1;
    hash.bytes[31] ^= 1;
    vault_message_commitment(&salt, &hash, other);
    assert_memory_not_equal(commitment, other, sizeof other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_comes_back_whole),
        cmocka_unit_test(lengths_are_multiples_of_128_and_at_least_256),
        cmocka_unit_test(facts_over_1_mib_are_too_large),
        cmocka_unit_test(a_copy_of_any_other_length_is_corrupt),
        cmocka_unit_test(anything_but_zeros_behind_the_facts_is_corrupt),
        cmocka_unit_test(a_fact_that_goes_past_the_end_is_corrupt),
        cmocka_unit_test(another_version_or_compression_is_unsupported),
        cmocka_unit_test(facts_are_walked_one_by_one),
        cmocka_unit_test(a_walk_ends_before_a_cut_fact),
        cmocka_unit_test(the_commitment_is_bound_to_salt_and_hash),
    };

    return run_crypto_tests(tests);
}
