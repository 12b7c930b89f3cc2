#include "grant_world.h"

static VaultGrantFile *must_grant(GrantWorld *world)
{
    g_autoptr(GError) error = NULL;
    VaultGrantFile *grant = world_grant(world, &error);

    if (grant == NULL)
        fail_msg("%s", error->message);
    return grant;
}

static VaultOpenEntry entry_of(const VaultGrantKey *key, guint64 received_s)
{
    return (VaultOpenEntry){
        .mailbox_id = key->mailbox_id, .month_key_id = key->month_key_id, .received_s = received_s};
}

static void grant_comes_back_as_it_was_written(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autofree char *text = vault_grant_file_format(grant);
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultGrantFile) parsed = vault_grant_file_parse(text, strlen(text), &error);
    g_autofree char *again = NULL;

    assert_non_null(parsed);
    again = vault_grant_file_format(parsed);
    assert_string_equal(text, again);
    assert_true(vault_grant_file_verify(parsed, &world->request->vault_id, &world->master.public, 1,
                                        &error));
}

static void keys_are_given_for_months_that_the_period_touches_only(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);

    /* alice: September, October, November of five; bob: November. */
    assert_int_equal(grant->keys->len, 4);
    assert_int_equal(g_array_index(grant->keys, VaultGrantKey, 0).month, 202609);
    assert_int_equal(g_array_index(grant->keys, VaultGrantKey, 2).month, 202611);
    assert_int_equal(vault_grant_file_mailbox_count(grant), 2);

    /* To the second: a period that ends with October's last has no key of November. */
    world->request->to_s = vault_month_start(202611);
    g_clear_pointer(&grant, vault_grant_file_free);
    grant = must_grant(world);
    assert_int_equal(grant->keys->len, 2);
    assert_int_equal(vault_grant_file_mailbox_count(grant), 1);
}

static void reader_made_from_a_grant_covers_its_scope_to_the_second(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultReader) reader =
        vault_grant_reader(grant, &world->reader, WORLD_CREATED_S, &error);
    const VaultGrantKey *key = &g_array_index(grant->keys, VaultGrantKey, 0);
    const guint64 outside[] = {world->request->from_s - 1, world->request->to_s};
    VaultOpenEntry entry = entry_of(key, world->request->from_s);

    assert_non_null(reader);
    assert_true(vault_reader_covers(reader, &entry, NULL));
    entry.received_s = world->request->to_s - 1;
    assert_true(vault_reader_covers(reader, &entry, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(outside); i++) {
        entry.received_s = outside[i];
        assert_false(vault_reader_covers(reader, &entry, &error));
        assert_vault_error(error, VAULT_ERROR_REFUSED);
        g_clear_error(&error);
    }
    entry = entry_of(key, world->request->from_s);
    entry.mailbox_id = world->bob;
    assert_false(vault_reader_covers(reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    g_clear_error(&error);
    entry = entry_of(key, world->request->from_s);
    entry.month_key_id.bytes[0] ^= 1;
    assert_false(vault_reader_covers(reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void search_only_grant_has_index_keys_and_opens_no_message(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = NULL;
    g_autoptr(VaultReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    VaultOpenEntry entry;

    world->request->act = VAULT_ACT_SEARCH;
    grant = must_grant(world);
    for (guint i = 0; i < grant->keys->len; i++)
        assert_int_equal(g_array_index(grant->keys, VaultGrantKey, i).halves, VAULT_GRANT_INDEX);
    reader = vault_grant_reader(grant, &world->reader, WORLD_CREATED_S, &error);
    assert_non_null(reader);
    entry = entry_of(&g_array_index(grant->keys, VaultGrantKey, 0), world->request->from_s);
    assert_false(vault_reader_covers(reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void named_messages_are_all_that_the_reader_covers(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = NULL;
    g_autoptr(VaultReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    RecordId named = {{5}};
    VaultOpenEntry entry;

    g_array_append_val(world->request->messages, named);
    grant = must_grant(world);
    reader = vault_grant_reader(grant, &world->reader, WORLD_CREATED_S, &error);
    entry = entry_of(&g_array_index(grant->keys, VaultGrantKey, 0), world->request->from_s);
    assert_false(vault_reader_covers(reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    entry.body_id = named;
    assert_true(vault_reader_covers(reader, &entry, NULL));
}

static void other_identity_and_expired_grant_have_their_own_errors(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autoptr(GError) error = NULL;
    g_auto(VaultIdentity) other = {0};
    g_autoptr(VaultReader) reader = NULL;

    assert_true(vault_identity_create("Erika Prüferin", &other, NULL));
    assert_null(vault_grant_reader(grant, &other, WORLD_CREATED_S, &error));
    assert_vault_error(error, VAULT_ERROR_NO_KEY);
    g_clear_error(&error);
    assert_null(vault_grant_reader(grant, &world->reader, WORLD_EXPIRES_S, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    reader = vault_grant_reader(grant, &world->reader, WORLD_EXPIRES_S - 1, NULL);
    assert_non_null(reader);
}

static void expired_request_and_acts_that_are_not_granted_are_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(GError) error = NULL;

    world->request->act = VAULT_ACT_SHRED;
    assert_false(vault_grant_may_be_made(world->request, WORLD_CREATED_S, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    g_clear_error(&error);
    world->request->act = VAULT_ACT_READ;
    world->request->expires_s = WORLD_CREATED_S;
    assert_null(world_grant(world, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void assert_wrap_refused(GrantWorld *world)
{
    g_autoptr(GError) error = NULL;

    assert_null(world_grant(world, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

/* What a host could try to have another mailbox's keys granted under a harmless name. */
static void wrap_that_is_not_what_the_request_says_is_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    VaultRequestMailbox *bob = g_ptr_array_index(world->request->mailboxes, 0);
    VaultRequestMonth *month = g_ptr_array_index(bob->months, 0);
    VaultId vault_id = world->request->vault_id;
    ContentPublicKey content = month->keys.content;
    MailboxId id = bob->id;

    g_free(month->address);
    month->address = g_strdup("intern@example.org");
    assert_wrap_refused(world);
    g_free(month->address);
    month->address = g_strdup("");

    month->month = 202610;
    assert_wrap_refused(world);
    month->month = 202611;

    bob->id.bytes[15] ^= 1;
    assert_wrap_refused(world);
    bob->id = id;

    world->request->vault_id.bytes[0] ^= 1;
    assert_wrap_refused(world);
    world->request->vault_id = vault_id;

    month->keys.content.bytes[0] ^= 1;
    assert_wrap_refused(world);
    month->keys.content = content;

    g_array_index(month->wraps, VaultWrap, 0).ciphertext[3] ^= 1;
    assert_wrap_refused(world);
    g_array_index(month->wraps, VaultWrap, 0).ciphertext[3] ^= 1;
    vault_grant_file_free(must_grant(world));
}

static void master_that_no_wrap_is_for_gets_no_key(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(GError) error = NULL;

    vault_master_create(&world->master);
    assert_null(world_grant(world, &error));
    assert_vault_error(error, VAULT_ERROR_NO_KEY);
}

static void changed_byte_anywhere_is_found(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autofree char *text = vault_grant_file_format(grant);
    gsize len = strlen(text);

    for (gsize at = 0; at < len; at++) {
        g_autoptr(GError) error = NULL;

        text[at] ^= 1;
        if (vault_grant_file_parse(text, len, &error) != NULL)
            fail_msg("byte %zu changed and not found", at);
        assert_true(error->domain == VAULT_ERROR && (error->code == VAULT_ERROR_MALFORMED ||
                                                     error->code == VAULT_ERROR_UNSUPPORTED));
        text[at] ^= 1;
    }
}

static void file_that_is_cut_anywhere_is_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autofree char *text = vault_grant_file_format(grant);

    for (gsize len = 0; len < strlen(text); len++)
        assert_null(vault_grant_file_parse(text, len, NULL));
}

static void grant_of_another_master_or_vault_is_refused(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autoptr(GError) error = NULL;
    g_auto(VaultMaster) stranger = {0};
    VaultId other = world->request->vault_id;
    char *widened;

    vault_master_create(&stranger);
    other.bytes[0] ^= 1;
    assert_false(vault_grant_file_verify(grant, &other, &world->master.public, 1, &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    g_clear_error(&error);
    /* A reader who widens his grant can sign it, but not as the master. */
    widened = strstr(grant->request_text, "to: 2026-11-01T02");
    assert_non_null(widened);
    widened[strlen("to: 2026-11-01T0")] = '9';
    vault_grant_file_sign(grant, &stranger.signing_key, &stranger.public.verify_key);
    assert_false(vault_grant_file_verify(grant, &world->request->vault_id, &world->master.public, 1,
                                         &error));
    assert_vault_error(error, VAULT_ERROR_REFUSED);
}

static void key_moved_to_another_month_does_not_open(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autoptr(GError) error = NULL;
    VaultGrantKey *keys = (VaultGrantKey *)(gpointer)grant->keys->data;

    memcpy(keys[0].sealed, keys[1].sealed, keys[0].sealed_len);
    assert_null(vault_grant_reader(grant, &world->reader, WORLD_CREATED_S, &error));
    assert_vault_error(error, VAULT_ERROR_MALFORMED);
}

static void grant_holds_no_seed_and_no_key_in_clear(void **state)
{
    g_autoptr(GrantWorld) world = grant_world_new();
    g_autoptr(VaultGrantFile) grant = must_grant(world);
    g_autofree char *text = vault_grant_file_format(grant);
    VaultRequestMailbox *bob = g_ptr_array_index(world->request->mailboxes, 1);
    VaultRequestMonth *month = g_ptr_array_index(bob->months, 0);
    VaultMonthIdentity identity = {.vault_id = world->request->vault_id,
                                   .mailbox_id = bob->id,
                                   .address = month->address,
                                   .month = month->month};
    g_auto(ContentSecretKey) content = {0};
    g_auto(IndexSecretKey) index = {0};
    g_autoptr(GString) hex = g_string_new(NULL);

    assert_true(vault_month_unwrap(&identity, &month->keys,
                                   &g_array_index(month->wraps, VaultWrap, 0),
                                   world->master.secret_key.bytes,
                                   world->master.public.public_key.bytes, &content, &index, NULL));
    for (gsize i = 0; i < 8; i++)
        g_string_append_printf(hex, "%02x", content.bytes[i]);
    assert_null(strstr(text, hex->str));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_comes_back_as_it_was_written),
        cmocka_unit_test(keys_are_given_for_months_that_the_period_touches_only),
        cmocka_unit_test(reader_made_from_a_grant_covers_its_scope_to_the_second),
        cmocka_unit_test(search_only_grant_has_index_keys_and_opens_no_message),
        cmocka_unit_test(named_messages_are_all_that_the_reader_covers),
        cmocka_unit_test(other_identity_and_expired_grant_have_their_own_errors),
        cmocka_unit_test(expired_request_and_acts_that_are_not_granted_are_refused),
        cmocka_unit_test(wrap_that_is_not_what_the_request_says_is_refused),
        cmocka_unit_test(master_that_no_wrap_is_for_gets_no_key),
        cmocka_unit_test(changed_byte_anywhere_is_found),
        cmocka_unit_test(file_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(grant_of_another_master_or_vault_is_refused),
        cmocka_unit_test(key_moved_to_another_month_does_not_open),
        cmocka_unit_test(grant_holds_no_seed_and_no_key_in_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
