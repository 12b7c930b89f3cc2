/* Terms and case keys in the serve protocol: which version has them, and what a reader believes. */
#include "serve_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_version_is_spoken_without_terms),
        cmocka_unit_test(versions_that_are_not_known_are_unsupported),
        cmocka_unit_test(lists_of_terms_that_do_not_go_forward_are_refused),
        cmocka_unit_test(terms_are_answered_for_in_order_as_far_as_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
