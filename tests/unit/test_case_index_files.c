/* The files of the case index: other keys, damage, missing and left-over files, failing calls. */
#include "tests/unit/case_index_world.h"
#include "tests/unit/failing_calls.h"

#include "search/index/blocks_internal.h"
#include "search/index/folder.h"
#include "search/index/index_internal.h"
#include "vault/base/bytes.h"

#include <fcntl.h>

static char *path_of(const World *world, const char *name)
{
    return g_build_filename(world->folder, name, NULL);
}

static GByteArray *load(const World *world, const char *name)
{
    g_autofree char *path = path_of(world, name);
    char *bytes;
    gsize len;

    assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    return g_byte_array_new_take((guint8 *)bytes, len);
}

static void store(const World *world, const char *name, const guint8 *bytes, gsize len)
{
    g_autofree char *path = path_of(world, name);

    assert_true(g_file_set_contents(path, (const char *)bytes, (gssize)len, NULL));
}

static gboolean is_there(const World *world, const char *name)
{
    g_autofree char *path = path_of(world, name);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Opens the index and every block of it. */
static gboolean read_all(const World *world, const SearchIndexKey *key, GError **error)
{
    g_autoptr(SearchIndex) index = search_index_open(world->folder, key, error);

    for (guint i = 0; index != NULL && i < index->segments->len; i++) {
        SearchBlocks *blocks = ((SearchSegment *)g_ptr_array_index(index->segments, i))->blocks;

        for (guint section = 1; section < SEARCH_SECTIONS_END; section++)
            for (guint64 n = 0; n < search_block_count(search_blocks_len(blocks, section)); n++) {
                gsize len;

                if (search_blocks_peek(blocks, section, n, &len, error) == NULL)
                    return FALSE;
            }
    }
    return index != NULL;
}

static void assert_fails(const World *world, const SearchIndexKey *key, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_false(read_all(world, key, &error));
    assert_error(error, code);
}

static World indexed_world(guint64 seed, guint scans)
{
    World world = make_world(30, seed);
    guint64 random = seed;

    for (guint i = 0; i < scans; i++)
        scan(&world, &random, 20, NULL);
    return world;
}

/* ---- keys and damage ------------------------------------------------------------------------- */

static void another_key_is_told_from_damage(void **state)
{
    g_auto(World) world = indexed_world(1, 1);
    g_autoptr(GError) error = NULL;

    assert_true(read_all(&world, &index_key, NULL));
    assert_fails(&world, &other_index_key, VAULT_ERROR_NO_KEY);
    assert_null(search_index_writer_begin(world.folder, &other_index_key, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
}

static void check_flip(const World *world, GByteArray *file, gsize at)
{
    file->data[at] ^= 1;
    store(world, "1.segment", file->data, file->len);
    assert_fails(world, &index_key, VAULT_ERROR_CORRUPT);
    file->data[at] ^= 1;
}

static void a_changed_byte_is_found_in_every_block(void **state)
{
    g_auto(World) world = indexed_world(2, 1);
    g_autoptr(GByteArray) file = load(&world, "1.segment");

    for (gsize at = 0; at < SEARCH_HEADER_LEN; at++)
        check_flip(&world, file, at);
    for (gsize at = SEARCH_HEADER_LEN; at < file->len; at += SEARCH_BLOCK_LEN) {
        check_flip(&world, file, at);
        check_flip(&world, file, at + at / SEARCH_BLOCK_LEN * 97 % SEARCH_BLOCK_LEN);
        check_flip(&world, file, at + SEARCH_BLOCK_LEN - 1);
    }
}

static void a_cut_or_swapped_or_longer_file_is_corrupt(void **state)
{
    g_auto(World) world = indexed_world(3, 1);
    g_autoptr(GByteArray) file = load(&world, "1.segment");
    g_autofree guint8 *swapped = g_memdup2(file->data, file->len);

    for (gsize len = 0; len < file->len; len += len < SEARCH_HEADER_LEN ? 1 : 4096) {
        store(&world, "1.segment", file->data, len);
        assert_fails(&world, &index_key, VAULT_ERROR_CORRUPT);
    }
    memcpy(swapped + SEARCH_HEADER_LEN, file->data + SEARCH_HEADER_LEN + SEARCH_BLOCK_LEN,
           SEARCH_BLOCK_LEN);
    memcpy(swapped + SEARCH_HEADER_LEN + SEARCH_BLOCK_LEN, file->data + SEARCH_HEADER_LEN,
           SEARCH_BLOCK_LEN);
    store(&world, "1.segment", swapped, file->len);
    assert_fails(&world, &index_key, VAULT_ERROR_CORRUPT);
    g_byte_array_set_size(file, file->len + SEARCH_BLOCK_LEN);
    memset(file->data + file->len - SEARCH_BLOCK_LEN, 0, SEARCH_BLOCK_LEN);
    store(&world, "1.segment", file->data, file->len);
    assert_fails(&world, &index_key, VAULT_ERROR_CORRUPT);
}

static void another_version_is_not_read(void **state)
{
    g_auto(World) world = indexed_world(4, 1);
    g_autoptr(GByteArray) file = load(&world, "1.segment");

    vault_bytes_put_u16(file->data + 4, SEARCH_VERSION + 1);
    vault_bytes_put_u32(file->data + SEARCH_HEADER_LEN - 4,
                        vault_crc32c(0, file->data, SEARCH_HEADER_LEN - 4));
    store(&world, "1.segment", file->data, file->len);
    assert_fails(&world, &index_key, VAULT_ERROR_UNSUPPORTED);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* A first segment, and forty messages that are not in it. */
static World half_indexed(void)
{
    World world = make_world(200, 5);
    g_autoptr(SearchIndexWriter) writer = search_index_writer_begin(world.folder, &index_key, NULL);

    for (guint i = 0; i < 160; i++)
        index_copy(writer, message_at(&world, i), world.splitter);
    assert_true(search_index_writer_commit(writer, "", 0, NULL));
    return world;
}

static void index_one(World *world, guint number, guint merge_ratio)
{
    g_autoptr(SearchIndexWriter) writer =
        search_index_writer_begin(world->folder, &index_key, NULL);

    search_index_writer_tune(
        writer, &(SearchIndexTuning){.memory_len_max = 1u << 20, .merge_ratio = merge_ratio});
    index_copy(writer, message_at(world, number), world->splitter);
    assert_true(search_index_writer_commit(writer, &number, sizeof number, NULL));
}

static void a_replaced_file_that_is_still_there_is_passed_over_and_removed(void **state)
{
    g_auto(World) world = half_indexed();
    g_autoptr(GByteArray) replaced = NULL;
    guint count;

    index_one(&world, 170, 0);
    replaced = load(&world, "2.segment");
    index_one(&world, 171, 1000);
    assert_false(is_there(&world, "2.segment"));
    reopen(&world);
    count = search_index_document_count(world.index);
    store(&world, "2.segment", replaced->data, replaced->len);
    reopen(&world);
    assert_int_equal(search_index_document_count(world.index), count);
    store(&world, "draft-ABCDEF", (const guint8 *)"torn", 4);
    index_one(&world, 172, 0);
    assert_false(is_there(&world, "2.segment"));
    assert_false(is_there(&world, "draft-ABCDEF"));
    reopen(&world);
    assert_int_equal(search_index_document_count(world.index), count + 1);
}

static void a_missing_or_renamed_segment_is_found(void **state)
{
    g_auto(World) world = half_indexed();
    g_autoptr(GByteArray) first = load(&world, "1.segment"), second = NULL;
    g_autofree char *first_path = path_of(&world, "1.segment");
    g_autofree char *second_path = path_of(&world, "2.segment");
    guint count;

    reopen(&world);
    count = search_index_document_count(world.index);
    index_one(&world, 170, 0);
    second = load(&world, "2.segment");
    g_unlink(first_path);
    assert_fails(&world, &index_key, VAULT_ERROR_CORRUPT);
    store(&world, "1.segment", second->data, second->len);
    assert_fails(&world, &index_key, VAULT_ERROR_CORRUPT);
    store(&world, "1.segment", first->data, first->len);
    assert_true(read_all(&world, &index_key, NULL));
    g_unlink(second_path);
    reopen(&world);
    assert_int_equal(search_index_document_count(world.index), count);
}

static void no_folder_is_an_index_of_nothing(void **state)
{
    g_autoptr(SearchIndex) index = search_index_open("/nowhere/at/all", &index_key, NULL);
    g_autoptr(GBytes) position = NULL;

    assert_non_null(index);
    assert_int_equal(search_index_document_count(index), 0);
    position = search_index_position(index);
    assert_int_equal(g_bytes_get_size(position), 0);
}

static void one_writer_at_a_time(void **state)
{
    g_auto(World) world = indexed_world(6, 1);
    g_autoptr(SearchIndexWriter) writer = search_index_writer_begin(world.folder, &index_key, NULL);
    g_autoptr(GError) error = NULL;

    assert_null(search_index_writer_begin(world.folder, &index_key, &error));
    assert_error(error, VAULT_ERROR_BUSY);
}

static void many_small_scans_leave_few_files(void **state)
{
    g_auto(World) world = make_world(100, 7);

    for (guint i = 0; i < 100; i++)
        index_one(&world, i, 4);
    reopen(&world);
    assert_int_equal(search_index_document_count(world.index), 100);
    assert_true(world.index->segments->len <= 6);
}

static void a_copy_without_its_message_is_new_the_next_time(void **state)
{
    g_auto(World) world = make_world(2, 8);
    g_autoptr(SearchIndexWriter) writer = search_index_writer_begin(world.folder, &index_key, NULL);

    assert_true(search_index_writer_add(writer, copy_of(message_at(&world, 0), 0), NULL, NULL));
    index_copy(writer, message_at(&world, 1), world.splitter);
    assert_true(search_index_writer_commit(writer, "", 0, NULL));
    reopen(&world);
    assert_true(search_index_load_ids(world.index, NULL));
    assert_false(search_index_has_copy(world.index, &copy_of(message_at(&world, 0), 0)->terms_id));
    assert_true(search_index_has_copy(world.index, &copy_of(message_at(&world, 1), 0)->terms_id));
}

static void what_was_not_committed_leaves_nothing(void **state)
{
    g_auto(World) world = make_world(40, 9);
    SearchIndexWriter *writer = search_index_writer_begin(world.folder, &index_key, NULL);
    g_autoptr(GDir) folder = NULL;

    search_index_writer_tune(writer, &(SearchIndexTuning){.memory_len_max = 1});
    for (guint i = 0; i < 40; i++)
        index_copy(writer, message_at(&world, i), world.splitter);
    search_index_writer_free(writer);
    folder = g_dir_open(world.folder, 0, NULL);
    assert_string_equal(g_dir_read_name(folder), "lock");
    assert_null(g_dir_read_name(folder));
}

/* ---- calls that fail ------------------------------------------------------------------------- */

/* FALSE, with its error, when the armed call failed within. */
static gboolean try_scan(World *world, int nth, int number, GError **error)
{
    g_autoptr(SearchIndexWriter) writer = NULL;
    gboolean is_done = TRUE;

    arm(nth, number);
    writer = search_index_writer_begin(world->folder, &index_key, error);
    if (writer != NULL)
        search_index_writer_tune(writer, &(SearchIndexTuning){.memory_len_max = 1});
    for (guint i = 0; writer != NULL && is_done && i < world->messages->len; i++) {
        const GByteArray *bytes = message_at(world, i)->bytes;
        g_autoptr(IngestTerms) terms =
            ingest_terms_parse(bytes->data, bytes->len, world->splitter, NULL);

        is_done = search_index_writer_add(writer, copy_of(message_at(world, i), 0), terms, error);
    }
    is_done = writer != NULL && is_done && search_index_writer_commit(writer, "", 0, error);
    disarm();
    return is_done;
}

static void check_failing_calls(int number, VaultErrorCode code)
{
    g_auto(World) world = make_world(40, 10);
    guint failures = 0;

    for (int nth = 0;; nth++) {
        g_autoptr(GError) error = NULL;
        gboolean is_done = try_scan(&world, nth, number, &error);

        if (!has_failed)
            break;
        failures++;
        reopen(&world);
        /* The last call that can fail comes after the segment has its name. */
        if (is_done || search_index_document_count(world.index) > 0)
            break;
        assert_error(error, code);
    }
    assert_true(failures > 10);
    reopen(&world);
    assert_int_equal(search_index_document_count(world.index), 40);
}

static void each_failing_call_leaves_the_index_as_it_was(void **state)
{
    check_failing_calls(ENOSPC, VAULT_ERROR_NO_SPACE);
    check_failing_calls(EIO, VAULT_ERROR_IO);
}

static void the_longest_text_of_a_summary_loses_its_last_character(void **state)
{
    static const struct {
        const char *character;
        gsize kept_len;
    } cases[] = {{"x", G_MAXUINT16}, {"é", G_MAXUINT16 - 1}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(IngestSummary) summary = ingest_summary_new();
        g_autoptr(IngestSummary) read = NULL;
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GString) to = g_string_new(NULL);

        while (to->len < INGEST_SUMMARY_TEXT_LEN_MAX)
            g_string_append(to, cases[i].character);
        summary->to = g_strdup(to->str);
        search_summary_format(summary, bytes);
        read = search_summary_parse(bytes->data, bytes->len, NULL);
        assert_non_null(read);
        assert_int_equal(strlen(read->to), cases[i].kept_len);
        assert_true(g_str_has_prefix(summary->to, read->to));
    }
}

static void a_document_that_is_not_there_has_no_summary_and_no_copies(void **state)
{
    g_auto(World) world = indexed_world(11, 1);
    g_autoptr(GError) error = NULL;
    guint32 count;

    reopen(&world);
    count = search_index_document_count(world.index);
    assert_null(search_index_summary(world.index, count, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
    g_clear_error(&error);
    assert_null(search_index_copies(world.index, count, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_key_is_told_from_damage),
        cmocka_unit_test(a_changed_byte_is_found_in_every_block),
        cmocka_unit_test(a_cut_or_swapped_or_longer_file_is_corrupt),
        cmocka_unit_test(another_version_is_not_read),
        cmocka_unit_test(a_replaced_file_that_is_still_there_is_passed_over_and_removed),
        cmocka_unit_test(a_missing_or_renamed_segment_is_found),
        cmocka_unit_test(no_folder_is_an_index_of_nothing),
        cmocka_unit_test(one_writer_at_a_time),
        cmocka_unit_test(many_small_scans_leave_few_files),
        cmocka_unit_test(a_copy_without_its_message_is_new_the_next_time),
        cmocka_unit_test(what_was_not_committed_leaves_nothing),
        cmocka_unit_test(each_failing_call_leaves_the_index_as_it_was),
        cmocka_unit_test(the_longest_text_of_a_summary_loses_its_last_character),
        cmocka_unit_test(a_document_that_is_not_there_has_no_summary_and_no_copies),
    };

    return run_crypto_tests(tests);
}
