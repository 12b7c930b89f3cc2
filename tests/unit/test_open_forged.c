/* The reader against bodies that no honest sealer makes, with copies that name them. */
#include "open_world.h"

#include <zstd.h>

typedef struct {
    const guint8 *plaintext; /* frame and what follows */
    gsize len;
    guint64 message_len, compressed_len;
    VaultHash message_hash;
} Forged;

/* A body under `key` and of `id` as a dishonest holder of the key could make it: fitting chunks,
 * header and hash. `ret_copy` names it. */
static void forge_body(World *world, const Forged *forged, const RecordId *id, const BodyKey *key,
                       VaultOpenedCopy *ret_copy)
{
    VaultStreamParameters parameters = {
        .key = key, .record_id = *id, .suite = VAULT_SUITE_X25519, .kind = VAULT_RECORD_BODY};
    VaultRecordHeader header = {.kind = VAULT_RECORD_BODY,
                                .suite = VAULT_SUITE_X25519,
                                .record_id = *id,
                                .ciphertext_len = vault_stream_ciphertext_len(forged->len)};
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    g_autofree guint8 *ciphertext = g_malloc(header.ciphertext_len);
    g_autoptr(VaultStream) stream = vault_stream_new(&parameters, ciphertext);
    guint8 *next = ciphertext + VAULT_STREAM_COMMITMENT_LEN;
    gsize at = 0, clear_len, header_len;
    VaultLocator locator = {.received_s = RECEIVED_S};
    VaultHash ciphertext_hash;
    GByteArray *record;

    for (; forged->len - at > VAULT_STREAM_CHUNK_LEN; at += VAULT_STREAM_CHUNK_LEN) {
        assert_true(vault_stream_seal(stream, forged->plaintext + at, VAULT_STREAM_CHUNK_LEN,
                                      VAULT_STREAM_MORE, next, NULL));
        next += VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN;
    }
    assert_true(vault_stream_seal(stream, forged->plaintext + at, forged->len - at,
                                  VAULT_STREAM_LAST, next, NULL));
    ret_copy->body = (VaultBodyReference){.key = *key,
                                          .body_id = *id,
                                          .message_len = forged->message_len,
                                          .compressed_len = forged->compressed_len,
                                          .compression = VAULT_COMPRESSION_ZSTD};
    vault_message_commitment(&ret_copy->body.salt, &forged->message_hash, header.by_kind);
    clear_len = vault_record_format_clear(&header, &world->locator_key, &locator, bytes);
    header_len = vault_record_format_crcs(bytes, clear_len,
                                          vault_crc32c(0, ciphertext, header.ciphertext_len));
    vault_hash(ciphertext, header.ciphertext_len, &ciphertext_hash);
    vault_record_hash(bytes, header_len, &ciphertext_hash, &ret_copy->body.body_hash);
    record = world_store(world, id, bytes, header_len);
    g_byte_array_append(record, ciphertext, (guint)header.ciphertext_len);
}

static Forged honest(const guint8 *message, gsize len, GByteArray *frame)
{
    Forged forged = {.message_len = len};
    gsize frame_len;

    g_byte_array_set_size(frame, (guint)ZSTD_compressBound(len) + 64);
    frame_len = ZSTD_compress(frame->data, frame->len, message, len, 3);
    assert_false(ZSTD_isError(frame_len));
    memset(frame->data + frame_len, 0, 64);
    g_byte_array_set_size(frame, (guint)frame_len + 64);
    forged.plaintext = frame->data;
    forged.len = frame->len;
    forged.compressed_len = frame_len;
    vault_hash(message, len, &forged.message_hash);
    return forged;
}

static gboolean opens(World *world, VaultReader *reader, const VaultOpenedCopy *copy,
                      gsize *ret_given, GError **error)
{
    g_autoptr(GByteArray) message = g_byte_array_new();
    VaultHash hash;
    gboolean is_open =
        vault_reader_open_body(reader, copy, &world->source, collect, message, &hash, error);

    *ret_given = message->len;
    return is_open;
}

static void assert_forged_refused(World *world, const Forged *forged, const char *what)
{
    g_autoptr(VaultReader) reader = world_reader(world);
    VaultOpenedCopy copy = {0};
    g_autoptr(GError) error = NULL;
    BodyKey key = {{3}};
    RecordId id = {{4}};
    gsize given;

    forge_body(world, forged, &id, &key, &copy);
    if (opens(world, reader, &copy, &given, &error))
        fail_msg("%s was taken", what);
    assert_vault_error(error, VAULT_ERROR_CORRUPT);
    assert_true(given <= forged->message_len);
}

static void lengths_that_are_not_those_of_the_frame_are_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(GByteArray) frame = g_byte_array_new();
    g_autofree guint8 *text = text_message(300000);
    Forged good = honest(text, 300000, frame), forged = good;
    VaultOpenedCopy copy = {0};
    BodyKey key = {{3}};
    RecordId id = {{4}};
    gsize given;

    forge_body(world, &good, &id, &key, &copy);
    assert_true(opens(world, reader, &copy, &given, NULL));
    forged.message_len++;
    assert_forged_refused(world, &forged, "a message length one too long");
    forged.message_len -= 2;
    assert_forged_refused(world, &forged, "a message length one too short");
    forged.message_len = 10;
    assert_forged_refused(world, &forged, "a frame far longer than said");
    forged = good;
    forged.compressed_len++;
    assert_forged_refused(world, &forged, "a frame length one too long");
    forged.compressed_len -= 2;
    assert_forged_refused(world, &forged, "a frame length one too short");
    forged.compressed_len = good.len + 1;
    assert_forged_refused(world, &forged, "a frame length past the plaintext");
}

static void something_after_the_frame_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GByteArray) frame = g_byte_array_new();
    Forged forged = honest((const guint8 *)"message", 7, frame);

    frame->data[frame->len - 1] = 1;
    assert_forged_refused(world, &forged, "a byte in the padding");
    frame->data[frame->len - 1] = 0;
    frame->data[forged.compressed_len] = 1;
    assert_forged_refused(world, &forged, "a byte behind the frame");
}

static void two_frames_are_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GByteArray) frame = g_byte_array_new();
    Forged forged = honest((const guint8 *)"message", 7, frame);
    g_autofree guint8 *twice = g_malloc(2 * forged.compressed_len);

    memcpy(twice, frame->data, forged.compressed_len);
    memcpy(twice + forged.compressed_len, frame->data, forged.compressed_len);
    forged.plaintext = twice;
    forged.len = forged.compressed_len = 2 * forged.compressed_len;
    forged.message_len = 14;
    vault_hash("messagemessage", 14, &forged.message_hash);
    assert_forged_refused(world, &forged, "a second frame");
}

static void frame_that_asks_for_a_large_window_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree guint8 *text = text_message(1 << 20);
    g_autofree guint8 *frame = g_malloc(1 << 20);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    Forged forged = {.plaintext = frame, .message_len = 1 << 20};
    ZSTD_inBuffer in = {text, 1 << 20, 0};
    ZSTD_outBuffer out = {frame, 1 << 20, 0};

    /* Streamed without a known size, so that the frame says its window. */
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 25);
    assert_int_equal(ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush), 0);
    assert_int_equal(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(context);
    forged.len = forged.compressed_len = out.pos;
    vault_hash(text, 1 << 20, &forged.message_hash);
    assert_forged_refused(world, &forged, "a window of 32 MiB");
}

static void message_other_than_the_committed_one_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GByteArray) frame = g_byte_array_new();
    Forged forged = honest((const guint8 *)"message", 7, frame);

    forged.message_hash.bytes[0] ^= 1;
    assert_forged_refused(world, &forged, "another commitment");
}

/* A co-owner knows the body key: he can make another body of it, but not with the hash that the
 * other owner's copy names. */
static void body_made_anew_with_the_same_key_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    VaultOpenEntry entry = seal_whole(world, "owed: 100", 9);
    g_autoptr(VaultReader) reader = world_reader(world);
    g_autoptr(VaultOpenedCopy) copy =
        vault_reader_open_copy(reader, &entry, &world->slot, &world->source, NULL);
    VaultOpenedCopy forged_copy = {0};
    g_autoptr(GByteArray) frame = g_byte_array_new();
    Forged forged = honest((const guint8 *)"owed: 900", 9, frame);
    g_autoptr(GError) error = NULL;
    gsize given;

    forge_body(world, &forged, &entry.body_id, &copy->body.key, &forged_copy);
    assert_true(opens(world, reader, &forged_copy, &given, NULL));
    assert_false(opens(world, reader, copy, &given, &error));
    assert_vault_error(error, VAULT_ERROR_CORRUPT);
    assert_int_equal(given, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_that_are_not_those_of_the_frame_are_refused),
        cmocka_unit_test(something_after_the_frame_is_refused),
        cmocka_unit_test(two_frames_are_refused),
        cmocka_unit_test(frame_that_asks_for_a_large_window_is_refused),
        cmocka_unit_test(message_other_than_the_committed_one_is_refused),
        cmocka_unit_test(body_made_anew_with_the_same_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
