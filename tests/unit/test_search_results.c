/* Hits become a list: the same message once, with all who have it. */
#include "tests/unit/query_world.h"

#include "restore/search_results.h"
#include "vault/crypto/value.h"

typedef struct {
    SearchIndexWriter *writer;
    SearchIndex *index;
    guint count;
} World;

static World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->writer = search_index_writer_begin(NULL, NULL, NULL);
    assert_non_null(world->writer);
    return world;
}

static void world_free(World *world)
{
    search_index_free(world->index);
    search_index_writer_free(world->writer);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* A delivery of the message `message` to the mailboxes `mailboxes`, each a letter. Messages are
 * distinguished by their hash. */
static void deliver(World *world, guint8 message, gint64 date_s, const char *mailboxes)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_autoptr(IngestTermsBuilder) builder = ingest_terms_builder_new(splitter, 1000);
    IngestSummary *summary = ingest_terms_builder_summary(builder);
    g_autoptr(IngestTerms) terms = NULL;
    GByteArray *bytes;

    summary->date_s = date_s;
    memset(summary->message_hash.bytes, message, VAULT_HASH_LEN);
    ingest_terms_builder_add(builder, INGEST_FIELD_BODY, "zebra", 5);
    bytes = ingest_terms_builder_format(builder);
    terms = ingest_terms_parse(bytes->data, bytes->len, splitter, NULL);
    world->count++;
    for (const char *mailbox = mailboxes; *mailbox != '\0'; mailbox++) {
        SearchCopy copy = {.received_s = 1000};

        memset(copy.body_id.bytes, (int)world->count, VAULT_ID_LEN);
        memset(copy.mailbox_id.bytes, *mailbox, VAULT_ID_LEN);
        copy.terms_id = copy.body_id;
        copy.terms_id.bytes[0] = (guint8)*mailbox;
        assert_true(search_index_writer_add(world->writer, &copy,
                                            mailbox == mailboxes ? terms : NULL, NULL));
    }
    g_clear_pointer(&terms, ingest_terms_free);
    vault_value_free(bytes);
}

static const char *name_of(const MailboxId *mailbox_id, gpointer user)
{
    static char name[2];

    name[0] = (char)mailbox_id->bytes[0];
    return name;
}

/* Each result as "number of deliveries: custodians". */
static char *collected(World *world, gsize limit)
{
    g_autoptr(SearchQuery) query = query_parse("zebra");
    SearchOptions options = {.order = SEARCH_ORDER_NEWEST};
    g_autoptr(GArray) hits = NULL;
    g_autoptr(GPtrArray) results = NULL;
    GString *text = g_string_new(NULL);
    guint64 total;

    if (world->index == NULL) {
        assert_true(search_index_writer_commit(world->writer, NULL, 0, NULL));
        world->index = search_index_of_writer(g_steal_pointer(&world->writer), NULL);
    }
    hits = search_index_search(world->index, query, &options, &total, NULL);
    results = search_results_collect(world->index, hits, limit, name_of, NULL, NULL);
    for (guint i = 0; i < results->len; i++) {
        const SearchResult *result = results->pdata[i];

        g_string_append_printf(text, "%s%u:", i == 0 ? "" : " ", result->ids->len);
        for (guint j = 0; j < result->custodians->len; j++)
            g_string_append(text, result->custodians->pdata[j]);
    }
    return g_string_free(text, FALSE);
}

static void the_same_message_is_one_result_with_its_custodians(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *all = NULL;

    deliver(world, 1, 100, "b");
    deliver(world, 2, 300, "ac");
    deliver(world, 1, 100, "ab");
    all = collected(world, 0);
    assert_string_equal(all, "1:ac 2:ab");
}

static void a_limit_counts_results_and_cuts_no_result_off(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *one = NULL, *two = NULL, *three = NULL;

    deliver(world, 1, 300, "a");
    deliver(world, 2, 300, "b");
    deliver(world, 1, 300, "c");
    deliver(world, 3, 200, "d");
    deliver(world, 3, 200, "e");
    one = collected(world, 1);
    two = collected(world, 2);
    three = collected(world, 3);
    assert_string_equal(one, strstr(two, "2:ac") == two ? "2:ac" : "1:b");
    assert_int_equal(strlen(two), strlen("2:ac 1:b"));
    assert_true(g_str_has_suffix(three, " 2:de"));
}

static void nothing_found_is_an_empty_list(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *none = collected(world, 10);

    assert_string_equal(none, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_message_is_one_result_with_its_custodians),
        cmocka_unit_test(a_limit_counts_results_and_cuts_no_result_off),
        cmocka_unit_test(nothing_found_is_an_empty_list),
    };

    return run_crypto_tests(tests);
}
