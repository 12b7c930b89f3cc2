/* Builders: what two collected and one absorbed is written as if one had collected all. */
#include "tests/unit/case_index_world.h"

#include "search/index/blocks_internal.h"
#include "search/index/builder.h"
#include "search/index/segment.h"

#include <fcntl.h>

static void add(SearchBuilder *builder, const World *world, guint from, guint step)
{
    for (guint i = from; i < world->messages->len; i += step) {
        const GByteArray *bytes = message_at(world, i)->bytes;
        const SearchCopy *copy = copy_of(message_at(world, i), 0);
        g_autoptr(IngestTerms) terms =
            ingest_terms_parse(bytes->data, bytes->len, world->splitter, NULL);

        search_builder_add(builder, &copy->body_id, copy->received_s, terms);
    }
}

static SearchSegment *write_segment(const World *world, SearchBuilder *builder, const char *name)
{
    g_autofree char *path = g_build_filename(world->folder, name, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    g_autoptr(SearchSegmentWriter) writer = search_segment_writer_begin(fd, path, &index_key, NULL);
    SearchFacts facts = {.number = 1};
    SearchSegment *segment;

    assert_non_null(writer);
    assert_true(search_builder_write(builder, NULL, writer, NULL));
    assert_true(search_segment_writer_finish(writer, &facts, NULL));
    segment = search_segment_open(fd, path, &index_key, NULL);
    assert_non_null(segment);
    return segment;
}

static void assert_same_section(SearchBlocks *a, SearchBlocks *b, guint section)
{
    assert_int_equal(search_blocks_len(a, section), search_blocks_len(b, section));
    for (guint64 n = 0; n < search_block_count(search_blocks_len(a, section)); n++) {
        gsize len, same_len;
        const guint8 *block = search_blocks_peek(a, section, n, &len, NULL);
        const guint8 *same = search_blocks_peek(b, section, n, &same_len, NULL);

        assert_int_equal(len, same_len);
        assert_memory_equal(block, same, len);
    }
}

static void what_was_absorbed_is_written_as_if_collected_by_one(void **state)
{
    g_auto(World) world = make_world(150, 23);
    g_autoptr(SearchBuilder) one = search_builder_new(), all = search_builder_new();
    SearchBuilder *others[] = {search_builder_new(), search_builder_new()};
    g_autoptr(SearchSegment) expected = NULL, found = NULL;

    add(one, &world, 0, 1);
    add(all, &world, 0, 3);
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        add(others[i], &world, 1 + i, 3);
        search_builder_absorb(all, others[i]);
    }
    assert_int_equal(search_builder_document_count(all), 150);
    expected = write_segment(&world, one, "one");
    found = write_segment(&world, all, "all");
    assert_int_equal(found->facts.document_count, 150);
    for (guint section = 1; section < SEARCH_SECTIONS_END; section++)
        assert_same_section(expected->blocks, found->blocks, section);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_absorbed_is_written_as_if_collected_by_one),
    };

    return run_crypto_tests(tests);
}
