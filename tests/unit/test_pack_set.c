#include "tests/support/pack_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define PACK_COUNT 150 /* more than a set keeps open */
#define THREAD_COUNT 16

/* Many packs of one delivery each. */
typedef struct {
    PackFixture *fixture;
    GPtrArray *deliveries[PACK_COUNT];
    VaultPackSet *set;
} ManyPacks;

static void fill(ManyPacks *packs)
{
    VaultPackWriterOptions options;
    g_autoptr(VaultPackWriter) writer = NULL;

    packs->fixture = pack_fixture_new();
    options = pack_fixture_options(packs->fixture);
    options.pack_size = 200;
    writer = vault_pack_writer_new(&options);
    packs->set = vault_pack_set_open(packs->fixture->directory, &packs->fixture->vault_id, NULL);
    for (int i = 0; i < PACK_COUNT; i++) {
        packs->deliveries[i] = pack_fixture_delivery(packs->fixture, (gsize)(10 + i), 1);
        g_assert_true(vault_pack_writer_commit(writer, packs->deliveries[i], NULL));
    }
}

static void clear(ManyPacks *packs)
{
    vault_pack_set_free(packs->set);
    for (int i = 0; i < PACK_COUNT; i++)
        g_ptr_array_unref(packs->deliveries[i]);
    pack_fixture_free(packs->fixture);
}

static guint count_open_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir) != NULL)
        count++;
    return count;
}

static gboolean fetch_is_exact(VaultPackSet *set, const VaultRecord *record)
{
    g_autoptr(GBytes) bytes = vault_pack_set_fetch(set, &record->place, 1u << 20, NULL);

    return bytes != NULL && g_bytes_equal(bytes, record->bytes);
}

static void packs_made_after_the_set_are_found_and_few_stay_open(void **state)
{
    ManyPacks packs;
    guint before;

    fill(&packs);
    before = count_open_descriptors();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < PACK_COUNT; i++)
            assert_true(fetch_is_exact(packs.set, g_ptr_array_index(packs.deliveries[i], 1)));
    assert_int_equal(count_open_descriptors(), before + 64);
    clear(&packs);
}

static void *fetch_all(void *argument)
{
    ManyPacks *packs = argument;

    for (int i = 0; i < PACK_COUNT; i++) {
        guintptr number = ((guintptr)i * 7919 + (guintptr)pthread_self()) % PACK_COUNT;
        GPtrArray *delivery = packs->deliveries[number];

        g_assert_true(fetch_is_exact(packs->set, g_ptr_array_index(delivery, (guint)i % 2)));
    }
    return NULL;
}

static void threads_fetch_at_once(void **state)
{
    ManyPacks packs;
    pthread_t threads[THREAD_COUNT];

    fill(&packs);
    for (int i = 0; i < THREAD_COUNT; i++)
        g_assert_true(pthread_create(&threads[i], NULL, fetch_all, &packs) == 0);
    for (int i = 0; i < THREAD_COUNT; i++)
        pthread_join(threads[i], NULL);
    clear(&packs);
}

/* ---- one pack ------------------------------------------------------------------------------- */

static PackFixture *fixture;
static GPtrArray *delivery;
static VaultPackSet *set;
static char *path;

static int set_up(void **state)
{
    VaultPackWriterOptions options;
    g_autoptr(VaultPackWriter) writer = NULL;
    g_autoptr(GPtrArray) paths = NULL;

    fixture = pack_fixture_new();
    options = pack_fixture_options(fixture);
    writer = vault_pack_writer_new(&options);
    delivery = pack_fixture_delivery(fixture, 1000, 1);
    g_assert_true(vault_pack_writer_commit(writer, delivery, NULL));
    paths = pack_fixture_files(fixture, ".pack");
    path = g_strdup(g_ptr_array_index(paths, 0));
    set = vault_pack_set_open(fixture->directory, &fixture->vault_id, NULL);
    return 0;
}

static int tear_down(void **state)
{
    vault_pack_set_free(set);
    g_ptr_array_unref(delivery);
    pack_fixture_free(fixture);
    g_free(path);
    return 0;
}

static void assert_not_fetched(const VaultPlace *place, gsize len_max, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_pack_set_fetch(set, place, len_max, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, (gint)code));
}

static VaultPlace body_place(void)
{
    const VaultRecord *body = g_ptr_array_index(delivery, 0);

    return body->place;
}

static void a_record_at_the_limit_is_fetched_and_one_byte_over_it_is_too_large(void **state)
{
    VaultPlace place = body_place();
    g_autoptr(GBytes) bytes = vault_pack_set_fetch(set, &place, (gsize)place.len, NULL);

    assert_non_null(bytes);
    assert_not_fetched(&place, (gsize)place.len - 1, VAULT_ERROR_TOO_LARGE);
}

static void every_flipped_byte_of_a_record_is_corrupt(void **state)
{
    VaultPlace place = body_place();
    g_autoptr(GByteArray) bytes = pack_fixture_read(path);

    for (guint64 at = place.offset; at < place.offset + place.len; at++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) fetched = NULL;

        bytes->data[at] ^= 1;
        pack_fixture_write(path, bytes->data, bytes->len);
        bytes->data[at] ^= 1;
        /* Written by rename: the set must open the new file. */
        vault_pack_set_free(set);
        set = vault_pack_set_open(fixture->directory, &fixture->vault_id, NULL);
        fetched = vault_pack_set_fetch(set, &place, 1u << 20, &error);
        assert_null(fetched);
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT) ||
                    g_error_matches(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED));
    }
}

static void a_false_place_is_corrupt_and_not_a_crash(void **state)
{
    const VaultPlace place = body_place();
    VaultPlace falsely[] = {place, place, place, place, place};

    falsely[0].offset += 1;
    falsely[1].len -= 1;
    falsely[2].len = 0;
    falsely[3].offset = G_MAXUINT64 - 5;
    falsely[4].offset = G_MAXINT64 - 5;
    for (gsize i = 0; i < G_N_ELEMENTS(falsely); i++)
        assert_not_fetched(&falsely[i], 1u << 20, VAULT_ERROR_CORRUPT);
}

static void an_unknown_pack_is_not_found(void **state)
{
    VaultPlace place = body_place();

    place.pack_id.bytes[0] ^= 1;
    assert_not_fetched(&place, 1u << 20, VAULT_ERROR_NOT_FOUND);
}

static void a_pack_that_was_removed_is_not_found(void **state)
{
    VaultPlace place = body_place();

    unlink(path);
    assert_not_fetched(&place, 1u << 20, VAULT_ERROR_NOT_FOUND);
    assert_not_fetched(&place, 1u << 20, VAULT_ERROR_NOT_FOUND);
}

static void a_pack_of_another_vault_is_corrupt(void **state)
{
    VaultPlace place = body_place();
    VaultId other = fixture->vault_id;

    other.bytes[0] ^= 1;
    vault_pack_set_free(set);
    set = vault_pack_set_open(fixture->directory, &other, NULL);
    assert_not_fetched(&place, 1u << 20, VAULT_ERROR_CORRUPT);
}

static void a_pack_under_another_packs_name_is_corrupt(void **state)
{
    VaultPlace place = body_place();
    g_autofree char *other = NULL;

    place.pack_id.bytes[0] ^= 1;
    other =
        g_strdup_printf("%s/%016x-%s.pack", fixture->directory, 9u, VAULT_ID_TEXT(place.pack_id));
    assert_int_equal(rename(path, other), 0);
    assert_not_fetched(&place, 1u << 20, VAULT_ERROR_CORRUPT);
}

static void part_of_a_record_is_read_within_it_only(void **state)
{
    const VaultRecord *body = g_ptr_array_index(delivery, 0);
    const guint8 *expected = g_bytes_get_data(body->bytes, NULL);
    VaultPlace place = body_place();
    guint8 bytes[16];

    assert_true(vault_pack_set_read(set, &place, 100, 16, bytes, NULL));
    assert_memory_equal(bytes, expected + 100, 16);
    assert_true(vault_pack_set_read(set, &place, place.len - 16, 16, bytes, NULL));
    assert_false(vault_pack_set_read(set, &place, place.len - 15, 16, bytes, NULL));
    assert_false(vault_pack_set_read(set, &place, G_MAXUINT64, 16, bytes, NULL));
}

static void a_missing_directory_is_not_found(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_pack_set_open("/nonexistent", &fixture->vault_id, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

#define WITH_ONE_PACK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_made_after_the_set_are_found_and_few_stay_open),
        cmocka_unit_test(threads_fetch_at_once),
        WITH_ONE_PACK(a_record_at_the_limit_is_fetched_and_one_byte_over_it_is_too_large),
        WITH_ONE_PACK(every_flipped_byte_of_a_record_is_corrupt),
        WITH_ONE_PACK(a_false_place_is_corrupt_and_not_a_crash),
        WITH_ONE_PACK(an_unknown_pack_is_not_found),
        WITH_ONE_PACK(a_pack_that_was_removed_is_not_found),
        WITH_ONE_PACK(a_pack_of_another_vault_is_corrupt),
        WITH_ONE_PACK(a_pack_under_another_packs_name_is_corrupt),
        WITH_ONE_PACK(part_of_a_record_is_read_within_it_only),
        WITH_ONE_PACK(a_missing_directory_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
