/* The terms of a delivery: beside its copies in one group, and never in their way. */
#include "ingest/delivery.h"
#include "tests/support/fake_depository.h"
#include "vault/crypto/value.h"

#include <string.h>

#define MESSAGE "Subject: x\r\n\r\nhello wonderful world\r\n"

static IngestOwner *make_owner(const char *address)
{
    IngestOwner *owner = g_new0(IngestOwner, 1);

    owner->address = g_strdup(address);
    owner->role = VAULT_OWNER_RECIPIENT;
    owner->recipients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(owner->recipients, g_strdup(address));
    return owner;
}

static IngestTermsMaker *make_maker(void)
{
    static const IngestTermsMakerOptions options = {.readers_max = 1};

    return ingest_terms_maker_new(&options);
}

/* To as many owners as wanted; `terms` may be NULL. */
static IngestDelivery *begin(FakeDepository *fake, guint owner_count, IngestTermsMaker *terms)
{
    static const char *const addresses[] = {"anna@x", "bert@x", "carl@x"};
    IngestDeliveryOptions options = {.sender = "s@x", .source = "lmtp", .terms = terms};
    IngestDelivery *delivery;

    options.owners = g_ptr_array_new_with_free_func((GDestroyNotify)ingest_owner_free);
    for (guint i = 0; i < owner_count; i++)
        g_ptr_array_add(options.owners, make_owner(addresses[i]));
    delivery = ingest_delivery_begin(&fake->depository, &options, NULL);
    assert_non_null(delivery);
    return delivery;
}

static IngestDeliveryResult finish(IngestDelivery *delivery)
{
    IngestDeliveryResult result;

    assert_true(ingest_delivery_commit(delivery, &result, NULL));
    ingest_delivery_free(delivery);
    return result;
}

static IngestDeliveryResult deliver(FakeDepository *fake, guint owner_count,
                                    IngestTermsMaker *terms, const char *message)
{
    IngestDelivery *delivery = begin(fake, owner_count, terms);

    assert_true(ingest_delivery_write(delivery, message, strlen(message), NULL));
    return finish(delivery);
}

static void assert_kinds(const FakeDepository *fake, const char *expected)
{
    g_autoptr(GString) kinds = g_string_new(NULL);

    for (guint i = 0; i < fake->committed->len; i++) {
        switch (((const FakeRecord *)g_ptr_array_index(fake->committed, i))->kind) {
        case VAULT_RECORD_BODY:
            g_string_append_c(kinds, 'b');
            break;
        case VAULT_RECORD_COPY:
            g_string_append_c(kinds, 'c');
            break;
        case VAULT_RECORD_TERMS_BODY:
            g_string_append_c(kinds, 'B');
            break;
        case VAULT_RECORD_TERMS_COPY:
            g_string_append_c(kinds, 'T');
            break;
        default:
            g_string_append_c(kinds, '?');
        }
    }
    assert_string_equal(kinds->str, expected);
}

/* The terms copy opens to terms of this message that have the word in their body. */
static void assert_has_word(FakeDepository *fake, guint number, const char *message,
                            const char *word)
{
    GByteArray *bytes = fake_depository_terms(fake, number);
    g_autoptr(IngestTerms) terms = ingest_terms_parse(bytes->data, bytes->len, NULL, NULL);
    IngestTermsCursor cursor = {.terms = terms};
    gboolean is_found = FALSE;
    IngestTerm term;
    VaultHash hash;

    assert_non_null(terms);
    vault_hash(message, strlen(message), &hash);
    assert_true(vault_hash_equal(&ingest_terms_summary(terms)->message_hash, &hash));
    assert_int_equal(ingest_terms_summary(terms)->message_len, strlen(message));
    while (!is_found && ingest_terms_next(&cursor, &term))
        is_found = term.field == INGEST_FIELD_BODY && term.len == strlen(word) &&
                   memcmp(term.term, word, term.len) == 0;
    assert_true(is_found);
    g_clear_pointer(&terms, ingest_terms_free);
    vault_value_free(bytes);
}

static void terms_are_committed_with_the_copies(void **state)
{
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryResult result = deliver(fake, 1, maker, MESSAGE);

    assert_false(result.lacks_terms);
    assert_int_equal(fake->calls[FAKE_COMMIT], 1);
    assert_kinds(fake, "bcT");
    assert_has_word(fake, 2, MESSAGE, "wonderful");
    assert_true(VAULT_ID_EQUAL(fake_depository_record(fake, 0)->record_id, result.archive_id));
    assert_true(
        VAULT_ID_EQUAL(fake_depository_record(fake, 2)->locator.body_id, result.archive_id));
}

static void owners_share_one_terms_body(void **state)
{
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();

    deliver(fake, 3, maker, MESSAGE);
    assert_kinds(fake, "bcccBTTT");
    for (guint i = 5; i < 8; i++)
        assert_has_word(fake, i, MESSAGE, "wonderful");
    assert_string_equal(fake_depository_record(fake, 6)->mailbox, "bert");
}

static void nobody_who_wants_no_terms_gets_some(void **state)
{
    g_autoptr(FakeDepository) fake = fake_depository_new();

    assert_false(deliver(fake, 1, NULL, MESSAGE).lacks_terms);
    assert_kinds(fake, "bc");
}

static void an_empty_message_has_terms_too(void **state)
{
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();

    assert_false(deliver(fake, 1, maker, "").lacks_terms);
    assert_kinds(fake, "bcT");
}

/* ---- long messages --------------------------------------------------------------------------- */

static char *long_message(void)
{
    GString *message = g_string_new("Subject: long\r\n\r\nbeginning\r\n");

    while (message->len <= VAULT_BODY_WHOLE_MAX)
        g_string_append(message, "the quick brown fox jumps over the lazy dog again\r\n");
    g_string_append(message, "lastword\r\n");
    return g_string_free(message, FALSE);
}

static void a_long_message_is_read_back(void **state)
{
    g_autofree char *message = long_message();
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();

    assert_false(deliver(fake, 1, maker, message).lacks_terms);
    assert_int_equal(fake->calls[FAKE_STREAM], 1);
    assert_int_equal(fake->close_count, 1);
    assert_int_equal(fake->abandon_count, 0);
    assert_has_word(fake, fake->committed->len - 1, message, "beginning");
    assert_has_word(fake, fake->committed->len - 1, message, "lastword");
}

static void what_cannot_be_read_back_is_kept_without_terms(void **state)
{
    g_autofree char *message = long_message();
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();

    fake->failing = FAKE_READ_BACK;
    assert_true(deliver(fake, 2, maker, message).lacks_terms);
    assert_int_equal(fake->close_count, 1);
    assert_kinds(fake, "bcc");
}

/* ---- never in the way ------------------------------------------------------------------------ */

static void without_a_place_mail_is_kept_without_terms(void **state)
{
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();

    fake->has_no_index = TRUE;
    assert_true(deliver(fake, 2, maker, MESSAGE).lacks_terms);
    assert_kinds(fake, "bcc");
}

static void terms_can_be_left(void **state)
{
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDelivery *delivery = begin(fake, 1, maker);

    assert_true(ingest_delivery_write(delivery, MESSAGE, strlen(MESSAGE), NULL));
    ingest_delivery_leave_terms(delivery);
    assert_true(finish(delivery).lacks_terms);
    assert_kinds(fake, "bc");
}

static void a_retry_makes_none(void **state)
{
    g_autoptr(IngestTermsMaker) maker = make_maker();
    g_autoptr(FakeDepository) fake = fake_depository_new();
    IngestDeliveryResult result;

    fake->earlier.is_retry = TRUE;
    result = deliver(fake, 1, maker, MESSAGE);
    assert_true(result.is_already_archived);
    assert_false(result.lacks_terms);
    assert_kinds(fake, "");
}

/* ---- the pool -------------------------------------------------------------------------------- */

#define THREADS 8

static gpointer make_many(gpointer user)
{
    IngestTermsMaker *maker = user;
    VaultHash hash = {{0}};
    gsize total = 0;

    for (guint i = 0; i < 20; i++) {
        GByteArray *terms = ingest_terms_maker_make(maker, MESSAGE, strlen(MESSAGE), &hash);

        total += terms->len;
        vault_value_free(terms);
    }
    return GSIZE_TO_POINTER(total);
}

static void threads_wait_for_readers_and_get_the_same(void **state)
{
    static const IngestTermsMakerOptions options = {.readers_max = 2};
    g_autoptr(IngestTermsMaker) maker = ingest_terms_maker_new(&options);
    GThread *threads[THREADS];
    gpointer expected = make_many(maker);

    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("maker", make_many, maker);
    for (guint i = 0; i < THREADS; i++)
        assert_ptr_equal(g_thread_join(threads[i]), expected);
}

static void memory_is_bounded_by_the_text_that_is_taken(void **state)
{
    static const IngestTermsMakerOptions options = {.text_len_max = 1u << 20};
    g_autoptr(IngestTermsMaker) maker = ingest_terms_maker_new(&options);

    assert_true(ingest_terms_maker_memory(maker, 1000) < 300u << 10);
    assert_true(ingest_terms_maker_memory(maker, 1u << 20) < 20u << 20);
    assert_int_equal(ingest_terms_maker_memory(maker, G_GUINT64_CONSTANT(1) << 40),
                     ingest_terms_maker_memory(maker, 100u << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_are_committed_with_the_copies),
        cmocka_unit_test(owners_share_one_terms_body),
        cmocka_unit_test(nobody_who_wants_no_terms_gets_some),
        cmocka_unit_test(an_empty_message_has_terms_too),
        cmocka_unit_test(a_long_message_is_read_back),
        cmocka_unit_test(what_cannot_be_read_back_is_kept_without_terms),
        cmocka_unit_test(without_a_place_mail_is_kept_without_terms),
        cmocka_unit_test(terms_can_be_left),
        cmocka_unit_test(a_retry_makes_none),
        cmocka_unit_test(threads_wait_for_readers_and_get_the_same),
        cmocka_unit_test(memory_is_bounded_by_the_text_that_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
