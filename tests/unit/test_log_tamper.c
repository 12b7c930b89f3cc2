/* What someone with the disk may do to a log: each is found, and never answered with a lie. */
#include "tests/unit/log_world.h"

#define SIZE 600

typedef struct {
    LogWorld *world;
    VaultLogReader *reader;
    GPtrArray *findings;
} Scene;

static void keep_finding(const char *finding, gpointer user)
{
    g_ptr_array_add(user, g_strdup(finding));
}

static int scene_begin(void **state)
{
    Scene *scene = g_new0(Scene, 1);
    g_autoptr(VaultLog) log = NULL;

    scene->world = log_world_new();
    scene->findings = g_ptr_array_new_with_free_func(g_free);
    log = log_world_create(scene->world);
    assert_true(log_world_append(log, 0, SIZE, NULL));
    *state = scene;
    return 0;
}

static int scene_end(void **state)
{
    Scene *scene = *state;

    vault_log_reader_close(scene->reader);
    log_world_free(scene->world);
    g_ptr_array_unref(scene->findings);
    g_free(scene);
    return 0;
}

static void verify(Scene *scene, const VaultCheckpoint *older, gboolean is_expected_good)
{
    VaultLogVerifyOptions options = {
        .older = older, .found = keep_finding, .user = scene->findings};
    g_autoptr(GError) error = NULL;

    vault_log_reader_close(scene->reader);
    scene->reader = log_world_read(scene->world);
    g_ptr_array_set_size(scene->findings, 0);
    assert_int_equal(vault_log_verify_all(scene->reader, &options, &error), is_expected_good);
    assert_int_equal(scene->findings->len == 0, is_expected_good);
    if (!is_expected_good)
        log_world_assert_code(error, VAULT_ERROR_CORRUPT);
}

static void assert_found(const Scene *scene, const char *words)
{
    for (guint i = 0; i < scene->findings->len; i++) {
        if (strstr(g_ptr_array_index(scene->findings, i), words) != NULL)
            return;
    }
    fail_msg("no finding says \"%s\"", words);
}

/* Every file of a log but the draft, relative. */
static void list_files(const char *directory, const char *relative, GPtrArray *names)
{
    g_autofree char *path = g_build_filename(directory, relative, NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        char *child = g_build_filename(relative, name, NULL);
        g_autofree char *child_path = g_build_filename(directory, child, NULL);

        if (g_file_test(child_path, G_FILE_TEST_IS_DIR)) {
            list_files(directory, child, names);
            g_free(child);
        } else {
            g_ptr_array_add(names, child);
        }
    }
}

static void read_file(const Scene *scene, const char *name, char **ret_bytes, gsize *ret_len)
{
    g_autofree char *path = g_build_filename(scene->world->directory, name, NULL);

    assert_true(g_file_get_contents(path, ret_bytes, ret_len, NULL));
}

static void write_file(const Scene *scene, const char *name, const char *bytes, gsize len)
{
    g_autofree char *path = g_build_filename(scene->world->directory, name, NULL);

    assert_true(g_file_set_contents_full(path, bytes, (gssize)len, G_FILE_SET_CONTENTS_CONSISTENT,
                                         0600, NULL));
}

static gboolean opens_for_writing(const Scene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultLog) log = log_world_open(scene->world, &error);

    if (log == NULL && !g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY))
        log_world_assert_code(error, VAULT_ERROR_CORRUPT);
    return log != NULL;
}

/* Whatever the reader answers is right, or it is an error. */
static void assert_no_lie(VaultLogReader *reader)
{
    static const guint64 indexes[] = {0, 255, 256, 511, 512, SIZE - 1};

    for (gsize i = 0; i < G_N_ELEMENTS(indexes); i++) {
        g_autofree char *expected = log_world_payload(indexes[i]);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) entry = vault_log_reader_entry(reader, indexes[i], &error);

        if (entry == NULL) {
            log_world_assert_code(error, VAULT_ERROR_CORRUPT);
            continue;
        }
        assert_int_equal(g_bytes_get_size(entry), strlen(expected));
        assert_memory_equal(g_bytes_get_data(entry, NULL), expected, strlen(expected));
    }
}

static void a_byte_changed_cut_or_added_in_any_file_is_found(void **state)
{
    Scene *scene = *state;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    list_files(scene->world->directory, "tile", names);
    assert_int_equal(names->len, 3 + 3 + 1); /* bundles, tiles of level 0, of level 1 */
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *bytes = NULL;
        gsize len = 0, places[3];

        read_file(scene, name, &bytes, &len);
        places[0] = 0;
        places[1] = len / 2;
        places[2] = len - 1;
        for (gsize j = 0; j < G_N_ELEMENTS(places); j++) {
            bytes[places[j]] ^= 0x10;
            write_file(scene, name, bytes, len);
            verify(scene, NULL, FALSE);
            assert_no_lie(scene->reader);
            bytes[places[j]] ^= 0x10;
            write_file(scene, name, bytes, len);
        }
        write_file(scene, name, bytes, len - 1);
        verify(scene, NULL, FALSE);
        bytes = g_realloc(bytes, len + 1);
        bytes[len] = 0;
        write_file(scene, name, bytes, len + 1);
        verify(scene, NULL, FALSE);
        write_file(scene, name, bytes, len);
    }
    verify(scene, NULL, TRUE);
}

static void a_missing_file_is_found(void **state)
{
    Scene *scene = *state;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    list_files(scene->world->directory, "tile", names);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *path = g_build_filename(scene->world->directory, name, NULL);
        g_autofree char *bytes = NULL;
        gsize len = 0;

        read_file(scene, name, &bytes, &len);
        assert_int_equal(g_unlink(path), 0);
        verify(scene, NULL, FALSE);
        assert_found(scene, "is missing");
        assert_no_lie(scene->reader);
        write_file(scene, name, bytes, len);
    }
    verify(scene, NULL, TRUE);
}

/* The bundle of entries 256 to 511 anew, with `skipped` left out or two entries swapped. */
static void rewrite_bundle(const Scene *scene, guint64 skipped, guint64 swapped)
{
    g_autoptr(GByteArray) bundle = g_byte_array_new();

    for (guint64 i = 256; i < 512; i++) {
        guint64 serial = i == swapped ? i + 1 : i == swapped + 1 ? i - 1 : i;
        g_autofree char *payload = log_world_payload(serial);

        if (i != skipped)
            vault_bundle_append(bundle, payload, strlen(payload));
    }
    write_file(scene, "tile/entries/001", (const char *)bundle->data, bundle->len);
}

static void a_dropped_entry_is_found(void **state)
{
    Scene *scene = *state;

    rewrite_bundle(scene, 300, 0);
    verify(scene, NULL, FALSE);
    assert_found(scene, "entry 300 is not what was logged");
    assert_found(scene, "entries from 511 on are missing");
    assert_no_lie(scene->reader);
}

static void reordered_entries_are_found(void **state)
{
    Scene *scene = *state;

    rewrite_bundle(scene, 0, 400);
    verify(scene, NULL, FALSE);
    assert_found(scene, "entry 400 is not what was logged");
    assert_found(scene, "entry 401 is not what was logged");
    assert_int_equal(scene->findings->len, 2);
    assert_no_lie(scene->reader);
}

/* Entries, hashes and all tiles above changed to fit each other: only the root tells. */
static void history_rewritten_with_all_its_hashes_is_found(void **state)
{
    Scene *scene = *state;
    g_autoptr(LogWorld) other = log_world_new();
    g_autoptr(VaultLog) log = log_world_create(other);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    assert_true(log_world_append(log, 1, SIZE, NULL));
    list_files(other->directory, "tile", names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path =
            g_build_filename(other->directory, g_ptr_array_index(names, i), NULL);
        g_autofree char *bytes = NULL;
        gsize len = 0;

        assert_true(g_file_get_contents(path, &bytes, &len, NULL));
        write_file(scene, g_ptr_array_index(names, i), bytes, len);
    }
    verify(scene, NULL, FALSE);
    assert_found(scene, "have not the root that the checkpoint says");
    assert_no_lie(scene->reader);
    assert_false(opens_for_writing(scene));
}

static void a_forged_checkpoint_is_refused(void **state)
{
    Scene *scene = *state;
    g_autoptr(LogWorld) other = log_world_new();
    VaultHash root = {{1}};
    g_autoptr(VaultCheckpoint) forged = vault_checkpoint_new(LOG_ORIGIN, SIZE, &root);
    g_autofree char *by_another = vault_checkpoint_sign(forged, &other->key);
    g_autofree char *by_us = vault_checkpoint_sign(forged, &scene->world->key);
    g_autoptr(GError) error = NULL;

    write_file(scene, "checkpoint", by_another, strlen(by_another));
    assert_null(
        vault_log_reader_open(scene->world->directory, LOG_ORIGIN, scene->world->keys, &error));
    log_world_assert_code(error, VAULT_ERROR_NO_KEY);
    assert_false(opens_for_writing(scene));
    /* Even one that the key did sign, as who stole it may have: the tiles say otherwise. */
    write_file(scene, "checkpoint", by_us, strlen(by_us));
    verify(scene, NULL, FALSE);
    assert_false(opens_for_writing(scene));
}

/* ---- set back ------------------------------------------------------------------------------- */

static VaultCheckpoint *checkpoint_now(Scene *scene)
{
    const VaultCheckpoint *checkpoint;

    vault_log_reader_close(scene->reader);
    scene->reader = log_world_read(scene->world);
    checkpoint = vault_log_reader_checkpoint(scene->reader);
    return vault_checkpoint_new(checkpoint->origin, checkpoint->size, &checkpoint->root);
}

static void append_to(const Scene *scene, guint64 serial, gsize count)
{
    g_autoptr(VaultLog) log = log_world_open(scene->world, NULL);

    assert_non_null(log);
    assert_true(log_world_append(log, serial, count, NULL));
}

static void a_log_set_back_whole_is_found_by_an_older_checkpoint(void **state)
{
    Scene *scene = *state;
    g_autoptr(VaultCheckpoint) before = checkpoint_now(scene);
    g_autoptr(VaultCheckpoint) later = NULL;
    g_autofree char *kept = g_build_filename(scene->world->folder, "kept", NULL);
    g_autofree char *command = g_strdup_printf("cp -a '%s' '%s'", scene->world->directory, kept);

    assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    append_to(scene, SIZE, 10);
    later = checkpoint_now(scene);
    verify(scene, before, TRUE);
    verify(scene, later, TRUE);

    log_world_remove(scene->world->directory);
    assert_int_equal(g_rename(kept, scene->world->directory), 0);
    verify(scene, before, TRUE);
    verify(scene, later, FALSE);
    assert_found(scene, "it was set back");

    /* It grows again past that size, with other entries. */
    append_to(scene, 5000, 20);
    verify(scene, before, TRUE);
    verify(scene, later, FALSE);
    assert_found(scene, "is not the one signed before");
}

static void a_head_or_tiles_set_back_behind_the_checkpoint_sign_nothing(void **state)
{
    Scene *scene = *state;
    g_autofree char *head = NULL;
    g_autofree char *note = NULL;
    g_autofree char *checkpoint_path =
        g_build_filename(scene->world->directory, "checkpoint", NULL);
    gsize head_len = 0, note_len = 0;

    read_file(scene, "head", &head, &head_len);
    append_to(scene, SIZE, 10);
    write_file(scene, "head", head, head_len);
    assert_false(opens_for_writing(scene));
    read_file(scene, "checkpoint", &note, &note_len);
    assert_int_equal(g_unlink(checkpoint_path), 0);
    assert_false(opens_for_writing(scene));
    write_file(scene, "checkpoint", note, note_len);
    write_file(scene, "head", "nonsense\n", 9);
    assert_false(opens_for_writing(scene));
}

static void damage_at_the_edge_is_found_before_anything_is_appended(void **state)
{
    Scene *scene = *state;
    g_autofree char *bytes = NULL;
    gsize len = 0;

    read_file(scene, "tile/entries/002.p/88", &bytes, &len);
    bytes[len / 2] ^= 1;
    write_file(scene, "tile/entries/002.p/88", bytes, len);
    assert_false(opens_for_writing(scene));
    bytes[len / 2] ^= 1;
    write_file(scene, "tile/entries/002.p/88", bytes, len);
    assert_true(opens_for_writing(scene));
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_byte_changed_cut_or_added_in_any_file_is_found),
        SCENE_TEST(a_missing_file_is_found),
        SCENE_TEST(a_dropped_entry_is_found),
        SCENE_TEST(reordered_entries_are_found),
        SCENE_TEST(history_rewritten_with_all_its_hashes_is_found),
        SCENE_TEST(a_forged_checkpoint_is_refused),
        SCENE_TEST(a_log_set_back_whole_is_found_by_an_older_checkpoint),
        SCENE_TEST(a_head_or_tiles_set_back_behind_the_checkpoint_sign_nothing),
        SCENE_TEST(damage_at_the_edge_is_found_before_anything_is_appended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
