/* Case keys: who gets one, that each use is logged, and that what is erased or closed takes the key
 * along. */
#include "tests/unit/search_world.h"

#include "tests/unit/erasure_world.h"

static GBytes *ask_key(ReleaseWorld *world, const char *grant, GError **error)
{
    GBytes *sealed = NULL;

    assert_true(vault_keep_case_key(world->fixture->keep, grant, strlen(grant), &sealed, error) ==
                (sealed != NULL));
    return sealed;
}

static gboolean open_key(ReleaseWorld *world, const char *grant, const VaultIdentity *identity,
                         GBytes *sealed, VaultOpenedCaseKey *ret_key, GError **error)
{
    VaultHash hash;

    vault_hash(grant, strlen(grant), &hash);
    return vault_case_key_open(identity, vault_keep_id(world->fixture->keep), &hash, sealed,
                               ret_key, error);
}

static VaultOpenedCaseKey key_of(ReleaseWorld *world, const char *grant,
                                 const VaultIdentity *identity)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed = ask_key(world, grant, &error);
    VaultOpenedCaseKey key;

    if (sealed == NULL || !open_key(world, grant, identity, sealed, &key, &error))
        fail_msg("%s", error->message);
    return key;
}

static gboolean is_same(const VaultOpenedCaseKey *a, const VaultOpenedCaseKey *b)
{
    return memcmp(a->key.bytes, b->key.bytes, VAULT_KEY_LEN) == 0;
}

static guint case_count(ReleaseWorld *world)
{
    g_autoptr(GPtrArray) cases = vault_keep_cases(world->fixture->keep, NULL);

    assert_non_null(cases);
    return cases->len;
}

/* ---- who gets which ---------------------------------------------------------------------------
 */

static void the_same_case_reader_and_scope_get_the_same_key(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_auto(VaultOpenedCaseKey) first = {.log_index = 0}, second = {.log_index = 0};
    g_autofree char *search = NULL;
    g_autofree char *later = NULL;

    search_world_deliver(world, "words", "a@example.org");
    search = search_world_search_grant(world, &world->anna);
    first = key_of(world, search, &world->anna);
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
    /* Another act, made later, of the same scope: the index goes on. */
    later = release_world_grant(world, &world->anna);
    second = key_of(world, later, &world->anna);
    assert_true(is_same(&first, &second));
    assert_true(VAULT_ID_EQUAL(first.case_row_id, second.case_row_id));
    assert_int_equal(case_count(world), 1);
}

static void another_case_reader_or_scope_gets_another_key(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "words", "a@example.org");
    g_autofree char *grants[4] = {NULL};
    VaultRequestFile *request;
    VaultOpenedCaseKey keys[4];

    grants[0] = search_world_search_grant(world, &world->anna);
    grants[1] = search_world_search_grant(world, &world->bert);
    request = release_world_request(world, &world->anna);
    g_free(request->case_id);
    request->case_id = g_strdup("another");
    grants[2] = release_world_grant_of(world, request);
    request = release_world_request(world, &world->anna);
    g_array_append_val(request->messages, delivery.archive_id);
    grants[3] = release_world_grant_of(world, request);
    for (guint i = 0; i < 4; i++) {
        keys[i] = key_of(world, grants[i], i == 1 ? &world->bert : &world->anna);
        for (guint j = 0; j < i; j++)
            assert_false(is_same(&keys[i], &keys[j]));
    }
    vault_wipe(keys, sizeof keys);
    for (guint i = 1; i < 4; i++)
        g_free(grants[i]);
}

static void sealed_key_opens_for_its_reader_grant_and_as_it_was(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autoptr(GBytes) sealed = ask_key(world, grant, NULL);
    gsize len = g_bytes_get_size(sealed);
    VaultOpenedCaseKey key;
    g_autoptr(GError) error = NULL;

    assert_int_equal(len, VAULT_CASE_KEY_SEALED_LEN);
    assert_false(open_key(world, grant, &world->bert, sealed, &key, &error));
    assert_true(has_code(error, VAULT_ERROR_NO_KEY));
    g_clear_error(&error);
    assert_false(open_key(world, "another grant", &world->anna, sealed, &key, &error));
    assert_true(has_code(error, VAULT_ERROR_MALFORMED));
    for (gsize i = 0; i < len; i++) {
        guint8 *bytes = g_memdup2(g_bytes_get_data(sealed, NULL), len);
        g_autoptr(GBytes) changed = NULL;

        bytes[i] ^= 1;
        changed = g_bytes_new_take(bytes, len);
        g_clear_error(&error);
        assert_false(open_key(world, grant, &world->anna, changed, &key, &error));
        if (i == 0)
            assert_true(has_code(error, VAULT_ERROR_UNSUPPORTED));
    }
    for (gsize cut = 0; cut < len; cut++) {
        g_autoptr(GBytes) part = g_bytes_new_from_bytes(sealed, 0, cut);

        assert_false(open_key(world, grant, &world->anna, part, &key, NULL));
    }
}

static void grant_that_is_not_good_gets_no_key(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_autofree char *revoked = search_world_search_grant(world, &world->bert);
    g_autoptr(GError) error = NULL;

    assert_true(vault_keep_revoke_grant(world->fixture->keep, revoked, strlen(revoked), NULL));
    assert_null(ask_key(world, revoked, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    g_clear_error(&error);
    keep_fixture_set_now(keep_fixture_now() + KEEP_FIXTURE_DAY_S);
    assert_null(ask_key(world, grant, &error));
    assert_true(has_code(error, VAULT_ERROR_REFUSED));
    assert_int_equal(case_count(world), 0);
}

static void the_index_key_needs_identity_and_case_key(void **state)
{
    VaultIdentity anna, bert;
    CaseKey one = {{1}}, two = {{2}};
    guint8 a[VAULT_KEY_LEN], b[VAULT_KEY_LEN], c[VAULT_KEY_LEN];

    vault_crypto_init();
    assert_true(vault_identity_create("Anna", &anna, NULL));
    assert_true(vault_identity_create("Bert", &bert, NULL));
    vault_case_index_key(&anna, &one, a);
    vault_case_index_key(&anna, &two, b);
    vault_case_index_key(&bert, &one, c);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    vault_case_index_key(&anna, &one, b);
    assert_memory_equal(a, b, sizeof a);
}

/* ---- the log ----------------------------------------------------------------------------------
 */

static void each_use_is_logged_before_the_key_is_given(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = search_world_search_grant(world, &world->anna);

    for (guint i = 0; i < 2; i++) {
        g_auto(VaultOpenedCaseKey) key = key_of(world, grant, &world->anna);
        g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
        VaultEntry entry = release_world_entry(log, key.log_index);
        g_autofree char *text = release_world_payload(world, &entry);

        assert_int_equal(key.log_index, vault_log_reader_checkpoint(log)->size - 1);
        assert_int_equal(entry.act, VAULT_LOGGED_CASE_OPENED);
        assert_non_null(strstr(text, "case: 2026-017\n"));
        assert_non_null(strstr(text, "reader: Anna\n"));
    }
}

/* ---- dropped ----------------------------------------------------------------------------------
 */

static void assert_dropped(ReleaseWorld *world, const char *grant, const VaultOpenedCaseKey *before)
{
    g_auto(VaultOpenedCaseKey) after = {.log_index = 0};

    assert_int_equal(case_count(world), 0);
    after = key_of(world, grant, &world->anna);
    assert_false(is_same(before, &after));
}

static char *last_statement(ReleaseWorld *world)
{
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(world->fixture->keep, NULL);

    assert_true(erasures->len > 0);
    return vault_keep_erasure_statement(world->fixture->keep,
                                        g_ptr_array_index(erasures, erasures->len - 1), NULL);
}

static void erased_message_takes_the_keys_of_cases_that_cover_it_along(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery covered = search_world_deliver(world, "words", "a@example.org");
    TermsDelivery other = search_world_deliver(world, "words", "a@example.org");
    g_autofree char *grant = NULL;
    g_autofree char *statement = NULL;
    g_auto(VaultOpenedCaseKey) before = {.log_index = 0}, same = {.log_index = 0};
    VaultRequestFile *request = release_world_request(world, &world->anna);

    g_array_append_val(request->messages, covered.archive_id);
    grant = release_world_grant_of(world, request);
    before = key_of(world, grant, &world->anna);
    erase_message(world->fixture, &other.archive_id, "a@example.org");
    same = key_of(world, grant, &world->anna);
    assert_true(is_same(&before, &same));
    erase_message(world->fixture, &covered.archive_id, "a@example.org");
    statement = last_statement(world);
    assert_non_null(strstr(statement, "case-index: case 2026-017, of Anna, key dropped\n"));
    assert_dropped(world, grant, &before);
}

static void shredded_mailbox_takes_the_keys_of_cases_that_cover_it_along(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = NULL;
    g_autofree char *statement = NULL;
    g_auto(VaultOpenedCaseKey) before = {.log_index = 0};

    search_world_deliver(world, "words", "a@example.org");
    search_world_deliver(world, "words", "b@example.org");
    grant = search_world_search_grant(world, &world->anna);
    before = key_of(world, grant, &world->anna);
    shred_mailbox(world->fixture, "b@example.org");
    statement = last_statement(world);
    assert_non_null(strstr(statement, "case-index: case 2026-017, of Anna, key dropped\n"));
    assert_dropped(world, grant, &before);
}

static void closed_case_has_its_keys_destroyed(void **state)
{
    static const char text[] = "muniment-case-close/1\ncase: 2026-017\n";
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_auto(VaultOpenedCaseKey) before = key_of(world, grant, &world->anna);
    VaultKeep *keep = world->fixture->keep;
    g_autofree char *answer = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultLogReader) log = NULL;

    assert_true(vault_keep_operate(keep, "case-close", text, strlen(text), &answer, NULL));
    assert_string_equal(answer, "dropped: 1\n");
    log = release_world_log(world, VAULT_LOG_CONTROL);
    assert_int_equal(release_world_entry(log, vault_log_reader_checkpoint(log)->size - 1).act,
                     VAULT_LOGGED_CASE_CLOSED);
    assert_int_equal(case_count(world), 0);
    assert_false(vault_keep_operate(keep, "case-close", text, strlen(text), NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_NOT_FOUND));
    g_clear_error(&error);
    assert_false(vault_keep_operate(keep, "case-close", "case: x\n", 8, NULL, &error));
    assert_true(has_code(error, VAULT_ERROR_MALFORMED));
    assert_dropped(world, grant, &before);
}

/* With its row gone, an older copy of the keyring opens it no more under the key that lies in the
 * present one. */
static void dropping_a_key_renews_what_it_was_sealed_under(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    TermsDelivery delivery = search_world_deliver(world, "words", "a@example.org");
    g_autofree char *grant = search_world_search_grant(world, &world->anna);
    g_auto(VaultOpenedCaseKey) key = key_of(world, grant, &world->anna);
    const char *query = "SELECT row_version FROM locator_key";
    g_autofree char *before = keep_damage_rows(world->fixture, "keyring.sqlite", query);
    g_autofree char *after = NULL;

    assert_int_equal(case_count(world), 1);
    erase_message(world->fixture, &delivery.archive_id, "a@example.org");
    after = keep_damage_rows(world->fixture, "keyring.sqlite", query);
    assert_string_not_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_case_reader_and_scope_get_the_same_key),
        cmocka_unit_test(another_case_reader_or_scope_gets_another_key),
        cmocka_unit_test(sealed_key_opens_for_its_reader_grant_and_as_it_was),
        cmocka_unit_test(grant_that_is_not_good_gets_no_key),
        cmocka_unit_test(the_index_key_needs_identity_and_case_key),
        cmocka_unit_test(each_use_is_logged_before_the_key_is_given),
        cmocka_unit_test(erased_message_takes_the_keys_of_cases_that_cover_it_along),
        cmocka_unit_test(shredded_mailbox_takes_the_keys_of_cases_that_cover_it_along),
        cmocka_unit_test(closed_case_has_its_keys_destroyed),
        cmocka_unit_test(dropping_a_key_renews_what_it_was_sealed_under),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
