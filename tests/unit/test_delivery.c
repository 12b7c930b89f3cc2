/* The delivery pipeline on a keeper made of memory: who gets which copy, and what is left when a
 * step fails. */
#include "ingest/delivery.h"
#include "ingest/lmtp.h"
#include "tests/support/fake_depository.h"

#include <string.h>

#define RECEIVED_S 1795512600
#define FACTS_END " source=lmtp date=1795512600"
#define SHORT "Subject: x\r\n\r\nhello\r\n"

/* "address" or "address<recipient"; an empty address is unassigned. */
static void add_owner(GPtrArray *owners, const char *text)
{
    IngestOwner *owner = g_new0(IngestOwner, 1);
    const char *recipient = strchr(text, '<');
    gsize len = recipient != NULL ? (gsize)(recipient - text) : strlen(text);

    owner->address = len > 0 ? g_strndup(text, len) : NULL;
    owner->role = len > 0 ? VAULT_OWNER_RECIPIENT : VAULT_OWNER_UNASSIGNED;
    owner->recipients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(owner->recipients, g_strdup(recipient != NULL ? recipient + 1 : text));
    g_ptr_array_add(owners, owner);
}

static IngestDeliveryOptions make_options(const char *const *owners)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)ingest_owner_free);

    for (; *owners != NULL; owners++)
        add_owner(list, *owners);
    return (IngestDeliveryOptions){.sender = "s@b.test",
                                   .owners = list,
                                   .received_s = RECEIVED_S,
                                   .archived_s = RECEIVED_S + 5,
                                   .source = "lmtp"};
}
#define OPTIONS(...) make_options((const char *const[]){__VA_ARGS__, NULL})

static IngestDelivery *begin(FakeDepository *fake, const IngestDeliveryOptions *options)
{
    IngestDelivery *delivery = ingest_delivery_begin(&fake->depository, options, NULL);

    assert_non_null(delivery);
    return delivery;
}

static IngestDeliveryResult deliver(FakeDepository *fake, const IngestDeliveryOptions *options,
                                    const void *message, gsize len)
{
    g_autoptr(IngestDelivery) delivery = begin(fake, options);
    IngestDeliveryResult result;

    assert_true(ingest_delivery_write(delivery, message, len, NULL));
    assert_true(ingest_delivery_commit(delivery, &result, NULL));
    return result;
}

static void assert_facts(FakeDepository *fake, guint number, const char *wanted)
{
    g_autofree char *facts = fake_depository_facts(fake, number);

    assert_string_equal(facts, wanted);
}

static void assert_message(FakeDepository *fake, guint number, const void *bytes, gsize len)
{
    g_autoptr(GByteArray) message = fake_depository_message(fake, number);

    assert_int_equal(message->len, len);
    if (len > 0)
        assert_memory_equal(message->data, bytes, len);
}

static void one_copy_per_mailbox_names_its_own_recipients_only(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna.1@x<r1", "bert@x<r2", "anna.2@x<r3");
    IngestDeliveryResult result = deliver(fake, &options, SHORT, strlen(SHORT));

    assert_false(result.is_already_archived);
    assert_int_equal(result.unassigned_count, 0);
    assert_int_equal(fake->committed->len, 3);
    assert_int_equal(fake->calls[FAKE_COMMIT], 1);
    assert_int_equal(fake_depository_record(fake, 0)->kind, VAULT_RECORD_BODY);
    assert_true(VAULT_ID_EQUAL(fake_depository_record(fake, 0)->record_id, result.archive_id));
    assert_string_equal(fake_depository_record(fake, 1)->mailbox, "anna");
    assert_string_equal(fake_depository_record(fake, 2)->mailbox, "bert");
    assert_facts(fake, 1,
                 "sender=s@b.test recipient=r1 owner=anna.1@x recipient=r3 owner=anna.2@x "
                 "role=1" FACTS_END);
    assert_facts(fake, 2, "sender=s@b.test recipient=r2 owner=bert@x role=1" FACTS_END);
    assert_message(fake, 1, SHORT, strlen(SHORT));
    assert_message(fake, 2, SHORT, strlen(SHORT));
    assert_int_equal(fake->settle_count, 1);
}

static void locators_carry_times_flags_and_tags(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna@x");
    const VaultLocator *body, *copy;

    options.flags = VAULT_FLAG_IMPORTED;
    fake->clock_flags = VAULT_FLAG_CLOCK_UNSURE;
    vault_random(&fake->earlier.repeats, sizeof fake->earlier.repeats);
    deliver(fake, &options, SHORT, strlen(SHORT));
    body = &fake_depository_record(fake, 0)->locator;
    copy = &fake_depository_record(fake, 1)->locator;
    assert_int_equal(body->received_s, RECEIVED_S);
    assert_int_equal(body->archived_s, RECEIVED_S + 5);
    assert_int_equal(body->flags, VAULT_FLAG_IMPORTED | VAULT_FLAG_CLOCK_UNSURE);
    assert_memory_equal(&body->retry_tag, &fake->earlier.retry_tag, sizeof body->retry_tag);
    assert_memory_equal(&body->repeat_tag, &fake->earlier.repeat_tag, sizeof body->repeat_tag);
    assert_memory_equal(&body->repeats, &fake->earlier.repeats, sizeof body->repeats);
    assert_int_equal(copy->received_s, RECEIVED_S);
    assert_int_equal(copy->flags, VAULT_FLAG_IMPORTED | VAULT_FLAG_CLOCK_UNSURE);
}

static void roles_folders_and_keywords_are_facts(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna@x<r");

    ((IngestOwner *)options.owners->pdata[0])->role = VAULT_OWNER_SENDER;
    options.sender = "";
    options.source = "import:mbox";
    options.folder = "Sent/2026";
    options.keywords = "\\Seen";
    deliver(fake, &options, "", 0);
    assert_facts(fake, 1,
                 "sender= recipient=r owner=anna@x role=2 source=import:mbox folder=Sent/2026 "
                 "keywords=\\Seen date=1795512600");
    assert_message(fake, 1, "", 0);
}

static void owners_without_mailbox_share_the_unassigned_copy(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("capped1@x<r1", "anna@x<r2", "<r3", "capped2@x<r4");
    IngestDeliveryResult result = deliver(fake, &options, SHORT, strlen(SHORT));

    assert_int_equal(result.unassigned_count, 2);
    assert_int_equal(fake->committed->len, 3);
    assert_int_equal(fake_depository_record(fake, 0)->locator.flags, 0);
    assert_int_equal(fake_depository_record(fake, 1)->locator.flags, VAULT_FLAG_UNASSIGNED);
    assert_int_equal(fake_depository_record(fake, 2)->locator.flags, 0);
    assert_facts(fake, 1,
                 "sender=s@b.test recipient=r1 owner=capped1@x recipient=r3 recipient=r4 "
                 "owner=capped2@x role=3" FACTS_END);
    assert_facts(fake, 2, "sender=s@b.test recipient=r2 owner=anna@x role=1" FACTS_END);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void assert_nothing_left(FakeDepository *fake, guint settle_count)
{
    assert_int_equal(fake->committed->len, 0);
    assert_int_equal(fake->settle_count, settle_count);
    assert_int_equal(fake->abandon_count, fake->calls[FAKE_STREAM] > 0 ? 1 : 0);
}

static void commit_fails(FakeDepository *fake, IngestDelivery *delivery, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    IngestDeliveryResult result;

    assert_false(ingest_delivery_commit(delivery, &result, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, (int)code));
}

static void a_failing_step_leaves_nothing(FakeStep step, guint calls_before, gsize len,
                                          guint settle_count)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    g_autofree char *message = g_strnfill(len, 'x');
    IngestDeliveryOptions options = OPTIONS("anna@x", "bert@x");
    IngestDelivery *delivery = begin(fake, &options);

    fake->failing = step;
    fake->calls_before_failure = calls_before;
    assert_true(ingest_delivery_write(delivery, message, len, NULL));
    commit_fails(fake, delivery, VAULT_ERROR_NO_SPACE);
    commit_fails(fake, delivery, VAULT_ERROR_IO);
    ingest_delivery_free(delivery);
    assert_int_equal(fake->calls[step], calls_before + 1);
    assert_int_equal(fake->committed->len, 0);
    assert_int_equal(fake->settle_count, settle_count);
}

static void failing_steps_leave_nothing_and_are_settled_once(void **state)
{
    static const gsize lens[] = {100, VAULT_BODY_WHOLE_MAX + 1};

    for (guint i = 0; i < G_N_ELEMENTS(lens); i++) {
        a_failing_step_leaves_nothing(FAKE_RESOLVE, 0, lens[i], 0);
        a_failing_step_leaves_nothing(FAKE_RESOLVE, 1, lens[i], 0);
        a_failing_step_leaves_nothing(FAKE_FIND_EARLIER, 0, lens[i], 0);
        a_failing_step_leaves_nothing(FAKE_ALLOT, 0, lens[i], 1);
        a_failing_step_leaves_nothing(FAKE_COMMIT, 0, lens[i], 1);
    }
    a_failing_step_leaves_nothing(FAKE_FINISH, 0, VAULT_BODY_WHOLE_MAX + 1, 1);
}

static void failing_streams_are_abandoned_once(void **state)
{
    static const FakeStep steps[] = {FAKE_RESOLVE, FAKE_FIND_EARLIER, FAKE_ALLOT, FAKE_FINISH};
    g_autofree char *message = g_strnfill(VAULT_BODY_WHOLE_MAX + 1, 'x');

    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(FakeDepository) fake = fake_depository_new();
        IngestDeliveryOptions options = OPTIONS("anna@x");
        IngestDelivery *delivery = begin(fake, &options);

        fake->failing = steps[i];
        assert_true(ingest_delivery_write(delivery, message, VAULT_BODY_WHOLE_MAX + 1, NULL));
        commit_fails(fake, delivery, VAULT_ERROR_NO_SPACE);
        ingest_delivery_free(delivery);
        assert_nothing_left(fake, i >= 2 ? 1 : 0);
    }
}

/* Random bytes, which zstd makes no shorter. */
static guint8 *random_message(gsize len)
{
    guint8 *message = g_malloc(len);

    vault_random(message, len);
    return message;
}

static void failing_writes_end_a_delivery(void **state)
{
    static const FakeStep steps[] = {FAKE_STREAM, FAKE_APPEND};
    gsize len = VAULT_BODY_WHOLE_MAX + 1;
    g_autofree guint8 *message = random_message(len);

    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(FakeDepository) fake = fake_depository_new();
        g_autoptr(GError) error = NULL, again = NULL;
        IngestDeliveryOptions options = OPTIONS("anna@x");
        IngestDelivery *delivery = begin(fake, &options);

        fake->failing = steps[i];
        assert_false(ingest_delivery_write(delivery, message, len, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE));
        assert_false(ingest_delivery_write(delivery, message, 1, &again));
        assert_true(g_error_matches(again, VAULT_ERROR, VAULT_ERROR_IO));
        commit_fails(fake, delivery, VAULT_ERROR_IO);
        ingest_delivery_free(delivery);
        assert_int_equal(fake->abandon_count, steps[i] == FAKE_APPEND ? 1 : 0);
        assert_int_equal(fake->calls[FAKE_RESOLVE], 0);
        assert_int_equal(fake->settle_count, 0);
    }
}

static void abandoned_deliveries_leave_nothing(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna@x");
    IngestDelivery *delivery = begin(fake, &options);
    g_autofree guint8 *message = random_message(VAULT_BODY_WHOLE_MAX + 1);

    assert_true(ingest_delivery_write(delivery, message, VAULT_BODY_WHOLE_MAX + 1, NULL));
    ingest_delivery_free(delivery);
    assert_nothing_left(fake, 0);
}

static void a_delivery_is_committed_once(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna@x");
    g_autoptr(IngestDelivery) delivery = begin(fake, &options);
    g_autoptr(GError) error = NULL;
    IngestDeliveryResult result;

    assert_true(ingest_delivery_commit(delivery, &result, NULL));
    commit_fails(fake, delivery, VAULT_ERROR_IO);
    assert_false(ingest_delivery_write(delivery, "x", 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_IO));
    assert_int_equal(fake->calls[FAKE_COMMIT], 1);
}

/* ---- whole and streamed ---------------------------------------------------------------------- */

static void assert_streamed(gsize len, gsize piece_len, guint stream_count)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna@x", "bert@x");
    g_autoptr(IngestDelivery) delivery = begin(fake, &options);
    g_autofree guint8 *message = random_message(len);
    IngestDeliveryResult result;
    VaultHash hash;

    for (gsize at = 0; at < len; at += piece_len)
        assert_true(ingest_delivery_write(delivery, message + at, MIN(piece_len, len - at), NULL));
    assert_int_equal(fake->calls[FAKE_STREAM], stream_count);
    assert_true(ingest_delivery_commit(delivery, &result, NULL));
    assert_int_equal(fake->calls[FAKE_FINISH], stream_count);
    assert_int_equal(fake->committed->len, 3);
    assert_message(fake, 1, message, len);
    assert_message(fake, 2, message, len);
    vault_hash(message, len, &hash);
    assert_memory_equal(&fake->received_hash, &hash, sizeof hash);
    assert_memory_equal(&fake->stored_hash, &hash, sizeof hash);
    assert_int_equal(fake->abandon_count, 0);
}

static void messages_are_streamed_past_one_mebibyte(void **state)
{
    gsize border = VAULT_BODY_WHOLE_MAX;

    assert_streamed(border, border, 0);
    assert_streamed(border, 65536, 0);
    assert_streamed(border + 1, border + 1, 1);
    assert_streamed(border + 1, border, 1);
    assert_streamed(border + 1, 65537, 1);
    assert_streamed(3 * border, 100000, 1);
}

static void memory_is_what_came_and_no_more_than_a_stream_needs(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna@x");
    g_autoptr(IngestDelivery) delivery = NULL;
    g_autofree guint8 *message = random_message(VAULT_BODY_WHOLE_MAX);

    options.declared_len = G_GUINT64_CONSTANT(1) << 40;
    delivery = begin(fake, &options);
    assert_true(ingest_delivery_memory(delivery) < 4096);
    assert_true(ingest_delivery_write(delivery, "x", 1, NULL));
    assert_true(ingest_delivery_memory(delivery) <= 256 << 10);
    assert_true(ingest_delivery_write(delivery, message, VAULT_BODY_WHOLE_MAX - 1, NULL));
    assert_true(ingest_delivery_memory(delivery) >= VAULT_BODY_WHOLE_MAX);
    assert_true(ingest_delivery_memory(delivery) <= VAULT_BODY_WHOLE_MAX + 4096);
    for (guint i = 0; i < 4; i++)
        assert_true(ingest_delivery_write(delivery, message, VAULT_BODY_WHOLE_MAX, NULL));
    assert_true(ingest_delivery_memory(delivery) <= vault_body_stream_memory() + 4096);
}

/* ---- retries --------------------------------------------------------------------------------- */

static void retries_store_nothing(void **state)
{
    static const gsize lens[] = {100, VAULT_BODY_WHOLE_MAX + 1};

    for (guint i = 0; i < G_N_ELEMENTS(lens); i++) {
        g_autoptr(FakeDepository) fake = fake_depository_new();
        g_autofree guint8 *message = random_message(lens[i]);
        IngestDeliveryOptions options = OPTIONS("anna@x");
        IngestDeliveryResult result;

        vault_random(&fake->earlier.archive_id, sizeof fake->earlier.archive_id);
        fake->earlier.is_retry = TRUE;
        result = deliver(fake, &options, message, lens[i]);
        assert_true(result.is_already_archived);
        assert_true(VAULT_ID_EQUAL(result.archive_id, fake->earlier.archive_id));
        assert_int_equal(fake->calls[FAKE_ALLOT], 0);
        assert_int_equal(fake->calls[FAKE_COMMIT], 0);
        assert_nothing_left(fake, 1);
    }
}

static void retries_are_told_by_sender_and_an_imports_position(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    VaultHash position;
    DayKey import_key;
    IngestDeliveryOptions options = OPTIONS("anna@x<r");
    g_autofree char *wanted = NULL;

    deliver(fake, &options, SHORT, strlen(SHORT));
    assert_string_equal(fake->retry_sender, "s@b.test");
    assert_false(fake->has_import_key);
    memset(&position, 0xab, sizeof position);
    vault_random(&import_key, sizeof import_key);
    options = OPTIONS("anna@x<r");
    options.import_position = &position;
    options.import_key = &import_key;
    deliver(fake, &options, SHORT, strlen(SHORT));
    wanted = g_strnfill(9 + 2 * VAULT_HASH_LEN, 'b');
    memcpy(wanted, "s@b.test ", 9);
    for (guint i = 0; i < VAULT_HASH_LEN; i++)
        wanted[9 + 2 * i] = 'a';
    assert_string_equal(fake->retry_sender, wanted);
    assert_true(fake->has_import_key);
    assert_memory_equal(&fake->import_key, &import_key, sizeof import_key);
    assert_facts(fake, 3, "sender=s@b.test recipient=r owner=anna@x role=1" FACTS_END);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void add_recipients(IngestDeliveryOptions *options, guint count, gsize len)
{
    IngestOwner *owner = options->owners->pdata[0];

    for (guint i = 0; i < count; i++)
        g_ptr_array_add(owner->recipients, g_strnfill(len, 'r'));
}

static void facts_of_a_copy_have_a_limit_that_one_transaction_does_not_reach(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryOptions options = OPTIONS("anna@x");
    IngestDelivery *delivery;

    add_recipients(&options, INGEST_LMTP_RECIPIENTS_LEN_MAX / 2, 1);
    deliver(fake, &options, SHORT, strlen(SHORT));
    assert_int_equal(fake->committed->len, 2);
    options = OPTIONS("anna@x");
    add_recipients(&options, 2, VAULT_COPY_FACTS_LEN_MAX / 2);
    delivery = begin(fake, &options);
    commit_fails(fake, delivery, VAULT_ERROR_TOO_LARGE);
    ingest_delivery_free(delivery);
    assert_int_equal(fake->committed->len, 2);
    assert_int_equal(fake->settle_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_copy_per_mailbox_names_its_own_recipients_only),
        cmocka_unit_test(locators_carry_times_flags_and_tags),
        cmocka_unit_test(roles_folders_and_keywords_are_facts),
        cmocka_unit_test(owners_without_mailbox_share_the_unassigned_copy),
        cmocka_unit_test(failing_steps_leave_nothing_and_are_settled_once),
        cmocka_unit_test(failing_streams_are_abandoned_once),
        cmocka_unit_test(failing_writes_end_a_delivery),
        cmocka_unit_test(abandoned_deliveries_leave_nothing),
        cmocka_unit_test(a_delivery_is_committed_once),
        cmocka_unit_test(messages_are_streamed_past_one_mebibyte),
        cmocka_unit_test(memory_is_what_came_and_no_more_than_a_stream_needs),
        cmocka_unit_test(retries_store_nothing),
        cmocka_unit_test(retries_are_told_by_sender_and_an_imports_position),
        cmocka_unit_test(facts_of_a_copy_have_a_limit_that_one_transaction_does_not_reach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
