/* Releases and batches while calls of the operating system fail, one after the other: no slot is
 * given that the log does not know of, no record is logged twice or left out, and the vault goes
 * on. */
#include "tests/unit/batch_check.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Only calls of the thread under test: the catalog's own thread goes its way. */
static __thread gboolean is_counted;
static int calls_left = -1; /* -1: none fails */
static int error_number;
static gboolean has_failed;

static gboolean must_fail(void)
{
    if (!is_counted || calls_left < 0 || calls_left-- > 0)
        return FALSE;
    has_failed = TRUE;
    errno = error_number;
    return TRUE;
}

static void *real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    g_assert(function != NULL);
    return function;
}

int fdatasync(int fd)
{
    return must_fail() ? -1 : ((int (*)(int))real("fdatasync"))(fd);
}

int fsync(int fd)
{
    return must_fail() ? -1 : ((int (*)(int))real("fsync"))(fd);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (must_fail())
        return -1;
    return ((ssize_t(*)(int, const void *, size_t))real("write"))(fd, bytes, len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    if (must_fail())
        return -1;
    return ((ssize_t(*)(int, const void *, size_t, off64_t))real("pwrite64"))(fd, bytes, len,
                                                                              offset);
}

int rename(const char *from, const char *to)
{
    return must_fail() ? -1 : ((int (*)(const char *, const char *))real("rename"))(from, to);
}

static void arm(int nth, int number)
{
    calls_left = nth;
    error_number = number;
    has_failed = FALSE;
    is_counted = TRUE;
}

static void disarm(void)
{
    is_counted = FALSE;
    calls_left = -1;
}

/* ---- releases ---------------------------------------------------------------------------------
 */

/* How many releases the log knows, each of one copy. */
static guint64 logged_count(ReleaseWorld *world)
{
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
    guint64 count = 0;

    assert_true(vault_log_verify_all(log, &(VaultLogVerifyOptions){0}, NULL));
    for (guint64 i = 0; i < vault_log_reader_checkpoint(log)->size; i++)
        count += release_world_entry(log, i).act == VAULT_LOGGED_RELEASE;
    return count;
}

static void assert_logged(ReleaseWorld *world, const char *grant, GBytes *sealed)
{
    g_autoptr(VaultOpenedRelease) release =
        release_world_open(world, grant, &world->anna, sealed, NULL);
    g_autoptr(VaultLogReader) log = release_world_log(world, VAULT_LOG_CONTROL);
    VaultEntry entry = release_world_entry(log, release->log_index);
    g_autofree char *text = release_world_payload(world, &entry);

    assert_int_equal(entry.act, VAULT_LOGGED_RELEASE);
    assert_int_equal(entry.count, 1);
    assert_non_null(text);
}

/* TRUE: nothing was left to fail. */
static gboolean release_with_failure(ReleaseWorld *world, const char *grant, const RecordId *copy,
                                     int nth, int number, guint64 *given)
{
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(GError) error = NULL;

    arm(nth, number);
    sealed = release_world_ask(world, grant, copy, 1, &error);
    disarm();
    assert_true(sealed != NULL || error->domain == VAULT_ERROR);
    if (nth % 3 == 1) {
        keep_fixture_crash(world->fixture);
        keep_fixture_open(world->fixture);
    }
    if (sealed != NULL) {
        assert_logged(world, grant, sealed);
        (*given)++;
    }
    return !has_failed;
}

static void no_release_without_its_entry_whatever_call_fails(void **state)
{
    const int numbers[] = {EIO, ENOSPC};

    for (gsize e = 0; e < G_N_ELEMENTS(numbers); e++) {
        g_autoptr(ReleaseWorld) world = release_world_new();
        VaultCopyEntry entry = release_world_deliver(world, "the message", "a@example.org");
        g_autofree char *grant = release_world_grant(world, &world->anna);
        gboolean is_over = FALSE;
        guint64 given = 0;
        int nth = 0;

        for (; !is_over; nth++) {
            g_autoptr(GBytes) next = NULL;

            is_over = release_with_failure(world, grant, &entry.record_id, nth, numbers[e], &given);
            /* The vault goes on: nothing has to be repaired. */
            next = release_world_ask(world, grant, &entry.record_id, 1, NULL);
            assert_non_null(next);
            given++;
        }
        assert_true(nth > 8);
        assert_true(logged_count(world) >= given);
        assert_each_record_is_in_one_batch(world);
    }
}

/* ---- batches ----------------------------------------------------------------------------------
 */

static void each_record_is_in_one_batch_whatever_call_fails(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    gboolean is_over = FALSE;

    for (int nth = 0; !is_over; nth++) {
        g_autofree char *text = g_strdup_printf("message %d", nth);

        release_world_deliver(world, text, "a@example.org");
        arm(nth, nth % 2 ? EIO : ENOSPC);
        vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_ALWAYS, NULL);
        is_over = !has_failed;
        disarm();
        if (nth % 3 == 0) {
            keep_fixture_crash(world->fixture);
            keep_fixture_open(world->fixture);
        }
    }
    assert_each_record_is_in_one_batch(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_release_without_its_entry_whatever_call_fails),
        cmocka_unit_test(each_record_is_in_one_batch_whatever_call_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
