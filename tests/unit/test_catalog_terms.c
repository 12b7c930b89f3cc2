/* Copies and their terms in the order in which the catalog took them up: each once, again when
 * terms come later, from where a list ended. */
#include "tests/unit/crypto_world.h"

#include "vault/base/file.h"
#include "vault/store/catalog.h"

#include <unistd.h>

static const VaultId vault_id = {{1}};

typedef struct {
    char *folder, *path;
    VaultCatalog *catalog;
} Fixture;

static void open_catalog(Fixture *fixture, VaultCatalogMode mode)
{
    g_clear_pointer(&fixture->catalog, vault_catalog_close);
    fixture->catalog = vault_catalog_open(fixture->path, mode, &vault_id, NULL);
    assert_non_null(fixture->catalog);
}

static void remove_file(const Fixture *fixture)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(fixture->path, suffixes[i], NULL);

        unlink(file);
    }
}

static Fixture fixture_new(void)
{
    Fixture fixture = {.folder = g_dir_make_tmp("catalog-XXXXXX", NULL)};

    fixture.path = g_build_filename(fixture.folder, "catalog.sqlite", NULL);
    open_catalog(&fixture, VAULT_CATALOG_WRITE);
    return fixture;
}

static void fixture_clear(Fixture *fixture)
{
    vault_catalog_close(fixture->catalog);
    remove_file(fixture);
    assert_int_equal(rmdir(fixture->folder), 0);
    g_free(fixture->path);
    g_free(fixture->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* ---- rows: copy n is of message n, its leaf is n, its terms copy n of generation g ----------- */

static RecordId id_of(guint8 number, guint8 kind)
{
    return (RecordId){{number, kind}};
}

static VaultCatalogRow row_of(guint8 number, VaultRecordKind kind, guint8 generation)
{
    return (VaultCatalogRow){.kind = kind,
                             .record_id = id_of(number, (guint8)(kind + 16 * generation)),
                             .place = {.pack_id = {{9}}, .offset = 100, .len = 10},
                             .locator = {.body_id = id_of(number, VAULT_RECORD_BODY),
                                         .month_key_id = {{(guint8)(1 + number % 2)}},
                                         .leaf = number,
                                         .received_s = 1000u - number,
                                         .flags = number}};
}

static void add_row(Fixture *fixture, guint8 number, VaultRecordKind kind, guint8 generation)
{
    VaultCatalogRow row = row_of(number, kind, generation);

    assert_true(vault_catalog_add(fixture->catalog, &row, G_MAXUINT64, NULL));
}

static void add_copy(Fixture *fixture, guint8 number)
{
    add_row(fixture, number, VAULT_RECORD_COPY, 0);
}

static void add_terms(Fixture *fixture, guint8 number)
{
    add_row(fixture, number, VAULT_RECORD_TERMS_COPY, 0);
}

static void begin(Fixture *fixture)
{
    assert_true(vault_catalog_begin(fixture->catalog, NULL));
}

static void end(Fixture *fixture)
{
    assert_true(vault_catalog_end(fixture->catalog, NULL));
}

/* One delivery, as the feed adds it. */
static void deliver(Fixture *fixture, guint8 number)
{
    begin(fixture);
    add_copy(fixture, number);
    add_terms(fixture, number);
    end(fixture);
}

/* What is listed, as text: numbers, with a minus where there are no terms. */
static char *list_some(Fixture *fixture, const VaultCatalogFilter *filter,
                       VaultCatalogPosition *position, gsize max, gboolean *ret_is_more)
{
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCatalogArrival));
    GString *text = g_string_new(NULL);

    assert_true(
        vault_catalog_arrivals(fixture->catalog, filter, position, max, page, ret_is_more, NULL));
    assert_true(page->len <= max);
    for (guint i = 0; i < page->len; i++) {
        const VaultCatalogArrival *copy = &g_array_index(page, VaultCatalogArrival, i);
        guint8 number = copy->copy_id.bytes[0];
        gboolean has_terms = !vault_id_is_zero(copy->terms_id.bytes);

        assert_true(VAULT_ID_EQUAL(copy->body_id, id_of(number, VAULT_RECORD_BODY)));
        assert_int_equal(copy->leaf, number);
        assert_int_equal(copy->flags, number);
        assert_int_equal(copy->received_s, 1000 - number);
        assert_int_equal(copy->month_key_id.bytes[0], 1 + number % 2);
        if (has_terms)
            assert_int_equal(copy->terms_id.bytes[0], number);
        g_string_append_printf(text, "%s%s%u", i > 0 ? " " : "", has_terms ? "" : "-", number);
    }
    return g_string_free(text, FALSE);
}

static void assert_list(Fixture *fixture, VaultCatalogPosition *position, const char *expected)
{
    const VaultCatalogFilter all = {.months = NULL};
    gboolean is_more = TRUE;
    g_autofree char *found = list_some(fixture, &all, position, 1000, &is_more);

    assert_string_equal(found, expected);
    assert_false(is_more);
}

static void assert_all(Fixture *fixture, const char *expected)
{
    VaultCatalogPosition position = {.mark = 0};

    assert_list(fixture, &position, expected);
    assert_false(position.is_anew);
}

static void assert_linked(Fixture *fixture)
{
    guint64 count = G_MAXUINT64;

    assert_true(vault_catalog_count_mislinked(fixture->catalog, &count, NULL));
    assert_int_equal(count, 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void a_list_goes_on_where_it_ended(void **state)
{
    g_auto(Fixture) fixture = fixture_new();
    VaultCatalogPosition position = {.mark = 0};

    assert_list(&fixture, &position, "");
    deliver(&fixture, 3);
    begin(&fixture);
    add_copy(&fixture, 1);
    add_copy(&fixture, 2);
    add_terms(&fixture, 1);
    end(&fixture);
    assert_list(&fixture, &position, "3 1 -2");
    assert_list(&fixture, &position, "");
    deliver(&fixture, 7);
    assert_list(&fixture, &position, "7");
    assert_false(position.is_anew);
    open_catalog(&fixture, VAULT_CATALOG_WRITE);
    deliver(&fixture, 6);
    assert_list(&fixture, &position, "6");
    assert_all(&fixture, "3 1 -2 7 6");
    assert_linked(&fixture);
}

static void pages_are_as_long_as_asked_for_and_say_whether_there_is_more(void **state)
{
    static const struct {
        const char *page;
        gboolean is_more;
    } pages[] = {{"1 2", TRUE}, {"3 4", TRUE}, {"5", FALSE}, {"", FALSE}};
    const VaultCatalogFilter all = {.months = NULL};
    g_auto(Fixture) fixture = fixture_new();
    VaultCatalogPosition position = {.mark = 0};

    for (guint8 i = 1; i <= 5; i++)
        deliver(&fixture, i);
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        gboolean is_more;
        g_autofree char *found = list_some(&fixture, &all, &position, 2, &is_more);

        assert_string_equal(found, pages[i].page);
        assert_int_equal(is_more, pages[i].is_more);
    }
}

static void filters_narrow_and_the_position_passes_what_they_leave_out(void **state)
{
    static const MonthKeyId second = {{2}};
    const RecordId messages[] = {id_of(2, VAULT_RECORD_BODY), id_of(5, VAULT_RECORD_BODY)};
    const struct {
        VaultCatalogFilter filter;
        const char *expected;
    } cases[] = {
        {{.months = &second, .month_count = 1}, "1 3 5"},
        {{.messages = messages, .message_count = 2}, "2 5"},
        {{.months = &second, .month_count = 1, .messages = messages, .message_count = 2}, "5"},
        {{.from_s = 997}, "1 2 3"},
        {{.to_s = 997}, "4 5"},
        {{.from_s = 996, .to_s = 999}, "2 3 4"},
        {{.months = &second, .month_count = 0}, ""},
    };
    g_auto(Fixture) fixture = fixture_new();

    for (guint8 i = 1; i <= 5; i++)
        deliver(&fixture, i);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        VaultCatalogPosition position = {.mark = 0};
        gboolean is_more;
        g_autofree char *found = list_some(&fixture, &cases[i].filter, &position, 100, &is_more);

        assert_string_equal(found, cases[i].expected);
        assert_list(&fixture, &position, "");
    }
}

static void terms_that_come_later_list_their_copy_again(void **state)
{
    g_auto(Fixture) fixture = fixture_new();
    VaultCatalogPosition position = {.mark = 0};

    begin(&fixture);
    add_copy(&fixture, 1);
    add_copy(&fixture, 2);
    end(&fixture);
    assert_list(&fixture, &position, "-1 -2");
    begin(&fixture);
    add_terms(&fixture, 1);
    end(&fixture);
    assert_list(&fixture, &position, "1");
    assert_all(&fixture, "-2 1");
    /* The same once more changes nothing. */
    deliver(&fixture, 1);
    assert_list(&fixture, &position, "");
    assert_all(&fixture, "-2 1");
    assert_linked(&fixture);
}

static void terms_may_come_before_their_copy(void **state)
{
    g_auto(Fixture) fixture = fixture_new();

    begin(&fixture);
    add_terms(&fixture, 1);
    end(&fixture);
    assert_all(&fixture, "");
    begin(&fixture);
    add_copy(&fixture, 1);
    end(&fixture);
    assert_all(&fixture, "1");
    assert_linked(&fixture);
}

static void of_two_terms_copies_the_first_by_id_counts_whatever_their_order(void **state)
{
    for (guint8 first = 1; first <= 2; first++) {
        const VaultCatalogFilter all = {.months = NULL};
        VaultCatalogPosition position = {.mark = 0};
        g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCatalogArrival));
        g_auto(Fixture) fixture = fixture_new();
        gboolean is_more;

        begin(&fixture);
        add_copy(&fixture, 1);
        add_row(&fixture, 1, VAULT_RECORD_TERMS_COPY, first);
        add_row(&fixture, 1, VAULT_RECORD_TERMS_COPY, (guint8)(3 - first));
        end(&fixture);
        assert_true(
            vault_catalog_arrivals(fixture.catalog, &all, &position, 9, page, &is_more, NULL));
        assert_int_equal(page->len, 1);
        assert_int_equal(g_array_index(page, VaultCatalogArrival, 0).terms_id.bytes[1],
                         VAULT_RECORD_TERMS_COPY + 16);
        assert_linked(&fixture);
    }
}

/* Else what is new could bear the number at which a list ended. */
static void numbers_of_erased_copies_are_not_given_again(void **state)
{
    const VaultCatalogCopy erased = {.record_id = id_of(2, VAULT_RECORD_COPY),
                                     .body_id = id_of(2, VAULT_RECORD_BODY),
                                     .month_key_id = {{1}},
                                     .leaf = 2};
    g_auto(Fixture) fixture = fixture_new();
    VaultCatalogPosition position = {.mark = 0};

    deliver(&fixture, 1);
    deliver(&fixture, 2);
    assert_list(&fixture, &position, "1 2");
    begin(&fixture);
    assert_true(vault_catalog_remove_copy(fixture.catalog, &erased, NULL));
    end(&fixture);
    assert_all(&fixture, "1");
    open_catalog(&fixture, VAULT_CATALOG_WRITE);
    deliver(&fixture, 3);
    assert_list(&fixture, &position, "3");
}

static void abandoned_transaction_lists_nothing_and_skips_nothing(void **state)
{
    g_auto(Fixture) fixture = fixture_new();
    VaultCatalogPosition position = {.mark = 0};

    deliver(&fixture, 1);
    assert_list(&fixture, &position, "1");
    begin(&fixture);
    add_copy(&fixture, 2);
    add_copy(&fixture, 3);
    vault_catalog_abandon(fixture.catalog);
    assert_list(&fixture, &position, "");
    deliver(&fixture, 4);
    assert_list(&fixture, &position, "4");
}

static void catalog_made_anew_links_terms_and_lists_from_the_beginning(void **state)
{
    g_auto(Fixture) fixture = fixture_new();
    VaultCatalogPosition position = {.mark = 0};
    VaultHash running, rebuilt;

    for (guint8 i = 1; i <= 3; i++)
        deliver(&fixture, i);
    assert_list(&fixture, &position, "1 2 3");
    assert_true(vault_catalog_digest(fixture.catalog, &running, NULL));
    g_clear_pointer(&fixture.catalog, vault_catalog_close);
    remove_file(&fixture);
    open_catalog(&fixture, VAULT_CATALOG_BUILD);
    begin(&fixture);
    add_terms(&fixture, 3);
    for (guint8 i = 3; i >= 1; i--)
        add_copy(&fixture, i);
    add_terms(&fixture, 1);
    add_terms(&fixture, 2);
    end(&fixture);
    assert_true(vault_catalog_finish_build(fixture.catalog, NULL));
    open_catalog(&fixture, VAULT_CATALOG_WRITE);
    assert_linked(&fixture);
    assert_list(&fixture, &position, "3 2 1");
    assert_true(position.is_anew);
    assert_list(&fixture, &position, "");
    assert_false(position.is_anew);
    assert_true(vault_catalog_digest(fixture.catalog, &rebuilt, NULL));
    assert_memory_equal(&running, &rebuilt, sizeof running);
}

static void leaves_of_a_messages_terms_are_found(void **state)
{
    const RecordId body_id = id_of(2, VAULT_RECORD_BODY), nothing = id_of(9, VAULT_RECORD_BODY);
    g_auto(Fixture) fixture = fixture_new();
    g_autoptr(GArray) leaves = NULL, none = NULL;

    deliver(&fixture, 1);
    deliver(&fixture, 2);
    leaves = vault_catalog_terms_of(fixture.catalog, &body_id, NULL);
    assert_int_equal(leaves->len, 1);
    assert_int_equal(g_array_index(leaves, VaultCatalogLeaf, 0).leaf, 2);
    assert_int_equal(g_array_index(leaves, VaultCatalogLeaf, 0).month_key_id.bytes[0], 1);
    none = vault_catalog_terms_of(fixture.catalog, &nothing, NULL);
    assert_int_equal(none->len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_goes_on_where_it_ended),
        cmocka_unit_test(pages_are_as_long_as_asked_for_and_say_whether_there_is_more),
        cmocka_unit_test(filters_narrow_and_the_position_passes_what_they_leave_out),
        cmocka_unit_test(terms_that_come_later_list_their_copy_again),
        cmocka_unit_test(terms_may_come_before_their_copy),
        cmocka_unit_test(of_two_terms_copies_the_first_by_id_counts_whatever_their_order),
        cmocka_unit_test(numbers_of_erased_copies_are_not_given_again),
        cmocka_unit_test(abandoned_transaction_lists_nothing_and_skips_nothing),
        cmocka_unit_test(catalog_made_anew_links_terms_and_lists_from_the_beginning),
        cmocka_unit_test(leaves_of_a_messages_terms_are_found),
    };

    return run_crypto_tests(tests);
}
