/* Another key for a vault's logs: when, by whom, and what is left of the one before. */
#include "tests/unit/batch_check.h"
#include "vault/keep/internal.h"

static void deliver_some(ReleaseWorld *world, guint count)
{
    const char *both[] = {"a@example.org", "b@example.org", NULL};

    for (guint i = 0; i < count; i++) {
        g_autofree char *text = g_strdup_printf("message %u of %u", i, g_random_int());
        KeepDelivery delivery;

        assert_true(keep_fixture_deliver_at(world->fixture->keep, text, both, keep_fixture_now(),
                                            NULL, &delivery, NULL));
    }
}

static void rotated_key_is_announced_and_signs_from_then_on(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autoptr(GPtrArray) before = NULL;
    g_autoptr(GPtrArray) after = NULL;
    const VaultNoteKey *old, *new;

    before =
        vault_keep_log_keys(world->fixture->keep, VAULT_LOG_CONTROL, VAULT_KEEP_EPOCH_NOW, NULL);
    assert_true(vault_keep_rotate_log_key(world->fixture->keep, NULL));
    after =
        vault_keep_log_keys(world->fixture->keep, VAULT_LOG_CONTROL, VAULT_KEEP_EPOCH_NOW, NULL);
    assert_int_equal(after->len, before->len + 1);
    new = g_ptr_array_index(after, 0);
    old = g_ptr_array_index(after, 1);
    assert_memory_equal(old->public_key, ((VaultNoteKey *)before->pdata[0])->public_key,
                        VAULT_KEY_LEN);
    for (guint kind = 0; kind < 2; kind++) {
        g_autoptr(VaultLogReader) log = release_world_log(world, (VaultLogKind)kind);
        VaultEntry entry = release_world_entry(log, vault_log_reader_checkpoint(log)->size - 1);

        assert_int_equal(entry.kind, VAULT_ENTRY_KEY_ROTATED);
        assert_memory_equal(entry.key.bytes, new->public_key, VAULT_KEY_LEN);
    }
    {
        g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
        const char *text = vault_log_reader_note(log);
        g_autoptr(VaultNote) note = vault_note_parse(text, strlen(text), NULL);

        assert_true(vault_note_verify(note, new, NULL, NULL));
        assert_false(vault_note_verify(note, old, NULL, NULL));
    }
    deliver_some(world, 2);
    assert_each_record_is_in_one_batch(world);
}

static gboolean count_secret(const RowId *row_id, const GByteArray *value, gpointer user,
                             GError **error)
{
    static const LogSigningKey none;
    guint *count = user;
    VaultLogKeyValue key;

    if (VAULT_ID_EQUAL(*row_id, vault_log_state_row))
        return TRUE;
    assert_true(vault_log_key_value_parse(value->data, value->len, &key, NULL));
    *count += memcmp(&key.signing, &none, sizeof none) != 0;
    return TRUE;
}

static guint secret_count(ReleaseWorld *world)
{
    guint count = 0;

    assert_true(vault_keyring_each(world->fixture->keep->keyring, VAULT_KEYRING_LOG_KEYS,
                                   count_secret, &count, NULL));
    return count;
}

static void secrets_of_earlier_keys_are_forgotten(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();

    assert_true(vault_keep_rotate_log_key(world->fixture->keep, NULL));
    assert_int_equal(secret_count(world), 1);
    assert_true(vault_keep_rotate_log_key(world->fixture->keep, NULL));
    assert_int_equal(secret_count(world), 1);
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
    deliver_some(world, 2);
    assert_each_record_is_in_one_batch(world);
    assert_int_equal(keep_fixture_verify(world->fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

static guint key_count(ReleaseWorld *world)
{
    g_autoptr(GPtrArray) keys =
        vault_keep_log_keys(world->fixture->keep, VAULT_LOG_ARCHIVE, VAULT_KEEP_EPOCH_NOW, NULL);

    return keys->len;
}

static gboolean is_rotated_at(ReleaseWorld *world, guint64 now_s)
{
    gboolean is_rotated;

    keep_fixture_set_now(now_s);
    assert_true(vault_keep_rotate_log_key_when_due(world->fixture->keep, 30 * KEEP_FIXTURE_DAY_S,
                                                   &is_rotated, NULL));
    return is_rotated;
}

static void key_is_rotated_when_it_is_old_enough(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    guint64 made_s = keep_fixture_now(), due_s = made_s + 30 * KEEP_FIXTURE_DAY_S;

    assert_false(is_rotated_at(world, made_s));
    assert_false(is_rotated_at(world, made_s - 1));
    assert_false(is_rotated_at(world, due_s - 1));
    assert_true(is_rotated_at(world, due_s));
    assert_false(is_rotated_at(world, due_s));
    assert_true(is_rotated_at(world, due_s + 30 * KEEP_FIXTURE_DAY_S));
    assert_int_equal(key_count(world), 3);
    keep_fixture_set_now(made_s);
}

/* A clock that is ahead, and that the kernel does not vouch for. */
static void key_is_not_rotated_by_a_clock_that_may_be_wrong(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    guint64 made_s = keep_fixture_now();

    deliver_some(world, 1);
    keep_fixture_set_synchronised(FALSE);
    assert_false(is_rotated_at(world, made_s + 31 * KEEP_FIXTURE_DAY_S));
    keep_fixture_set_synchronised(TRUE);
    assert_true(is_rotated_at(world, made_s + 31 * KEEP_FIXTURE_DAY_S));
    keep_fixture_set_now(made_s);
}

static void operator_who_rotates_the_key_is_told_it(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    VaultKeep *keep = world->fixture->keep;
    g_autofree char *answer = NULL;
    g_autofree char *expected = NULL;
    char *vkeys[2];
    g_autoptr(GError) error = NULL;

    assert_true(vault_keep_operate(keep, "log-key-rotate", "", 0, &answer, NULL));
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GPtrArray) keys =
            vault_keep_log_keys(keep, (VaultLogKind)i, VAULT_KEEP_EPOCH_NOW, NULL);

        assert_int_equal(keys->len, 2);
        vkeys[i] = vault_note_key_format(keys->pdata[0]);
    }
    expected = g_strdup_printf("archive: %s\ncontrol: %s\n", vkeys[0], vkeys[1]);
    assert_string_equal(answer, expected);
    g_free(vkeys[0]);
    g_free(vkeys[1]);
    assert_false(vault_keep_operate(keep, "log-key-rotate", "x", 1, NULL, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
    assert_int_equal(key_count(world), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotated_key_is_announced_and_signs_from_then_on),
        cmocka_unit_test(secrets_of_earlier_keys_are_forgotten),
        cmocka_unit_test(key_is_rotated_when_it_is_old_enough),
        cmocka_unit_test(key_is_not_rotated_by_a_clock_that_may_be_wrong),
        cmocka_unit_test(operator_who_rotates_the_key_is_told_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
