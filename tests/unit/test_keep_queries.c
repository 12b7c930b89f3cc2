/* What the keeper says of what it holds: copies, parts, records, releases, status. */
#include "tests/support/keep_damage.h"
#include "vault/keep/release.h"

#include <string.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define CARL "carl@example.org"
#define HOUR 3600
#define LARGE_LEN (VAULT_BODY_WHOLE_MAX + 4096)
#define COUNT 6

static gboolean add_entry(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    g_array_append_vals(user, entry, 1);
    return TRUE;
}

static GArray *copies(VaultKeep *keep, VaultCopyFilter filter)
{
    GArray *entries = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    g_autoptr(GError) error = NULL;

    if (!vault_keep_copies(keep, &filter, add_entry, entries, &error))
        fail_msg("%s", error->message);
    return entries;
}

static guint count(KeepFixture *fixture, VaultCopyFilter filter)
{
    g_autoptr(GArray) entries = copies(fixture->keep, filter);

    return entries->len;
}

/* COUNT messages, an hour apart, every second to both; deliveries[i] came at NOW + i hours. */
static KeepFixture *vault_with_mail(KeepDelivery deliveries[COUNT])
{
    static const char *const both[] = {ANNA, BERT, NULL};
    static const char *const anna[] = {ANNA, NULL};
    KeepFixture *fixture = keep_fixture_new();

    for (guint i = 0; i < COUNT; i++) {
        g_autofree char *text = g_strdup_printf("message %u", i);

        keep_fixture_set_now(KEEP_FIXTURE_NOW_S + i * HOUR);
        assert_true(keep_fixture_deliver_at(fixture->keep, text, i % 2 == 0 ? both : anna,
                                            keep_fixture_now(), NULL, &deliveries[i], NULL));
    }
    return fixture;
}

/* ---- copies --------------------------------------------------------------------------------- */

static void filters_narrow_alone_and_together(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    MonthKeyId anna = deliveries[0].months[0], bert = deliveries[0].months[1], none = {{1}};
    MonthKeyId both[] = {anna, bert};
    RecordId messages[] = {deliveries[0].archive_id, deliveries[1].archive_id}, nothing = {{1}};
    guint64 start = KEEP_FIXTURE_NOW_S;

#define COPIES(...) count(fixture, (VaultCopyFilter){__VA_ARGS__})
    assert_int_equal(COPIES(.from_s = 0), COUNT + COUNT / 2);
    assert_int_equal(COPIES(.months = &anna, .month_count = 1), COUNT);
    assert_int_equal(COPIES(.months = &bert, .month_count = 1), COUNT / 2);
    assert_int_equal(COPIES(.months = both, .month_count = 2), COUNT + COUNT / 2);
    assert_int_equal(COPIES(.months = &none, .month_count = 1), 0);
    assert_int_equal(COPIES(.messages = messages, .message_count = 2), 3);
    assert_int_equal(COPIES(.messages = &nothing, .message_count = 1), 0);
    assert_int_equal(
        COPIES(.messages = messages, .message_count = 2, .months = &bert, .month_count = 1), 1);
    assert_int_equal(COPIES(.from_s = start + HOUR), COUNT + COUNT / 2 - 2);
    assert_int_equal(COPIES(.from_s = start + HOUR + 1), COUNT + COUNT / 2 - 3);
    assert_int_equal(COPIES(.to_s = start + HOUR), 2);
    assert_int_equal(COPIES(.to_s = start + HOUR + 1), 3);
    assert_int_equal(COPIES(.from_s = start + HOUR, .to_s = start + HOUR), 0);
    assert_int_equal(
        COPIES(.from_s = start + HOUR, .to_s = start + 3 * HOUR, .months = &anna, .month_count = 1),
        2);
    assert_int_equal(COPIES(.from_s = start + HOUR, .messages = messages, .message_count = 2), 1);
#undef COPIES
}

static void copies_come_in_order_of_time_then_id_and_say_what_was_delivered(void **state)
{
    static const char *const anna[] = {ANNA, NULL};
    KeepDelivery deliveries[COUNT], old;
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    g_autoptr(GArray) entries = NULL;
    const VaultCopyEntry *first;

    assert_true(keep_fixture_deliver_at(fixture->keep, "old", anna, 1400000000, NULL, &old, NULL));
    entries = copies(fixture->keep, (VaultCopyFilter){.months = NULL});
    assert_int_equal(entries->len, COUNT + COUNT / 2 + 1);
    for (guint i = 1; i < entries->len; i++) {
        const VaultCopyEntry *before = &g_array_index(entries, VaultCopyEntry, i - 1);
        const VaultCopyEntry *after = &g_array_index(entries, VaultCopyEntry, i);

        assert_true(before->received_s < after->received_s ||
                    (before->received_s == after->received_s &&
                     memcmp(&before->record_id, &after->record_id, VAULT_ID_LEN) < 0));
    }
    first = &g_array_index(entries, VaultCopyEntry, 0);
    assert_true(VAULT_ID_EQUAL(first->body_id, old.archive_id));
    assert_true(VAULT_ID_EQUAL(first->month_key_id, old.months[0]));
    assert_int_equal(first->leaf, old.leaves[0]);
    assert_int_equal(first->received_s, 1400000000);
    assert_true(first->copy_len > 256 && first->body_len > 1024);
    {
        MailboxId mailbox;

        assert_true(vault_keep_find_mailbox(fixture->keep, ANNA, &mailbox, NULL));
        assert_true(VAULT_ID_EQUAL(first->mailbox_id, mailbox));
    }
}

typedef struct {
    guint seen, stop_after;
    gboolean fails;
} Stopping;

static gboolean stop(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    Stopping *stopping = user;

    if (++stopping->seen < stopping->stop_after)
        return TRUE;
    if (stopping->fails)
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "as the test wants it");
    return FALSE;
}

static void visitor_stops_the_walk_with_and_without_an_error(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    VaultCopyFilter filter = {.months = NULL};
    Stopping stopping = {.stop_after = 2};
    g_autoptr(GError) error = NULL;

    assert_true(vault_keep_copies(fixture->keep, &filter, stop, &stopping, NULL));
    assert_int_equal(stopping.seen, 2);
    stopping = (Stopping){.stop_after = 3, .fails = TRUE};
    assert_false(vault_keep_copies(fixture->keep, &filter, stop, &stopping, &error));
    assert_int_equal(stopping.seen, 3);
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_IO));
}

static void copies_of_months_that_the_keyring_does_not_have_are_not_shown(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);

    keep_damage_forget_month(fixture, &deliveries[0].months[0]);
    assert_int_equal(count(fixture, (VaultCopyFilter){.months = NULL}), COUNT / 2);
    keep_damage_drop_month(fixture, &deliveries[0].months[1]);
    assert_int_equal(count(fixture, (VaultCopyFilter){.months = NULL}), 0);
}

/* ---- one message, one record ---------------------------------------------------------------- */

static void message_is_shown_with_its_parts_and_owners(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    KeepDelivery large = keep_fixture_deliver_large(fixture, LARGE_LEN, CARL);
    g_autoptr(GArray) parts = vault_keep_message(fixture->keep, &deliveries[0].archive_id, NULL);
    g_autoptr(GArray) large_parts = vault_keep_message(fixture->keep, &large.archive_id, NULL);
    g_autoptr(GError) error = NULL;
    RecordId nothing = {{1}};
    MailboxId carl;

    assert_int_equal(parts->len, 6);
    assert_int_equal(g_array_index(parts, VaultMessagePart, 0).kind, VAULT_RECORD_BODY);
    assert_int_equal(g_array_index(parts, VaultMessagePart, 0).locator.archived_s,
                     KEEP_FIXTURE_NOW_S);
    for (guint i = 1; i < 3; i++) {
        const VaultMessagePart *part = &g_array_index(parts, VaultMessagePart, i);

        assert_int_equal(part->kind, VAULT_RECORD_COPY);
        assert_true(VAULT_ID_EQUAL(part->locator.body_id, deliveries[0].archive_id));
        assert_false(vault_id_is_zero(part->mailbox_id.bytes));
    }
    assert_int_equal(g_array_index(parts, VaultMessagePart, 3).kind, VAULT_RECORD_TERMS_BODY);
    for (guint i = 4; i < 6; i++) {
        const VaultMessagePart *part = &g_array_index(parts, VaultMessagePart, i);

        assert_int_equal(part->kind, VAULT_RECORD_TERMS_COPY);
        assert_true(VAULT_ID_EQUAL(part->locator.body_id, deliveries[0].archive_id));
        assert_false(vault_id_is_zero(part->mailbox_id.bytes));
    }
    assert_int_equal(large_parts->len, 3);
    assert_true(vault_keep_find_mailbox(fixture->keep, CARL, &carl, NULL));
    assert_true(VAULT_ID_EQUAL(g_array_index(large_parts, VaultMessagePart, 1).mailbox_id, carl));
    assert_null(vault_keep_message(fixture->keep, &nothing, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

static void records_are_fetched_whole_or_refused(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    const RecordId *id = &deliveries[1].archive_id;
    g_autoptr(GBytes) bytes = vault_keep_record(fixture->keep, id, G_MAXSIZE, NULL);
    g_autoptr(GError) error = NULL;
    RecordId nothing = {{1}};
    guint8 part[32];
    VaultPlace place;

    assert_non_null(bytes);
    assert_true(vault_keep_record_place(fixture->keep, id, &place, NULL));
    assert_int_equal(place.len, g_bytes_get_size(bytes));
    assert_true(vault_keep_record_read(fixture->keep, id, 8, sizeof part, part, NULL));
    assert_memory_equal(part, (const guint8 *)g_bytes_get_data(bytes, NULL) + 8, sizeof part);
    assert_null(vault_keep_record(fixture->keep, id, place.len - 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
    g_clear_error(&error);
    assert_null(vault_keep_record(fixture->keep, &nothing, G_MAXSIZE, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
    g_clear_error(&error);
    /* A catalog that gives one record's place for another's is found out. */
    keep_damage_sql(fixture, "catalog.sqlite",
                    "UPDATE bodies SET offset = (SELECT max(offset) FROM bodies), len = (SELECT "
                    "len FROM bodies ORDER BY offset DESC LIMIT 1)");
    assert_null(vault_keep_record(fixture->keep, id, G_MAXSIZE, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
}

/* ---- releases ------------------------------------------------------------------------------- */

static VaultErrorCode release_error(KeepFixture *fixture, const VaultCopyEntry *entries,
                                    gsize entry_count)
{
    VaultRelease releases[8];
    static const VaultRelease zeros[8];
    g_autoptr(GError) error = NULL;

    assert_false(vault_keep_release(fixture->keep, entries, entry_count, releases, &error));
    assert_non_null(error);
    assert_memory_equal(releases, zeros, entry_count * sizeof *releases);
    return (VaultErrorCode)error->code;
}

static void slots_are_released_for_copies_that_are_there_and_for_their_own_leaf(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    g_autoptr(GArray) all = copies(fixture->keep, (VaultCopyFilter){.months = NULL});
    VaultCopyEntry *entries = (VaultCopyEntry *)(gpointer)all->data;
    VaultRelease releases[COUNT + COUNT / 2];
    VaultCopyEntry other;

    assert_true(vault_keep_release(fixture->keep, entries, all->len, releases, NULL));
    for (guint i = 0; i < all->len; i++) {
        assert_true(VAULT_ID_EQUAL(releases[i].record_id, entries[i].record_id));
        assert_int_equal(releases[i].leaf, entries[i].leaf);
        for (guint j = 0; j < i; j++)
            assert_memory_not_equal(&releases[i].slot, &releases[j].slot, sizeof(ContentSlot));
    }
    vault_wipe(releases, sizeof releases);
    other = entries[1];
    other.leaf++;
    assert_int_equal(release_error(fixture, &other, 1), VAULT_ERROR_NOT_FOUND);
    other = entries[1];
    other.month_key_id = entries[0].month_key_id;
    if (VAULT_ID_EQUAL(entries[0].month_key_id, entries[1].month_key_id))
        other.month_key_id = entries[2].month_key_id;
    other.record_id.bytes[0] ^= 1;
    assert_int_equal(release_error(fixture, &other, 1), VAULT_ERROR_NOT_FOUND);
    other = entries[1];
    other.month_key_id.bytes[0] ^= 1;
    assert_int_equal(release_error(fixture, &other, 1), VAULT_ERROR_NOT_FOUND);
}

static void punctured_and_tombstoned_copies_are_not_released(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    MonthKeyId anna = deliveries[0].months[0], bert = deliveries[0].months[1];
    g_autoptr(GArray) annas =
        copies(fixture->keep, (VaultCopyFilter){.months = &anna, .month_count = 1});
    g_autoptr(GArray) berts =
        copies(fixture->keep, (VaultCopyFilter){.months = &bert, .month_count = 1});
    VaultCopyEntry *entries = (VaultCopyEntry *)(gpointer)annas->data;
    VaultRelease release;

    keep_damage_puncture(fixture, &anna, entries[1].leaf);
    /* One that is gone spoils the whole call: nothing of it is given. */
    assert_int_equal(release_error(fixture, entries, 3), VAULT_ERROR_ERASED);
    assert_int_equal(release_error(fixture, &entries[1], 1), VAULT_ERROR_ERASED);
    assert_true(vault_keep_release(fixture->keep, &entries[0], 1, &release, NULL));
    assert_true(vault_keep_release(fixture->keep, &entries[2], 1, &release, NULL));
    keep_damage_drop_month(fixture, &bert);
    assert_int_equal(release_error(fixture, (VaultCopyEntry *)(gpointer)berts->data, 1),
                     VAULT_ERROR_ERASED);
    vault_release_wipe(&release);
}

/* ---- status, readers ------------------------------------------------------------------------ */

static void status_counts_what_is_there(void **state)
{
    KeepDelivery deliveries[COUNT];
    g_autoptr(KeepFixture) fixture = vault_with_mail(deliveries);
    VaultKeepStatus status;

    keep_fixture_deliver_large(fixture, LARGE_LEN, ANNA);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    assert_int_equal(status.message_count, COUNT + 1);
    assert_int_equal(status.copy_count, COUNT + COUNT / 2 + 1);
    assert_int_equal(status.mailbox_count, 3);
    assert_int_equal(status.month_count, 3);
    assert_int_equal(status.pack_count, 2);
    assert_true(status.stored_bytes > LARGE_LEN / 2);
    assert_int_equal(status.vault_key_generation, 1);
    assert_int_equal(status.uncatalogued_count, 0);
    assert_int_equal(status.last_archived_s, keep_fixture_now());
    assert_false(status.pair_exists);
}

typedef struct {
    KeepFixture *fixture;
    gint is_over, delivered;
} Beside;

static gpointer deliver_on(gpointer user)
{
    Beside *beside = user;

    for (guint i = 0; !g_atomic_int_get(&beside->is_over); i++) {
        g_autofree char *text = g_strdup_printf("%u %u", i, g_random_int());

        keep_fixture_set_now(keep_fixture_now() + 1);
        keep_fixture_deliver(beside->fixture, text, i % 2 == 0 ? ANNA : BERT);
        g_atomic_int_inc(&beside->delivered);
    }
    return NULL;
}

static void reader_beside_a_writer_sees_whole_messages_and_ever_more(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(VaultKeep) reader = keep_fixture_reader(fixture);
    Beside beside = {.fixture = fixture};
    GThread *thread = g_thread_new("deliver", deliver_on, &beside);
    guint before = 0, rounds = 0;

    while (g_atomic_int_get(&beside.delivered) < 150 || rounds < 5) {
        g_autoptr(GArray) entries = copies(reader, (VaultCopyFilter){.months = NULL});
        VaultRelease release;

        assert_true(entries->len >= before);
        before = entries->len;
        rounds++;
        for (guint i = 0; i < entries->len; i++) {
            const VaultCopyEntry *entry = &g_array_index(entries, VaultCopyEntry, i);

            assert_true(entry->body_len > 0);
            if (i + 3 < entries->len)
                continue;
            g_autoptr(GBytes) copy = vault_keep_record(reader, &entry->record_id, G_MAXSIZE, NULL);
            g_autoptr(GBytes) body = vault_keep_record(reader, &entry->body_id, G_MAXSIZE, NULL);

            assert_non_null(copy);
            assert_non_null(body);
            assert_true(vault_keep_release(reader, entry, 1, &release, NULL));
        }
        vault_keep_flush_catalog(fixture->keep, NULL);
    }
    g_atomic_int_set(&beside.is_over, TRUE);
    g_thread_join(thread);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    assert_int_equal(keep_fixture_copy_count(reader), g_atomic_int_get(&beside.delivered));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_narrow_alone_and_together),
        cmocka_unit_test(copies_come_in_order_of_time_then_id_and_say_what_was_delivered),
        cmocka_unit_test(visitor_stops_the_walk_with_and_without_an_error),
        cmocka_unit_test(copies_of_months_that_the_keyring_does_not_have_are_not_shown),
        cmocka_unit_test(message_is_shown_with_its_parts_and_owners),
        cmocka_unit_test(records_are_fetched_whole_or_refused),
        cmocka_unit_test(slots_are_released_for_copies_that_are_there_and_for_their_own_leaf),
        cmocka_unit_test(punctured_and_tombstoned_copies_are_not_released),
        cmocka_unit_test(status_counts_what_is_there),
        cmocka_unit_test(reader_beside_a_writer_sees_whole_messages_and_ever_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
