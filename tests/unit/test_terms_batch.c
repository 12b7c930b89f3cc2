#include "vault/act/terms_batch.h"
#include "vault/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* `parts` messages of `copies` copies each. */
static GByteArray *batch_of(guint parts, guint copies, gsize terms_len)
{
    GByteArray *batch = g_byte_array_new();
    g_autofree guint8 *terms = g_malloc0(terms_len);
    g_autofree RecordId *ids = g_new0(RecordId, copies);

    for (guint i = 0; i < copies; i++)
        ids[i].bytes[0] = (guint8)i;
    for (guint i = 0; i < parts; i++) {
        VaultTermsAddition addition = {.body_id = {{(guint8)(i + 1)}},
                                       .copies = ids,
                                       .copy_count = copies,
                                       .terms = terms,
                                       .terms_len = terms_len};
        gsize before = batch->len;

        vault_terms_batch_append(batch, &addition);
        assert_int_equal(batch->len - before, vault_terms_batch_len(&addition));
    }
    return batch;
}

static VaultErrorCode refusal(const GByteArray *batch, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) additions = vault_terms_batch_parse(batch->data, len, &error);

    assert_null(additions);
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

static void what_is_appended_is_parsed(void **state)
{
    g_autoptr(GByteArray) batch = batch_of(3, 2, 5);
    g_autoptr(GArray) additions = vault_terms_batch_parse(batch->data, batch->len, NULL);
    g_autoptr(GArray) none = vault_terms_batch_parse(NULL, 0, NULL);

    assert_int_equal(none->len, 0);
    assert_int_equal(additions->len, 3);
    for (guint i = 0; i < 3; i++) {
        const VaultTermsAddition *addition = &g_array_index(additions, VaultTermsAddition, i);

        assert_int_equal(addition->body_id.bytes[0], i + 1);
        assert_int_equal(addition->copy_count, 2);
        assert_int_equal(addition->copies[1].bytes[0], 1);
        assert_int_equal(addition->terms_len, 5);
    }
}

static void batch_that_is_cut_is_malformed(void **state)
{
    g_autoptr(GByteArray) batch = batch_of(1, 2, 5);

    for (gsize len = 1; len < batch->len; len++)
        assert_int_equal(refusal(batch, len), VAULT_ERROR_MALFORMED);
}

static void message_without_copies_or_terms_is_malformed(void **state)
{
    g_autoptr(GByteArray) batch = batch_of(1, 1, 1);

    batch->data[VAULT_ID_LEN + 1] = 0;
    assert_int_equal(refusal(batch, batch->len), VAULT_ERROR_MALFORMED);
    batch->data[VAULT_ID_LEN + 1] = 1;
    batch->data[2 * VAULT_ID_LEN + 2 + 3] = 0;
    assert_int_equal(refusal(batch, batch->len - 1), VAULT_ERROR_MALFORMED);
}

static void limits_are_kept_to_the_last_one(void **state)
{
    g_autoptr(GByteArray) most = batch_of(2, VAULT_TERMS_BATCH_COPIES_MAX / 2, 1);
    g_autoptr(GArray) additions = vault_terms_batch_parse(most->data, most->len, NULL);
    g_autoptr(GByteArray) longest = NULL, one = batch_of(1, 1, 1);
    g_autoptr(GArray) long_ones = NULL;

    assert_int_equal(additions->len, 2);
    g_byte_array_append(most, one->data, one->len);
    assert_int_equal(refusal(most, most->len), VAULT_ERROR_TOO_LARGE);
    longest = batch_of(1, 1, VAULT_TERMS_BATCH_LEN_MAX - one->len + 1);
    long_ones = vault_terms_batch_parse(longest->data, longest->len, NULL);
    assert_int_equal(longest->len, VAULT_TERMS_BATCH_LEN_MAX);
    assert_int_equal(long_ones->len, 1);
    g_byte_array_append(longest, one->data, 1);
    assert_int_equal(refusal(longest, longest->len), VAULT_ERROR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_is_parsed),
        cmocka_unit_test(batch_that_is_cut_is_malformed),
        cmocka_unit_test(message_without_copies_or_terms_is_malformed),
        cmocka_unit_test(limits_are_kept_to_the_last_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
