/* Holds and retention rules as the keyring seals them: one form each, pinned byte for byte, and
 * everything but that form is refused. */
#include "tests/unit/crypto_world.h"
#include "tests/unit/holds_world.h"

static GByteArray *hold_again(const guint8 *bytes, gsize len, GError **error)
{
    static const RowId id = {{0xa1}};
    g_autoptr(VaultHoldValue) value = vault_hold_value_parse(&id, bytes, len, error);

    return value != NULL ? vault_hold_value_format(value) : NULL;
}

static GByteArray *retention_again(const guint8 *bytes, gsize len, GError **error)
{
    static const RowId id = {{0xb1}};
    g_autoptr(VaultRetentionValue) value = vault_retention_value_parse(&id, bytes, len, error);

    return value != NULL ? vault_retention_value_format(value) : NULL;
}

#define REPEAT_4(hex) hex hex hex hex
#define REPEAT_16(hex) REPEAT_4(REPEAT_4(hex))

/* In the order of the selector byte of fuzz_holds. */
enum { HOLD, RETENTION };
static const struct {
    const char *name;
    GByteArray *(*make)(void);
    GByteArray *(*again)(const guint8 *bytes, gsize len, GError **error);
    const char *hex;
} kinds[] = {
    {"hold", sample_hold, hold_again,
     "01"
     "000000006b055918"
     "000000006b054b08"
     "000000006b056728"
     "000000006b057538"
     "000000006b055954"
     "000434373131"
     "000473756974"
     "0003776f6e"
     "00"
     "00000001"
     "000b6140622e6578616d706c65"
     "00000001"
     "0009632e6578616d706c65"
     "00000001" REPEAT_16("a2") "00000001" REPEAT_16("a3")},
    {"retention", sample_retention, retention_again,
     "01"
     "02"
     "02"
     "00000890"
     "00000e45"
     "000000006b055918"
     "0009622e6578616d706c65"},
};

static void assert_refused(gsize kind, const guint8 *bytes, gsize len, VaultErrorCode code)
{
    g_autofree guint8 *exact = g_memdup2(bytes, len); /* so that a read past the end is seen */
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) again = kinds[kind].again(exact, len, &error);

    if (again != NULL || error == NULL || error->code != (int)code)
        fail_msg("%s, %zu bytes: %s", kinds[kind].name, len,
                 error == NULL ? "accepted" : error->message);
}

static void each_value_has_the_form_that_is_written_down_and_comes_back(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) value = kinds[i].make();
        g_autoptr(GByteArray) again = kinds[i].again(value->data, value->len, NULL);

        assert_hex(value->data, value->len, kinds[i].hex);
        assert_non_null(again);
        assert_int_equal(again->len, value->len);
        assert_memory_equal(again->data, value->data, value->len);
    }
}

static void what_is_cut_or_longer_is_corrupt(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) value = kinds[i].make();

        for (gsize len = 0; len < value->len; len++)
            assert_refused(i, value->data, len, VAULT_ERROR_CORRUPT);
        vault_bytes_append_u8(value, 0);
        assert_refused(i, value->data, value->len, VAULT_ERROR_CORRUPT);
    }
}

static void another_version_is_unsupported(void **state)
{
    static const guint8 versions[] = {0, 2, 255};

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        for (gsize j = 0; j < G_N_ELEMENTS(versions); j++) {
            g_autoptr(GByteArray) value = kinds[i].make();

            value->data[0] = versions[j];
            assert_refused(i, value->data, value->len, VAULT_ERROR_UNSUPPORTED);
        }
    }
}

/* One field of a good value overwritten with something that cannot be. */
static const struct {
    const char *what;
    gsize kind;
    gsize offset;
    guint8 bytes[8];
    gsize len;
} wrongs[] = {
    {"hold that covers no time", HOLD, 17, {0, 0, 0, 0, 0, 0, 0, 1}, 8},
    {"hold that has a reason for its end and none", HOLD, 33, {0}, 8},
    {"hold whose case is no UTF-8", HOLD, 43, {0xff}, 1},
    {"hold of all mailboxes and some", HOLD, 58, {1}, 1},
    {"hold of 2 for all", HOLD, 58, {2}, 1},
    {"hold of more addresses than can be", HOLD, 59, {0, 1, 0x86, 0xa1}, 4},
    {"rule of scope 0", RETENTION, 1, {0}, 1},
    {"rule of scope 4", RETENTION, 1, {4}, 1},
    {"default rule with a name", RETENTION, 1, {1}, 1},
    {"rule of basis 0", RETENTION, 2, {0}, 1},
    {"rule of basis 3", RETENTION, 2, {3}, 1},
    {"minimum above the maximum", RETENTION, 3, {0, 0, 0x0e, 0x46}, 4},
    {"maximum past 200 years", RETENTION, 7, {0, 1, 0x1d, 0x5b}, 4},
    {"rule whose name is no UTF-8", RETENTION, 21, {0xff}, 1},
};

static void an_impossible_field_is_refused(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(wrongs); i++) {
        g_autoptr(GByteArray) value = kinds[wrongs[i].kind].make();

        assert_true(wrongs[i].offset + wrongs[i].len <= value->len);
        assert_memory_not_equal(value->data + wrongs[i].offset, wrongs[i].bytes, wrongs[i].len);
        memcpy(value->data + wrongs[i].offset, wrongs[i].bytes, wrongs[i].len);
        print_message("%s\n", wrongs[i].what);
        assert_refused(wrongs[i].kind, value->data, value->len, VAULT_ERROR_CORRUPT);
    }
}

static GByteArray *hold_of(gsize case_len, gsize reason_len, gsize address_len)
{
    g_autoptr(VaultHoldValue) hold = sample_hold_new();

    g_free(hold->case_id);
    g_free(hold->reason);
    hold->case_id = g_strnfill(case_len, 'c');
    hold->reason = g_strnfill(reason_len, 'r');
    g_ptr_array_set_size(hold->addresses, 0);
    g_ptr_array_add(hold->addresses, g_strnfill(address_len, 'a'));
    return vault_hold_value_format(hold);
}

static void texts_of_a_hold_have_limits(void **state)
{
    static const struct {
        gsize case_len, reason_len, address_len;
        gboolean is_good;
    } cases[] = {
        {1, 1, 1, TRUE},  {128, 2048, 512, TRUE}, {0, 1, 1, FALSE}, {129, 1, 1, FALSE},
        {1, 0, 1, FALSE}, {1, 2049, 1, FALSE},    {1, 1, 0, FALSE}, {1, 1, 513, FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) value =
            hold_of(cases[i].case_len, cases[i].reason_len, cases[i].address_len);
        g_autoptr(GByteArray) again = hold_again(value->data, value->len, NULL);

        assert_int_equal(again != NULL, cases[i].is_good);
    }
}

static void a_hold_names_100000_messages_at_most(void **state)
{
    g_autoptr(VaultHoldValue) hold = sample_hold_new();
    g_autoptr(GByteArray) most = NULL;
    g_autoptr(GByteArray) more = NULL;
    g_autoptr(GByteArray) again = NULL;

    g_array_set_size(hold->messages, VAULT_HOLD_MESSAGES_MAX);
    most = vault_hold_value_format(hold);
    again = hold_again(most->data, most->len, NULL);
    assert_non_null(again);
    g_array_set_size(hold->messages, VAULT_HOLD_MESSAGES_MAX + 1);
    more = vault_hold_value_format(hold);
    assert_refused(HOLD, more->data, more->len, VAULT_ERROR_CORRUPT);
}

static void a_hold_ends_by_date_or_when_it_is_removed(void **state)
{
    g_autoptr(VaultHoldValue) hold = vault_hold_value_new();

    assert_true(vault_hold_value_end_s(hold) == G_MAXUINT64);
    hold->until_s = 200;
    assert_int_equal(vault_hold_value_end_s(hold), 200);
    hold->removed_s = 100;
    assert_int_equal(vault_hold_value_end_s(hold), 100);
    hold->removed_s = 300;
    assert_int_equal(vault_hold_value_end_s(hold), 200);
    hold->until_s = 0;
    assert_int_equal(vault_hold_value_end_s(hold), 300);
}

/* The seeds of the fuzz target: the selector byte, then the value. */
static int write_seeds(const char *directory)
{
    for (guint8 i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_build_filename(directory, kinds[i].name, NULL);
        g_autoptr(GByteArray) value = kinds[i].make();

        g_byte_array_prepend(value, &i, 1);
        g_assert_true(g_file_set_contents(path, (const char *)value->data, value->len, NULL));
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_has_the_form_that_is_written_down_and_comes_back),
        cmocka_unit_test(what_is_cut_or_longer_is_corrupt),
        cmocka_unit_test(another_version_is_unsupported),
        cmocka_unit_test(an_impossible_field_is_refused),
        cmocka_unit_test(texts_of_a_hold_have_limits),
        cmocka_unit_test(a_hold_names_100000_messages_at_most),
        cmocka_unit_test(a_hold_ends_by_date_or_when_it_is_removed),
    };

    vault_crypto_init();
    if (argc == 3 && g_str_equal(argv[1], "--seeds"))
        return write_seeds(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
