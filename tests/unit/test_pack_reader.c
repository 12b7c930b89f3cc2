#include "tests/support/one_pack.h"

#include "vault/base/bytes.h"
#include "vault/store/pack_format.h"

#include <unistd.h>

static void an_unharmed_pack_gives_its_groups_at_both_depths(void **state)
{
    for (int closed = 0; closed < 2; closed++) {
        g_autoptr(OnePack) pack = one_pack_new(closed ? ONE_PACK_CLOSED : ONE_PACK_OPEN);

        for (int depth = VAULT_SCAN_HEADERS; depth <= VAULT_SCAN_CIPHERTEXTS; depth++) {
            g_autoptr(PackFindings) findings = one_pack_scan(pack, (VaultScanDepth)depth);

            one_pack_assert_whole(pack, findings, -1);
            assert_int_equal(findings->group_count, ONE_PACK_GROUPS);
            assert_int_equal(findings->trailer_count, closed);
            assert_int_equal(findings->corrupt_count + findings->torn_count, 0);
        }
    }
}

/* A power cut may leave any length of what was appended. */
static void a_file_cut_anywhere_keeps_whole_groups_and_no_half_one(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);
    guint whole = ONE_PACK_GROUPS;

    for (gsize len = pack->bytes->len - 1; len >= VAULT_PACK_HEADER_LEN; len--) {
        g_autoptr(PackFindings) findings = NULL;

        assert_int_equal(truncate(pack->path, (off_t)len), 0);
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        while (whole > 0 && len < pack->starts[whole])
            whole--;
        for (guint i = 0; i < ONE_PACK_GROUPS; i++)
            assert_int_equal(pack_findings_presence(findings, pack->deliveries[i]),
                             i < whole ? PACK_ALL : PACK_NONE);
        assert_int_equal(findings->torn_count, len > pack->starts[whole]);
        assert_int_equal(findings->corrupt_count, 0);
    }
}

/* Sectors of the last group that never reached the disk read as zeros. */
static void a_torn_last_group_is_not_believed_though_its_commit_record_is_whole(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    gsize end = pack->starts[ONE_PACK_GROUPS] - VAULT_PACK_COMMIT_LEN;

    for (gsize at = pack->starts[ONE_PACK_GROUPS - 1]; at + 16 <= end; at += 16) {
        g_autoptr(PackFindings) findings = NULL;
        guint8 saved[16];

        memcpy(saved, pack->bytes->data + at, sizeof saved);
        memset(pack->bytes->data + at, 0, sizeof saved);
        one_pack_rewrite(pack);
        memcpy(pack->bytes->data + at, saved, sizeof saved);
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        assert_int_equal(findings->torn_count, 1);
        assert_int_equal(findings->group_count, ONE_PACK_GROUPS - 1);
        assert_int_equal(pack_findings_presence(findings, pack->deliveries[ONE_PACK_GROUPS - 1]),
                         PACK_NONE);
    }
}

/* One damaged record never hides the others: in `group`, exactly one record is missed, or none when
 * it was the commit record that was hit. */
static void assert_one_lost_at_most(const OnePack *pack, const PackFindings *findings, int group,
                                    gboolean in_commit)
{
    guint found_count = 0;

    for (guint i = 0; i < 3; i++) {
        const VaultRecord *record = g_ptr_array_index(pack->deliveries[group], i);

        found_count += g_hash_table_contains(findings->ids, &record->record_id);
    }
    assert_int_equal(found_count, in_commit ? 3 : 2);
}

static void flip_each_byte_of_a_group(OnePackEnd end, int group)
{
    g_autoptr(OnePack) pack = one_pack_new(end);
    guint64 commit_start = pack->starts[group + 1] - VAULT_PACK_COMMIT_LEN;

    for (guint64 at = pack->starts[group]; at < pack->starts[group + 1]; at++) {
        g_autoptr(PackFindings) findings = NULL;

        pack->bytes->data[at] ^= 0x10;
        one_pack_rewrite(pack);
        pack->bytes->data[at] ^= 0x10;
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        assert_int_equal(findings->corrupt_count, 1);
        assert_int_equal(findings->torn_count, 0);
        one_pack_assert_whole(pack, findings, group);
        assert_one_lost_at_most(pack, findings, group, at >= commit_start);
    }
}

static void a_flipped_byte_anywhere_in_an_early_group_is_corrupt_and_costs_one_record(void **state)
{
    flip_each_byte_of_a_group(ONE_PACK_OPEN, 1);
}

static void a_flipped_byte_in_the_last_group_of_a_closed_pack_is_corrupt_not_torn(void **state)
{
    flip_each_byte_of_a_group(ONE_PACK_CLOSED, ONE_PACK_GROUPS - 1);
}

static void a_flipped_byte_in_the_last_group_of_an_open_pack_is_a_torn_tail(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);

    for (guint64 at = pack->starts[ONE_PACK_GROUPS - 1]; at < pack->starts[ONE_PACK_GROUPS]; at++) {
        g_autoptr(PackFindings) findings = NULL;

        pack->bytes->data[at] ^= 1;
        one_pack_rewrite(pack);
        pack->bytes->data[at] ^= 1;
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        assert_int_equal(findings->torn_count, 1);
        assert_int_equal(findings->corrupt_count, 0);
        one_pack_assert_whole(pack, findings, ONE_PACK_GROUPS - 1);
    }
}

static void damage_before_the_end_that_a_successor_names_is_corrupt_not_torn(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(VaultPackScan) opened = NULL;
    VaultScanEvent event = VAULT_SCAN_GROUP;
    guint64 offset, len;

    pack->bytes->data[pack->starts[ONE_PACK_GROUPS] - 1] ^= 1; /* the last commit record */
    g_byte_array_append(pack->bytes, (const guint8 *)"never acknowledged", 18);
    one_pack_rewrite(pack);
    opened = vault_pack_scan_open(pack->path, NULL, VAULT_SCAN_CIPHERTEXTS, NULL, NULL);
    vault_pack_scan_stop_at(opened, pack->starts[ONE_PACK_GROUPS]);
    while (event == VAULT_SCAN_GROUP)
        assert_true(vault_pack_scan_next(opened, &event, NULL, &offset, &len, NULL));
    assert_int_equal(event, VAULT_SCAN_CORRUPT);
    assert_int_equal(offset, pack->starts[ONE_PACK_GROUPS - 1]);
    assert_int_equal(offset + len, pack->starts[ONE_PACK_GROUPS]);
}

static void a_flipped_byte_in_the_trailer_loses_no_group(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);

    for (gsize at = pack->starts[ONE_PACK_GROUPS]; at < pack->bytes->len; at++) {
        g_autoptr(PackFindings) findings = NULL;

        pack->bytes->data[at] ^= 1;
        one_pack_rewrite(pack);
        pack->bytes->data[at] ^= 1;
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        one_pack_assert_whole(pack, findings, -1);
        assert_int_equal(findings->trailer_count, 0);
        assert_int_equal(findings->torn_count, 1);
    }
}

static void a_flipped_byte_in_the_pack_header_is_refused(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);

    for (gsize at = 0; at < VAULT_PACK_HEADER_LEN; at++) {
        g_autoptr(GError) error = NULL;

        pack->bytes->data[at] ^= 1;
        one_pack_rewrite(pack);
        pack->bytes->data[at] ^= 1;
        assert_null(vault_pack_scan_open(pack->path, &pack->fixture->vault_id, VAULT_SCAN_HEADERS,
                                         NULL, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
    }
}

/* The bytes of a record, CRCs and all, taken from another group of the same length. */
static void a_record_put_in_anothers_place_is_corrupt(void **state)
{
    for (int closed = 0; closed < 2; closed++) {
        g_autoptr(OnePack) pack = one_pack_new(closed ? ONE_PACK_CLOSED : ONE_PACK_OPEN);
        const VaultRecord *victim = g_ptr_array_index(pack->deliveries[0], 1);
        const VaultRecord *other = g_ptr_array_index(pack->deliveries[2], 1);
        g_autoptr(PackFindings) findings = NULL, shallow = NULL;

        memcpy(pack->bytes->data + victim->place.offset, pack->bytes->data + other->place.offset,
               victim->place.len);
        one_pack_rewrite(pack);
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        assert_int_equal(findings->corrupt_count, 1);
        one_pack_assert_whole(pack, findings, 0);
        /* Each record there is sound in itself: only the index of a closed pack names the false
         * one. */
        assert_int_equal(findings->damaged_count, closed);
        shallow = one_pack_scan(pack, VAULT_SCAN_HEADERS);
        /* Without ciphertexts only the index of a closed pack can tell. */
        assert_int_equal(shallow->corrupt_count, closed);
    }
}

static void a_group_of_another_pack_is_not_taken(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(OnePack) other = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(PackFindings) findings = NULL;

    /* Same lengths, same offsets, another pack id in the commit record. */
    memcpy(pack->bytes->data + pack->starts[3], other->bytes->data + other->starts[3],
           pack->starts[4] - pack->starts[3]);
    one_pack_rewrite(pack);
    findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(findings->torn_count, 1);
    assert_int_equal(findings->group_count, 3);
}

static void a_group_that_stands_twice_is_taken_once(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(PackFindings) findings = NULL;
    guint len = (guint)(pack->starts[4] - pack->starts[3]);
    g_autofree guint8 *copy = g_memdup2(pack->bytes->data + pack->starts[3], len);

    g_byte_array_append(pack->bytes, copy, len);
    one_pack_rewrite(pack);
    findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(findings->group_count, ONE_PACK_GROUPS);
    assert_int_equal(findings->torn_count, 1);
}

static void a_wiped_stretch_of_several_groups_leaves_the_groups_after_it(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(PackFindings) findings = NULL;

    memset(pack->bytes->data + pack->starts[0], 0, pack->starts[2] - pack->starts[0]);
    one_pack_rewrite(pack);
    findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(findings->corrupt_count, 1);
    assert_int_equal(findings->group_count, 2);
    assert_int_equal(pack_findings_presence(findings, pack->deliveries[3]), PACK_ALL);
}

static void another_vaults_pack_and_a_missing_one_are_refused(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);
    const VaultId other = {{1}};
    g_autoptr(GError) error = NULL;

    assert_null(vault_pack_scan_open(pack->path, &other, VAULT_SCAN_HEADERS, NULL, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
    g_clear_error(&error);
    assert_null(vault_pack_scan_open("/nonexistent", &other, VAULT_SCAN_HEADERS, NULL, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

static void a_later_pack_version_is_unsupported(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);
    g_autoptr(GError) error = NULL;

    pack->bytes->data[4] = 2;
    vault_bytes_put_u32(pack->bytes->data + 124, vault_crc32c(0, pack->bytes->data, 124));
    one_pack_rewrite(pack);
    assert_null(vault_pack_scan_open(pack->path, NULL, VAULT_SCAN_HEADERS, NULL, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED));
}

/* ---- lengths that lie ----------------------------------------------------------------------- */

static void headers_with_any_length_are_survived(void **state)
{
    static const guint64 lengths[] = {
        0,           1,          50,          G_MAXINT32,
        G_MAXUINT32, G_MAXINT64, G_MAXUINT64, VAULT_RECORD_CIPHERTEXT_LEN_MAX};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
        guint8 *header = pack->bytes->data + pack->starts[1];
        g_autoptr(PackFindings) findings = NULL;

        vault_bytes_put_u64(header + 24, lengths[i]);
        vault_bytes_put_u32(header + 152, vault_crc32c(0, header, 152));
        one_pack_rewrite(pack);
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        one_pack_assert_whole(pack, findings, 1);
        assert_one_lost_at_most(pack, findings, 1, FALSE);
        assert_int_equal(findings->corrupt_count, 1);
    }
}

static void commit_records_with_any_start_length_and_count_are_survived(void **state)
{
    static const guint64 values[] = {0, 1, 127, 128, G_MAXUINT32, G_MAXINT64, G_MAXUINT64};

    for (gsize i = 0; i < G_N_ELEMENTS(values) * 3; i++) {
        g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
        guint8 *commit = pack->bytes->data + pack->starts[4] - VAULT_PACK_COMMIT_LEN;
        VaultPackCommit parsed;
        RecordId id = {{0}};
        g_autoptr(PackFindings) findings = NULL;

        assert_true(vault_pack_commit_parse(commit, VAULT_PACK_COMMIT_LEN, &parsed));
        if (i % 3 == 0)
            parsed.start = values[i / 3];
        else if (i % 3 == 1)
            parsed.len = values[i / 3];
        else
            parsed.count = (guint32)values[i / 3];
        vault_pack_commit_format(&parsed, &id, commit);
        one_pack_rewrite(pack);
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        one_pack_assert_whole(pack, findings, 3);
        assert_int_equal(findings->torn_count, 1);
    }
}

static void trailers_with_any_start_and_count_are_survived(void **state)
{
    static const guint64 values[] = {0, 1, 127, 128, 129, G_MAXUINT32, G_MAXINT64, G_MAXUINT64};

    for (gsize i = 0; i < G_N_ELEMENTS(values) * 2; i++) {
        g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);
        guint8 *footer = pack->bytes->data + pack->bytes->len - VAULT_PACK_FOOTER_LEN;
        g_autoptr(PackFindings) findings = NULL;

        if (i % 2 == 0)
            vault_bytes_put_u32(footer + 4, (guint32)values[i / 2]);
        else
            vault_bytes_put_u64(footer + 8, values[i / 2]);
        one_pack_rewrite(pack);
        findings = one_pack_scan(pack, VAULT_SCAN_HEADERS);
        one_pack_assert_whole(pack, findings, -1);
        assert_int_equal(findings->trailer_count, 0);
    }
}

/* An index with a right hash over wrong entries: written by whoever could make a pack. */
static void an_index_out_of_order_overlapping_or_out_of_bounds_is_none(void **state)
{
    for (int change = 0; change < 4; change++) {
        g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);
        guint start = (guint)pack->starts[ONE_PACK_GROUPS];
        g_autoptr(GByteArray) index = g_byte_array_new(), trailer = NULL;
        g_autoptr(PackFindings) findings = NULL;

        for (gsize i = 0; i < 3; i++) {
            VaultPackIndexEntry entry;

            vault_pack_index_read(pack->bytes->data + start + VAULT_PACK_TRAILER_HEAD_LEN, i,
                                  &entry);
            entry.offset = change == 1 && i == 1 ? VAULT_PACK_HEADER_LEN : entry.offset;
            entry.len = change == 2 && i == 2 ? G_MAXUINT32 : entry.len;
            entry.len += change == 3 && i == 0;
            vault_pack_index_append(index, &entry);
        }
        g_byte_array_set_size(pack->bytes, start);
        trailer = vault_pack_trailer_format(pack->bytes->data, index, start);
        g_byte_array_append(pack->bytes, trailer->data, trailer->len);
        one_pack_rewrite(pack);
        findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
        assert_int_equal(findings->trailer_count, change == 0);
        assert_int_equal(findings->torn_count, change != 0);
    }
}

/* ---- stream packs --------------------------------------------------------------------------- */

static char *write_stream_pack(PackFixture *fixture, const VaultRecord *record, gsize len)
{
    VaultPackHeader header = {.type = VAULT_PACK_STREAM, .vault_id = fixture->vault_id};
    g_autofree char *name = vault_pack_file_name(&header);
    g_autofree guint8 *bytes = g_malloc0(VAULT_PACK_HEADER_LEN + len);
    gsize record_len;
    const guint8 *record_bytes = g_bytes_get_data(record->bytes, &record_len);
    char *path = g_build_filename(fixture->directory, name, NULL);

    vault_pack_header_format(&header, bytes);
    memcpy(bytes + VAULT_PACK_HEADER_LEN, record_bytes, MIN(len, record_len));
    pack_fixture_write(path, bytes, VAULT_PACK_HEADER_LEN + len);
    return path;
}

static void a_stream_pack_too_short_or_too_long_is_corrupt(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    g_autoptr(VaultRecord) record = pack_fixture_record(fixture, VAULT_RECORD_BODY, 1000);
    gsize whole = g_bytes_get_size(record->bytes);

    for (gsize len = whole - 200; len < whole + 3; len++) {
        g_autofree char *path = write_stream_pack(fixture, record, len);
        g_autoptr(PackFindings) findings = pack_fixture_scan(fixture, path, VAULT_SCAN_CIPHERTEXTS);

        assert_int_equal(findings->corrupt_count, len == whole ? 0 : 1);
        assert_int_equal(g_hash_table_size(findings->ids), len >= whole ? 1 : 0);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unharmed_pack_gives_its_groups_at_both_depths),
        cmocka_unit_test(a_file_cut_anywhere_keeps_whole_groups_and_no_half_one),
        cmocka_unit_test(a_torn_last_group_is_not_believed_though_its_commit_record_is_whole),
        cmocka_unit_test(a_flipped_byte_anywhere_in_an_early_group_is_corrupt_and_costs_one_record),
        cmocka_unit_test(a_flipped_byte_in_the_last_group_of_a_closed_pack_is_corrupt_not_torn),
        cmocka_unit_test(a_flipped_byte_in_the_last_group_of_an_open_pack_is_a_torn_tail),
        cmocka_unit_test(damage_before_the_end_that_a_successor_names_is_corrupt_not_torn),
        cmocka_unit_test(a_flipped_byte_in_the_trailer_loses_no_group),
        cmocka_unit_test(a_flipped_byte_in_the_pack_header_is_refused),
        cmocka_unit_test(a_record_put_in_anothers_place_is_corrupt),
        cmocka_unit_test(a_group_of_another_pack_is_not_taken),
        cmocka_unit_test(a_group_that_stands_twice_is_taken_once),
        cmocka_unit_test(a_wiped_stretch_of_several_groups_leaves_the_groups_after_it),
        cmocka_unit_test(another_vaults_pack_and_a_missing_one_are_refused),
        cmocka_unit_test(a_later_pack_version_is_unsupported),
        cmocka_unit_test(headers_with_any_length_are_survived),
        cmocka_unit_test(commit_records_with_any_start_length_and_count_are_survived),
        cmocka_unit_test(trailers_with_any_start_and_count_are_survived),
        cmocka_unit_test(an_index_out_of_order_overlapping_or_out_of_bounds_is_none),
        cmocka_unit_test(a_stream_pack_too_short_or_too_long_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
