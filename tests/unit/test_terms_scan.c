/* Scans of words: each message once, each copy told, damaged ones passed over, new mail alone the
 * next time; and that a view lets nothing be read that it did not release. */
#include "tests/unit/erasure_world.h"
#include "tests/unit/search_world.h"

#include "restore/terms_scan.h"

typedef struct {
    ReleaseWorld *world;
    char *grant;
    VaultHash grant_hash;
    VaultReader *reader;
    VaultView *view;
} Searching;

static void searching_clear(Searching *searching)
{
    if (searching->view != NULL)
        vault_view_close(searching->view, NULL);
    vault_view_free(searching->view);
    vault_reader_free(searching->reader);
    g_free(searching->grant);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Searching, searching_clear)

/* The view's releaser has the clock of the wall. */
static ReleaseWorld *world_of_today(void)
{
    ReleaseWorld *world = release_world_new();

    keep_fixture_set_now((guint64)(g_get_real_time() / G_USEC_PER_SEC));
    return world;
}

/* With the vault closed: the view takes it. Takes the grant over. */
static Searching search_with(ReleaseWorld *world, char *grant)
{
    Searching searching = {.world = world, .grant = grant};
    g_autoptr(GBytes) text = g_bytes_new_static(grant, strlen(grant));
    g_autoptr(GError) error = NULL;

    vault_hash(grant, strlen(grant), &searching.grant_hash);
    searching.reader = release_world_reader(grant, &world->anna, keep_fixture_now());
    keep_fixture_close(world->fixture);
    searching.view = vault_view_open(world->fixture->path, NULL, NULL, &error);
    if (searching.view == NULL || !vault_view_present(searching.view, text, &error))
        fail_msg("%s", error->message);
    return searching;
}

static Searching search(ReleaseWorld *world)
{
    return search_with(world, search_world_search_grant(world, &world->anna));
}

/* What a scan told, by outcome. */
typedef struct {
    GMutex lock;
    GHashTable *words; /* words -> how often */
    guint counts[TERMS_SCAN_FAILED + 1];
    VaultErrorCode code; /* of the last that failed */
    guint fails_at;      /* `take` fails then; 0 = never */
    gint is_cancelled;
    guint cancel_at;
} Told;

static void told_clear(Told *told)
{
    g_clear_pointer(&told->words, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

static gboolean take(const TermsScanItem *item, gpointer user, GError **error)
{
    Told *told = user;
    gboolean is_taken;

    g_mutex_lock(&told->lock);
    told->counts[item->outcome]++;
    if (item->outcome == TERMS_SCAN_WORDS) {
        char *words = g_strndup((const char *)item->terms, item->len);
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(told->words, words));

        g_hash_table_insert(told->words, words, GUINT_TO_POINTER(count + 1));
    }
    if (item->outcome == TERMS_SCAN_FAILED)
        told->code = (VaultErrorCode)item->failure->code;
    is_taken = told->fails_at == 0 || told->counts[item->outcome] < told->fails_at;
    if (told->cancel_at != 0 && told->counts[TERMS_SCAN_WORDS] >= told->cancel_at)
        g_atomic_int_set(&told->is_cancelled, TRUE);
    g_mutex_unlock(&told->lock);
    if (!is_taken)
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE, "no room");
    return is_taken;
}

static gboolean scan(const Searching *searching, VaultTermsPosition *position, Told *told,
                     TermsScanResult *result, GError **error)
{
    const VaultViewFilter filter = {.to_s = G_MAXUINT64};
    const TermsScanOptions options = {.view = searching->view,
                                      .reader = searching->reader,
                                      .identity = &searching->world->anna,
                                      .grant_hash = &searching->grant_hash,
                                      .filter = &filter,
                                      .thread_count = 3,
                                      .take = take,
                                      .user = told,
                                      .is_cancelled = &told->is_cancelled};

    g_clear_pointer(&told->words, g_hash_table_unref);
    told->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    memset(told->counts, 0, sizeof told->counts);
    return terms_scan_run(&options, position, result, error);
}

static void scan_well(const Searching *searching, VaultTermsPosition *position, Told *told,
                      TermsScanResult *result)
{
    g_autoptr(GError) error = NULL;

    if (!scan(searching, position, told, result, &error))
        fail_msg("%s", error->message);
}

#define MESSAGES_COUNT 400

static void deliver_many(ReleaseWorld *world, guint count)
{
    static const char *const owners[] = {"a@example.org", "b@example.org", "c@example.org", NULL};

    for (guint i = 0; i < count; i++) {
        g_autofree char *words = g_strdup_printf("words of %u", i);

        if (i % 4 == 0)
            search_world_deliver_to(world->fixture->keep, words, owners);
        else
            search_world_deliver(world, words, owners[i % 3]);
    }
}

static void each_message_is_opened_once_and_each_copy_told(void **state)
{
    g_autoptr(ReleaseWorld) world = world_of_today();
    g_auto(Searching) searching = {.world = NULL};
    g_auto(Told) told = {.words = NULL};
    VaultTermsPosition position = {.catalog_mark = 0};
    TermsScanResult result;
    guint shared = MESSAGES_COUNT / 4;

    deliver_many(world, MESSAGES_COUNT);
    searching = search(world);
    scan_well(&searching, &position, &told, &result);
    assert_int_equal(result.listed_count, MESSAGES_COUNT + 2 * shared);
    assert_int_equal(result.words_count, MESSAGES_COUNT);
    assert_int_equal(result.known_count, 2 * shared);
    assert_int_equal(result.failed_count + result.none_count, 0);
    assert_int_equal(told.counts[TERMS_SCAN_WORDS], MESSAGES_COUNT);
    assert_int_equal(told.counts[TERMS_SCAN_KNOWN], 2 * shared);
    assert_int_equal(g_hash_table_size(told.words), MESSAGES_COUNT);
    for (guint i = 0; i < MESSAGES_COUNT; i++) {
        g_autofree char *words = g_strdup_printf("words of %u", i);

        assert_int_equal(GPOINTER_TO_UINT(g_hash_table_lookup(told.words, words)), 1);
    }
}

static void only_what_is_new_is_scanned_the_next_time(void **state)
{
    g_autoptr(ReleaseWorld) world = world_of_today();
    g_autofree char *grant = NULL;
    g_auto(Told) told = {.words = NULL};
    VaultTermsPosition position = {.catalog_mark = 0};
    TermsScanResult result;

    search_world_deliver(world, "old", "a@example.org");
    grant = search_world_search_grant(world, &world->anna);
    {
        g_auto(Searching) searching = search_with(world, g_strdup(grant));

        scan_well(&searching, &position, &told, &result);
        assert_true(g_hash_table_contains(told.words, "old"));
        scan_well(&searching, &position, &told, &result);
        assert_int_equal(result.listed_count, 0);
        assert_false(position.is_anew);
        /* Of another catalog than it is. */
        position.catalog_mark ^= 1;
        scan_well(&searching, &position, &told, &result);
        assert_int_equal(result.words_count, 1);
        assert_true(position.is_anew);
    }
    keep_fixture_open(world->fixture);
    search_world_deliver(world, "new", "a@example.org");
    {
        g_auto(Searching) searching = search_with(world, g_strdup(grant));

        scan_well(&searching, &position, &told, &result);
        assert_int_equal(result.listed_count, 1);
        assert_true(g_hash_table_contains(told.words, "new"));
    }
}

/* Its first copy is damaged: the words come by the second. One that has no other is counted. */
static void damaged_words_stop_no_others(void **state)
{
    static const char *const owners[] = {"a@example.org", "b@example.org", NULL};
    g_autoptr(ReleaseWorld) world = world_of_today();
    g_autoptr(GPtrArray) packs = NULL;
    TermsDelivery shared = search_world_deliver_to(world->fixture->keep, "shared", owners);
    TermsDelivery alone = search_world_deliver(world, "alone", "a@example.org");
    g_auto(Searching) searching = {.world = NULL};
    g_auto(Told) told = {.words = NULL};
    VaultTermsPosition position = {.catalog_mark = 0};
    TermsScanResult result;
    VaultPlace places[2];

    search_world_deliver(world, "unharmed", "a@example.org");
    assert_true(vault_keep_flush_catalog(world->fixture->keep, NULL));
    assert_true(vault_keep_record_place(world->fixture->keep, &shared.entries[0].terms_id,
                                        &places[0], NULL));
    assert_true(vault_keep_record_place(world->fixture->keep, &alone.entries[0].terms_id,
                                        &places[1], NULL));
    searching = search(world);
    packs = keep_fixture_packs(world->fixture, ".pack");
    for (guint i = 0; i < 2; i++)
        keep_damage_flip(g_ptr_array_index(packs, 0), places[i].offset + places[i].len - 5);
    scan_well(&searching, &position, &told, &result);
    assert_true(g_hash_table_contains(told.words, "unharmed"));
    assert_true(g_hash_table_contains(told.words, "shared"));
    assert_false(g_hash_table_contains(told.words, "alone"));
    assert_int_equal(result.failed_count, 2);
    assert_int_equal(told.counts[TERMS_SCAN_FAILED], 2);
    assert_int_equal(told.code, VAULT_ERROR_CORRUPT);
}

static void copies_without_terms_are_told(void **state)
{
    g_autoptr(ReleaseWorld) world = world_of_today();
    g_auto(Searching) searching = {.world = NULL};
    g_auto(Told) told = {.words = NULL};
    VaultTermsPosition position = {.catalog_mark = 0};
    TermsScanResult result;

    keep_fixture_set_terms(FALSE);
    keep_fixture_deliver(world->fixture, "without", "a@example.org");
    keep_fixture_set_terms(TRUE);
    search_world_deliver(world, "with", "a@example.org");
    searching = search(world);
    scan_well(&searching, &position, &told, &result);
    assert_int_equal(result.none_count, 1);
    assert_int_equal(result.words_count, 1);
    assert_int_equal(told.counts[TERMS_SCAN_NONE], 1);
}

static void erased_messages_are_in_no_scan(void **state)
{
    g_autoptr(ReleaseWorld) world = world_of_today();
    TermsDelivery gone = search_world_deliver(world, "to be forgotten", "a@example.org");
    g_auto(Searching) searching = {.world = NULL};
    g_auto(Told) told = {.words = NULL};
    VaultTermsPosition position = {.catalog_mark = 0};
    TermsScanResult result;

    search_world_deliver(world, "to be kept", "a@example.org");
    erase_message(world->fixture, &gone.archive_id, "a@example.org");
    searching = search(world);
    scan_well(&searching, &position, &told, &result);
    assert_int_equal(result.words_count, 1);
    assert_true(g_hash_table_contains(told.words, "to be kept"));
    assert_int_equal(result.failed_count, 0);
}

static void an_error_of_the_taker_and_a_cancellation_end_the_scan(void **state)
{
    g_autoptr(ReleaseWorld) world = world_of_today();
    g_auto(Searching) searching = {.world = NULL};
    g_auto(Told) failing = {.fails_at = 100}, cancelled = {.cancel_at = 100};
    VaultTermsPosition position = {.catalog_mark = 0};
    TermsScanResult result;
    g_autoptr(GError) error = NULL;

    deliver_many(world, MESSAGES_COUNT);
    searching = search(world);
    assert_false(scan(&searching, &position, &failing, &result, &error));
    assert_true(has_code(error, VAULT_ERROR_NO_SPACE));
    assert_true(failing.counts[TERMS_SCAN_WORDS] < MESSAGES_COUNT);
    assert_int_equal(position.sequence, 0);
    g_clear_error(&error);
    assert_false(scan(&searching, &position, &cancelled, &result, &error));
    assert_true(has_code(error, VAULT_ERROR_IO));
    assert_true(cancelled.counts[TERMS_SCAN_WORDS] < MESSAGES_COUNT);
}

/* ---- what a view lets be read ------------------------------------------------------------------
 */

static VaultErrorCode read_refusal(const Searching *searching, const RecordId *record_id)
{
    VaultRecordSource records = vault_view_records(searching->view);
    g_autoptr(GError) error = NULL;
    guint64 len;
    guint8 byte;

    assert_null(records.fetch(records.user, record_id, 1 << 20, &error));
    assert_false(records.length(records.user, record_id, &len, NULL));
    assert_false(records.read(records.user, record_id, 0, 1, &byte, NULL));
    return (VaultErrorCode)error->code;
}

static gboolean may_read(const Searching *searching, const RecordId *record_id)
{
    VaultRecordSource records = vault_view_records(searching->view);
    g_autoptr(GBytes) bytes = records.fetch(records.user, record_id, 1 << 20, NULL);

    return bytes != NULL;
}

static void only_what_was_released_can_be_read(void **state)
{
    static const char *const owners[] = {"a@example.org", "b@example.org", NULL};
    g_autoptr(ReleaseWorld) world = world_of_today();
    TermsDelivery shared = search_world_deliver_to(world->fixture->keep, "shared", owners);
    TermsDelivery other = search_world_deliver_to(world->fixture->keep, "other", owners);
    VaultCopyEntry copy = release_world_copy(world, &other.archive_id);
    g_auto(Searching) searching = search(world);
    const VaultViewFilter filter = {.to_s = G_MAXUINT64};
    const RecordId *released = &shared.entries[0].terms_id;
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(GError) error = NULL;
    GBytes *record = NULL;
    gboolean is_more;

    /* Nothing is released that was not listed. */
    assert_null(vault_view_release_terms(searching.view, released, 1, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    assert_true(
        vault_view_list_terms(searching.view, &filter, &position, 100, page, &is_more, NULL));
    assert_int_equal(page->len, 4);
    assert_int_equal(read_refusal(&searching, released), VAULT_ERROR_REFUSED);
    assert_int_equal(read_refusal(&searching, &shared.terms_body_id), VAULT_ERROR_REFUSED);
    assert_false(vault_view_read_terms(searching.view, released, 1, &record, NULL));
    sealed = vault_view_release_terms(searching.view, released, 1, NULL);
    assert_non_null(sealed);
    assert_true(may_read(&searching, released));
    assert_true(may_read(&searching, &shared.terms_body_id));
    assert_true(vault_view_read_terms(searching.view, released, 1, &record, NULL));
    g_clear_pointer(&record, g_bytes_unref);
    /* The same message's body, its other owner's words, another message: not. */
    assert_int_equal(read_refusal(&searching, &shared.archive_id), VAULT_ERROR_REFUSED);
    assert_int_equal(read_refusal(&searching, &shared.entries[1].terms_id), VAULT_ERROR_REFUSED);
    assert_int_equal(read_refusal(&searching, &other.terms_body_id), VAULT_ERROR_REFUSED);
    assert_int_equal(read_refusal(&searching, &copy.record_id), VAULT_ERROR_REFUSED);
    /* Nor is a copy listed, or released, to who only searches. */
    assert_null(vault_view_release(searching.view, &copy.record_id, 1, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_is_opened_once_and_each_copy_told),
        cmocka_unit_test(only_what_is_new_is_scanned_the_next_time),
        cmocka_unit_test(damaged_words_stop_no_others),
        cmocka_unit_test(copies_without_terms_are_told),
        cmocka_unit_test(erased_messages_are_in_no_scan),
        cmocka_unit_test(an_error_of_the_taker_and_a_cancellation_end_the_scan),
        cmocka_unit_test(only_what_was_released_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
