/* Every call that compaction makes of the operating system fails: the 1st, the 2nd, ... until one
 * run needs no more calls than that; alone, as a disk that fails once, or with all that follow, as
 * for a process that is killed there. After each everything that lives is there once, and the next
 * compaction ends the work. */
#include "tests/unit/compact_world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

typedef enum { FAIL_ONCE, FAIL_FROM_THERE } Failure;

/* `left` counts down on each call; below 0 and not failing: nothing fails. */
static struct {
    gboolean is_armed, has_failed;
    Failure failure;
    guint left;
    int error_number;
} plan;

static gboolean must_fail(void)
{
    if (!plan.is_armed || (plan.has_failed && plan.failure == FAIL_ONCE))
        return FALSE;
    if (plan.left > 0) {
        plan.left--;
        return FALSE;
    }
    plan.has_failed = TRUE;
    errno = plan.error_number;
    return TRUE;
}

ssize_t __real_pwritev(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *vectors, int count, off_t offset)
{
    if (!must_fail())
        return __real_pwritev(fd, vectors, count, offset);
    if (count > 1) /* half of it got there */
        __real_pwritev(fd, vectors, count / 2, offset);
    errno = plan.error_number;
    return -1;
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return must_fail() ? -1 : __real_pwrite(fd, bytes, len, offset);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return must_fail() ? -1 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return must_fail() ? -1 : __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return must_fail() ? -1 : __real_rename(from, to);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    return must_fail() ? -1 : __real_unlink(path);
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
    return must_fail() ? -1 : __real_ftruncate(fd, len);
}

/* ---- the vault ------------------------------------------------------------------------------ */

/* Made once; each try works on it anew. */
static CompactWorld *world;
static char *saved;

static void copy_folder(const char *from, const char *to)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s' && cp -a '%s' '%s'", to, from, to);

    assert_int_equal(system(command), 0);
}

static int make_world(void **state)
{
    world = compact_world_new();
    keep_damage_drop_month(world->fixture, &world->anna[0].months[0]);
    keep_fixture_close(world->fixture);
    world->fixture->options.pack_size = 3 * PACK_SIZE; /* two compacted packs */
    saved = g_strconcat(world->fixture->path, ".saved", NULL);
    copy_folder(world->fixture->path, saved);
    return 0;
}

static int free_world(void **state)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", saved);

    g_free(saved);
    compact_world_free(world);
    return system(command);
}

static void assert_all_there(KeepFixture *fixture, guint copies)
{
    assert_int_equal(keep_fixture_copy_count(fixture->keep), copies);
    for (guint i = 0; i < COMPACT_COUNT; i++) {
        g_autoptr(GBytes) bytes =
            vault_keep_record(fixture->keep, &world->bert[i].archive_id, G_MAXSIZE, NULL);

        assert_non_null(bytes);
    }
    assert_well(fixture->keep);
}

/* FALSE: so many calls are not made. */
static gboolean try_nth(Failure failure, guint nth, int error_number)
{
    KeepFixture *fixture = world->fixture;
    VaultCompactOptions options = {.seconds_max = 0};
    VaultCompactResult result;
    gboolean is_done;

    copy_folder(saved, fixture->path);
    keep_fixture_open(fixture);
    plan.failure = failure;
    plan.left = nth;
    plan.error_number = error_number;
    plan.has_failed = FALSE;
    plan.is_armed = TRUE;
    is_done = vault_keep_compact(fixture->keep, &options, &result, NULL);
    plan.is_armed = failure == FAIL_FROM_THERE && plan.has_failed;
    if (failure == FAIL_ONCE) {
        keep_fixture_deliver(fixture, "mail goes on", BERT);
        if (!is_done) {
            compact(fixture); /* and so does compaction */
            assert_all_there(fixture, COMPACT_COUNT + 1);
        }
    }
    keep_fixture_crash(fixture);
    plan.is_armed = FALSE;
    keep_fixture_open(fixture);
    assert_all_there(fixture, COMPACT_COUNT + (failure == FAIL_ONCE));
    compact(fixture);
    assert_all_there(fixture, COMPACT_COUNT + (failure == FAIL_ONCE));
    assert_gone(fixture, &world->anna[3].archive_id);
    assert_int_equal(pack_count(fixture, ".draft"), 0);
    keep_fixture_close(fixture);
    return plan.has_failed;
}

static void no_failure_of_a_call_loses_or_doubles_anything(void **state)
{
    guint nth = 0;

    while (try_nth(FAIL_ONCE, nth, nth % 2 == 0 ? EIO : ENOSPC))
        nth++;
    print_message("%u calls\n", nth);
    assert_true(nth > 20);
}

static void no_kill_at_a_call_loses_or_doubles_anything(void **state)
{
    guint nth = 0;

    while (try_nth(FAIL_FROM_THERE, nth, EIO))
        nth++;
    assert_true(nth > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_failure_of_a_call_loses_or_doubles_anything),
        cmocka_unit_test(no_kill_at_a_call_loses_or_doubles_anything),
    };

    return cmocka_run_group_tests(tests, make_world, free_world);
}
