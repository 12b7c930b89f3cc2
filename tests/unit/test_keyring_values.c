/* The values that the keyring seals: each has one form, which is pinned here byte for byte as
 * docs/formats/keyring.md has it, and everything but that form is refused. */
#include "tests/unit/crypto_world.h"
#include "tests/unit/values_world.h"

/* Parses, and formats what was parsed. NULL with the error when it does not parse. */
#define AGAIN(name, Type, prefix)                                                                  \
    static GByteArray *name(const guint8 *bytes, gsize len, GError **error)                        \
    {                                                                                              \
        Type value;                                                                                \
                                                                                                   \
        return prefix##_parse(bytes, len, &value, error) ? prefix##_format(&value) : NULL;         \
    }

AGAIN(generation_again, VaultGenerationValue, vault_generation_value)
AGAIN(master_again, VaultMasterValue, vault_master_value)
AGAIN(locator_key_again, LocatorKey, vault_locator_key_value)
AGAIN(event_key_again, RowKey, vault_event_key_value)
AGAIN(day_key_again, VaultDayKeyValue, vault_day_key_value)
AGAIN(log_key_again, VaultLogKeyValue, vault_log_key_value)
AGAIN(tombstone_again, VaultTombstoneValue, vault_tombstone_value)

static GByteArray *mailbox_again(const guint8 *bytes, gsize len, GError **error)
{
    static const MailboxId id = {{0x71}};
    g_autoptr(VaultMailboxValue) value = vault_mailbox_value_parse(&id, bytes, len, error);

    return value == NULL ? NULL : vault_mailbox_value_format(value);
}

static GByteArray *month_again(const guint8 *bytes, gsize len, GError **error)
{
    static const MailboxId id = {{0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71,
                                  0x71, 0x71, 0x71, 0x71, 0x71}};
    g_autoptr(VaultMonthValue) value = vault_month_value_parse(&id, bytes, len, error);

    return value == NULL ? NULL : vault_month_value_format(value);
}

#define REPEAT_4(hex) hex hex hex hex
#define REPEAT_16(hex) REPEAT_4(REPEAT_4(hex))
#define REPEAT_32(hex) REPEAT_16(hex) REPEAT_16(hex)
#define TIME "000000006b055918"

#define MONTH_NAME "00031773000d61406578616d706c652e6f7267"
#define MONTH_KEYS REPEAT_32("82") REPEAT_32("83")
#define MONTH_WRAPS                                                                                \
    "01" REPEAT_16("84") REPEAT_32("85") REPEAT_32("86") REPEAT_16("86") "02" REPEAT_16("87")      \
        REPEAT_32("88") REPEAT_32("89") REPEAT_16("89")
#define MONTH_TREE "01000000010000000000" REPEAT_32("81")
/* As it was written, with its mailbox. */
#define MONTH_OF_VERSION_1(mailbox, mark)                                                          \
    "010001" mailbox MONTH_NAME TIME MONTH_KEYS "0002" MONTH_WRAPS mark "0000002a" MONTH_TREE

typedef GByteArray *(*Make)(void);
typedef GByteArray *(*Again)(const guint8 *bytes, gsize len, GError **error);

/* In the order of the selector byte of fuzz_values, which has tree and copy before the last. */
static const struct {
    const char *name;
    Make make;
    Again again;
    const char *hex;
} kinds[] = {
    {"generation", sample_generation, generation_again,
     "01" REPEAT_16("11") "00000003" REPEAT_16("12") TIME},
    {"master", sample_master, master_again, "0102" TIME REPEAT_32("21") REPEAT_32("22")},
    {"locator-key", sample_locator_key, locator_key_again, "01" REPEAT_32("31")},
    {"day-key", sample_day_key, day_key_again, "010000512d" REPEAT_32("41")},
    {"log-key", sample_log_key, log_key_again,
     "01" TIME REPEAT_32("51") REPEAT_32("51") REPEAT_32("52")},
    {"tombstone", sample_tombstone, tombstone_again,
     "01" REPEAT_16("61") "00031773" TIME REPEAT_16("62")},
    {"mailbox", sample_mailbox, mailbox_again,
     "010102" TIME "000000006b0567280003"
     "01" TIME "0000000000000000000d61406578616d706c652e6f7267"
     "00" TIME "0000000000000000000ec3a4406578616d706c652e6f7267"
     "01" TIME "000000006b055954000f6f6c64406578616d706c652e6f7267"},
    {"month", sample_month, month_again,
     "020001" MONTH_NAME "006b055918" MONTH_KEYS "02" MONTH_WRAPS "000007ff" MONTH_TREE},
    {"event-key", sample_event_key, event_key_again, "01" REPEAT_32("91")},
    {"drilled-master", sample_drilled_master, master_again,
     "0201" TIME REPEAT_32("21") REPEAT_32("22") TIME},
    {"retiring-master", sample_retiring_master, master_again,
     "0303" TIME REPEAT_32("21") REPEAT_32("22") "0000000000000000" REPEAT_16("23")},
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

static void each_value_has_the_form_that_is_written_down(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        GByteArray *value = kinds[i].make();

        assert_hex(value->data, value->len, kinds[i].hex);
        vault_value_free(value);
    }
}

static void each_value_comes_back(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        GByteArray *value = kinds[i].make();
        g_autoptr(GError) error = NULL;
        GByteArray *again = kinds[i].again(value->data, value->len, &error);

        assert_null(error);
        assert_int_equal(again->len, value->len);
        assert_memory_equal(again->data, value->data, value->len);
        vault_value_free(value);
        vault_value_free(again);
    }
}

static void each_value_cut_anywhere_is_corrupt(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        GByteArray *value = kinds[i].make();

        for (gsize len = 0; len < value->len; len++)
            assert_refused(i, value->data, len, VAULT_ERROR_CORRUPT);
        vault_value_free(value);
    }
}

static void a_byte_more_is_corrupt(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        for (guint more = 0; more < 2; more++) {
            GByteArray *value = kinds[i].make();

            vault_bytes_append_u8(value, (guint8)more);
            assert_refused(i, value->data, value->len, VAULT_ERROR_CORRUPT);
            vault_value_free(value);
        }
    }
}

enum {
    GENERATION,
    MASTER,
    LOCATOR_KEY,
    DAY_KEY,
    LOG_KEY,
    TOMBSTONE,
    MAILBOX,
    MONTH,
    EVENT_KEY,
    DRILLED_MASTER,
    RETIRING_MASTER
};

static guint8 newest_version(gsize kind)
{
    if (kind == MONTH)
        return 2;
    return kind == MASTER || kind == DRILLED_MASTER || kind == RETIRING_MASTER ? 3 : 1;
}

static void another_version_is_unsupported(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const guint8 versions[] = {0, (guint8)(newest_version(i) + 1), 255};

        for (gsize j = 0; j < G_N_ELEMENTS(versions); j++) {
            GByteArray *value = kinds[i].make();

            value->data[0] = versions[j];
            assert_refused(i, value->data, value->len, VAULT_ERROR_UNSUPPORTED);
            vault_value_free(value);
        }
    }
}

static void a_master_under_its_other_version_is_corrupt(void **state)
{
    GByteArray *master = sample_master();
    GByteArray *drilled = sample_drilled_master();

    master->data[0] = 2;
    drilled->data[0] = 1;
    assert_refused(MASTER, master->data, master->len, VAULT_ERROR_CORRUPT);
    assert_refused(DRILLED_MASTER, drilled->data, drilled->len, VAULT_ERROR_CORRUPT);
    vault_value_free(master);
    vault_value_free(drilled);
}

/* ---- fields that cannot be ------------------------------------------------------------------ */

/* One field of a good value overwritten with something that cannot be. */
static const struct {
    const char *what;
    gsize kind;
    gsize offset;
    guint8 bytes[16];
    gsize len;
    VaultErrorCode code;
} wrongs[] = {
    {"generation 0", GENERATION, 17, {0}, 4, VAULT_ERROR_CORRUPT},
    {"master state 0", MASTER, 1, {0}, 1, VAULT_ERROR_CORRUPT},
    {"master state 3", MASTER, 1, {3}, 1, VAULT_ERROR_CORRUPT},
    {"master drilled at 0", DRILLED_MASTER, 74, {0}, 8, VAULT_ERROR_CORRUPT},
    {"retiring master without successor", RETIRING_MASTER, 82, {0}, 16, VAULT_ERROR_CORRUPT},
    {"master of state 4", RETIRING_MASTER, 1, {4}, 1, VAULT_ERROR_CORRUPT},
    {"tombstone of month 13", TOMBSTONE, 17, {0, 3, 0x17, 0x75}, 4, VAULT_ERROR_CORRUPT},
    {"mailbox kind 0", MAILBOX, 1, {0}, 1, VAULT_ERROR_CORRUPT},
    {"mailbox kind 3", MAILBOX, 1, {3}, 1, VAULT_ERROR_CORRUPT},
    {"mailbox state 0", MAILBOX, 2, {0}, 1, VAULT_ERROR_CORRUPT},
    {"mailbox state 3", MAILBOX, 2, {3}, 1, VAULT_ERROR_CORRUPT},
    {"open mailbox with a closing date", MAILBOX, 2, {1}, 1, VAULT_ERROR_CORRUPT},
    {"closed mailbox without one", MAILBOX, 11, {0}, 8, VAULT_ERROR_CORRUPT},
    {"unassigned mailbox with an address", MAILBOX, 1, {2}, 1, VAULT_ERROR_CORRUPT},
    {"address of rank 2", MAILBOX, 21, {2}, 1, VAULT_ERROR_CORRUPT},
    {"two primary addresses", MAILBOX, 53, {1}, 1, VAULT_ERROR_CORRUPT},
    {"address that ends before it begins",
     MAILBOX,
     30,
     {0, 0, 0, 0, 0, 0, 0, 1},
     8,
     VAULT_ERROR_CORRUPT},
    {"address with a NUL", MAILBOX, 42, {0}, 1, VAULT_ERROR_CORRUPT},
    {"address that is no UTF-8", MAILBOX, 42, {0xff}, 1, VAULT_ERROR_CORRUPT},
    {"month of suite 2", MONTH, 1, {0, 2}, 2, VAULT_ERROR_UNSUPPORTED},
    {"month 0 of a year", MONTH, 3, {0, 3, 0x17, 0x68}, 4, VAULT_ERROR_CORRUPT},
    {"month 13 of a year", MONTH, 3, {0, 3, 0x17, 0x75}, 4, VAULT_ERROR_CORRUPT},
    {"month's address with a NUL", MONTH, 10, {0}, 1, VAULT_ERROR_CORRUPT},
    {"wrap of kind 0", MONTH, 92, {0}, 1, VAULT_ERROR_CORRUPT},
    {"wrap of kind 3", MONTH, 92, {3}, 1, VAULT_ERROR_CORRUPT},
    {"no wraps", MONTH, 91, {0}, 1, VAULT_ERROR_CORRUPT},
    {"65 wraps", MONTH, 91, {65}, 1, VAULT_ERROR_CORRUPT},
    {"tree of version 2", MONTH, 290, {2}, 1, VAULT_ERROR_UNSUPPORTED},
    {"tree with a node out of range", MONTH, 295, {33}, 1, VAULT_ERROR_CORRUPT},
};

static void an_impossible_field_is_refused(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(wrongs); i++) {
        GByteArray *value = kinds[wrongs[i].kind].make();

        assert_true(wrongs[i].offset + wrongs[i].len <= value->len);
        assert_memory_not_equal(value->data + wrongs[i].offset, wrongs[i].bytes, wrongs[i].len);
        memcpy(value->data + wrongs[i].offset, wrongs[i].bytes, wrongs[i].len);
        print_message("%s\n", wrongs[i].what);
        assert_refused(wrongs[i].kind, value->data, value->len, wrongs[i].code);
        vault_value_free(value);
    }
}

static void a_month_of_version_1_comes_back_as_one_of_version_2(void **state)
{
    static const char *const refused[] = {MONTH_OF_VERSION_1(REPEAT_16("72"), "0000000000000800"),
                                         MONTH_OF_VERSION_1(REPEAT_16("71"), "0000000000000000"),
                                         MONTH_OF_VERSION_1(REPEAT_16("71"), "0000000100000001")};
    const char *good = MONTH_OF_VERSION_1(REPEAT_16("71"), "0000000000000800");
    gsize len = strlen(good) / 2;
    g_autofree guint8 *bytes = g_malloc(len);
    GByteArray *again;

    assert_true(vault_bytes_from_hex(good, bytes, len));
    again = month_again(bytes, len, NULL);
    assert_non_null(again);
    assert_hex(again->data, again->len, kinds[MONTH].hex);
    vault_value_free(again);
    for (gsize i = 1; i < len; i++)
        assert_refused(MONTH, bytes, i, VAULT_ERROR_CORRUPT);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        assert_true(vault_bytes_from_hex(refused[i], bytes, len));
        assert_refused(MONTH, bytes, len, VAULT_ERROR_CORRUPT);
    }
}

static void the_mark_may_stand_behind_the_last_leaf(void **state)
{
    g_autoptr(VaultMonthValue) value = sample_month_new();
    GByteArray *bytes, *again;

    value->leaf_mark = VAULT_LEAVES_MAX;
    bytes = vault_month_value_format(value);
    again = month_again(bytes->data, bytes->len, NULL);
    assert_non_null(again);
    vault_value_free(bytes);
    vault_value_free(again);
}

/* ---- limits --------------------------------------------------------------------------------- */

static GByteArray *mailbox_with(gsize address_len, guint count)
{
    g_autoptr(VaultMailboxValue) value = vault_mailbox_value_new("a@example.org", SAMPLE_S);
    g_autofree char *address = g_strnfill(address_len, 'a');

    while (value->addresses->len < count)
        sample_add_address(value, address, VAULT_ADDRESS_ALIAS, 0);
    return vault_mailbox_value_format(value);
}

static void addresses_have_1_to_512_bytes(void **state)
{
    static const struct {
        gsize len;
        gboolean is_good;
    } cases[] = {{0, FALSE}, {1, TRUE}, {512, TRUE}, {513, FALSE}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GByteArray *value = mailbox_with(cases[i].len, 2);
        g_autoptr(GError) error = NULL;
        GByteArray *again = mailbox_again(value->data, value->len, &error);

        assert_int_equal(again != NULL, cases[i].is_good);
        if (!cases[i].is_good)
            assert_error(error, VAULT_ERROR_CORRUPT);
        vault_value_free(value);
        vault_value_free(again);
    }
}

static void a_mailbox_has_1024_addresses_at_most(void **state)
{
    GByteArray *value = mailbox_with(3, VAULT_MAILBOX_ADDRESSES_MAX);
    GByteArray *again = mailbox_again(value->data, value->len, NULL);

    assert_non_null(again);
    vault_value_free(again);
    vault_bytes_put_u16(value->data + 19, VAULT_MAILBOX_ADDRESSES_MAX + 1);
    g_byte_array_append(value, value->data + value->len - 22, 22);
    assert_refused(MAILBOX, value->data, value->len, VAULT_ERROR_CORRUPT);
    vault_value_free(value);
}

static void a_month_has_64_wraps_at_most(void **state)
{
    g_autoptr(VaultMonthValue) value = sample_month_new();
    VaultWrap wrap = g_array_index(value->wraps, VaultWrap, 0);
    GByteArray *bytes, *again;

    while (value->wraps->len < VAULT_WRAPS_MAX)
        g_array_append_val(value->wraps, wrap);
    bytes = vault_month_value_format(value);
    again = month_again(bytes->data, bytes->len, NULL);
    assert_non_null(again);
    vault_value_free(bytes);
    vault_value_free(again);
    g_array_append_val(value->wraps, wrap);
    bytes = vault_month_value_format(value);
    assert_refused(MONTH, bytes->data, bytes->len, VAULT_ERROR_CORRUPT);
    vault_value_free(bytes);
}

/* ---- what mailboxes and months say ---------------------------------------------------------- */

static void the_primary_address_is_the_one_still_in_use(void **state)
{
    g_autoptr(VaultMailboxValue) mailbox = sample_mailbox_new();
    g_autoptr(VaultMailboxValue) unassigned = vault_mailbox_value_new(NULL, SAMPLE_S);
    VaultMailboxAddress *first = g_ptr_array_index(mailbox->addresses, 0);

    assert_string_equal(vault_mailbox_value_primary(mailbox), "a@example.org");
    first->until_s = SAMPLE_S + 1;
    assert_null(vault_mailbox_value_primary(mailbox));
    assert_null(vault_mailbox_value_primary(unassigned));
    assert_int_equal(unassigned->kind, VAULT_MAILBOX_UNASSIGNED);
    assert_int_equal(unassigned->addresses->len, 0);
}

static void mailbox_ids_are_not_given_twice(void **state)
{
    g_autoptr(VaultMailboxValue) one = vault_mailbox_value_new("a@example.org", SAMPLE_S);
    g_autoptr(VaultMailboxValue) two = vault_mailbox_value_new("a@example.org", SAMPLE_S);

    assert_false(VAULT_ID_EQUAL(one->mailbox_id, two->mailbox_id));
}

static void a_new_month_needs_1_to_64_recipients(void **state)
{
    VaultMonthIdentity identity = {.address = "", .month = 202611};
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) many = NULL;

    assert_null(vault_month_value_new(&identity, NULL, 0, SAMPLE_S, &none));
    assert_error(none, VAULT_ERROR_NO_KEY);
    assert_null(vault_month_value_new(&identity, NULL, VAULT_WRAPS_MAX + 1, SAMPLE_S, &many));
    assert_error(many, VAULT_ERROR_NO_KEY);
}

/* The seeds of the fuzz target: the selector byte, then the value. */
static int write_seeds(const char *directory)
{
    for (guint8 i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_build_filename(directory, kinds[i].name, NULL);
        GByteArray *value = kinds[i].make();

        g_byte_array_prepend(value, &(guint8){i < EVENT_KEY ? i : i + 2}, 1);
        g_assert_true(g_file_set_contents(path, (const char *)value->data, value->len, NULL));
        vault_value_free(value);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_has_the_form_that_is_written_down),
        cmocka_unit_test(each_value_comes_back),
        cmocka_unit_test(each_value_cut_anywhere_is_corrupt),
        cmocka_unit_test(a_byte_more_is_corrupt),
        cmocka_unit_test(another_version_is_unsupported),
        cmocka_unit_test(a_master_under_its_other_version_is_corrupt),
        cmocka_unit_test(an_impossible_field_is_refused),
        cmocka_unit_test(a_month_of_version_1_comes_back_as_one_of_version_2),
        cmocka_unit_test(the_mark_may_stand_behind_the_last_leaf),
        cmocka_unit_test(addresses_have_1_to_512_bytes),
        cmocka_unit_test(a_mailbox_has_1024_addresses_at_most),
        cmocka_unit_test(a_month_has_64_wraps_at_most),
        cmocka_unit_test(the_primary_address_is_the_one_still_in_use),
        cmocka_unit_test(mailbox_ids_are_not_given_twice),
        cmocka_unit_test(a_new_month_needs_1_to_64_recipients),
    };

    vault_crypto_init();
    if (argc == 3 && g_str_equal(argv[1], "--seeds"))
        return write_seeds(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
