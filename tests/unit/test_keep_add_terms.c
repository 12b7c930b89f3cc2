/* Terms that are given to copies which have none: which copies get them, under whose grant, and
 * what is left when it fails on the way. */
#include "tests/unit/erasure_world.h"
#include "tests/unit/release_world.h"
#include "tests/unit/terms_world.h"

#include "tests/unit/failing_calls.h"
#include "vault/act/terms_batch.h"

#define WORDS "words that came late"

/* Archived without terms. */
static KeepDelivery deliver(ReleaseWorld *world, const char *text, const char *const *addresses)
{
    KeepDelivery delivery;

    keep_fixture_set_terms(FALSE);
    assert_true(keep_fixture_deliver_at(world->fixture->keep, text, addresses, keep_fixture_now(),
                                        NULL, &delivery, NULL));
    keep_fixture_set_terms(TRUE);
    return delivery;
}

static KeepDelivery deliver_to_anna(ReleaseWorld *world, const char *text)
{
    static const char *const anna[] = {ANNA, NULL};

    return deliver(world, text, anna);
}

static KeepDelivery deliver_to_both(ReleaseWorld *world, const char *text)
{
    static const char *const both[] = {ANNA, BERT, NULL};

    return deliver(world, text, both);
}

/* All copies of that message that are listed. */
static void append(ReleaseWorld *world, GByteArray *batch, const RecordId *archive_id)
{
    g_autoptr(GArray) list = terms_list_all(world->fixture->keep);
    g_autoptr(GArray) copies = g_array_new(FALSE, FALSE, sizeof(RecordId));
    VaultTermsAddition addition = {
        .body_id = *archive_id, .terms = (const guint8 *)WORDS, .terms_len = strlen(WORDS)};

    for (guint i = 0; i < list->len; i++) {
        const VaultTermsEntry *entry = &g_array_index(list, VaultTermsEntry, i);

        if (VAULT_ID_EQUAL(entry->body_id, *archive_id))
            g_array_append_val(copies, entry->copy_id);
    }
    addition.copies = (const RecordId *)(gpointer)copies->data;
    addition.copy_count = copies->len;
    vault_terms_batch_append(batch, &addition);
}

static GByteArray *batch_of(ReleaseWorld *world, const RecordId *archive_id)
{
    GByteArray *batch = g_byte_array_new();

    append(world, batch, archive_id);
    return batch;
}

static gboolean add(ReleaseWorld *world, const char *grant, const GByteArray *batch,
                    VaultTermsAdded *ret_added, GError **error)
{
    return vault_keep_add_terms(world->fixture->keep, grant, strlen(grant), batch->data, batch->len,
                                ret_added, error);
}

static void assert_added(ReleaseWorld *world, const char *grant, const GByteArray *batch,
                         guint64 added_count, guint64 known_count, guint64 gone_count)
{
    g_autoptr(GError) error = NULL;
    VaultTermsAdded added;

    if (!add(world, grant, batch, &added, &error))
        fail_msg("%s", error->message);
    assert_int_equal(added.added_count, added_count);
    assert_int_equal(added.known_count, known_count);
    assert_int_equal(added.gone_count, gone_count);
}

static VaultErrorCode refusal(ReleaseWorld *world, const char *grant, const GByteArray *batch)
{
    g_autoptr(GError) error = NULL;
    VaultTermsAdded added;

    assert_false(add(world, grant, batch, &added, &error));
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

/* How many copies have terms, which open: all that are listed, or none. Of one message, or of all.
 */
static guint assert_whole_of(ReleaseWorld *world, const RecordId *archive_id, guint count)
{
    g_autoptr(GArray) list = terms_list_all(world->fixture->keep);
    guint with_terms = 0, without = 0;

    for (guint i = 0; i < list->len; i++) {
        const VaultTermsEntry *entry = &g_array_index(list, VaultTermsEntry, i);
        SupportTermsKey key;
        g_autofree char *terms = NULL;

        if (archive_id != NULL && !VAULT_ID_EQUAL(entry->body_id, *archive_id))
            continue;
        if (vault_id_is_zero(entry->terms_id.bytes)) {
            without++;
            continue;
        }
        key = terms_key(world->fixture, entry);
        terms = terms_open(world->fixture, &key, entry);
        assert_string_equal(terms, WORDS);
        with_terms++;
    }
    assert_true((with_terms == 0 && without == count) || (with_terms == count && without == 0));
    return with_terms;
}

static guint assert_whole(ReleaseWorld *world, guint count)
{
    VaultVerifyResult verified = keep_fixture_verify(world->fixture->keep, VAULT_VERIFY_DEEP);

    assert_int_equal(verified.finding_count, 0);
    return assert_whole_of(world, NULL, count);
}

static guint part_count(ReleaseWorld *world, const RecordId *archive_id, VaultRecordKind kind)
{
    g_autoptr(GArray) parts = vault_keep_message(world->fixture->keep, archive_id, NULL);
    guint count = 0;

    for (guint i = 0; i < parts->len; i++)
        count += g_array_index(parts, VaultMessagePart, i).kind == kind;
    return count;
}

/* ---- which copies ---------------------------------------------------------------------------- */

static void copies_without_terms_get_them_and_are_listed_again(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery one = deliver_to_anna(world, "one"), both = deliver_to_both(world, "both");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(GArray) before = terms_list(world->fixture->keep, &position), after = NULL;
    g_autoptr(GByteArray) batch = batch_of(world, &one.archive_id);

    append(world, batch, &both.archive_id);
    assert_added(world, grant, batch, 3, 0, 0);
    after = terms_list(world->fixture->keep, &position);
    assert_int_equal(after->len, 3);
    assert_false(position.is_anew);
    assert_int_equal(assert_whole(world, 3), 3);
    /* Those of one owner lie in his terms copy; those of two are stored once. */
    assert_int_equal(part_count(world, &one.archive_id, VAULT_RECORD_TERMS_BODY), 0);
    assert_int_equal(part_count(world, &both.archive_id, VAULT_RECORD_TERMS_BODY), 1);
    assert_int_equal(part_count(world, &both.archive_id, VAULT_RECORD_TERMS_COPY), 2);
}

static void what_is_done_is_logged_and_what_is_not_is_not(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery one = deliver_to_anna(world, "one");
    VaultCopyEntry copy = release_world_copy(world, &one.archive_id);
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(GByteArray) batch = batch_of(world, &one.archive_id);
    g_autofree char *line =
        g_strdup_printf("\ncopies: 1\ncopy: %s of %s\n", VAULT_ID_TEXT(copy.record_id),
                        VAULT_ID_TEXT(one.archive_id));
    guint64 before = release_world_log_size(world, VAULT_LOG_CONTROL);
    g_autoptr(VaultLogReader) log = NULL;
    g_autofree char *payload = NULL;
    VaultEntry entry;

    assert_added(world, grant, batch, 1, 0, 0);
    log = release_world_log(world, VAULT_LOG_CONTROL);
    assert_int_equal(vault_log_reader_checkpoint(log)->size, before + 1);
    entry = release_world_entry(log, before);
    payload = release_world_payload(world, &entry);
    assert_int_equal(entry.act, VAULT_LOGGED_TERMS_ADDED);
    assert_true(g_str_has_prefix(payload, "act: terms-added\ngrant: "));
    assert_true(g_str_has_suffix(payload, line));
    assert_added(world, grant, batch, 0, 1, 0);
    assert_int_equal(release_world_log_size(world, VAULT_LOG_CONTROL), before + 1);
    assert_int_equal(part_count(world, &one.archive_id, VAULT_RECORD_TERMS_COPY), 1);
}

static void a_copy_that_is_named_twice_gets_terms_once(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery one = deliver_to_anna(world, "one");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(GByteArray) batch = batch_of(world, &one.archive_id);

    append(world, batch, &one.archive_id);
    assert_added(world, grant, batch, 1, 1, 0);
    assert_int_equal(part_count(world, &one.archive_id, VAULT_RECORD_TERMS_COPY), 1);
    assert_int_equal(assert_whole(world, 1), 1);
}

static void what_was_erased_meanwhile_gets_none(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery erased = deliver_to_anna(world, "erased"), both = deliver_to_both(world, "both");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(GByteArray) batch = batch_of(world, &erased.archive_id);

    append(world, batch, &both.archive_id);
    erase_message(world->fixture, &erased.archive_id, ANNA);
    shred_mailbox(world->fixture, BERT);
    assert_added(world, grant, batch, 1, 0, 2);
    assert_int_equal(assert_whole(world, 1), 1);
    assert_int_equal(part_count(world, &both.archive_id, VAULT_RECORD_TERMS_COPY), 1);
}

typedef struct {
    ReleaseWorld *world;
    const char *grant;
    const GByteArray *batch;
    guint64 added_count;
} Adder;

static gpointer add_at_the_same_time(gpointer user)
{
    Adder *adder = user;
    VaultTermsAdded added;

    if (add(adder->world, adder->grant, adder->batch, &added, NULL))
        adder->added_count = added.added_count;
    return NULL;
}

static void of_many_at_the_same_time_one_adds(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery one = deliver_to_anna(world, "one");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(GByteArray) batch = batch_of(world, &one.archive_id);
    GThread *threads[4];
    Adder adders[4];
    guint64 sum = 0;

    for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
        adders[i] = (Adder){.world = world, .grant = grant, .batch = batch};
        threads[i] = g_thread_new("adder", add_at_the_same_time, &adders[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
        g_thread_join(threads[i]);
        sum += adders[i].added_count;
    }
    assert_int_equal(sum, 1);
    assert_int_equal(part_count(world, &one.archive_id, VAULT_RECORD_TERMS_COPY), 1);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void only_a_good_grant_that_opens_the_messages_will_do(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery one = deliver_to_anna(world, "one"), both;
    g_autofree char *annas = release_world_grant(world, &world->anna);
    VaultRequestFile *request = release_world_request(world, &world->anna);
    g_autofree char *words = NULL, *grant = NULL;
    g_autoptr(GByteArray) batch = batch_of(world, &one.archive_id), beyond = NULL;

    request->act = VAULT_ACT_SEARCH;
    words = release_world_grant_of(world, request);
    assert_int_equal(refusal(world, words, batch), VAULT_ERROR_REFUSED);
    /* Bert's mailbox is made after the grant. */
    both = deliver_to_both(world, "both");
    beyond = batch_of(world, &one.archive_id);
    append(world, beyond, &both.archive_id);
    assert_int_equal(refusal(world, annas, beyond), VAULT_ERROR_REFUSED);
    assert_int_equal(refusal(world, "no grant", batch), VAULT_ERROR_MALFORMED);
    grant = release_world_grant(world, &world->anna);
    assert_true(vault_keep_revoke_grant(world->fixture->keep, grant, strlen(grant), NULL));
    assert_int_equal(refusal(world, grant, batch), VAULT_ERROR_REFUSED);
    assert_int_equal(assert_whole(world, 3), 0);
}

static void a_batch_that_is_none_is_refused_as_what_it_is(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery one = deliver_to_anna(world, "one"), other = deliver_to_anna(world, "other");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(GByteArray) batch = batch_of(world, &one.archive_id);
    g_autoptr(GByteArray) cut = batch_of(world, &one.archive_id);
    g_autoptr(GByteArray) large = g_byte_array_new();

    memcpy(batch->data, other.archive_id.bytes, VAULT_ID_LEN);
    assert_int_equal(refusal(world, grant, batch), VAULT_ERROR_MALFORMED);
    g_byte_array_set_size(cut, cut->len - 1);
    assert_int_equal(refusal(world, grant, cut), VAULT_ERROR_MALFORMED);
    g_byte_array_set_size(large, VAULT_TERMS_BATCH_LEN_MAX + 1);
    assert_int_equal(refusal(world, grant, large), VAULT_ERROR_TOO_LARGE);
    assert_int_equal(assert_whole(world, 2), 0);
}

/* ---- what fails on the way ------------------------------------------------------------------- */

static gboolean add_with_failure(ReleaseWorld *world, const char *grant, const RecordId *archive_id,
                                 int nth, int number)
{
    g_autoptr(GByteArray) batch = batch_of(world, archive_id);
    g_autoptr(GError) error = NULL;
    VaultTermsAdded added;
    gboolean is_added, is_over;

    arm(nth, number);
    is_added = add(world, grant, batch, &added, &error);
    disarm();
    is_over = !has_failed;
    assert_true(is_added || error->domain == VAULT_ERROR);
    if (nth % 2 == 0) {
        keep_fixture_crash(world->fixture);
        keep_fixture_open(world->fixture);
    }
    assert_true(assert_whole_of(world, archive_id, 2) == 2 || !is_added);
    assert_true(add(world, grant, batch, &added, NULL));
    assert_int_equal(assert_whole_of(world, archive_id, 2), 2);
    return is_over;
}

static void whatever_call_fails_all_copies_get_terms_or_none(void **state)
{
    static const int numbers[] = {EIO, ENOSPC};
    g_autoptr(ReleaseWorld) world = release_world_new();
    KeepDelivery both = deliver_to_both(world, "both");
    g_autofree char *grant = release_world_grant(world, &world->anna);

    for (gsize e = 0; e < G_N_ELEMENTS(numbers); e++) {
        int nth = 0;

        while (!add_with_failure(world, grant, &both.archive_id, nth, numbers[e])) {
            g_autofree char *text = g_strdup_printf("both, %d, %zu", nth++, e);

            both = deliver_to_both(world, text);
        }
        assert_true(nth > 3);
        both = deliver_to_both(world, "again");
    }
    assert_int_equal(keep_fixture_verify(world->fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_without_terms_get_them_and_are_listed_again),
        cmocka_unit_test(what_is_done_is_logged_and_what_is_not_is_not),
        cmocka_unit_test(a_copy_that_is_named_twice_gets_terms_once),
        cmocka_unit_test(what_was_erased_meanwhile_gets_none),
        cmocka_unit_test(of_many_at_the_same_time_one_adds),
        cmocka_unit_test(only_a_good_grant_that_opens_the_messages_will_do),
        cmocka_unit_test(a_batch_that_is_none_is_refused_as_what_it_is),
        cmocka_unit_test(whatever_call_fails_all_copies_get_terms_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
