/* The catalog: each record once, tags as long as their key, packs that never go back, and copies
 * in order of time however they are asked for. */
#include "tests/unit/crypto_world.h"

#include "vault/store/catalog.h"
#include "vault/store/sql.h"

#include <unistd.h>

#define NOW_S G_GUINT64_CONSTANT(1795512600)

typedef struct {
    char *folder, *path;
    VaultId vault_id;
    VaultCatalog *catalog;
} World;

static World *world_new(void)
{
    World *world = g_new0(World, 1);
    g_autoptr(GError) error = NULL;

    world->folder = g_dir_make_tmp("catalog-XXXXXX", NULL);
    world->path = g_build_filename(world->folder, "catalog.sqlite", NULL);
    world->vault_id = (VaultId){{7}};
    world->catalog = vault_catalog_open(world->path, VAULT_CATALOG_WRITE, &world->vault_id, &error);
    if (world->catalog == NULL)
        fail_msg("%s", error->message);
    return world;
}

static void world_free(World *world)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    vault_catalog_close(world->catalog);
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(world->path, suffixes[i], NULL);

        unlink(file);
    }
    assert_int_equal(rmdir(world->folder), 0);
    g_free(world->folder);
    g_free(world->path);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static void reopen(World *world, VaultCatalogMode mode)
{
    g_clear_pointer(&world->catalog, vault_catalog_close);
    world->catalog = vault_catalog_open(world->path, mode, &world->vault_id, NULL);
    assert_non_null(world->catalog);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static RecordId record_id(guint number)
{
    RecordId id = {{0}};

    id.bytes[0] = (guint8)(number >> 8);
    id.bytes[1] = (guint8)number;
    return id;
}

static VaultPlace place_of(guint number)
{
    return (VaultPlace){
        .pack_id = {{(guint8)(1 + number % 3)}}, .offset = 128 + number, .len = 300};
}

static VaultCatalogRow body_row(guint number, guint8 tag)
{
    VaultCatalogRow row = {.kind = VAULT_RECORD_BODY,
                           .record_id = record_id(number),
                           .place = place_of(number),
                           .locator = {.received_s = NOW_S + number, .archived_s = NOW_S + number}};

    row.locator.repeat_tag.bytes[0] = tag;
    row.locator.retry_tag.bytes[0] = (guint8)number;
    return row;
}

static VaultCatalogRow copy_row(guint number, guint body, guint8 month, guint64 received_s)
{
    return (VaultCatalogRow){.kind = VAULT_RECORD_COPY,
                             .record_id = record_id(number),
                             .place = place_of(number),
                             .locator = {.body_id = record_id(body),
                                         .month_key_id = {{month}},
                                         .leaf = number,
                                         .received_s = received_s,
                                         .flags = VAULT_FLAG_IMPORTED}};
}

static void add_rows(World *world, const VaultCatalogRow *rows, gsize count, guint64 tags_since_s)
{
    assert_true(vault_catalog_begin(world->catalog, NULL));
    for (gsize i = 0; i < count; i++)
        assert_true(vault_catalog_add(world->catalog, &rows[i], tags_since_s, NULL));
    assert_true(vault_catalog_end(world->catalog, NULL));
}

static void assert_totals(World *world, guint64 messages, guint64 copies, guint64 others)
{
    VaultCatalogTotals totals;

    assert_true(vault_catalog_totals(world->catalog, &totals, NULL));
    assert_int_equal(totals.message_count, messages);
    assert_int_equal(totals.copy_count, copies);
    assert_int_equal(totals.other_count, others);
}

static VaultCatalogRow other_row(guint number, VaultRecordKind kind, guint body)
{
    VaultCatalogRow row = copy_row(number, body, 1, NOW_S);

    row.kind = kind;
    if (kind == VAULT_RECORD_EVENT)
        row.locator.row_id = (RowId){{9}};
    return row;
}

static void each_kind_of_record_is_found(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow rows[] = {
        body_row(1, 1),
        copy_row(2, 1, 1, NOW_S),
        other_row(3, VAULT_RECORD_TERMS_BODY, 1),
        other_row(4, VAULT_RECORD_TERMS_COPY, 1),
        other_row(5, VAULT_RECORD_WRAPPER, 1),
        other_row(6, VAULT_RECORD_ADDENDUM, 1),
        other_row(7, VAULT_RECORD_EVENT, 1),
    };
    RecordId missing = record_id(99);
    VaultRecordKind kind;
    VaultPlace place;
    VaultCatalogCopy copy;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) copy_error = NULL;

    add_rows(world, rows, G_N_ELEMENTS(rows), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_true(vault_catalog_find(world->catalog, &rows[i].record_id, &kind, &place, NULL));
        assert_int_equal(kind, rows[i].kind);
        assert_memory_equal(&place.pack_id, &rows[i].place.pack_id, VAULT_ID_LEN);
        assert_int_equal(place.offset, rows[i].place.offset);
        assert_int_equal(place.len, rows[i].place.len);
    }
    assert_false(vault_catalog_find(world->catalog, &missing, &kind, &place, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
    assert_false(vault_catalog_find_copy(world->catalog, &rows[0].record_id, &copy, &copy_error));
    assert_error(copy_error, VAULT_ERROR_NOT_FOUND);
    assert_totals(world, 1, 1, 5);
}

static void adding_again_changes_nothing(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow rows[] = {body_row(1, 1), copy_row(2, 1, 1, NOW_S),
                              other_row(3, VAULT_RECORD_WRAPPER, 1)};
    VaultHash before, after;

    add_rows(world, rows, G_N_ELEMENTS(rows), 0);
    assert_true(vault_catalog_digest(world->catalog, &before, NULL));
    add_rows(world, rows, G_N_ELEMENTS(rows), 0);
    reopen(world, VAULT_CATALOG_WRITE);
    add_rows(world, rows, G_N_ELEMENTS(rows), 0);
    assert_true(vault_catalog_digest(world->catalog, &after, NULL));
    assert_memory_equal(&before, &after, sizeof before);
    assert_totals(world, 1, 1, 1);
}

static void an_abandoned_transaction_leaves_nothing(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow row = body_row(1, 1);
    g_autoptr(GArray) packs = NULL;

    assert_true(vault_catalog_begin(world->catalog, NULL));
    assert_true(vault_catalog_add(world->catalog, &row, 0, NULL));
    vault_catalog_abandon(world->catalog);
    assert_totals(world, 0, 0, 0);
    packs = vault_catalog_packs(world->catalog, NULL);
    assert_int_equal(packs->len, 0);
    /* The pack's number was the abandoned transaction's: it must not be remembered. */
    add_rows(world, &row, 1, 0);
    assert_true(vault_catalog_find(world->catalog, &row.record_id, &(VaultRecordKind){0},
                                   &(VaultPlace){.len = 0}, NULL));
}

static void parts_are_body_copies_others(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow rows[] = {other_row(5, VAULT_RECORD_WRAPPER, 1), copy_row(4, 1, 1, NOW_S + 1),
                              copy_row(3, 1, 1, NOW_S), body_row(1, 1), body_row(2, 1)};
    static const guint order[] = {1, 3, 4, 5};
    RecordId body = record_id(1), missing = record_id(99);
    g_autoptr(GArray) parts = NULL;
    g_autoptr(GArray) none = NULL;
    g_autoptr(GArray) copies = NULL;

    add_rows(world, rows, G_N_ELEMENTS(rows), 0);
    parts = vault_catalog_parts(world->catalog, &body, NULL);
    assert_int_equal(parts->len, G_N_ELEMENTS(order));
    for (guint i = 0; i < parts->len; i++)
        assert_int_equal(g_array_index(parts, VaultCatalogPart, i).record_id.bytes[1], order[i]);
    none = vault_catalog_parts(world->catalog, &missing, NULL);
    assert_int_equal(none->len, 0);
    copies = vault_catalog_copies_of(world->catalog, &body, NULL);
    assert_int_equal(copies->len, 2);
    assert_int_equal(g_array_index(copies, VaultCatalogCopy, 0).leaf, 3);
    assert_int_equal(g_array_index(copies, VaultCatalogCopy, 0).body_len, 300);
    assert_int_equal(g_array_index(copies, VaultCatalogCopy, 0).flags, VAULT_FLAG_IMPORTED);
}

/* ---- tags ----------------------------------------------------------------------------------- */

/* The same by any number of tags that are asked for: the others are of nobody. */
static guint tagged(World *world, guint8 tag)
{
    guint found = 0;

    for (guint count = 1; count <= VAULT_CATALOG_TAGS_MAX; count++) {
        DeliveryTag tags[VAULT_CATALOG_TAGS_MAX];
        g_autoptr(GArray) bodies = g_array_new(FALSE, FALSE, sizeof(VaultTaggedBody));

        for (guint i = 0; i < count; i++)
            memset(&tags[i], 0xe0 + (int)i, sizeof tags[i]);
        tags[count - 1] = (DeliveryTag){{tag}};
        assert_true(vault_catalog_find_repeats(world->catalog, tags, count, bodies, NULL));
        assert_true(count == 1 || bodies->len == found);
        found = bodies->len;
    }
    return found;
}

static void retry_tag_comes_with_the_body(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow row = body_row(10, 1);
    DeliveryTag tag = {{1}}, retry_tag = {{10}};
    g_autoptr(GArray) bodies = g_array_new(FALSE, FALSE, sizeof(VaultTaggedBody));
    const VaultTaggedBody *found;

    add_rows(world, &row, 1, 0);
    assert_true(vault_catalog_find_repeats(world->catalog, &tag, 1, bodies, NULL));
    assert_int_equal(bodies->len, 1);
    found = &g_array_index(bodies, VaultTaggedBody, 0);
    assert_memory_equal(&found->body_id, &row.record_id, sizeof found->body_id);
    assert_memory_equal(&found->retry_tag, &retry_tag, sizeof retry_tag);
}

static void bodies_are_found_by_their_tags_until_these_are_pruned(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow rows[] = {body_row(10, 1), body_row(20, 1), body_row(30, 2), body_row(40, 0)};

    add_rows(world, rows, G_N_ELEMENTS(rows), 0);
    assert_int_equal(tagged(world, 1), 2);
    assert_int_equal(tagged(world, 2), 1);
    assert_int_equal(tagged(world, 3), 0);
    assert_int_equal(tagged(world, 0), 0); /* zeros are no tag */
    assert_true(vault_catalog_begin(world->catalog, NULL));
    assert_true(vault_catalog_prune_tags(world->catalog, NOW_S + 20, NULL));
    assert_true(vault_catalog_end(world->catalog, NULL));
    assert_int_equal(tagged(world, 1), 1);
    assert_totals(world, 4, 0, 0);
}

static void old_tags_are_not_added(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow rows[] = {body_row(10, 1), body_row(20, 1)};

    add_rows(world, rows, G_N_ELEMENTS(rows), NOW_S + 20);
    assert_int_equal(tagged(world, 1), 1);
}

/* ---- packs ---------------------------------------------------------------------------------- */

static void advance(World *world, guint64 end, VaultPackState state)
{
    VaultCatalogPack pack = {.pack_id = {{5}}, .end = end, .state = state};

    assert_true(vault_catalog_begin(world->catalog, NULL));
    assert_true(vault_catalog_advance_pack(world->catalog, &pack, NULL));
    assert_true(vault_catalog_end(world->catalog, NULL));
}

static void packs_never_go_back(void **state)
{
    static const struct {
        guint64 end;
        VaultPackState state;
        guint64 expected_end;
        VaultPackState expected_state;
    } steps[] = {{500, VAULT_PACK_OPEN, 500, VAULT_PACK_OPEN},
                 {400, VAULT_PACK_COMPLETE, 500, VAULT_PACK_COMPLETE},
                 {600, VAULT_PACK_OPEN, 600, VAULT_PACK_COMPLETE},
                 {0, VAULT_PACK_SEALED, 600, VAULT_PACK_SEALED},
                 {0, VAULT_PACK_OPEN, 600, VAULT_PACK_SEALED}};
    g_autoptr(World) world = world_new();

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GArray) packs = NULL;
        const VaultCatalogPack *pack;

        advance(world, steps[i].end, steps[i].state);
        reopen(world, VAULT_CATALOG_WRITE);
        packs = vault_catalog_packs(world->catalog, NULL);
        assert_int_equal(packs->len, 1);
        pack = &g_array_index(packs, VaultCatalogPack, 0);
        assert_int_equal(pack->end, steps[i].expected_end);
        assert_int_equal(pack->state, steps[i].expected_state);
    }
}

/* ---- the file ------------------------------------------------------------------------------- */

static void assert_refused(World *world, const VaultId *vault_id, VaultCatalogMode mode,
                           VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultCatalog) catalog = vault_catalog_open(world->path, mode, vault_id, &error);

    assert_null(catalog);
    assert_error(error, code);
}

static void tamper(World *world, const char *script)
{
    g_autoptr(VaultSql) sql = vault_sql_open(world->path, VAULT_SQL_WRITE, NULL, 0, NULL);

    assert_true(vault_sql_exec(sql, script, NULL));
}

static void another_file_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    VaultId other = {{8}};

    g_clear_pointer(&world->catalog, vault_catalog_close);
    assert_refused(world, &other, VAULT_CATALOG_WRITE, VAULT_ERROR_CORRUPT);
    tamper(world, "PRAGMA user_version=2");
    assert_refused(world, &world->vault_id, VAULT_CATALOG_WRITE, VAULT_ERROR_UNSUPPORTED);
    tamper(world, "PRAGMA application_id=3");
    assert_refused(world, &world->vault_id, VAULT_CATALOG_READ, VAULT_ERROR_CORRUPT);
    assert_true(g_file_set_contents(world->path, "some text that is no database", -1, NULL));
    assert_refused(world, &world->vault_id, VAULT_CATALOG_WRITE, VAULT_ERROR_CORRUPT);
    unlink(world->path);
    assert_refused(world, &world->vault_id, VAULT_CATALOG_READ, VAULT_ERROR_NOT_FOUND);
}

static void in_reading_hands_nothing_is_changed(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow row = body_row(1, 1);
    g_autoptr(GError) error = NULL;

    add_rows(world, &row, 1, 0);
    reopen(world, VAULT_CATALOG_READ);
    assert_totals(world, 1, 0, 0);
    assert_true(vault_catalog_check(world->catalog, NULL));
    /* A reader that began one would wait for, or hold up, the writer. */
    if (vault_catalog_begin(world->catalog, &error)) {
        assert_false(vault_catalog_add(world->catalog, &row, 0, &error));
        vault_catalog_abandon(world->catalog);
    }
    assert_non_null(error);
}

static void damaged_ids_are_found(void **state)
{
    g_autoptr(World) world = world_new();
    VaultCatalogRow rows[] = {body_row(1, 1), copy_row(2, 1, 1, NOW_S)};
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) copies = NULL;
    g_autoptr(GArray) packs = NULL;

    add_rows(world, rows, G_N_ELEMENTS(rows), 0);
    tamper(world, "UPDATE copies SET month_key_id = x'00'; UPDATE packs SET pack_id = "
                  "substr(pack_id, 1, 15)");
    copies = vault_catalog_copies_of(world->catalog, &rows[0].record_id, &error);
    assert_null(copies);
    assert_error(error, VAULT_ERROR_CORRUPT);
    g_clear_error(&error);
    packs = vault_catalog_packs(world->catalog, &error);
    assert_null(packs);
    assert_error(error, VAULT_ERROR_CORRUPT);
}

static void a_built_catalog_is_the_same_as_one_that_grew(void **state)
{
    g_autoptr(World) grown = world_new();
    g_autoptr(World) built = world_new();
    VaultHash of_grown, of_built;

    g_clear_pointer(&built->catalog, vault_catalog_close);
    unlink(built->path);
    built->catalog = vault_catalog_open(built->path, VAULT_CATALOG_BUILD, &built->vault_id, NULL);
    for (guint i = 0; i < 50; i++) {
        /* In another order, and so with other numbers for the packs. */
        guint other = 49 - i;
        VaultCatalogRow forward[] = {body_row(2 * i, 1), copy_row(2 * i + 1, 2 * i, 1, NOW_S)};
        VaultCatalogRow backward[] = {body_row(2 * other, 1),
                                      copy_row(2 * other + 1, 2 * other, 1, NOW_S)};

        add_rows(grown, forward, 2, 0);
        add_rows(built, backward, 2, 0);
    }
    assert_true(vault_catalog_finish_build(built->catalog, NULL));
    assert_true(vault_catalog_digest(grown->catalog, &of_grown, NULL));
    reopen(built, VAULT_CATALOG_WRITE);
    assert_true(vault_catalog_digest(built->catalog, &of_built, NULL));
    assert_memory_equal(&of_grown, &of_built, sizeof of_built);
    assert_true(vault_catalog_check(built->catalog, NULL));
    add_rows(built, &(VaultCatalogRow){.kind = VAULT_RECORD_EVENT}, 1, 0);
    assert_true(vault_catalog_digest(built->catalog, &of_built, NULL));
    assert_memory_not_equal(&of_grown, &of_built, sizeof of_built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_record_is_found),
        cmocka_unit_test(adding_again_changes_nothing),
        cmocka_unit_test(an_abandoned_transaction_leaves_nothing),
        cmocka_unit_test(parts_are_body_copies_others),
        cmocka_unit_test(bodies_are_found_by_their_tags_until_these_are_pruned),
        cmocka_unit_test(retry_tag_comes_with_the_body),
        cmocka_unit_test(old_tags_are_not_added),
        cmocka_unit_test(packs_never_go_back),
        cmocka_unit_test(another_file_is_refused),
        cmocka_unit_test(in_reading_hands_nothing_is_changed),
        cmocka_unit_test(damaged_ids_are_found),
        cmocka_unit_test(a_built_catalog_is_the_same_as_one_that_grew),
    };

    return run_crypto_tests(tests);
}
