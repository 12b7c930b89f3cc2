#include "archived/control_frame.h"
#include "archived/control_request.h"
#include "vault/base/file.h"
#include "vault/store/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cmocka.h>

#define NOW_S 1700000000

/* ---- requests -------------------------------------------------------------------------------- */

static void assert_code(const GError *error, VaultErrorCode code)
{
    assert_non_null(error);
    assert_true(g_error_matches(error, VAULT_ERROR, (int)code));
}

static void each_request_is_taken_on_its_own_socket_only(void **state)
{
    const struct {
        const char *name;
        ArchivedDuty duty;
        ArchivedRequest request;
    } rows[] = {
        {"status", ARCHIVED_DUTY_STATUS, ARCHIVED_REQUEST_STATUS},
        {"flush", ARCHIVED_DUTY_READ, ARCHIVED_REQUEST_FLUSH},
        {"reload", ARCHIVED_DUTY_OPERATE, ARCHIVED_REQUEST_RELOAD},
        {"rotate-keys-ahead", ARCHIVED_DUTY_OPERATE, ARCHIVED_REQUEST_ROTATE_KEYS_AHEAD},
        {"operate policy-set", ARCHIVED_DUTY_OPERATE, ARCHIVED_REQUEST_OPERATE},
        {"release", ARCHIVED_DUTY_READ, ARCHIVED_REQUEST_RELEASE},
        {"terms", ARCHIVED_DUTY_OPERATE, ARCHIVED_REQUEST_TERMS},
        {"restore-begun", ARCHIVED_DUTY_READ, ARCHIVED_REQUEST_RESTORE_BEGUN},
        {"restore-done", ARCHIVED_DUTY_READ, ARCHIVED_REQUEST_RESTORE_DONE},
        {"import 00112233445566778899aabbccddeeff", ARCHIVED_DUTY_OPERATE, ARCHIVED_REQUEST_IMPORT},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (ArchivedDuty duty = ARCHIVED_DUTY_STATUS; duty <= ARCHIVED_DUTY_OPERATE; duty++) {
            g_autoptr(GError) error = NULL;
            ArchivedRequest request;

            if (archived_request_parse(rows[i].name, duty, &request, &error)) {
                assert_int_equal(duty, rows[i].duty);
                assert_int_equal(request, rows[i].request);
            } else {
                assert_int_not_equal(duty, rows[i].duty);
                assert_code(error, VAULT_ERROR_REFUSED);
            }
        }
    }
}

static void unknown_request_is_unsupported(void **state)
{
    const char *const lines[] = {
        "",         "stop",     "status ",
        "STATUS",   "status\r", "status 00112233445566778899aabbccddeeff",
        "import x", "import ",  "import 00112233445566778899aabbccddeeff0"};

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GError) error = NULL;
        ArchivedRequest request;

        assert_false(archived_request_parse(lines[i], ARCHIVED_DUTY_STATUS, &request, &error));
        assert_code(error, VAULT_ERROR_UNSUPPORTED);
    }
}

static gboolean parse_header(const char *json, ArchivedImportHeader *ret_header, GError **error)
{
    return archived_import_header_parse(json, strlen(json), NOW_S, ret_header, error);
}

static void import_header_is_taken_whole(void **state)
{
    g_auto(ArchivedImportHeader) header = {0};

    assert_true(parse_header("{\"owners\":[\"anna@example.org\",\"b@example.org\"],"
                             "\"received\":1600000000,\"flags\":2,\"sender\":\"c@example.net\","
                             "\"source\":\"import:mbox\",\"folder\":\"INBOX/\\u00e4\","
                             "\"keywords\":\"\\\\Seen\"}",
                             &header, NULL));
    assert_string_equal(header.owners[0], "anna@example.org");
    assert_string_equal(header.owners[1], "b@example.org");
    assert_null(header.owners[2]);
    assert_int_equal(header.received_s, 1600000000);
    assert_int_equal(header.flags, VAULT_FLAG_DATE_UNCERTAIN);
    assert_string_equal(header.sender, "c@example.net");
    assert_string_equal(header.source, "import:mbox");
    assert_string_equal(header.folder, "INBOX/ä");
    assert_string_equal(header.keywords, "\\Seen");
}

static void import_header_holds_a_place_in_the_source(void **state)
{
    g_auto(ArchivedImportHeader) header = {0};
    g_autofree char *zeros = g_strnfill(62, '0');
    g_autofree char *json =
        g_strdup_printf("{\"owners\":[],\"received\":1,\"position\":\"aB%s\"}", zeros);

    assert_true(parse_header(json, &header, NULL));
    assert_true(header.has_position);
    assert_int_equal(header.position.bytes[0], 0xab);
    assert_int_equal(header.position.bytes[VAULT_HASH_LEN - 1], 0);
}

static void import_id_is_read_from_the_line(void **state)
{
    RowId id;

    assert_true(archived_request_import_id("import 00112233445566778899aabbccddeeff", &id));
    assert_string_equal(VAULT_ID_TEXT(id), "00112233445566778899aabbccddeeff");
    assert_false(archived_request_import_id("import", &id));
}

static void absent_fields_have_defaults(void **state)
{
    g_auto(ArchivedImportHeader) header = {0};

    assert_true(parse_header("{\"owners\":[],\"received\":0}", &header, NULL));
    assert_null(header.owners[0]);
    assert_string_equal(header.sender, "");
    assert_string_equal(header.source, "import");
    assert_null(header.folder);
    assert_null(header.keywords);
    assert_int_equal(header.flags, 0);
}

static void wrong_import_headers_are_malformed(void **state)
{
    g_autofree char *long_text = g_strnfill(4097, 'x');
    g_autofree char *too_long =
        g_strdup_printf("{\"owners\":[],\"received\":1,\"folder\":\"%s\"}", long_text);
    const char *const rows[] = {
        "",
        "[]",
        "{",
        "null",
        "{\"received\":1}",
        "{\"owners\":[]}",
        "{\"owners\":\"anna@example.org\",\"received\":1}",
        "{\"owners\":[],\"received\":1,\"position\":\"00\"}",
        "{\"owners\":[],\"received\":1,\"position\":7}",
        "{\"owners\":[1],\"received\":1}",
        "{\"owners\":[null],\"received\":1}",
        "{\"owners\":[[\"a@example.org\"]],\"received\":1}",
        "{\"owners\":[],\"received\":-1}",
        "{\"owners\":[],\"received\":1.5}",
        "{\"owners\":[],\"received\":\"1\"}",
        "{\"owners\":[],\"received\":1700172801}", /* two days and a second ahead */
        "{\"owners\":[],\"received\":1,\"flags\":1}",
        "{\"owners\":[],\"received\":1,\"flags\":8}",
        "{\"owners\":[],\"received\":1,\"flags\":4294967298}",
        "{\"owners\":[],\"received\":1,\"sender\":null}",
        "{\"owners\":[],\"received\":1,\"sender\":{}}",
        "{\"owners\":[],\"received\":1,\"colour\":\"red\"}",
        too_long,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(ArchivedImportHeader) header = {0};
        g_autoptr(GError) error = NULL;

        if (parse_header(rows[i], &header, &error))
            fail_msg("taken: %s", rows[i]);
        assert_code(error, VAULT_ERROR_MALFORMED);
    }
}

static void received_time_is_taken_up_to_two_days_ahead(void **state)
{
    g_auto(ArchivedImportHeader) header = {0};

    assert_true(parse_header("{\"owners\":[],\"received\":1700172800}", &header, NULL));
}

/* ---- frames ---------------------------------------------------------------------------------- */

typedef struct {
    VaultFd near, far;
    ArchivedControlStream *stream; /* of near */
} Pair;

static void pair_clear(Pair *pair)
{
    archived_control_stream_free(pair->stream);
    vault_fd_close(&pair->near);
    vault_fd_close(&pair->far);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pair, pair_clear)

/* The far end has sent the text and, if asked, closed. */
static Pair pair_new(const char *text, gsize len, gboolean is_closed)
{
    int fds[2];
    Pair pair;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pair = (Pair){fds[0], fds[1], archived_control_stream_new(fds[0])};
    assert_true(archived_control_send(pair.far, text, len, NULL));
    if (is_closed)
        vault_fd_close(&pair.far);
    return pair;
}

static void lines_come_one_by_one_and_then_the_end(void **state)
{
    g_auto(Pair) pair = pair_new("status\n\nflush\n", 14, TRUE);
    const char *const expected[] = {"status", "", "flush", NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *line = NULL;

        assert_true(archived_control_read_line(pair.stream, 100, &line, NULL));
        if (expected[i] == NULL)
            assert_null(line);
        else
            assert_string_equal(line, expected[i]);
    }
}

static void assert_line_fails(const char *text, gsize len, gsize len_max, VaultErrorCode code)
{
    g_auto(Pair) pair = pair_new(text, len, TRUE);
    g_autoptr(GError) error = NULL;
    char *line = NULL;

    assert_false(archived_control_read_line(pair.stream, len_max, &line, &error));
    assert_code(error, code);
}

static void wrong_lines_are_refused(void **state)
{
    assert_line_fails("status", 6, 100, VAULT_ERROR_IO); /* cut short */
    assert_line_fails("sta\0tus\n", 8, 100, VAULT_ERROR_MALFORMED);
    assert_line_fails("0123456789\n", 11, 10, VAULT_ERROR_MALFORMED);
    assert_line_fails("0123456789", 10, 10, VAULT_ERROR_MALFORMED);
}

static void line_at_its_limit_is_taken(void **state)
{
    g_auto(Pair) pair = pair_new("012345678\n", 10, TRUE);
    g_autofree char *line = NULL;

    assert_true(archived_control_read_line(pair.stream, 10, &line, NULL));
    assert_string_equal(line, "012345678");
}

static void frame_comes_back_after_a_line(void **state)
{
    g_auto(Pair) pair = pair_new("import\n", 7, FALSE);
    g_autofree char *line = NULL;
    char bytes[5];
    guint32 len;
    gboolean is_end;

    assert_true(archived_control_send_frame(pair.far, "hello", 5, NULL));
    vault_fd_close(&pair.far);
    assert_true(archived_control_read_line(pair.stream, 100, &line, NULL));
    assert_true(archived_control_read_u32(pair.stream, &len, &is_end, NULL));
    assert_false(is_end);
    assert_int_equal(len, 5);
    assert_true(archived_control_read(pair.stream, bytes, 5, NULL));
    assert_memory_equal(bytes, "hello", 5);
    assert_true(archived_control_read_u32(pair.stream, &len, &is_end, NULL));
    assert_true(is_end);
}

static void frame_cut_short_is_an_io_error(void **state)
{
    g_auto(Pair) pair = pair_new("\0\0", 2, TRUE);
    g_autoptr(GError) error = NULL;
    guint32 len;
    gboolean is_end;

    assert_false(archived_control_read_u32(pair.stream, &len, &is_end, &error));
    assert_code(error, VAULT_ERROR_IO);
}

static void silent_peer_is_an_io_error(void **state)
{
    g_auto(Pair) pair = pair_new("stat", 4, FALSE);
    const struct timeval timeout = {.tv_usec = 1000};
    g_autoptr(GError) error = NULL;
    char *line = NULL;

    setsockopt(pair.near, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    assert_false(archived_control_read_line(pair.stream, 100, &line, &error));
    assert_code(error, VAULT_ERROR_IO);
    assert_non_null(strstr(error->message, "in time"));
}

static void error_codes_keep_their_names(void **state)
{
    for (int code = VAULT_ERROR_NOT_FOUND; code <= VAULT_ERROR_UNSUPPORTED; code++)
        assert_int_equal(archived_control_code_parse(archived_control_code_name(code)), code);
    assert_int_equal(archived_control_code_parse("WHATEVER"), VAULT_ERROR_IO);
    assert_int_equal(archived_control_code_parse(NULL), VAULT_ERROR_IO);
}

static void failure_is_one_json_line(void **state)
{
    g_autoptr(GError) failure = g_error_new(VAULT_ERROR, VAULT_ERROR_BUSY, "a \"quoted\"\nmessage");
    g_autofree char *line = archived_control_failure_format(failure);

    assert_string_equal(
        line, "{\"ok\":false,\"code\":\"BUSY\",\"message\":\"a \\\"quoted\\\"\\nmessage\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_is_taken_on_its_own_socket_only),
        cmocka_unit_test(unknown_request_is_unsupported),
        cmocka_unit_test(import_header_is_taken_whole),
        cmocka_unit_test(import_header_holds_a_place_in_the_source),
        cmocka_unit_test(import_id_is_read_from_the_line),
        cmocka_unit_test(absent_fields_have_defaults),
        cmocka_unit_test(wrong_import_headers_are_malformed),
        cmocka_unit_test(received_time_is_taken_up_to_two_days_ahead),
        cmocka_unit_test(lines_come_one_by_one_and_then_the_end),
        cmocka_unit_test(wrong_lines_are_refused),
        cmocka_unit_test(line_at_its_limit_is_taken),
        cmocka_unit_test(frame_comes_back_after_a_line),
        cmocka_unit_test(frame_cut_short_is_an_io_error),
        cmocka_unit_test(silent_peer_is_an_io_error),
        cmocka_unit_test(error_codes_keep_their_names),
        cmocka_unit_test(failure_is_one_json_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
