/* A standing reader's value in the keyring: its form, byte for byte as docs/formats/keyring.md has
 * it, and that everything but that form is refused. */
#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/store/reader_value.h"

#define REPEAT_4(hex) hex hex hex hex
#define REPEAT_16(hex) REPEAT_4(REPEAT_4(hex))
#define REPEAT_32(hex) REPEAT_16(hex) REPEAT_16(hex)
#define FROM_OFFSET (1 + 32 + 8 + 32 + 32)
#define NAME_OFFSET (FROM_OFFSET + 24)
#define COUNT_OFFSET (NAME_OFFSET + 2 + 4 + 2 + 3)

static const char form[] = "01" REPEAT_32("a1") "0000000000000011" REPEAT_32("a2")
    REPEAT_32("a3") "0000000000000012"
                    "0000000000000013"
                    "0000000000000014"
                    "0004416e6e61"
                    "0003632d31"
                    "00000002" REPEAT_16("a4") REPEAT_16("a5");

static VaultReaderValue *sample(void)
{
    VaultReaderValue *value = vault_reader_value_new();
    MailboxId id;

    memset(value->request_hash.bytes, 0xa1, VAULT_HASH_LEN);
    memset(value->key.bytes, 0xa2, VAULT_KEY_LEN);
    memset(value->signer.bytes, 0xa3, VAULT_KEY_LEN);
    value->added_s = 0x11;
    value->from_s = 0x12;
    value->to_s = 0x13;
    value->expires_s = 0x14;
    value->name = g_strdup("Anna");
    value->case_id = g_strdup("c-1");
    for (guint i = 0; i < 2; i++) {
        memset(id.bytes, 0xa4 + (int)i, VAULT_ID_LEN);
        g_array_append_val(value->mailboxes, id);
    }
    return value;
}

static GByteArray *sample_bytes(void)
{
    g_autoptr(VaultReaderValue) value = sample();

    return vault_reader_value_format(value);
}

static void assert_refused(const guint8 *bytes, gsize len, VaultErrorCode code)
{
    g_autofree guint8 *exact = g_memdup2(bytes, len); /* so that a read past the end is seen */
    g_autoptr(GError) error = NULL;

    assert_null(vault_reader_value_parse(exact, len, &error));
    assert_int_equal(error->code, code);
}

static void value_has_the_form_that_is_written_down_and_comes_back(void **state)
{
    g_autoptr(GByteArray) bytes = sample_bytes();
    g_autoptr(VaultReaderValue) value = NULL;
    g_autoptr(GByteArray) again = NULL;

    assert_hex(bytes->data, bytes->len, form);
    value = vault_reader_value_parse(bytes->data, bytes->len, NULL);
    assert_non_null(value);
    again = vault_reader_value_format(value);
    assert_int_equal(again->len, bytes->len);
    assert_memory_equal(again->data, bytes->data, bytes->len);
}

static void value_that_is_cut_or_longer_is_corrupt(void **state)
{
    g_autoptr(GByteArray) bytes = sample_bytes();

    for (gsize len = 0; len < bytes->len; len++)
        assert_refused(bytes->data, len, VAULT_ERROR_CORRUPT);
    vault_bytes_append_u8(bytes, 0);
    assert_refused(bytes->data, bytes->len, VAULT_ERROR_CORRUPT);
}

static void another_version_is_unsupported(void **state)
{
    g_autoptr(GByteArray) bytes = sample_bytes();

    for (guint version = 0; version < 256; version++) {
        bytes->data[0] = (guint8)version;
        if (version != 1)
            assert_refused(bytes->data, bytes->len, VAULT_ERROR_UNSUPPORTED);
    }
}

static void fields_that_cannot_be_are_corrupt(void **state)
{
    static const struct {
        gsize offset;
        guint8 bytes[16];
        gsize len;
    } wrongs[] = {
        {FROM_OFFSET, {0, 0, 0, 0, 0, 0, 0, 0x13}, 8}, /* no period */
        {NAME_OFFSET + 2, {0xff}, 1},                  /* no UTF-8 */
        {COUNT_OFFSET, {0, 0, 0x40, 1}, 4},            /* one mailbox over the limit */
        {COUNT_OFFSET + 4,
         {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5,
          0xa5},
         16},                          /* twice */
        {COUNT_OFFSET + 4, {0xa6}, 1}, /* not in order */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrongs); i++) {
        g_autoptr(GByteArray) bytes = sample_bytes();

        memcpy(bytes->data + wrongs[i].offset, wrongs[i].bytes, wrongs[i].len);
        assert_refused(bytes->data, bytes->len, VAULT_ERROR_CORRUPT);
    }
}

static void texts_are_taken_up_to_their_limits(void **state)
{
    static const struct {
        gsize name_len, case_len;
        gboolean is_taken;
    } cases[] = {{127, 128, TRUE}, {128, 1, FALSE}, {1, 129, FALSE}, {0, 1, FALSE}, {1, 0, FALSE}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(VaultReaderValue) value = sample();
        g_autoptr(GByteArray) bytes = NULL;
        g_autoptr(VaultReaderValue) parsed = NULL;

        g_free(value->name);
        g_free(value->case_id);
        value->name = g_strnfill(cases[i].name_len, 'n');
        value->case_id = g_strnfill(cases[i].case_len, 'c');
        bytes = vault_reader_value_format(value);
        parsed = vault_reader_value_parse(bytes->data, bytes->len, NULL);
        assert_int_equal(parsed != NULL, cases[i].is_taken);
    }
}

static void mailboxes_are_found_and_none_are_all(void **state)
{
    g_autoptr(VaultReaderValue) value = sample();
    MailboxId id;

    memset(id.bytes, 0xa5, VAULT_ID_LEN);
    assert_true(vault_reader_value_has_mailbox(value, &id));
    id.bytes[0] = 0;
    assert_false(vault_reader_value_has_mailbox(value, &id));
    g_array_set_size(value->mailboxes, 0);
    assert_true(vault_reader_value_has_mailbox(value, &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_has_the_form_that_is_written_down_and_comes_back),
        cmocka_unit_test(value_that_is_cut_or_longer_is_corrupt),
        cmocka_unit_test(another_version_is_unsupported),
        cmocka_unit_test(fields_that_cannot_be_are_corrupt),
        cmocka_unit_test(texts_are_taken_up_to_their_limits),
        cmocka_unit_test(mailboxes_are_found_and_none_are_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
