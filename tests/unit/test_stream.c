#include "tests/unit/crypto_world.h"

#include "vault/crypto/stream_internal.h"

#define CHUNK VAULT_STREAM_CHUNK_LEN
#define TAG VAULT_STREAM_TAG_LEN
#define SEALED_CHUNK (CHUNK + TAG)

static const BodyKey key = {{7, 7, 7}};
static const BodyKey other_key = {{7, 7, 8}};

static VaultStreamParameters parameters(void)
{
    return (VaultStreamParameters){
        .key = &key, .record_id = {{1, 2, 3}}, .suite = VAULT_SUITE_X25519, .kind = 1};
}

static guint8 *make_plaintext(gsize len)
{
    guint8 *plaintext = g_malloc(len + 1);
    guint64 random = len;

    for (gsize i = 0; i < len; i++)
        plaintext[i] = (guint8)next_random(&random);
    return plaintext;
}

/* Commitment, then chunks. */
static GByteArray *seal(const VaultStreamParameters *sealed_with, gsize len)
{
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    g_autoptr(VaultStream) stream = vault_stream_new(sealed_with, commitment);
    g_autofree guint8 *plaintext = make_plaintext(len);
    GByteArray *sealed = g_byte_array_new();
    gsize at = 0;

    g_byte_array_append(sealed, commitment, sizeof commitment);
    for (;;) {
        gsize step = MIN(len - at, CHUNK);
        gboolean is_last = at + step == len;
        guint start = sealed->len;

        g_byte_array_set_size(sealed, (guint)(start + step + TAG));
        assert_true(vault_stream_seal(stream, plaintext + at, step,
                                      is_last ? VAULT_STREAM_LAST : VAULT_STREAM_MORE,
                                      sealed->data + start, NULL));
        at += step;
        if (is_last)
            return sealed;
    }
}

/* Opens as a reader does: by the stored length alone. Gives the plaintext's length, or -1. */
static gssize open_sealed(const VaultStreamParameters *opened_with, const guint8 *sealed, gsize len,
                          guint8 *ret_plaintext)
{
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    g_autoptr(VaultStream) stream = vault_stream_new(opened_with, commitment);
    gsize at = sizeof commitment;
    gssize plaintext_len = 0;

    if (len < at || memcmp(commitment, sealed, at) != 0)
        return -1;
    do {
        gsize step = MIN(len - at, SEALED_CHUNK);
        gboolean is_last = at + step == len;
        g_autoptr(GError) error = NULL;

        if (!vault_stream_open(stream, sealed + at, step,
                               is_last ? VAULT_STREAM_LAST : VAULT_STREAM_MORE,
                               ret_plaintext + plaintext_len, &error)) {
            assert_error(error, VAULT_ERROR_CORRUPT);
            return -1;
        }
        at += step;
        plaintext_len += (gssize)(step - TAG);
    } while (at < len);
    return plaintext_len;
}

static void assert_refused(const GByteArray *sealed)
{
    VaultStreamParameters same = parameters();
    g_autofree guint8 *plaintext = g_malloc(sealed->len + CHUNK);

    assert_int_equal(open_sealed(&same, sealed->data, sealed->len, plaintext), -1);
}

static void every_length_comes_back(void **state)
{
    static const gsize lens[] = {0, 1, 65535, 65536, 65537, 131071, 131072, 131073, 200000};
    VaultStreamParameters same = parameters();

    for (gsize i = 0; i < G_N_ELEMENTS(lens); i++) {
        g_autoptr(GByteArray) sealed = seal(&same, lens[i]);
        g_autofree guint8 *expected = make_plaintext(lens[i]);
        g_autofree guint8 *plaintext = g_malloc(lens[i] + 1);

        assert_int_equal(sealed->len, vault_stream_ciphertext_len(lens[i]));
        assert_int_equal(open_sealed(&same, sealed->data, sealed->len, plaintext), lens[i]);
        assert_memory_equal(plaintext, expected, lens[i]);
    }
}

static void ciphertext_lengths_are_known_beforehand(void **state)
{
    assert_int_equal(vault_stream_ciphertext_len(0), 32 + 16);
    assert_int_equal(vault_stream_ciphertext_len(1), 32 + 17);
    assert_int_equal(vault_stream_ciphertext_len(65536), 32 + 65536 + 16);
    assert_int_equal(vault_stream_ciphertext_len(65537), 32 + 65537 + 32);
}

static void sealing_in_place_is_the_same(void **state)
{
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, 1000);
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    g_autoptr(VaultStream) sealer = vault_stream_new(&same, commitment);
    g_autoptr(VaultStream) opener = vault_stream_new(&same, commitment);
    g_autofree guint8 *plaintext = make_plaintext(1000);
    guint8 buffer[1000 + TAG];

    memcpy(buffer, plaintext, 1000);
    assert_true(vault_stream_seal(sealer, buffer, 1000, VAULT_STREAM_LAST, buffer, NULL));
    assert_memory_equal(buffer, sealed->data + 32, sizeof buffer);
    assert_true(vault_stream_open(opener, buffer, sizeof buffer, VAULT_STREAM_LAST, buffer, NULL));
    assert_memory_equal(buffer, plaintext, 1000);
}

/* Cuts at the end of each chunk are the dangerous ones: all chunks that are left are whole. */
static void every_truncation_is_found(void **state)
{
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, 3 * CHUNK + 100);
    gsize full = sealed->len;
    static const gsize cuts[] = {0,
                                 31,
                                 32,
                                 33,
                                 32 + TAG - 1,
                                 32 + TAG,
                                 32 + SEALED_CHUNK,
                                 32 + SEALED_CHUNK + TAG,
                                 32 + 2 * SEALED_CHUNK,
                                 32 + 3 * SEALED_CHUNK,
                                 32 + 3 * SEALED_CHUNK + TAG};

    for (gsize i = 0; i < G_N_ELEMENTS(cuts); i++) {
        assert_true(cuts[i] < full);
        sealed->len = (guint)cuts[i];
        assert_refused(sealed);
    }
    sealed->len = (guint)full - 1;
    assert_refused(sealed);
    sealed->len = (guint)full;
}

static void swapped_chunks_are_found(void **state)
{
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, 3 * CHUNK + 100);
    g_autofree guint8 *first = g_memdup2(sealed->data + 32, SEALED_CHUNK);

    memmove(sealed->data + 32, sealed->data + 32 + SEALED_CHUNK, SEALED_CHUNK);
    memcpy(sealed->data + 32 + SEALED_CHUNK, first, SEALED_CHUNK);
    assert_refused(sealed);
}

static void a_chunk_given_twice_is_found(void **state)
{
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, 3 * CHUNK + 100);
    g_autoptr(GByteArray) doubled = g_byte_array_new();
    g_autoptr(GByteArray) ended_twice = g_byte_array_new();
    guint last = 32 + 3 * SEALED_CHUNK;

    g_byte_array_append(doubled, sealed->data, 32 + SEALED_CHUNK);
    g_byte_array_append(doubled, sealed->data + 32, sealed->len - 32);
    assert_refused(doubled);
    g_byte_array_append(ended_twice, sealed->data, sealed->len);
    g_byte_array_append(ended_twice, sealed->data + last, sealed->len - last);
    assert_refused(ended_twice);
}

static void a_missing_chunk_is_found(void **state)
{
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, 3 * CHUNK + 100);

    g_byte_array_remove_range(sealed, 32 + SEALED_CHUNK, SEALED_CHUNK);
    assert_refused(sealed);
}

static void every_region_is_authentic(void **state)
{
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, CHUNK + 100);

    for (guint at = 0; at < sealed->len; at += 499) {
        sealed->data[at] ^= 0x10;
        assert_refused(sealed);
        sealed->data[at] ^= 0x10;
    }
    sealed->data[sealed->len - 1] ^= 1;
    assert_refused(sealed);
}

/* What a last chunk of zero bytes after others would be: a second form of the same plaintext. */
static void an_empty_chunk_after_others_is_refused(void **state)
{
    VaultStreamParameters same = parameters();
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    g_autoptr(VaultStream) opener = vault_stream_new(&same, commitment);
    g_autoptr(GByteArray) sealed = seal(&same, CHUNK + 1);
    g_autofree guint8 *plaintext = g_malloc(CHUNK);
    g_autoptr(GError) error = NULL;

    assert_true(vault_stream_open(opener, sealed->data + 32, SEALED_CHUNK, VAULT_STREAM_MORE,
                                  plaintext, NULL));
    assert_false(vault_stream_open(opener, sealed->data + 32 + SEALED_CHUNK, TAG, VAULT_STREAM_LAST,
                                   plaintext, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
}

static void another_length_than_a_chunk_has_is_refused(void **state)
{
    static const struct {
        gsize len;
        VaultStreamPosition position;
    } cases[] = {{SEALED_CHUNK - 1, VAULT_STREAM_MORE},
                 {SEALED_CHUNK + 1, VAULT_STREAM_MORE},
                 {SEALED_CHUNK + 1, VAULT_STREAM_LAST},
                 {TAG - 1, VAULT_STREAM_LAST},
                 {0, VAULT_STREAM_LAST}};
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, 2 * CHUNK);
    g_autofree guint8 *plaintext = g_malloc(2 * CHUNK);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
        g_autoptr(VaultStream) opener = vault_stream_new(&same, commitment);
        g_autoptr(GError) error = NULL;

        assert_false(vault_stream_open(opener, sealed->data + 32, cases[i].len, cases[i].position,
                                       plaintext, &error));
        assert_error(error, VAULT_ERROR_CORRUPT);
    }
}

/* Key, record id, suite and kind each give other bytes, the commitment among them. */
static void every_parameter_changes_key_and_commitment(void **state)
{
    VaultStreamParameters same = parameters();
    g_autoptr(GByteArray) sealed = seal(&same, 100);
    VaultStreamParameters others[4] = {same, same, same, same};

    others[0].key = &other_key;
    others[1].record_id.bytes[15] ^= 1;
    others[2].suite++;
    others[3].kind++;
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        guint8 commitment[VAULT_STREAM_COMMITMENT_LEN], plaintext[100];
        g_autoptr(VaultStream) opener = vault_stream_new(&others[i], commitment);
        g_autoptr(GError) error = NULL;

        assert_memory_not_equal(commitment, sealed->data, sizeof commitment);
        assert_false(vault_stream_open(opener, sealed->data + 32, 100 + TAG, VAULT_STREAM_LAST,
                                       plaintext, &error));
        assert_error(error, VAULT_ERROR_CORRUPT);
    }
}

static void chunks_end_before_the_counter_does(void **state)
{
    VaultStreamParameters same = parameters();
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    g_autoptr(VaultStream) sealer = vault_stream_new(&same, commitment);
    g_autoptr(VaultStream) opener = vault_stream_new(&same, commitment);
    g_autofree guint8 *buffer = g_malloc0(SEALED_CHUNK);
    g_autoptr(GError) seal_error = NULL;
    g_autoptr(GError) open_error = NULL;

    vault_stream_skip_to(sealer, VAULT_STREAM_CHUNKS_MAX - 1);
    vault_stream_skip_to(opener, VAULT_STREAM_CHUNKS_MAX - 1);
    assert_true(vault_stream_seal(sealer, buffer, CHUNK, VAULT_STREAM_MORE, buffer, NULL));
    assert_true(vault_stream_open(opener, buffer, SEALED_CHUNK, VAULT_STREAM_MORE, buffer, NULL));
    assert_false(vault_stream_seal(sealer, buffer, 1, VAULT_STREAM_LAST, buffer, &seal_error));
    assert_error(seal_error, VAULT_ERROR_TOO_LARGE);
    assert_false(vault_stream_open(opener, buffer, 17, VAULT_STREAM_LAST, buffer, &open_error));
    assert_error(open_error, VAULT_ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(ciphertext_lengths_are_known_beforehand),
        cmocka_unit_test(sealing_in_place_is_the_same),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(swapped_chunks_are_found),
        cmocka_unit_test(a_chunk_given_twice_is_found),
        cmocka_unit_test(a_missing_chunk_is_found),
        cmocka_unit_test(every_region_is_authentic),
        cmocka_unit_test(an_empty_chunk_after_others_is_refused),
        cmocka_unit_test(another_length_than_a_chunk_has_is_refused),
        cmocka_unit_test(every_parameter_changes_key_and_commitment),
        cmocka_unit_test(chunks_end_before_the_counter_does),
    };

    return run_crypto_tests(tests);
}
