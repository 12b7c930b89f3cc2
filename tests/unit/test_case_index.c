/* The case index finds what a plain evaluator finds, message by message, however the messages are
 * spread over segments. */
#include "tests/unit/case_index_queries.h"

#define MESSAGES 300
#define QUERIES 400

static const SearchIndexTuning apart = {.memory_len_max = 1u << 20};

/* ---- comparing ------------------------------------------------------------------------------- */

static GPtrArray *addresses(gpointer user, const MailboxId *mailbox_id)
{
    GPtrArray *of_mailbox = user;
    guint number = mailbox_id->bytes[1];

    g_ptr_array_set_size(of_mailbox, 0);
    g_ptr_array_add(of_mailbox, g_strdup("other@example.org"));
    g_ptr_array_add(of_mailbox, g_strdup_printf("user%u@firm%u.example", number, number % 2));
    return of_mailbox;
}

static GArray *find(const World *world, const SearchQuery *query, SearchOrder order, gsize limit,
                    guint64 *ret_total)
{
    g_autoptr(GPtrArray) of_mailbox = g_ptr_array_new_with_free_func(g_free);
    SearchOptions options = {
        .addresses = addresses, .user = of_mailbox, .order = order, .limit = limit};
    g_autoptr(GError) error = NULL;
    GArray *hits = search_index_search(world->index, query, &options, ret_total, &error);

    if (hits == NULL)
        fail_msg("%s", error->message);
    return hits;
}

static gint compare_dates(gconstpointer a, gconstpointer b)
{
    const ModelMessage *left = *(ModelMessage *const *)a, *right = *(ModelMessage *const *)b;

    if (left->date_s != right->date_s)
        return left->date_s > right->date_s ? -1 : 1;
    return memcmp(copy_of(left, 0)->body_id.bytes, copy_of(right, 0)->body_id.bytes, VAULT_ID_LEN);
}

static GPtrArray *expected(const World *world, const SearchQuery *query)
{
    GPtrArray *fitting = g_ptr_array_new();

    for (guint i = 0; i < world->messages->len; i++)
        if (message_at(world, i)->indexed > 0 && model_fits(message_at(world, i), query->root))
            g_ptr_array_add(fitting, message_at(world, i));
    g_ptr_array_sort(fitting, compare_dates);
    return fitting;
}

static void check_newest(const World *world, const SearchQuery *query, gsize limit)
{
    g_autoptr(GPtrArray) wanted = expected(world, query);
    guint64 total;
    g_autoptr(GArray) hits = find(world, query, SEARCH_ORDER_NEWEST, limit, &total);

    assert_int_equal(total, wanted->len);
    assert_int_equal(hits->len, limit == 0 ? wanted->len : MIN(limit, wanted->len));
    for (guint i = 0; i < hits->len; i++) {
        const SearchHit *hit = &g_array_index(hits, SearchHit, i);
        const ModelMessage *message = g_ptr_array_index(wanted, i);

        assert_memory_equal(&hit->body_id, &copy_of(message, 0)->body_id, VAULT_ID_LEN);
        assert_int_equal(hit->date_s, message->date_s);
    }
}

static guint number_of(const World *world, const RecordId *body_id)
{
    for (guint i = 0; i < world->messages->len; i++)
        if (VAULT_ID_EQUAL(copy_of(message_at(world, i), 0)->body_id, *body_id))
            return i;
    fail_msg("%s", "a hit is no message");
    return 0;
}

/* Scores are equal but for rounding: so the order is checked by the scores that were given. */
static void check_relevance(const World *world, const SearchQuery *query, gsize limit)
{
    g_autofree double *scores = g_new0(double, world->messages->len);
    g_autofree gboolean *is_shown = g_new0(gboolean, world->messages->len);
    g_autoptr(GPtrArray) wanted = expected(world, query);
    guint64 total;
    g_autoptr(GArray) hits = find(world, query, SEARCH_ORDER_RELEVANCE, limit, &total);
    const SearchHit *before = NULL;

    model_add_score(world->messages, query->root, scores);
    assert_int_equal(total, wanted->len);
    assert_int_equal(hits->len, MIN(limit, wanted->len));
    for (guint i = 0; i < hits->len; i++) {
        const SearchHit *hit = &g_array_index(hits, SearchHit, i);
        guint number = number_of(world, &hit->body_id);

        assert_true(fabs(hit->score - scores[number]) < 1e-9);
        assert_true(before == NULL || before->score > hit->score ||
                    (before->score == hit->score &&
                     memcmp(&before->body_id, &hit->body_id, VAULT_ID_LEN) < 0));
        is_shown[number] = TRUE;
        before = hit;
    }
    for (guint i = 0; before != NULL && i < wanted->len; i++) {
        const ModelMessage *message = g_ptr_array_index(wanted, i);
        guint number = number_of(world, &copy_of(message, 0)->body_id);

        assert_true(is_shown[number] || scores[number] < before->score + 1e-9);
    }
}

static void check_queries(const World *world, guint64 *random, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autoptr(SearchQuery) query = random_query(world->messages, random);

        check_newest(world, query, 0);
        check_newest(world, query, 1 + next_random(random) % 20);
        if (i % 4 == 0)
            check_relevance(world, query, 1 + next_random(random) % 20);
    }
}

/* ---- what is found --------------------------------------------------------------------------- */

static void one_segment_answers_as_a_plain_evaluator_does(void **state)
{
    g_auto(World) world = make_world(MESSAGES, 1);
    guint64 random = 2;

    scan(&world, &random, 100, NULL);
    reopen(&world);
    assert_int_equal(search_index_document_count(world.index), MESSAGES);
    check_queries(&world, &random, QUERIES);
}

/* Copies come in later scans than their messages, too; segments stay apart, or are merged now and
 * then. */
static void many_segments_answer_as_one_does(void **state)
{
    for (guint64 seed = 3; seed < 6; seed++) {
        g_auto(World) world = make_world(MESSAGES, seed);
        guint64 random = seed * 100;

        while (next_random(&random) % 12 > 0) {
            SearchIndexTuning tuning = {.memory_len_max = 1u << 20,
                                        .merge_ratio = next_random(&random) % 4 == 0 ? 2 : 0};

            scan(&world, &random, (guint)(next_random(&random) % 20), &tuning);
            reopen(&world);
            check_queries(&world, &random, 10);
        }
        scan(&world, &random, 100, &apart);
        reopen(&world);
        check_queries(&world, &random, QUERIES / 3);
    }
}

static void drafts_are_merged_into_the_same_index(void **state)
{
    g_auto(World) world = make_world(MESSAGES, 7);
    guint64 random = 8;

    /* A term table takes half a megabyte: each message fills the memory. */
    scan(&world, &random, 50, &(SearchIndexTuning){.memory_len_max = 1, .merge_ratio = 4});
    scan(&world, &random, 100, &(SearchIndexTuning){.memory_len_max = 600000, .merge_ratio = 4});
    reopen(&world);
    check_queries(&world, &random, QUERIES / 2);
}

static void an_index_in_memory_answers_as_one_in_a_folder_does(void **state)
{
    g_auto(World) world = make_world(MESSAGES / 2, 9);
    SearchIndexWriter *writer = search_index_writer_begin(NULL, NULL, NULL);
    guint64 random = 10;

    assert_non_null(writer);
    search_index_writer_tune(writer, &(SearchIndexTuning){.memory_len_max = 600000});
    for (guint i = 0; i < world.messages->len; i++)
        index_copy(writer, message_at(&world, i), world.splitter);
    assert_true(search_index_writer_commit(writer, NULL, 0, NULL));
    world.index = search_index_of_writer(writer, NULL);
    assert_non_null(world.index);
    check_queries(&world, &random, QUERIES / 4);
}

/* ---- what is shown --------------------------------------------------------------------------- */

static void check_copies(const World *world, const ModelMessage *message, guint32 document)
{
    g_autoptr(GArray) copies = search_index_copies(world->index, document, NULL);

    assert_int_equal(copies->len, message->indexed);
    for (guint i = 0; i < message->indexed; i++) {
        gboolean is_there = FALSE;

        for (guint n = 0; n < copies->len; n++)
            is_there |= memcmp(&g_array_index(copies, SearchCopy, n), copy_of(message, i),
                               sizeof(SearchCopy)) == 0;
        assert_true(is_there);
    }
}

static void assert_same_text(const char *got, const char *wanted)
{
    assert_string_equal(got != NULL ? got : "", wanted != NULL ? wanted : "");
}

static void check_summary(const World *world, const ModelMessage *message, guint32 document)
{
    g_autoptr(IngestSummary) got = search_index_summary(world->index, document, NULL);
    g_autoptr(IngestTerms) terms =
        ingest_terms_parse(message->bytes->data, message->bytes->len, NULL, NULL);
    const IngestSummary *wanted = ingest_terms_summary(terms);

    assert_int_equal(got->date_s, wanted->date_s);
    assert_int_equal(got->message_len, wanted->message_len);
    assert_int_equal(got->marks, wanted->marks);
    assert_memory_equal(&got->message_hash, &wanted->message_hash, VAULT_HASH_LEN);
    assert_same_text(got->from, wanted->from);
    assert_same_text(got->to, wanted->to);
    assert_same_text(got->subject, wanted->subject);
    assert_same_text(got->message_id, wanted->message_id);
    assert_same_text(got->snippet, wanted->snippet);
    assert_int_equal(got->filenames->len, wanted->filenames->len);
    for (guint i = 0; i < got->filenames->len; i++)
        assert_string_equal(g_ptr_array_index(got->filenames, i),
                            g_ptr_array_index(wanted->filenames, i));
}

static void hits_have_their_summaries_and_copies(void **state)
{
    g_auto(World) world = make_world(MESSAGES, 11);
    SearchQuery query = {.root = new_node(SEARCH_NODE_ALL)};
    g_autoptr(SearchNode) root = query.root;
    guint64 random = 12, total;

    for (guint i = 0; i < 5; i++)
        scan(&world, &random, 20, &apart);
    reopen(&world);
    g_autoptr(GArray) hits = find(&world, &query, SEARCH_ORDER_NEWEST, 0, &total);
    assert_true(hits->len > MESSAGES / 2);
    for (guint i = 0; i < hits->len; i++) {
        const SearchHit *hit = &g_array_index(hits, SearchHit, i);
        const ModelMessage *message = message_at(&world, number_of(&world, &hit->body_id));

        check_copies(&world, message, hit->document);
        check_summary(&world, message, hit->document);
    }
}

static void known_bodies_and_copies_are_known_again(void **state)
{
    g_auto(World) world = make_world(MESSAGES, 13);
    guint64 random = 14;
    g_autoptr(GBytes) position = NULL;

    for (guint i = 0; i < 4; i++)
        scan(&world, &random, 15, &apart);
    reopen(&world);
    assert_true(search_index_load_ids(world.index, NULL));
    for (guint i = 0; i < world.messages->len; i++) {
        const ModelMessage *message = message_at(&world, i);

        assert_int_equal(search_index_has_body(world.index, &copy_of(message, 0)->body_id),
                         message->indexed > 0);
        for (guint n = 0; n < message->copies->len; n++)
            assert_int_equal(search_index_has_copy(world.index, &copy_of(message, n)->terms_id),
                             n < message->indexed);
    }
    position = search_index_position(world.index);
    assert_int_equal(g_bytes_get_size(position), 8);
    assert_memory_equal(g_bytes_get_data(position, NULL), "position", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_segment_answers_as_a_plain_evaluator_does),
        cmocka_unit_test(many_segments_answer_as_one_does),
        cmocka_unit_test(drafts_are_merged_into_the_same_index),
        cmocka_unit_test(an_index_in_memory_answers_as_one_in_a_folder_does),
        cmocka_unit_test(hits_have_their_summaries_and_copies),
        cmocka_unit_test(known_bodies_and_copies_are_known_again),
    };

    return run_crypto_tests(tests);
}
