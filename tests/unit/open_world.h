/* A mailbox-month, a sealer and a record source in memory, for the tests of the reader. */
#pragma once

#include "grant_world.h"

#include "vault/base/bytes.h"
#include "vault/crypto/stream.h"
#include "vault/seal.h"

#define LEAF 7
#define RECEIVED_S WORLD_CREATED_S

/* A mailbox-month, a sealer and the records sealed so far: a record source of its own. */
typedef struct {
    VaultId vault_id;
    LocatorKey locator_key;
    VaultSealer *sealer;
    MonthPublicKeys keys;
    VaultGrantedKey granted;
    ContentSlot slot;
    GHashTable *records; /* RecordId -> GByteArray */
    VaultRecordSource source;
} World;

static inline GBytes *fetch(gpointer user, const RecordId *id, gsize len_max, GError **error)
{
    const GByteArray *record = g_hash_table_lookup(((World *)user)->records, id);

    if (record != NULL && record->len <= len_max)
        return g_bytes_new(record->data, record->len);
    g_set_error_literal(error, VAULT_ERROR,
                        record == NULL ? VAULT_ERROR_NOT_FOUND : VAULT_ERROR_TOO_LARGE, "fetch");
    return NULL;
}

static inline gboolean record_length(gpointer user, const RecordId *id, guint64 *ret_len,
                                     GError **error)
{
    const GByteArray *record = g_hash_table_lookup(((World *)user)->records, id);

    g_assert(record != NULL);
    *ret_len = record->len;
    return TRUE;
}

static inline gboolean record_read(gpointer user, const RecordId *id, guint64 offset, gsize len,
                                   guint8 *ret_bytes, GError **error)
{
    const GByteArray *record = g_hash_table_lookup(((World *)user)->records, id);

    if (offset + len > record->len) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "read past the end");
        return FALSE;
    }
    memcpy(ret_bytes, record->data + offset, len);
    return TRUE;
}

static inline void world_free(World *world)
{
    vault_sealer_free(world->sealer);
    g_hash_table_unref(world->records);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static inline World *world_new(void)
{
    World *world = g_new0(World, 1);
    g_auto(VaultMaster) master = {0};
    VaultWrapRecipient recipient;
    VaultMonthIdentity identity;
    VaultWrap wrap;

    vault_crypto_init();
    vault_master_create(&master);
    recipient = world_recipient(&master);
    vault_random(&world->vault_id, sizeof world->vault_id);
    vault_random(&world->locator_key, sizeof world->locator_key);
    vault_random(&world->slot, sizeof world->slot);
    vault_random(&world->granted.mailbox_id, VAULT_ID_LEN);
    identity = (VaultMonthIdentity){.vault_id = world->vault_id,
                                    .mailbox_id = world->granted.mailbox_id,
                                    .address = "a@example.org",
                                    .month = 202611};
    assert_true(vault_month_create(&identity, &recipient, 1, &world->keys, &wrap, NULL));
    assert_true(vault_month_unwrap(&identity, &world->keys, &wrap, master.secret_key.bytes,
                                   master.public.public_key.bytes, &world->granted.content,
                                   &world->granted.index, NULL));
    world->granted.month_key_id = vault_month_key_id(&world->keys.content);
    world->granted.month = 202611;
    world->granted.has_content = TRUE;
    world->sealer = vault_sealer_new(&(VaultSealerOptions){
        .vault_id = world->vault_id, .locator_key = &world->locator_key, .contexts_max = 2});
    world->records = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free,
                                           (GDestroyNotify)g_byte_array_unref);
    world->source = (VaultRecordSource){
        .fetch = fetch, .length = record_length, .read = record_read, .user = world};
    return world;
}

static inline GByteArray *world_store(World *world, const RecordId *id, const void *bytes,
                                      gsize len)
{
    GByteArray *record = g_byte_array_new();

    g_byte_array_append(record, bytes, (guint)len);
    g_hash_table_insert(world->records, g_memdup2(id, sizeof *id), record);
    return record;
}

static inline VaultReader *world_reader(const World *world)
{
    VaultReaderScope scope = {.vault_id = &world->vault_id,
                              .keys = &world->granted,
                              .key_count = 1,
                              .from_s = RECEIVED_S,
                              .to_s = RECEIVED_S + 1};
    VaultReader *reader = vault_reader_new(&scope, NULL);

    assert_non_null(reader);
    return reader;
}

/* Seals one copy of the body, with one fact. */
static inline VaultOpenEntry seal_copy(World *world, const VaultSealedBody *body)
{
    g_autoptr(GByteArray) facts = g_byte_array_new();
    g_autoptr(VaultRecord) copy = NULL;
    g_auto(VaultAllotment) allotment = {.mailbox_id = world->granted.mailbox_id,
                                        .month_key_id = world->granted.month_key_id,
                                        .content_key = world->keys.content,
                                        .leaf = LEAF,
                                        .slot = world->slot};

    vault_fact_append(facts, VAULT_FACT_SENDER, "s@example.org", 13);
    copy = vault_seal_copy(world->sealer, body, &allotment, RECEIVED_S, 0, facts, NULL);
    assert_non_null(copy);
    world_store(world, &copy->record_id, g_bytes_get_data(copy->bytes, NULL),
                g_bytes_get_size(copy->bytes));
    return (VaultOpenEntry){.record_id = copy->record_id,
                            .body_id = *vault_sealed_body_id(body),
                            .mailbox_id = world->granted.mailbox_id,
                            .month_key_id = world->granted.month_key_id,
                            .leaf = LEAF,
                            .received_s = RECEIVED_S};
}

static inline VaultOpenEntry seal_whole(World *world, const void *message, gsize len)
{
    VaultLocator locator = {.received_s = RECEIVED_S, .archived_s = RECEIVED_S};
    g_autoptr(VaultSealedBody) body = vault_seal_body(world->sealer, message, len, &locator, NULL);
    g_autoptr(VaultRecord) record = NULL;

    assert_non_null(body);
    record = vault_sealed_body_take_record(body);
    world_store(world, &record->record_id, g_bytes_get_data(record->bytes, NULL),
                g_bytes_get_size(record->bytes));
    return seal_copy(world, body);
}

/* ---- a stream pack in memory ---- */

static inline gboolean sink_append(gpointer sink, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(sink, bytes, (guint)len);
    return TRUE;
}

static inline gboolean sink_finish(gpointer sink, const guint8 *header, gsize header_len,
                                   VaultPlace *ret_place, GError **error)
{
    g_byte_array_prepend(sink, header, (guint)header_len);
    *ret_place = (VaultPlace){.len = ((GByteArray *)sink)->len};
    return TRUE;
}

static inline void sink_abandon(gpointer sink)
{
}

static inline VaultOpenEntry seal_streamed(World *world, const guint8 *message, gsize len)
{
    VaultLocator locator = {.received_s = RECEIVED_S, .archived_s = RECEIVED_S};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VaultBodySink sink = {
        .append = sink_append, .finish = sink_finish, .abandon = sink_abandon, .sink = bytes};
    g_autoptr(VaultBodyStream) stream = vault_body_stream_begin(world->sealer, sink, NULL);
    g_autoptr(VaultSealedBody) body = NULL;

    for (gsize at = 0; at < len; at += 10000)
        assert_true(vault_body_stream_write(stream, message + at, MIN(10000, len - at), NULL));
    body = vault_body_stream_finish(stream, &locator, NULL);
    assert_non_null(body);
    world_store(world, vault_sealed_body_id(body), bytes->data, bytes->len);
    return seal_copy(world, body);
}

static inline gboolean collect(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(user, bytes, (guint)len);
    return TRUE;
}

/* The message, or NULL with the error. */
static inline GByteArray *open_message(World *world, VaultReader *reader,
                                       const VaultOpenEntry *entry, GError **error)
{
    g_autoptr(VaultOpenedCopy) copy =
        vault_reader_open_copy(reader, entry, &world->slot, &world->source, error);
    g_autoptr(GByteArray) message = g_byte_array_new();
    VaultHash hash, expected;

    if (copy == NULL ||
        !vault_reader_open_body(reader, copy, &world->source, collect, message, &hash, error))
        return NULL;
    vault_hash(message->data, message->len, &expected);
    assert_memory_equal(hash.bytes, expected.bytes, VAULT_HASH_LEN);
    assert_int_equal(copy->body.message_len, message->len);
    return g_steal_pointer(&message);
}

static inline void assert_opens_as(World *world, const VaultOpenEntry *entry, const guint8 *bytes,
                                   gsize len)
{
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) message = open_message(world, reader, entry, &error);

    if (message == NULL)
        fail_msg("%zu bytes: %s", len, error->message);
    assert_int_equal(message->len, len);
    if (len > 0)
        assert_memory_equal(message->data, bytes, len);
}

static inline guint8 *random_message(gsize len)
{
    guint8 *bytes = g_malloc(len + 1);

    vault_random(bytes, len + 1);
    return bytes;
}

static inline guint8 *text_message(gsize len)
{
    guint8 *bytes = g_malloc(len + 1);

    for (gsize i = 0; i <= len; i++)
        bytes[i] =
            (guint8) "From: a@example.org\r\nSubject: what is said\r\n\r\n"[(i + i / 777) % 47];
    return bytes;
}
