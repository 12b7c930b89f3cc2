/* Every call that the writer, stream packs and sealing off make of the operating system fails once:
 * the 1st, the 2nd, ... until one run needs no more calls than that. After each, and after a power
 * cut at that moment, what was acknowledged is found, nothing is half there, and the service goes
 * on. */
#include "tests/support/pack_fixture.h"

#include "vault/store/pack_format.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

typedef enum { PWRITEV, PWRITE, FDATASYNC, FSYNC, OPEN, RENAME, FTRUNCATE, CALLS_COUNT } Call;

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
} plan = {.left = -1};

static pthread_mutex_t plan_lock = PTHREAD_MUTEX_INITIALIZER;

static void plan_failure(Call call, Failure failure, int nth, int error_number)
{
    plan.call = call;
    plan.failure = failure;
    plan.left = nth;
    plan.error_number = error_number;
    plan.has_failed = FALSE;
}

static gboolean must_fail(Call call)
{
    gboolean fails;

    pthread_mutex_lock(&plan_lock);
    fails = plan.call == call && plan.left >= 0 && plan.left-- == 0;
    plan.has_failed = plan.has_failed || fails;
    pthread_mutex_unlock(&plan_lock);
    if (fails)
        errno = plan.error_number;
    return fails;
}

ssize_t __real_pwritev(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *vectors, int count, off_t offset)
{
    if (!must_fail(PWRITEV))
        return __real_pwritev(fd, vectors, count, offset);
    if (plan.failure == FAIL_HALFWAY && count > 1)
        __real_pwritev(fd, vectors, count / 2, offset);
    if (plan.failure == FAIL_BUT_DONE)
        __real_pwritev(fd, vectors, count, offset);
    errno = plan.error_number;
    return -1;
}

static off_t lowest_pwrite; /* offset of the lowest byte written since it was last set */

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    lowest_pwrite = MIN(lowest_pwrite, offset);
    if (!must_fail(PWRITE))
        return __real_pwrite(fd, bytes, len, offset);
    if (plan.failure != FAIL_WHOLLY)
        __real_pwrite(fd, bytes, plan.failure == FAIL_HALFWAY ? len / 2 : len, offset);
    errno = plan.error_number;
    return -1;
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

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    if (!must_fail(RENAME))
        return __real_rename(from, to);
    if (plan.failure == FAIL_BUT_DONE)
        __real_rename(from, to);
    errno = plan.error_number;
    return -1;
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
    return must_fail(FTRUNCATE) ? -1 : __real_ftruncate(fd, len);
}

/* Runs `scene` with each call of each kind failing, in each way. */
static void fail_each_call(void (*scene)(int error_number))
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT};

    for (Call call = 0; call < CALLS_COUNT; call++) {
        for (int failure = 0; failure < FAILURES_COUNT; failure++) {
            int nth = 0;

            do {
                int error_number = errors[(nth + failure) % G_N_ELEMENTS(errors)];

                plan_failure(call, (Failure)failure, nth++, error_number);
                scene(error_number);
            } while (plan.has_failed);
            plan.left = -1;
        }
    }
}

static void assert_code(const GError *error, int error_number)
{
    VaultErrorCode code = error_number == EIO ? VAULT_ERROR_IO : VAULT_ERROR_NO_SPACE;

    assert_true(g_error_matches(error, VAULT_ERROR, (gint)code));
}

/* ---- commits -------------------------------------------------------------------------------- */

#define DELIVERY_COUNT 8

static guint told_count;

static void count_told(GPtrArray *records, gpointer user)
{
    told_count += records->len;
}

static void check_found(const PackFixture *fixture, GPtrArray *const *deliveries,
                        const gboolean *is_acknowledged)
{
    g_autoptr(PackFindings) findings = NULL;
    int planned = plan.left;

    plan.left = -1; /* looking is not to fail */
    findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);
    plan.left = planned;
    for (int i = 0; i < DELIVERY_COUNT; i++) {
        PackPresence presence =
            deliveries[i] == NULL ? PACK_NONE : pack_findings_presence(findings, deliveries[i]);

        assert_int_not_equal(presence, PACK_HALF);
        if (is_acknowledged[i])
            assert_int_equal(presence, PACK_ALL);
    }
    assert_int_equal(findings->corrupt_count, 0);
}

static void commit_under_a_failure(int error_number)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    GPtrArray *deliveries[DELIVERY_COUNT] = {NULL};
    gboolean is_acknowledged[DELIVERY_COUNT] = {FALSE};
    g_autoptr(VaultPackWriter) writer = NULL;
    guint failed_count = 0;

    options.pack_size = 5000; /* two deliveries each: rollovers come under failure as well */
    options.committed = count_told;
    told_count = 0;
    writer = vault_pack_writer_new(&options);
    for (int i = 0; i < DELIVERY_COUNT; i++) {
        g_autoptr(GError) error = NULL;

        deliveries[i] = pack_fixture_delivery(fixture, 1000, 1);
        is_acknowledged[i] = vault_pack_writer_commit(writer, deliveries[i], &error);
        if (!is_acknowledged[i]) {
            failed_count++;
            assert_code(error, error_number);
        }
        check_found(fixture, deliveries, is_acknowledged);
    }
    /* One failure costs one delivery at most: the service resumes with the next. */
    assert_true(failed_count <= 1);
    assert_int_equal(told_count, 2 * (DELIVERY_COUNT - failed_count));
    vault_pack_writer_close(writer, NULL);
    plan.left = -1;
    check_found(fixture, deliveries, is_acknowledged);
    pack_fixture_seal_off(fixture);
    check_found(fixture, deliveries, is_acknowledged);
    for (int i = 0; i < DELIVERY_COUNT; i++)
        g_ptr_array_unref(deliveries[i]);
}

static void each_failing_call_of_a_commit_loses_nothing_acknowledged(void **state)
{
    fail_each_call(commit_under_a_failure);
}

static void a_failed_group_does_not_show_once_a_successor_stands(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) first = pack_fixture_delivery(fixture, 500, 1);
    g_autoptr(GPtrArray) failed = pack_fixture_delivery(fixture, 500, 1);
    g_autoptr(GPtrArray) third = pack_fixture_delivery(fixture, 500, 1);
    g_autoptr(PackFindings) findings = NULL;
    g_autoptr(GPtrArray) paths = NULL;

    assert_true(vault_pack_writer_commit(writer, first, NULL));
    /* Whole on the disk, and yet never acknowledged. */
    plan_failure(FDATASYNC, FAIL_BUT_DONE, 0, EIO);
    assert_false(vault_pack_writer_commit(writer, failed, NULL));
    assert_true(vault_pack_writer_commit(writer, third, NULL));
    findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(pack_findings_presence(findings, first), PACK_ALL);
    assert_int_equal(pack_findings_presence(findings, failed), PACK_NONE);
    assert_int_equal(pack_findings_presence(findings, third), PACK_ALL);
    paths = pack_fixture_files(fixture, ".pack");
    assert_int_equal(paths->len, 2);
}

typedef struct {
    VaultPackWriter *writer;
    GPtrArray *delivery;
    gboolean is_acknowledged;
} Committer;

static void *commit_one(void *argument)
{
    Committer *committer = argument;

    committer->is_acknowledged =
        vault_pack_writer_commit(committer->writer, committer->delivery, NULL);
    return NULL;
}

static void all_threads_of_a_failed_group_are_told_and_later_groups_succeed(void **state)
{
    for (int nth = 0; nth < 6; nth++) {
        g_autoptr(PackFixture) fixture = pack_fixture_new();
        VaultPackWriterOptions options = pack_fixture_options(fixture);
        g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
        g_autoptr(GPtrArray) last = pack_fixture_delivery(fixture, 100, 1);
        g_autoptr(PackFindings) findings = NULL;
        Committer committers[16];
        pthread_t threads[G_N_ELEMENTS(committers)];

        plan_failure(FDATASYNC, FAIL_WHOLLY, nth, EIO);
        for (gsize i = 0; i < G_N_ELEMENTS(committers); i++) {
            committers[i] = (Committer){writer, pack_fixture_delivery(fixture, 100, 1), FALSE};
            g_assert_true(pthread_create(&threads[i], NULL, commit_one, &committers[i]) == 0);
        }
        for (gsize i = 0; i < G_N_ELEMENTS(committers); i++)
            pthread_join(threads[i], NULL);
        plan.left = -1;
        assert_true(vault_pack_writer_commit(writer, last, NULL));
        findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);
        for (gsize i = 0; i < G_N_ELEMENTS(committers); i++) {
            /* A successor stands: what failed is gone, what did not is there. */
            assert_int_equal(pack_findings_presence(findings, committers[i].delivery),
                             committers[i].is_acknowledged ? PACK_ALL : PACK_NONE);
            g_ptr_array_unref(committers[i].delivery);
        }
    }
}

/* ---- stream packs --------------------------------------------------------------------------- */

static gboolean stream_record(VaultPackWriter *writer, VaultRecord *record, GError **error)
{
    gsize len, header_len = vault_record_header_len(record->kind);
    const guint8 *bytes = g_bytes_get_data(record->bytes, &len);
    g_autoptr(VaultStreamPack) stream = vault_stream_pack_begin(writer, header_len, error);

    return stream != NULL && vault_stream_pack_append(stream, bytes + header_len, 1000, error) &&
           vault_stream_pack_append(stream, bytes + header_len + 1000, len - header_len - 1000,
                                    error) &&
           vault_stream_pack_finish(stream, bytes, header_len, &record->place, error);
}

static void stream_under_a_failure(int error_number)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(VaultRecord) record = pack_fixture_record(fixture, VAULT_RECORD_BODY, 3000);
    g_autoptr(VaultPackSet) set = vault_pack_set_open(fixture->directory, &fixture->vault_id, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) files = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (!stream_record(writer, record, &error)) {
        assert_true(plan.has_failed);
        assert_code(error, error_number);
        plan.left = -1;
        files = pack_fixture_files(fixture, "");
        assert_int_equal(files->len, 0);
        assert_true(stream_record(writer, record, NULL));
    }
    plan.left = -1;
    bytes = vault_pack_set_fetch(set, &record->place, 1u << 20, NULL);
    assert_non_null(bytes);
    assert_true(g_bytes_equal(bytes, record->bytes));
}

static void each_failing_call_of_a_stream_pack_leaves_no_file_and_no_success(void **state)
{
    fail_each_call(stream_under_a_failure);
}

static void the_stream_pack_of_a_failed_delivery_goes_when_a_successor_stands(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) failed = pack_fixture_delivery(fixture, 3000, 1);
    g_autoptr(GPtrArray) other = pack_fixture_delivery(fixture, 100, 1);
    VaultRecord *body = g_ptr_array_index(failed, 0);
    g_autoptr(GPtrArray) between = NULL, after = NULL;

    assert_true(stream_record(writer, body, NULL));
    g_clear_pointer(&body->bytes, g_bytes_unref);
    plan_failure(PWRITEV, FAIL_BUT_DONE, 0, EIO);
    assert_false(vault_pack_writer_commit(writer, failed, NULL));
    /* Were the process killed now, start-up would find the group whole: its body must be there. */
    between = pack_fixture_files(fixture, ".stream");
    assert_int_equal(between->len, 1);
    assert_true(vault_pack_writer_commit(writer, other, NULL));
    after = pack_fixture_files(fixture, ".stream");
    assert_int_equal(after->len, 0);
}

/* ---- sealing off ---------------------------------------------------------------------------- */

static void seal_off_under_a_failure(int error_number)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = NULL;
    g_autoptr(GPtrArray) delivery = pack_fixture_delivery(fixture, 1000, 1);
    g_autoptr(GPtrArray) paths = NULL;
    g_autoptr(PackFindings) findings = NULL;
    const VaultRecord *last = g_ptr_array_index(delivery, 1);
    int planned = plan.left;
    guint64 end;

    plan.left = -1; /* not while the pack is made */
    writer = vault_pack_writer_new(&options);
    assert_true(vault_pack_writer_commit(writer, delivery, NULL));
    paths = pack_fixture_files(fixture, ".pack");
    end = last->place.offset + last->place.len + VAULT_PACK_COMMIT_LEN;
    plan.left = planned;
    if (!vault_pack_seal_off(g_ptr_array_index(paths, 0), end, NULL)) {
        assert_true(plan.has_failed);
        assert_true(vault_pack_seal_off(g_ptr_array_index(paths, 0), end, NULL));
    }
    plan.left = -1;
    findings = pack_fixture_recover(fixture, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(pack_findings_presence(findings, delivery), PACK_ALL);
    assert_int_equal(findings->trailer_count, 1);
}

static void each_failing_call_of_sealing_off_can_be_done_again(void **state)
{
    fail_each_call(seal_off_under_a_failure);
}

/* What was read may have come from the page cache after a failed sync, and never have been on the
 * disk: so it is written once more before the sync that start-up relies on. */
static void sealing_off_writes_the_last_group_once_more(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) first = pack_fixture_delivery(fixture, 1000, 1);
    g_autoptr(GPtrArray) second = pack_fixture_delivery(fixture, 1000, 1);
    const VaultRecord *body = g_ptr_array_index(second, 0);
    const VaultRecord *last = g_ptr_array_index(second, 1);
    guint64 end;
    g_autoptr(GPtrArray) paths = NULL;

    assert_true(vault_pack_writer_commit(writer, first, NULL));
    assert_true(vault_pack_writer_commit(writer, second, NULL));
    end = last->place.offset + last->place.len + VAULT_PACK_COMMIT_LEN;
    paths = pack_fixture_files(fixture, ".pack");
    lowest_pwrite = G_MAXINT64;
    assert_true(vault_pack_seal_off(g_ptr_array_index(paths, 0), end, NULL));
    assert_int_equal(lowest_pwrite, body->place.offset);
}

/* The fsync of a directory that fails after everything else succeeded is an error all the same. */
static void a_failing_directory_sync_fails_the_commit(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) delivery = pack_fixture_delivery(fixture, 100, 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) paths = NULL;

    plan_failure(FSYNC, FAIL_WHOLLY, 0, ENOSPC);
    assert_false(vault_pack_writer_commit(writer, delivery, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE));
    paths = pack_fixture_files(fixture, "");
    assert_int_equal(paths->len, 0);
    assert_true(vault_pack_writer_commit(writer, delivery, NULL));
}

static void a_failing_sync_of_a_new_file_fails_what_needs_it(void **state)
{
    g_autoptr(PackFixture) fixture = pack_fixture_new();
    VaultPackWriterOptions options = pack_fixture_options(fixture);
    g_autoptr(VaultPackWriter) writer = vault_pack_writer_new(&options);
    g_autoptr(GPtrArray) delivery = pack_fixture_delivery(fixture, 100, 1);
    g_autoptr(VaultRecord) large = pack_fixture_record(fixture, VAULT_RECORD_BODY, 3000);

    plan_failure(FDATASYNC, FAIL_WHOLLY, 0, EIO);
    assert_false(vault_pack_writer_commit(writer, delivery, NULL));
    plan_failure(FDATASYNC, FAIL_WHOLLY, 0, EIO);
    assert_false(stream_record(writer, large, NULL));
    plan_failure(FSYNC, FAIL_WHOLLY, 0, EIO);
    assert_false(stream_record(writer, large, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_call_of_a_commit_loses_nothing_acknowledged),
        cmocka_unit_test(a_failed_group_does_not_show_once_a_successor_stands),
        cmocka_unit_test(all_threads_of_a_failed_group_are_told_and_later_groups_succeed),
        cmocka_unit_test(each_failing_call_of_a_stream_pack_leaves_no_file_and_no_success),
        cmocka_unit_test(the_stream_pack_of_a_failed_delivery_goes_when_a_successor_stands),
        cmocka_unit_test(each_failing_call_of_sealing_off_can_be_done_again),
        cmocka_unit_test(sealing_off_writes_the_last_group_once_more),
        cmocka_unit_test(a_failing_directory_sync_fails_the_commit),
        cmocka_unit_test(a_failing_sync_of_a_new_file_fails_what_needs_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
