/* Reading takes two parties: a vault with its vault key and all released slots opens nothing
 * without a grant, and a grant opens nothing without the slots. */
#include "tests/support/vault_world.h"

#include "vault/base/file.h"

#include <string.h>

#define MESSAGES 6

static const char *const owners[] = {"anna@example.org", "bert@example.org", NULL};

static VaultWorld *world_with_mail(void)
{
    VaultWorld *world = vault_world_new();

    for (guint i = 0; i < MESSAGES; i++) {
        g_autofree char *text = g_strdup_printf("Subject: %u\r\n\r\nnumber %u\r\n", i, i);
        vault_world_deliver(world, owners[i % 2], text, strlen(text));
    }
    return world;
}

/* A grant as someone without the master might make it up: the right ids, a guessed key. */
static GArray *guessed_grant(VaultWorld *world, const guint8 key[VAULT_KEY_LEN])
{
    GArray *granted = vault_world_grant(world);

    for (guint i = 0; i < granted->len; i++) {
        VaultGrantedKey *guess = &g_array_index(granted, VaultGrantedKey, i);
        memcpy(guess->content.bytes, key, VAULT_KEY_LEN);
        memcpy(guess->index.bytes, key, VAULT_KEY_LEN);
    }
    return granted;
}

static guint opened_with(VaultWorld *world, const GArray *granted, const ContentSlot *slot)
{
    g_autoptr(VaultReader) reader = vault_world_reader(world, granted);
    g_autoptr(GArray) copies = vault_world_copies(world);
    guint count = 0;

    assert_int_equal(copies->len, MESSAGES);
    if (reader == NULL)
        return 0;
    for (guint i = 0; i < copies->len; i++) {
        const VaultCopyEntry *entry = &g_array_index(copies, VaultCopyEntry, i);
        ContentSlot released = vault_world_release(world, entry);
        g_autoptr(GError) error = NULL;
        g_autoptr(VaultOpenedCopy) copy =
            vault_world_open_copy(world, reader, entry, slot == NULL ? &released : slot, &error);
        g_autoptr(GByteArray) message =
            copy == NULL ? NULL : vault_world_open_body(world, reader, copy, &error);

        if (message != NULL)
            count++;
        else if (!g_error_matches(error, VAULT_ERROR, VAULT_ERROR_REFUSED))
            assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
    }
    return count;
}

static void grant_and_slots_open_everything(void **state)
{
    g_autoptr(VaultWorld) world = world_with_mail();
    g_autoptr(GArray) granted = vault_world_grant(world);

    assert_int_equal(opened_with(world, granted, NULL), MESSAGES);
}

static void assert_key_opens_nothing(VaultWorld *world, const guint8 key[VAULT_KEY_LEN])
{
    g_autoptr(GArray) granted = guessed_grant(world, key);

    assert_int_equal(opened_with(world, granted, NULL), 0);
}

static void vault_key_and_all_slots_open_nothing(void **state)
{
    g_autoptr(VaultWorld) world = world_with_mail();
    g_autoptr(GBytes) text = vault_file_read(world->key_path, VAULT_KEY_FILE_LEN_MAX, NULL);
    g_autoptr(GArray) copies = vault_world_copies(world);
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    VaultId vault_id;
    gsize count = 0;

    assert_non_null(text);
    assert_true(vault_key_file_parse(g_bytes_get_data(text, NULL), &vault_id, keys, &count, NULL));
    assert_int_equal(count, 1);
    assert_key_opens_nothing(world, keys[0].bytes);
    for (guint i = 0; i < copies->len; i++) {
        ContentSlot slot = vault_world_release(world, &g_array_index(copies, VaultCopyEntry, i));
        assert_key_opens_nothing(world, slot.bytes);
    }
}

/* Every 32 bytes of the keyring's file that stand at a multiple of 8, as keys: nothing that would
 * open a record lies there in clear. */
static void nothing_in_the_vault_key_file_or_keyring_is_a_content_key(void **state)
{
    g_autoptr(VaultWorld) world = world_with_mail();
    g_autoptr(GArray) granted = vault_world_grant(world);
    const char *const names[] = {"keyring.sqlite", "keyring.sqlite-wal", "catalog.sqlite",
                                 "catalog.sqlite-wal", NULL};

    for (guint i = 0; names[i] != NULL; i++) {
        g_autofree char *path = g_build_filename(world->path, names[i], NULL);
        g_autoptr(GBytes) file = vault_file_read(path, 64u << 20, NULL);
        gsize len = 0;
        const guint8 *bytes = file == NULL ? NULL : g_bytes_get_data(file, &len);

        for (guint k = 0; k < granted->len && len > 0; k++) {
            const VaultGrantedKey *key = &g_array_index(granted, VaultGrantedKey, k);
            assert_null(memmem(bytes, len, key->content.bytes, VAULT_KEY_LEN));
            assert_null(memmem(bytes, len, key->index.bytes, VAULT_KEY_LEN));
        }
    }
}

static void grant_without_the_slots_opens_nothing(void **state)
{
    g_autoptr(VaultWorld) world = world_with_mail();
    g_autoptr(GArray) granted = vault_world_grant(world);
    g_autoptr(GArray) copies = vault_world_copies(world);
    ContentSlot zeros = {{0}};

    assert_int_equal(opened_with(world, granted, &zeros), 0);
    for (guint i = 0; i < copies->len; i++) {
        ContentSlot slot = vault_world_release(world, &g_array_index(copies, VaultCopyEntry, i));
        assert_int_equal(opened_with(world, granted, &slot), 1); /* its own message, no other */
    }
}

static void grant_of_one_mailbox_opens_no_other(void **state)
{
    g_autoptr(VaultWorld) world = world_with_mail();
    g_autoptr(GArray) granted = vault_world_grant(world);
    guint opened = 0;

    assert_true(granted->len >= 2);
    while (granted->len > 1)
        g_array_remove_index(granted, granted->len - 1);
    opened = opened_with(world, granted, NULL);
    assert_true(opened == MESSAGES / 2 || opened == 0); /* 0: the month of "unassigned" */
    assert_int_not_equal(opened, MESSAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_and_slots_open_everything),
        cmocka_unit_test(vault_key_and_all_slots_open_nothing),
        cmocka_unit_test(nothing_in_the_vault_key_file_or_keyring_is_a_content_key),
        cmocka_unit_test(grant_without_the_slots_opens_nothing),
        cmocka_unit_test(grant_of_one_mailbox_opens_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
