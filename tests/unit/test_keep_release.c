/* Reading takes two parties and leaves a trace: what gets a release and what does not, and that the
 * log knows all that was opened. */
#include "tests/unit/release_world.h"

#include "vault/log/log_verify.h"

/* ---- neither party alone ----------------------------------------------------------------------
 */

static VaultOpenedCopy *open_copy(ReleaseWorld *world, VaultReader *reader,
                                  const VaultCopyEntry *entry, const ContentSlot *slot,
                                  GError **error)
{
    VaultRecordSource records = sources_local_records(world->fixture->keep);
    VaultOpenEntry open = sources_open_entry(entry);

    return vault_reader_open_copy(reader, &open, slot, &records, error);
}

static gboolean collect(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_string_append_len(user, (const char *)bytes, (gssize)len);
    return TRUE;
}

static char *open_message(ReleaseWorld *world, VaultReader *reader, const VaultCopyEntry *entry,
                          const ContentSlot *slot)
{
    VaultRecordSource records = sources_local_records(world->fixture->keep);
    g_autoptr(VaultOpenedCopy) copy = open_copy(world, reader, entry, slot, NULL);
    GString *text = g_string_new(NULL);
    VaultHash hash;

    assert_non_null(copy);
    assert_true(vault_reader_open_body(reader, copy, &records, collect, text, &hash, NULL));
    return g_string_free(text, FALSE);
}

static void grant_and_release_together_open_a_message_and_neither_alone(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(GBytes) sealed = release_world_ask(world, grant, &entry.record_id, 1, NULL);
    g_autoptr(VaultOpenedRelease) release =
        release_world_open(world, grant, &world->anna, sealed, NULL);
    g_autoptr(VaultReader) reader = release_world_reader(grant, &world->anna, keep_fixture_now());
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    const ContentSlot none = {{0}};
    const VaultReleasedSlot *slot = &g_array_index(release->slots, VaultReleasedSlot, 0);

    assert_int_equal(release->slots->len, 1);
    assert_int_equal(slot->state, VAULT_RELEASE_GIVEN);
    text = open_message(world, reader, &entry, &slot->slot);
    assert_string_equal(text, "the message");
    /* The grant without the release. */
    assert_null(open_copy(world, reader, &entry, &none, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
    g_clear_error(&error);
    /* The release without the grant: a reader of another month's keys, or of none. */
    assert_null(release_world_open(world, grant, &world->bert, sealed, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
}

static void release_of_another_grant_or_changed_on_the_way_does_not_open(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autofree char *other = release_world_grant(world, &world->anna);
    g_autoptr(GBytes) sealed = release_world_ask(world, grant, &entry.record_id, 1, NULL);
    gsize len = g_bytes_get_size(sealed);
    g_autoptr(GError) error = NULL;

    assert_null(release_world_open(world, other, &world->anna, sealed, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    for (gsize i = 0; i < len; i++) {
        guint8 *bytes = g_memdup2(g_bytes_get_data(sealed, NULL), len);
        g_autoptr(GBytes) changed = g_bytes_new_take(bytes, len);

        bytes[i] ^= 1;
        assert_null(release_world_open(world, grant, &world->anna, changed, NULL));
    }
}

/* ---- what gets no release ---------------------------------------------------------------------
 */

static void second_and_id_are_looked_at_exactly(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    VaultCopyEntry other = release_world_deliver(world, "another", "a@example.org");
    guint64 at_s = entry.received_s;
    const struct {
        guint64 from_s, to_s;
        gboolean is_covered;
    } periods[] = {{at_s, at_s + 1, TRUE}, {at_s + 1, at_s + 9, FALSE}, {at_s - 9, at_s, FALSE}};

    for (gsize i = 0; i < G_N_ELEMENTS(periods); i++) {
        VaultRequestFile *request = release_world_request(world, &world->anna);
        g_autofree char *grant = NULL;
        g_autoptr(GBytes) sealed = NULL;

        request->from_s = periods[i].from_s;
        request->to_s = periods[i].to_s;
        grant = release_world_grant_of(world, request);
        sealed = release_world_ask(world, grant, &entry.record_id, 1, NULL);
        assert_true((sealed != NULL) == periods[i].is_covered);
    }
    {
        VaultRequestFile *request = release_world_request(world, &world->anna);
        RecordId copies[] = {entry.record_id, other.record_id};
        g_autofree char *grant = NULL;
        g_autoptr(GBytes) sealed = NULL;
        guint64 size;

        g_array_append_val(request->messages, entry.body_id);
        grant = release_world_grant_of(world, request);
        sealed = release_world_ask(world, grant, &entry.record_id, 1, NULL);
        assert_non_null(sealed);
        size = release_world_log_size(world, VAULT_LOG_CONTROL);
        assert_int_equal(release_world_refusal(world, grant, &other.record_id),
                         VAULT_ERROR_REFUSED);
        /* One that is outside spoils the list: nothing of it is given, or logged. */
        assert_null(release_world_ask(world, grant, copies, 2, NULL));
        assert_int_equal(release_world_log_size(world, VAULT_LOG_CONTROL), size);
    }
}

static void grant_is_good_to_the_second_it_expires(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    guint64 expires_s = keep_fixture_now() + KEEP_FIXTURE_DAY_S;
    g_autoptr(GBytes) sealed = NULL;

    keep_fixture_set_now(expires_s - 1);
    sealed = release_world_ask(world, grant, &entry.record_id, 1, NULL);
    assert_non_null(sealed);
    keep_fixture_set_now(expires_s);
    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
    /* What was archived since says how late it is, whatever the clock says. */
    release_world_deliver(world, "later", "a@example.org");
    keep_fixture_set_now(expires_s - KEEP_FIXTURE_DAY_S);
    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
}

static void revoked_grant_gets_nothing_from_then_on(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autofree char *other = release_world_grant(world, &world->bert);
    g_autoptr(GBytes) sealed = release_world_ask(world, grant, &entry.record_id, 1, NULL);
    g_autoptr(GBytes) of_other = NULL;
    guint64 size;

    assert_non_null(sealed);
    assert_true(vault_keep_revoke_grant(world->fixture->keep, grant, strlen(grant), NULL));
    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
    of_other = release_world_ask(world, other, &entry.record_id, 1, NULL);
    assert_non_null(of_other);
    size = release_world_log_size(world, VAULT_LOG_CONTROL);
    assert_true(vault_keep_revoke_grant(world->fixture->keep, grant, strlen(grant), NULL));
    assert_int_equal(release_world_log_size(world, VAULT_LOG_CONTROL), size);
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
}

static void grant_is_judged_by_the_policy_in_force(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    g_autofree char *before = release_world_grant(world, &world->anna);
    g_autofree char *under_approved = NULL;
    g_autofree char *approved = NULL;
    g_autoptr(GBytes) sealed = release_world_ask(world, before, &entry.record_id, 1, NULL);
    g_autoptr(GBytes) of_approved = NULL;
    VaultRequestFile *request;

    assert_non_null(sealed);
    release_world_set_policy(world, 1);
    assert_int_equal(release_world_refusal(world, before, &entry.record_id), VAULT_ERROR_REFUSED);
    request = release_world_request(world, &world->anna);
    release_world_approve(request, "Bert", 2);
    under_approved = release_world_grant_of(world, request);
    assert_int_equal(release_world_refusal(world, under_approved, &entry.record_id),
                     VAULT_ERROR_REFUSED);
    request = release_world_request(world, &world->anna);
    release_world_approve(request, "Bert", 2);
    release_world_approve(request, "Cora", 3);
    approved = release_world_grant_of(world, request);
    of_approved = release_world_ask(world, approved, &entry.record_id, 1, NULL);
    assert_non_null(of_approved);
}

static void grants_of_others_and_texts_that_are_none_get_nothing(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    VaultRequestFile *request = release_world_request(world, &world->anna);
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autofree char *searching = NULL;
    RecordId *many = g_new0(RecordId, VAULT_RELEASE_COUNT_MAX + 1);
    g_autoptr(GError) error = NULL;

    request->act = VAULT_ACT_SEARCH;
    searching = release_world_grant_of(world, request);
    assert_int_equal(release_world_refusal(world, searching, &entry.record_id),
                     VAULT_ERROR_REFUSED);
    assert_int_equal(release_world_refusal(world, "grant", &entry.record_id),
                     VAULT_ERROR_MALFORMED);
    assert_null(release_world_ask(world, grant, many, VAULT_RELEASE_COUNT_MAX + 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
    g_free(many);
}

static void what_is_erased_or_not_there_is_left_out_and_said(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entries[3];
    RecordId copies[4] = {{{0}}};
    g_autofree char *grant = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultOpenedRelease) release = NULL;
    static const ContentSlot zeros;
    const VaultReleaseState states[] = {VAULT_RELEASE_NOT_FOUND, VAULT_RELEASE_ERASED,
                                        VAULT_RELEASE_GIVEN, VAULT_RELEASE_ERASED};

    for (guint i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf("message %u", i);

        entries[i] = release_world_deliver(world, text, i == 2 ? "b@example.org" : "a@example.org");
    }
    grant = release_world_grant(world, &world->anna);
    keep_damage_puncture(world->fixture, &entries[0].month_key_id, entries[0].leaf);
    keep_damage_drop_month(world->fixture, &entries[2].month_key_id);
    copies[1] = entries[0].record_id;
    copies[2] = entries[1].record_id;
    copies[3] = entries[2].record_id;
    sealed = release_world_ask(world, grant, copies, 4, NULL);
    assert_non_null(sealed);
    release = release_world_open(world, grant, &world->anna, sealed, NULL);
    assert_int_equal(release->slots->len, 4);
    for (guint i = 0; i < 4; i++) {
        const VaultReleasedSlot *slot = &g_array_index(release->slots, VaultReleasedSlot, i);

        assert_int_equal(slot->state, states[i]);
        assert_true(VAULT_ID_EQUAL(slot->record_id, copies[i]));
        assert_true((memcmp(&slot->slot, &zeros, sizeof zeros) != 0) ==
                    (states[i] == VAULT_RELEASE_GIVEN));
    }
}

static void release_of_nothing_is_not_logged(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    guint64 size = release_world_log_size(world, VAULT_LOG_CONTROL);
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultOpenedRelease) release = NULL;

    keep_damage_puncture(world->fixture, &entry.month_key_id, entry.leaf);
    sealed = release_world_ask(world, grant, &entry.record_id, 1, NULL);
    release = release_world_open(world, grant, &world->anna, sealed, NULL);
    assert_true(release->log_index == VAULT_RELEASE_NOT_LOGGED);
    assert_int_equal(release_world_log_size(world, VAULT_LOG_CONTROL), size);
}

/* ---- the trace --------------------------------------------------------------------------------
 */

#define MESSAGES_COUNT 12

/* What a reader opened, as the library told it: archive ids. */
static void read_some(ReleaseWorld *world, const VaultCopyEntry *entries, const char *grant,
                      const VaultIdentity *identity, GHashTable *opened)
{
    RecordId copies[4];
    const VaultCopyEntry *asked[4];
    gsize count = (gsize)g_random_int_range(1, 5);
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultOpenedRelease) release = NULL;
    g_autoptr(VaultReader) reader = release_world_reader(grant, identity, keep_fixture_now());

    for (gsize i = 0; i < count; i++) {
        asked[i] = &entries[g_random_int_range(0, MESSAGES_COUNT)];
        copies[i] = asked[i]->record_id;
    }
    sealed = release_world_ask(world, grant, copies, count, NULL);
    release = release_world_open(world, grant, identity, sealed, NULL);
    for (gsize i = 0; i < count; i++) {
        const VaultReleasedSlot *slot = &g_array_index(release->slots, VaultReleasedSlot, i);
        g_autofree char *text = open_message(world, reader, asked[i], &slot->slot);

        assert_non_null(text);
        g_hash_table_add(opened, g_strdup(VAULT_ID_TEXT(asked[i]->body_id)));
    }
}

/* The ids that a release's payload names; its root and number must be those of the entry. */
static void take_logged(ReleaseWorld *world, const VaultEntry *entry, GHashTable *logged)
{
    g_autofree char *text = release_world_payload(world, entry);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    RecordId ids[4];
    gsize count = 0;
    VaultHash root;

    for (char **line = lines; *line != NULL; line++) {
        if (!g_str_has_prefix(*line, "copy: "))
            continue;
        (*line)[6 + VAULT_ID_HEX_LEN] = '\0';
        assert_true(vault_id_parse(*line + 6, ids[count++].bytes, NULL));
        g_hash_table_add(logged, g_strdup(*line + 6 + VAULT_ID_HEX_LEN + strlen(" of ")));
    }
    count = vault_entry_sort_ids(ids, count);
    vault_entry_ids_root(ids, count, &root);
    assert_int_equal(entry->count, count);
    assert_memory_equal(&entry->root, &root, sizeof root);
}

static void log_names_just_what_two_readers_opened(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entries[MESSAGES_COUNT];
    g_autoptr(GHashTable) opened = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) logged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *annas = NULL;
    g_autofree char *berts = NULL;
    g_autoptr(VaultLogReader) log = NULL;
    GHashTableIter iter;
    gpointer id;

    for (guint i = 0; i < MESSAGES_COUNT; i++) {
        g_autofree char *text = g_strdup_printf("message %u", i);

        entries[i] = release_world_deliver(world, text, i % 2 ? "a@example.org" : "b@example.org");
    }
    annas = release_world_grant(world, &world->anna);
    berts = release_world_grant(world, &world->bert);
    for (guint i = 0; i < 6; i++) {
        gboolean is_anna = g_random_boolean();

        read_some(world, entries, is_anna ? annas : berts, is_anna ? &world->anna : &world->bert,
                  opened);
        if (i == 3) {
            keep_fixture_crash(world->fixture);
            keep_fixture_open(world->fixture);
        }
    }
    log = release_world_log(world, VAULT_LOG_CONTROL);
    for (guint64 i = 0; i < vault_log_reader_checkpoint(log)->size; i++) {
        VaultEntry entry = release_world_entry(log, i);

        if (entry.kind == VAULT_ENTRY_ACT && entry.act == VAULT_LOGGED_RELEASE)
            take_logged(world, &entry, logged);
    }
    assert_int_equal(g_hash_table_size(opened), g_hash_table_size(logged));
    g_hash_table_iter_init(&iter, opened);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        assert_true(g_hash_table_contains(logged, id));
    assert_true(vault_log_verify_all(log, &(VaultLogVerifyOptions){0}, NULL));
}

static void release_says_which_entry_logged_it(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
    g_autofree char *grant = release_world_grant(world, &world->anna);
    g_autoptr(GBytes) first = release_world_ask(world, grant, &entry.record_id, 1, NULL);
    g_autoptr(GBytes) second = release_world_ask(world, grant, &entry.record_id, 1, NULL);
    g_autoptr(VaultOpenedRelease) release =
        release_world_open(world, grant, &world->anna, second, NULL);
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
    VaultEntry logged = release_world_entry(log, release->log_index);
    g_autofree char *text = release_world_payload(world, &logged);

    assert_non_null(first);
    assert_int_equal(release->log_index, vault_log_reader_checkpoint(log)->size - 1);
    assert_int_equal(logged.act, VAULT_LOGGED_RELEASE);
    assert_non_null(strstr(text, "reader: Anna\n"));
    assert_non_null(strstr(text, "case: 2026-017\n"));
    assert_non_null(strstr(text, "copies: 1\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_and_release_together_open_a_message_and_neither_alone),
        cmocka_unit_test(release_of_another_grant_or_changed_on_the_way_does_not_open),
        cmocka_unit_test(second_and_id_are_looked_at_exactly),
        cmocka_unit_test(grant_is_good_to_the_second_it_expires),
        cmocka_unit_test(revoked_grant_gets_nothing_from_then_on),
        cmocka_unit_test(grant_is_judged_by_the_policy_in_force),
        cmocka_unit_test(grants_of_others_and_texts_that_are_none_get_nothing),
        cmocka_unit_test(what_is_erased_or_not_there_is_left_out_and_said),
        cmocka_unit_test(release_of_nothing_is_not_logged),
        cmocka_unit_test(log_names_just_what_two_readers_opened),
        cmocka_unit_test(release_says_which_entry_logged_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
