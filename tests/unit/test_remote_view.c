/* A view carried elsewhere: both ends of the protocol over a socket, and hosts that lie. */
#include "remote_world.h"

#include "restore/remote_terms.h"

#include <signal.h>

#define COPIES 5000

static void assert_record(const RecordId *id, const guint8 *bytes, guint64 offset, gsize len)
{
    for (gsize i = 0; i < len; i++) {
        if (bytes[i] != fake_byte(id, offset + i))
            fail_msg("byte %zu of a record differs", (size_t)i);
    }
}

/* ---- both ends ------------------------------------------------------------------------------- */

static GArray *list_all(VaultView *view, gsize max)
{
    GArray *page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    VaultViewFilter filter = {.to_s = G_MAXUINT64};
    VaultViewPosition position = {0};
    guint before;

    do {
        before = page->len;
        assert_true(vault_view_list(view, &filter, &position, max, page, NULL));
    } while (page->len == before + max);
    return page;
}

static void greet_tells_the_vault_and_its_masters(void **state)
{
    g_autoptr(World) world = world_new(1);
    g_autoptr(GArray) masters = vault_view_masters(world->view, NULL);

    assert_memory_equal(vault_view_id(world->view), fake_vault_id(NULL), VAULT_ID_LEN);
    assert_int_equal(masters->len, 2);
    assert_int_equal(g_array_index(masters, MasterPublic, 1).verify_key.bytes[31], 7);
}

static void lists_are_the_same_at_both_ends(void **state)
{
    g_autoptr(World) world = granted_world_new(COPIES);
    static const gsize sizes[] = {VAULT_VIEW_PAGE_COUNT_MAX, 1000, 7};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GArray) page = list_all(world->view, sizes[i]);

        assert_int_equal(page->len, COPIES);
        for (guint number = 0; number < COPIES; number++) {
            VaultCopyEntry entry = fake_entry(number);

            assert_memory_equal(&g_array_index(page, VaultCopyEntry, number), &entry, sizeof entry);
        }
    }
}

static void terms_are_the_same_at_both_ends(void **state)
{
    g_autoptr(World) world = granted_world_new(COPIES);
    const VaultViewFilter filter = {.to_s = G_MAXUINT64};
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    VaultTermsPosition position = {.catalog_mark = 0};
    gboolean is_more = TRUE;
    guint pages = 0;

    for (; is_more; pages++)
        assert_true(
            vault_view_list_terms(world->view, &filter, &position, 100, page, &is_more, NULL));
    assert_int_equal(page->len, COPIES);
    assert_true(pages > 1);
    for (guint number = 0; number < COPIES; number++) {
        VaultTermsEntry entry = fake_terms_entry(number);

        assert_memory_equal(&g_array_index(page, VaultTermsEntry, number), &entry, sizeof entry);
    }
    /* What is new since then: nothing. */
    assert_true(vault_view_list_terms(world->view, &filter, &position, 1, page, &is_more, NULL));
    assert_false(is_more || position.is_anew);
    assert_int_equal(page->len, COPIES);
}

static void records_of_terms_come_many_at_once(void **state)
{
    g_autoptr(World) world = granted_world_new(COPIES);
    GBytes *records[VAULT_VIEW_READ_COUNT_MAX];
    RecordId ids[VAULT_VIEW_READ_COUNT_MAX];
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(GBytes) key = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        ids[i] = fake_id('t', i);
    sealed = vault_view_release_terms(world->view, ids, G_N_ELEMENTS(ids), NULL);
    assert_int_equal(g_bytes_get_size(sealed), sizeof ids);
    /* 512 of over 3,000 bytes: more than one answer has room for. */
    assert_true(vault_view_read_terms(world->view, ids, G_N_ELEMENTS(ids), records, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
        assert_true((records[i] == NULL) == (i % 7 == 6));
        assert_true(records[i] == NULL || g_bytes_get_size(records[i]) == 3000 + i);
        g_clear_pointer(&records[i], g_bytes_unref);
    }
    key = vault_view_case_key(world->view, NULL);
    assert_int_equal(g_bytes_get_size(key), 12);
}

/* Nothing is sent to it. */
static void host_of_the_first_version_cannot_be_searched(void **state)
{
    const ServeListTerms list = {.max = 1};
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    const RecordId id = {{1}};
    GBytes *record = NULL;
    GError *errors[4] = {NULL};
    gboolean is_more;

    assert_false(remote_terms_list(NULL, 1, &list, &position, page, &is_more, &errors[0]));
    assert_null(remote_terms_release(NULL, 1, &id, 1, &errors[1]));
    assert_false(remote_terms_read(NULL, 1, &id, 1, &record, &errors[2]));
    assert_null(remote_case_key(NULL, 1, &errors[3]));
    for (guint i = 0; i < G_N_ELEMENTS(errors); i++) {
        assert_true(g_error_matches(errors[i], VAULT_ERROR, VAULT_ERROR_UNSUPPORTED));
        g_error_free(errors[i]);
    }
}

static void words_are_sent_to_no_host_elsewhere(void **state)
{
    g_autoptr(World) world = granted_world_new(1);
    g_autoptr(GError) error = NULL;
    VaultTermsAdded added;

    assert_false(vault_view_add_terms(world->view, "words", 5, &added, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED));
}

static void months_of_a_standing_reader_are_the_same_at_both_ends(void **state)
{
    g_autoptr(World) world = granted_world_new(0);
    g_autoptr(GPtrArray) here = NULL, there = NULL;

    world->vault.month_count = 2 * VAULT_VIEW_MONTHS_COUNT_MAX + 1;
    here = vault_view_months(world->host_view, NULL);
    there = vault_view_months(world->view, NULL);
    assert_int_equal(here->len, world->vault.month_count);
    assert_int_equal(there->len, here->len);
    for (guint i = 0; i < here->len; i++) {
        const VaultMonthKeys *left = g_ptr_array_index(here, i);
        const VaultMonthKeys *right = g_ptr_array_index(there, i);

        assert_true(VAULT_ID_EQUAL(left->mailbox_id, right->mailbox_id));
        assert_true(VAULT_ID_EQUAL(left->month_key_id, right->month_key_id));
        assert_int_equal(left->month, right->month);
        assert_string_equal(left->address, right->address);
        assert_memory_equal(&left->keys, &right->keys, sizeof left->keys);
        assert_memory_equal(left->wraps->data, right->wraps->data, sizeof(VaultWrap));
    }
}

static void fetch_as_open_does(World *world, guint number)
{
    VaultRecordSource records = vault_view_records(world->view);
    VaultCopyEntry entry = fake_entry(number);
    g_autoptr(GBytes) copy = records.fetch(records.user, &entry.record_id, 4096, NULL);
    g_autofree guint8 *body = g_malloc(entry.body_len);
    guint64 len;

    assert_non_null(copy);
    assert_int_equal(g_bytes_get_size(copy), FAKE_VIEW_COPY_LEN);
    assert_record(&entry.record_id, g_bytes_get_data(copy, NULL), 0, FAKE_VIEW_COPY_LEN);
    if (entry.body_len <= SERVE_READ_LEN_MAX) {
        g_autoptr(GBytes) whole = records.fetch(records.user, &entry.body_id, 2u << 20, NULL);

        assert_non_null(whole);
        assert_int_equal(g_bytes_get_size(whole), entry.body_len);
        assert_record(&entry.body_id, g_bytes_get_data(whole, NULL), 0, entry.body_len);
        return;
    }
    assert_true(records.length(records.user, &entry.body_id, &len, NULL));
    assert_int_equal(len, entry.body_len);
    for (guint64 at = 0; at < len; at += 65552) {
        gsize part = (gsize)MIN(65552, len - at);

        assert_true(records.read(records.user, &entry.body_id, at, part, body, NULL));
        assert_record(&entry.body_id, body, at, part);
    }
}

static void release(World *world, guint first, guint count)
{
    g_autofree RecordId *ids = g_new(RecordId, count);
    g_autoptr(GBytes) sealed = NULL;

    for (guint i = 0; i < count; i++)
        ids[i] = fake_id('c', first + i);
    sealed = vault_view_release(world->view, ids, count, NULL);
    assert_non_null(sealed);
    assert_int_equal(g_bytes_get_size(sealed), count * sizeof *ids);
    assert_memory_equal(g_bytes_get_data(sealed, NULL), ids, count * sizeof *ids);
}

static void what_was_released_comes_ahead_and_once(void **state)
{
    g_autoptr(World) world = granted_world_new(400);
    g_autoptr(GArray) page = list_all(world->view, VAULT_VIEW_PAGE_COUNT_MAX);
    GHashTableIter iter;
    gpointer id, count;

    release(world, 0, 400);
    for (guint i = 0; i < 400; i++)
        fetch_as_open_does(world, i);
    g_mutex_lock(&world->vault.lock);
    assert_int_equal(g_hash_table_size(world->vault.reads), 600);
    g_hash_table_iter_init(&iter, world->vault.reads);
    while (g_hash_table_iter_next(&iter, &id, &count)) {
        guint blocks = (guint)((fake_len(id) - 1) / SERVE_READ_LEN_MAX) + 1;

        assert_in_range(GPOINTER_TO_UINT(count), 1, blocks);
    }
    g_mutex_unlock(&world->vault.lock);
}

/* Nobody takes most of them: what is kept ahead is bounded, and the rest still comes. */
static void records_that_nobody_takes_do_not_stop_the_others(void **state)
{
    g_autoptr(World) world = granted_world_new(10000);
    g_autoptr(GArray) page = list_all(world->view, VAULT_VIEW_PAGE_COUNT_MAX);

    for (guint first = 0; first < 10000; first += 2000) {
        release(world, first, 2000);
        fetch_as_open_does(world, first + 1999);
        fetch_as_open_does(world, first + 19);
        fetch_as_open_does(world, first);
    }
}

static gpointer fetch_some(gpointer user)
{
    gpointer *arguments = user;
    guint thread = GPOINTER_TO_UINT(arguments[1]);

    for (guint i = thread; i < 800; i += 4)
        fetch_as_open_does(arguments[0], i);
    return NULL;
}

static void threads_share_a_view(void **state)
{
    g_autoptr(World) world = granted_world_new(800);
    g_autoptr(GArray) page = list_all(world->view, VAULT_VIEW_PAGE_COUNT_MAX);
    gpointer arguments[4][2];
    GThread *threads[4];

    release(world, 0, 800);
    for (guint i = 0; i < 4; i++) {
        arguments[i][0] = world;
        arguments[i][1] = GUINT_TO_POINTER(i);
        threads[i] = g_thread_new("fetch", fetch_some, arguments[i]);
    }
    for (guint i = 0; i < 4; i++)
        g_thread_join(threads[i]);
}

static void errors_of_the_host_come_through(void **state)
{
    g_autoptr(World) world = granted_world_new(4);
    RecordId copy = fake_id('c', 0), stranger = fake_id('x', 0);
    VaultRecordSource records = vault_view_records(world->view);
    g_autoptr(GError) error = NULL, refused = NULL;

    world->vault.is_failing = TRUE;
    world->vault.fails_with = VAULT_ERROR_NO_SPACE;
    assert_null(vault_view_release(world->view, &copy, 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE));
    assert_string_equal(error->message, "told by the host");
    assert_null(records.fetch(records.user, &stranger, 4096, &refused));
    assert_true(g_error_matches(refused, VAULT_ERROR, VAULT_ERROR_REFUSED));
    world->vault.is_failing = FALSE;
    release(world, 0, 4);
}

static void fetch_over_its_limit_is_too_large(void **state)
{
    g_autoptr(World) world = granted_world_new(40);
    VaultRecordSource records = vault_view_records(world->view);
    RecordId small = fake_id('c', 0), large = fake_id('b', 9);
    g_autoptr(GError) error = NULL, other = NULL;

    assert_null(records.fetch(records.user, &small, FAKE_VIEW_COPY_LEN - 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
    assert_null(records.fetch(records.user, &large, FAKE_VIEW_LARGE_LEN - 1, &other));
    assert_true(g_error_matches(other, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
}

static void connection_that_breaks_fails_all_that_waits_and_follows(void **state)
{
    g_autoptr(World) world = granted_world_new(400);
    g_autoptr(GArray) page = list_all(world->view, VAULT_VIEW_PAGE_COUNT_MAX);
    VaultRecordSource records = vault_view_records(world->view);
    guint failed = 0;

    release(world, 0, 400);
    assert_int_equal(shutdown(world->host_fd, SHUT_RDWR), 0);
    for (guint i = 0; i < 400; i++) {
        RecordId id = fake_id('b', i / 2);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = records.fetch(records.user, &id, 4u << 20, &error);

        assert_true((bytes == NULL) == (error != NULL));
        failed += bytes == NULL;
    }
    assert_int_not_equal(failed, 0);
    assert_null(vault_view_release(world->view, &g_array_index(page, VaultCopyEntry, 0).record_id,
                                   1, NULL));
}

static void end_of_the_reader_closes_the_view(void **state)
{
    World *world = granted_world_new(4);

    vault_view_free(world->view);
    world->view = NULL;
    g_thread_join(world->thread);
    assert_true(world->ended_well && world->vault.is_closed);
    vault_view_free(world->host_view);
    fake_vault_clear(&world->vault);
    g_free(world);
}

/* ---- hosts that lie -------------------------------------------------------------------------- */

typedef struct {
    guint8 type;
    const char *payload;
    gsize len;
} Lie;

/* Reads one request, then answers as it was told. */
typedef struct {
    int fd;
    const Lie *lie;
} Liar;

static gpointer tell_lie(gpointer user)
{
    const Liar *liar = user;
    g_autoptr(GByteArray) frame = g_byte_array_new();
    guint8 request[256];

    assert_true(read(liar->fd, request, sizeof request) > 0);
    serve_output_begin(frame);
    g_byte_array_append(frame, (const guint8 *)liar->lie->payload, (guint)liar->lie->len);
    serve_output_end(frame, liar->lie->type);
    if (liar->lie->type == 0)
        memset(frame->data, 0xff, 4);
    assert_true(vault_file_write_all(liar->fd, frame->data, frame->len, "socket", NULL));
    return NULL;
}

/* A read that is answered so fails as MALFORMED; *ret_is_over: and so does everything after it. */
static void read_is_malformed(const Lie *lie, gboolean *ret_is_over)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(RemoteLink) link = NULL;
    g_autoptr(GError) error = NULL, later = NULL;
    g_autoptr(GBytes) answer = NULL;
    ServeRead request = {.len = 10};
    GThread *thread;
    int fds[2];
    Liar liar = {.lie = lie};

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    liar.fd = fds[1];
    thread = g_thread_new("liar", tell_lie, &liar);
    link = remote_link_new(fds[0]);
    serve_read_append(payload, &request);
    answer = remote_link_call(link, SERVE_READ, payload, &error);
    assert_null(answer);
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    g_thread_join(thread);
    (void)shutdown(fds[1], SHUT_RDWR);
    assert_null(remote_link_call(link, SERVE_READ, payload, &later));
    *ret_is_over = g_error_matches(later, VAULT_ERROR, VAULT_ERROR_MALFORMED);
    close(fds[1]);
}

static void answers_to_something_else_end_the_connection(void **state)
{
    static const Lie lies[] = {
        {SERVE_LIST | SERVE_ANSWER, "\0\0", 2}, {SERVE_READ, "12345678", 8}, {0, "", 0}};
    gboolean is_over;

    for (gsize i = 0; i < G_N_ELEMENTS(lies); i++) {
        read_is_malformed(&lies[i], &is_over);
        assert_true(is_over);
    }
}

static void errors_without_form_are_malformed(void **state)
{
    static const Lie lies[] = {{SERVE_ERROR, "\0\x20\0\0", 4},
                               {SERVE_ERROR, "\0\1", 2},
                               {SERVE_ERROR, "\0\1\0\2\xff\xff", 6},
                               {SERVE_ERROR, "\0\1\0\1ab", 6}};
    gboolean is_over;

    for (gsize i = 0; i < G_N_ELEMENTS(lies); i++)
        read_is_malformed(&lies[i], &is_over);
}

static void answer_that_nobody_asked_for_ends_the_connection(void **state)
{
    g_autoptr(GByteArray) frame = g_byte_array_new(), payload = g_byte_array_new();
    g_autoptr(RemoteLink) link = NULL;
    g_autoptr(GError) error = NULL;
    guint8 end;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    link = remote_link_new(fds[0]);
    serve_output_begin(frame);
    serve_output_end(frame, SERVE_READ | SERVE_ANSWER);
    assert_true(vault_file_write_all(fds[1], frame->data, frame->len, "socket", NULL));
    /* The thread of the link takes it in; whether before or after this call, it is not its answer.
     */
    g_usleep(100000);
    assert_null(remote_link_call(link, SERVE_READ, payload, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    assert_int_equal(recv(fds[1], &end, 1, MSG_DONTWAIT), -1);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greet_tells_the_vault_and_its_masters),
        cmocka_unit_test(lists_are_the_same_at_both_ends),
        cmocka_unit_test(terms_are_the_same_at_both_ends),
        cmocka_unit_test(records_of_terms_come_many_at_once),
        cmocka_unit_test(host_of_the_first_version_cannot_be_searched),
        cmocka_unit_test(words_are_sent_to_no_host_elsewhere),
        cmocka_unit_test(months_of_a_standing_reader_are_the_same_at_both_ends),
        cmocka_unit_test(what_was_released_comes_ahead_and_once),
        cmocka_unit_test(records_that_nobody_takes_do_not_stop_the_others),
        cmocka_unit_test(threads_share_a_view),
        cmocka_unit_test(errors_of_the_host_come_through),
        cmocka_unit_test(fetch_over_its_limit_is_too_large),
        cmocka_unit_test(connection_that_breaks_fails_all_that_waits_and_follows),
        cmocka_unit_test(end_of_the_reader_closes_the_view),
        cmocka_unit_test(answers_to_something_else_end_the_connection),
        cmocka_unit_test(errors_without_form_are_malformed),
        cmocka_unit_test(answer_that_nobody_asked_for_ends_the_connection),
    };

    /* The host of a broken connection is a thread here. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
