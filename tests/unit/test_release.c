/* Releases as bytes: at their limits and past them, and by whom they open. */
#include "vault/act/release.h"
#include "vault/base/bytes.h"
#include "vault/open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    VaultIdentity reader;
    VaultReleaseHeader header;
} World;

static World world_new(void)
{
    World world = {.header = {.log_index = 77}};

    vault_crypto_init();
    assert_true(vault_identity_create("Anna", &world.reader, NULL));
    vault_random(&world.header.vault_id, VAULT_ID_LEN);
    vault_random(&world.header.grant_hash, VAULT_HASH_LEN);
    return world;
}

static void most_slots_come_back_as_they_were(void **state)
{
    World world = world_new();
    g_autofree VaultReleasedSlot *slots = g_new0(VaultReleasedSlot, VAULT_RELEASE_COUNT_MAX);
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultOpenedRelease) release = NULL;

    for (guint i = 0; i < VAULT_RELEASE_COUNT_MAX; i++) {
        slots[i].state = (VaultReleaseState)(i % 3);
        slots[i].leaf = i;
        vault_random(&slots[i].record_id, VAULT_ID_LEN);
        vault_random(&slots[i].month_key_id, VAULT_ID_LEN);
        vault_random(&slots[i].slot, VAULT_KEY_LEN);
    }
    sealed = vault_release_seal(&world.header, slots, VAULT_RELEASE_COUNT_MAX,
                                &world.reader.public_key, NULL);
    assert_int_equal(g_bytes_get_size(sealed), VAULT_RELEASE_LEN_MAX);
    release = vault_release_open(&world.reader, &world.header.vault_id, &world.header.grant_hash,
                                 g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), NULL);
    assert_int_equal(release->log_index, 77);
    assert_int_equal(release->slots->len, VAULT_RELEASE_COUNT_MAX);
    assert_memory_equal(release->slots->data, slots, VAULT_RELEASE_COUNT_MAX * sizeof *slots);
}

static VaultErrorCode header_error(const guint8 *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    VaultReleaseHeader header;

    assert_false(vault_release_header_parse(bytes, len, &header, &error));
    return (VaultErrorCode)error->code;
}

static void headers_that_are_none_are_refused(void **state)
{
    g_autofree guint8 *bytes = g_malloc0(VAULT_RELEASE_LEN_MAX + 1);
    VaultReleaseHeader header;

    bytes[0] = 1;
    assert_true(vault_release_header_parse(bytes, VAULT_RELEASE_LEN_MAX, &header, NULL));
    assert_int_equal(header_error(bytes, VAULT_RELEASE_LEN_MAX + 1), VAULT_ERROR_TOO_LARGE);
    assert_int_equal(header_error(bytes, VAULT_RELEASE_HEADER_LEN - 1), VAULT_ERROR_MALFORMED);
    bytes[0] = 2;
    assert_int_equal(header_error(bytes, VAULT_RELEASE_LEN_MAX), VAULT_ERROR_UNSUPPORTED);
}

static void lists_that_are_none_are_malformed(void **state)
{
    gsize most = 4 + (gsize)VAULT_RELEASE_COUNT_MAX * 69;
    g_autofree guint8 *bytes = g_malloc0(most + 69);
    const struct {
        guint32 count;
        gsize len;
    } rows[] = {{0, 0},
                {0, 3},
                {0, 5},
                {1, 4 + 68},
                {1, 4 + 70},
                {G_MAXUINT32, 4},
                {VAULT_RELEASE_COUNT_MAX + 1, most + 69}};

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        vault_bytes_put_u32(bytes, rows[i].count);
        assert_null(vault_release_slots_parse(bytes, rows[i].len, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_slots_come_back_as_they_were),
        cmocka_unit_test(headers_that_are_none_are_refused),
        cmocka_unit_test(lists_that_are_none_are_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
