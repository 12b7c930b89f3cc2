#include "tests/support/pack_fixture.h"

#include "vault/base/bytes.h"

#include <unistd.h>

PackFixture *pack_fixture_new(void)
{
    PackFixture *fixture = g_new0(PackFixture, 1);

    vault_crypto_init();
    fixture->directory = g_dir_make_tmp("packs-XXXXXX", NULL);
    g_assert_nonnull(fixture->directory);
    vault_random(&fixture->vault_id, sizeof fixture->vault_id);
    vault_random(&fixture->locator_key, sizeof fixture->locator_key);
    return fixture;
}

void pack_fixture_free(PackFixture *fixture)
{
    g_autoptr(GPtrArray) files = NULL;

    if (fixture == NULL)
        return;
    files = pack_fixture_files(fixture, "");
    for (guint i = 0; i < files->len; i++)
        unlink(g_ptr_array_index(files, i));
    rmdir(fixture->directory);
    g_free(fixture->directory);
    g_free(fixture);
}

VaultPackWriterOptions pack_fixture_options(PackFixture *fixture)
{
    return (VaultPackWriterOptions){
        .directory = fixture->directory, .vault_id = fixture->vault_id, .next_sequence = 1};
}

VaultRecord *pack_fixture_record(const PackFixture *fixture, VaultRecordKind kind, gsize len)
{
    VaultRecord *record = g_new0(VaultRecord, 1);
    VaultRecordHeader header = {
        .kind = kind, .suite = VAULT_SUITE_X25519, .ciphertext_len = (guint64)len};
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    g_autofree guint8 *ciphertext = g_malloc(MAX(len, 1));
    GByteArray *all = g_byte_array_new();
    VaultHash hash;
    gsize header_len;

    vault_random(ciphertext, len);
    vault_random(&header.record_id, sizeof header.record_id);
    vault_random(header.by_kind, sizeof header.by_kind);
    header_len = vault_record_format_clear(&header, &fixture->locator_key, &record->locator, bytes);
    header_len = vault_record_format_crcs(bytes, header_len, vault_crc32c(0, ciphertext, len));
    g_byte_array_append(all, bytes, (guint)header_len);
    g_byte_array_append(all, ciphertext, (guint)len);
    vault_hash(ciphertext, len, &hash);
    vault_record_hash(bytes, header_len, &hash, &record->hash);
    record->bytes = g_byte_array_free_to_bytes(all);
    record->kind = kind;
    record->record_id = header.record_id;
    return record;
}

GPtrArray *pack_fixture_delivery(const PackFixture *fixture, gsize len, guint copy_count)
{
    GPtrArray *delivery = g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);

    g_ptr_array_add(delivery, pack_fixture_record(fixture, VAULT_RECORD_BODY, len));
    for (guint i = 0; i < copy_count; i++)
        g_ptr_array_add(delivery, pack_fixture_record(fixture, VAULT_RECORD_COPY, 272));
    return delivery;
}

static gint compare_paths(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *pack_fixture_files(const PackFixture *fixture, const char *suffix)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(fixture->directory, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
        if (g_str_has_suffix(name, suffix))
            g_ptr_array_add(paths, g_build_filename(fixture->directory, name, NULL));
    g_ptr_array_sort(paths, compare_paths);
    return paths;
}

GByteArray *pack_fixture_read(const char *path)
{
    char *bytes;
    gsize len;

    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    return g_byte_array_new_take((guint8 *)bytes, len);
}

void pack_fixture_write(const char *path, const guint8 *bytes, gsize len)
{
    g_assert_true(g_file_set_contents_full(path, (const char *)bytes, (gssize)len,
                                           G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

/* ---- recovery ------------------------------------------------------------------------------- */

static PackFindings *findings_new(void)
{
    PackFindings *findings = g_new0(PackFindings, 1);

    findings->ids = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return findings;
}

void pack_findings_free(PackFindings *findings)
{
    if (findings == NULL)
        return;
    g_hash_table_unref(findings->ids);
    g_free(findings);
}

static void note_group(PackFindings *findings, const GArray *records)
{
    findings->group_count++;
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);

        if (record->is_intact)
            g_hash_table_add(findings->ids, g_memdup2(&record->header.record_id, VAULT_ID_LEN));
        else
            findings->damaged_count++;
    }
}

static void note_events(PackFindings *findings, VaultPackScan *scan)
{
    guint64 position = VAULT_PACK_HEADER_LEN, offset, len;
    VaultScanEvent event = VAULT_SCAN_GROUP;
    VaultScanEvent before;
    GArray *records;

    while (event != VAULT_SCAN_END) {
        before = event;
        g_assert_true(vault_pack_scan_next(scan, &event, &records, &offset, &len, NULL));
        /* Events lie side by side; what was salvaged repeats its CORRUPT stretch. */
        if (event != VAULT_SCAN_END && !(before == VAULT_SCAN_CORRUPT && offset < position))
            g_assert_cmpuint(offset, ==, position);
        position = offset + len;
        if (event == VAULT_SCAN_GROUP)
            note_group(findings, records);
        findings->corrupt_count += event == VAULT_SCAN_CORRUPT;
        findings->torn_count += event == VAULT_SCAN_TORN_TAIL;
        findings->trailer_count += event == VAULT_SCAN_TRAILER;
    }
}

PackFindings *pack_fixture_scan(const PackFixture *fixture, const char *path, VaultScanDepth depth)
{
    PackFindings *findings = findings_new();
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, &fixture->vault_id, depth, NULL, NULL);

    g_assert_nonnull(scan);
    note_events(findings, scan);
    return findings;
}

/* Where the packs end that a successor's header speaks of: PackId -> u64. */
static GHashTable *read_ends(const PackFixture *fixture, const GPtrArray *paths)
{
    GHashTable *ends = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);

    for (guint i = 0; i < paths->len; i++) {
        g_autoptr(VaultPackScan) scan = NULL;
        VaultPackHeader header;

        scan = vault_pack_scan_open(g_ptr_array_index(paths, i), &fixture->vault_id,
                                    VAULT_SCAN_HEADERS, &header, NULL);
        g_assert_nonnull(scan);
        if (!vault_id_is_zero(header.predecessor.bytes))
            g_hash_table_replace(ends, g_memdup2(&header.predecessor, VAULT_ID_LEN),
                                 g_memdup2(&header.predecessor_end, sizeof header.predecessor_end));
    }
    return ends;
}

PackFindings *pack_fixture_recover(const PackFixture *fixture, VaultScanDepth depth)
{
    PackFindings *findings = findings_new();
    g_autoptr(GPtrArray) paths = pack_fixture_files(fixture, ".pack");
    g_autoptr(GHashTable) ends = read_ends(fixture, paths);

    for (guint i = 0; i < paths->len; i++) {
        VaultPackHeader header;
        g_autoptr(VaultPackScan) scan = vault_pack_scan_open(
            g_ptr_array_index(paths, i), &fixture->vault_id, depth, &header, NULL);
        const guint64 *end;

        g_assert_nonnull(scan);
        end = g_hash_table_lookup(ends, &header.pack_id);
        if (end != NULL)
            vault_pack_scan_stop_at(scan, *end);
        note_events(findings, scan);
    }
    return findings;
}

PackPresence pack_findings_presence(const PackFindings *findings, const GPtrArray *delivery)
{
    guint found_count = 0, all_count = 0;

    for (guint i = 0; i < delivery->len; i++) {
        const VaultRecord *record = g_ptr_array_index(delivery, i);

        if (record->bytes == NULL)
            continue;
        all_count++;
        found_count += g_hash_table_contains(findings->ids, &record->record_id);
    }
    if (found_count == 0)
        return PACK_NONE;
    return found_count == all_count ? PACK_ALL : PACK_HALF;
}

static void seal_off_one(const char *path, GHashTable *ends)
{
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, NULL, VAULT_SCAN_CIPHERTEXTS, &header, NULL);
    const guint64 *named_end = g_hash_table_lookup(ends, &header.pack_id);
    VaultScanEvent event = VAULT_SCAN_GROUP;
    guint64 offset = 0, len = 0;

    while (event == VAULT_SCAN_GROUP)
        assert_true(vault_pack_scan_next(scan, &event, NULL, &offset, &len, NULL));
    assert_true(vault_pack_seal_off(path, named_end != NULL ? *named_end : offset, NULL));
    g_hash_table_replace(ends, g_memdup2(&header.predecessor, VAULT_ID_LEN),
                         g_memdup2(&header.predecessor_end, sizeof header.predecessor_end));
}

void pack_fixture_seal_off(const PackFixture *fixture)
{
    g_autoptr(GPtrArray) paths = pack_fixture_files(fixture, ".pack");
    g_autoptr(GHashTable) ends =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);

    for (guint i = paths->len; i > 0; i--)
        seal_off_one(g_ptr_array_index(paths, i - 1), ends);
}
