/* Terms in a vault: whose they are, what lists them, and that they are stored with their copies or
 * not at all. */
#include "tests/unit/erasure_world.h"
#include "tests/unit/terms_world.h"

#include "tests/unit/failing_calls.h"

#define LARGE_LEN (VAULT_BODY_WHOLE_MAX + 300000)

static KeepDelivery deliver_to_two(KeepFixture *fixture, const char *text)
{
    static const char *const both[] = {ANNA, BERT, NULL};
    KeepDelivery delivery;

    assert_true(keep_fixture_deliver_at(fixture->keep, text, both, keep_fixture_now(), NULL,
                                        &delivery, NULL));
    return delivery;
}

static const VaultTermsEntry *entry_at(const GArray *list, guint number)
{
    assert_true(number < list->len);
    return &g_array_index(list, VaultTermsEntry, number);
}

/* ---- whose they are -------------------------------------------------------------------------- */

static void terms_open_for_their_owner_alone(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GArray) list = NULL;

    keep_fixture_deliver(fixture, "to anna alone", ANNA);
    deliver_to_two(fixture, "to both");
    list = terms_list_all(fixture->keep);
    assert_int_equal(list->len, 3);
    for (guint i = 0; i < 3; i++) {
        for (guint j = 0; j < 3; j++) {
            SupportTermsKey key = terms_key(fixture, entry_at(list, j));
            g_autofree char *terms = terms_open(fixture, &key, entry_at(list, i));

            if (i != j)
                assert_null(terms);
            else
                assert_string_equal(terms, i == 0 ? "terms of to anna alone" : "terms of to both");
        }
    }
}

/* ---- listing --------------------------------------------------------------------------------- */

static void list_names_what_is_new_and_whose_it_is(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "one", ANNA);
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(GArray) before = terms_list(fixture->keep, &position), after = NULL;
    const VaultTermsEntry *entry = entry_at(before, 0);
    g_autoptr(GArray) parts = vault_keep_message(fixture->keep, &first.archive_id, NULL);

    assert_int_equal(before->len, 1);
    assert_true(VAULT_ID_EQUAL(entry->mailbox_id, anna));
    assert_true(VAULT_ID_EQUAL(entry->body_id, first.archive_id));
    assert_true(VAULT_ID_EQUAL(entry->month_key_id, first.months[0]));
    assert_int_equal(entry->leaf, first.leaves[0]);
    assert_int_equal(entry->received_s, keep_fixture_now());
    assert_true(
        VAULT_ID_EQUAL(entry->copy_id, g_array_index(parts, VaultMessagePart, 1).record_id));
    assert_true(
        VAULT_ID_EQUAL(entry->terms_id, g_array_index(parts, VaultMessagePart, 2).record_id));
    keep_fixture_set_terms(FALSE);
    keep_fixture_deliver(fixture, "two", BERT);
    keep_fixture_set_terms(TRUE);
    after = terms_list(fixture->keep, &position);
    assert_int_equal(after->len, 1);
    assert_true(vault_id_is_zero(entry_at(after, 0)->terms_id.bytes));
    assert_false(position.is_anew);
}

static void erased_messages_are_not_listed_and_a_rebuilt_catalog_begins_anew(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "one", ANNA);
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(GArray) before = NULL, after = NULL, left = NULL;
    VaultRebuildResult result;

    deliver_to_two(fixture, "two");
    keep_fixture_deliver(fixture, "three", BERT);
    before = terms_list(fixture->keep, &position);
    assert_int_equal(before->len, 4);
    erase_message(fixture, &first.archive_id, ANNA);
    left = terms_list_all(fixture->keep);
    assert_int_equal(left->len, 3);
    keep_fixture_close(fixture);
    assert_true(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &result, NULL));
    keep_fixture_open(fixture);
    after = terms_list(fixture->keep, &position);
    assert_true(position.is_anew);
    assert_int_equal(after->len, 3);
    shred_mailbox(fixture, BERT);
    {
        g_autoptr(GArray) annas = terms_list_all(fixture->keep);

        assert_int_equal(annas->len, 1);
    }
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

/* Until the catalog forgets it. */
static void what_no_key_opens_is_not_listed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery shared = deliver_to_two(fixture, "one");
    g_autoptr(GArray) left = NULL, none = NULL;

    keep_damage_puncture(fixture, &shared.months[0], shared.leaves[0]);
    left = terms_list_all(fixture->keep);
    assert_int_equal(left->len, 1);
    assert_true(VAULT_ID_EQUAL(entry_at(left, 0)->month_key_id, shared.months[1]));
    keep_damage_drop_month(fixture, &shared.months[1]);
    none = terms_list_all(fixture->keep);
    assert_int_equal(none->len, 0);
}

/* Committed without its terms, and these later, as when an index is written again. */
static void terms_that_come_later_are_listed_and_found_by_a_rebuild(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(VaultSealedTerms) sealed = NULL;
    g_autoptr(GArray) before = NULL, after = NULL;
    VaultAllotment allotment;
    KeepDelivery delivery;

    keep_fixture_set_terms(FALSE);
    delivery = keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_set_terms(TRUE);
    before = terms_list(fixture->keep, &position);
    assert_true(vault_id_is_zero(entry_at(before, 0)->terms_id.bytes));
    allotment = terms_allot(fixture->keep, &entry_at(before, 0)->mailbox_id);
    allotment.leaf = delivery.leaves[0];
    sealed = vault_seal_terms(depository->sealer, &delivery.archive_id, "late", 4, 1, NULL);
    g_ptr_array_add(records, vault_seal_terms_copy(depository->sealer, sealed, &allotment, NULL));
    assert_true(depository->commit(depository, records, NULL));
    after = terms_list(fixture->keep, &position);
    assert_int_equal(after->len, 1);
    assert_true(VAULT_ID_EQUAL(entry_at(after, 0)->copy_id, entry_at(before, 0)->copy_id));
    assert_false(vault_id_is_zero(entry_at(after, 0)->terms_id.bytes));
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

/* ---- stored with their copies, or not at all ------------------------------------------------- */

/* Each copy that is listed has its terms, and they open. */
static void assert_complete(KeepFixture *fixture)
{
    g_autoptr(GArray) list = terms_list_all(fixture->keep);

    for (guint i = 0; i < list->len; i++) {
        SupportTermsKey key;
        g_autofree char *terms = NULL;

        assert_false(vault_id_is_zero(entry_at(list, i)->terms_id.bytes));
        key = terms_key(fixture, entry_at(list, i));
        terms = terms_open(fixture, &key, entry_at(list, i));
        assert_non_null(terms);
    }
}

static gboolean deliver_with_failure(KeepFixture *fixture, int nth, int number)
{
    static const char *const both[] = {ANNA, BERT, NULL};
    g_autofree char *text = g_strdup_printf("message %d", nth);
    g_autoptr(GError) error = NULL;
    KeepDelivery delivery;
    guint before = keep_fixture_copy_count(fixture->keep);
    gboolean is_delivered;

    arm(nth, number);
    is_delivered = keep_fixture_deliver_at(fixture->keep, text, both, keep_fixture_now(), NULL,
                                           &delivery, &error);
    disarm();
    assert_true(is_delivered || error->domain == VAULT_ERROR);
    if (nth % 2 == 0) {
        keep_fixture_crash(fixture);
        keep_fixture_open(fixture);
    }
    if (is_delivered)
        assert_int_equal(keep_fixture_copy_count(fixture->keep), before + 2);
    return !has_failed;
}

static void copies_never_come_without_their_terms_whatever_call_fails(void **state)
{
    static const int numbers[] = {EIO, ENOSPC};

    for (gsize e = 0; e < G_N_ELEMENTS(numbers); e++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        gboolean is_over = FALSE;
        int nth = 0;

        for (; !is_over; nth++) {
            is_over = deliver_with_failure(fixture, nth, numbers[e]);
            assert_complete(fixture);
        }
        assert_true(nth > 3);
        assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
    }
}

/* A power cut within the write: the pack ends at every byte of the last delivery's group. */
static void cut_group_leaves_neither_copies_nor_terms(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *pack = NULL;
    g_autoptr(GPtrArray) packs = NULL;
    const char *path;
    gsize whole;

    keep_fixture_deliver(fixture, "stays", ANNA);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    deliver_to_two(fixture, "is cut");
    keep_fixture_crash(fixture);
    packs = keep_fixture_packs(fixture, ".pack");
    path = g_ptr_array_index(packs, packs->len - 1);
    assert_true(g_file_get_contents(path, &pack, &whole, NULL));
    for (gsize len = whole - 1; len > VAULT_PACK_HEADER_LEN; len -= MIN(len, 97)) {
        assert_true(g_file_set_contents(path, pack, (gssize)len, NULL));
        keep_damage_remove(fixture, "catalog.sqlite");
        keep_fixture_open(fixture);
        assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
        assert_complete(fixture);
        keep_fixture_crash(fixture);
    }
    assert_true(g_file_set_contents(path, pack, (gssize)whole, NULL));
    keep_damage_remove(fixture, "catalog.sqlite");
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 3);
    assert_complete(fixture);
}

static void terms_of_a_month_that_was_dropped_meanwhile_are_not_committed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    KeepDelivery delivery = keep_fixture_deliver(fixture, "one", ANNA);
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    g_autoptr(VaultSealedTerms) sealed =
        vault_seal_terms(depository->sealer, &delivery.archive_id, "late", 4, 1, NULL);
    VaultAllotment allotment = terms_allot(fixture->keep, &anna);
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(records, vault_seal_terms_copy(depository->sealer, sealed, &allotment, NULL));
    shred_mailbox(fixture, ANNA);
    assert_false(depository->commit(depository, records, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY));
}

/* ---- what dies with them --------------------------------------------------------------------- */

/* Only Anna's copy has terms, in a terms body all the same. */
static void terms_body_goes_with_its_last_terms_copy(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    VaultCompactOptions options = {.seconds_max = 0};
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    g_autoptr(VaultSealedTerms) sealed = NULL;
    VaultCompactResult result;
    VaultAllotment allotment;
    KeepDelivery delivery;
    MailboxId anna;
    RecordId terms_body;

    keep_fixture_set_terms(FALSE);
    delivery = deliver_to_two(fixture, "to both");
    keep_fixture_set_terms(TRUE);
    anna = keep_fixture_mailbox(fixture, ANNA);
    allotment = terms_allot(fixture->keep, &anna);
    allotment.leaf = delivery.leaves[0];
    sealed = vault_seal_terms(depository->sealer, &delivery.archive_id, "late", 4, 2, NULL);
    g_ptr_array_add(records, vault_sealed_terms_take_record(sealed));
    terms_body = ((VaultRecord *)g_ptr_array_index(records, 0))->record_id;
    g_ptr_array_add(records, vault_seal_terms_copy(depository->sealer, sealed, &allotment, NULL));
    assert_true(depository->commit(depository, records, NULL));
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_damage_drop_month(fixture, &delivery.months[0]);
    assert_true(vault_keep_compact(fixture->keep, &options, &result, NULL));
    assert_int_equal(result.kept_count, 2);    /* the message, Bert's copy */
    assert_int_equal(result.dropped_count, 3); /* Anna's copy, her terms copy, the terms body */
    assert_null(vault_keep_record(fixture->keep, &terms_body, G_MAXSIZE, NULL));
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

/* The keyring judges the terms copies that stand beside a terms body, not the catalog's rows. */
static void catalog_that_forgot_terms_costs_no_terms_body(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultCompactOptions options = {.seconds_max = 0};
    VaultCompactResult result;
    KeepDelivery first = keep_fixture_deliver(fixture, "to anna", ANNA), shared;
    g_autoptr(GArray) list = NULL;

    for (guint i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf("to anna, %u", i);

        keep_fixture_deliver(fixture, text, ANNA);
    }
    shared = deliver_to_two(fixture, "to both");
    assert_int_equal(shared.count, 2);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_damage_drop_month(fixture, &first.months[0]);
    keep_damage_sql(fixture, "catalog.sqlite",
                    "DELETE FROM others WHERE kind = 4; UPDATE totals SET other_count = (SELECT "
                    "count(*) FROM others)");
    assert_true(vault_keep_compact(fixture->keep, &options, &result, NULL));
    assert_int_equal(result.kept_count, 4); /* both bodies, Bert's copy, his terms copy */
    list = terms_list_all(fixture->keep);
    assert_int_equal(list->len, 1);
}

/* ---- large bodies ---------------------------------------------------------------------------- */

static guint open_file_count(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;

    assert_non_null(dir);
    while (g_dir_read_name(dir) != NULL)
        count++;
    return count;
}

static void streamed_body_reads_back_from_its_pack_which_is_not_kept_open(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    VaultLocator locator = {.received_s = keep_fixture_now()};
    g_autofree guint8 *message = g_malloc(LARGE_LEN);
    g_autofree guint8 *found = g_malloc(LARGE_LEN + 1);
    g_autoptr(VaultSealedBody) body = NULL;
    g_autoptr(VaultBodyStream) stream = NULL;
    g_autoptr(VaultBodyReadback) readback = NULL;
    VaultBodySource source;
    VaultBodySink sink;
    guint before;

    vault_random(message, LARGE_LEN);
    assert_true(depository->stream(depository, &sink, NULL));
    stream = vault_body_stream_begin(depository->sealer, sink, NULL);
    assert_true(vault_body_stream_write(stream, message, LARGE_LEN, NULL));
    body = vault_body_stream_finish(stream, &locator, NULL);
    assert_non_null(body);
    g_clear_pointer(&stream, vault_body_stream_free);
    before = open_file_count();
    depository->read_back(depository, &source);
    readback = vault_body_readback_begin(body, source);
    assert_int_equal(vault_body_readback_read(readback, found, LARGE_LEN + 1, NULL), LARGE_LEN);
    assert_memory_equal(found, message, LARGE_LEN);
    assert_int_equal(vault_body_readback_read(readback, found, 1, NULL), 0);
    assert_int_equal(open_file_count(), before + 1);
    g_clear_pointer(&readback, vault_body_readback_free);
    assert_int_equal(open_file_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_open_for_their_owner_alone),
        cmocka_unit_test(list_names_what_is_new_and_whose_it_is),
        cmocka_unit_test(erased_messages_are_not_listed_and_a_rebuilt_catalog_begins_anew),
        cmocka_unit_test(what_no_key_opens_is_not_listed),
        cmocka_unit_test(terms_that_come_later_are_listed_and_found_by_a_rebuild),
        cmocka_unit_test(copies_never_come_without_their_terms_whatever_call_fails),
        cmocka_unit_test(cut_group_leaves_neither_copies_nor_terms),
        cmocka_unit_test(terms_of_a_month_that_was_dropped_meanwhile_are_not_committed),
        cmocka_unit_test(terms_body_goes_with_its_last_terms_copy),
        cmocka_unit_test(catalog_that_forgot_terms_costs_no_terms_body),
        cmocka_unit_test(streamed_body_reads_back_from_its_pack_which_is_not_kept_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
