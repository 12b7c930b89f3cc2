/* The host's side of reading elsewhere, request by request, and what a reader believes of answers.
 */
#include "serve_world.h"

#include "restore/vault_view_ledger.h"

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
