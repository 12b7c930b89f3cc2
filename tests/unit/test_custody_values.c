/* The values of the registry, and what stands behind a copied keyring: each has one form, which is
 * pinned here byte for byte as docs/formats has it, and everything but that form is refused. */
#include "tests/unit/crypto_world.h"
#include "tests/unit/custody_values_world.h"

#define REPEAT_4(hex) hex hex hex hex
#define REPEAT_16(hex) REPEAT_4(REPEAT_4(hex))
#define REPEAT_32(hex) REPEAT_16(hex) REPEAT_16(hex)
#define TIME "000000006b055918"

enum { HOLDER, COPY, DECLARATION, TRAILER };

/* In the order of the selector byte of fuzz_custody. */
static const struct {
    const char *name;
    GByteArray *(*make)(void);
    CustodyAgain again;
    VaultErrorCode code; /* of what is damaged */
    const char *hex;
} kinds[] = {
    {"holder", sample_holder, holder_again, VAULT_ERROR_CORRUPT,
     "01000473616665"
     "0200062f6d6e742f73" REPEAT_32("a1") TIME TIME
     "01"
     "02"
     "00000003" REPEAT_16("a2") "00000004" REPEAT_16("a3")},
    {"copy", sample_copy_value, copy_value_again, VAULT_ERROR_CORRUPT,
     "0100036e6173"
     "0100062f6d6e742f6e" REPEAT_16("b1") TIME "01"
                                               "00000003" REPEAT_16("a2") TIME},
    {"declaration", sample_declaration, declaration_again, VAULT_ERROR_CORRUPT,
     "010002766d"
     "0000001e" TIME "0000000000000000"},
    {"trailer", sample_trailer, trailer_again, VAULT_ERROR_MALFORMED,
     "4d4e4b43"
     "00000001" REPEAT_16("c1") REPEAT_16("b1") "00000003" REPEAT_16("a2") TIME
     "0000000000001000" REPEAT_32("c2") "09ac0e26"},
};

static void assert_refused(gsize kind, const guint8 *bytes, gsize len, VaultErrorCode code)
{
    g_autofree guint8 *exact = g_memdup2(bytes, len); /* so that a read past the end is seen */
    g_autoptr(GError) error = NULL;
    GByteArray *again = kinds[kind].again(exact, len, &error);

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
        assert_hex(again->data, again->len, kinds[i].hex);
    }
}

static void each_value_cut_or_longer_is_refused(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) value = kinds[i].make();

        for (gsize len = 0; len < value->len; len++)
            assert_refused(i, value->data, len, kinds[i].code);
        vault_bytes_append_u8(value, 0);
        assert_refused(i, value->data, value->len, kinds[i].code);
    }
}

static void another_version_is_unsupported(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) value = kinds[i].make();

        value->data[i == TRAILER ? 7 : 0] = 2;
        assert_refused(i, value->data, value->len, VAULT_ERROR_UNSUPPORTED);
    }
}

static void a_trailer_with_a_changed_bit_is_refused(void **state)
{
    g_autoptr(GByteArray) value = sample_trailer();

    for (gsize bit = 0; bit < 8 * value->len; bit++) {
        g_autoptr(GError) error = NULL;

        value->data[bit / 8] ^= (guint8)(1 << bit % 8);
        assert_null(trailer_again(value->data, value->len, &error));
        value->data[bit / 8] ^= (guint8)(1 << bit % 8);
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
    {"name with a blank", HOLDER, 3, {' '}, 1},
    {"name that is an option", HOLDER, 3, {'-'}, 1},
    {"holder kind 0", HOLDER, 7, {0}, 1},
    {"disk 2", HOLDER, 64, {2}, 1},
    {"four keys", HOLDER, 65, {4}, 1},
    {"generation 0", HOLDER, 66, {0}, 4},
    {"the same generation twice", HOLDER, 86, {0, 0, 0, 3}, 4},
    {"copy kind 0", COPY, 6, {0}, 1},
    {"copy disk 2", COPY, 39, {2}, 1},
    {"a copy of no key", COPY, 40, {0}, 4},
    {"a copy at no time", COPY, 60, {0}, 8},
    {"kept for more than 36,500 days", DECLARATION, 5, {0, 0, 0x8e, 0x95}, 4},
};

static void an_impossible_field_is_refused(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(wrongs); i++) {
        g_autoptr(GByteArray) value = kinds[wrongs[i].kind].make();

        memcpy(value->data + wrongs[i].offset, wrongs[i].bytes, wrongs[i].len);
        print_message("%s\n", wrongs[i].what);
        assert_refused(wrongs[i].kind, value->data, value->len, VAULT_ERROR_CORRUPT);
    }
}

static void places_and_names_have_their_most(void **state)
{
    g_autofree char *most = g_strnfill(VAULT_CUSTODY_PLACE_LEN_MAX, '/');
    g_autofree char *more = g_strnfill(VAULT_CUSTODY_PLACE_LEN_MAX + 1, '/');
    g_autofree char *name = g_strnfill(VAULT_CUSTODY_NAME_LEN_MAX, 'n');
    g_autofree char *long_name = g_strnfill(VAULT_CUSTODY_NAME_LEN_MAX + 1, 'n');
    VaultCopyValue value = {.name = "n", .kind = 1, .place = most};
    g_autoptr(GByteArray) at = vault_copy_value_format(&value), again = NULL, past = NULL;

    again = copy_value_again(at->data, at->len, NULL);
    assert_non_null(again);
    value.place = more;
    past = vault_copy_value_format(&value);
    assert_refused(COPY, past->data, past->len, VAULT_ERROR_CORRUPT);
    assert_true(vault_custody_name_is_valid(name));
    assert_false(vault_custody_name_is_valid(long_name));
    assert_false(vault_custody_name_is_valid(""));
}

static void a_declared_copy_counts_from_the_last_that_was_made(void **state)
{
    const guint64 day_s = 86400;
    VaultDeclarationValue again = {.keep_days = 30, .declared_s = SAMPLE_S};
    VaultDeclarationValue ended = {
        .keep_days = 30, .declared_s = SAMPLE_S, .ended_s = SAMPLE_S + 10 * day_s};
    VaultDeclarationValue none = {.keep_days = 0, .declared_s = SAMPLE_S};

    assert_int_equal(vault_declaration_counts_until(&again, SAMPLE_S), SAMPLE_S + 30 * day_s);
    /* What was destroyed before the last was made, what after it, and after it is gone. */
    assert_int_equal(vault_declaration_counts_until(&ended, SAMPLE_S), SAMPLE_S + 30 * day_s);
    assert_int_equal(vault_declaration_counts_until(&ended, SAMPLE_S + 20 * day_s),
                     SAMPLE_S + 40 * day_s);
    assert_int_equal(vault_declaration_counts_until(&ended, SAMPLE_S + 40 * day_s), 0);
    assert_int_equal(vault_declaration_counts_until(&none, SAMPLE_S), 0);
    assert_int_equal(vault_declaration_counts_until(&again, G_MAXUINT64 - 1), G_MAXUINT64);
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
        cmocka_unit_test(each_value_cut_or_longer_is_refused),
        cmocka_unit_test(another_version_is_unsupported),
        cmocka_unit_test(a_trailer_with_a_changed_bit_is_refused),
        cmocka_unit_test(an_impossible_field_is_refused),
        cmocka_unit_test(places_and_names_have_their_most),
        cmocka_unit_test(a_declared_copy_counts_from_the_last_that_was_made),
    };

    vault_crypto_init();
    if (argc == 3 && g_str_equal(argv[1], "--seeds"))
        return write_seeds(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
