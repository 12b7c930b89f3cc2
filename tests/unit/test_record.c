#include "tests/support/pack_fixture.h"

#include "vault/base/bytes.h"

#define KINDS_COUNT 8

static const struct {
    VaultRecordKind kind;
    gsize header_len;
} kinds[KINDS_COUNT] = {
    {VAULT_RECORD_BODY, 156},       {VAULT_RECORD_COPY, 136},    {VAULT_RECORD_TERMS_BODY, 104},
    {VAULT_RECORD_TERMS_COPY, 160}, {VAULT_RECORD_WRAPPER, 104}, {VAULT_RECORD_ADDENDUM, 136},
    {VAULT_RECORD_EVENT, 104},      {VAULT_RECORD_COMMIT, 72},
};

static const LocatorKey key = {{1, 2, 3}};

static VaultRecordHeader sample_header(VaultRecordKind kind)
{
    VaultRecordHeader header = {.kind = kind,
                                .suite = VAULT_SUITE_X25519,
                                .ciphertext_len = 0x123456789,
                                .ciphertext_crc = 0xdeadbeef};

    memset(&header.record_id, 0x11, sizeof header.record_id);
    memset(header.by_kind, 0x22, sizeof header.by_kind);
    return header;
}

/* Every field set, so that one that is stored where it does not belong shows. */
static VaultLocator sample_locator(void)
{
    VaultLocator locator = {.leaf = 0x01020304,
                            .received_s = 1795512600,
                            .archived_s = 1795512601,
                            .flags = VAULT_FLAG_IMPORTED | VAULT_FLAG_UNASSIGNED,
                            .step = 7};

    memset(&locator.body_id, 0x31, sizeof locator.body_id);
    memset(&locator.month_key_id, 0x32, sizeof locator.month_key_id);
    memset(&locator.retry_tag, 0x33, sizeof locator.retry_tag);
    memset(&locator.repeat_tag, 0x34, sizeof locator.repeat_tag);
    memset(&locator.repeats, 0x35, sizeof locator.repeats);
    memset(locator.enc, 0x36, sizeof locator.enc);
    memset(&locator.row_id, 0x37, sizeof locator.row_id);
    return locator;
}

static gsize format(VaultRecordKind kind, guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX])
{
    const VaultRecordHeader header = sample_header(kind);
    const VaultLocator locator = sample_locator();
    gboolean has_locator = kind != VAULT_RECORD_COMMIT;
    gsize clear_len = vault_record_format_clear(&header, has_locator ? &key : NULL,
                                                has_locator ? &locator : NULL, bytes);

    return vault_record_format_crcs(bytes, clear_len, header.ciphertext_crc);
}

static void set_crc(guint8 *bytes, gsize len)
{
    vault_bytes_put_u32(bytes + len - 4, vault_crc32c(0, bytes, len - 4));
}

static void assert_refused(const guint8 *bytes, gsize len, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    VaultRecordHeader header;

    assert_false(vault_record_header_parse(bytes, len, &header, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, (gint)code));
}

static void every_kind_has_the_header_length_that_its_format_says(void **state)
{
    for (gsize i = 0; i < KINDS_COUNT; i++) {
        guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];

        assert_int_equal(vault_record_header_len(kinds[i].kind), kinds[i].header_len);
        assert_int_equal(format(kinds[i].kind, bytes), kinds[i].header_len);
    }
    assert_int_equal(vault_record_header_len((VaultRecordKind)0), 0);
    assert_int_equal(vault_record_header_len((VaultRecordKind)9), 0);
}

static void a_formatted_header_parses_to_what_it_was_made_of(void **state)
{
    for (gsize i = 0; i < KINDS_COUNT; i++) {
        const VaultRecordHeader expected = sample_header(kinds[i].kind);
        guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
        VaultRecordHeader header;
        gsize len = format(kinds[i].kind, bytes);

        assert_true(vault_record_header_parse(bytes, len, &header, NULL));
        assert_int_equal(header.kind, expected.kind);
        assert_int_equal(header.suite, expected.suite);
        assert_memory_equal(&header.record_id, &expected.record_id, VAULT_ID_LEN);
        assert_int_equal(header.ciphertext_len, expected.ciphertext_len);
        assert_memory_equal(header.by_kind, expected.by_kind, VAULT_RECORD_BY_KIND_LEN);
        assert_int_equal(header.ciphertext_crc, expected.ciphertext_crc);
        assert_int_equal(header.header_len, len);
    }
}

static VaultLocator open_locator(VaultRecordKind kind)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    VaultRecordHeader header;
    VaultLocator locator;
    gsize len = format(kind, bytes);

    assert_true(vault_record_header_parse(bytes, len, &header, NULL));
    assert_true(vault_record_locator_open(bytes, &header, &key, &locator, NULL));
    return locator;
}

/* The expected locator: zeros but for the fields that belong to the kind. */
static VaultLocator expected_locator(VaultRecordKind kind)
{
    const VaultLocator all = sample_locator();
    VaultLocator expected = {0};

    if (kind == VAULT_RECORD_BODY) {
        expected.archived_s = all.archived_s;
        expected.retry_tag = all.retry_tag;
        expected.repeat_tag = all.repeat_tag;
        expected.repeats = all.repeats;
    } else if (kind == VAULT_RECORD_EVENT) {
        expected.row_id = all.row_id;
    } else {
        expected.body_id = all.body_id;
    }
    if (kind == VAULT_RECORD_BODY || kind == VAULT_RECORD_COPY || kind == VAULT_RECORD_ADDENDUM) {
        expected.received_s = all.received_s;
        expected.flags = all.flags;
    }
    if (kind == VAULT_RECORD_COPY || kind == VAULT_RECORD_ADDENDUM ||
        kind == VAULT_RECORD_TERMS_COPY) {
        expected.month_key_id = all.month_key_id;
        expected.leaf = all.leaf;
    }
    if (kind == VAULT_RECORD_TERMS_COPY) {
        memcpy(expected.enc, all.enc, sizeof expected.enc);
        expected.step = all.step;
    }
    return expected;
}

static void assert_same_locator(const VaultLocator *a, const VaultLocator *b)
{
    assert_memory_equal(&a->body_id, &b->body_id, VAULT_ID_LEN);
    assert_memory_equal(&a->month_key_id, &b->month_key_id, VAULT_ID_LEN);
    assert_int_equal(a->leaf, b->leaf);
    assert_int_equal(a->received_s, b->received_s);
    assert_int_equal(a->archived_s, b->archived_s);
    assert_int_equal(a->flags, b->flags);
    assert_memory_equal(&a->retry_tag, &b->retry_tag, VAULT_TAG_LEN);
    assert_memory_equal(&a->repeat_tag, &b->repeat_tag, VAULT_TAG_LEN);
    assert_memory_equal(&a->repeats, &b->repeats, VAULT_ID_LEN);
    assert_memory_equal(a->enc, b->enc, sizeof a->enc);
    assert_int_equal(a->step, b->step);
    assert_memory_equal(&a->row_id, &b->row_id, VAULT_ID_LEN);
}

static void a_locator_keeps_just_the_fields_of_its_kind(void **state)
{
    for (gsize i = 0; i < KINDS_COUNT; i++) {
        VaultLocator expected, opened;

        if (kinds[i].kind == VAULT_RECORD_COMMIT)
            continue;
        expected = expected_locator(kinds[i].kind);
        opened = open_locator(kinds[i].kind);
        assert_same_locator(&opened, &expected);
    }
}

static void every_flipped_bit_of_a_header_is_refused(void **state)
{
    for (gsize i = 0; i < KINDS_COUNT; i++) {
        guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
        VaultRecordHeader header;
        gsize len = format(kinds[i].kind, bytes);

        for (gsize bit = 0; bit < 8 * len; bit++) {
            bytes[bit / 8] ^= (guint8)(1u << bit % 8);
            assert_false(vault_record_header_parse(bytes, len, &header, NULL));
            bytes[bit / 8] ^= (guint8)(1u << bit % 8);
        }
        assert_true(vault_record_header_parse(bytes, len, &header, NULL));
    }
}

static void every_cut_header_is_refused(void **state)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    gsize len = format(VAULT_RECORD_COPY, bytes);

    for (gsize cut = 0; cut < len; cut++) {
        g_autofree guint8 *exact = g_memdup2(bytes, MAX(cut, 1));

        assert_refused(exact, cut, VAULT_ERROR_CORRUPT);
    }
}

static void unknown_versions_kinds_and_suites_are_unsupported(void **state)
{
    static const struct {
        gsize offset;
        guint8 value;
    } changes[] = {{4, 2}, {4, 0}, {5, 0}, {5, 9}, {6, 1}, {7, 2}};

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
        gsize len = format(VAULT_RECORD_COPY, bytes);

        bytes[changes[i].offset] = changes[i].value;
        set_crc(bytes, len);
        assert_refused(bytes, len, VAULT_ERROR_UNSUPPORTED);
    }
}

static void the_longest_ciphertext_is_taken_and_one_byte_more_is_refused(void **state)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    VaultRecordHeader header;
    gsize len = format(VAULT_RECORD_COPY, bytes);

    vault_bytes_put_u64(bytes + 24, VAULT_RECORD_CIPHERTEXT_LEN_MAX);
    set_crc(bytes, len);
    assert_true(vault_record_header_parse(bytes, len, &header, NULL));
    vault_bytes_put_u64(bytes + 24, VAULT_RECORD_CIPHERTEXT_LEN_MAX + 1);
    set_crc(bytes, len);
    assert_refused(bytes, len, VAULT_ERROR_CORRUPT);
    vault_bytes_put_u64(bytes + 24, G_MAXUINT64);
    set_crc(bytes, len);
    assert_refused(bytes, len, VAULT_ERROR_CORRUPT);
}

static void assert_locator_refused(const guint8 *bytes, const LocatorKey *with)
{
    g_autoptr(GError) error = NULL;
    VaultRecordHeader header;
    VaultLocator locator;

    assert_true(vault_record_header_parse(bytes, VAULT_RECORD_HEADER_LEN_MAX, &header, NULL));
    assert_false(vault_record_locator_open(bytes, &header, with, &locator, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
}

static void a_locator_opens_only_in_its_own_unchanged_header(void **state)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX] = {0};
    gsize len = format(VAULT_RECORD_COPY, bytes);

    /* Every clear byte but magic, version, kind and suite, which the parser judges, and the length,
     * of which it judges the upper part; and every byte of the locator itself. */
    for (gsize i = 8; i < len - VAULT_RECORD_CRC_LEN; i++) {
        if (i == 24 || i == 25)
            continue;
        bytes[i] ^= 1;
        set_crc(bytes, len);
        assert_locator_refused(bytes, &key);
        bytes[i] ^= 1;
    }
}

static void a_locator_does_not_open_under_another_key(void **state)
{
    static const LocatorKey other = {{9}};
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX] = {0};

    format(VAULT_RECORD_EVENT, bytes);
    assert_locator_refused(bytes, &other);
}

static void the_record_hash_covers_header_and_ciphertext_hash(void **state)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX + VAULT_HASH_LEN];
    gsize len = format(VAULT_RECORD_BODY, bytes);
    VaultHash ciphertext_hash = {{7}}, expected, hash;

    memcpy(bytes + len, ciphertext_hash.bytes, VAULT_HASH_LEN);
    vault_hash(bytes, len + VAULT_HASH_LEN, &expected);
    vault_record_hash(bytes, len, &ciphertext_hash, &hash);
    assert_memory_equal(&hash, &expected, VAULT_HASH_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_the_header_length_that_its_format_says),
        cmocka_unit_test(a_formatted_header_parses_to_what_it_was_made_of),
        cmocka_unit_test(a_locator_keeps_just_the_fields_of_its_kind),
        cmocka_unit_test(every_flipped_bit_of_a_header_is_refused),
        cmocka_unit_test(every_cut_header_is_refused),
        cmocka_unit_test(unknown_versions_kinds_and_suites_are_unsupported),
        cmocka_unit_test(the_longest_ciphertext_is_taken_and_one_byte_more_is_refused),
        cmocka_unit_test(a_locator_opens_only_in_its_own_unchanged_header),
        cmocka_unit_test(a_locator_does_not_open_under_another_key),
        cmocka_unit_test(the_record_hash_covers_header_and_ciphertext_hash),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
