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

static void most_terms_come_back_as_they_were(void **state)
{
    World world = world_new();
    g_autofree VaultReleasedTerms *terms = g_new0(VaultReleasedTerms, VAULT_RELEASE_COUNT_MAX);
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultOpenedRelease) release = NULL;

    for (guint i = 0; i < VAULT_RELEASE_COUNT_MAX; i++) {
        terms[i].state = (VaultReleaseState)(i % 3);
        terms[i].leaf = i;
        terms[i].step = i % 1024;
        vault_random(&terms[i].record_id, VAULT_ID_LEN);
        vault_random(&terms[i].month_key_id, VAULT_ID_LEN);
        vault_random(&terms[i].slot, VAULT_KEY_LEN);
        vault_random(terms[i].enc, sizeof terms[i].enc);
    }
    sealed = vault_release_seal_terms(&world.header, terms, VAULT_RELEASE_COUNT_MAX,
                                      &world.reader.public_key, NULL);
    assert_int_equal(g_bytes_get_size(sealed), VAULT_TERMS_RELEASE_LEN_MAX);
    release =
        vault_release_open_terms(&world.reader, &world.header.vault_id, &world.header.grant_hash,
                                 g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), NULL);
    assert_int_equal(release->log_index, 77);
    assert_int_equal(release->slots->len, VAULT_RELEASE_COUNT_MAX);
    assert_memory_equal(release->slots->data, terms, VAULT_RELEASE_COUNT_MAX * sizeof *terms);
}

typedef VaultOpenedRelease *(*OpenRelease)(const VaultIdentity *identity, const VaultId *vault_id,
                                           const VaultHash *grant_hash, const void *sealed,
                                           gsize len, GError **error);

static VaultErrorCode open_error(OpenRelease open, const World *world, const guint8 *bytes,
                                 gsize len)
{
    g_autoptr(GError) error = NULL;

    assert_null(open(&world->reader, &world->header.vault_id, &world->header.grant_hash, bytes, len,
                     &error));
    return (VaultErrorCode)error->code;
}

/* Not as it is, and not with its first byte altered either. */
static void a_release_of_one_plane_never_opens_as_the_other(void **state)
{
    World world = world_new();
    VaultReleasedSlot slot = {.leaf = 1};
    VaultReleasedTerms terms = {.leaf = 1};
    const struct {
        GBytes *sealed;
        OpenRelease other;
        guint8 other_plane;
    } rows[] = {
        {vault_release_seal(&world.header, &slot, 1, &world.reader.public_key, NULL),
         vault_release_open_terms, VAULT_RELEASE_TERMS},
        {vault_release_seal_terms(&world.header, &terms, 1, &world.reader.public_key, NULL),
         vault_release_open, VAULT_RELEASE_CONTENT},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize len = g_bytes_get_size(rows[i].sealed);
        g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(rows[i].sealed, NULL), len);

        assert_int_equal(open_error(rows[i].other, &world, bytes, len), VAULT_ERROR_MALFORMED);
        bytes[0] = rows[i].other_plane;
        assert_int_equal(open_error(rows[i].other, &world, bytes, len), VAULT_ERROR_NO_KEY);
        g_bytes_unref(rows[i].sealed);
    }
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
    g_autofree guint8 *bytes = g_malloc0(VAULT_TERMS_RELEASE_LEN_MAX + 1);
    VaultReleaseHeader header;

    bytes[0] = VAULT_RELEASE_TERMS;
    assert_true(vault_release_header_parse(bytes, VAULT_TERMS_RELEASE_LEN_MAX, &header, NULL));
    assert_int_equal(header.plane, VAULT_RELEASE_TERMS);
    assert_int_equal(header_error(bytes, VAULT_TERMS_RELEASE_LEN_MAX + 1), VAULT_ERROR_TOO_LARGE);
    bytes[0] = VAULT_RELEASE_CONTENT;
    assert_true(vault_release_header_parse(bytes, VAULT_RELEASE_LEN_MAX, &header, NULL));
    assert_int_equal(header.plane, VAULT_RELEASE_CONTENT);
    assert_int_equal(header_error(bytes, VAULT_RELEASE_LEN_MAX + 1), VAULT_ERROR_TOO_LARGE);
    assert_int_equal(header_error(bytes, VAULT_RELEASE_HEADER_LEN - 1), VAULT_ERROR_MALFORMED);
    bytes[0] = 3;
    assert_int_equal(header_error(bytes, VAULT_RELEASE_LEN_MAX), VAULT_ERROR_UNSUPPORTED);
}

typedef GArray *(*ParseRows)(const guint8 *bytes, gsize len, GError **error);

static void assert_lists_are_judged(ParseRows parse, gsize row_len)
{
    gsize most = 4 + (gsize)VAULT_RELEASE_COUNT_MAX * row_len;
    g_autofree guint8 *bytes = g_malloc0(most + row_len);
    const struct {
        guint32 count;
        gsize len;
    } rows[] = {{0, 0},
                {0, 3},
                {0, 5},
                {1, 4 + row_len - 1},
                {1, 4 + row_len + 1},
                {G_MAXUINT32, 4},
                {VAULT_RELEASE_COUNT_MAX + 1, most + row_len}};

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        vault_bytes_put_u32(bytes, rows[i].count);
        assert_null(parse(bytes, rows[i].len, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    }
    vault_bytes_put_u32(bytes, 1);
    bytes[4] = 3; /* no such state */
    assert_null(parse(bytes, 4 + row_len, NULL));
}

static void lists_that_are_none_are_malformed(void **state)
{
    assert_lists_are_judged(vault_release_slots_parse, 69);
    assert_lists_are_judged(vault_release_terms_parse, 105);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_slots_come_back_as_they_were),
        cmocka_unit_test(most_terms_come_back_as_they_were),
        cmocka_unit_test(a_release_of_one_plane_never_opens_as_the_other),
        cmocka_unit_test(headers_that_are_none_are_refused),
        cmocka_unit_test(lists_that_are_none_are_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
