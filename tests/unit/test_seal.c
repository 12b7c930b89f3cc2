/* The sealer: padding, whole and streamed bodies, facts, the pool of contexts, what stays in
 * memory. That what it made opens again exactly: test_open.c. */
#include "open_world.h"

#include "vault/seal/compressor.h"

#include <string.h>

#define FLOOR VAULT_BODY_PADDING_FLOOR

static const VaultLocator locator = {.received_s = RECEIVED_S, .archived_s = RECEIVED_S};

/* ---- padding -------------------------------------------------------------------------------- */

/* By hand from the paper's definition: the lowest E - S bits are zero, E = floor(log2 L), S =
 * floor(log2 E) + 1. */
static void padded_lengths_are_those_of_padme(void **state)
{
    static const struct {
        guint64 len, padded;
    } cases[] = {
        {0, 0},       {1, 1},       {2, 2},       {7, 7},       {8, 8},         {9, 10},
        {15, 16},     {16, 16},     {17, 18},     {31, 32},     {33, 36},       {63, 64},
        {64, 64},     {65, 72},     {100, 104},   {255, 256},   {256, 256},     {257, 272},
        {1000, 1024}, {1024, 1024}, {1025, 1088}, {4097, 4352}, {65537, 67584}, {1000000, 1015808}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(vault_padded_len(cases[i].len, 0), cases[i].padded);
}

static void padding_has_a_floor_grows_and_stays_below_an_eighth(void **state)
{
    guint64 before = 0;

    assert_int_equal(vault_padded_len(0, FLOOR), FLOOR);
    assert_int_equal(vault_padded_len(FLOOR, FLOOR), FLOOR);
    assert_int_equal(vault_padded_len(FLOOR + 1, FLOOR), 1088);
    assert_int_equal(vault_padded_len(0, VAULT_TERMS_PADDING_FLOOR), 256);
    for (guint64 len = 1; len < (1u << 22); len += 1 + len / 5000) {
        guint64 padded = vault_padded_len(len, FLOOR);

        assert_true(padded >= len && padded >= before);
        assert_true(padded == FLOOR || padded - len <= len / 8);
        assert_int_equal(vault_padded_len(padded, FLOOR), padded);
        before = padded;
    }
}

/* ---- whole bodies --------------------------------------------------------------------------- */

static VaultRecord *seal_record(World *world, const void *message, gsize len)
{
    g_autoptr(VaultSealedBody) body = vault_seal_body(world->sealer, message, len, &locator, NULL);

    assert_non_null(body);
    return vault_sealed_body_take_record(body);
}

static void body_record_is_what_its_header_says_and_padded(void **state)
{
    static const gsize lengths[] = {0, 1, 1000, 1100, 70000, 1u << 20};
    g_autoptr(World) world = world_new();

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree guint8 *message = random_message(lengths[i]);
        g_autoptr(VaultRecord) record = seal_record(world, message, lengths[i]);
        VaultRecordHeader header;
        VaultLocator opened;
        gsize len;
        const guint8 *bytes = g_bytes_get_data(record->bytes, &len);
        guint64 padded, chunks;

        assert_true(vault_record_header_parse(bytes, len, &header, NULL));
        assert_int_equal(header.kind, VAULT_RECORD_BODY);
        assert_true(VAULT_ID_EQUAL(header.record_id, record->record_id));
        assert_int_equal(header.header_len + header.ciphertext_len, len);
        assert_int_equal(vault_crc32c(0, bytes + header.header_len, header.ciphertext_len),
                         header.ciphertext_crc);
        assert_true(vault_record_locator_open(bytes, &header, &world->locator_key, &opened, NULL));
        assert_int_equal(opened.archived_s, RECEIVED_S);
        chunks = (header.ciphertext_len - VAULT_STREAM_COMMITMENT_LEN + VAULT_STREAM_CHUNK_LEN +
                  VAULT_STREAM_TAG_LEN - 1) /
                 (VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN);
        padded =
            header.ciphertext_len - VAULT_STREAM_COMMITMENT_LEN - chunks * VAULT_STREAM_TAG_LEN;
        assert_int_equal(padded, vault_padded_len(padded, FLOOR));
        assert_true(padded >= MAX(lengths[i], FLOOR));
    }
}

/* Short messages cannot be told apart by their length. */
static void short_bodies_have_one_length(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRecord) empty = seal_record(world, "", 0);

    for (gsize len = 1; len < 1000; len += 90) {
        g_autofree guint8 *message = random_message(len);
        g_autoptr(VaultRecord) record = seal_record(world, message, len);

        assert_int_equal(g_bytes_get_size(record->bytes), g_bytes_get_size(empty->bytes));
    }
}

static void same_message_is_sealed_to_other_bytes_each_time(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRecord) first = seal_record(world, "hello", 5);
    g_autoptr(VaultRecord) second = seal_record(world, "hello", 5);
    const guint8 *a = g_bytes_get_data(first->bytes, NULL);
    const guint8 *b = g_bytes_get_data(second->bytes, NULL);
    gsize header_len = vault_record_header_len(VAULT_RECORD_BODY);

    assert_false(VAULT_ID_EQUAL(first->record_id, second->record_id));
    /* Commitment of the message in the header, and that of the key before the chunks. */
    assert_memory_not_equal(a + 32, b + 32, VAULT_RECORD_BY_KIND_LEN);
    assert_memory_not_equal(a + header_len, b + header_len, VAULT_STREAM_COMMITMENT_LEN);
}

static void given_hash_of_the_message_is_the_one_committed_to(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(VaultSealedBody) body = NULL;
    g_autoptr(VaultRecord) record = NULL;
    g_autoptr(GError) error = NULL;
    VaultOpenEntry entry;
    VaultHash hash;

    for (guint is_wrong = 0; is_wrong <= 1; is_wrong++) {
        g_autoptr(GByteArray) message = NULL;

        g_clear_pointer(&body, vault_sealed_body_free);
        g_clear_pointer(&record, vault_record_free);
        vault_hash("hello", 5 - is_wrong, &hash);
        body = vault_seal_hashed_body(world->sealer, "hello", 5, &hash, &locator, NULL);
        record = vault_sealed_body_take_record(body);
        world_store(world, &record->record_id, g_bytes_get_data(record->bytes, NULL),
                    g_bytes_get_size(record->bytes));
        entry = seal_copy(world, body);
        message = open_message(world, reader, &entry, &error);
        assert_int_equal(message != NULL, !is_wrong);
    }
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
}

/* ---- streams -------------------------------------------------------------------------------- */

/* Counts its calls and fails the one that it is told to. */
typedef struct {
    GByteArray *bytes;
    guint appends, finishes, abandons;
    guint failing_append; /* 1 is the first; 0 = none */
    gboolean fails_finish;
} Sink;

static gboolean set_failed(GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE, "as the test wants it");
    return FALSE;
}

static gboolean count_append(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    Sink *sink = user;

    if (++sink->appends == sink->failing_append)
        return set_failed(error);
    return sink_append(sink->bytes, bytes, len, error);
}

static gboolean count_finish(gpointer user, const guint8 *header, gsize header_len,
                             VaultPlace *ret_place, GError **error)
{
    Sink *sink = user;

    sink->finishes++;
    return sink->fails_finish ? set_failed(error)
                              : sink_finish(sink->bytes, header, header_len, ret_place, error);
}

static void count_abandon(gpointer user)
{
    ((Sink *)user)->abandons++;
}

static VaultBodySink sink_of(Sink *sink)
{
    return (VaultBodySink){
        .append = count_append, .finish = count_finish, .abandon = count_abandon, .sink = sink};
}

/* TRUE: sealed. Writes in pieces of `step` bytes. */
static gboolean seal_into(World *world, Sink *sink, const guint8 *message, gsize len, gsize step)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultBodyStream) stream =
        vault_body_stream_begin(world->sealer, sink_of(sink), &error);
    g_autoptr(VaultSealedBody) body = NULL;

    for (gsize at = 0; stream != NULL && at < len; at += step)
        if (!vault_body_stream_write(stream, message + at, MIN(step, len - at), &error))
            break;
    if (stream != NULL && error == NULL)
        body = vault_body_stream_finish(stream, &locator, &error);
    if (body == NULL)
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE));
    /* Whatever is asked of it now, it does not touch the sink again. */
    if (body == NULL && stream != NULL) {
        g_autoptr(GError) again = NULL;

        assert_false(vault_body_stream_write(stream, "x", 1, &again));
        assert_true(g_error_matches(again, VAULT_ERROR, VAULT_ERROR_IO));
        assert_null(vault_body_stream_finish(stream, &locator, NULL));
    }
    return body != NULL;
}

static void sink_is_finished_or_abandoned_exactly_once_whatever_fails(void **state)
{
    const gsize len = 300000;
    g_autofree guint8 *message = random_message(len);
    g_autoptr(World) world = world_new();
    Sink sink = {.bytes = g_byte_array_new()};
    guint appends;

    assert_true(seal_into(world, &sink, message, len, 10000));
    assert_int_equal(sink.finishes, 1);
    assert_int_equal(sink.abandons, 0);
    appends = sink.appends;
    assert_true(appends > 4);
    g_byte_array_unref(sink.bytes);
    for (guint failing = 1; failing <= appends + 1; failing++) {
        Sink failed = {.bytes = g_byte_array_new(),
                       .failing_append = failing <= appends ? failing : 0,
                       .fails_finish = failing > appends};

        assert_false(seal_into(world, &failed, message, len, 10000));
        assert_int_equal(failed.finishes, failing > appends);
        assert_int_equal(failed.abandons, 1);
        g_byte_array_unref(failed.bytes);
    }
}

static void stream_that_is_dropped_abandons_its_sink(void **state)
{
    g_autoptr(World) world = world_new();
    Sink sink = {.bytes = g_byte_array_new()};
    VaultBodyStream *stream = vault_body_stream_begin(world->sealer, sink_of(&sink), NULL);

    assert_true(vault_body_stream_write(stream, "hello", 5, NULL));
    vault_body_stream_free(stream);
    assert_int_equal(sink.abandons, 1);
    assert_int_equal(sink.finishes, 0);
    g_byte_array_unref(sink.bytes);
}

static void hash_of_a_stream_is_that_of_all_that_was_written(void **state)
{
    g_autoptr(World) world = world_new();
    Sink sink = {.bytes = g_byte_array_new()};
    g_autoptr(VaultBodyStream) stream =
        vault_body_stream_begin(world->sealer, sink_of(&sink), NULL);
    VaultHash hash, again, expected;

    assert_true(vault_body_stream_write(stream, "hel", 3, NULL));
    assert_true(vault_body_stream_write(stream, "", 0, NULL));
    assert_true(vault_body_stream_write(stream, "lo", 2, NULL));
    vault_body_stream_message_hash(stream, &hash);
    vault_body_stream_message_hash(stream, &again);
    vault_hash("hello", 5, &expected);
    assert_memory_equal(hash.bytes, expected.bytes, VAULT_HASH_LEN);
    assert_memory_equal(again.bytes, expected.bytes, VAULT_HASH_LEN);
    g_byte_array_unref(sink.bytes);
}

/* However it is cut into writes, whole or streamed: it opens as the same message. */
static void whole_and_streamed_bodies_open_alike(void **state)
{
    static const gsize lengths[] = {0, 1, 65536, 131072, 700001, VAULT_BODY_WHOLE_MAX};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(World) world = world_new();
        g_autofree guint8 *message = text_message(lengths[i]);
        VaultOpenEntry whole = seal_whole(world, message, lengths[i]);
        VaultOpenEntry streamed = seal_streamed(world, message, lengths[i]);

        assert_opens_as(world, &whole, message, lengths[i]);
        assert_opens_as(world, &streamed, message, lengths[i]);
    }
}

static void memory_of_a_stream_is_what_is_said(void **state)
{
    assert_true(vault_body_stream_memory() < (2u << 20));
}

/* ---- copies --------------------------------------------------------------------------------- */

static VaultRecord *seal_facts(World *world, const GByteArray *facts, GError **error)
{
    g_autoptr(VaultSealedBody) body = vault_seal_body(world->sealer, "x", 1, &locator, NULL);
    g_auto(VaultAllotment) allotment = {.month_key_id = world->granted.month_key_id,
                                        .content_key = world->keys.content,
                                        .leaf = LEAF,
                                        .slot = world->slot};

    return vault_seal_copy(world->sealer, body, &allotment, RECEIVED_S, 0, facts, error);
}

static void facts_are_taken_up_to_their_limit(void **state)
{
    static const gsize tlv_head_len = 6;
    g_autoptr(World) world = world_new();
    g_autofree guint8 *value = random_message(VAULT_COPY_FACTS_LEN_MAX);

    for (guint over = 0; over <= 1; over++) {
        g_autoptr(GByteArray) facts = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(VaultRecord) copy = NULL;

        vault_fact_append(facts, VAULT_FACT_EVIDENCE, value,
                          VAULT_COPY_FACTS_LEN_MAX - 2 * tlv_head_len - 1);
        vault_fact_append(facts, VAULT_FACT_ROLE, value, 1 + over);
        assert_int_equal(facts->len, VAULT_COPY_FACTS_LEN_MAX + over);
        copy = seal_facts(world, facts, &error);
        assert_int_equal(copy != NULL, !over);
        if (over)
            assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
    }
}

static void copies_are_padded_to_steps(void **state)
{
    g_autoptr(World) world = world_new();
    gsize header_len = vault_record_header_len(VAULT_RECORD_COPY);

    for (gsize len = 0; len < 700; len += 23) {
        g_autoptr(GByteArray) facts = g_byte_array_new();
        g_autoptr(VaultRecord) copy = NULL;
        g_autofree guint8 *value = random_message(len);
        gsize plaintext_len;

        vault_fact_append(facts, VAULT_FACT_SENDER, value, len);
        copy = seal_facts(world, facts, NULL);
        plaintext_len = g_bytes_get_size(copy->bytes) - header_len - VAULT_HPKE_TAG_LEN;
        assert_int_equal(plaintext_len % VAULT_COPY_PADDING, 0);
        assert_true(plaintext_len >= VAULT_COPY_LEN_MIN);
    }
}

static void nothing_is_sealed_to_a_key_of_small_order(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GByteArray) facts = g_byte_array_new();
    g_autoptr(GError) error = NULL;

    memset(&world->keys.content, 0, sizeof world->keys.content);
    assert_null(seal_facts(world, facts, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_REFUSED));
}

/* ---- the pool ------------------------------------------------------------------------------- */

#define THREADS 12
#define EACH 25

typedef struct {
    World *world;
    GMutex lock;
} Shared;

static gpointer seal_many(gpointer user)
{
    Shared *shared = user;

    for (guint i = 0; i < EACH; i++) {
        gsize len = (gsize)g_random_int_range(0, 40000);
        g_autofree guint8 *message = text_message(len);
        g_autoptr(VaultSealedBody) body =
            vault_seal_body(shared->world->sealer, message, len, &locator, NULL);
        g_autoptr(VaultRecord) record = vault_sealed_body_take_record(body);
        VaultOpenEntry entry;

        g_mutex_lock(&shared->lock);
        world_store(shared->world, &record->record_id, g_bytes_get_data(record->bytes, NULL),
                    g_bytes_get_size(record->bytes));
        entry = seal_copy(shared->world, body);
        assert_opens_as(shared->world, &entry, message, len);
        g_mutex_unlock(&shared->lock);
    }
    return NULL;
}

static void few_contexts_serve_many_threads(void **state)
{
    g_autoptr(World) world = world_new();
    Shared shared = {.world = world};
    GThread *threads[THREADS];

    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("seal", seal_many, &shared);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_mutex_clear(&shared.lock);
}

typedef struct {
    SealCompressorPool *pool;
    gint has_one;
} Taking;

static gpointer take_one(gpointer user)
{
    Taking *taking = user;
    SealCompressor *compressor = seal_compressor_take(taking->pool);

    g_atomic_int_set(&taking->has_one, TRUE);
    seal_compressor_give_back(taking->pool, compressor);
    return NULL;
}

static void thread_waits_for_a_context_when_all_are_taken(void **state)
{
    Taking taking = {.pool = seal_compressor_pool_new(2, 3)};
    SealCompressor *first = seal_compressor_take(taking.pool);
    SealCompressor *second = seal_compressor_take(taking.pool);
    GThread *thread = g_thread_new("take", take_one, &taking);

    g_usleep(50000);
    assert_false(g_atomic_int_get(&taking.has_one));
    seal_compressor_give_back(taking.pool, first);
    g_thread_join(thread);
    seal_compressor_give_back(taking.pool, second);
    seal_compressor_pool_free(taking.pool);
}

/* ---- what stays in memory ------------------------------------------------------------------- */

#define CANARY_LEN 8

/* Every stretch of CANARY_LEN bytes of the message, at each offset. */
static gboolean holds_part_of(const guint8 *memory, gsize memory_len, const guint8 *message,
                              gsize len)
{
    for (gsize at = 0; at + CANARY_LEN <= len; at += CANARY_LEN)
        if (memmem(memory, memory_len, message + at, CANARY_LEN) != NULL)
            return TRUE;
    return FALSE;
}

static void context_keeps_nothing_of_a_message_once_it_is_given_back(void **state)
{
    static const gsize lengths[] = {200, 5000, 140000};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        SealCompressorPool *pool = seal_compressor_pool_new(1, 3);
        SealCompressor *compressor = seal_compressor_take(pool);
        g_autofree guint8 *message = random_message(lengths[i]);
        gsize looked_at = MIN(lengths[i], 8000), compressed_len, memory_len, output_len;
        const guint8 *memory, *output;

        seal_compressor_compress(compressor, message, lengths[i], 100, &compressed_len);
        output = seal_compressor_output(compressor, &output_len);
        /* It was there, or the search proves nothing. */
        assert_true(holds_part_of(output, output_len, message, looked_at));
        seal_compressor_give_back(pool, compressor);
        memory = seal_compressor_memory(compressor, &memory_len);
        output = seal_compressor_output(compressor, &output_len);
        assert_false(holds_part_of(memory, memory_len, message, looked_at));
        assert_false(holds_part_of(output, output_len, message, looked_at));
        seal_compressor_pool_free(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padded_lengths_are_those_of_padme),
        cmocka_unit_test(padding_has_a_floor_grows_and_stays_below_an_eighth),
        cmocka_unit_test(body_record_is_what_its_header_says_and_padded),
        cmocka_unit_test(short_bodies_have_one_length),
        cmocka_unit_test(same_message_is_sealed_to_other_bytes_each_time),
        cmocka_unit_test(given_hash_of_the_message_is_the_one_committed_to),
        cmocka_unit_test(sink_is_finished_or_abandoned_exactly_once_whatever_fails),
        cmocka_unit_test(stream_that_is_dropped_abandons_its_sink),
        cmocka_unit_test(hash_of_a_stream_is_that_of_all_that_was_written),
        cmocka_unit_test(whole_and_streamed_bodies_open_alike),
        cmocka_unit_test(memory_of_a_stream_is_what_is_said),
        cmocka_unit_test(facts_are_taken_up_to_their_limit),
        cmocka_unit_test(copies_are_padded_to_steps),
        cmocka_unit_test(nothing_is_sealed_to_a_key_of_small_order),
        cmocka_unit_test(few_contexts_serve_many_threads),
        cmocka_unit_test(thread_waits_for_a_context_when_all_are_taken),
        cmocka_unit_test(context_keeps_nothing_of_a_message_once_it_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
