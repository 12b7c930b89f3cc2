/* The power goes before each write, sync, rename, mkdir and unlink of a log's life. The disk then
 * holds what was synced, or that and any part of what was not. Whatever it is: the log opens, holds
 * every entry that was acknowledged, and every root that had been signed is one of its own, so that
 * it cannot sign another for that size. */
#include "tests/unit/log_world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef GHashTable Names; /* name -> GBytes; no bytes at all (NULL): a folder */

/* ---- a disk that remembers what was synced --------------------------------------------------- */

static struct {
    const char *root;     /* NULL: nothing is recorded */
    GHashTable *contents; /* inode -> GBytes as of its last sync */
    GHashTable *folders;  /* path -> Names as of its last sync */
    guint64 random;
    guint cut_count;
    enum { SYNCS_WORK, NEXT_HEAD_FAILS, NEXT_SYNC_FAILS } failure;
} disk;

static void cut(void);

static void names_free(gpointer names)
{
    g_hash_table_unref(names);
}

static void bytes_free(gpointer bytes)
{
    g_clear_pointer((GBytes **)&bytes, g_bytes_unref);
}

static guint next_random(void)
{
    disk.random = disk.random * 6364136223846793005u + 1442695040888963407u;
    return (guint)(disk.random >> 33);
}

static GBytes *synced_content(const char *path)
{
    GStatBuf status;
    GBytes *bytes = NULL;

    if (g_stat(path, &status) == 0)
        bytes = g_hash_table_lookup(disk.contents, GSIZE_TO_POINTER(status.st_ino));
    /* A name of a file that was never synced: its bytes may be anything, here none. */
    return bytes != NULL ? g_bytes_ref(bytes) : g_bytes_new(NULL, 0);
}

static Names *names_in(const char *path)
{
    Names *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, bytes_free);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        gboolean is_folder = g_file_test(child, G_FILE_TEST_IS_DIR);

        g_hash_table_insert(names, g_strdup(name), is_folder ? NULL : synced_content(child));
    }
    return names;
}

static char *path_of_descriptor(int fd)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);

    return g_file_read_link(link, NULL);
}

static gsize inode_of(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    return (gsize)status.st_ino;
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    g_autofree char *path = NULL;
    char *bytes = NULL;
    gsize len = 0;

    if (disk.root == NULL)
        return 0;
    cut();
    path = path_of_descriptor(fd);
    assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    g_hash_table_replace(disk.contents, GSIZE_TO_POINTER(inode_of(fd)),
                         g_bytes_new_take(bytes, len));
    return 0;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    char *path;

    if (disk.root == NULL)
        return 0;
    cut();
    if (disk.failure == NEXT_SYNC_FAILS) {
        disk.failure = SYNCS_WORK;
        errno = EIO;
        return -1;
    }
    path = path_of_descriptor(fd);
    g_hash_table_replace(disk.folders, path, names_in(path));
    return 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list arguments;
    int fd;

    va_start(arguments, flags);
    if (flags & O_CREAT)
        mode = va_arg(arguments, mode_t);
    va_end(arguments);
    fd = __real_open(path, flags, mode);
    /* A new file, perhaps with the number of one that is gone. */
    if (disk.root != NULL && fd >= 0 && (flags & O_CREAT))
        g_hash_table_remove(disk.contents, GSIZE_TO_POINTER(inode_of(fd)));
    return fd;
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (disk.root != NULL)
        cut();
    return __real_write(fd, bytes, len);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    if (disk.root != NULL)
        cut();
    if (disk.root != NULL && disk.failure == NEXT_HEAD_FAILS && g_str_has_suffix(to, "/head"))
        disk.failure = NEXT_SYNC_FAILS;
    return __real_rename(from, to);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    if (disk.root != NULL)
        cut();
    return __real_mkdir(path, mode);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    if (disk.root != NULL)
        cut();
    return __real_unlink(path);
}

/* ---- what was promised so far ---------------------------------------------------------------- */

static LogWorld *world;
static GHashTable *signed_roots; /* size -> VaultHash */
static guint64 acknowledged_size;

void __real_vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                           VaultSignature *ret_signature);
void __wrap_vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                           VaultSignature *ret_signature);
void __wrap_vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                           VaultSignature *ret_signature)
{
    g_autoptr(VaultCheckpoint) checkpoint = vault_checkpoint_parse(text, len, NULL);

    if (disk.root != NULL)
        g_hash_table_replace(signed_roots, GSIZE_TO_POINTER(checkpoint->size),
                             g_memdup2(&checkpoint->root, sizeof checkpoint->root));
    __real_vault_log_sign(key, text, len, ret_signature);
}

/* ---- cuts ----------------------------------------------------------------------------------- */

typedef enum { ONLY_SYNCED, ALL_THERE_IS, ANY_PART, IMAGES_COUNT } Image;

/* Which of the two tables a name is as in: the synced one or what is there now. */
static void write_image(const char *path, const char *to, Image image)
{
    Names *synced = g_hash_table_lookup(disk.folders, path);
    g_autoptr(GHashTable) now = names_in(path);
    g_autoptr(GHashTable) all = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer name = NULL;

    assert_int_equal(__real_mkdir(to, 0700), 0);
    g_hash_table_iter_init(&iter, now);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_hash_table_add(all, name);
    if (synced != NULL)
        g_hash_table_iter_init(&iter, synced);
    while (synced != NULL && g_hash_table_iter_next(&iter, &name, NULL))
        g_hash_table_add(all, name);
    g_hash_table_iter_init(&iter, all);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        gboolean is_synced = image == ONLY_SYNCED || (image == ANY_PART && next_random() % 2 == 0);
        Names *names = is_synced ? synced : now;
        gpointer bytes = NULL;
        g_autofree char *child = g_build_filename(path, name, NULL);
        g_autofree char *copy = g_build_filename(to, name, NULL);

        if (names == NULL || !g_hash_table_lookup_extended(names, name, NULL, &bytes))
            continue;
        if (bytes == NULL)
            write_image(child, copy, image);
        else
            assert_true(g_file_set_contents_full(copy, g_bytes_get_data(bytes, NULL),
                                                 (gssize)g_bytes_get_size(bytes),
                                                 G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
}

static void check_roots(VaultLogReader *reader)
{
    GHashTableIter iter;
    gpointer size = NULL, root = NULL;

    g_hash_table_iter_init(&iter, signed_roots);
    while (g_hash_table_iter_next(&iter, &size, &root)) {
        VaultMerkleProof proof;
        VaultHash old_root;

        /* A log that had become shorter than what was signed could sign another one. */
        assert_true(GPOINTER_TO_SIZE(size) <= vault_log_reader_checkpoint(reader)->size);
        assert_true(vault_log_reader_prove_consistency(reader, GPOINTER_TO_SIZE(size), &old_root,
                                                       &proof, NULL));
        assert_true(vault_merkle_hash_equal(&old_root, root));
    }
}

static void check_image(const LogWorld *image)
{
    VaultLogOptions options = log_world_options(image);
    VaultLogVerifyOptions all = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultLog) log = vault_log_open(&options, &error);

    if (log == NULL) {
        /* Only a log that nobody was told of may not be there. */
        log_world_assert_code(error, VAULT_ERROR_NOT_FOUND);
        assert_int_equal(g_hash_table_size(signed_roots), 0);
        assert_true(vault_log_create(&options, NULL));
        return;
    }
    check_roots(vault_log_reader(log));
    assert_true(vault_log_reader_checkpoint(vault_log_reader(log))->size >= acknowledged_size);
    if (acknowledged_size > 0)
        log_world_assert_entry(vault_log_reader(log), acknowledged_size - 1, acknowledged_size - 1);
    assert_true(log_world_append(log, 1000000, 30, NULL));
    check_roots(vault_log_reader(log));
    assert_true(vault_log_verify_all(vault_log_reader(log), &all, NULL));
}

static void cut(void)
{
    const char *root = disk.root;

    disk.root = NULL; /* what follows happens elsewhere */
    for (Image image = 0; image < IMAGES_COUNT; image++) {
        LogWorld copy = *world;

        copy.folder = g_strconcat(root, ".cut", NULL);
        copy.directory = g_build_filename(copy.folder, "control", NULL);
        write_image(root, copy.folder, image);
        check_image(&copy);
        log_world_remove(copy.folder);
        g_free(copy.folder);
        g_free(copy.directory);
    }
    disk.cut_count++;
    disk.root = root;
}

/* The head gets its name, and the sync of that name fails: what is seen from then on may not be
 * what the disk holds. The log must not sign on the strength of it. */
static VaultLog *fail_to_sync_a_head(VaultLog *log, const VaultLogOptions *options)
{
    disk.failure = NEXT_HEAD_FAILS;
    assert_false(log_world_append(log, acknowledged_size, 2, NULL));
    assert_int_equal(disk.failure, SYNCS_WORK);
    vault_log_close(log);
    log = vault_log_open(options, NULL);
    assert_non_null(log);
    acknowledged_size += 2;
    assert_int_equal(vault_log_reader_checkpoint(vault_log_reader(log))->size, acknowledged_size);
    return log;
}

static void disk_begin(void)
{
    world = log_world_new();
    signed_roots = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    disk.contents = g_hash_table_new_full(NULL, NULL, NULL, bytes_free);
    disk.folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, names_free);
    disk.root = world->folder;
}

static void disk_end(void)
{
    disk.root = NULL;
    g_hash_table_unref(disk.contents);
    g_hash_table_unref(disk.folders);
    g_hash_table_unref(signed_roots);
    log_world_free(world);
}

static void whatever_the_power_leaves_is_continued_and_never_forks(void **state)
{
    static const gsize batches[] = {1, 2, 252, 3, 258};
    VaultLogOptions options;
    VaultLog *log;

    disk_begin();
    options = log_world_options(world);
    assert_true(vault_log_create(&options, NULL));
    log = vault_log_open(&options, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(batches); i++) {
        assert_true(log_world_append(log, acknowledged_size, batches[i], NULL));
        acknowledged_size += batches[i];
        if (i == 1)
            log = fail_to_sync_a_head(log, &options);
    }
    assert_true(disk.cut_count > 100);
    vault_log_close(log);
    disk_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_power_leaves_is_continued_and_never_forks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
