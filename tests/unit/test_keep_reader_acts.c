/* Standing readers added and removed: which grants are taken up, and what ends with a removal. */
#include "tests/unit/standing_world.h"

#include "vault/keep/internal.h"

/* ---- being added ----------------------------------------------------------------------------- */

static void grant_that_was_not_taken_up_gets_nothing(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultCopyEntry entry = release_world_deliver(world, "message", "a@example.org");
    g_autofree char *grant = standing_grant(world, &world->anna, NULL);

    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
}

static void adding_is_logged_once_with_what_it_covers(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    MailboxId mailbox = keep_fixture_mailbox(world->fixture, "a@example.org");
    g_autofree char *grant = standing_grant(world, &world->anna, "a@example.org");
    g_autofree char *payload = NULL;
    g_autofree char *line = g_strdup_printf("mailboxes: 1\nmailbox: %s\n", VAULT_ID_TEXT(mailbox));
    RowId first = must_add(world, grant), second = must_add(world, grant);

    assert_true(VAULT_ID_EQUAL(first, second));
    assert_int_equal(logged(world, VAULT_LOGGED_READER_ADDED, &payload), 1);
    assert_true(g_str_has_prefix(payload, "act: reader-added\nrequest: "));
    assert_non_null(strstr(payload, "\ncase: 2026-017\nreader: Anna\nreader-key: "));
    assert_non_null(strstr(payload, line));
}

static void grant_that_is_none_or_of_another_master_is_not_taken_up(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultRequestFile *request = standing_request(world, &world->anna);
    g_autofree char *ordinary = release_world_grant(world, &world->anna);
    g_auto(VaultMaster) stranger = {0};
    g_autofree char *foreign = NULL;
    g_autofree char *expired = NULL;

    assert_not_added(world, "", VAULT_ERROR_MALFORMED);
    assert_not_added(world, "muniment-grant/2\n", VAULT_ERROR_UNSUPPORTED);
    assert_not_added(world, ordinary, VAULT_ERROR_REFUSED);
    vault_master_create(&stranger);
    foreign = release_world_grant_by(world, standing_request(world, &world->anna), &stranger);
    assert_not_added(world, foreign, VAULT_ERROR_REFUSED);
    request->expires_s = keep_fixture_now() + DAY_S;
    expired = release_world_grant_of(world, request);
    keep_fixture_set_now(keep_fixture_now() + DAY_S);
    assert_not_added(world, expired, VAULT_ERROR_REFUSED);
    assert_int_equal(logged(world, VAULT_LOGGED_READER_ADDED, NULL), 0);
}

static void mailbox_under_another_name_or_unknown_is_not_taken_up(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    MailboxId mailbox = keep_fixture_mailbox(world->fixture, "a@example.org");
    const MailboxId unknown = {{7}};
    VaultRequestFile *renamed = standing_request(world, &world->anna);
    VaultRequestFile *nowhere = standing_request(world, &world->anna);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    name_mailbox(renamed, &mailbox, "b@example.org");
    name_mailbox(nowhere, &unknown, "a@example.org");
    first = release_world_grant_of(world, renamed);
    second = release_world_grant_of(world, nowhere);
    assert_not_added(world, first, VAULT_ERROR_REFUSED);
    assert_not_added(world, second, VAULT_ERROR_REFUSED);
}

/* Such a key would make every new month of the mailbox fail, and its mail with it. */
static void key_that_nothing_can_be_sealed_to_is_not_taken_up(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultRequestFile *request = standing_request(world, &world->anna);
    g_autofree char *grant = NULL;

    memset(request->reader_key.bytes, 0, VAULT_KEY_LEN);
    grant = release_world_grant_of(world, request);
    assert_not_added(world, grant, VAULT_ERROR_REFUSED);
    release_world_deliver(world, "message", "a@example.org");
}

static void there_is_room_for_all_recipients_of_a_month_and_no_more(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *last = NULL;
    g_autofree char *one_more = NULL;
    VaultCopyEntry entry;
    g_autofree char *text = NULL;
    RowId id;

    for (guint i = 1; i < VAULT_WRAPS_MAX; i++) { /* one is the master */
        g_auto(VaultIdentity) identity = {.name = ""};
        g_autofree char *grant = NULL;

        assert_true(vault_identity_create("Someone", &identity, NULL));
        grant = standing_grant(world, i + 1 == VAULT_WRAPS_MAX ? &world->anna : &identity, NULL);
        must_add(world, grant);
        if (i + 1 == VAULT_WRAPS_MAX)
            last = g_steal_pointer(&grant);
    }
    one_more = standing_grant(world, &world->bert, NULL);
    assert_false(
        vault_keep_add_reader(world->fixture->keep, one_more, strlen(one_more), &id, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    entry = release_world_deliver(world, "message", "a@example.org");
    text = read_message(world, last, &world->anna, &entry);
    assert_string_equal(text, "message");
}

/* ---- being removed --------------------------------------------------------------------------- */

static void removed_reader_gets_no_key_no_release_and_is_not_added_again(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = standing_grant(world, &world->anna, NULL);
    RowId id = must_add(world, grant);
    VaultCopyEntry entry = release_world_deliver(world, "message", "a@example.org");
    g_autoptr(GError) error = NULL;
    g_autofree char *payload = NULL;

    assert_int_equal(month_count(world, grant), 1);
    assert_true(vault_keep_remove_reader(world->fixture->keep, &id, NULL));
    assert_int_equal(logged(world, VAULT_LOGGED_READER_REMOVED, &payload), 1);
    assert_non_null(strstr(payload, "reader: Anna\n"));
    release_world_deliver(world, "message", "b@example.org");
    assert_int_equal(month_count(world, grant), 1);
    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
    assert_not_added(world, grant, VAULT_ERROR_REFUSED);
    assert_false(vault_keep_remove_reader(world->fixture->keep, &id, &error));
    assert_vault_error(error, VAULT_ERROR_NOT_FOUND);
    assert_int_equal(logged(world, VAULT_LOGGED_READER_REMOVED, NULL), 1);
}

static void revoking_a_standing_grant_removes_its_reader(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = standing_grant(world, &world->anna, NULL);
    g_autofree char *others = standing_grant(world, &world->bert, NULL);
    g_autoptr(GPtrArray) readers = NULL;

    must_add(world, grant);
    must_add(world, others);
    assert_true(vault_keep_revoke_grant(world->fixture->keep, grant, strlen(grant), NULL));
    readers = vault_keep_readers(world->fixture->keep, NULL);
    assert_int_equal(readers->len, 1);
    release_world_deliver(world, "message", "a@example.org");
    assert_int_equal(month_count(world, grant), 0);
    assert_int_equal(month_count(world, others), 1);
}

static void reader_with_two_grants_has_one_wrap_and_keeps_it_with_either(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultRequestFile *request = standing_request(world, &world->anna);
    g_autofree char *first = standing_grant(world, &world->anna, NULL);
    g_autofree char *second = NULL;
    RowId id = must_add(world, first);

    g_free(request->case_id);
    request->case_id = g_strdup("another");
    second = release_world_grant_of(world, request);
    must_add(world, second);
    release_world_deliver(world, "message", "a@example.org");
    assert_int_equal(wrap_count(world, "a@example.org"), 1);
    assert_true(vault_keep_remove_reader(world->fixture->keep, &id, NULL));
    release_world_deliver(world, "message", "b@example.org");
    assert_int_equal(month_count(world, second), 2);
}

/* ---- masters that come and go ---------------------------------------------------------------- */

static void put_master(ReleaseWorld *world, const RowId *row, const VaultMaster *master,
                       VaultMasterState master_state)
{
    VaultMasterValue value = {
        .state = master_state, .added_s = keep_fixture_now(), .master = master->public};
    g_autoptr(GByteArray) bytes = vault_master_value_format(&value);

    assert_true(
        vault_keyring_put(world->fixture->keep->keyring, VAULT_KEYRING_MASTERS, row, bytes, NULL));
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
}

static void reader_granted_by_a_retired_master_gets_no_key_and_no_release(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_auto(VaultMaster) second = {0};
    const RowId row = {{9}};
    g_autofree char *grant = NULL;
    VaultCopyEntry entry;

    vault_master_create(&second);
    put_master(world, &row, &second, VAULT_MASTER_ACTIVE);
    grant = release_world_grant_by(world, standing_request(world, &world->anna), &second);
    must_add(world, grant);
    entry = release_world_deliver(world, "message", "a@example.org");
    assert_int_equal(wrap_count(world, "a@example.org"), 1);
    put_master(world, &row, &second, VAULT_MASTER_RETIRED);
    release_world_deliver(world, "message", "b@example.org");
    assert_int_equal(wrap_count(world, "b@example.org"), 0);
    assert_int_equal(release_world_refusal(world, grant, &entry.record_id), VAULT_ERROR_REFUSED);
}

/* ---- by name --------------------------------------------------------------------------------- */

static void readers_are_added_and_removed_by_an_operator(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = standing_grant(world, &world->anna, NULL);
    static const char *const wrong[] = {
        "", "reader: \n", "reader: 0123456789abcdef0123456789abcdeg\n",
        "leader: 0123456789abcdef0123456789abcdef\n", "reader: 0123456789abcdef0123456789abcdef "};
    VaultKeep *keep = world->fixture->keep;
    g_autofree char *answer = NULL;
    g_autoptr(GPtrArray) readers = NULL;

    assert_true(vault_keep_operate(keep, "reader-add", grant, strlen(grant), &answer, NULL));
    assert_true(g_str_has_prefix(answer, "reader: "));
    assert_int_equal(strlen(answer), strlen("reader: ") + VAULT_ID_HEX_LEN + 1);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(
            vault_keep_operate(keep, "reader-remove", wrong[i], strlen(wrong[i]), NULL, &error));
        assert_vault_error(error, VAULT_ERROR_MALFORMED);
    }
    assert_true(vault_keep_operate(keep, "reader-remove", answer, strlen(answer), NULL, NULL));
    readers = vault_keep_readers(keep, NULL);
    assert_int_equal(readers->len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(grant_that_was_not_taken_up_gets_nothing),
        TEST(adding_is_logged_once_with_what_it_covers),
        TEST(grant_that_is_none_or_of_another_master_is_not_taken_up),
        TEST(mailbox_under_another_name_or_unknown_is_not_taken_up),
        TEST(key_that_nothing_can_be_sealed_to_is_not_taken_up),
        TEST(there_is_room_for_all_recipients_of_a_month_and_no_more),
        TEST(removed_reader_gets_no_key_no_release_and_is_not_added_again),
        TEST(revoking_a_standing_grant_removes_its_reader),
        TEST(reader_with_two_grants_has_one_wrap_and_keeps_it_with_either),
        TEST(reader_granted_by_a_retired_master_gets_no_key_and_no_release),
        TEST(readers_are_added_and_removed_by_an_operator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
