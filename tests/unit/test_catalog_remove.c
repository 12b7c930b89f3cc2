/* Rows of what was erased leave the catalog, the rest and the totals stay right; and deliveries of
 * one message are found from any of them. */
#include "tests/unit/crypto_world.h"

#include "vault/base/file.h"
#include "vault/store/catalog.h"

#include <unistd.h>

static const VaultId vault_id = {{1}};
static const MonthKeyId month = {{0x21}}, other_month = {{0x22}};

typedef struct {
    char *folder, *path;
    VaultCatalog *catalog;
} Fixture;

static void fixture_clear(Fixture *fixture)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    vault_catalog_close(fixture->catalog);
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(fixture->path, suffixes[i], NULL);

        unlink(file);
    }
    assert_int_equal(rmdir(fixture->folder), 0);
    g_free(fixture->path);
    g_free(fixture->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static RecordId id_of(guint8 first, guint8 second)
{
    return (RecordId){{first, second}};
}

static void add(VaultCatalog *catalog, VaultRecordKind kind, RecordId id, VaultLocator locator)
{
    VaultCatalogRow row = {.kind = kind,
                           .record_id = id,
                           .place = {.pack_id = {{9}}, .offset = 100, .len = 10},
                           .locator = locator};

    assert_true(vault_catalog_add(catalog, &row, G_MAXUINT64, NULL));
}

/* A message with two copies, and terms under the leaf of the first. */
static void add_message(VaultCatalog *catalog, guint8 number, RecordId repeats)
{
    RecordId body = id_of(number, 0);
    VaultLocator locator = {.body_id = body, .month_key_id = month, .leaf = number};

    add(catalog, VAULT_RECORD_BODY, body, (VaultLocator){.repeats = repeats});
    add(catalog, VAULT_RECORD_COPY, id_of(number, 1), locator);
    add(catalog, VAULT_RECORD_TERMS_COPY, id_of(number, 2), locator);
    locator.month_key_id = other_month;
    add(catalog, VAULT_RECORD_COPY, id_of(number, 3), locator);
}

static void fixture_fill(Fixture *fixture)
{
    static const RecordId none = {{0}};

    fixture->folder = g_dir_make_tmp("catalog-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "catalog.sqlite", NULL);
    fixture->catalog = vault_catalog_open(fixture->path, VAULT_CATALOG_WRITE, &vault_id, NULL);
    assert_non_null(fixture->catalog);
    assert_true(vault_catalog_begin(fixture->catalog, NULL));
    add_message(fixture->catalog, 1, none);
    add_message(fixture->catalog, 2, id_of(1, 0));
    add_message(fixture->catalog, 3, none);
    add_message(fixture->catalog, 4, id_of(2, 0));
    assert_true(vault_catalog_end(fixture->catalog, NULL));
}

static void assert_totals(Fixture *fixture, guint64 copies, guint64 others)
{
    VaultCatalogTotals totals, counted;

    assert_true(vault_catalog_totals(fixture->catalog, &totals, NULL));
    assert_true(vault_catalog_count_rows(fixture->catalog, &counted, NULL));
    assert_int_equal(totals.message_count, 4);
    assert_int_equal(totals.copy_count, copies);
    assert_int_equal(totals.other_count, others);
    assert_int_equal(counted.copy_count, copies);
    assert_int_equal(counted.other_count, others);
}

static void a_copy_goes_with_what_lay_under_its_leaf(void **state)
{
    g_auto(Fixture) fixture = {.folder = NULL};
    VaultCatalogCopy copy = {.month_key_id = month, .leaf = 1};
    g_autoptr(GArray) left = NULL;
    RecordId body = id_of(1, 0);
    guint64 end;

    fixture_fill(&fixture);
    copy.record_id = id_of(1, 1);
    copy.body_id = body;
    assert_true(vault_catalog_begin(fixture.catalog, NULL));
    assert_true(vault_catalog_remove_copy(fixture.catalog, &copy, NULL));
    assert_true(vault_catalog_remove_copy(fixture.catalog, &copy, NULL)); /* again is no error */
    assert_true(vault_catalog_end(fixture.catalog, NULL));
    assert_true(vault_catalog_settle(fixture.catalog, NULL));
    left = vault_catalog_copies_of(fixture.catalog, &body, NULL);
    assert_int_equal(left->len, 1);
    assert_true(VAULT_ID_EQUAL(g_array_index(left, VaultCatalogCopy, 0).month_key_id, other_month));
    assert_totals(&fixture, 7, 3);
    /* Leaves are not given again. */
    assert_true(vault_catalog_leaf_end(fixture.catalog, &month, &end, NULL));
    assert_int_equal(end, 5);
}

static void a_month_goes_whole(void **state)
{
    g_auto(Fixture) fixture = {.folder = NULL};
    guint64 count, last_s;

    fixture_fill(&fixture);
    assert_true(vault_catalog_begin(fixture.catalog, NULL));
    assert_true(vault_catalog_remove_month(fixture.catalog, &month, NULL));
    assert_true(vault_catalog_end(fixture.catalog, NULL));
    assert_true(vault_catalog_month_totals(fixture.catalog, &month, &count, &last_s, NULL));
    assert_int_equal(count, 0);
    assert_true(vault_catalog_month_totals(fixture.catalog, &other_month, &count, &last_s, NULL));
    assert_int_equal(count, 4);
    assert_totals(&fixture, 4, 0);
}

static void repeats_are_found_from_any_of_them(void **state)
{
    static const guint8 linked[] = {1, 2, 4};
    g_auto(Fixture) fixture = {.folder = NULL};

    fixture_fill(&fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(linked); i++) {
        g_autoptr(GArray) bodies = g_array_new(FALSE, FALSE, sizeof(RecordId));
        RecordId first = id_of(linked[i], 0);
        guint sum = 0;

        g_array_append_val(bodies, first);
        assert_true(vault_catalog_add_repeats(fixture.catalog, bodies, NULL));
        for (guint j = 0; j < bodies->len; j++)
            sum += g_array_index(bodies, RecordId, j).bytes[0];
        assert_int_equal(bodies->len, 3);
        assert_int_equal(sum, 1 + 2 + 4);
    }
    {
        g_autoptr(GArray) alone = g_array_new(FALSE, FALSE, sizeof(RecordId));
        RecordId third = id_of(3, 0);

        g_array_append_val(alone, third);
        assert_true(vault_catalog_add_repeats(fixture.catalog, alone, NULL));
        assert_int_equal(alone->len, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_goes_with_what_lay_under_its_leaf),
        cmocka_unit_test(a_month_goes_whole),
        cmocka_unit_test(repeats_are_found_from_any_of_them),
    };

    return run_crypto_tests(tests);
}
