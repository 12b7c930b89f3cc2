/* Searching takes two parties and leaves a trace: what gets the words of messages and what does
 * not, and that the log knows all whose words were released. */
#include "tests/unit/search_world.h"

#include "tests/unit/erasure_world.h"

#include "vault/log/log_verify.h"

static VaultReader *reader_of(const char *grant, const VaultIdentity *identity)
{
    return release_world_reader(grant, identity, keep_fixture_now());
}

/* ---- neither party alone ----------------------------------------------------------------------
 */

static void grant_and_release_together_open_words_and_neither_alone(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autofree char *berts = search_world_search_grant(world, &world->bert);
    g_autoptr(VaultReader) reader = reader_of(grant, &world->anna);
    g_autoptr(VaultOpenedRelease) release =
        search_world_release(world, grant, &world->anna, &delivery.entries[0].terms_id, 1);
    const VaultReleasedTerms *row = search_world_row(release, 0);
    g_autofree char *words = search_world_words(world, reader, &delivery.entries[0], row, NULL);
    g_autoptr(GBytes) sealed =
        search_world_ask(world, berts, &delivery.entries[0].terms_id, 1, NULL);
    g_auto(VaultReleasedTerms) without = *row;
    g_autoptr(GError) error = NULL;

    assert_int_equal(row->state, VAULT_RELEASE_GIVEN);
    assert_string_equal(words, "these are words");
    /* The grant, and all that is known of the place, without the slot. */
    index_slot_wipe(&without.slot);
    assert_null(search_world_words(world, reader, &delivery.entries[0], &without, &error));
    assert_true(has_code(error, VAULT_ERROR_NO_KEY));
    g_clear_error(&error);
    /* The release without the identity that it was sealed to. */
    assert_null(search_world_open(world, berts, &world->anna, sealed, &error));
    assert_true(has_code(error, VAULT_ERROR_NO_KEY));
}

static void release_without_the_granted_key_opens_nothing(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autoptr(VaultOpenedRelease) release =
        search_world_release(world, grant, &world->anna, &delivery.entries[0].terms_id, 1);
    VaultGrantedKey wrong = {.month_key_id = delivery.entries[0].month_key_id,
                             .mailbox_id = delivery.entries[0].mailbox_id,
                             .has_index = TRUE,
                             .index = {{1}}};
    VaultReaderScope scope = {.vault_id = vault_keep_id(world->fixture->keep),
                              .keys = &wrong,
                              .key_count = 1,
                              .to_s = G_MAXUINT64};
    g_autoptr(VaultReader) reader = vault_reader_new(&scope, NULL);
    g_autoptr(GError) error = NULL;

    assert_null(search_world_words(world, reader, &delivery.entries[0],
                                   search_world_row(release, 0), &error));
    assert_true(has_code(error, VAULT_ERROR_NO_KEY));
}

static void grant_for_searching_gets_words_and_never_a_message(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    VaultCopyEntry copy = release_world_copy(world, &delivery.archive_id);
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autoptr(VaultReader) reader = reader_of(grant, &world->anna);
    g_autoptr(VaultOpenedRelease) release =
        search_world_release(world, grant, &world->anna, &delivery.entries[0].terms_id, 1);
    VaultOpenEntry open = sources_open_entry(&copy);
    VaultRecordSource records = sources_local_records(world->fixture->keep);
    ContentSlot slot;
    g_autoptr(GError) error = NULL;

    /* The vault gives no content slot by it. */
    assert_int_equal(release_world_refusal(world, grant, &copy.record_id), VAULT_ERROR_REFUSED);
    /* And the library opens no copy with it, whatever stands in for the slot. */
    memcpy(slot.bytes, search_world_row(release, 0)->slot.bytes, sizeof slot.bytes);
    assert_null(vault_reader_open_copy(reader, &open, &slot, &records, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
}

/* Whoever lists them may say what he likes of whose words they are: in a terms copy, and in a terms
 * body, which several owners share. */
static void words_open_only_for_their_own_message(void **state)
{
    static const char *const owners[][3] = {{"a@example.org", NULL},
                                            {"a@example.org", "b@example.org", NULL}};
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery other = search_world_deliver(world, "other words", "a@example.org");

    for (guint i = 0; i < G_N_ELEMENTS(owners); i++) {
        TermsDelivery delivery =
            search_world_deliver_to(world->fixture->keep, "these are words", owners[i]);
        VaultOpenTermsEntry *entry = &delivery.entries[0];
        g_autofree char *grant = search_world_search_grant(world, &world->anna);
        g_autoptr(VaultReader) reader = reader_of(grant, &world->anna);
        g_autoptr(VaultOpenedRelease) release =
            search_world_release(world, grant, &world->anna, &entry->terms_id, 1);
        const VaultReleasedTerms *row = search_world_row(release, 0);
        g_autofree char *words = search_world_words(world, reader, entry, row, NULL);
        g_autoptr(GError) error = NULL;

        assert_string_equal(words, "these are words");
        entry->body_id = other.archive_id;
        assert_null(search_world_words(world, reader, entry, row, &error));
        assert_true(has_code(error, VAULT_ERROR_CORRUPT));
    }
}

/* A copy's id is no terms copy's, nor the other way round: neither gives the other's slot. */
static void a_release_of_one_plane_gives_nothing_of_the_other(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    VaultCopyEntry copy = release_world_copy(world, &delivery.archive_id);
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(VaultOpenedRelease) terms =
        search_world_release(world, grant, &world->anna, &copy.record_id, 1);
    g_autoptr(GBytes) sealed =
        release_world_ask(world, grant, &delivery.entries[0].terms_id, 1, NULL);
    g_autoptr(VaultOpenedRelease) slots =
        release_world_open(world, grant, &world->anna, sealed, NULL);
    static const guint8 zeros[VAULT_KEY_LEN];

    assert_int_equal(search_world_row(terms, 0)->state, VAULT_RELEASE_NOT_FOUND);
    assert_memory_equal(search_world_row(terms, 0)->slot.bytes, zeros, sizeof zeros);
    assert_int_equal(g_array_index(slots->slots, VaultReleasedSlot, 0).state,
                     VAULT_RELEASE_NOT_FOUND);
    assert_memory_equal(g_array_index(slots->slots, VaultReleasedSlot, 0).slot.bytes, zeros,
                        sizeof zeros);
}

/* ---- scope ------------------------------------------------------------------------------------
 */

typedef void (*Narrow)(VaultRequestFile *request, const TermsDelivery *delivery);

static void end_at_the_second(VaultRequestFile *request, const TermsDelivery *delivery)
{
    request->to_s = delivery->entries[0].received_s;
}

static void end_behind_the_second(VaultRequestFile *request, const TermsDelivery *delivery)
{
    request->to_s = delivery->entries[0].received_s + 1;
}

static void begin_behind_the_second(VaultRequestFile *request, const TermsDelivery *delivery)
{
    request->from_s = delivery->entries[0].received_s + 1;
}

static void name_the_message(VaultRequestFile *request, const TermsDelivery *delivery)
{
    g_array_append_val(request->messages, delivery->archive_id);
}

static void name_another_message(VaultRequestFile *request, const TermsDelivery *delivery)
{
    RecordId next = delivery->archive_id;

    next.bytes[VAULT_ID_LEN - 1] ^= 1;
    g_array_append_val(request->messages, next);
}

static gboolean is_given(ReleaseWorld *world, const TermsDelivery *delivery, Narrow narrow)
{
    VaultRequestFile *request = release_world_request(world, &world->anna);
    g_autofree char *grant = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(GError) error = NULL;

    request->act = VAULT_ACT_SEARCH;
    narrow(request, delivery);
    grant = release_world_grant_of(world, request);
    sealed = search_world_ask(world, grant, &delivery->entries[0].terms_id, 1, &error);
    assert_true(sealed != NULL || has_code(error, VAULT_ERROR_REFUSED));
    return sealed != NULL;
}

static void second_and_id_are_looked_at_exactly(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");

    assert_true(is_given(world, &delivery, end_behind_the_second));
    assert_false(is_given(world, &delivery, end_at_the_second));
    assert_false(is_given(world, &delivery, begin_behind_the_second));
    assert_true(is_given(world, &delivery, name_the_message));
    assert_false(is_given(world, &delivery, name_another_message));
}

static void expired_and_revoked_grants_get_no_words(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    const RecordId *id = &delivery.entries[0].terms_id;
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autofree char *berts = search_world_search_grant(world, &world->bert);

    assert_true(vault_keep_revoke_grant(world->fixture->keep, berts, strlen(berts), NULL));
    assert_int_equal(search_world_refusal(world, berts, id), VAULT_ERROR_REFUSED);
    keep_fixture_set_now(keep_fixture_now() + KEEP_FIXTURE_DAY_S);
    assert_int_equal(search_world_refusal(world, grant, id), VAULT_ERROR_REFUSED);
    assert_int_equal(search_world_refusal(world, "no grant\n", id), VAULT_ERROR_MALFORMED);
}

static void more_than_may_be_asked_for_at_once_is_too_large(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autofree RecordId *ids = g_new0(RecordId, VAULT_RELEASE_COUNT_MAX + 1);
    g_autoptr(GError) error = NULL;

    ids[0] = delivery.entries[0].terms_id;
    assert_null(search_world_ask(world, grant, ids, VAULT_RELEASE_COUNT_MAX + 1, &error));
    assert_true(has_code(error, VAULT_ERROR_TOO_LARGE));
}

/* ---- what is gone -----------------------------------------------------------------------------
 */

static void words_of_an_erased_message_open_for_nobody(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery gone = search_world_deliver(world, "to be forgotten", "a@example.org");
    TermsDelivery kept = search_world_deliver(world, "to be kept", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    RecordId ids[] = {gone.entries[0].terms_id, kept.entries[0].terms_id};
    g_autoptr(VaultReader) reader = reader_of(grant, &world->anna);
    g_autoptr(VaultOpenedRelease) release = NULL;
    g_autofree char *words = NULL;

    erase_message(world->fixture, &gone.archive_id, "a@example.org");
    release = search_world_release(world, grant, &world->anna, ids, 2);
    assert_int_not_equal(search_world_row(release, 0)->state, VAULT_RELEASE_GIVEN);
    assert_int_equal(search_world_row(release, 1)->state, VAULT_RELEASE_GIVEN);
    assert_null(
        search_world_words(world, reader, &gone.entries[0], search_world_row(release, 0), NULL));
    words = search_world_words(world, reader, &kept.entries[0], search_world_row(release, 1), NULL);
    assert_string_equal(words, "to be kept");
}

static void damaged_terms_copy_keeps_no_other_from_being_given(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery damaged = search_world_deliver(world, "damaged", "a@example.org");
    TermsDelivery good = search_world_deliver(world, "unharmed", "a@example.org");
    RecordId ids[] = {damaged.entries[0].terms_id, good.entries[0].terms_id};
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autoptr(VaultReader) reader = reader_of(grant, &world->anna);
    g_autoptr(VaultOpenedRelease) release = NULL;
    g_autofree char *words = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) packs = keep_fixture_packs(world->fixture, ".pack");
    VaultPlace place;

    assert_int_equal(packs->len, 1);
    assert_true(vault_keep_record_place(world->fixture->keep, &ids[0], &place, NULL));
    keep_damage_flip(g_ptr_array_index(packs, 0), place.offset + 70);
    release = search_world_release(world, grant, &world->anna, ids, 2);
    words = search_world_words(world, reader, &good.entries[0], search_world_row(release, 1), NULL);
    assert_string_equal(words, "unharmed");
    assert_null(search_world_words(world, reader, &damaged.entries[0], search_world_row(release, 0),
                                   &error));
    assert_true(has_code(error, VAULT_ERROR_CORRUPT));
}

/* ---- the log ----------------------------------------------------------------------------------
 */

#define MESSAGES_COUNT 20

/* "terms: X of Y" lines of all searches, and that root and number are over just those ids. */
static void take_logged(ReleaseWorld *world, const VaultEntry *entry, GHashTable *logged)
{
    g_autofree char *text = release_world_payload(world, entry);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(RecordId));
    VaultHash root;
    gsize count;

    for (char **line = lines; *line != NULL; line++) {
        RecordId id, *kept;

        if (!g_str_has_prefix(*line, "terms: "))
            continue;
        (*line)[strlen("terms: ") + VAULT_ID_HEX_LEN] = '\0';
        assert_true(vault_id_parse(*line + strlen("terms: "), id.bytes, NULL));
        g_array_append_val(ids, id);
        kept = g_memdup2(&id, sizeof id);
        g_hash_table_add(logged, kept);
    }
    count = vault_entry_sort_ids((RecordId *)(gpointer)ids->data, ids->len);
    vault_entry_ids_root((RecordId *)(gpointer)ids->data, count, &root);
    assert_int_equal(entry->count, count);
    assert_memory_equal(entry->root.bytes, root.bytes, VAULT_HASH_LEN);
}

static void search_some(ReleaseWorld *world, const TermsDelivery *deliveries, const char *grant,
                        GHashTable *opened)
{
    g_autoptr(VaultReader) reader = reader_of(grant, &world->anna);
    guint from = g_random_int_range(0, MESSAGES_COUNT), count = 0;
    RecordId ids[MESSAGES_COUNT];
    g_autoptr(VaultOpenedRelease) release = NULL;

    for (guint i = from; i < MESSAGES_COUNT; i++)
        ids[count++] = deliveries[i].entries[0].terms_id;
    release = search_world_release(world, grant, &world->anna, ids, count);
    for (guint i = 0; i < count; i++) {
        g_autofree char *words = search_world_words(world, reader, &deliveries[from + i].entries[0],
                                                    search_world_row(release, i), NULL);

        assert_non_null(words);
        g_hash_table_add(opened, g_memdup2(&ids[i], sizeof ids[i]));
    }
}

static void log_names_just_those_whose_words_were_read(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autoptr(GHashTable) opened =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    g_autoptr(GHashTable) logged =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    TermsDelivery deliveries[MESSAGES_COUNT];
    g_autofree char *grant = NULL;
    g_autoptr(VaultLogReader) log = NULL;
    GHashTableIter iter;
    gpointer id;

    for (guint i = 0; i < MESSAGES_COUNT; i++)
        deliveries[i] =
            search_world_deliver(world, "words", i % 2 ? "a@example.org" : "b@example.org");
    grant = search_world_search_grant(world, &world->anna);
    for (guint i = 0; i < 4; i++) {
        search_some(world, deliveries, grant, opened);
        if (i == 2) {
            keep_fixture_crash(world->fixture);
            keep_fixture_open(world->fixture);
        }
    }
    log = release_world_log(world, VAULT_LOG_CONTROL);
    for (guint64 i = 0; i < vault_log_reader_checkpoint(log)->size; i++) {
        VaultEntry entry = release_world_entry(log, i);

        assert_true(entry.kind != VAULT_ENTRY_ACT || entry.act != VAULT_LOGGED_RELEASE);
        if (entry.kind == VAULT_ENTRY_ACT && entry.act == VAULT_LOGGED_SEARCH)
            take_logged(world, &entry, logged);
    }
    assert_int_equal(g_hash_table_size(opened), g_hash_table_size(logged));
    g_hash_table_iter_init(&iter, opened);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        assert_true(g_hash_table_contains(logged, id));
}

static void release_says_which_entry_logged_it(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autoptr(VaultOpenedRelease) release =
        search_world_release(world, grant, &world->anna, &delivery.entries[0].terms_id, 1);
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
    VaultEntry logged = release_world_entry(log, release->log_index);
    g_autofree char *text = release_world_payload(world, &logged);

    assert_int_equal(logged.act, VAULT_LOGGED_SEARCH);
    assert_int_equal(logged.count, 1);
    assert_non_null(strstr(text, "act: search\n"));
    assert_non_null(strstr(text, "reader: Anna\n"));
    assert_non_null(strstr(text, "words-of: 1\n"));
}

/* What an erasure says of who had read the words of what it erased. */
static void certificate_names_searches_that_covered_what_was_erased(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "these are words", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autoptr(VaultOpenedRelease) release =
        search_world_release(world, grant, &world->anna, &delivery.entries[0].terms_id, 1);
    g_autoptr(GPtrArray) erasures = NULL;
    g_autofree char *statement = NULL;

    shred_mailbox(world->fixture, "a@example.org");
    erasures = vault_keep_erasures(world->fixture->keep, NULL);
    statement =
        vault_keep_erasure_statement(world->fixture->keep, g_ptr_array_index(erasures, 0), NULL);
    assert_non_null(strstr(statement, "searched-before: 1 messages, grant "));
    assert_null(strstr(statement, "read-before:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_and_release_together_open_words_and_neither_alone),
        cmocka_unit_test(release_without_the_granted_key_opens_nothing),
        cmocka_unit_test(grant_for_searching_gets_words_and_never_a_message),
        cmocka_unit_test(words_open_only_for_their_own_message),
        cmocka_unit_test(a_release_of_one_plane_gives_nothing_of_the_other),
        cmocka_unit_test(second_and_id_are_looked_at_exactly),
        cmocka_unit_test(expired_and_revoked_grants_get_no_words),
        cmocka_unit_test(more_than_may_be_asked_for_at_once_is_too_large),
        cmocka_unit_test(words_of_an_erased_message_open_for_nobody),
        cmocka_unit_test(damaged_terms_copy_keeps_no_other_from_being_given),
        cmocka_unit_test(log_names_just_those_whose_words_were_read),
        cmocka_unit_test(release_says_which_entry_logged_it),
        cmocka_unit_test(certificate_names_searches_that_covered_what_was_erased),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
