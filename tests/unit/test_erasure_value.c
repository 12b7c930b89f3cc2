/* An erasure as the keyring's value: byte by byte as written down, and refused in any other form.
 */
#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/crypto/value.h"
#include "vault/store/erasure_value.h"

static const RowId row_id = {{7}};

static VaultErasureRead *sample_read(const char *case_id)
{
    VaultErasureRead *read = g_new0(VaultErasureRead, 1);

    memset(read->grant_hash.bytes, 0x33, VAULT_HASH_LEN);
    read->copy_count = 5;
    read->case_id = g_strdup(case_id);
    read->reader = g_strdup("Eva");
    return read;
}

static VaultErasureValue *sample(void)
{
    VaultErasureValue *value = vault_erasure_value_new();
    static const RecordId message = {{0x41, 0x42}};
    static const MailboxId owner = {{0x51}};

    value->kind = VAULT_ERASURE_MESSAGES;
    value->state = VAULT_ERASURE_COPIES;
    value->flags = VAULT_ERASURE_SKIPPED_HELD;
    value->generation = 4;
    value->dates_s[VAULT_ERASURE_REQUESTED] = 1000;
    value->dates_s[VAULT_ERASURE_ONLINE] = 1001;
    value->dates_s[VAULT_ERASURE_COPIES] = 1002;
    memset(value->mailbox_id.bytes, 0x11, VAULT_ID_LEN);
    value->address = g_strdup("a@b.c");
    value->from_s = 0;
    value->to_s = 9;
    value->reason = g_strdup("why");
    memset(value->request_hash.bytes, 0x22, VAULT_HASH_LEN);
    value->log_index = 3;
    value->log_epoch = 6;
    value->copy_count = 2;
    value->held_count = 1;
    g_array_append_val(value->messages, message);
    g_array_append_val(value->owners, owner);
    g_ptr_array_add(value->approvers, g_strdup("Anna"));
    g_ptr_array_add(value->reads, sample_read("c"));
    return value;
}

#define ZEROS_14 "0000000000000000000000000000"
static const char form[] = "01"
                           "01"
                           "03"
                           "00000001"
                           "00000004"
                           "00000000000003e8"
                           "00000000000003e9"
                           "00000000000003ea"
                           "0000000000000000"
                           "0000000000000000"
                           "0000000000000000"
                           "0000000000000000"
                           "11111111111111111111111111111111"
                           "0005"
                           "6140622e63"
                           "0000000000000000"
                           "0000000000000009"
                           "0003"
                           "776879"
                           "2222222222222222222222222222222222222222222222222222222222222222"
                           "0000000000000003"
                           "00000006"
                           "00000000"
                           "00000002"
                           "00000001"
                           "00000001"
                           "4142" ZEROS_14 "00000001"
                           "51" ZEROS_14 "00"
                           "01"
                           "0004"
                           "416e6e61"
                           "0001"
                           "3333333333333333333333333333333333333333333333333333333333333333"
                           "00000005"
                           "000163"
                           "0003457661";

static void assert_refused(const guint8 *bytes, gsize len, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultErasureValue) value = vault_erasure_value_parse(&row_id, bytes, len, &error);

    assert_null(value);
    assert_error(error, code);
}

static void it_has_the_form_that_is_written_down(void **state)
{
    g_autoptr(VaultErasureValue) value = sample();
    g_autoptr(GByteArray) bytes = vault_erasure_value_format(value);
    g_autofree char *hex = vault_bytes_to_hex(bytes->data, bytes->len);
    g_autoptr(VaultErasureValue) again =
        vault_erasure_value_parse(&row_id, bytes->data, bytes->len, NULL);
    g_autoptr(GByteArray) twice = again == NULL ? NULL : vault_erasure_value_format(again);

    assert_string_equal(hex, form);
    assert_non_null(twice);
    assert_int_equal(twice->len, bytes->len);
    assert_memory_equal(twice->data, bytes->data, bytes->len);
    assert_true(VAULT_ID_EQUAL(again->id, row_id));
}

static void cut_anywhere_or_longer_it_is_corrupt(void **state)
{
    g_autoptr(VaultErasureValue) value = sample();
    g_autoptr(GByteArray) bytes = vault_erasure_value_format(value);

    for (gsize len = 0; len < bytes->len; len++)
        assert_refused(bytes->data, len, VAULT_ERROR_CORRUPT);
    vault_bytes_append_u8(bytes, 0);
    assert_refused(bytes->data, bytes->len, VAULT_ERROR_CORRUPT);
}

static void another_version_is_unsupported(void **state)
{
    g_autoptr(VaultErasureValue) value = sample();
    g_autoptr(GByteArray) bytes = vault_erasure_value_format(value);

    bytes->data[0] = 3;
    assert_refused(bytes->data, bytes->len, VAULT_ERROR_UNSUPPORTED);
}

/* What was searched, behind all else, and only where there is any. */
static void searches_and_case_indexes_come_in_the_second_version(void **state)
{
    g_autoptr(VaultErasureValue) value = sample();
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(VaultErasureValue) again = NULL;
    g_autofree char *hex = NULL;
    g_autofree char *expected = g_strconcat("02", form + 2,
                                            "00000009"
                                            "0001"
                                            "000163"
                                            "0003457661",
                                            NULL);

    ((VaultErasureRead *)g_ptr_array_index(value->reads, 0))->words_count = 9;
    g_ptr_array_add(value->cases, vault_erasure_case_new("c", "Eva"));
    bytes = vault_erasure_value_format(value);
    hex = vault_bytes_to_hex(bytes->data, bytes->len);
    assert_string_equal(hex, expected);
    again = vault_erasure_value_parse(&row_id, bytes->data, bytes->len, NULL);
    assert_non_null(again);
    assert_int_equal(((VaultErasureRead *)g_ptr_array_index(again->reads, 0))->words_count, 9);
    assert_string_equal(((VaultErasureCase *)g_ptr_array_index(again->cases, 0))->reader, "Eva");
    for (gsize len = 0; len < bytes->len; len++)
        assert_refused(bytes->data, len, VAULT_ERROR_CORRUPT);
    /* The same without anything of it. */
    bytes->data[bytes->len - 15] = 0;
    bytes->data[bytes->len - 9] = 0;
    assert_refused(bytes->data, bytes->len - 8, VAULT_ERROR_CORRUPT);
}

static void refuse_changed(void (*change)(VaultErasureValue *value))
{
    g_autoptr(VaultErasureValue) value = sample();
    g_autoptr(GByteArray) bytes = NULL;

    change(value);
    bytes = vault_erasure_value_format(value);
    assert_refused(bytes->data, bytes->len, VAULT_ERROR_CORRUPT);
}

static void no_kind(VaultErasureValue *value)
{
    value->kind = VAULT_ERASURE_KIND_END;
}

static void no_state(VaultErasureValue *value)
{
    value->state = 0;
}

static void unknown_flag(VaultErasureValue *value)
{
    value->flags = VAULT_ERASURE_FLAGS_ALL + 1;
}

static void missing_date(VaultErasureValue *value)
{
    value->dates_s[VAULT_ERASURE_ONLINE] = 0;
}

static void early_date(VaultErasureValue *value)
{
    value->dates_s[VAULT_ERASURE_FINAL] = 2000;
}

static void cancelled_when_it_was_online(VaultErasureValue *value)
{
    value->state = VAULT_ERASURE_CANCELLED;
    value->dates_s[VAULT_ERASURE_CANCELLED] = 1003;
}

static void empty_period(VaultErasureValue *value)
{
    value->to_s = value->from_s;
}

static void no_reason(VaultErasureValue *value)
{
    g_free(value->reason);
    value->reason = g_strdup("");
}

static void long_reason(VaultErasureValue *value)
{
    g_free(value->reason);
    value->reason = g_strnfill(VAULT_ERASURE_REASON_LEN_MAX + 1, 'x');
}

static void many_owners(VaultErasureValue *value)
{
    g_array_set_size(value->owners, VAULT_ERASURE_OWNERS_MAX + 1);
}

static void many_messages(VaultErasureValue *value)
{
    g_array_set_size(value->messages, VAULT_ERASURE_MESSAGES_MAX + 1);
}

static void many_approvers(VaultErasureValue *value)
{
    while (value->approvers->len <= VAULT_ERASURE_APPROVERS_MAX)
        g_ptr_array_add(value->approvers, g_strdup("Bert"));
}

static void many_reads(VaultErasureValue *value)
{
    while (value->reads->len <= VAULT_ERASURE_READS_MAX)
        g_ptr_array_add(value->reads, sample_read("c"));
}

static void no_case(VaultErasureValue *value)
{
    g_ptr_array_add(value->reads, sample_read(""));
}

static void long_approver(VaultErasureValue *value)
{
    g_ptr_array_add(value->approvers, g_strnfill(VAULT_ERASURE_APPROVER_LEN_MAX + 1, 'x'));
}

static void an_impossible_field_is_refused(void **state)
{
    static void (*const changes[])(VaultErasureValue * value) = {
        no_kind,       no_state,      unknown_flag,
        missing_date,  early_date,    cancelled_when_it_was_online,
        empty_period,  no_reason,     long_reason,
        many_owners,   many_messages, many_approvers,
        long_approver, many_reads,    no_case,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++)
        refuse_changed(changes[i]);
}

static void at_its_limits_it_comes_back(void **state)
{
    g_autoptr(VaultErasureValue) value = sample();
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(VaultErasureValue) again = NULL;

    g_free(value->reason);
    value->reason = g_strnfill(VAULT_ERASURE_REASON_LEN_MAX, 'x');
    g_array_set_size(value->owners, VAULT_ERASURE_OWNERS_MAX);
    g_array_set_size(value->messages, VAULT_ERASURE_MESSAGES_MAX);
    g_ptr_array_add(value->approvers, g_strnfill(VAULT_ERASURE_APPROVER_LEN_MAX, 'x'));
    bytes = vault_erasure_value_format(value);
    again = vault_erasure_value_parse(&row_id, bytes->data, bytes->len, NULL);
    assert_non_null(again);
}

static void states_and_kinds_have_names(void **state)
{
    assert_string_equal(vault_erasure_state_name(VAULT_ERASURE_BACKUPS_EXPIRED), "backups-expired");
    assert_string_equal(vault_erasure_kind_name(VAULT_ERASURE_MAILBOX), "shred");
    assert_null(vault_erasure_state_name(VAULT_ERASURE_STATE_END));
    assert_null(vault_erasure_kind_name(VAULT_ERASURE_KIND_END));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_the_form_that_is_written_down),
        cmocka_unit_test(cut_anywhere_or_longer_it_is_corrupt),
        cmocka_unit_test(another_version_is_unsupported),
        cmocka_unit_test(searches_and_case_indexes_come_in_the_second_version),
        cmocka_unit_test(an_impossible_field_is_refused),
        cmocka_unit_test(at_its_limits_it_comes_back),
        cmocka_unit_test(states_and_kinds_have_names),
    };

    return run_crypto_tests(tests);
}
