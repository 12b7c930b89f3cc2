#include "tests/support/keep_damage.h"

#include "vault/store/pack_reader.h"

#include <glib/gstdio.h>
#include <string.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define LARGE_LEN (VAULT_BODY_WHOLE_MAX + 4096)

static GPtrArray *findings;

static GLogWriterOutput note_log(GLogLevelFlags level, const GLogField *fields, gsize count,
                                 gpointer user)
{
    for (gsize i = 0; i < count; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            g_ptr_array_add(findings, g_strdup(fields[i].value));
    return G_LOG_WRITER_HANDLED;
}

static int begin(void **state)
{
    g_ptr_array_set_size(findings, 0);
    return 0;
}

static gboolean was_reported(const char *part)
{
    for (guint i = 0; i < findings->len; i++)
        if (strstr(g_ptr_array_index(findings, i), part) != NULL)
            return TRUE;
    return FALSE;
}

/* Path of the only file with this suffix. */
static char *only_pack(const KeepFixture *fixture, const char *suffix)
{
    g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, suffix);

    assert_int_equal(packs->len, 1);
    return g_strdup(g_ptr_array_index(packs, 0));
}

static guint pack_count(const KeepFixture *fixture, const char *suffix)
{
    g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, suffix);

    return packs->len;
}

static guint64 len_of(const char *path)
{
    g_autoptr(GByteArray) bytes = keep_damage_read(path);

    return bytes->len;
}

/* Whether the pack ends in a trailer that covers `group_count` groups and nothing else. */
static gboolean is_closed(const char *path, guint group_count)
{
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, NULL, VAULT_SCAN_CIPHERTEXTS, &header, NULL);
    VaultScanEvent event = VAULT_SCAN_GROUP;
    guint groups = 0;

    assert_non_null(scan);
    while (event == VAULT_SCAN_GROUP) {
        guint64 offset, len;

        assert_true(vault_pack_scan_next(scan, &event, NULL, &offset, &len, NULL));
        groups += event == VAULT_SCAN_GROUP;
    }
    return event == VAULT_SCAN_TRAILER && groups == group_count;
}

static void assert_whole(KeepFixture *fixture, guint copy_count)
{
    assert_int_equal(keep_fixture_copy_count(fixture->keep), copy_count);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

/* ---- the catalog ---------------------------------------------------------------------------- */

static void leave_catalog(const KeepFixture *fixture)
{
}

static void remove_catalog(const KeepFixture *fixture)
{
    keep_damage_remove(fixture, "catalog.sqlite");
}

static void overwrite_catalog(const KeepFixture *fixture)
{
    g_autofree char *path = keep_damage_path(fixture, "catalog.sqlite");
    g_autofree char *log = keep_damage_path(fixture, "catalog.sqlite-wal");

    g_unlink(log);
    keep_damage_write(path, "this is no database", 19);
}

static void empty_catalog(const KeepFixture *fixture)
{
    g_autofree char *path = keep_damage_path(fixture, "catalog.sqlite");
    g_autofree char *log = keep_damage_path(fixture, "catalog.sqlite-wal");

    g_unlink(log);
    keep_damage_write(path, "", 0);
}

/* The schema is whole: only what follows is not. */
static void damage_catalog_inside(const KeepFixture *fixture)
{
    g_autofree char *path = keep_damage_path(fixture, "catalog.sqlite");
    g_autoptr(GByteArray) bytes = NULL;

    keep_damage_sql(fixture, "catalog.sqlite", "PRAGMA wal_checkpoint(TRUNCATE)");
    bytes = keep_damage_read(path);
    assert_true(bytes->len > 8192);
    memset(bytes->data + 4096, 0xaa, bytes->len - 4096);
    keep_damage_write(path, bytes->data, bytes->len);
}

static void age_catalog(const KeepFixture *fixture)
{
    keep_damage_sql(fixture, "catalog.sqlite", "PRAGMA user_version = 1");
}

static void advance_catalog(const KeepFixture *fixture)
{
    keep_damage_sql(fixture, "catalog.sqlite", "PRAGMA user_version = 99");
}

static void swap_catalog(const KeepFixture *fixture)
{
    keep_damage_sql(fixture, "catalog.sqlite", "UPDATE totals SET vault_id = randomblob(16)");
}

static void everything_is_catalogued_after_a_crash_whatever_became_of_the_catalog(void **state)
{
    static void (*const changes[])(const KeepFixture *) = {
        leave_catalog, remove_catalog, overwrite_catalog, empty_catalog,
        age_catalog,   swap_catalog,   advance_catalog,   damage_catalog_inside};

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        KeepDelivery large;
        g_autoptr(GArray) parts = NULL;

        keep_fixture_deliver(fixture, "one", ANNA);
        assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
        large = keep_fixture_deliver_large(fixture, LARGE_LEN, BERT);
        keep_fixture_deliver(fixture, "two", ANNA);
        keep_fixture_crash(fixture);
        changes[i](fixture);
        keep_fixture_open(fixture);
        assert_whole(fixture, 3);
        parts = vault_keep_message(fixture->keep, &large.archive_id, NULL);
        assert_int_equal(parts->len, 3);
        keep_fixture_deliver(fixture, "three", ANNA);
        keep_fixture_close(fixture);
        keep_fixture_open(fixture);
        assert_whole(fixture, 4);
    }
}

static void damaged_keyring_is_not_taken_for_a_damaged_catalog(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *before = NULL, *after = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_close(fixture);
    before = keep_damage_catalog(fixture);
    keep_damage_sql(fixture, "keyring.sqlite", "UPDATE day_keys SET sealed = randomblob(80)");
    assert_int_equal(keep_fixture_open_error(fixture), VAULT_ERROR_CORRUPT);
    after = keep_damage_catalog(fixture);
    assert_string_equal(before, after);
}

/* ---- stream packs --------------------------------------------------------------------------- */

static void orphan_stream_pack_is_removed_and_named_ones_stay(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    keep_fixture_deliver_large(fixture, LARGE_LEN + 1, ANNA);
    keep_fixture_crash(fixture);
    /* The group that names the second one never came to be. */
    {
        g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, ".pack");

        assert_int_equal(packs->len, 2);
        assert_int_equal(g_unlink(g_ptr_array_index(packs, 1)), 0);
    }
    remove_catalog(fixture);
    assert_int_equal(pack_count(fixture, ".stream"), 2);
    keep_fixture_open(fixture);
    assert_int_equal(pack_count(fixture, ".stream"), 1);
    assert_true(was_reported("never acknowledged"));
    assert_whole(fixture, 2);
}

static void damaged_stream_pack_is_kept_and_named(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *stream = NULL;

    keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    keep_fixture_crash(fixture);
    stream = only_pack(fixture, ".stream");
    keep_damage_flip(stream, VAULT_PACK_HEADER_LEN + 20);
    remove_catalog(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(pack_count(fixture, ".stream"), 1);
    assert_true(was_reported("its record is damaged; kept"));
    assert_true(keep_fixture_verify(fixture->keep, VAULT_VERIFY_CATALOG).finding_count > 0);
}

static void stream_pack_is_kept_while_the_pack_that_may_name_it_is_missing(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *first = NULL, *elsewhere = NULL;

    keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    keep_fixture_close(fixture);
    first = only_pack(fixture, ".pack");
    keep_fixture_open(fixture);
    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_close(fixture);
    elsewhere = g_build_filename(fixture->folder, "moved", NULL);
    assert_int_equal(g_rename(first, elsewhere), 0);
    remove_catalog(fixture);
    keep_fixture_open(fixture);
    assert_true(was_reported("is missing"));
    assert_int_equal(pack_count(fixture, ".stream"), 1);
    keep_fixture_close(fixture);
    assert_int_equal(g_rename(elsewhere, first), 0);
    remove_catalog(fixture);
    keep_fixture_open(fixture);
    assert_whole(fixture, 2);
}

/* ---- the end of the last pack --------------------------------------------------------------- */

static void torn_tail_is_cut_and_the_pack_sealed_before_the_next_begins(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;
    g_autoptr(GByteArray) bytes = NULL, sealed = NULL;
    guint64 len;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_deliver(fixture, "two", ANNA);
    keep_fixture_crash(fixture);
    pack = only_pack(fixture, ".pack");
    bytes = keep_damage_read(pack);
    len = bytes->len;
    /* Half of a group: the first one's records once more, without its end. */
    g_byte_array_set_size(bytes, (guint)len + 1200);
    memcpy(bytes->data + len, bytes->data + VAULT_PACK_HEADER_LEN, 1200);
    keep_damage_write(pack, bytes->data, bytes->len);
    keep_fixture_open(fixture);
    assert_true(is_closed(pack, 2));
    sealed = keep_damage_read(pack);
    assert_memory_equal(sealed->data, bytes->data, len);
    keep_fixture_deliver(fixture, "three", ANNA);
    assert_int_equal(pack_count(fixture, ".pack"), 2);
    assert_whole(fixture, 3);
}

/* What a power cut may leave: headers and commit record of the last group, not its ciphertexts. */
static void group_whose_ciphertext_never_reached_the_disk_does_not_show(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;
    g_autoptr(GByteArray) bytes = NULL;
    guint64 first_end;

    keep_fixture_deliver(fixture, "one", ANNA);
    pack = only_pack(fixture, ".pack");
    first_end = len_of(pack);
    keep_fixture_deliver(fixture, "two", ANNA);
    keep_fixture_crash(fixture);
    bytes = keep_damage_read(pack);
    memset(bytes->data + first_end + 300, 0, 512);
    keep_damage_write(pack, bytes->data, bytes->len);
    remove_catalog(fixture);
    keep_fixture_open(fixture);
    assert_whole(fixture, 1);
    assert_true(is_closed(pack, 1));
}

static void acknowledged_bytes_that_are_damaged_are_reported_and_passed_over(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;
    guint64 first_end;

    keep_fixture_deliver(fixture, "one", ANNA);
    pack = only_pack(fixture, ".pack");
    first_end = len_of(pack);
    keep_fixture_deliver(fixture, "two", ANNA);
    keep_fixture_deliver(fixture, "three", ANNA);
    keep_fixture_crash(fixture);
    keep_damage_flip(pack, first_end + 30); /* the header of the second body */
    remove_catalog(fixture);
    keep_fixture_open(fixture);
    assert_true(was_reported("damaged; kept, passed over"));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 3);
    assert_true(keep_fixture_verify(fixture->keep, VAULT_VERIFY_CATALOG).finding_count > 0);
    keep_fixture_deliver(fixture, "four", ANNA);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 4);
}

/* A stretch cut out: what follows stands elsewhere and looks torn, but it was acknowledged. */
static void pack_shorter_than_catalogued_is_reported_and_left_as_it_is(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;
    g_autoptr(GByteArray) bytes = NULL, later = NULL;
    guint64 first_end;

    keep_fixture_deliver(fixture, "one", ANNA);
    pack = only_pack(fixture, ".pack");
    first_end = len_of(pack);
    keep_fixture_deliver(fixture, "two", ANNA);
    keep_fixture_deliver(fixture, "three", ANNA);
    keep_fixture_close(fixture);
    bytes = keep_damage_read(pack);
    g_byte_array_remove_range(bytes, (guint)first_end + 100, 300);
    keep_damage_write(pack, bytes->data, bytes->len);
    keep_fixture_open(fixture);
    assert_true(was_reported("was catalogued up to"));
    later = keep_damage_read(pack);
    assert_int_equal(later->len, bytes->len);
    assert_memory_equal(later->data, bytes->data, bytes->len);
    keep_fixture_deliver(fixture, "four", ANNA);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 4);
    assert_true(keep_fixture_verify(fixture->keep, VAULT_VERIFY_CATALOG).finding_count > 0);
}

static void pack_without_a_header_is_kept_and_new_mail_is_taken(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_close(fixture);
    pack = only_pack(fixture, ".pack");
    keep_damage_flip(pack, 8);
    remove_catalog(fixture);
    keep_fixture_open(fixture);
    assert_true(was_reported("its header is damaged"));
    keep_fixture_deliver(fixture, "two", ANNA);
    assert_int_equal(pack_count(fixture, ".pack"), 2);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
}

/* ---- at many points ------------------------------------------------------------------------- */

#define GROUPS 4

static void remove_packs_but(const KeepFixture *fixture, const char *kept)
{
    g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, ".pack");

    for (guint i = 0; i < packs->len; i++)
        if (strcmp(g_ptr_array_index(packs, i), kept) != 0)
            assert_int_equal(g_unlink(g_ptr_array_index(packs, i)), 0);
}

static void each_cut_of_the_pack_leaves_whole_groups_only(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;
    g_autoptr(GByteArray) bytes = NULL;
    guint64 ends[GROUPS];

    for (guint i = 0; i < GROUPS; i++) {
        g_autofree char *text = g_strdup_printf("message %u", i);

        keep_fixture_deliver(fixture, text, ANNA);
        pack = pack == NULL ? only_pack(fixture, ".pack") : pack;
        ends[i] = len_of(pack);
    }
    keep_fixture_crash(fixture);
    bytes = keep_damage_read(pack);
    for (guint64 cut = VAULT_PACK_HEADER_LEN; cut <= bytes->len; cut += 131) {
        guint whole = 0;

        while (whole < GROUPS && ends[whole] <= cut)
            whole++;
        remove_packs_but(fixture, pack);
        keep_damage_write(pack, bytes->data, cut);
        remove_catalog(fixture);
        keep_fixture_open(fixture);
        assert_int_equal(keep_fixture_copy_count(fixture->keep), whole);
        assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_CATALOG).finding_count, 0);
        keep_fixture_crash(fixture);
    }
}

/* Recovery itself is broken off, by a copy of the vault as it was at each step of it. */
static void recovery_that_is_broken_off_is_done_again(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;
    g_auto(KeepDatabase) behind = {.file = NULL};
    g_autoptr(GByteArray) open_pack = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    keep_fixture_deliver(fixture, "two", ANNA);
    keep_fixture_crash(fixture);
    pack = only_pack(fixture, ".pack");
    behind = keep_damage_save_database(fixture, "catalog.sqlite");
    open_pack = keep_damage_read(pack);
    keep_fixture_open(fixture);
    keep_fixture_crash(fixture);
    /* The pack was sealed off, the catalog's transaction was not. */
    keep_damage_restore_database(fixture, "catalog.sqlite", &behind);
    keep_fixture_open(fixture);
    assert_whole(fixture, 2);
    keep_fixture_crash(fixture);
    /* The catalog knows all, the trailer never reached the disk. */
    keep_damage_write(pack, open_pack->data, open_pack->len);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            everything_is_catalogued_after_a_crash_whatever_became_of_the_catalog, begin),
        cmocka_unit_test_setup(damaged_keyring_is_not_taken_for_a_damaged_catalog, begin),
        cmocka_unit_test_setup(orphan_stream_pack_is_removed_and_named_ones_stay, begin),
        cmocka_unit_test_setup(damaged_stream_pack_is_kept_and_named, begin),
        cmocka_unit_test_setup(stream_pack_is_kept_while_the_pack_that_may_name_it_is_missing,
                               begin),
        cmocka_unit_test_setup(torn_tail_is_cut_and_the_pack_sealed_before_the_next_begins, begin),
        cmocka_unit_test_setup(group_whose_ciphertext_never_reached_the_disk_does_not_show, begin),
        cmocka_unit_test_setup(acknowledged_bytes_that_are_damaged_are_reported_and_passed_over,
                               begin),
        cmocka_unit_test_setup(pack_shorter_than_catalogued_is_reported_and_left_as_it_is, begin),
        cmocka_unit_test_setup(pack_without_a_header_is_kept_and_new_mail_is_taken, begin),
        cmocka_unit_test_setup(each_cut_of_the_pack_leaves_whole_groups_only, begin),
        cmocka_unit_test_setup(recovery_that_is_broken_off_is_done_again, begin),
    };

    findings = g_ptr_array_new_with_free_func(g_free);
    g_log_set_writer_func(note_log, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
