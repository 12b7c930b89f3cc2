/* What a terms copy says: two forms, each of one length and padded with nothing but zeros. */
#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/crypto/padding.h"
#include "vault/crypto/terms_content.h"
#include "vault/crypto/value.h"

#define INLINE_FIXED_LEN 26
#define SALT_OFFSET 98

static VaultTermsContent sample_inline(const guint8 *frame, gsize frame_len)
{
    VaultTermsContent content = {.is_inline = TRUE,
                                 .compression = VAULT_COMPRESSION_ZSTD,
                                 .terms_len = 4321,
                                 .frame = frame,
                                 .frame_len = frame_len};

    memset(&content.message_body_id, 0x42, VAULT_ID_LEN);
    return content;
}

static VaultTermsContent sample_body(void)
{
    VaultTermsContent content = {.body = {.compression = VAULT_COMPRESSION_ZSTD,
                                          .message_len = 5000,
                                          .compressed_len = 1234}};

    memset(&content.message_body_id, 0x44, VAULT_ID_LEN);
    memset(&content.body.key, 0x41, sizeof content.body.key);
    memset(&content.body.body_id, 0x42, sizeof content.body.body_id);
    memset(&content.body.body_hash, 0x43, sizeof content.body.body_hash);
    return content;
}

static GByteArray *format(const VaultTermsContent *content)
{
    GByteArray *plaintext = vault_terms_content_format(content, NULL);

    assert_non_null(plaintext);
    return plaintext;
}

static void assert_refused(const guint8 *bytes, gsize len, VaultErrorCode code)
{
    g_autofree guint8 *exact = g_memdup2(bytes, len);
    VaultTermsContent content;
    g_autoptr(GError) error = NULL;

    assert_false(vault_terms_content_parse(exact, len, &content, &error));
    assert_error(error, code);
}

static void assert_not_formatted(const VaultTermsContent *content, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_terms_content_format(content, &error));
    assert_error(error, code);
}

static void inline_terms_come_back_whole(void **state)
{
    static const gsize lengths[] = {0, 1, 102, 103, 400, VAULT_TERMS_INLINE_MAX};
    g_autofree guint8 *frame = g_malloc(VAULT_TERMS_INLINE_MAX);

    memset(frame, 0x7f, VAULT_TERMS_INLINE_MAX);
    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        VaultTermsContent content = sample_inline(frame, lengths[i]), found;
        GByteArray *plaintext = format(&content);

        assert_int_equal(plaintext->len, vault_padded_len(INLINE_FIXED_LEN + lengths[i],
                                                          VAULT_TERMS_INLINE_LEN_MIN));
        assert_true(plaintext->len <= VAULT_TERMS_CONTENT_LEN_MAX);
        assert_true(vault_terms_content_parse(plaintext->data, plaintext->len, &found, NULL));
        assert_true(found.is_inline);
        assert_int_equal(found.compression, VAULT_COMPRESSION_ZSTD);
        assert_true(VAULT_ID_EQUAL(found.message_body_id, content.message_body_id));
        assert_int_equal(found.terms_len, 4321);
        assert_int_equal(found.frame_len, lengths[i]);
        assert_memory_equal(found.frame, frame, lengths[i]);
        vault_value_free(plaintext);
    }
}

static void terms_as_they_are_have_the_length_that_they_say(void **state)
{
    static const guint8 frame[50] = {1};
    VaultTermsContent content = sample_inline(frame, sizeof frame), found;
    GByteArray *plaintext;

    content.compression = VAULT_COMPRESSION_STORED;
    for (gint by = -1; by <= 1; by += 2) {
        content.terms_len = (guint32)((gint)sizeof frame + by);
        assert_not_formatted(&content, VAULT_ERROR_CORRUPT);
    }
    content.terms_len = sizeof frame;
    plaintext = format(&content);
    assert_true(vault_terms_content_parse(plaintext->data, plaintext->len, &found, NULL));
    assert_int_equal(found.compression, VAULT_COMPRESSION_STORED);
    assert_memory_equal(found.frame, frame, sizeof frame);
    for (gint by = -1; by <= 1; by += 2) {
        plaintext->data[21] = (guint8)((gint)sizeof frame + by);
        assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_CORRUPT);
    }
    vault_value_free(plaintext);
}

static void named_terms_body_comes_back_whole(void **state)
{
    VaultTermsContent content = sample_body(), found;
    GByteArray *plaintext = format(&content);

    assert_int_equal(plaintext->len, 256);
    assert_true(vault_terms_content_parse(plaintext->data, plaintext->len, &found, NULL));
    assert_false(found.is_inline);
    assert_true(VAULT_ID_EQUAL(found.message_body_id, content.message_body_id));
    assert_memory_equal(plaintext->data + SALT_OFFSET, &content.message_body_id, VAULT_ID_LEN);
    assert_memory_equal(&found.body, &content.body, sizeof found.body);
    vault_value_free(plaintext);
}

static void any_other_length_is_corrupt(void **state)
{
    static const guint8 frame[300] = {1};
    VaultTermsContent contents[] = {sample_inline(frame, sizeof frame), sample_body()};

    for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
        GByteArray *plaintext = format(&contents[i]);
        gsize whole = plaintext->len;

        g_byte_array_set_size(plaintext, (guint)whole + 300);
        memset(plaintext->data + whole, 0, 300);
        for (gsize len = 0; len < plaintext->len; len++)
            if (len != whole)
                assert_refused(plaintext->data, len, VAULT_ERROR_CORRUPT);
        vault_value_free(plaintext);
    }
}

static void anything_but_zeros_behind_the_frame_is_corrupt(void **state)
{
    static const guint8 frame[50] = {1};
    VaultTermsContent content = sample_inline(frame, sizeof frame);
    GByteArray *plaintext = format(&content);

    for (gsize at = INLINE_FIXED_LEN + sizeof frame; at < plaintext->len; at++) {
        plaintext->data[at] = 1;
        assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_CORRUPT);
        plaintext->data[at] = 0;
    }
    vault_value_free(plaintext);
}

static void a_terms_body_with_salt_or_facts_is_corrupt(void **state)
{
    VaultTermsContent content = sample_body();
    GByteArray *plaintext = format(&content);

    /* In its first half is the message. */
    for (gsize at = VAULT_ID_LEN; at < VAULT_KEY_LEN; at++) {
        plaintext->data[SALT_OFFSET + at] = 1;
        assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_CORRUPT);
        plaintext->data[SALT_OFFSET + at] = 0;
    }
    /* One whole fact, empty. */
    plaintext->data[SALT_OFFSET + VAULT_KEY_LEN + 1] = 1;
    assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_CORRUPT);
    vault_value_free(plaintext);
}

static void another_version_or_compression_is_unsupported(void **state)
{
    static const guint8 frame[50] = {1};
    VaultTermsContent contents[] = {sample_inline(frame, sizeof frame), sample_body()};

    for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
        GByteArray *plaintext = format(&contents[i]);
        guint8 version = plaintext->data[0];

        plaintext->data[0] = 3;
        assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_UNSUPPORTED);
        plaintext->data[0] = version;
        plaintext->data[1] = 2;
        assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_UNSUPPORTED);
        vault_value_free(plaintext);
        contents[i].compression = contents[i].body.compression = 2;
        assert_not_formatted(&contents[i], VAULT_ERROR_UNSUPPORTED);
    }
}

static void terms_over_64_mib_are_too_large(void **state)
{
    static const guint8 frame[50] = {1};
    VaultTermsContent contents[] = {sample_inline(frame, sizeof frame), sample_body()};
    static const gsize offsets[] = {18, 82 + 4}; /* the low bytes of the length */

    for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
        VaultTermsContent found;
        GByteArray *plaintext;

        contents[i].terms_len = VAULT_TERMS_LEN_MAX;
        contents[i].body.message_len = VAULT_TERMS_LEN_MAX;
        plaintext = format(&contents[i]);
        assert_true(vault_terms_content_parse(plaintext->data, plaintext->len, &found, NULL));
        vault_bytes_put_u32(plaintext->data + offsets[i], VAULT_TERMS_LEN_MAX + 1);
        assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_TOO_LARGE);
        vault_value_free(plaintext);
        contents[i].terms_len++;
        contents[i].body.message_len++;
        assert_not_formatted(&contents[i], VAULT_ERROR_TOO_LARGE);
    }
}

static void a_frame_over_64_kib_is_too_large(void **state)
{
    g_autofree guint8 *frame = g_malloc0(VAULT_TERMS_INLINE_MAX + 1);
    VaultTermsContent content = sample_inline(frame, VAULT_TERMS_INLINE_MAX);
    GByteArray *plaintext = format(&content);

    vault_bytes_put_u32(plaintext->data + 22, VAULT_TERMS_INLINE_MAX + 1);
    assert_refused(plaintext->data, plaintext->len, VAULT_ERROR_TOO_LARGE);
    vault_value_free(plaintext);
    content.frame_len++;
    assert_not_formatted(&content, VAULT_ERROR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inline_terms_come_back_whole),
        cmocka_unit_test(terms_as_they_are_have_the_length_that_they_say),
        cmocka_unit_test(named_terms_body_comes_back_whole),
        cmocka_unit_test(any_other_length_is_corrupt),
        cmocka_unit_test(anything_but_zeros_behind_the_frame_is_corrupt),
        cmocka_unit_test(a_terms_body_with_salt_or_facts_is_corrupt),
        cmocka_unit_test(another_version_or_compression_is_unsupported),
        cmocka_unit_test(terms_over_64_mib_are_too_large),
        cmocka_unit_test(a_frame_over_64_kib_is_too_large),
    };

    return run_crypto_tests(tests);
}
