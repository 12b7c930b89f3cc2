/* The bounded reader and its writer, CRC-32C, hexadecimal, ids, errors. */
#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"

#include <errno.h>

/* ---- reader --------------------------------------------------------------------------------- */

static void integers_come_back_big_endian(void **state)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VaultBytesReader reader;

    vault_bytes_append_u8(bytes, 0x01);
    vault_bytes_append_u16(bytes, 0x0203);
    vault_bytes_append_u32(bytes, 0x04050607);
    vault_bytes_append_u64(bytes, G_GUINT64_CONSTANT(0x08090a0b0c0d0e0f));
    assert_hex(bytes->data, bytes->len, "0102030405060708090a0b0c0d0e0f");
    vault_bytes_reader_init(&reader, bytes->data, bytes->len);
    assert_int_equal(vault_bytes_read_u8(&reader), 0x01);
    assert_int_equal(vault_bytes_read_u16(&reader), 0x0203);
    assert_int_equal(vault_bytes_read_u32(&reader), 0x04050607);
    assert_true(vault_bytes_read_u64(&reader) == G_GUINT64_CONSTANT(0x08090a0b0c0d0e0f));
    assert_true(vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END));
}

static void the_largest_integers_come_back(void **state)
{
    guint8 bytes[8];
    VaultBytesReader reader;

    vault_bytes_put_u64(bytes, G_MAXUINT64);
    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    assert_true(vault_bytes_read_u64(&reader) == G_MAXUINT64);
    vault_bytes_put_u16(bytes, G_MAXUINT16);
    vault_bytes_put_u32(bytes + 2, G_MAXUINT32);
    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    assert_int_equal(vault_bytes_read_u16(&reader), G_MAXUINT16);
    assert_true(vault_bytes_read_u32(&reader) == G_MAXUINT32);
}

/* The bytes are on the heap, in a block of just their size: ASan sees each byte too many. */
static void a_read_past_the_end_fails_for_good_and_gives_zeros(void **state)
{
    for (gsize len = 0; len < 8; len++) {
        g_autofree guint8 *bytes = g_malloc(MAX(len, 1));
        VaultBytesReader reader;
        guint8 copied[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
        g_autofree char *text = NULL;

        memset(bytes, 0xff, len);
        vault_bytes_reader_init(&reader, bytes, len);
        assert_true(vault_bytes_read_u64(&reader) == 0);
        assert_true(reader.failed);
        /* There are bytes left, and yet nothing is given any more. */
        assert_int_equal(vault_bytes_read_u8(&reader), 0);
        assert_null(vault_bytes_read_borrowed(&reader, 0));
        vault_bytes_read(&reader, copied, sizeof copied);
        assert_int_equal(copied[0] | copied[8], 0);
        text = vault_bytes_read_string16(&reader);
        assert_null(text);
        assert_false(vault_bytes_reader_finish(&reader, VAULT_BYTES_MAY_FOLLOW));
        assert_false(vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END));
    }
}

static void a_length_near_the_largest_is_past_the_end(void **state)
{
    guint8 bytes[4] = {0};
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    vault_bytes_read_u8(&reader);
    assert_null(vault_bytes_read_borrowed(&reader, G_MAXSIZE));
    assert_true(reader.failed);
}

static void bytes_left_over_are_told(void **state)
{
    guint8 bytes[2] = {0};
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    vault_bytes_read_u8(&reader);
    assert_true(vault_bytes_reader_finish(&reader, VAULT_BYTES_MAY_FOLLOW));
    assert_false(vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END));
}

static void strings_are_utf_8_without_nul(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        {"0000", ""},     {"000161", "a"},  {"0002c3a4", "ä"},  {"00026100", NULL},
        {"0001ff", NULL}, {"0001c3", NULL}, {"000261", NULL},   {"00", NULL},
        {"", NULL},       {"ffff61", NULL}, {"0002c080", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) bytes = bytes_from_hex(cases[i].hex);
        g_autofree guint8 *exact = g_memdup2(bytes->data, bytes->len);
        VaultBytesReader reader;
        g_autofree char *text = NULL;

        vault_bytes_reader_init(&reader, exact, bytes->len);
        text = vault_bytes_read_string16(&reader);
        assert_int_equal(reader.failed, cases[i].text == NULL);
        if (cases[i].text != NULL)
            assert_string_equal(text, cases[i].text);
        else
            assert_null(text);
    }
}

static void the_longest_string_comes_back(void **state)
{
    g_autofree char *longest = g_strnfill(G_MAXUINT16, 's');
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VaultBytesReader reader;
    g_autofree char *text = NULL;

    vault_bytes_append_string16(bytes, longest);
    vault_bytes_reader_init(&reader, bytes->data, bytes->len);
    text = vault_bytes_read_string16(&reader);
    assert_string_equal(text, longest);
    assert_true(vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END));
}

/* ---- CRC-32C -------------------------------------------------------------------------------- */

static void crc32c_gives_the_vectors_of_rfc_3720(void **state)
{
    guint8 bytes[32];

    assert_int_equal(vault_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(vault_crc32c(0, "", 0), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(vault_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(vault_crc32c(0, bytes, 32), 0x62a8ab43);
    for (guint8 i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(vault_crc32c(0, bytes, 32), 0x46dd794e);
    for (guint8 i = 0; i < 32; i++)
        bytes[i] = 31 - i;
    assert_int_equal(vault_crc32c(0, bytes, 32), 0x113fdb5c);
}

/* At any alignment, in any two parts: the same as bit by bit. */
static void crc32c_may_be_continued_anywhere(void **state)
{
    guint8 bytes[70];
    guint64 random = 1;

    for (gsize i = 0; i < sizeof bytes; i++)
        bytes[i] = (guint8)next_random(&random);
    for (gsize start = 0; start < 9; start++) {
        gsize len = sizeof bytes - start;
        guint32 expected = 0xffffffff;

        for (gsize i = start; i < sizeof bytes; i++) {
            expected ^= bytes[i];
            for (int bit = 0; bit < 8; bit++)
                expected = expected >> 1 ^ (expected & 1 ? 0x82f63b78 : 0);
        }
        for (gsize part = 0; part <= len; part++) {
            guint32 crc = vault_crc32c(0, bytes + start, part);

            assert_int_equal(vault_crc32c(crc, bytes + start + part, len - part), ~expected);
        }
    }
}

/* ---- text ----------------------------------------------------------------------------------- */

static void hexadecimal_is_read_exactly(void **state)
{
    static const char *const bad[] = {"",      "0",     "012",  "01234", "0g",
                                      "0123 ", " 0123", "0x01", "-123"};
    guint8 bytes[2];
    g_autofree char *hex = vault_bytes_to_hex((const guint8 *)"\x01\xaf", 2);

    assert_string_equal(hex, "01af");
    assert_true(vault_bytes_from_hex("01aF", bytes, 2));
    assert_memory_equal(bytes, "\x01\xaf", 2);
    assert_true(vault_bytes_from_hex("", bytes, 0));
    assert_false(vault_bytes_from_hex(NULL, bytes, 2));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(vault_bytes_from_hex(bad[i], bytes, 2));
}

static void ids_are_32_digits(void **state)
{
    static const char *const bad[] = {"", "00112233445566778899aabbccddeef",
                                      "00112233445566778899aabbccddeeff0",
                                      "00112233445566778899aabbccddeefg"};
    RecordId id, other;

    assert_true(vault_id_parse("00112233445566778899AABBccddeeff", id.bytes, NULL));
    assert_string_equal(VAULT_ID_TEXT(id), "00112233445566778899aabbccddeeff");
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_id_parse(bad[i], other.bytes, &error));
        assert_error(error, VAULT_ERROR_MALFORMED);
    }
    other = id;
    assert_true(vault_id_equal(&id, &other));
    assert_int_equal(vault_id_hash(&id), vault_id_hash(&other));
    other.bytes[15] ^= 1;
    assert_false(vault_id_equal(&id, &other));
    assert_false(vault_id_is_zero(id.bytes));
    memset(&id, 0, sizeof id);
    assert_true(vault_id_is_zero(id.bytes));
    id.bytes[15] = 1;
    assert_false(vault_id_is_zero(id.bytes));
}

static void each_errno_has_its_code(void **state)
{
    static const struct {
        int number;
        VaultErrorCode code;
    } cases[] = {{ENOSPC, VAULT_ERROR_NO_SPACE},  {EDQUOT, VAULT_ERROR_NO_SPACE},
                 {ENOENT, VAULT_ERROR_NOT_FOUND}, {EEXIST, VAULT_ERROR_BUSY},
                 {EACCES, VAULT_ERROR_IO},        {EPERM, VAULT_ERROR_IO},
                 {EIO, VAULT_ERROR_IO},           {EINVAL, VAULT_ERROR_IO}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_error_set_errno(&error, cases[i].number, "cannot write", "the file"));
        assert_error(error, cases[i].code);
        assert_true(g_str_has_prefix(error->message, "cannot write the file: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_come_back_big_endian),
        cmocka_unit_test(the_largest_integers_come_back),
        cmocka_unit_test(a_read_past_the_end_fails_for_good_and_gives_zeros),
        cmocka_unit_test(a_length_near_the_largest_is_past_the_end),
        cmocka_unit_test(bytes_left_over_are_told),
        cmocka_unit_test(strings_are_utf_8_without_nul),
        cmocka_unit_test(the_longest_string_comes_back),
        cmocka_unit_test(crc32c_gives_the_vectors_of_rfc_3720),
        cmocka_unit_test(crc32c_may_be_continued_anywhere),
        cmocka_unit_test(hexadecimal_is_read_exactly),
        cmocka_unit_test(ids_are_32_digits),
        cmocka_unit_test(each_errno_has_its_code),
    };

    return run_crypto_tests(tests);
}
