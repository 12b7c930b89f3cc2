/* Durable files: each call fails once, the 1st, the 2nd, ... and there is the old file, the new
 * one, or none, never half a file or a draft. */
#include "tests/unit/crypto_world.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum {
    WRITE,
    PWRITE,
    PREAD,
    FDATASYNC,
    FSYNC,
    OPEN,
    MKSTEMP,
    RENAME,
    LINK,
    CALLS_COUNT
} Call;
typedef enum { FAIL, SHORT, INTERRUPTED } Failure; /* SHORT: one byte of it is done */

static struct {
    Call call;
    Failure failure;
    int left; /* -1: none fails */
    int error_number;
    gboolean has_failed;
    int count[CALLS_COUNT];
} plan = {.left = -1};

static gboolean must_fail(Call call)
{
    plan.count[call]++;
    if (plan.call != call || plan.left < 0 || plan.left-- > 0)
        return FALSE;
    plan.has_failed = TRUE;
    errno = plan.failure == INTERRUPTED ? EINTR : plan.error_number;
    return TRUE;
}

static void plan_failure(Call call, Failure failure, int nth, int error_number)
{
    memset(&plan, 0, sizeof plan);
    plan.call = call;
    plan.failure = failure;
    plan.left = nth;
    plan.error_number = error_number;
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (!must_fail(WRITE))
        return __real_write(fd, bytes, len);
    return plan.failure == SHORT ? __real_write(fd, bytes, 1) : -1;
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (!must_fail(PWRITE))
        return __real_pwrite(fd, bytes, len, offset);
    return plan.failure == SHORT ? __real_pwrite(fd, bytes, 1, offset) : -1;
}

ssize_t __real_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset)
{
    if (!must_fail(PREAD))
        return __real_pread(fd, bytes, len, offset);
    return plan.failure == SHORT ? __real_pread(fd, bytes, 1, offset) : -1;
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return must_fail(FDATASYNC) ? -1 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return must_fail(FSYNC) ? -1 : __real_fsync(fd);
}

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
    return must_fail(OPEN) ? -1 : __real_open(path, flags, mode);
}

int __real_g_mkstemp_full(char *path, int flags, int mode);
int __wrap_g_mkstemp_full(char *path, int flags, int mode);
int __wrap_g_mkstemp_full(char *path, int flags, int mode)
{
    return must_fail(MKSTEMP) ? -1 : __real_g_mkstemp_full(path, flags, mode);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return must_fail(RENAME) ? -1 : __real_rename(from, to);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    return must_fail(LINK) ? -1 : __real_link(from, to);
}

/* ---- a folder ------------------------------------------------------------------------------- */

typedef struct {
    char *path, *file;
} Folder;

static void folder_clear(Folder *folder)
{
    unlink(folder->file);
    assert_int_equal(rmdir(folder->path), 0); /* no draft is left */
    g_free(folder->path);
    g_free(folder->file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

static Folder folder_new(void)
{
    Folder folder = {.path = g_dir_make_tmp("file-XXXXXX", NULL)};

    folder.file = g_build_filename(folder.path, "file", NULL);
    return folder;
}

static char *content_of(const char *path)
{
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void a_written_file_is_there_with_its_mode(void **state)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *text = NULL;
    struct stat status;

    plan_failure(WRITE, FAIL, -1, 0);
    assert_true(vault_file_write(folder.file, "text", 4, 0640, VAULT_FILE_NEW, NULL));
    text = content_of(folder.file);
    assert_string_equal(text, "text");
    assert_int_equal(stat(folder.file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    /* Synced before it had its name, and its name after. */
    assert_int_equal(plan.count[FDATASYNC], 1);
    assert_int_equal(plan.count[FSYNC], 1);
}

static void a_new_file_overwrites_none(void **state)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(vault_file_write(folder.file, "old", 3, 0600, VAULT_FILE_NEW, NULL));
    assert_false(vault_file_write(folder.file, "new", 3, 0600, VAULT_FILE_NEW, &error));
    assert_error(error, VAULT_ERROR_BUSY);
    text = content_of(folder.file);
    assert_string_equal(text, "old");
}

static void a_folder_that_is_not_there_is_not_found(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_false(vault_file_write("/nonexistent/file", "x", 1, 0600, VAULT_FILE_REPLACE, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
    g_clear_error(&error);
    assert_false(vault_file_sync_directory("/nonexistent", &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
}

static void write_under_failure(VaultFileExisting existing, Call call, int nth, int error_number)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gboolean is_written;

    if (existing == VAULT_FILE_REPLACE)
        assert_true(g_file_set_contents(folder.file, "old", 3, NULL));
    plan_failure(call, FAIL, nth, error_number);
    is_written = vault_file_write(folder.file, "new text", 8, 0600, existing, &error);
    assert_int_equal(is_written, !plan.has_failed);
    text = content_of(folder.file);
    if (is_written) {
        assert_string_equal(text, "new text");
        return;
    }
    assert_error(error, error_number == EIO ? VAULT_ERROR_IO : VAULT_ERROR_NO_SPACE);
    /* The last sync is that of the name, which then may or may not be on the disk: whole in either
     * case. */
    if (call == FSYNC || (call == OPEN && text != NULL && g_str_equal(text, "new text")))
        assert_string_equal(text, "new text");
    else if (existing == VAULT_FILE_REPLACE)
        assert_string_equal(text, "old");
    else
        assert_null(text);
}

static void each_failing_call_leaves_the_old_file_or_the_new(void **state)
{
    int failed_count = 0;

    for (Call call = 0; call < CALLS_COUNT; call++) {
        for (int existing = 0; existing < 2; existing++) {
            for (int nth = 0; nth == 0 || plan.has_failed; nth++) {
                write_under_failure((VaultFileExisting)existing, call, nth,
                                    nth % 2 == 0 ? EIO : ENOSPC);
                failed_count += plan.has_failed;
                if (!plan.has_failed)
                    break;
            }
        }
    }
    /* Each of the two ways makes six calls that may fail. */
    assert_int_equal(failed_count, 12);
    write_under_failure(VAULT_FILE_NEW, WRITE, 0, ENOSPC);
}

static void short_and_interrupted_calls_go_on(void **state)
{
    static const Failure failures[] = {SHORT, INTERRUPTED};
    char bytes[8] = {0};

    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_auto(Folder) folder = folder_new();
        g_auto(VaultFd) fd = -1;

        plan_failure(WRITE, failures[i], 0, 0);
        assert_true(vault_file_write(folder.file, "whole!", 6, 0600, VAULT_FILE_NEW, NULL));
        assert_true(plan.has_failed);
        fd = open(folder.file, O_RDWR | O_CLOEXEC);
        plan_failure(PREAD, failures[i], 0, 0);
        assert_true(vault_file_pread_exact(fd, bytes, 6, 0, "file", NULL));
        assert_true(plan.has_failed);
        assert_string_equal(bytes, "whole!");
        plan_failure(PWRITE, failures[i], 0, 0);
        assert_true(vault_file_pwrite_all(fd, "WHOLE", 5, 0, "file", NULL));
        assert_true(plan.has_failed);
        plan.left = -1;
        assert_true(vault_file_pread_exact(fd, bytes, 6, 0, "file", NULL));
        assert_string_equal(bytes, "WHOLE!");
    }
    plan.left = -1;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void a_file_is_read_up_to_its_limit(void **state)
{
    g_auto(Folder) folder = folder_new();
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize len;
    const char *text;

    assert_true(g_file_set_contents(folder.file, "1234", 4, NULL));
    bytes = vault_file_read(folder.file, 4, NULL);
    text = g_bytes_get_data(bytes, &len);
    assert_int_equal(len, 4);
    assert_string_equal(text, "1234"); /* the NUL behind it */
    assert_null(vault_file_read(folder.file, 3, &error));
    assert_error(error, VAULT_ERROR_TOO_LARGE);
}

static void what_is_no_regular_file_is_not_read(void **state)
{
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) folder = NULL;
    g_autoptr(GError) device = NULL;

    assert_null(vault_file_read("/nonexistent", 10, &missing));
    assert_error(missing, VAULT_ERROR_NOT_FOUND);
    assert_null(vault_file_read("/", 10, &folder));
    assert_error(folder, VAULT_ERROR_TOO_LARGE);
    assert_null(vault_file_read("/dev/zero", 10, &device));
    assert_error(device, VAULT_ERROR_TOO_LARGE);
}

static void a_read_past_the_end_is_corrupt(void **state)
{
    g_auto(Folder) folder = folder_new();
    g_auto(VaultFd) fd = -1;
    char bytes[5];
    g_autoptr(GError) error = NULL;

    assert_true(g_file_set_contents(folder.file, "1234", 4, NULL));
    fd = open(folder.file, O_RDONLY | O_CLOEXEC);
    assert_true(vault_file_pread_exact(fd, bytes, 2, 2, "file", NULL));
    assert_memory_equal(bytes, "34", 2);
    assert_false(vault_file_pread_exact(fd, bytes, 5, 0, "file", &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
}

static void a_failing_read_is_an_io_error(void **state)
{
    g_auto(Folder) folder = folder_new();
    g_autoptr(GError) error = NULL;

    assert_true(g_file_set_contents(folder.file, "1234", 4, NULL));
    plan_failure(PREAD, FAIL, 0, EIO);
    assert_null(vault_file_read(folder.file, 4, &error));
    assert_error(error, VAULT_ERROR_IO);
    plan.left = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_file_is_there_with_its_mode),
        cmocka_unit_test(a_new_file_overwrites_none),
        cmocka_unit_test(a_folder_that_is_not_there_is_not_found),
        cmocka_unit_test(each_failing_call_leaves_the_old_file_or_the_new),
        cmocka_unit_test(short_and_interrupted_calls_go_on),
        cmocka_unit_test(a_file_is_read_up_to_its_limit),
        cmocka_unit_test(what_is_no_regular_file_is_not_read),
        cmocka_unit_test(a_read_past_the_end_is_corrupt),
        cmocka_unit_test(a_failing_read_is_an_io_error),
    };

    return run_crypto_tests(tests);
}
