/* Copies in order of time: whichever way the cursor takes (by message, by month, all), it gives
 * what a plain search over everything gives, page by page, once each. */
#include "tests/unit/crypto_world.h"

#include "vault/store/catalog.h"

#include <unistd.h>

#define NOW_S G_GUINT64_CONSTANT(1795512600)
#define COPY_COUNT 4000
#define MONTH_COUNT 400
#define BODY_COUNT 60
#define SECOND_COUNT 300 /* so that many copies share a second */

typedef struct {
    char *folder, *path;
    VaultCatalog *catalog;
    GArray *copies; /* VaultCatalogRow, in order of time, then id */
} World;

static World world;

static MonthKeyId month_of(guint number)
{
    return (MonthKeyId){{1, (guint8)(number >> 8), (guint8)number}};
}

static RecordId body_of(guint number)
{
    return (RecordId){{2, (guint8)number}};
}

static VaultCatalogRow random_copy(guint64 *random)
{
    VaultCatalogRow row = {.kind = VAULT_RECORD_COPY, .place = {.pack_id = {{3}}, .len = 300}};
    guint64 id[2] = {next_random(random), next_random(random)};

    memcpy(&row.record_id, id, sizeof id);
    row.locator.body_id = body_of((guint)(next_random(random) % BODY_COUNT));
    row.locator.month_key_id = month_of((guint)(next_random(random) % MONTH_COUNT));
    row.locator.received_s = NOW_S + next_random(random) % SECOND_COUNT;
    return row;
}

static gint compare_rows(gconstpointer a, gconstpointer b)
{
    const VaultCatalogRow *left = a, *right = b;

    if (left->locator.received_s != right->locator.received_s)
        return left->locator.received_s < right->locator.received_s ? -1 : 1;
    return memcmp(&left->record_id, &right->record_id, VAULT_ID_LEN);
}

static void add_copy(const VaultCatalogRow *row)
{
    assert_true(vault_catalog_begin(world.catalog, NULL));
    assert_true(vault_catalog_add(world.catalog, row, 0, NULL));
    assert_true(vault_catalog_end(world.catalog, NULL));
    g_array_append_val(world.copies, *row);
    g_array_sort(world.copies, compare_rows);
}

static int set_up(void **state)
{
    static const VaultId vault_id = {{7}};
    guint64 random = 42;

    world.folder = g_dir_make_tmp("catalog-XXXXXX", NULL);
    world.path = g_build_filename(world.folder, "catalog.sqlite", NULL);
    world.catalog = vault_catalog_open(world.path, VAULT_CATALOG_WRITE, &vault_id, NULL);
    world.copies = g_array_new(FALSE, FALSE, sizeof(VaultCatalogRow));
    assert_true(vault_catalog_begin(world.catalog, NULL));
    for (guint i = 0; i < COPY_COUNT; i++) {
        VaultCatalogRow row = random_copy(&random);

        assert_true(vault_catalog_add(world.catalog, &row, 0, NULL));
        g_array_append_val(world.copies, row);
    }
    assert_true(vault_catalog_end(world.catalog, NULL));
    g_array_sort(world.copies, compare_rows);
    return 0;
}

static int tear_down(void **state)
{
    vault_catalog_close(world.catalog);
    unlink(world.path);
    g_array_unref(world.copies);
    assert_int_equal(rmdir(world.folder), 0);
    g_free(world.path);
    g_free(world.folder);
    return 0;
}

/* ---- what the cursor has to give ------------------------------------------------------------ */

static gboolean has_id(const void *ids, gsize count, const void *id)
{
    for (gsize i = 0; i < count; i++)
        if (memcmp((const guint8 *)ids + i * VAULT_ID_LEN, id, VAULT_ID_LEN) == 0)
            return TRUE;
    return ids == NULL;
}

static gboolean is_wanted(const VaultCatalogFilter *filter, const VaultLocator *locator)
{
    return locator->received_s >= filter->from_s &&
           (filter->to_s == 0 || locator->received_s < filter->to_s) &&
           has_id(filter->months, filter->month_count, &locator->month_key_id) &&
           has_id(filter->messages, filter->message_count, &locator->body_id);
}

/* Checks all pages and gives the number of copies. */
static guint check(const VaultCatalogFilter *filter)
{
    g_autoptr(VaultCatalogCursor) cursor = vault_catalog_cursor_new(world.catalog, filter, NULL);
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCatalogCopy));
    guint next = 0, count = 0;

    assert_non_null(cursor);
    for (;;) {
        assert_true(vault_catalog_cursor_next(cursor, page, NULL));
        for (guint i = 0; i < page->len; i++, count++) {
            const VaultCatalogCopy *copy = &g_array_index(page, VaultCatalogCopy, i);
            const VaultCatalogRow *row;

            do {
                assert_true(next < world.copies->len);
                row = &g_array_index(world.copies, VaultCatalogRow, next++);
            } while (!is_wanted(filter, &row->locator));
            assert_memory_equal(&copy->record_id, &row->record_id, VAULT_ID_LEN);
            assert_int_equal(copy->received_s, row->locator.received_s);
        }
        if (page->len == 0)
            break;
    }
    for (; next < world.copies->len; next++)
        assert_false(
            is_wanted(filter, &g_array_index(world.copies, VaultCatalogRow, next).locator));
    return count;
}

static void everything_comes_in_order(void **state)
{
    assert_int_equal(check(&(VaultCatalogFilter){.from_s = 0}), world.copies->len);
}

static void times_are_from_inclusive_to_exclusive(void **state)
{
    MonthKeyId months[2] = {month_of(1), month_of(2)};

    for (guint64 from = 0; from <= SECOND_COUNT; from += 60) {
        for (guint64 to = from; to <= SECOND_COUNT; to += 60) {
            VaultCatalogFilter filter = {.from_s = NOW_S + from, .to_s = NOW_S + to};

            check(&filter);
            filter.months = months;
            filter.month_count = 2;
            check(&filter);
        }
    }
    assert_int_equal(check(&(VaultCatalogFilter){.from_s = NOW_S + SECOND_COUNT}), 0);
    assert_true(check(&(VaultCatalogFilter){.from_s = NOW_S, .to_s = NOW_S + 1}) > 0);
}

/* Few months are merged; more than 256, or one named twice, are picked out of everything. */
static void any_number_of_months_selects_the_same(void **state)
{
    static const guint counts[] = {1, 2, 50, 256, 257, MONTH_COUNT};
    MonthKeyId months[MONTH_COUNT + 1];

    for (guint i = 0; i < MONTH_COUNT; i++)
        months[i] = month_of(MONTH_COUNT - 1 - i);
    for (gsize i = 0; i < G_N_ELEMENTS(counts); i++) {
        VaultCatalogFilter filter = {.months = months, .month_count = counts[i]};

        assert_true(check(&filter) > 0);
        months[counts[i]] = months[0];
        filter.month_count++;
        check(&filter);
        months[counts[i]] = month_of(MONTH_COUNT - 1 - counts[i]);
    }
    months[0] = month_of(60000);
    assert_int_equal(check(&(VaultCatalogFilter){.months = months, .month_count = 1}), 0);
}

static void messages_are_narrowed_by_months_and_times(void **state)
{
    RecordId messages[] = {body_of(5), body_of(3), body_of(5), body_of(200)};
    MonthKeyId months[200];
    VaultCatalogFilter filter = {.messages = messages, .message_count = 4};
    guint all;

    for (guint i = 0; i < G_N_ELEMENTS(months); i++)
        months[i] = month_of(i);
    all = check(&filter);
    assert_true(all > 0);
    filter.from_s = NOW_S + 100;
    filter.to_s = NOW_S + 200;
    check(&filter);
    filter.months = months;
    filter.month_count = G_N_ELEMENTS(months);
    assert_true(check(&filter) < all);
}

/* A list that is there and empty is not the same as none. */
static void an_empty_list_selects_nothing(void **state)
{
    MonthKeyId month = month_of(1);
    RecordId message = body_of(1);

    assert_int_equal(check(&(VaultCatalogFilter){.months = &month}), 0);
    assert_int_equal(check(&(VaultCatalogFilter){.messages = &message}), 0);
}

static void what_is_added_between_pages_may_show_and_nothing_comes_twice(void **state)
{
    g_autoptr(VaultCatalogCursor) cursor =
        vault_catalog_cursor_new(world.catalog, &(VaultCatalogFilter){.from_s = 0}, NULL);
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCatalogCopy));
    g_autoptr(GHashTable) seen = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    guint before = world.copies->len;
    guint64 random = 43;

    do {
        VaultCatalogRow row = random_copy(&random);

        assert_true(vault_catalog_cursor_next(cursor, page, NULL));
        for (guint i = 0; i < page->len; i++)
            assert_true(g_hash_table_add(
                seen,
                g_memdup2(&g_array_index(page, VaultCatalogCopy, i).record_id, VAULT_ID_LEN)));
        add_copy(&row); /* would wait for ever, were a lock held between pages */
    } while (page->len > 0);
    assert_true(g_hash_table_size(seen) >= before);
}

/* Stored integers end at 2^63 - 1: what says it came later is still there. */
static void a_copy_of_the_end_of_time_is_given(void **state)
{
    guint64 random = 44;
    VaultCatalogRow row = random_copy(&random);
    VaultCatalogFilter all = {.from_s = 0}, late = {.from_s = NOW_S + SECOND_COUNT};
    VaultCatalogFilter month = {.months = &row.locator.month_key_id, .month_count = 1};
    VaultCatalogFilter message = {.messages = &row.locator.body_id, .message_count = 1};

    row.locator.received_s = G_MAXINT64;
    add_copy(&row);
    assert_int_equal(check(&all), world.copies->len);
    assert_int_equal(check(&late), 1);
    month.from_s = message.from_s = NOW_S + SECOND_COUNT;
    assert_int_equal(check(&month), 1);
    assert_int_equal(check(&message), 1);
}

static void month_totals_are_those_of_its_copies(void **state)
{
    for (guint number = 0; number < 20; number++) {
        MonthKeyId month = month_of(number);
        guint64 count, last_s, expected_last_s = 0;
        guint expected = 0;

        for (guint i = 0; i < world.copies->len; i++) {
            const VaultLocator *locator = &g_array_index(world.copies, VaultCatalogRow, i).locator;

            if (!VAULT_ID_EQUAL(locator->month_key_id, month))
                continue;
            expected++;
            expected_last_s = locator->received_s;
        }
        assert_true(vault_catalog_month_totals(world.catalog, &month, &count, &last_s, NULL));
        assert_int_equal(count, expected);
        assert_int_equal(last_s, expected_last_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_in_order),
        cmocka_unit_test(times_are_from_inclusive_to_exclusive),
        cmocka_unit_test(any_number_of_months_selects_the_same),
        cmocka_unit_test(messages_are_narrowed_by_months_and_times),
        cmocka_unit_test(an_empty_list_selects_nothing),
        cmocka_unit_test(what_is_added_between_pages_may_show_and_nothing_comes_twice),
        cmocka_unit_test(a_copy_of_the_end_of_time_is_given),
        cmocka_unit_test(month_totals_are_those_of_its_copies),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
