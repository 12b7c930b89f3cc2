#include "tests/support/pack_fixture.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREAD_COUNT 64
#define COMMITS_PER_THREAD 8

/* What the writer told of durable groups, in order. */
typedef struct {
    guint group_count;
    guint record_count;
    GPtrArray *ids;
} Told;

static void tell(GPtrArray *records, gpointer user)
{
    Told *told = user;

    told->group_count++;
    told->record_count += records->len;
    for (guint i = 0; told->ids != NULL && i < records->len; i++) {
        const VaultRecord *record = g_ptr_array_index(records, i);

        /* The place is known by now. */
        g_assert_cmpuint(record->place.offset, >=, VAULT_PACK_HEADER_LEN);
        g_ptr_array_add(told->ids, g_memdup2(&record->record_id, VAULT_ID_LEN));
    }
}

static void assert_all_present(const PackFixture *fixture, GPtrArray *delivery)
{
    g_autoptr(PackFindings) findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);

    assert_int_equal(pack_findings_presence(findings, delivery), PACK_ALL);
}

static void no_file_is_made_before_the_first_commit(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) files = NULL;

    assert_true(vault_pack_writer_close(writer, NULL));
    files = pack_fixture_files(fixture, "");
    assert_int_equal(files->len, 0);
}

static void a_committed_delivery_is_found_and_fetched_byte_for_byte(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) delivery = pack_fixture_delivery(fixture, 5000, 3);
    g_autoptr(VaultPackSet) set = vault_pack_set_open(fixture->directory, &fixture->vault_id, NULL);

    assert_true(vault_pack_writer_commit(writer, delivery, NULL));
    /* Before any close: this is what a crash would leave. */
    assert_all_present(fixture, delivery);
    for (guint i = 0; i < delivery->len; i++) {
        const VaultRecord *record = g_ptr_array_index(delivery, i);
        g_autoptr(GBytes) bytes = vault_pack_set_fetch(set, &record->place, 1u << 20, NULL);

        assert_non_null(bytes);
        assert_true(g_bytes_equal(bytes, record->bytes));
    }
    assert_true(vault_pack_writer_close(writer, NULL));
    assert_all_present(fixture, delivery);
}

static void closing_writes_a_trailer_and_refuses_later_commits(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) delivery = pack_fixture_delivery(fixture, 100, 1);
    g_autoptr(PackFindings) findings = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(vault_pack_writer_commit(writer, delivery, NULL));
    assert_true(vault_pack_writer_close(writer, NULL));
    findings = pack_fixture_recover(fixture, VAULT_SCAN_HEADERS);
    assert_int_equal(findings->trailer_count, 1);
    assert_int_equal(findings->torn_count, 0);
    assert_false(vault_pack_writer_commit(writer, delivery, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY));
}

static void durable_groups_are_told_in_the_order_of_the_records(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    Told told = {.ids = g_ptr_array_new_with_free_func(g_free)};
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = NULL;
    g_autoptr(GPtrArray) first = pack_fixture_delivery(fixture, 100, 1);
    g_autoptr(GPtrArray) second = pack_fixture_delivery(fixture, 100, 1);
    const VaultRecord *record = g_ptr_array_index(second, 1);

    options.committed = tell;
    options.user = &told;
    writer = vault_pack_writer_new(&options);
    assert_true(vault_pack_writer_commit(writer, first, NULL));
    assert_true(vault_pack_writer_commit(writer, second, NULL));
    assert_int_equal(told.group_count, 2);
    assert_int_equal(told.record_count, 4);
    assert_memory_equal(g_ptr_array_index(told.ids, 3), &record->record_id, VAULT_ID_LEN);
    g_ptr_array_unref(told.ids);
}

static void a_full_pack_is_closed_and_its_successor_names_it_and_its_end(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = NULL;
    g_autoptr(GPtrArray) paths = NULL;
    VaultPackHeader before = {0};

    options.pack_size = 10000;
    writer = vault_pack_writer_new(&options);
    for (int i = 0; i < 9; i++) {
        g_autoptr(GPtrArray) delivery = pack_fixture_delivery(fixture, 2500, 1);

        assert_true(vault_pack_writer_commit(writer, delivery, NULL));
    }
    paths = pack_fixture_files(fixture, ".pack");
    assert_int_equal(paths->len, 3);
    for (guint i = 0; i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);
        g_autoptr(PackFindings) findings = pack_fixture_scan(fixture, path, VAULT_SCAN_CIPHERTEXTS);
        VaultPackHeader header;
        g_autoptr(VaultPackScan) scan =
            vault_pack_scan_open(path, &fixture->vault_id, VAULT_SCAN_HEADERS, &header, NULL);

        assert_int_equal(header.sequence, i + 1);
        assert_int_equal(findings->group_count, 3);
        assert_int_equal(findings->trailer_count, i < 2 ? 1 : 0);
        assert_true(VAULT_ID_EQUAL(header.predecessor, before.pack_id));
        assert_int_equal(header.predecessor_end,
                         i == 0 ? 0 : 128 + 3 * (2500 + 156 + 272 + 136 + 140));
        before = header;
    }
}

static void a_delivery_longer_than_a_pack_is_stored_whole_in_one(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = NULL;
    g_autoptr(GPtrArray) small = pack_fixture_delivery(fixture, 100, 1);
    g_autoptr(GPtrArray) large = pack_fixture_delivery(fixture, 20000, 2);
    const VaultRecord *first = g_ptr_array_index(large, 0);
    const VaultRecord *last = g_ptr_array_index(large, 2);

    options.pack_size = 4096;
    writer = vault_pack_writer_new(&options);
    assert_true(vault_pack_writer_commit(writer, small, NULL));
    assert_true(vault_pack_writer_commit(writer, large, NULL));
    assert_true(VAULT_ID_EQUAL(first->place.pack_id, last->place.pack_id));
    assert_all_present(fixture, large);
}

static void more_records_than_a_group_takes_are_too_large(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) delivery = g_ptr_array_new();
    g_autoptr(VaultRecord) record = pack_fixture_record(fixture, VAULT_RECORD_EVENT, 0);
    g_autoptr(PackFindings) findings = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < VAULT_GROUP_RECORDS_MAX; i++)
        g_ptr_array_add(delivery, record);
    assert_true(vault_pack_writer_commit(writer, delivery, NULL));
    g_ptr_array_add(delivery, record);
    assert_false(vault_pack_writer_commit(writer, delivery, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
    findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(findings->group_count, 1);
}

static void a_record_that_differs_from_its_header_is_refused_alone(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) good = pack_fixture_delivery(fixture, 100, 1);
    g_autoptr(GPtrArray) bad = pack_fixture_delivery(fixture, 100, 1);
    VaultRecord *record = g_ptr_array_index(bad, 1);
    g_autoptr(GError) error = NULL;

    record->kind = VAULT_RECORD_ADDENDUM;
    assert_false(vault_pack_writer_commit(writer, bad, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
    assert_true(vault_pack_writer_commit(writer, good, NULL));
    assert_all_present(fixture, good);
}

static void drafts_that_a_crash_left_are_removed(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autofree char *draft = g_build_filename(fixture->directory, "x.stream.draft", NULL);
    g_autofree char *other = g_build_filename(fixture->directory, "x.stream", NULL);
    g_autoptr(VaultPackWriter) writer = NULL;

    pack_fixture_write(draft, (const guint8 *)"a", 1);
    pack_fixture_write(other, (const guint8 *)"a", 1);
    writer = vault_pack_writer_new(&options);
    assert_false(g_file_test(draft, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(other, G_FILE_TEST_EXISTS));
}

/* ---- threads -------------------------------------------------------------------------------- */

typedef struct {
    const PackFixture *fixture;
    VaultPackWriter *writer;
    GPtrArray *deliveries[COMMITS_PER_THREAD];
} Committer;

static void *commit_some(void *argument)
{
    Committer *committer = argument;

    for (int i = 0; i < COMMITS_PER_THREAD; i++)
        g_assert_true(vault_pack_writer_commit(committer->writer, committer->deliveries[i], NULL));
    return NULL;
}

static void check_committers(const PackFixture *fixture, Committer *committers)
{
    g_autoptr(PackFindings) findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);

    assert_int_equal(findings->corrupt_count + findings->torn_count, 0);
    for (int i = 0; i < THREAD_COUNT; i++) {
        for (int j = 0; j < COMMITS_PER_THREAD; j++) {
            assert_int_equal(pack_findings_presence(findings, committers[i].deliveries[j]),
                             PACK_ALL);
            g_ptr_array_unref(committers[i].deliveries[j]);
        }
    }
}

static void sixty_four_threads_share_syncs_and_lose_nothing(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autofree Committer *committers = g_new0(Committer, THREAD_COUNT);
    g_autoptr(VaultPackWriter) writer = NULL;
    pthread_t threads[THREAD_COUNT];
    Told told = {0};

    options.committed = tell;
    options.user = &told;
    options.pack_size = 300000; /* several rollovers */
    writer = vault_pack_writer_new(&options);
    for (int i = 0; i < THREAD_COUNT; i++) {
        committers[i].writer = writer;
        for (int j = 0; j < COMMITS_PER_THREAD; j++)
            committers[i].deliveries[j] =
                pack_fixture_delivery(fixture, (gsize)(100 + 97 * i + j), 1 + (guint)i % 3);
    }
    for (int i = 0; i < THREAD_COUNT; i++)
        g_assert_true(pthread_create(&threads[i], NULL, commit_some, &committers[i]) == 0);
    for (int i = 0; i < THREAD_COUNT; i++)
        pthread_join(threads[i], NULL);
    assert_true(vault_pack_writer_close(writer, NULL));
    assert_true(told.group_count < THREAD_COUNT * COMMITS_PER_THREAD);
    check_committers(fixture, committers);
}

/* ---- stream packs --------------------------------------------------------------------------- */

static gboolean stream_record(VaultPackWriter *writer, VaultRecord *record, GError **error)
{
    gsize len, header_len = vault_record_header_len(record->kind);
    const guint8 *bytes = g_bytes_get_data(record->bytes, &len);
    g_autoptr(VaultStreamPack) stream = vault_stream_pack_begin(writer, header_len, error);

    for (gsize at = header_len; at < len; at += 70000)
        if (!vault_stream_pack_append(stream, bytes + at, MIN(70000, len - at), error))
            return FALSE;
    return vault_stream_pack_finish(stream, bytes, header_len, &record->place, error);
}

static void a_finished_stream_pack_is_fetched_and_scanned(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(VaultRecord) record = pack_fixture_record(fixture, VAULT_RECORD_BODY, 3000000);
    g_autoptr(VaultPackSet) set = vault_pack_set_open(fixture->directory, &fixture->vault_id, NULL);
    g_autoptr(GPtrArray) paths = NULL;
    g_autoptr(PackFindings) findings = NULL;
    g_autoptr(GBytes) bytes = NULL;

    assert_true(stream_record(writer, record, NULL));
    bytes = vault_pack_set_fetch(set, &record->place, 1u << 22, NULL);
    assert_non_null(bytes);
    assert_true(g_bytes_equal(bytes, record->bytes));
    paths = pack_fixture_files(fixture, ".stream");
    assert_int_equal(paths->len, 1);
    findings = pack_fixture_scan(fixture, g_ptr_array_index(paths, 0), VAULT_SCAN_CIPHERTEXTS);
    assert_true(g_hash_table_contains(findings->ids, &record->record_id));
    assert_int_equal(findings->corrupt_count + findings->torn_count, 0);
}

static void an_abandoned_stream_pack_leaves_no_file(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    VaultStreamPack *stream = vault_stream_pack_begin(writer, 156, NULL);
    g_autoptr(GPtrArray) during = NULL, after = NULL, named = NULL;

    assert_true(vault_stream_pack_append(stream, (const guint8 *)"abc", 3, NULL));
    during = pack_fixture_files(fixture, "");
    named = pack_fixture_files(fixture, ".stream");
    assert_int_equal(during->len, 1);
    assert_int_equal(named->len, 0);
    vault_stream_pack_free(stream);
    after = pack_fixture_files(fixture, "");
    assert_int_equal(after->len, 0);
}

static void a_streamed_body_commits_with_its_copies(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = NULL;
    g_autoptr(GPtrArray) delivery = pack_fixture_delivery(fixture, 2000000, 2);
    VaultRecord *body = g_ptr_array_index(delivery, 0);
    g_autoptr(PackFindings) findings = NULL;
    Told told = {0};
    VaultPlace place;

    options.committed = tell;
    options.user = &told;
    writer = vault_pack_writer_new(&options);
    assert_true(stream_record(writer, body, NULL));
    g_clear_pointer(&body->bytes, g_bytes_unref);
    place = body->place;
    assert_true(vault_pack_writer_commit(writer, delivery, NULL));
    assert_memory_equal(&place, &body->place, sizeof place);
    assert_int_equal(told.record_count, 3);
    findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(pack_findings_presence(findings, delivery), PACK_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_is_made_before_the_first_commit),
        cmocka_unit_test(a_committed_delivery_is_found_and_fetched_byte_for_byte),
        cmocka_unit_test(closing_writes_a_trailer_and_refuses_later_commits),
        cmocka_unit_test(durable_groups_are_told_in_the_order_of_the_records),
        cmocka_unit_test(a_full_pack_is_closed_and_its_successor_names_it_and_its_end),
        cmocka_unit_test(a_delivery_longer_than_a_pack_is_stored_whole_in_one),
        cmocka_unit_test(more_records_than_a_group_takes_are_too_large),
        cmocka_unit_test(a_record_that_differs_from_its_header_is_refused_alone),
        cmocka_unit_test(drafts_that_a_crash_left_are_removed),
        cmocka_unit_test(sixty_four_threads_share_syncs_and_lose_nothing),
        cmocka_unit_test(a_finished_stream_pack_is_fetched_and_scanned),
        cmocka_unit_test(an_abandoned_stream_pack_leaves_no_file),
        cmocka_unit_test(a_streamed_body_commits_with_its_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
