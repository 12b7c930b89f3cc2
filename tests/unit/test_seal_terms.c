/* Terms as sealed records: inline or in a body of their own, each copy for one owner and one place
 * of a session; and the second pass over a streamed body. */
#include "open_world.h"

#include "tests/support/terms_open.h"

#include "vault/crypto/value.h"

static const VaultLocator body_locator = {.received_s = RECEIVED_S, .archived_s = RECEIVED_S};
static const RecordId body_id = {{0xb0, 0x0d}};

/* An allotment of the world's month, and what its terms copy opens under. */
typedef struct {
    VaultAllotment allotment;
    SupportTermsKey key;
} Place;

static Place make_place(World *world, VaultIndexSession *session, guint32 leaf)
{
    Place place = {.allotment = {.mailbox_id = world->granted.mailbox_id,
                                 .month_key_id = world->granted.month_key_id,
                                 .leaf = leaf,
                                 .has_index = TRUE},
                   .key = {.vault_id = world->vault_id,
                           .month_key_id = world->granted.month_key_id,
                           .secret = world->granted.index,
                           .public_key = world->keys.index}};

    vault_random(&place.allotment.index_slot, sizeof place.allotment.index_slot);
    assert_true(vault_index_session_next(session, &place.allotment.index_step,
                                         &place.allotment.index_key, NULL));
    memcpy(place.allotment.index_enc, session->enc, sizeof session->enc);
    memcpy(place.key.enc, session->enc, sizeof session->enc);
    place.key.slot = place.allotment.index_slot;
    place.key.step = place.allotment.index_step;
    return place;
}

static VaultIndexSession begin_session(World *world)
{
    VaultIndexContext context = {world->vault_id, world->granted.month_key_id};
    VaultIndexSession session;

    assert_true(vault_index_session_begin(&world->keys.index, &context, &session, NULL));
    return session;
}

static VaultSealedTerms *seal_terms(World *world, const void *terms, gsize len, gsize owner_count)
{
    g_autoptr(GError) error = NULL;
    VaultSealedTerms *sealed =
        vault_seal_terms(world->sealer, &body_id, terms, len, owner_count, &error);
    g_autoptr(VaultRecord) body = NULL;

    if (sealed == NULL)
        fail_msg("%s", error->message);
    body = vault_sealed_terms_take_record(sealed);
    if (body != NULL)
        world_store(world, &body->record_id, g_bytes_get_data(body->bytes, NULL),
                    g_bytes_get_size(body->bytes));
    return sealed;
}

static VaultRecord *seal_terms_copy(World *world, const VaultSealedTerms *terms, Place *place)
{
    VaultRecord *record = vault_seal_terms_copy(world->sealer, terms, &place->allotment, NULL);

    assert_non_null(record);
    return record;
}

static void assert_opens(World *world, const Place *place, const VaultRecord *record,
                         const void *terms, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) found =
        support_open_terms(&place->key, record->bytes, &world->source, &error);

    if (found == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(found->len, len);
    if (len > 0)
        assert_memory_equal(found->data, terms, len);
}

static void assert_does_not_open(const SupportTermsKey *key, const VaultRecord *record)
{
    g_autoptr(GError) error = NULL;

    assert_null(support_open_terms_copy(key, record->bytes, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
}

/* ---- one owner, several owners --------------------------------------------------------------- */

static void terms_open_again_inline_and_from_a_body(void **state)
{
    static const gsize lengths[] = {0, 1, 700, 65000, 300000};
    g_autoptr(World) world = world_new();
    VaultIndexSession session = begin_session(world);

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (gsize owners = 1; owners <= 2; owners++) {
            g_autofree guint8 *terms = random_message(lengths[i]);
            g_autoptr(VaultSealedTerms) sealed = seal_terms(world, terms, lengths[i], owners);
            gboolean is_inline = owners == 1 && lengths[i] < VAULT_TERMS_INLINE_MAX;

            assert_int_equal(g_hash_table_size(world->records), is_inline ? 0 : 1);
            for (gsize owner = 0; owner < owners; owner++) {
                Place place = make_place(world, &session, LEAF);
                g_autoptr(VaultRecord) copy = seal_terms_copy(world, sealed, &place);

                assert_opens(world, &place, copy, terms, lengths[i]);
            }
            g_hash_table_remove_all(world->records);
        }
    }
}

static void terms_at_the_limit_are_inline_and_one_past_it_are_not(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree guint8 *terms = random_message(VAULT_TERMS_INLINE_MAX + 2);
    gsize longest = 0, shortest = G_MAXSIZE;

    for (gsize len = VAULT_TERMS_INLINE_MAX - 2; len <= VAULT_TERMS_INLINE_MAX + 2; len++) {
        g_autoptr(VaultSealedTerms) sealed =
            vault_seal_terms(world->sealer, &body_id, terms, len, 1, NULL);
        g_autoptr(VaultRecord) body = vault_sealed_terms_take_record(sealed);

        if (body == NULL)
            longest = len;
        else
            shortest = MIN(shortest, len);
    }
    assert_int_equal(longest, VAULT_TERMS_INLINE_MAX);
    assert_int_equal(shortest, longest + 1);
}

static void records_are_what_their_headers_say(void **state)
{
    g_autoptr(World) world = world_new();
    VaultIndexSession session = begin_session(world);
    Place first = make_place(world, &session, LEAF - 1), place = make_place(world, &session, LEAF);
    g_autoptr(VaultSealedTerms) sealed =
        vault_seal_terms(world->sealer, &body_id, "terms", 5, 2, NULL);
    g_autoptr(VaultRecord) body = vault_sealed_terms_take_record(sealed);
    g_autoptr(VaultRecord) copy = seal_terms_copy(world, sealed, &place);
    const VaultRecord *records[] = {body, copy};

    assert_null(vault_sealed_terms_take_record(sealed));
    for (gsize i = 0; i < G_N_ELEMENTS(records); i++) {
        gsize len;
        const guint8 *bytes = g_bytes_get_data(records[i]->bytes, &len);
        VaultRecordHeader header;
        VaultLocator locator;
        VaultHash ciphertext_hash, hash;

        assert_true(vault_record_header_parse(bytes, len, &header, NULL));
        assert_int_equal(header.kind, i == 0 ? VAULT_RECORD_TERMS_BODY : VAULT_RECORD_TERMS_COPY);
        assert_int_equal(header.header_len + header.ciphertext_len, len);
        assert_int_equal(vault_crc32c(0, bytes + header.header_len, header.ciphertext_len),
                         header.ciphertext_crc);
        vault_hash(bytes + header.header_len, header.ciphertext_len, &ciphertext_hash);
        vault_record_hash(bytes, header.header_len, &ciphertext_hash, &hash);
        assert_true(vault_hash_equal(&hash, &records[i]->hash));
        assert_true(vault_record_locator_open(bytes, &header, &world->locator_key, &locator, NULL));
        assert_memory_equal(&locator, &records[i]->locator, sizeof locator);
        assert_true(VAULT_ID_EQUAL(locator.body_id, body_id));
    }
    assert_int_equal(first.key.step, 0);
    assert_int_equal(place.key.step, 1);
    assert_int_equal(copy->locator.leaf, LEAF);
    assert_int_equal(copy->locator.step, place.key.step);
    assert_memory_equal(copy->locator.enc, place.key.enc, sizeof place.key.enc);
}

static void short_terms_cannot_be_told_apart_by_length(void **state)
{
    g_autoptr(World) world = world_new();
    VaultIndexSession session = begin_session(world);
    gsize expected = vault_record_header_len(VAULT_RECORD_TERMS_COPY) + VAULT_INDEX_OVERHEAD_LEN +
                     VAULT_TERMS_INLINE_LEN_MIN;

    for (gsize len = 0; len < 90; len += 10) {
        g_autofree guint8 *terms = random_message(len);
        g_autoptr(VaultSealedTerms) sealed = seal_terms(world, terms, len, 1);
        Place place = make_place(world, &session, LEAF);
        g_autoptr(VaultRecord) copy = seal_terms_copy(world, sealed, &place);

        assert_int_equal(g_bytes_get_size(copy->bytes), expected);
    }
}

static void terms_over_their_limit_are_too_large(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GError) error = NULL;

    /* Refused by its length alone: no byte of it is looked at. */
    assert_null(vault_seal_terms(world->sealer, &body_id, "", VAULT_TERMS_LEN_MAX + 1, 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE));
}

/* ---- whose they are -------------------------------------------------------------------------- */

static void terms_copy_opens_only_with_its_own_slot_key_step_and_session(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(World) stranger = world_new();
    VaultIndexSession session = begin_session(world);
    VaultIndexSession later = begin_session(world);
    g_autoptr(VaultSealedTerms) sealed = seal_terms(world, "terms", 5, 2);
    Place first = make_place(world, &session, 1), second = make_place(world, &session, 2);
    Place elsewhere = make_place(world, &later, 3);
    g_autoptr(VaultRecord) copy = seal_terms_copy(world, sealed, &first);
    SupportTermsKey key;

    assert_opens(world, &first, copy, "terms", 5);
    key = first.key;
    key.slot = second.key.slot;
    assert_does_not_open(&key, copy);
    key = first.key;
    key.step = second.key.step;
    assert_does_not_open(&key, copy);
    key = first.key;
    memcpy(key.enc, elsewhere.key.enc, sizeof key.enc);
    assert_does_not_open(&key, copy);
    key = first.key;
    key.secret = stranger->granted.index;
    key.public_key = stranger->keys.index;
    assert_does_not_open(&key, copy);
    key = first.key;
    key.month_key_id = stranger->granted.month_key_id;
    assert_does_not_open(&key, copy);
    key = first.key;
    key.vault_id = stranger->vault_id;
    assert_does_not_open(&key, copy);
}

static void no_byte_of_a_terms_copy_may_change(void **state)
{
    g_autoptr(World) world = world_new();
    VaultIndexSession session = begin_session(world);
    Place place = make_place(world, &session, LEAF);
    g_autoptr(VaultSealedTerms) sealed = seal_terms(world, "terms", 5, 1);
    g_autoptr(VaultRecord) copy = seal_terms_copy(world, sealed, &place);
    gsize len, header_len = vault_record_header_len(VAULT_RECORD_TERMS_COPY);
    const guint8 *bytes = g_bytes_get_data(copy->bytes, &len);
    g_autofree guint8 *changed = g_memdup2(bytes, len);

    /* The ciphertext's CRC is not bound; it is what finds accidents. */
    for (gsize i = 8; i < len; i++) {
        g_autoptr(GBytes) whole = NULL;
        VaultRecord damaged = {.kind = VAULT_RECORD_TERMS_COPY};

        if (i >= 24 && i < 32)
            continue; /* the length: the header no longer fits the record */
        if (i == header_len - VAULT_RECORD_CRC_LEN)
            i = header_len;
        changed[i] ^= 1;
        vault_bytes_put_u32(changed + header_len - 4, vault_crc32c(0, changed, header_len - 4));
        whole = g_bytes_new(changed, len);
        damaged.bytes = whole;
        assert_does_not_open(&place.key, &damaged);
        changed[i] ^= 1;
    }
}

static void a_place_in_a_session_is_good_once(void **state)
{
    static const guint8 zeros[VAULT_KEY_LEN];
    g_autoptr(World) world = world_new();
    VaultIndexSession session = begin_session(world);
    Place place = make_place(world, &session, LEAF);
    g_autoptr(VaultSealedTerms) sealed = seal_terms(world, "terms", 5, 1);
    g_autoptr(VaultRecord) copy = seal_terms_copy(world, sealed, &place);
    g_autoptr(GError) error = NULL;

    assert_memory_equal(place.allotment.index_key.bytes, zeros, sizeof zeros);
    assert_memory_equal(place.allotment.index_slot.bytes, zeros, sizeof zeros);
    assert_null(vault_seal_terms_copy(world->sealer, sealed, &place.allotment, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
}

/* ---- the second pass over a streamed body ---------------------------------------------------- */

/* A stream in memory that is read again; fails the read that it is told to. */
typedef struct {
    GByteArray *bytes;
    guint reads, closes;
    guint failing_read; /* 1 is the first; 0 = none */
} Stored;

static gboolean stored_read(gpointer user, const VaultPlace *place, guint64 offset, gsize len,
                            guint8 *ret_bytes, GError **error)
{
    Stored *stored = user;

    if (++stored->reads == stored->failing_read) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "as the test wants it");
        return FALSE;
    }
    assert_int_equal(place->len, stored->bytes->len);
    assert_true(offset + len <= stored->bytes->len);
    memcpy(ret_bytes, stored->bytes->data + offset, len);
    return TRUE;
}

static void stored_close(gpointer user)
{
    ((Stored *)user)->closes++;
}

static VaultSealedBody *stream_body(World *world, Stored *stored, const guint8 *message, gsize len)
{
    VaultBodySink sink = {.append = sink_append,
                          .finish = sink_finish,
                          .abandon = sink_abandon,
                          .sink = stored->bytes};
    g_autoptr(VaultBodyStream) stream = vault_body_stream_begin(world->sealer, sink, NULL);
    VaultSealedBody *body;

    assert_true(vault_body_stream_write(stream, message, len, NULL));
    body = vault_body_stream_finish(stream, &body_locator, NULL);
    assert_non_null(body);
    return body;
}

/* All of the message, in pieces of `step` bytes; NULL with the error. */
static GByteArray *read_back(const VaultSealedBody *body, Stored *stored, gsize step,
                             GError **error)
{
    g_autoptr(VaultBodyReadback) readback =
        vault_body_readback_begin(body, (VaultBodySource){stored_read, stored_close, stored});
    g_autoptr(GByteArray) message = g_byte_array_new();
    g_autofree guint8 *piece = g_malloc(step);
    gssize len;

    while ((len = vault_body_readback_read(readback, piece, step, error)) > 0) {
        assert_true((gsize)len <= step);
        g_byte_array_append(message, piece, (guint)len);
    }
    if (len == 0)
        return g_steal_pointer(&message);
    assert_int_equal(vault_body_readback_read(readback, piece, step, NULL), -1);
    return NULL;
}

static void streamed_body_is_read_back_in_pieces_of_any_size(void **state)
{
    static const gsize lengths[] = {0, 1, 65536, 700001, 3000000};
    static const gsize steps[] = {777, 65536, 4000000};
    g_autoptr(World) world = world_new();

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (gsize j = 0; j < 2 * G_N_ELEMENTS(steps); j++) {
            g_autofree guint8 *message =
                j % 2 == 0 ? text_message(lengths[i]) : random_message(lengths[i]);
            Stored stored = {.bytes = g_byte_array_new()};
            g_autoptr(VaultSealedBody) body = stream_body(world, &stored, message, lengths[i]);
            g_autoptr(GByteArray) found = read_back(body, &stored, steps[j / 2], NULL);

            assert_non_null(found);
            assert_int_equal(found->len, lengths[i]);
            if (lengths[i] > 0)
                assert_memory_equal(found->data, message, lengths[i]);
            assert_int_equal(stored.closes, 1);
            g_byte_array_unref(stored.bytes);
        }
    }
}

static void read_that_fails_ends_reading_back(void **state)
{
    g_autofree guint8 *message = random_message(200000);
    g_autoptr(World) world = world_new();
    Stored stored = {.bytes = g_byte_array_new()};
    g_autoptr(VaultSealedBody) body = stream_body(world, &stored, message, 200000);
    guint all;

    g_byte_array_unref(read_back(body, &stored, 1000, NULL));
    all = stored.reads;
    assert_true(all > 4);
    for (guint failing = 1; failing <= all; failing++) {
        g_autoptr(GError) error = NULL;

        stored.reads = stored.closes = 0;
        stored.failing_read = failing;
        assert_null(read_back(body, &stored, 1000, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_IO));
        assert_int_equal(stored.closes, 1);
    }
    g_byte_array_unref(stored.bytes);
}

static void changed_body_does_not_read_back(void **state)
{
    g_autofree guint8 *message = random_message(100000);
    g_autoptr(World) world = world_new();
    Stored stored = {.bytes = g_byte_array_new()};
    g_autoptr(VaultSealedBody) body = stream_body(world, &stored, message, 100000);

    for (gsize at = vault_record_header_len(VAULT_RECORD_BODY); at < stored.bytes->len;
         at += 1 + at / 20) {
        g_autoptr(GError) error = NULL;

        stored.bytes->data[at] ^= 1;
        assert_null(read_back(body, &stored, 65536, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
        stored.bytes->data[at] ^= 1;
    }
    g_byte_array_unref(stored.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_open_again_inline_and_from_a_body),
        cmocka_unit_test(terms_at_the_limit_are_inline_and_one_past_it_are_not),
        cmocka_unit_test(records_are_what_their_headers_say),
        cmocka_unit_test(short_terms_cannot_be_told_apart_by_length),
        cmocka_unit_test(terms_over_their_limit_are_too_large),
        cmocka_unit_test(terms_copy_opens_only_with_its_own_slot_key_step_and_session),
        cmocka_unit_test(no_byte_of_a_terms_copy_may_change),
        cmocka_unit_test(a_place_in_a_session_is_good_once),
        cmocka_unit_test(streamed_body_is_read_back_in_pieces_of_any_size),
        cmocka_unit_test(read_that_fails_ends_reading_back),
        cmocka_unit_test(changed_body_does_not_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
