/* Every call that creating, appending and opening make of the operating system fails once: the 1st,
 * the 2nd, ... until one run needs no more calls than that. After each, what was acknowledged is
 * there, no two roots were signed for one size, and the log goes on. */
#include "tests/unit/log_world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { WRITE, FDATASYNC, FSYNC, OPEN, RENAME, MKDIR, UNLINK, CALLS_COUNT } Call;

typedef enum {
    FAIL_WHOLLY,   /* nothing of it happens */
    FAIL_HALFWAY,  /* half of the bytes are written first */
    FAIL_BUT_DONE, /* it happens and is reported as failed */
    FAILURES_COUNT
} Failure;

/* Which call fails. `left` counts down on each call of that kind; 0: this one. -1: none. */
static struct {
    Call call;
    Failure failure;
    int left;
    int error_number;
    gboolean has_failed;
    gboolean arms_after_head; /* fails the first FSYNC after the head got its name */
} plan = {.left = -1};

static gboolean must_fail(Call call)
{
    gboolean fails = plan.call == call && plan.left >= 0 && plan.left-- == 0;

    plan.has_failed = plan.has_failed || fails;
    if (fails)
        errno = plan.error_number;
    return fails;
}

/* What a failing call of this kind does before it is reported. */
#define WRAP_FAILURE(call, done)                                                                   \
    do {                                                                                           \
        if (plan.failure == FAIL_BUT_DONE)                                                         \
            (void)!(done);                                                                         \
        errno = plan.error_number;                                                                 \
        return -1;                                                                                 \
    } while (0)

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (!must_fail(WRITE))
        return __real_write(fd, bytes, len);
    if (plan.failure == FAIL_HALFWAY)
        (void)!__real_write(fd, bytes, len / 2);
    WRAP_FAILURE(WRITE, __real_write(fd, bytes, len));
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return must_fail(FDATASYNC) ? -1 : 0; /* nothing here needs the disk */
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return must_fail(FSYNC) ? -1 : 0;
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

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    if (plan.arms_after_head && g_str_has_suffix(to, "/head")) {
        plan.arms_after_head = FALSE;
        plan.call = FSYNC;
        plan.left = 0;
    }
    if (!must_fail(RENAME))
        return __real_rename(from, to);
    WRAP_FAILURE(RENAME, __real_rename(from, to));
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    if (!must_fail(MKDIR))
        return __real_mkdir(path, mode);
    WRAP_FAILURE(MKDIR, __real_mkdir(path, mode));
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    if (!must_fail(UNLINK))
        return __real_unlink(path);
    WRAP_FAILURE(UNLINK, __real_unlink(path));
}

/* ---- what was signed ------------------------------------------------------------------------- */

static GHashTable *signed_roots; /* size line -> checkpoint text */

void __real_vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                           VaultSignature *ret_signature);
void __wrap_vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                           VaultSignature *ret_signature);
void __wrap_vault_log_sign(const LogSigningKey *key, const void *text, gsize len,
                           VaultSignature *ret_signature)
{
    g_autoptr(VaultCheckpoint) checkpoint = vault_checkpoint_parse(text, len, NULL);
    char *size = g_strdup_printf("%" G_GUINT64_FORMAT, checkpoint->size);
    const char *before = g_hash_table_lookup(signed_roots, size);

    if (before != NULL)
        assert_string_equal(before, (const char *)text);
    g_hash_table_replace(signed_roots, size, g_strndup(text, len));
    __real_vault_log_sign(key, text, len, ret_signature);
}

/* ---- scenes --------------------------------------------------------------------------------- */

/* Of syncing and opening nothing is half done, and of naming there are no halves. */
static gboolean can_fail(Call call, Failure failure)
{
    switch (failure) {
    case FAIL_WHOLLY:
        return TRUE;
    case FAIL_HALFWAY:
        return call == WRITE;
    default:
        return call == WRITE || call == RENAME || call == MKDIR || call == UNLINK;
    }
}

static guint fail_each_nth(Call call, Failure failure, void (*scene)(int error_number))
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT};
    guint nth = 0;

    do {
        plan.call = call;
        plan.failure = failure;
        plan.error_number = errors[(nth + failure) % G_N_ELEMENTS(errors)];
        plan.has_failed = FALSE;
        plan.left = (int)nth++;
        signed_roots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        scene(plan.error_number);
        g_clear_pointer(&signed_roots, g_hash_table_unref);
    } while (plan.has_failed);
    plan.left = -1;
    return nth;
}

/* Runs `scene` with each call of each kind failing, in each way. */
static void fail_each_call(void (*scene)(int error_number))
{
    guint run_count = 0;

    for (Call call = 0; call < CALLS_COUNT; call++) {
        for (Failure failure = 0; failure < FAILURES_COUNT; failure++)
            run_count += can_fail(call, failure) ? fail_each_nth(call, failure, scene) : 0;
    }
    assert_true(run_count > 20); /* some did fail */
}

static void assert_code(const GError *error, int error_number)
{
    log_world_assert_code(error, error_number == EIO ? VAULT_ERROR_IO : VAULT_ERROR_NO_SPACE);
}

/* `acknowledged`: serial of the entry at each index that append returned TRUE for, in a log that
 * may have entries of failed batches too. */
static void check_log(const LogWorld *world, GHashTable *acknowledged)
{
    VaultLogVerifyOptions options = {0};
    int planned = plan.left;
    g_autoptr(VaultLogReader) reader = NULL;
    GHashTableIter iter;
    gpointer index = NULL, serial = NULL;

    plan.left = -1; /* looking is not to fail */
    reader = log_world_read(world);
    assert_true(vault_log_verify_all(reader, &options, NULL));
    g_hash_table_iter_init(&iter, acknowledged);
    while (g_hash_table_iter_next(&iter, &index, &serial))
        log_world_assert_entry(reader, GPOINTER_TO_SIZE(index), GPOINTER_TO_SIZE(serial));
    plan.left = planned;
}

/* Appends under a failure, never the same entries twice, so that a fork would differ. TRUE when it
 * was acknowledged. */
static gboolean append_under_a_failure(VaultLog *log, gsize count, guint64 *serial,
                                       GHashTable *acknowledged, int error_number)
{
    g_autoptr(GError) error = NULL;
    guint64 first = *serial, size;
    gboolean is_done = log_world_append(log, first, count, &error);

    *serial += count;
    if (!is_done) {
        assert_code(error, error_number);
        return FALSE;
    }
    size = vault_log_reader_checkpoint(vault_log_reader(log))->size;
    for (gsize i = 0; i < count; i++)
        g_hash_table_insert(acknowledged, GSIZE_TO_POINTER(size - count + i),
                            GSIZE_TO_POINTER(first + i));
    return TRUE;
}

static void append_batches(int error_number)
{
    static const gsize batches[] = {254, 3, 1, 258};
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = NULL;
    g_autoptr(GHashTable) acknowledged = g_hash_table_new(NULL, NULL);
    guint64 serial = 0;
    guint failed_count = 0;
    int planned = plan.left;

    plan.left = -1;
    log = log_world_create(world);
    plan.left = planned;
    for (gsize i = 0; i < G_N_ELEMENTS(batches); i++) {
        if (append_under_a_failure(log, batches[i], &serial, acknowledged, error_number))
            continue;
        failed_count++;
        check_log(world, acknowledged);
    }
    /* One failure costs one batch at most: the log goes on with the next. */
    assert_true(failed_count <= 1);
    plan.left = -1;
    g_clear_pointer(&log, vault_log_close);
    log = log_world_open(world, NULL);
    assert_non_null(log);
    assert_true(append_under_a_failure(log, 1, &serial, acknowledged, 0));
    check_log(world, acknowledged);
}

/* The failing process is gone at once; another opens what it left, which may fail again. */
static void append_fails_then_opening_does(int error_number)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(VaultLog) log = NULL;
    g_autoptr(GHashTable) acknowledged = g_hash_table_new(NULL, NULL);
    guint64 serial = 0;
    int planned = plan.left, error_planned = plan.error_number;
    Failure failure_planned = plan.failure;
    Call call_planned = plan.call;

    plan.left = -1;
    log = log_world_create(world);
    assert_true(append_under_a_failure(log, 255, &serial, acknowledged, 0));
    /* The head has its name, which is not known to be durable: the worst moment. */
    plan.arms_after_head = TRUE;
    plan.failure = FAIL_WHOLLY;
    plan.error_number = EIO;
    assert_false(append_under_a_failure(log, 4, &serial, acknowledged, EIO));
    g_clear_pointer(&log, vault_log_close);

    plan.call = call_planned;
    plan.failure = failure_planned;
    plan.error_number = error_planned;
    plan.has_failed = FALSE;
    plan.left = planned;
    log = log_world_open(world, NULL);
    plan.left = -1;
    if (log == NULL)
        log = log_world_open(world, NULL);
    assert_non_null(log);
    assert_true(append_under_a_failure(log, 2, &serial, acknowledged, 0));
    check_log(world, acknowledged);
}

static void create_under_a_failure(int error_number)
{
    g_autoptr(LogWorld) world = log_world_new();
    VaultLogOptions options = log_world_options(world);
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultLog) log = NULL;
    g_autoptr(GHashTable) acknowledged = g_hash_table_new(NULL, NULL);
    guint64 serial = 0;

    if (!vault_log_create(&options, &error))
        assert_code(error, error_number);
    plan.left = -1;
    /* What is there opens, or nothing is, and creating works. */
    log = log_world_open(world, NULL);
    if (log == NULL)
        log = log_world_create(world);
    assert_true(append_under_a_failure(log, 3, &serial, acknowledged, 0));
    check_log(world, acknowledged);
}

static void each_failing_call_of_an_append_loses_and_forks_nothing(void **state)
{
    fail_each_call(append_batches);
}

static void each_failing_call_of_opening_after_a_failure_forks_nothing(void **state)
{
    fail_each_call(append_fails_then_opening_does);
}

static void each_failing_call_of_creating_leaves_a_log_or_none(void **state)
{
    fail_each_call(create_under_a_failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_call_of_an_append_loses_and_forks_nothing),
        cmocka_unit_test(each_failing_call_of_opening_after_a_failure_forks_nothing),
        cmocka_unit_test(each_failing_call_of_creating_leaves_a_log_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
