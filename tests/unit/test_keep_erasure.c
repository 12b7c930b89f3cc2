/* What is erased is gone, for good and for those who kept an old copy of the keyring; what is not
 * is as it was; and what may not be destroyed is not. */
#include "tests/unit/erasure_world.h"

#include "vault/base/file.h"
#include "vault/custody.h"
#include "vault/keep/internal.h"
#include "vault/keep/release.h"
#include "vault/store/hold_value.h"

#include <unistd.h>

/* ---- one message ---------------------------------------------------------------------------- */

static gboolean note_entry(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    g_array_append_vals(user, entry, 1);
    return TRUE;
}

static GArray *copies_of(VaultKeep *keep, const RecordId *id)
{
    VaultCopyFilter filter = {.messages = id, .message_count = 1};
    GArray *entries = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));

    assert_true(vault_keep_copies(keep, &filter, note_entry, entries, NULL));
    return entries;
}

static void assert_erased(KeepFixture *fixture, const VaultCopyEntry *entry)
{
    g_autoptr(GArray) left = copies_of(fixture->keep, &entry->body_id);
    g_autoptr(GError) error = NULL;
    VaultRelease release;

    for (guint i = 0; i < left->len; i++)
        assert_false(
            VAULT_ID_EQUAL(g_array_index(left, VaultCopyEntry, i).record_id, entry->record_id));
    assert_false(vault_keep_release(fixture->keep, entry, 1, &release, &error));
    assert_true(has_code(error, VAULT_ERROR_ERASED));
}

static void assert_verifies(KeepFixture *fixture)
{
    VaultVerifyResult result = keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP);

    assert_int_equal(result.finding_count, 0);
}

static void an_erased_message_is_gone_and_the_others_are_there(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultCopyEntry entry;
    KeepDelivery first = keep_fixture_deliver(fixture, "first", "a@example.org");
    KeepDelivery second = keep_fixture_deliver(fixture, "second", "a@example.org");
    g_autoptr(GArray) copies = copies_of(fixture->keep, &first.archive_id);

    entry = g_array_index(copies, VaultCopyEntry, 0);
    keep_fixture_deliver(fixture, "third", "b@example.org");
    erase_message(fixture, &first.archive_id, "a@example.org");
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GArray) left = copies_of(fixture->keep, &second.archive_id);
        VaultRelease release;

        assert_erased(fixture, &entry);
        assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
        assert_true(vault_keep_release(fixture->keep, &g_array_index(left, VaultCopyEntry, 0), 1,
                                       &release, NULL));
        assert_verifies(fixture);
        assert_int_equal(erasure_generation(fixture), 2);
        assert_int_equal(erasure_state(fixture), VAULT_ERASURE_FINAL);
        keep_fixture_close(fixture);
        keep_fixture_open(fixture);
    }
}

/* Mail goes on in the month that a leaf was taken from, and no leaf is given twice. */
static void mail_goes_on_in_a_month_that_was_punctured(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "first", "a@example.org");
    KeepDelivery next;

    erase_message(fixture, &first.archive_id, "a@example.org");
    next = keep_fixture_deliver(fixture, "next", "a@example.org");
    assert_true(VAULT_ID_EQUAL(next.months[0], first.months[0]));
    assert_true(next.leaves[0] > first.leaves[0]);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    /* The same mail may come again: it is a new message. */
    next = keep_fixture_deliver(fixture, "first", "a@example.org");
    assert_false(next.is_retry);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
}

static KeepDelivery deliver_to_two(KeepFixture *fixture, const char *text)
{
    static const char *const addresses[] = {"a@example.org", "b@example.org", NULL};
    KeepDelivery delivery;

    assert_true(keep_fixture_deliver_at(fixture->keep, text, addresses, keep_fixture_now(), NULL,
                                        &delivery, NULL));
    return delivery;
}

static void of_two_owners_one_can_be_erased(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = deliver_to_two(fixture, "for both");
    g_autofree char *answer = NULL;
    g_autofree char *other = NULL;
    g_autoptr(GArray) left = NULL;
    MailboxId b = keep_fixture_mailbox(fixture, "b@example.org");

    assert_true(
        erasure_do(fixture, "erasure",
                   erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "mailboxes"),
                   &answer, NULL));
    left = copies_of(fixture->keep, &delivery.archive_id);
    assert_int_equal(left->len, 1);
    assert_true(VAULT_ID_EQUAL(g_array_index(left, VaultCopyEntry, 0).mailbox_id, b));
    other = g_strdup_printf("also-owned-by: %s\n", VAULT_ID_TEXT(b));
    assert_non_null(strstr(answer, other));
    assert_verifies(fixture);
}

static void an_erasure_takes_every_owner_and_every_repeat(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    static const char *const third[] = {"c@example.org", NULL};
    KeepDelivery delivery = deliver_to_two(fixture, "for both");
    KeepDelivery repeat;

    assert_true(keep_fixture_deliver_at(fixture->keep, "for both", third, keep_fixture_now(), NULL,
                                        &repeat, NULL));
    assert_true(VAULT_ID_EQUAL(repeat.repeats, delivery.archive_id));
    keep_fixture_deliver(fixture, "another", "a@example.org");
    erase_message(fixture, &repeat.archive_id, "c@example.org");
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_verifies(fixture);
}

/* ---- mailboxes ------------------------------------------------------------------------------ */

static void a_shredded_mailbox_never_opens_again(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery before = deliver_to_two(fixture, "for both");
    MailboxId id = keep_fixture_mailbox(fixture, "a@example.org"), later;
    g_autoptr(GArray) copies = copies_of(fixture->keep, &before.archive_id);
    KeepDelivery after;

    shred_mailbox(fixture, "a@example.org");
    for (guint i = 0; i < copies->len; i++)
        if (VAULT_ID_EQUAL(g_array_index(copies, VaultCopyEntry, i).mailbox_id, id))
            assert_erased(fixture, &g_array_index(copies, VaultCopyEntry, i));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    after = keep_fixture_deliver(fixture, "after", "a@example.org");
    later = keep_fixture_mailbox(fixture, "a@example.org");
    assert_false(VAULT_ID_EQUAL(later, id));
    assert_false(VAULT_ID_EQUAL(after.months[0], before.months[0]));
    assert_verifies(fixture);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
    later = keep_fixture_mailbox(fixture, "a@example.org");
    assert_false(VAULT_ID_EQUAL(later, id));
}

static void mail_without_an_owner_can_be_shredded_and_goes_on(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    MailboxId before, after;
    VaultRequestFile *request = erasure_request(fixture, VAULT_ACT_SHRED, "mailbox");
    VaultResolution resolution;
    VaultAllotment allotment;
    guint64 now_s = keep_fixture_now();
    guint32 flags;

    assert_true(vault_keep_find_mailbox(fixture->keep, "unassigned", &before, NULL));
    g_ptr_array_add(request->mailboxes, vault_request_mailbox_new(&before));
    assert_true(erasure_do(fixture, "erasure", request, NULL, NULL));
    assert_true(depository->resolve(depository, NULL, &after, &resolution, NULL));
    assert_true(VAULT_ID_EQUAL(after, before));
    assert_true(depository->allot(depository, &after, 1, &now_s, &allotment, &flags, NULL));
    vault_allotment_wipe(&allotment);
}

static void months_of_a_mailbox_can_be_shredded(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    static const char *const a[] = {"a@example.org", NULL};
    VaultRequestFile *request;
    g_autoptr(GError) error = NULL;
    KeepDelivery long_ago;
    MailboxId id;

    keep_fixture_deliver(fixture, "now", "a@example.org");
    assert_true(keep_fixture_deliver_at(fixture->keep, "long ago", a, vault_month_start(202501) + 5,
                                        NULL, &long_ago, NULL));
    id = keep_fixture_mailbox(fixture, "a@example.org");
    request = erasure_request(fixture, VAULT_ACT_SHRED, "months");
    request->from_s = vault_month_start(202501) + 1;
    request->to_s = vault_month_start(202502);
    erasure_add_mailbox(fixture, request, "a@example.org");
    assert_false(erasure_do(fixture, "erasure", request, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED)); /* no whole month */

    request = erasure_request(fixture, VAULT_ACT_SHRED, "months");
    request->from_s = vault_month_start(202501);
    request->to_s = vault_month_start(202502);
    erasure_add_mailbox(fixture, request, "a@example.org");
    assert_true(erasure_do(fixture, "erasure", request, NULL, NULL));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    keep_fixture_deliver(fixture, "more", "a@example.org");
    assert_true(VAULT_ID_EQUAL(id, keep_fixture_mailbox(fixture, "a@example.org")));
}

/* ---- mail on its way ------------------------------------------------------------------------ */

/* What was given a leaf before, and would be committed after, is refused and not lost. */
static void mail_that_was_on_its_way_is_sent_again(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) allot_error = NULL;
    VaultRecord *copy = g_new0(VaultRecord, 1);
    VaultAllotment allotment;
    guint64 now_s = keep_fixture_now();
    MailboxId id;
    guint32 flags;

    keep_fixture_deliver(fixture, "first", "a@example.org");
    id = keep_fixture_mailbox(fixture, "a@example.org");
    assert_true(depository->allot(depository, &id, 1, &now_s, &allotment, &flags, NULL));
    copy->kind = VAULT_RECORD_COPY;
    copy->locator.month_key_id = allotment.month_key_id;
    copy->bytes = g_bytes_new("x", 1);
    g_ptr_array_add(records, copy);
    shred_mailbox(fixture, "a@example.org");
    assert_false(depository->commit(depository, records, &error));
    assert_true(has_code(error, VAULT_ERROR_BUSY));
    vault_allotment_wipe(&allotment);
    /* And who resolved it before gets no leaf of it any more. */
    assert_false(depository->allot(depository, &id, 1, &now_s, &allotment, &flags, &allot_error));
    assert_true(has_code(allot_error, VAULT_ERROR_BUSY));
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void assert_refused(KeepFixture *fixture, VaultRequestFile *request, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    guint before = keep_fixture_copy_count(fixture->keep);

    assert_false(erasure_do(fixture, "erasure", request, NULL, &error));
    assert_true(has_code(error, code));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), before);
    assert_int_equal(erasure_generation(fixture), 1);
}

static void a_request_that_is_not_good_destroys_nothing(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    const RecordId *id = &delivery.archive_id;
    static const RecordId none = {{9}};
    VaultRequestFile *request;

    request = erasure_of_message(fixture, id, "a@example.org", "everywhere");
    request->vault_id.bytes[0] ^= 1;
    assert_refused(fixture, request, VAULT_ERROR_REFUSED);
    request = erasure_of_message(fixture, id, "a@example.org", "everywhere");
    request->created_s -= 40 * KEEP_FIXTURE_DAY_S;
    request->expires_s -= 40 * KEEP_FIXTURE_DAY_S;
    assert_refused(fixture, request, VAULT_ERROR_REFUSED);
    request = erasure_of_message(fixture, id, "a@example.org", "all that there is");
    assert_refused(fixture, request, VAULT_ERROR_MALFORMED);
    request = erasure_of_message(fixture, &none, "a@example.org", "everywhere");
    assert_refused(fixture, request, VAULT_ERROR_NOT_FOUND);
    request = erasure_request(fixture, VAULT_ACT_ERASE, "everywhere");
    erasure_add_mailbox(fixture, request, "a@example.org");
    assert_refused(fixture, request, VAULT_ERROR_REFUSED); /* no message */
    request = erasure_request(fixture, VAULT_ACT_ASSIGN, "everywhere");
    erasure_add_mailbox(fixture, request, "a@example.org");
    assert_refused(fixture, request, VAULT_ERROR_REFUSED); /* another act */
    assert_int_equal(erasure_count(fixture), 0);
}

static void while_the_clock_is_unsure_nothing_is_destroyed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");

    keep_fixture_set_now(KEEP_FIXTURE_NOW_S - 3600);
    assert_refused(fixture,
                   erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere"),
                   VAULT_ERROR_REFUSED);
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
}

static void a_request_is_done_once(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = keep_fixture_deliver(fixture, "first", "a@example.org");
    g_autoptr(VaultRequestFile) request =
        erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere");
    g_autofree char *text = vault_request_file_format(request, NULL);
    g_autoptr(GError) error = NULL;

    assert_true(vault_keep_operate(fixture->keep, "erasure", text, strlen(text), NULL, NULL));
    assert_false(vault_keep_operate(fixture->keep, "erasure", text, strlen(text), NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
}

static void a_preview_says_what_would_go_and_destroys_nothing(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = deliver_to_two(fixture, "for both");
    g_autofree char *answer = NULL;

    assert_true(
        erasure_do(fixture, "erasure-preview",
                   erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere"),
                   &answer, NULL));
    assert_string_equal(answer, "messages: 1\nmailboxes: 2\ncopies: 2\nmonths: 0\nheld: 0\n"
                                "obstacles: 0\n");
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
    assert_int_equal(erasure_count(fixture), 0);
}

/* ---- holds ---------------------------------------------------------------------------------- */

static void hold(KeepFixture *fixture, const char *address)
{
    g_autoptr(VaultHoldValue) value = vault_hold_value_new();
    g_autoptr(GByteArray) bytes = NULL;

    value->created_s = keep_fixture_now();
    value->case_id = g_strdup("case");
    value->reason = g_strdup("a law suit");
    g_ptr_array_add(value->addresses, g_strdup(address));
    bytes = vault_hold_value_format(value);
    assert_true(vault_keyring_put(fixture->keep->keyring, VAULT_KEYRING_HOLDS,
                                  (const RowId *)&value->hold_id, bytes, NULL));
}

static void what_is_held_is_not_destroyed(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery delivery = deliver_to_two(fixture, "for both");
    g_autofree char *answer = NULL;

    hold(fixture, "b@example.org");
    assert_refused(fixture,
                   erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere"),
                   VAULT_ERROR_REFUSED);
    assert_refused(fixture, erasure_of_mailbox(fixture, "b@example.org"), VAULT_ERROR_REFUSED);
    assert_int_equal(erasure_count(fixture), 0);
    /* All or nothing, unless what is held is to be passed over. */
    assert_true(erasure_do(
        fixture, "erasure",
        erasure_of_message(fixture, &delivery.archive_id, "a@example.org", "everywhere skip-held"),
        &answer, NULL));
    assert_non_null(strstr(answer, "\ndestroyed-copies: 1\n"));
    assert_non_null(strstr(answer, "\npassed-over: 1\n"));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
}

/* ---- rebuild -----------------------------------------------------------------------------------
 */

/* A catalog made anew says the same. */
static void what_was_erased_does_not_come_back_with_a_rebuild(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "first", "a@example.org");
    VaultRebuildResult result;

    keep_fixture_deliver(fixture, "second", "a@example.org");
    deliver_to_two(fixture, "for both");
    erase_message(fixture, &first.archive_id, "a@example.org");
    shred_mailbox(fixture, "b@example.org");
    keep_fixture_close(fixture);
    assert_true(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &result, NULL));
    assert_int_equal(result.dead_count, 4); /* two copies, two terms copies */
    keep_fixture_open(fixture);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 2);
    assert_verifies(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erased_message_is_gone_and_the_others_are_there),
        cmocka_unit_test(mail_goes_on_in_a_month_that_was_punctured),
        cmocka_unit_test(of_two_owners_one_can_be_erased),
        cmocka_unit_test(an_erasure_takes_every_owner_and_every_repeat),
        cmocka_unit_test(a_shredded_mailbox_never_opens_again),
        cmocka_unit_test(mail_without_an_owner_can_be_shredded_and_goes_on),
        cmocka_unit_test(months_of_a_mailbox_can_be_shredded),
        cmocka_unit_test(mail_that_was_on_its_way_is_sent_again),
        cmocka_unit_test(a_request_that_is_not_good_destroys_nothing),
        cmocka_unit_test(while_the_clock_is_unsure_nothing_is_destroyed),
        cmocka_unit_test(a_request_is_done_once),
        cmocka_unit_test(a_preview_says_what_would_go_and_destroys_nothing),
        cmocka_unit_test(what_is_held_is_not_destroyed),
        cmocka_unit_test(what_was_erased_does_not_come_back_with_a_rebuild),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
