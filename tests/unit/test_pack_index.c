/* What a trailer says of its pack, alone: the same as a scan does. */
#include "tests/support/pack_fixture.h"

#include "vault/store/pack_index.h"

#define GOLDEN SOURCE_DIR "/tests/golden/packs/"

static void assert_indexed(const VaultScannedRecord *scanned, const VaultIndexedRecord *indexed)
{
    assert_int_equal(indexed->kind, scanned->header.kind);
    assert_int_equal(indexed->offset, scanned->offset);
    assert_int_equal(indexed->len, scanned->len);
}

static void index_has_what_a_scan_finds(void **state)
{
    static const char *const paths[] = {GOLDEN "closed.pack", GOLDEN "left.compacted"};

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(VaultPackScan) scan =
            vault_pack_scan_open(paths[i], NULL, VAULT_SCAN_HEADERS, NULL, NULL);
        g_autoptr(GArray) index = vault_pack_index_load(paths[i], NULL, NULL);
        VaultScanEvent event = VAULT_SCAN_GROUP;
        guint64 count, offset, len;
        guint found = 0;

        while (event != VAULT_SCAN_END) {
            GArray *records = NULL;

            assert_true(vault_pack_scan_next(scan, &event, &records, &offset, &len, NULL));
            for (guint j = 0; records != NULL && j < records->len; j++, found++)
                assert_indexed(&g_array_index(records, VaultScannedRecord, j),
                               &g_array_index(index, VaultIndexedRecord, found));
        }
        assert_true(found > 0);
        assert_int_equal(index->len, found);
        assert_true(vault_pack_index_count(paths[i], &count, NULL));
        assert_int_equal(count, found);
    }
}

static void pack_without_a_trailer_has_no_index(void **state)
{
    static const char *const paths[] = {GOLDEN "open.pack", GOLDEN "large.stream"};

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;
        guint64 count = 1;

        assert_true(vault_pack_index_count(paths[i], &count, NULL));
        assert_int_equal(count, 0);
        assert_null(vault_pack_index_load(paths[i], NULL, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
    }
}

static void pack_that_is_gone_is_not_found(void **state)
{
    g_autoptr(GError) counting = NULL, loading = NULL;
    guint64 count;

    assert_false(vault_pack_index_count(GOLDEN "no.pack", &count, &counting));
    assert_true(g_error_matches(counting, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
    assert_null(vault_pack_index_load(GOLDEN "no.pack", NULL, &loading));
    assert_true(g_error_matches(loading, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_has_what_a_scan_finds),
        cmocka_unit_test(pack_without_a_trailer_has_no_index),
        cmocka_unit_test(pack_that_is_gone_is_not_found),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
