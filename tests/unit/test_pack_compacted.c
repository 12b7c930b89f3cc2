/* Compacted packs as files: whole or not there, and read as what they are. */
#include "tests/support/pack_fixture.h"

#include "vault/store/pack_compacted.h"
#include "vault/store/pack_format.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    PackFixture *fixture;
    VaultPackCompacted *compacted;
    GArray *ids; /* RecordId of what was kept */
} World;

static World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->fixture = pack_fixture_new();
    world->ids = g_array_new(FALSE, FALSE, sizeof(RecordId));
    world->compacted =
        vault_pack_compacted_begin(world->fixture->directory, &world->fixture->vault_id, NULL);
    assert_non_null(world->compacted);
    return world;
}

static void world_free(World *world)
{
    vault_pack_compacted_free(world->compacted);
    pack_fixture_free(world->fixture);
    g_array_unref(world->ids);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static VaultPackHeader source(guint8 number, guint64 sequence)
{
    return (VaultPackHeader){
        .type = VAULT_PACK_GROUPED, .pack_id = {{number}}, .sequence = sequence};
}

static void keep_some(World *world, guint count)
{
    for (guint i = 0; i < count; i++) {
        VaultRecord *record = pack_fixture_record(world->fixture, VAULT_RECORD_BODY, 500 + i);

        g_array_append_val(world->ids, record->record_id);
        assert_true(vault_pack_compacted_keep(world->compacted, record, NULL));
    }
}

static void begin_source(World *world, guint8 number, guint64 sequence)
{
    VaultPackHeader header = source(number, sequence);

    assert_true(vault_pack_compacted_begin_source(world->compacted, &header, NULL));
}

/* Two sources with a record dropped; the path. */
static char *publish(World *world)
{
    VaultHash dropped = {{7}};

    begin_source(world, 9, 4);
    keep_some(world, 3);
    vault_pack_compacted_drop(world->compacted, &dropped);
    begin_source(world, 2, 3);
    keep_some(world, 2);
    assert_true(vault_pack_compacted_complete(world->compacted, NULL));
    assert_true(vault_pack_compacted_publish(world->compacted, NULL));
    return vault_pack_compacted_path(world->compacted);
}

static VaultPackHeader header_of(const char *path)
{
    g_autoptr(GByteArray) bytes = pack_fixture_read(path);
    VaultPackHeader header;

    assert_true(vault_pack_header_parse(bytes->data, bytes->len, &header, NULL));
    return header;
}

static void holds_what_was_kept_and_says_what_it_replaces(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = publish(world);
    g_autoptr(PackFindings) found = pack_fixture_scan(world->fixture, path, VAULT_SCAN_CIPHERTEXTS);
    VaultPackHeader header = header_of(path);
    g_autoptr(GArray) replaced = vault_pack_replaced_read(path, &header, NULL);
    g_autoptr(GArray) dropped = vault_pack_dropped_read(path, &header, NULL);

    assert_int_equal(header.type, VAULT_PACK_COMPACTED);
    assert_int_equal(header.sequence, 4); /* the highest of its sources */
    assert_int_equal(g_hash_table_size(found->ids), 5);
    assert_int_equal(found->trailer_count, 1);
    assert_int_equal(found->corrupt_count, 0);
    assert_int_equal(replaced->len, 2);
    assert_int_equal(g_array_index(replaced, PackId, 0).bytes[0], 2);
    assert_int_equal(g_array_index(replaced, PackId, 1).bytes[0], 9);
    assert_int_equal(dropped->len, 1);
    assert_int_equal(g_array_index(dropped, VaultHash, 0).bytes[0], 7);
    assert_true(vault_pack_seal_off(path, header.groups_end, NULL)); /* left as it is */
    assert_int_equal(header_of(path).replaced_count, 2);
}

static void its_records_are_fetched_by_their_places(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = publish(world);
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, &world->fixture->vault_id, VAULT_SCAN_HEADERS, NULL, NULL);
    g_autoptr(VaultPackSet) set =
        vault_pack_set_open(world->fixture->directory, &world->fixture->vault_id, NULL);
    const PackId pack_id = header_of(path).pack_id;
    VaultScanEvent event;
    GArray *records;
    guint64 offset, len;

    assert_true(vault_pack_scan_is_closed(scan));
    assert_true(vault_pack_scan_next(scan, &event, &records, &offset, &len, NULL));
    assert_int_equal(event, VAULT_SCAN_GROUP);
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);
        VaultPlace place = {pack_id, record->offset, record->len};
        g_autoptr(GBytes) bytes = vault_pack_set_fetch(set, &place, 1u << 20, NULL);

        assert_non_null(bytes);
    }
    /* Forgotten, it is looked for again; removed, it is not there. */
    vault_pack_set_forget(set, &pack_id);
    {
        VaultPlace place = {pack_id, VAULT_PACK_HEADER_LEN, 64};
        guint8 bytes[64];

        assert_true(vault_pack_set_read(set, &place, 0, sizeof bytes, bytes, NULL));
        assert_int_equal(unlink(path), 0);
        assert_true(vault_pack_set_read(set, &place, 0, sizeof bytes, bytes, NULL));
        vault_pack_set_forget(set, &pack_id);
        assert_false(vault_pack_set_read(set, &place, 0, sizeof bytes, bytes, NULL));
    }
}

static void abandoned_source_leaves_nothing(void **state)
{
    g_autoptr(World) world = world_new();
    VaultHash dropped = {{7}};
    g_autofree char *path = NULL;
    g_autoptr(GArray) replaced = NULL, hashes = NULL;
    g_autoptr(PackFindings) found = NULL;
    VaultPackHeader header;

    begin_source(world, 1, 1);
    keep_some(world, 3);
    begin_source(world, 2, 9);
    vault_pack_compacted_drop(world->compacted, &dropped);
    for (guint i = 0; i < 20; i++) /* more than a group, so that some of it is written */
        assert_true(vault_pack_compacted_keep(
            world->compacted, pack_fixture_record(world->fixture, VAULT_RECORD_BODY, 1u << 20),
            NULL));
    assert_true(vault_pack_compacted_len(world->compacted) > 20u << 20);
    assert_true(vault_pack_compacted_abandon_source(world->compacted, NULL));
    assert_int_equal(vault_pack_compacted_source_count(world->compacted), 1);
    assert_true(vault_pack_compacted_complete(world->compacted, NULL));
    assert_true(vault_pack_compacted_publish(world->compacted, NULL));
    path = vault_pack_compacted_path(world->compacted);
    header = header_of(path);
    replaced = vault_pack_replaced_read(path, &header, NULL);
    hashes = vault_pack_dropped_read(path, &header, NULL);
    found = pack_fixture_scan(world->fixture, path, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(replaced->len, 1);
    assert_int_equal(hashes->len, 0);
    assert_int_equal(header.sequence, 1);
    assert_int_equal(g_hash_table_size(found->ids), 3);
    assert_int_equal(found->corrupt_count + found->torn_count, 0);
}

static void unpublished_one_is_gone(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) left = NULL;

    begin_source(world, 1, 1);
    keep_some(world, 3);
    assert_true(vault_pack_compacted_complete(world->compacted, NULL));
    g_clear_pointer(&world->compacted, vault_pack_compacted_free);
    left = pack_fixture_files(world->fixture, "");
    assert_int_equal(left->len, 0);
}

static void lists_are_carried_on(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *first = publish(world), *second = NULL;
    VaultPackHeader old = header_of(first), header;
    g_autoptr(GArray) replaced = NULL, dropped = NULL;

    vault_pack_compacted_free(world->compacted);
    world->compacted =
        vault_pack_compacted_begin(world->fixture->directory, &world->fixture->vault_id, NULL);
    assert_true(vault_pack_compacted_begin_source(world->compacted, &old, NULL));
    assert_true(vault_pack_compacted_carry_lists(world->compacted, first, &old, NULL));
    assert_true(vault_pack_compacted_complete(world->compacted, NULL));
    assert_true(vault_pack_compacted_publish(world->compacted, NULL));
    second = vault_pack_compacted_path(world->compacted);
    header = header_of(second);
    replaced = vault_pack_replaced_read(second, &header, NULL);
    dropped = vault_pack_dropped_read(second, &header, NULL);
    assert_int_equal(replaced->len, 3);
    assert_int_equal(dropped->len, 1);
    assert_int_equal(header.sequence, 4);
    assert_int_equal(header.groups_end, VAULT_PACK_HEADER_LEN); /* nothing was kept */
}

static void full_lists_take_no_other_source(void **state)
{
    g_autoptr(World) world = world_new();
    VaultPackHeader header = source(1, 1);
    g_autoptr(GError) error = NULL;

    header.replaced_count = VAULT_PACK_REPLACED_MAX - 1;
    assert_true(vault_pack_compacted_begin_source(world->compacted, &header, NULL));
    header.replaced_count = VAULT_PACK_REPLACED_MAX;
    assert_false(vault_pack_compacted_begin_source(world->compacted, &header, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
    assert_int_equal(vault_pack_compacted_source_count(world->compacted), 1);
}

/* Each byte of both lists, of the header's fields and of the trailer counts. */
static void changed_byte_is_found_and_never_torn(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = publish(world);
    g_autoptr(GByteArray) good = pack_fixture_read(path);
    VaultPackHeader header = header_of(path);
    guint64 dropped_at = header.groups_end + 2 * VAULT_ID_LEN + VAULT_HASH_LEN;

    for (guint64 at = 0; at < good->len; at += at < VAULT_PACK_HEADER_LEN ? 1 : 7) {
        VaultPackHeader read;
        g_autoptr(GArray) replaced = NULL, dropped = NULL;
        g_autoptr(GError) error = NULL;

        good->data[at] ^= 0x10;
        pack_fixture_write(path, good->data, good->len);
        good->data[at] ^= 0x10;
        if (at < VAULT_PACK_HEADER_LEN) {
            g_autoptr(GByteArray) bytes = pack_fixture_read(path);

            assert_false(vault_pack_header_parse(bytes->data, bytes->len, &read, NULL));
            continue;
        }
        replaced = vault_pack_replaced_read(path, &header, NULL);
        dropped = vault_pack_dropped_read(path, &header, &error);
        assert_int_equal(replaced == NULL, at >= header.groups_end && at < dropped_at);
        assert_int_equal(dropped == NULL, at >= dropped_at && at < dropped_at + 2 * VAULT_HASH_LEN);
        assert_true(dropped != NULL || g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
        {
            g_autoptr(PackFindings) found =
                pack_fixture_scan(world->fixture, path, VAULT_SCAN_CIPHERTEXTS);

            assert_int_equal(found->torn_count, 0);
            assert_int_equal(found->corrupt_count > 0, at < header.groups_end);
        }
    }
}

/* As after a disk that lied: all of it is missed, wherever it ends. */
static void cut_pack_is_corrupt_and_never_torn(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = publish(world);
    g_autoptr(GByteArray) good = pack_fixture_read(path);
    VaultPackHeader header = header_of(path);

    for (guint64 len = VAULT_PACK_HEADER_LEN; len < good->len; len += 13) {
        g_autoptr(PackFindings) found = NULL;
        g_autoptr(VaultPackScan) scan = NULL;

        pack_fixture_write(path, good->data, len);
        found = pack_fixture_scan(world->fixture, path, VAULT_SCAN_HEADERS);
        assert_int_equal(found->torn_count, 0);
        assert_int_equal(found->trailer_count, 0);
        assert_true(g_hash_table_size(found->ids) == 5 || len < header.groups_end);
        scan = vault_pack_scan_open(path, NULL, VAULT_SCAN_HEADERS, NULL, NULL);
        assert_false(vault_pack_scan_is_closed(scan));
    }
}

static void header_of_impossible_lists_is_refused(void **state)
{
    VaultPackHeader good = {.type = VAULT_PACK_COMPACTED,
                            .groups_end = VAULT_PACK_HEADER_LEN,
                            .replaced_count = VAULT_PACK_REPLACED_MAX,
                            .dropped_count = VAULT_PACK_RECORDS_MAX};
    VaultPackHeader bad[4] = {good, good, good, good}, read;
    guint8 bytes[VAULT_PACK_HEADER_LEN];

    vault_pack_header_format(&good, bytes);
    assert_true(vault_pack_header_parse(bytes, sizeof bytes, &read, NULL));
    assert_int_equal(read.dropped_count, good.dropped_count);
    bad[0].groups_end--;
    bad[1].groups_end = (guint64)G_MAXUINT32 + 1;
    bad[2].replaced_count++;
    bad[3].dropped_count++;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        vault_pack_header_format(&bad[i], bytes);
        assert_false(vault_pack_header_parse(bytes, sizeof bytes, &read, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_kept_and_says_what_it_replaces),
        cmocka_unit_test(its_records_are_fetched_by_their_places),
        cmocka_unit_test(abandoned_source_leaves_nothing),
        cmocka_unit_test(unpublished_one_is_gone),
        cmocka_unit_test(lists_are_carried_on),
        cmocka_unit_test(full_lists_take_no_other_source),
        cmocka_unit_test(changed_byte_is_found_and_never_torn),
        cmocka_unit_test(cut_pack_is_corrupt_and_never_torn),
        cmocka_unit_test(header_of_impossible_lists_is_refused),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
