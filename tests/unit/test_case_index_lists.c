/* The parts below the case index: numbers as bits, lists and how one finds one's way in them, the
 * dictionary; and a writer with many threads. */
#include "tests/unit/case_index_world.h"

#include "search/index/dictionary.h"
#include "search/index/id_table.h"

#include <sys/mman.h>

static int memory_file(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* ---- bits ------------------------------------------------------------------------------------ */

static void numbers_are_read_as_they_were_written(void **state)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint64 random = 1;
    SearchBitWriter writer;
    SearchBitReader reader;
    guint32 values[5000];
    guint ks[5000];

    search_bits_begin(&writer, bytes);
    for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
        ks[i] = (guint)(next_random(&random) % 32);
        values[i] = (guint32)(next_random(&random) >> (32 + next_random(&random) % 32));
        search_bits_put(&writer, i % 8, 3);
        search_bits_put_rice(&writer, values[i], ks[i]);
    }
    search_bits_end(&writer);
    search_bits_read_begin(&reader, bytes->data, bytes->len);
    for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
        assert_int_equal(search_bits_read(&reader, 3), i % 8);
        assert_int_equal(search_bits_read_rice(&reader, ks[i]), values[i]);
    }
    assert_false(reader.failed);
    assert_int_equal(search_bits_read(&reader, 16), 0);
    assert_true(reader.failed);
}

static void a_varint_has_64_bits_at_most(void **state)
{
    static const guint8 too_long[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 1};
    const guint64 values[] = {0, 1, 127, 128, 300, G_MAXUINT32, G_MAXUINT64};

    for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        const guint8 *next;
        guint64 value;

        search_varint_append(bytes, values[i]);
        next = bytes->data;
        assert_true(search_varint_read(&next, bytes->data + bytes->len, &value));
        assert_int_equal(value, values[i]);
        next = bytes->data;
        assert_false(search_varint_read(&next, bytes->data + bytes->len - 1, &value));
    }
    const guint8 *next = too_long;
    guint64 value;
    assert_false(search_varint_read(&next, too_long + sizeof too_long, &value));
}

/* ---- lists ----------------------------------------------------------------------------------- */

#define DOCUMENTS 200000

typedef struct {
    GArray *documents;    /* guint32 */
    GPtrArray *positions; /* GArray of guint32, of each */
} ModelList;

static ModelList random_list(guint count, guint gap, guint64 *random)
{
    ModelList list = {.documents = g_array_new(FALSE, FALSE, sizeof(guint32)),
                      .positions = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref)};
    guint32 document = 0;

    for (guint i = 0; i < count; i++) {
        GArray *positions = g_array_new(FALSE, FALSE, sizeof(guint32));
        guint64 frequency = 1 + (next_random(random) % 50 == 0 ? next_random(random) % 900 : 0);
        guint32 position = 0;

        document += 1 + (guint32)(next_random(random) % gap);
        g_array_append_val(list.documents, document);
        for (guint64 n = 0; n < frequency; n++) {
            position += 1 + (guint32)(next_random(random) % (n % 20 == 0 ? 3000000 : 9));
            g_array_append_val(positions, position);
        }
        g_ptr_array_add(list.positions, positions);
    }
    return list;
}

static void clear_list(ModelList *list)
{
    g_array_unref(list->documents);
    g_ptr_array_unref(list->positions);
}

static SearchListPlace write_list(SearchListWriter *writer, const ModelList *list)
{
    SearchListPlace place;

    for (guint i = 0; i < list->documents->len; i++) {
        const GArray *positions = g_ptr_array_index(list->positions, i);

        assert_true(search_list_writer_add(writer, g_array_index(list->documents, guint32, i),
                                           (const guint32 *)(void *)positions->data, positions->len,
                                           NULL));
    }
    assert_true(search_list_writer_end(writer, &place, NULL));
    return place;
}

/* Seeks as queries do, now near and now far, and looks at some positions. */
static void check_list(SearchBlocks *blocks, const SearchListPlace *place, const ModelList *model,
                       guint64 *random, guint step)
{
    g_autoptr(SearchList) list = search_list_open(blocks, place, DOCUMENTS, NULL);
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(guint32));
    guint at = 0;

    assert_non_null(list);
    for (guint32 target = 0; target < DOCUMENTS;
         target += 1 + (guint32)(next_random(random) % step)) {
        guint32 document;

        while (at < model->documents->len && g_array_index(model->documents, guint32, at) < target)
            at++;
        assert_true(search_list_seek(list, target, &document, NULL));
        if (at == model->documents->len) {
            assert_int_equal(document, SEARCH_NO_DOCUMENT);
            return;
        }
        const GArray *wanted = g_ptr_array_index(model->positions, at);
        assert_int_equal(document, g_array_index(model->documents, guint32, at));
        assert_int_equal(search_list_frequency(list), wanted->len);
        target = document;
        if (next_random(random) % 2 == 0) {
            g_array_set_size(positions, 0);
            assert_true(search_list_positions(list, positions, NULL));
            assert_int_equal(positions->len, wanted->len);
            assert_memory_equal(positions->data, wanted->data, wanted->len * sizeof(guint32));
        }
    }
}

static void lists_are_found_through_as_they_were_written(void **state)
{
    static const guint shapes[][2] = {{1, 9},   {1, 190000}, {127, 3},   {128, 1},
                                      {129, 1}, {1000, 150}, {9000, 20}, {256, 700}};
    ModelList models[G_N_ELEMENTS(shapes)];
    SearchListPlace places[G_N_ELEMENTS(shapes)];
    int fd = memory_file();
    SearchBlockWriter *file = search_block_writer_begin(fd, "test", &index_key, NULL);
    SearchListWriter *writer = search_list_writer_new(file);
    guint64 random = 3;

    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
        models[i] = random_list(shapes[i][0], shapes[i][1], &random);
        places[i] = write_list(writer, &models[i]);
    }
    assert_true(search_block_writer_finish(file, "", 0, NULL));
    search_list_writer_free(writer);
    search_block_writer_free(file);
    g_autoptr(SearchBlocks) blocks = search_blocks_open(fd, "test", &index_key, NULL);
    search_blocks_limit_held(blocks, 3);
    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
        for (guint step = 1; step < DOCUMENTS; step *= 12)
            check_list(blocks, &places[i], &models[i], &random, step);
        clear_list(&models[i]);
    }
    assert_true(search_blocks_held_count(blocks) <= 3);
}

/* What the table is for: of a long list a reader opens the blocks of the table and of the chunk. */
static void a_far_document_is_found_in_few_blocks(void **state)
{
    int fd = memory_file();
    SearchBlockWriter *file = search_block_writer_begin(fd, "test", &index_key, NULL);
    SearchListWriter *writer = search_list_writer_new(file);
    guint32 document, position = 7;
    SearchListPlace place;

    for (document = 0; document < DOCUMENTS; document += 2)
        assert_true(search_list_writer_add(writer, document, &position, 1, NULL));
    assert_true(search_list_writer_end(writer, &place, NULL));
    assert_true(search_block_writer_finish(file, "", 0, NULL));
    search_list_writer_free(writer);
    search_block_writer_free(file);
    g_autoptr(SearchBlocks) blocks = search_blocks_open(fd, "test", &index_key, NULL);
    g_autoptr(SearchList) list = search_list_open(blocks, &place, DOCUMENTS, NULL);
    assert_true(search_list_seek(list, 150001, &document, NULL));
    assert_int_equal(document, 150002);
    assert_true(search_blocks_len(blocks, SEARCH_SECTION_POSTINGS) > 3 * SEARCH_BLOCK_LEN);
    assert_true(search_blocks_held_count(blocks) <= 3);
}

/* ---- the dictionary -------------------------------------------------------------------------- */

static void terms_are_found_where_they_were_put(void **state)
{
    int fd = memory_file();
    SearchBlockWriter *file = search_block_writer_begin(fd, "test", &index_key, NULL);
    SearchListWriter *lists = search_list_writer_new(file);
    SearchDictionaryWriter *writer = search_dictionary_writer_new(file);
    SearchDictionaryCursor cursor;
    gboolean is_end;

    for (guint i = 0; i < 20000; i++) {
        guint32 position = i;
        SearchEntry entry = {.field = 1 + i % 9};

        entry.len = (gsize)g_snprintf(entry.term, sizeof entry.term, "%06u", i / 9 * 2);
        assert_true(search_list_writer_add(lists, i, &position, 1, NULL));
        assert_true(search_list_writer_end(lists, &entry.list, NULL));
        assert_true(search_dictionary_writer_add(writer, &entry, NULL));
    }
    assert_true(search_dictionary_writer_finish(writer, NULL));
    assert_true(search_block_writer_finish(file, "", 0, NULL));
    search_dictionary_writer_free(writer);
    search_list_writer_free(lists);
    search_block_writer_free(file);
    g_autoptr(SearchBlocks) blocks = search_blocks_open(fd, "test", &index_key, NULL);
    g_autoptr(SearchDictionary) dictionary = search_dictionary_open(blocks, NULL);
    for (guint i = 0; i < 20000; i += 9) {
        g_autofree char *before = g_strdup_printf("%06u", i / 9 * 2 - (i > 0));

        assert_true(search_dictionary_seek(dictionary, before, 6, &cursor, &is_end, NULL));
        for (guint field = 1; field <= 9 && i + field <= 20000; field++) {
            g_autofree char *wanted = g_strdup_printf("%06u", i / 9 * 2);
            g_autoptr(SearchList) list = search_list_open(blocks, &cursor.entry.list, 20000, NULL);
            guint32 document;

            assert_false(is_end);
            assert_memory_equal(cursor.entry.term, wanted, 6);
            assert_int_equal(cursor.entry.field, field);
            assert_true(search_list_seek(list, 0, &document, NULL));
            assert_int_equal(document, i + field - 1);
            assert_true(search_dictionary_next(&cursor, &is_end, NULL));
        }
    }
    assert_true(search_dictionary_seek(dictionary, "zz", 2, &cursor, &is_end, NULL));
    assert_true(is_end);
}

static void ids_are_told_apart(void **state)
{
    g_autoptr(SearchIdTable) table = search_id_table_new(0);
    guint64 random = 5;
    RecordId id;
    guint32 number;

    for (guint32 i = 0; i < 20000; i++) {
        random_id(&id, &random);
        assert_true(search_id_table_add(table, &id, i));
        assert_false(search_id_table_add(table, &id, i + 1));
    }
    random = 5;
    for (guint32 i = 0; i < 20000; i++) {
        random_id(&id, &random);
        assert_true(search_id_table_find(table, &id, &number));
        assert_int_equal(number, i);
    }
    random_id(&id, &random);
    assert_false(search_id_table_find(table, &id, &number));
}

/* ---- threads --------------------------------------------------------------------------------- */

typedef struct {
    const World *world;
    SearchIndexWriter *writer;
    guint first;
} Share;

/* Every thread gives every second message; of each message so two threads give all copies. */
static gpointer add_share(gpointer user)
{
    const Share *share = user;
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();

    for (guint i = share->first % 2; i < share->world->messages->len; i += 2) {
        const ModelMessage *message = message_at(share->world, i);
        g_autoptr(IngestTerms) terms =
            ingest_terms_parse(message->bytes->data, message->bytes->len, splitter, NULL);

        for (guint n = 0; n < message->copies->len; n++)
            g_assert(search_index_writer_add(share->writer, copy_of(message, n), terms, NULL));
    }
    return NULL;
}

static void threads_that_add_the_same_add_it_once(void **state)
{
    g_auto(World) world = make_world(200, 17);
    g_autoptr(SearchIndexWriter) writer = search_index_writer_begin(world.folder, &index_key, NULL);
    Share shares[4];
    GThread *threads[4];

    search_index_writer_tune(writer, &(SearchIndexTuning){.memory_len_max = 3u << 20});
    for (guint i = 0; i < G_N_ELEMENTS(shares); i++) {
        shares[i] = (Share){.world = &world, .writer = writer, .first = i};
        threads[i] = g_thread_new("add", add_share, &shares[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(shares); i++)
        g_thread_join(threads[i]);
    assert_true(search_index_writer_commit(writer, "", 0, NULL));
    reopen(&world);
    assert_int_equal(search_index_document_count(world.index), 200);
    for (guint32 document = 0; document < 200; document++) {
        g_autoptr(GArray) copies = search_index_copies(world.index, document, NULL);
        gboolean is_known = FALSE;

        for (guint i = 0; i < world.messages->len; i++)
            is_known |= VAULT_ID_EQUAL(copy_of(message_at(&world, i), 0)->body_id,
                                       g_array_index(copies, SearchCopy, 0).body_id) &&
                        message_at(&world, i)->copies->len == copies->len;
        assert_true(is_known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_they_were_written),
        cmocka_unit_test(a_varint_has_64_bits_at_most),
        cmocka_unit_test(lists_are_found_through_as_they_were_written),
        cmocka_unit_test(a_far_document_is_found_in_few_blocks),
        cmocka_unit_test(terms_are_found_where_they_were_put),
        cmocka_unit_test(ids_are_told_apart),
        cmocka_unit_test(threads_that_add_the_same_add_it_once),
    };

    return run_crypto_tests(tests);
}
