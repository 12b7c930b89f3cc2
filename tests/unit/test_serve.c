/* The host's side of reading elsewhere, request by request, and what a reader believes of answers.
 */
#include "restore/serve.h"
#include "restore/vault_view_ledger.h"
#include "tests/support/fake_view.h"
#include "vault/base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static guint8 ask(ServeSession *session, guint8 type, const GByteArray *payload, GByteArray *answer,
                  ServeNext next)
{
    assert_int_equal(serve_session_answer(session, type, payload, answer), next);
    assert_int_equal(answer->len - SERVE_FRAME_HEADER_LEN,
                     (guint)answer->data[0] << 24 | (guint)answer->data[1] << 16 |
                         (guint)answer->data[2] << 8 | answer->data[3]);
    return answer->data[4];
}

static VaultErrorCode error_code(const GByteArray *answer)
{
    g_autoptr(GError) error = NULL;

    serve_error_set(answer->data + SERVE_FRAME_HEADER_LEN, answer->len - SERVE_FRAME_HEADER_LEN,
                    &error);
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

static void greet_and_present(ServeSession *session, GByteArray *answer)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    serve_hello_append(payload, SERVE_VERSION);
    assert_int_equal(ask(session, SERVE_HELLO, payload, answer, SERVE_GO_ON),
                     SERVE_HELLO | SERVE_ANSWER);
    g_byte_array_set_size(payload, 0);
    serve_grant_append(payload, SERVE_GRANT_MORE, (const guint8 *)"go", 2);
    assert_int_equal(ask(session, SERVE_GRANT, payload, answer, SERVE_GO_ON),
                     SERVE_GRANT | SERVE_ANSWER);
    g_byte_array_set_size(payload, 0);
    serve_grant_append(payload, SERVE_GRANT_LAST, (const guint8 *)"od one", 6);
    assert_int_equal(ask(session, SERVE_GRANT, payload, answer, SERVE_GO_ON),
                     SERVE_GRANT | SERVE_ANSWER);
}

/* Requests as they are in a session that may make them; of an unknown type, empty. */
static void append_request(GByteArray *payload, guint8 type)
{
    ServeList list = {.filter = {.to_s = 2000}, .max = 10};
    ServeRead read = {.record_id = fake_id('c', 1), .len = 10};
    ServeMonths months = {.max = 10};
    ServeListTerms terms = {.filter = {.to_s = 2000}, .max = 10};
    RecordId copy = fake_id('c', 1);
    VaultHash hash = {{3, 4, 5}};
    ProofBatchId id = {.epoch = 1, .index = 13};

    if (type == SERVE_LIST)
        serve_list_append(payload, &list);
    else if (type == SERVE_MONTHS)
        serve_months_append(payload, &months);
    else if (type == SERVE_LIST_TERMS)
        serve_list_terms_append(payload, &terms);
    else if (type == SERVE_READ_TERMS)
        serve_read_terms_append(payload, &copy, 1);
    else if (type == SERVE_RELEASE || type == SERVE_RELEASE_TERMS)
        serve_release_append(payload, &copy, 1);
    else if (type == SERVE_READ)
        serve_read_append(payload, &read);
    else if (type == SERVE_LOG)
        serve_log_append(payload, VAULT_LOGGED_RESTORE_BEGUN, "copies: 1\n");
    else if (type == SERVE_PROVE)
        serve_prove_append(payload, &hash);
    else if (type == SERVE_BATCHES)
        serve_batches_append(payload, &id, 1);
}

static void nothing_is_answered_before_a_good_grant(void **state)
{
    static const guint8 types[] = {SERVE_LIST,
                                   SERVE_RELEASE,
                                   SERVE_READ,
                                   SERVE_LOG,
                                   SERVE_MONTHS,
                                   SERVE_PROVE,
                                   SERVE_BATCHES,
                                   SERVE_LIST_TERMS,
                                   SERVE_CASE_KEY,
                                   SERVE_READ_TERMS,
                                   SERVE_RELEASE_TERMS,
                                   14,
                                   0,
                                   0xff};
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(GByteArray) answer = g_byte_array_new();

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(ServeSession) session = serve_session_new(view, NULL);
        g_autoptr(GByteArray) hello = g_byte_array_new(), request = g_byte_array_new();

        append_request(request, types[i]);
        assert_int_equal(ask(session, types[i], request, answer, SERVE_OVER), SERVE_ERROR);
        assert_int_equal(error_code(answer), VAULT_ERROR_MALFORMED);
        serve_hello_append(hello, SERVE_VERSION);
        ask(session, SERVE_HELLO, hello, answer, SERVE_GO_ON);
        assert_int_equal(ask(session, types[i], request, answer, SERVE_OVER), SERVE_ERROR);
        assert_int_equal(error_code(answer), VAULT_ERROR_MALFORMED);
    }
    assert_int_equal(vault.release_count + vault.log_count, 0);
}

static void grant_comes_after_the_greeting(void **state)
{
    g_auto(FakeVault) vault = {0};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();

    serve_grant_append(payload, SERVE_GRANT_LAST, (const guint8 *)"good", 4);
    assert_int_equal(ask(session, SERVE_GRANT, payload, answer, SERVE_OVER), SERVE_ERROR);
    assert_int_equal(error_code(answer), VAULT_ERROR_MALFORMED);
    assert_false(vault.has_grant);
}

static void well_formed_requests_are_answered_after_a_good_grant(void **state)
{
    static const guint8 types[] = {SERVE_LIST,          SERVE_RELEASE,    SERVE_READ,
                                   SERVE_LOG,           SERVE_MONTHS,     SERVE_PROVE,
                                   SERVE_BATCHES,       SERVE_LIST_TERMS, SERVE_READ_TERMS,
                                   SERVE_RELEASE_TERMS, SERVE_CASE_KEY};
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) answer = g_byte_array_new();

    greet_and_present(session, answer);
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(GByteArray) request = g_byte_array_new();

        append_request(request, types[i]);
        assert_int_equal(ask(session, types[i], request, answer, SERVE_GO_ON),
                         types[i] | SERVE_ANSWER);
        /* One byte too many, or too few, is not such a request; a text may have any length. */
        if (types[i] == SERVE_LOG)
            continue;
        vault_bytes_append_u8(request, 0);
        assert_int_equal(ask(session, types[i], request, answer, SERVE_OVER), SERVE_ERROR);
        if (request->len < 2)
            continue;
        g_byte_array_set_size(request, request->len - 2);
        assert_int_equal(ask(session, types[i], request, answer, SERVE_OVER), SERVE_ERROR);
    }
    assert_int_equal(vault.release_count, 2);
    assert_int_equal(vault.case_key_count, 1);
    assert_int_equal(vault.log_count, 1);
}

/* A reader of an older version is answered in that, and has what was there then. */
static void the_first_version_is_spoken_without_terms(void **state)
{
    static const guint8 types[] = {SERVE_LIST_TERMS, SERVE_RELEASE_TERMS, SERVE_READ_TERMS,
                                   SERVE_CASE_KEY};
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(ServeSession) session = serve_session_new(view, NULL);
        g_autoptr(GByteArray) answer = g_byte_array_new();
        g_autoptr(GByteArray) hello = g_byte_array_new(), grant = g_byte_array_new();
        g_autoptr(GByteArray) list = g_byte_array_new(), request = g_byte_array_new();
        g_auto(ServeHello) said = {.masters = NULL};

        serve_hello_append(hello, 1);
        ask(session, SERVE_HELLO, hello, answer, SERVE_GO_ON);
        assert_true(serve_hello_answer_parse(answer->data + SERVE_FRAME_HEADER_LEN,
                                             answer->len - SERVE_FRAME_HEADER_LEN, &said, NULL));
        assert_int_equal(said.version, 1);
        serve_grant_append(grant, SERVE_GRANT_LAST, (const guint8 *)"good", 4);
        ask(session, SERVE_GRANT, grant, answer, SERVE_GO_ON);
        append_request(list, SERVE_LIST);
        assert_int_equal(ask(session, SERVE_LIST, list, answer, SERVE_GO_ON),
                         SERVE_LIST | SERVE_ANSWER);
        append_request(request, types[i]);
        assert_int_equal(ask(session, types[i], request, answer, SERVE_OVER), SERVE_ERROR);
        assert_int_equal(error_code(answer), VAULT_ERROR_MALFORMED);
    }
    assert_int_equal(vault.release_count + vault.case_key_count, 0);
}

static VaultErrorCode hello_error(guint16 version)
{
    g_autoptr(GArray) masters = g_array_new(FALSE, TRUE, sizeof(MasterPublic));
    const ServeHello host = {.version = version, .masters = masters, .warning = (char *)""};
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_auto(ServeHello) said = {.masters = NULL};
    g_autoptr(GError) error = NULL;

    serve_hello_answer_append(payload, &host);
    assert_false(serve_hello_answer_parse(payload->data, payload->len, &said, &error));
    return (VaultErrorCode)error->code;
}

static void versions_that_are_not_known_are_unsupported(void **state)
{
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) payload = g_byte_array_new(), answer = g_byte_array_new();

    assert_int_equal(hello_error(0), VAULT_ERROR_UNSUPPORTED);
    assert_int_equal(hello_error(SERVE_VERSION + 1), VAULT_ERROR_UNSUPPORTED);
    serve_hello_append(payload, 0);
    assert_int_equal(ask(session, SERVE_HELLO, payload, answer, SERVE_OVER), SERVE_ERROR);
    assert_int_equal(error_code(answer), VAULT_ERROR_UNSUPPORTED);
}

static gboolean take_terms_page(const VaultTermsPosition *before, const VaultTermsPosition *said,
                                gboolean is_more, gsize max)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GArray) page = g_array_new(FALSE, TRUE, sizeof(VaultTermsEntry));
    g_autoptr(GError) error = NULL;
    VaultTermsPosition position = *before;
    gboolean more, is_taken;

    g_array_set_size(page, 2);
    serve_list_terms_answer_append(payload, page, said, is_more);
    g_array_set_size(page, 0);
    is_taken = serve_list_terms_answer_parse(payload->data, payload->len, max, page, &position,
                                             &more, &error);
    assert_true(is_taken || g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    assert_true(!is_taken || (page->len == 2 && more == is_more));
    return is_taken;
}

static void lists_of_terms_that_do_not_go_forward_are_refused(void **state)
{
    const VaultTermsPosition before = {.catalog_mark = 7, .sequence = 10};
    const VaultTermsPosition same = before, next = {.catalog_mark = 7, .sequence = 11};
    const VaultTermsPosition back = {.catalog_mark = 7, .sequence = 9};
    const VaultTermsPosition other = {.catalog_mark = 8, .sequence = 2, .is_anew = TRUE};

    assert_true(take_terms_page(&before, &next, TRUE, 2));
    assert_true(take_terms_page(&before, &same, FALSE, 2));
    assert_true(take_terms_page(&before, &other, TRUE, 2));
    assert_false(take_terms_page(&before, &same, TRUE, 2));
    assert_false(take_terms_page(&before, &back, FALSE, 2));
    assert_false(take_terms_page(&before, &next, TRUE, 1));
}

/* As many as there is room for, never none; each where it was asked for. */
static void terms_are_answered_for_in_order_as_far_as_there_is_room(void **state)
{
    GBytes *records[40] = {NULL};
    gsize at = 0, rounds = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(records); i++)
        if (i % 5 != 4)
            records[i] = g_bytes_new_take(g_strnfill(VAULT_VIEW_TERMS_LEN_MAX - i, 'x'),
                                          VAULT_VIEW_TERMS_LEN_MAX - i);
    for (gsize answered; at < G_N_ELEMENTS(records); at += answered, rounds++) {
        g_autoptr(GByteArray) array = g_byte_array_new();
        GBytes *taken[G_N_ELEMENTS(records)] = {NULL};
        g_autoptr(GBytes) payload = NULL;
        gsize left = G_N_ELEMENTS(records) - at;

        assert_int_equal(serve_read_terms_answer_append(array, records + at, left) > 0, TRUE);
        assert_true(array->len <= SERVE_PAYLOAD_LEN_MAX);
        payload = g_byte_array_free_to_bytes(g_steal_pointer(&array));
        assert_true(serve_read_terms_answer_parse(payload, left, taken, &answered, NULL));
        assert_false(serve_read_terms_answer_parse(payload, answered - 1, taken, &answered, NULL));
        for (gsize i = 0; i < answered; i++) {
            assert_true((taken[i] == NULL) == (records[at + i] == NULL));
            assert_true(taken[i] == NULL || g_bytes_equal(taken[i], records[at + i]));
            g_clear_pointer(&taken[i], g_bytes_unref);
        }
    }
    assert_true(rounds > 1);
    for (gsize i = 0; i < G_N_ELEMENTS(records); i++)
        g_clear_pointer(&records[i], g_bytes_unref);
}

static void grant_that_is_not_good_ends_the_session(void **state)
{
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();

    serve_hello_append(payload, SERVE_VERSION);
    ask(session, SERVE_HELLO, payload, answer, SERVE_GO_ON);
    g_byte_array_set_size(payload, 0);
    serve_grant_append(payload, SERVE_GRANT_LAST, (const guint8 *)"bad", 3);
    assert_int_equal(ask(session, SERVE_GRANT, payload, answer, SERVE_OVER), SERVE_ERROR);
    assert_int_equal(error_code(answer), VAULT_ERROR_REFUSED);
}

static void grant_over_its_limit_is_too_large(void **state)
{
    g_auto(FakeVault) vault = {0};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();
    g_autofree guint8 *part = g_malloc0(SERVE_GRANT_PART_LEN_MAX);

    serve_hello_append(payload, SERVE_VERSION);
    ask(session, SERVE_HELLO, payload, answer, SERVE_GO_ON);
    g_byte_array_set_size(payload, 0);
    serve_grant_append(payload, SERVE_GRANT_MORE, part, SERVE_GRANT_PART_LEN_MAX);
    for (gsize len = 0; len < SERVE_GRANT_LEN_MAX; len += SERVE_GRANT_PART_LEN_MAX)
        ask(session, SERVE_GRANT, payload, answer, SERVE_GO_ON);
    g_byte_array_set_size(payload, 2);
    assert_int_equal(ask(session, SERVE_GRANT, payload, answer, SERVE_OVER), SERVE_ERROR);
    assert_int_equal(error_code(answer), VAULT_ERROR_TOO_LARGE);
}

static void errors_that_are_no_breach_leave_the_session(void **state)
{
    g_auto(FakeVault) vault = {.copy_count = 4, .is_failing = TRUE};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();
    RecordId copy = fake_id('c', 1);

    greet_and_present(session, answer);
    serve_release_append(payload, &copy, 1);
    for (VaultErrorCode code = VAULT_ERROR_NOT_FOUND; code <= VAULT_ERROR_UNSUPPORTED; code++) {
        ServeNext next = code == VAULT_ERROR_MALFORMED ? SERVE_OVER : SERVE_GO_ON;

        vault.fails_with = code;
        assert_int_equal(ask(session, SERVE_RELEASE, payload, answer, next), SERVE_ERROR);
        assert_int_equal(error_code(answer), code);
    }
}

/* Parses the answer that is in `answer`, against the first `count` ids. */
static gboolean take_batches(const GByteArray *answer, gsize count, GPtrArray *batches)
{
    static const ProofBatchId ids[] = {{1, 13}, {2, 13}, {2, 15}};

    return serve_batches_answer_parse(answer->data + SERVE_FRAME_HEADER_LEN,
                                      answer->len - SERVE_FRAME_HEADER_LEN, ids, count, batches,
                                      NULL);
}

static void batches_are_limited_and_rise(void **state)
{
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();
    ProofBatchId ids[PROOF_BATCHES_MAX + 1], missing = {1, FAKE_VIEW_BATCH_MAX + 1};
    static const ProofBatchId odd[][2] = {
        {{1, 13}, {1, 13}}, {{2, 13}, {1, 14}}, {{0, 13}, {1, 13}}, {{1, 13}, {1, 1ull << 62}}};

    greet_and_present(session, answer);
    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++)
        ids[i] = i < 30 ? (ProofBatchId){1, 100 + i} : (ProofBatchId){2, i - 20};
    serve_batches_append(payload, ids, PROOF_BATCHES_MAX);
    assert_int_equal(ask(session, SERVE_BATCHES, payload, answer, SERVE_GO_ON),
                     SERVE_BATCHES | SERVE_ANSWER);
    g_byte_array_set_size(payload, 0);
    serve_batches_append(payload, &missing, 1);
    assert_int_equal(ask(session, SERVE_BATCHES, payload, answer, SERVE_GO_ON), SERVE_ERROR);
    assert_int_equal(error_code(answer), VAULT_ERROR_NOT_FOUND);
    g_byte_array_set_size(payload, 0);
    serve_batches_append(payload, ids, PROOF_BATCHES_MAX + 1);
    assert_int_equal(ask(session, SERVE_BATCHES, payload, answer, SERVE_OVER), SERVE_ERROR);
    assert_int_equal(error_code(answer), VAULT_ERROR_MALFORMED);
    for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_byte_array_set_size(payload, 0);
        serve_batches_append(payload, odd[i], 2);
        assert_int_equal(ask(session, SERVE_BATCHES, payload, answer, SERVE_OVER), SERVE_ERROR);
        assert_int_equal(error_code(answer), VAULT_ERROR_MALFORMED);
    }
}

static void reader_takes_only_the_batches_that_it_asked_for(void **state)
{
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();
    g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func((GDestroyNotify)proof_batch_free);
    static const ProofBatchId asked[] = {{1, 13}, {2, 15}}, other[] = {{3, 13}, {3, 15}};

    greet_and_present(session, answer);
    serve_batches_append(payload, asked, 1);
    ask(session, SERVE_BATCHES, payload, answer, SERVE_GO_ON);
    assert_true(take_batches(answer, 3, batches));
    assert_int_equal(batches->len, 1);
    assert_false(take_batches(answer, 0, batches));
    answer->data[SERVE_FRAME_HEADER_LEN + 1] = 0;
    assert_false(take_batches(answer, 3, batches));
    g_byte_array_set_size(payload, 0);
    serve_batches_append(payload, asked, 2);
    ask(session, SERVE_BATCHES, payload, answer, SERVE_GO_ON);
    assert_false(take_batches(answer, 3, batches));
    /* The indexes of what was asked for, and another epoch. */
    g_byte_array_set_size(payload, 0);
    serve_batches_append(payload, other, 1);
    ask(session, SERVE_BATCHES, payload, answer, SERVE_GO_ON);
    assert_false(take_batches(answer, 3, batches));
}

static void reader_takes_no_place_out_of_bounds(void **state)
{
    ProofMessage message = {
        .is_in_log = TRUE, .batch = {2, 7}, .path.count = VAULT_MERKLE_PROOF_MAX};
    g_autoptr(GByteArray) payload = g_byte_array_new();

    serve_prove_answer_append(payload, &message);
    assert_true(serve_prove_answer_parse(payload->data, payload->len, &message, NULL));
    assert_int_equal(message.batch.epoch, 2);
    payload->data[4] = 0;
    assert_false(serve_prove_answer_parse(payload->data, payload->len, &message, NULL));
    payload->data[4] = 2;
    payload->data[17]++;
    g_byte_array_set_size(payload, payload->len + VAULT_HASH_LEN);
    assert_false(serve_prove_answer_parse(payload->data, payload->len, &message, NULL));
    payload->data[0] = 2;
    assert_false(serve_prove_answer_parse(payload->data, 1, &message, NULL));
    payload->data[0] = 0;
    assert_false(serve_prove_answer_parse(payload->data, 2, &message, NULL));
    assert_true(serve_prove_answer_parse(payload->data, 1, &message, NULL));
    assert_false(message.is_in_log);
}

static void reads_past_the_end_give_what_there_is(void **state)
{
    g_auto(FakeVault) vault = {.copy_count = 4};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, NULL);
    g_autoptr(GByteArray) answer = g_byte_array_new();
    static const struct {
        guint64 offset;
        guint32 len;
        gsize given;
    } cases[] = {{0, 0, 0},
                 {0, FAKE_VIEW_COPY_LEN + 1, FAKE_VIEW_COPY_LEN},
                 {FAKE_VIEW_COPY_LEN - 1, 10, 1},
                 {FAKE_VIEW_COPY_LEN, 10, 0},
                 {G_MAXUINT64, SERVE_READ_LEN_MAX, 0}};

    greet_and_present(session, answer);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ServeRead read = {
            .record_id = fake_id('c', 2), .offset = cases[i].offset, .len = cases[i].len};
        g_autoptr(GByteArray) payload = g_byte_array_new();

        serve_read_append(payload, &read);
        assert_int_equal(ask(session, SERVE_READ, payload, answer, SERVE_GO_ON),
                         SERVE_READ | SERVE_ANSWER);
        assert_int_equal(answer->len, SERVE_FRAME_HEADER_LEN + 8 + cases[i].given);
    }
}

/* ---- what hosts answer ------------------------------------------------------------------------
 */

static void lists_that_do_not_go_forward_are_refused(void **state)
{
    VaultCopyEntry entries[] = {fake_entry(5), fake_entry(4)};
    VaultViewPosition none = {0}, behind = {.is_set = TRUE, .received_s = 1001};
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    g_autoptr(GArray) got = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    g_autoptr(GByteArray) one = g_byte_array_new(), two = g_byte_array_new();

    g_array_append_val(page, entries[0]);
    serve_list_answer_append(one, page);
    behind.record_id = entries[0].record_id;
    assert_true(serve_list_answer_parse(one->data, one->len, &none, 1, got, NULL));
    assert_false(serve_list_answer_parse(one->data, one->len, &none, 0, got, NULL));
    assert_false(serve_list_answer_parse(one->data, one->len, &behind, 1, got, NULL));
    assert_false(serve_list_answer_parse(one->data, one->len - 1, &none, 1, got, NULL));
    assert_false(serve_list_answer_parse(one->data, 0, &none, 1, got, NULL));
    g_array_append_val(page, entries[1]);
    serve_list_answer_append(two, page);
    assert_false(serve_list_answer_parse(two->data, two->len, &none, 2, got, NULL));
}

static void assert_no_months(const GByteArray *payload, const VaultReaderPosition *after, gsize max)
{
    g_autoptr(GPtrArray) page =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    g_autoptr(GError) error = NULL;

    assert_false(serve_months_answer_parse(payload->data, payload->len, after, max, page, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
}

static void months_that_do_not_go_forward_or_are_none_are_refused(void **state)
{
    g_autoptr(GPtrArray) months =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    g_autoptr(GPtrArray) page =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    g_autoptr(GByteArray) payload = g_byte_array_new(), wrong = g_byte_array_new();
    const VaultReaderPosition start = {.is_set = FALSE};
    VaultReaderPosition seen = {.is_set = TRUE};
    VaultMonthKeys *last;

    for (guint i = 0; i < 3; i++)
        g_ptr_array_add(months, fake_month(i));
    last = g_ptr_array_index(months, 2);
    serve_months_answer_append(payload, months);
    assert_true(serve_months_answer_parse(payload->data, payload->len, &start, 3, page, NULL));
    assert_int_equal(page->len, 3);
    assert_no_months(payload, &start, 2);
    seen.mailbox_id = last->mailbox_id;
    seen.month_key_id = last->month_key_id;
    assert_no_months(payload, &seen, 3);
    for (guint len = 0; len < payload->len; len++) {
        g_byte_array_set_size(wrong, 0);
        g_byte_array_append(wrong, payload->data, len);
        assert_no_months(wrong, &start, 3);
    }
    g_byte_array_set_size(wrong, 0);
    last->month = 202613;
    serve_months_answer_append(wrong, months);
    assert_no_months(wrong, &start, 3);
    g_byte_array_set_size(wrong, 0);
    last->month = 202612;
    g_free(last->address);
    last->address = g_strnfill(VAULT_ADDRESS_LEN_MAX + 1, 'a');
    serve_months_answer_append(wrong, months);
    assert_no_months(wrong, &start, 3);
}

static void months_are_asked_for_within_limits(void **state)
{
    static const guint16 numbers[] = {0, VAULT_VIEW_MONTHS_COUNT_MAX + 1};

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(GByteArray) payload = g_byte_array_new();
        ServeMonths months = {.max = numbers[i]};

        serve_months_append(payload, &months);
        assert_false(serve_months_parse(payload->data, payload->len, &months, NULL));
    }
}

static void parts_of_another_length_are_refused(void **state)
{
    guint8 payload[8 + 20] = {0};
    ServeRead read = {.offset = 5, .len = 10};
    guint64 len;

    vault_bytes_put_u64(payload, 15);
    assert_true(serve_read_answer_parse(payload, 8 + 10, &read, &len, NULL));
    assert_int_equal(len, 15);
    assert_false(serve_read_answer_parse(payload, 8 + 9, &read, &len, NULL));
    assert_false(serve_read_answer_parse(payload, 8 + 11, &read, &len, NULL));
    assert_false(serve_read_answer_parse(payload, 7, &read, &len, NULL));
    vault_bytes_put_u64(payload, 4);
    assert_true(serve_read_answer_parse(payload, 8, &read, &len, NULL));
}

/* ---- the ledger ------------------------------------------------------------------------------ */

static void ledger_knows_the_last_listed_and_the_last_released(void **state)
{
    g_autoptr(VaultViewLedger) ledger = vault_view_ledger_new();
    VaultCopyEntry first = fake_entry(0), second = fake_entry(1), found;

    vault_view_ledger_add_listed(ledger, &first);
    assert_true(vault_view_ledger_find(ledger, &first.record_id, &found, NULL));
    assert_false(vault_view_ledger_check_read(ledger, &first.record_id, NULL));
    assert_false(vault_view_ledger_check_read(ledger, &first.body_id, NULL));
    vault_view_ledger_add_released(ledger, &first);
    vault_view_ledger_add_released(ledger, &first);
    vault_view_ledger_add_released(ledger, &second); /* of the same body */
    for (guint i = 2; i < VAULT_VIEW_LEDGER_COUNT_MAX + 2; i++) {
        VaultCopyEntry entry = fake_entry(i);

        vault_view_ledger_add_listed(ledger, &entry);
    }
    /* Listing pushed the first out of the listed ones, not out of the released ones. */
    assert_true(vault_view_ledger_check_read(ledger, &first.record_id, NULL));
    assert_true(vault_view_ledger_check_read(ledger, &first.body_id, NULL));
    for (guint i = 2; i < VAULT_VIEW_LEDGER_COUNT_MAX + 1; i++) {
        VaultCopyEntry entry = fake_entry(i);

        vault_view_ledger_add_released(ledger, &entry);
    }
    assert_false(vault_view_ledger_check_read(ledger, &first.record_id, NULL));
    assert_false(vault_view_ledger_find(ledger, &first.record_id, &found, NULL));
    assert_true(vault_view_ledger_check_read(ledger, &first.body_id, NULL));
    found = fake_entry(VAULT_VIEW_LEDGER_COUNT_MAX + 1);
    vault_view_ledger_add_released(ledger, &found);
    assert_false(vault_view_ledger_check_read(ledger, &first.body_id, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_answered_before_a_good_grant),
        cmocka_unit_test(grant_comes_after_the_greeting),
        cmocka_unit_test(well_formed_requests_are_answered_after_a_good_grant),
        cmocka_unit_test(the_first_version_is_spoken_without_terms),
        cmocka_unit_test(versions_that_are_not_known_are_unsupported),
        cmocka_unit_test(lists_of_terms_that_do_not_go_forward_are_refused),
        cmocka_unit_test(terms_are_answered_for_in_order_as_far_as_there_is_room),
        cmocka_unit_test(grant_that_is_not_good_ends_the_session),
        cmocka_unit_test(grant_over_its_limit_is_too_large),
        cmocka_unit_test(errors_that_are_no_breach_leave_the_session),
        cmocka_unit_test(batches_are_limited_and_rise),
        cmocka_unit_test(reader_takes_only_the_batches_that_it_asked_for),
        cmocka_unit_test(reader_takes_no_place_out_of_bounds),
        cmocka_unit_test(reads_past_the_end_give_what_there_is),
        cmocka_unit_test(lists_that_do_not_go_forward_are_refused),
        cmocka_unit_test(months_that_do_not_go_forward_or_are_none_are_refused),
        cmocka_unit_test(months_are_asked_for_within_limits),
        cmocka_unit_test(parts_of_another_length_are_refused),
        cmocka_unit_test(ledger_knows_the_last_listed_and_the_last_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
