#include "grant_world.h"

static GString *replaced(const char *text, const char *from, const char *to)
{
    GString *string = g_string_new(text);

    assert_int_equal(g_string_replace(string, from, to, 1), 1);
    return string;
}

static void assert_refused(const char *text, gsize len, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultRequestFile) request = vault_request_file_parse(text, len, &error);

    if (request != NULL)
        fail_msg("taken:\n%.*s", (int)len, text);
    assert_vault_error(error, code);
}

static void request_comes_back_as_it_was_written(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = world_request_text(world);
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultRequestFile) parsed = vault_request_file_parse(text, strlen(text), &error);
    g_autofree char *again = NULL;
    VaultRequestMailbox *alice;

    assert_non_null(parsed);
    again = vault_request_file_format(parsed, &error);
    assert_string_equal(text, again);
    alice = g_ptr_array_index(parsed->mailboxes, 0);
    assert_string_equal(vault_request_mailbox_address(alice), "alice@example.org");
    assert_int_equal(alice->months->len, 5);
    assert_int_equal(parsed->from_s, world->request->from_s);
    assert_int_equal(parsed->to_s, world->request->to_s);
    assert_string_equal(parsed->reason, world->request->reason);
}

static void every_act_has_its_name_and_no_other_name_is_an_act(void **state)
{
    VaultAct parsed;

    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_END; act++) {
        assert_true(vault_act_parse(vault_act_name(act), &parsed));
        assert_int_equal(parsed, act);
    }
    assert_false(vault_act_parse("Read", &parsed));
    assert_false(vault_act_parse("", &parsed));
}

/* Whatever byte is changed, the text is refused or is another request in its canonical form. */
static void changed_byte_is_refused_or_means_something_else(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = NULL;
    gsize len;

    g_ptr_array_set_size(world->request->mailboxes, 1);
    text = world_request_text(world);
    len = strlen(text);
    for (gsize at = 0; at < len; at++) {
        for (guint bit = 0; bit < 8; bit++) {
            g_autoptr(VaultRequestFile) parsed = NULL;
            g_autofree char *again = NULL;

            text[at] ^= (char)(1u << bit);
            parsed = vault_request_file_parse(text, len, NULL);
            if (parsed != NULL) {
                again = vault_request_file_format(parsed, NULL);
                assert_non_null(again);
                assert_memory_equal(again, text, len);
            }
            text[at] ^= (char)(1u << bit);
        }
    }
}

static void line_missing_repeated_or_moved_is_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = world_request_text(world);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint count = g_strv_length(lines) - 1;

    for (guint i = 0; i < count; i++) {
        g_autoptr(GString) missing = g_string_new(NULL);
        g_autoptr(GString) repeated = g_string_new(NULL);
        g_autoptr(GString) moved = g_string_new(NULL);

        for (guint j = 0; j < count; j++) {
            if (j != i)
                g_string_append_printf(missing, "%s\n", lines[j]);
            g_string_append_printf(repeated, "%s\n", lines[j]);
            if (j == i)
                g_string_append_printf(repeated, "%s\n", lines[j]);
            if (j != i)
                g_string_append_printf(moved, "%s\n", lines[j]);
        }
        g_string_append_printf(moved, "%s\n", lines[i]);
        assert_refused(missing->str, missing->len, VAULT_ERROR_MALFORMED);
        assert_refused(repeated->str, repeated->len, VAULT_ERROR_MALFORMED);
        if (i + 1 < count)
            assert_refused(moved->str, moved->len, VAULT_ERROR_MALFORMED);
    }
}

static void file_that_is_cut_anywhere_is_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = world_request_text(world);

    for (gsize len = 0; len < strlen(text); len++)
        assert_refused(text, len, VAULT_ERROR_MALFORMED);
}

static void other_version_is_unsupported(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = world_request_text(world);
    g_autoptr(GString) later = replaced(text, "muniment-request/1\n", "muniment-request/3\n");

    assert_refused(later->str, later->len, VAULT_ERROR_UNSUPPORTED);
}

static void what_is_asked_for_twice_is_two_requests(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *plain = world_request_text(world);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autoptr(VaultRequestFile) parsed = NULL;
    VaultHash first_hash, second_hash;

    vault_request_file_set_nonce(world->request);
    first = world_request_text(world);
    vault_request_file_set_nonce(world->request);
    second = world_request_text(world);
    vault_request_file_hash(first, strlen(first), &first_hash);
    vault_request_file_hash(second, strlen(second), &second_hash);
    assert_false(vault_hash_equal(&first_hash, &second_hash));
    parsed = vault_request_file_parse(second, strlen(second), NULL);
    assert_non_null(parsed);
    assert_memory_equal(parsed->nonce, world->request->nonce, VAULT_REQUEST_NONCE_LEN);
    assert_true(g_str_has_prefix(plain, "muniment-request/1\n"));
    assert_true(g_str_has_prefix(first, "muniment-request/2\n"));
}

static void nonce_belongs_to_the_second_version_and_is_not_zero(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *plain = world_request_text(world);
    g_autofree char *text = NULL;
    g_autoptr(GString) without = replaced(plain, "request/1\n", "request/2\n");
    g_autoptr(GString) with = NULL;
    g_autoptr(GString) zero =
        replaced(without->str, "\ncase: ", "\nnonce: 00000000000000000000000000000000\ncase: ");

    vault_request_file_set_nonce(world->request);
    text = world_request_text(world);
    with = replaced(text, "request/2\n", "request/1\n");
    assert_refused(without->str, without->len, VAULT_ERROR_MALFORMED);
    assert_refused(with->str, with->len, VAULT_ERROR_MALFORMED);
    assert_refused(zero->str, zero->len, VAULT_ERROR_MALFORMED);
}

static void shown_address_must_be_the_one_of_the_newest_key(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = world_request_text(world);
    g_autoptr(GString) lied = replaced(text, "11 alice@example.org", "11 intern@example.org");

    assert_refused(lied->str, lied->len, VAULT_ERROR_MALFORMED);
}

static void text_that_shows_as_another_text_is_refused(void **state)
{
    static const char *const reasons[] = {
        "two\nlines",          "bell\a",          "right\u202eto left",
        "line\u2028separator", "zero\u200bwidth", " leading",
        "trailing ",           "\xff\xfe",        "",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        g_autoptr(GrantWorld) world = grant_world_new();
        g_autoptr(GError) error = NULL;

        g_free(world->request->reason);
        world->request->reason = g_strdup(reasons[i]);
        if (vault_request_file_format(world->request, &error) != NULL)
            fail_msg("reason %zu was taken", i);
        assert_vault_error(error, VAULT_ERROR_MALFORMED);
    }
}

static void set_reason(VaultRequestFile *request, gsize len)
{
    g_free(request->reason);
    request->reason = g_strnfill(len, 'r');
}

static void limits_hold_at_the_limit_and_not_past_it(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    VaultRequestMailbox *bob = g_ptr_array_index(world->request->mailboxes, 0);
    VaultRequestMonth *month = g_ptr_array_index(bob->months, 0);
    g_autofree char *fits = NULL;
    g_autoptr(GError) error = NULL;
    VaultWrap wrap = g_array_index(month->wraps, VaultWrap, 0);

    set_reason(world->request, VAULT_REQUEST_REASON_LEN_MAX);
    while (month->wraps->len < VAULT_WRAPS_MAX)
        g_array_append_val(month->wraps, wrap);
    fits = vault_request_file_format(world->request, &error);
    assert_non_null(fits);

    set_reason(world->request, VAULT_REQUEST_REASON_LEN_MAX + 1);
    assert_null(vault_request_file_format(world->request, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
    g_clear_error(&error);

    set_reason(world->request, 1);
    g_array_append_val(month->wraps, wrap);
    assert_null(vault_request_file_format(world->request, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
}

static void file_over_the_limit_is_too_large(void **state)
{
    g_autoptr(GError) error = NULL;
    char byte = 'm';

    /* The length is judged before a byte is read. */
    assert_null(vault_request_file_parse(&byte, (gsize)VAULT_REQUEST_LEN_MAX + 1, &error));
    assert_vault_error(error, VAULT_ERROR_TOO_LARGE);
}

static void empty_period_mailbox_or_key_list_is_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    guint64 to_s = world->request->to_s;
    VaultRequestMailbox *bob = g_ptr_array_index(world->request->mailboxes, 0);

    world->request->to_s = world->request->from_s;
    assert_null(vault_request_file_format(world->request, NULL));
    world->request->to_s = to_s;
    g_ptr_array_set_size(bob->months, 0);
    assert_null(vault_request_file_format(world->request, NULL));
    g_ptr_array_set_size(world->request->mailboxes, 0);
    assert_null(vault_request_file_format(world->request, NULL));
}

static void approvals_do_not_change_the_hash_and_all_else_does(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = world_request_text(world);
    gsize len = strlen(text), hashed = len - strlen("approvals: 0\n");
    VaultHash hash, other;

    vault_request_file_hash(text, len, &hash);
    text[len - 2] = '7';
    vault_request_file_hash(text, len, &other);
    assert_memory_equal(hash.bytes, other.bytes, VAULT_HASH_LEN);
    for (gsize at = 0; at < hashed; at += 7) {
        text[at] ^= 1;
        vault_request_file_hash(text, len, &other);
        assert_memory_not_equal(hash.bytes, other.bytes, VAULT_HASH_LEN);
        text[at] ^= 1;
    }
}

static void messages_are_sorted_and_named_once(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = NULL;
    RecordId high = {{0xff}}, low = {{0x01}};

    g_array_append_val(world->request->messages, high);
    g_array_append_val(world->request->messages, low);
    text = world_request_text(world);
    assert_true(strstr(text, "message: 01") < strstr(text, "message: ff"));
    g_array_append_val(world->request->messages, low);
    assert_null(vault_request_file_format(world->request, NULL));
}

/* The world's request as one to shred: no reader, no keys. */
static void make_keyless(GrantWorld *world)
{
    world->request->act = VAULT_ACT_SHRED;
    world->request->detail = g_strdup("none");
    for (guint i = 0; i < world->request->mailboxes->len; i++) {
        VaultRequestMailbox *mailbox = g_ptr_array_index(world->request->mailboxes, i);

        mailbox->address = g_strdup(vault_request_mailbox_address(mailbox));
        g_ptr_array_set_size(mailbox->months, 0);
    }
}

static void act_that_is_not_granted_carries_no_key_and_no_reader(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    VaultRequestMailbox *alice = g_ptr_array_index(world->request->mailboxes, 1);
    VaultRequestMonth *month = world_month(world, &world->alice, "alice@example.org", 202609);
    g_autoptr(VaultRequestFile) parsed = NULL;
    g_autofree char *text = NULL;

    make_keyless(world);
    text = world_request_text(world);
    assert_null(strstr(text, "reader"));
    parsed = vault_request_file_parse(text, strlen(text), NULL);
    assert_string_equal(parsed->detail, "none");
    assert_string_equal(vault_request_mailbox_address(g_ptr_array_index(parsed->mailboxes, 0)),
                        "alice@example.org");
    g_ptr_array_add(alice->months, month);
    assert_null(vault_request_file_format(world->request, NULL));
}

static void act_on_the_vault_names_no_mailbox_and_others_must(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autofree char *text = NULL;

    make_keyless(world);
    world->request->act = VAULT_ACT_VAULTKEY;
    assert_null(vault_request_file_format(world->request, NULL));
    world->request->act = VAULT_ACT_RETENTION;
    text = world_request_text(world);
    g_ptr_array_set_size(world->request->mailboxes, 0);
    g_free(g_steal_pointer(&text));
    text = world_request_text(world);
    world->request->act = VAULT_ACT_ERASE;
    assert_null(vault_request_file_format(world->request, NULL));
}

static void last_month_that_can_be_written_overlaps_the_last_second(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultRequestMonth) last =
        world_month(world, &world->alice, "alice@example.org", VAULT_MONTH_MAX);

    world->request->to_s = vault_month_start(VAULT_MONTH_MAX) + 1;
    world->request->from_s = world->request->to_s - 1;
    assert_true(vault_request_month_overlaps(world->request, last->month));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_comes_back_as_it_was_written),
        cmocka_unit_test(every_act_has_its_name_and_no_other_name_is_an_act),
        cmocka_unit_test(changed_byte_is_refused_or_means_something_else),
        cmocka_unit_test(line_missing_repeated_or_moved_is_refused),
        cmocka_unit_test(file_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(other_version_is_unsupported),
        cmocka_unit_test(what_is_asked_for_twice_is_two_requests),
        cmocka_unit_test(nonce_belongs_to_the_second_version_and_is_not_zero),
        cmocka_unit_test(shown_address_must_be_the_one_of_the_newest_key),
        cmocka_unit_test(text_that_shows_as_another_text_is_refused),
        cmocka_unit_test(limits_hold_at_the_limit_and_not_past_it),
        cmocka_unit_test(file_over_the_limit_is_too_large),
        cmocka_unit_test(empty_period_mailbox_or_key_list_is_refused),
        cmocka_unit_test(approvals_do_not_change_the_hash_and_all_else_does),
        cmocka_unit_test(messages_are_sorted_and_named_once),
        cmocka_unit_test(act_that_is_not_granted_carries_no_key_and_no_reader),
        cmocka_unit_test(act_on_the_vault_names_no_mailbox_and_others_must),
        cmocka_unit_test(last_month_that_can_be_written_overlaps_the_last_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
