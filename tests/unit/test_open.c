/* The reader against records that the sealer made, as they are and changed. */
#include "open_world.h"

static void message_of_any_length_comes_back_exactly(void **state)
{
    static const gsize lengths[] = {0,     1,     700,   1023,   65515,  65519,
                                    65520, 65536, 65537, 131072, 200000, 1u << 20};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(World) world = world_new();
        g_autofree guint8 *random = random_message(lengths[i]);
        g_autofree guint8 *text = text_message(lengths[i]);
        VaultOpenEntry entry = seal_whole(world, random, lengths[i]);

        assert_opens_as(world, &entry, random, lengths[i]);
        entry = seal_whole(world, text, lengths[i]);
        assert_opens_as(world, &entry, text, lengths[i]);
    }
}

static void streamed_message_comes_back_exactly(void **state)
{
    static const gsize lengths[] = {0, 65536, 1100000, 3 << 20, (3 << 20) + 17};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(World) world = world_new();
        g_autofree guint8 *random = random_message(lengths[i]);
        g_autofree guint8 *text = text_message(lengths[i]);
        VaultOpenEntry entry = seal_streamed(world, random, lengths[i]);

        assert_opens_as(world, &entry, random, lengths[i]);
        entry = seal_streamed(world, text, lengths[i]);
        assert_opens_as(world, &entry, text, lengths[i]);
    }
}

static void copy_gives_its_facts(void **state)
{
    g_autoptr(World) world = world_new();
    VaultOpenEntry entry = seal_whole(world, "x", 1);
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(VaultOpenedCopy) copy =
        vault_reader_open_copy(reader, &entry, &world->slot, &world->source, NULL);
    const guint8 *value;
    gsize offset = 0, len;
    guint16 type;

    assert_true(vault_fact_next(copy->facts->data, copy->facts->len, &offset, &type, &value, &len));
    assert_int_equal(type, VAULT_FACT_SENDER);
    assert_int_equal(len, 13);
    assert_memory_equal(value, "s@example.org", 13);
    assert_int_equal(copy->received_s, RECEIVED_S);
}

/* ---- tampering ---- */

static void assert_refused(World *world, VaultReader *reader, const VaultOpenEntry *entry,
                           const char *what, gsize at)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) message = open_message(world, reader, entry, &error);

    if (message != NULL)
        fail_msg("%s: changed at %zu and still opened", what, at);
    assert_true(error->domain == VAULT_ERROR);
    assert_true(error->code == VAULT_ERROR_CORRUPT || error->code == VAULT_ERROR_NO_KEY ||
                error->code == VAULT_ERROR_UNSUPPORTED);
}

static void assert_no_change_passes(World *world, const VaultOpenEntry *entry, const RecordId *id,
                                    gsize step)
{
    g_autoptr(VaultReader) reader = world_reader(world);
    GByteArray *record = g_hash_table_lookup(world->records, id);
    guint len = record->len;

    for (gsize at = 0; at < len; at += step) {
        record->data[at] ^= (guint8)(1u << (at % 8));
        assert_refused(world, reader, entry, "flipped", at);
        record->data[at] ^= (guint8)(1u << (at % 8));
    }
    for (guint cut = 1; cut < len; cut += (guint)step * 3) {
        record->len = len - cut;
        assert_refused(world, reader, entry, "cut", cut);
    }
    record->len = len;
    g_byte_array_append(record, (const guint8 *)"\0", 1);
    assert_refused(world, reader, entry, "longer", len);
    g_byte_array_set_size(record, len);
    g_byte_array_unref(open_message(world, reader, entry, NULL));
}

static void changed_byte_of_a_copy_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    VaultOpenEntry entry = seal_whole(world, "message", 7);

    assert_no_change_passes(world, &entry, &entry.record_id, 1);
}

static void changed_byte_of_a_body_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree guint8 *random = random_message(150000);
    VaultOpenEntry entry = seal_whole(world, "message", 7);

    assert_no_change_passes(world, &entry, &entry.body_id, 1);
    entry = seal_whole(world, random, 150000);
    assert_no_change_passes(world, &entry, &entry.body_id, 1021);
}

static void changed_byte_of_a_streamed_body_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree guint8 *random = random_message(1300000);
    VaultOpenEntry entry = seal_streamed(world, random, 1300000);

    assert_no_change_passes(world, &entry, &entry.body_id, 65537);
}

static void record_of_another_message_in_its_place_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    VaultOpenEntry one = seal_whole(world, "one", 3), two = seal_whole(world, "two", 3);
    GByteArray *body = g_hash_table_lookup(world->records, &two.body_id);
    GByteArray *copy = g_hash_table_lookup(world->records, &two.record_id);
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(GError) error = NULL;
    VaultOpenEntry mixed = two;

    mixed.body_id = one.body_id;
    assert_null(open_message(world, reader, &mixed, &error));
    assert_vault_error(error, VAULT_ERROR_CORRUPT);
    world_store(world, &one.body_id, body->data, body->len);
    assert_refused(world, reader, &one, "another body", 0);
    world_store(world, &one.record_id, copy->data, copy->len);
    assert_refused(world, reader, &one, "another copy", 0);
}

static void wrong_slot_leaf_vault_or_key_opens_nothing(void **state)
{
    g_autoptr(World) world = world_new();
    VaultOpenEntry entry = seal_whole(world, "message", 7);
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(VaultReader) other_vault = NULL;
    g_autoptr(GError) error = NULL;

    world->slot.bytes[0] ^= 1;
    assert_null(open_message(world, reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_NO_KEY);
    g_clear_error(&error);
    world->slot.bytes[0] ^= 1;

    entry.leaf++;
    assert_null(open_message(world, reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_NO_KEY);
    g_clear_error(&error);
    entry.leaf--;

    world->vault_id.bytes[0] ^= 1;
    other_vault = world_reader(world);
    assert_null(open_message(world, other_vault, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_NO_KEY);
    g_clear_error(&error);

    world->granted.content.bytes[5] ^= 1;
    assert_null(vault_reader_new(
        &(VaultReaderScope){.vault_id = &world->vault_id, .keys = &world->granted, .key_count = 1},
        &error));
    assert_vault_error(error, VAULT_ERROR_NO_KEY);
}

static void missing_record_is_what_the_source_says(void **state)
{
    g_autoptr(World) world = world_new();
    VaultOpenEntry entry = seal_whole(world, "message", 7);
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(GError) error = NULL;

    g_hash_table_remove(world->records, &entry.body_id);
    assert_null(open_message(world, reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_hash_table_remove(world->records, &entry.record_id);
    assert_null(open_message(world, reader, &entry, &error));
    assert_vault_error(error, VAULT_ERROR_NOT_FOUND);
}

static gboolean full(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE, "full");
    return FALSE;
}

static void failing_sink_ends_the_opening_and_the_reader_goes_on(void **state)
{
    g_autoptr(World) world = world_new();
    VaultOpenEntry entry = seal_whole(world, "message", 7);
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(VaultOpenedCopy) copy =
        vault_reader_open_copy(reader, &entry, &world->slot, &world->source, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) message = NULL;
    VaultHash hash;

    assert_false(vault_reader_open_body(reader, copy, &world->source, full, NULL, &hash, &error));
    assert_vault_error(error, VAULT_ERROR_NO_SPACE);
    message = open_message(world, reader, &entry, NULL);
    assert_non_null(message);
}

typedef struct {
    World *world;
    VaultReader *reader;
    VaultOpenEntry entries[2];
    guint8 *messages[2];
    gsize lens[2];
} Shared;

static gpointer open_many(gpointer user)
{
    Shared *shared = user;
    gsize failures = 0;

    for (guint i = 0; i < 20; i++) {
        guint which = i % 2;
        g_autoptr(GByteArray) message =
            open_message(shared->world, shared->reader, &shared->entries[which], NULL);

        if (message == NULL || message->len != shared->lens[which] ||
            memcmp(message->data, shared->messages[which], message->len) != 0)
            failures++;
    }
    return GSIZE_TO_POINTER(failures);
}

static void reader_is_shared_by_threads(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autofree guint8 *text = text_message(100000);
    g_autofree guint8 *random = random_message(1200000);
    Shared shared = {
        .world = world,
        .reader = reader,
        .entries = {seal_whole(world, text, 100000), seal_streamed(world, random, 1200000)},
        .messages = {text, random},
        .lens = {100000, 1200000}};
    GThread *threads[4];

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("open", open_many, &shared);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        assert_null(g_thread_join(threads[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_of_any_length_comes_back_exactly),
        cmocka_unit_test(streamed_message_comes_back_exactly),
        cmocka_unit_test(copy_gives_its_facts),
        cmocka_unit_test(changed_byte_of_a_copy_is_refused),
        cmocka_unit_test(changed_byte_of_a_body_is_refused),
        cmocka_unit_test(changed_byte_of_a_streamed_body_is_refused),
        cmocka_unit_test(record_of_another_message_in_its_place_is_refused),
        cmocka_unit_test(wrong_slot_leaf_vault_or_key_opens_nothing),
        cmocka_unit_test(missing_record_is_what_the_source_says),
        cmocka_unit_test(failing_sink_ends_the_opening_and_the_reader_goes_on),
        cmocka_unit_test(reader_is_shared_by_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
