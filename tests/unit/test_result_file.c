/* The result file has one form, and every other is refused. */
#include "tests/unit/crypto_world.h"

#include "vault/act/result_file.h"

#define HEAD                                                                                       \
    "muniment-result/1\nvault: 00112233445566778899aabbccddeeff\nscope: subject:invoice\n"         \
    "created: 2026-11-24T09:30:00Z\n"
#define ONE "message: 0000000000000000000000000000000a\n"
#define TWO "message: 0000000000000000000000000000000b\n"
#define SEARCH                                                                                     \
    "muniment-result/2\nvault: 00112233445566778899aabbccddeeff\nquery: subject:invoice\n"         \
    "created: 2026-11-24T09:30:00Z\n"
#define HASH "0102030405060708091011121314151617181920212223242526272829303132"
#define LOG "log: 17\n"
#define ONE_OF_SEARCH "message: 0000000000000000000000000000000a " HASH "\n"
#define TWO_OF_SEARCH "message: 0000000000000000000000000000000b " HASH "\n"

static void it_is_read_and_written_in_one_form(void **state)
{
    static const char text[] = HEAD "messages: 2\n" ONE TWO;
    g_autoptr(VaultResultFile) result = vault_result_file_parse(text, strlen(text), NULL);
    g_autofree char *again = NULL;
    RecordId first;

    assert_non_null(result);
    assert_int_equal(result->messages->len, 2);
    assert_string_equal(result->scope, "subject:invoice");
    first = g_array_index(result->messages, RecordId, 0);
    g_array_append_val(result->messages, first);
    again = vault_result_file_format(result, NULL);
    assert_string_equal(again, text);
}

static void that_of_a_search_has_query_log_and_hashes(void **state)
{
    static const char text[] = SEARCH LOG "messages: 2\n" ONE_OF_SEARCH TWO_OF_SEARCH;
    g_autoptr(VaultResultFile) result = vault_result_file_parse(text, strlen(text), NULL);
    g_autofree char *again = NULL;
    RecordId first;
    VaultHash hash;

    assert_non_null(result);
    assert_string_equal(result->scope, "subject:invoice");
    assert_int_equal(result->log_index, 17);
    hash = g_array_index(result->hashes, VaultHash, 1);
    assert_int_equal(hash.bytes[0], 1);
    first = g_array_index(result->messages, RecordId, 0);
    vault_result_file_add(result, &first, &hash);
    again = vault_result_file_format(result, NULL);
    assert_string_equal(again, text);
}

static void every_other_form_is_refused(void **state)
{
    static const struct {
        const char *text;
        VaultErrorCode code;
    } refused[] = {
        {"", VAULT_ERROR_MALFORMED},
        {"muniment-result/3\n", VAULT_ERROR_UNSUPPORTED},
        {"muniment-result/2\n", VAULT_ERROR_MALFORMED},
        {SEARCH LOG "messages: 0\n", VAULT_ERROR_MALFORMED},
        {SEARCH "messages: 1\n" ONE_OF_SEARCH, VAULT_ERROR_MALFORMED},
        {SEARCH LOG "messages: 1\n" ONE, VAULT_ERROR_MALFORMED},
        {SEARCH LOG "messages: 2\n" TWO_OF_SEARCH ONE_OF_SEARCH, VAULT_ERROR_MALFORMED},
        {SEARCH LOG "messages: 2\n" ONE_OF_SEARCH ONE_OF_SEARCH, VAULT_ERROR_MALFORMED},
        {SEARCH "log: 017\nmessages: 1\n" ONE_OF_SEARCH, VAULT_ERROR_MALFORMED},
        {SEARCH "log: -1\nmessages: 1\n" ONE_OF_SEARCH, VAULT_ERROR_MALFORMED},
        {SEARCH "log: 18446744073709551616\nmessages: 1\n" ONE_OF_SEARCH, VAULT_ERROR_MALFORMED},
        {SEARCH LOG "messages: 1000001\n", VAULT_ERROR_MALFORMED},
        {HEAD "messages: 0\n", VAULT_ERROR_MALFORMED},
        {HEAD "messages: 2\n" TWO ONE, VAULT_ERROR_MALFORMED},
        {HEAD "messages: 2\n" ONE ONE, VAULT_ERROR_MALFORMED},
        {HEAD "messages: 2\n" ONE, VAULT_ERROR_MALFORMED},
        {HEAD "messages: 1\n" ONE TWO, VAULT_ERROR_MALFORMED},
        {HEAD "messages: 1\n" ONE "\n", VAULT_ERROR_MALFORMED},
        {HEAD "messages: 1000001\n", VAULT_ERROR_MALFORMED},
        {"muniment-result/1\nscope: x\n", VAULT_ERROR_MALFORMED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(vault_result_file_parse(refused[i].text, strlen(refused[i].text), &error));
        assert_error(error, refused[i].code);
    }
}

static void a_text_over_its_limit_is_too_large(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_result_file_parse("", VAULT_RESULT_LEN_MAX + 1, &error));
    assert_error(error, VAULT_ERROR_TOO_LARGE);
}

static void what_would_be_refused_is_not_written(void **state)
{
    g_autoptr(VaultResultFile) result = vault_result_file_new();
    g_autoptr(GError) error = NULL;

    result->scope = g_strdup("two\nlines");
    assert_null(vault_result_file_format(result, &error));
    assert_error(error, VAULT_ERROR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_read_and_written_in_one_form),
        cmocka_unit_test(that_of_a_search_has_query_log_and_hashes),
        cmocka_unit_test(every_other_form_is_refused),
        cmocka_unit_test(a_text_over_its_limit_is_too_large),
        cmocka_unit_test(what_would_be_refused_is_not_written),
    };

    return run_crypto_tests(tests);
}
