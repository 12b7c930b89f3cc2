/* A log on disk: appending, opening again, reading, proving; limits and what is refused. */
#include "tests/unit/log_world.h"

#include <fcntl.h>

static int open_count;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list arguments;

    va_start(arguments, flags);
    if (flags & O_CREAT)
        mode = va_arg(arguments, mode_t);
    va_end(arguments);
    open_count++;
    return __real_open(path, flags, mode);
}

static void origins_name_vault_kind_and_epoch(void **state)
{
    static const VaultId id = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
                                0xbb, 0xcc, 0xdd, 0xee, 0xff}};
    g_autofree char *control = vault_log_origin(&id, VAULT_LOG_CONTROL, 1);
    g_autofree char *archive = vault_log_origin(&id, VAULT_LOG_ARCHIVE, 12);

    assert_string_equal(control, LOG_ORIGIN);
    assert_string_equal(archive, "muniment/00112233445566778899aabbccddeeff/archive/12");
}

static void origins_have_one_spelling(void **state)
{
    static const char *const others[] = {"",
                                         "muniment",
                                         "example.com/log",
                                         "muniment/00112233445566778899aabbccddeeff/archive",
                                         "muniment/00112233445566778899aabbccddeeff/archive/0",
                                         "muniment/00112233445566778899aabbccddeeff/archive/012",
                                         "muniment/00112233445566778899aabbccddeeff/archive/+1",
                                         "muniment/00112233445566778899aabbccddeeff/archive/1/",
                                         "muniment/00112233445566778899aabbccddeeff/more/1",
                                         "muniment/00112233445566778899AABBCCDDEEFF/archive/1",
                                         "muniment/00112233445566778899aabbccddeef/archive/1",
                                         "archive/00112233445566778899aabbccddeeff/archive/1",
                                         "muniment/00112233445566778899aabbccddeeff/archive/"
                                         "4294967296"};
    VaultLogKind kind;
    guint32 epoch;
    VaultId id;

    assert_true(vault_log_origin_parse("muniment/00112233445566778899aabbccddeeff/archive/"
                                       "4294967295",
                                       &id, &kind, &epoch));
    assert_int_equal(kind, VAULT_LOG_ARCHIVE);
    assert_int_equal(epoch, G_MAXUINT32);
    assert_int_equal(id.bytes[15], 0xff);
    assert_true(vault_log_origin_parse(LOG_ORIGIN, &id, &kind, &epoch));
    assert_int_equal(kind, VAULT_LOG_CONTROL);
    assert_int_equal(epoch, 1);
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        assert_false(vault_log_origin_parse(others[i], &id, &kind, &epoch));
}

/* Batches that end before, at and behind the ends of tiles. */
static const gsize batches[] = {1, 1, 253, 1, 1, 255, 256, 257, 511, 700, 3, 1};

static void what_was_appended_is_read_and_proven(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    VaultLog *log = log_world_create(world);
    guint64 size = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(batches); i++) {
        VaultLogVerifyOptions options = {0};
        g_autoptr(VaultLogReader) reader = NULL;

        assert_true(log_world_append(log, size, batches[i], NULL));
        size += batches[i];
        if (i % 2 == 0) {
            vault_log_close(log);
            log = log_world_open(world, NULL);
            assert_non_null(log);
        }
        reader = log_world_read(world);
        assert_int_equal(vault_log_reader_checkpoint(reader)->size, size);
        assert_true(vault_log_verify_all(reader, &options, NULL));
        log_world_assert_entry(reader, 0, 0);
        log_world_assert_entry(reader, size / 2, size / 2);
        log_world_assert_entry(reader, size - 1, size - 1);
        log_world_assert_entry(vault_log_reader(log), size - 1, size - 1);
    }
    vault_log_close(log);
}

/* The writer's reader keeps its cache of tiles and its bundle while the log grows past them. */
static void one_reader_follows_its_writer(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(world);
    VaultLogReader *reader = vault_log_reader(log);

    assert_true(log_world_append(log, 0, 235, NULL));
    for (guint64 i = 235; i < 275; i++) {
        VaultMerkleProof proof;

        assert_true(log_world_append(log, i, 1, NULL));
        log_world_assert_entry(reader, i, i);
        log_world_assert_entry(reader, i / 2, i / 2);
        assert_true(vault_log_reader_prove_inclusion(reader, i / 3, &proof, NULL));
    }
}

/* A reader of an older checkpoint goes on while the writer replaces the files it began with. */
static void a_reader_stays_at_its_checkpoint(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(world);
    VaultLogVerifyOptions options = {0};

    for (guint64 size = 0; size < 1000; size += 99) {
        g_autoptr(VaultLogReader) reader = NULL;

        assert_true(log_world_append(log, size, 9, NULL));
        reader = log_world_read(world);
        assert_true(log_world_append(log, size + 9, 1, NULL));
        assert_true(log_world_append(log, size + 10, 89, NULL));
        assert_int_equal(vault_log_reader_checkpoint(reader)->size, size + 9);
        log_world_assert_entry(reader, size + 8, size + 8);
        assert_null(vault_log_reader_entry(reader, size + 9, NULL));
        assert_true(vault_log_verify_all(reader, &options, NULL));
    }
}

static void proofs_hold_against_signed_roots(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(world);
    VaultHash roots[G_N_ELEMENTS(batches)];
    guint64 sizes[G_N_ELEMENTS(batches)], size = 0;
    const VaultCheckpoint *now;

    for (gsize i = 0; i < G_N_ELEMENTS(batches); i++) {
        assert_true(log_world_append(log, size, batches[i], NULL));
        size += batches[i];
        sizes[i] = size;
        roots[i] = vault_log_reader_checkpoint(vault_log_reader(log))->root;
    }
    now = vault_log_reader_checkpoint(vault_log_reader(log));
    for (gsize i = 0; i < G_N_ELEMENTS(batches); i++) {
        VaultMerkleProof proof;
        VaultHash old_root, entry_hash;
        g_autofree char *payload = log_world_payload(sizes[i] - 1);

        assert_true(vault_log_reader_prove_consistency(vault_log_reader(log), sizes[i], &old_root,
                                                       &proof, NULL));
        assert_true(vault_merkle_hash_equal(&old_root, &roots[i]));
        assert_true(
            vault_merkle_verify_consistency(&proof, sizes[i], &roots[i], now->size, &now->root));
        assert_true(
            vault_log_reader_prove_inclusion(vault_log_reader(log), sizes[i] - 1, &proof, NULL));
        vault_merkle_entry_hash(payload, strlen(payload), &entry_hash);
        assert_true(vault_merkle_verify_inclusion(&proof, sizes[i] - 1, now->size, &entry_hash,
                                                  &now->root));
    }
}

static void proofs_and_sequential_reading_open_few_files(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(world);
    g_autoptr(VaultLogReader) reader = NULL;
    VaultMerkleProof proof;
    VaultHash root;

    assert_true(log_world_append(log, 0, 60000, NULL));
    assert_true(log_world_append(log, 60000, 10000, NULL));
    reader = log_world_read(world);
    open_count = 0;
    assert_true(vault_log_reader_prove_inclusion(reader, 12345, &proof, NULL));
    /* Its tile of level 0, full and partial tiles of level 1, level 2, the edge of level 0. */
    assert_true(open_count > 0 && open_count <= 5);
    open_count = 0;
    assert_true(vault_log_reader_prove_consistency(reader, 60000, &root, &proof, NULL));
    assert_true(open_count <= 3);
    open_count = 0;
    for (guint64 i = 5 * 256; i < 6 * 256; i++)
        log_world_assert_entry(reader, i, i);
    assert_true(open_count <= 2);
}

static void sidecars_lie_beside_their_entries(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(world);
    g_autoptr(GBytes) sidecar = g_bytes_new_static("hash list", 9);
    g_autoptr(GBytes) payload = g_bytes_new_static("entry", 5);
    const VaultLogEntry entries[] = {{payload, NULL}, {payload, sidecar}};
    VaultHash hash, other = {{0}};
    g_autoptr(GBytes) read = NULL;
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) wrong = NULL;
    guint64 first = 7;

    assert_true(vault_log_append(log, entries, 2, &first, NULL));
    assert_int_equal(first, 0);
    vault_hash("hash list", 9, &hash);
    read = vault_log_reader_sidecar(vault_log_reader(log), 1, &hash, NULL);
    assert_non_null(read);
    assert_true(g_bytes_equal(read, sidecar));
    assert_null(vault_log_reader_sidecar(vault_log_reader(log), 0, &hash, &none));
    log_world_assert_code(none, VAULT_ERROR_NOT_FOUND);
    assert_null(vault_log_reader_sidecar(vault_log_reader(log), 1, &other, &wrong));
    log_world_assert_code(wrong, VAULT_ERROR_CORRUPT);
}

/* ---- limits and refusals --------------------------------------------------------------------- */

static void entries_batches_and_sidecars_have_limits(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(world);
    g_autofree guint8 *zeros = g_malloc0(VAULT_LOG_SIDECAR_LEN_MAX + 1);
    g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
    g_autoptr(GBytes) largest = g_bytes_new_static(zeros, VAULT_LOG_ENTRY_LEN_MAX);
    g_autoptr(GBytes) too_large = g_bytes_new_static(zeros, VAULT_LOG_ENTRY_LEN_MAX + 1);
    g_autoptr(GBytes) sidecar = g_bytes_new_static(zeros, VAULT_LOG_SIDECAR_LEN_MAX);
    g_autoptr(GBytes) large_sidecar = g_bytes_new_static(zeros, VAULT_LOG_SIDECAR_LEN_MAX + 1);
    g_autofree VaultLogEntry *many = g_new0(VaultLogEntry, VAULT_LOG_BATCH_MAX + 1);
    const VaultLogEntry allowed[] = {{empty, NULL}, {largest, sidecar}};
    const VaultLogEntry refused[] = {{too_large, NULL}, {empty, large_sidecar}};

    for (gsize i = 0; i <= VAULT_LOG_BATCH_MAX; i++)
        many[i].payload = empty;
    assert_true(vault_log_append(log, allowed, 2, NULL, NULL));
    assert_true(vault_log_append(log, many, VAULT_LOG_BATCH_MAX, NULL, NULL));
    for (gsize i = 0; i < 4; i++) {
        g_autoptr(GError) error = NULL;
        gboolean is_done =
            i < 2 ? vault_log_append(log, &refused[i], 1, NULL, &error)
                  : vault_log_append(log, many, i == 2 ? 0 : VAULT_LOG_BATCH_MAX + 1, NULL, &error);

        assert_false(is_done);
        log_world_assert_code(error, VAULT_ERROR_TOO_LARGE);
    }
    assert_int_equal(vault_log_reader_checkpoint(vault_log_reader(log))->size,
                     VAULT_LOG_BATCH_MAX + 2);
}

static void a_log_is_created_once_and_not_over_the_rest_of_another(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    VaultLogOptions options = log_world_options(world);
    g_autofree char *head = g_build_filename(world->directory, "head", NULL);
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) again = NULL;
    g_autoptr(GError) rest = NULL;
    g_autoptr(GError) headless = NULL;

    assert_null(vault_log_open(&options, &none));
    log_world_assert_code(none, VAULT_ERROR_NOT_FOUND);
    vault_log_close(log_world_create(world));
    assert_false(vault_log_create(&options, &again));
    log_world_assert_code(again, VAULT_ERROR_BUSY);
    assert_int_equal(g_unlink(head), 0);
    assert_false(vault_log_create(&options, &rest));
    log_world_assert_code(rest, VAULT_ERROR_BUSY);
    assert_null(vault_log_open(&options, &headless));
    log_world_assert_code(headless, VAULT_ERROR_NOT_FOUND);
    options.origin = "not an origin";
    assert_false(vault_log_create(&options, NULL));
}

static void a_new_key_signs_when_the_earlier_one_is_named(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(LogWorld) next = log_world_new();
    VaultLogOptions options = log_world_options(world);
    g_autoptr(VaultLog) log = log_world_create(world);
    g_autoptr(VaultLogReader) reader = NULL;
    g_autoptr(GError) unknown = NULL;

    assert_true(log_world_append(log, 0, 5, NULL));
    g_clear_pointer(&log, vault_log_close);
    options.key = &next->key;
    assert_null(vault_log_open(&options, &unknown));
    log_world_assert_code(unknown, VAULT_ERROR_NO_KEY);
    options.earlier_keys = &world->verify_key;
    options.earlier_count = 1;
    log = vault_log_open(&options, NULL);
    assert_non_null(log);
    assert_true(log_world_append(log, 5, 1, NULL));
    reader = vault_log_reader_open(world->directory, LOG_ORIGIN, next->keys, NULL);
    assert_non_null(reader);
    log_world_assert_entry(reader, 5, 5);
}

typedef struct {
    guint64 next;
    guint64 refused;
    guint finding_count;
} Seen;

static gboolean see_entry(guint64 index, const guint8 *entry, gsize len, gpointer user,
                          GError **error)
{
    Seen *seen = user;
    g_autofree char *expected = log_world_payload(index);

    assert_int_equal(index, seen->next++);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(entry, expected, len);
    if (index != seen->refused)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "not as it should be");
    return FALSE;
}

static void count_finding(const char *finding, gpointer user)
{
    assert_non_null(strstr(finding, "entry 300: not as it should be"));
    ((Seen *)user)->finding_count++;
}

static void verification_shows_every_entry_and_takes_the_callers_word(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(world);
    Seen seen = {.refused = G_MAXUINT64};
    VaultLogVerifyOptions options = {
        .check_entry = see_entry, .found = count_finding, .user = &seen};

    assert_true(log_world_append(log, 0, 700, NULL));
    assert_true(vault_log_verify_all(vault_log_reader(log), &options, NULL));
    assert_int_equal(seen.next, 700);
    seen = (Seen){.refused = 300};
    assert_false(vault_log_verify_all(vault_log_reader(log), &options, NULL));
    assert_int_equal(seen.next, 700);
    assert_int_equal(seen.finding_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_name_vault_kind_and_epoch),
        cmocka_unit_test(origins_have_one_spelling),
        cmocka_unit_test(what_was_appended_is_read_and_proven),
        cmocka_unit_test(one_reader_follows_its_writer),
        cmocka_unit_test(a_reader_stays_at_its_checkpoint),
        cmocka_unit_test(proofs_hold_against_signed_roots),
        cmocka_unit_test(proofs_and_sequential_reading_open_few_files),
        cmocka_unit_test(sidecars_lie_beside_their_entries),
        cmocka_unit_test(entries_batches_and_sidecars_have_limits),
        cmocka_unit_test(a_log_is_created_once_and_not_over_the_rest_of_another),
        cmocka_unit_test(a_new_key_signs_when_the_earlier_one_is_named),
        cmocka_unit_test(verification_shows_every_entry_and_takes_the_callers_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
