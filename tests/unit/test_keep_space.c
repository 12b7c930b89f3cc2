/* A full disk, a keyring that fails, a catalog that cannot follow: what is refused, what works on.
 */
#include "tests/support/keep_damage.h"

#include "vault/keep/internal.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define PLENTY (G_GUINT64_CONSTANT(1) << 40)

/* What the disk has to say for itself; the calls of the code under test come here. */
static guint64 free_bytes = PLENTY;

int __real_statvfs(const char *path, struct statvfs *status);
int __wrap_statvfs(const char *path, struct statvfs *status);
int __wrap_statvfs(const char *path, struct statvfs *status)
{
    int result = __real_statvfs(path, status);

    status->f_frsize = 1;
    status->f_bavail = __atomic_load_n(&free_bytes, __ATOMIC_SEQ_CST);
    return result;
}

/* Longer than the answer is remembered. */
static void set_free_bytes(guint64 bytes)
{
    __atomic_store_n(&free_bytes, bytes, __ATOMIC_SEQ_CST);
    g_usleep(120000);
}

static gboolean try_deliver(KeepFixture *fixture, const char *text, VaultErrorCode code)
{
    static const char *const addresses[] = {ANNA, NULL};
    g_autoptr(GError) error = NULL;
    KeepDelivery delivery;

    if (keep_fixture_deliver_at(fixture->keep, text, addresses, keep_fixture_now(), NULL, &delivery,
                                &error))
        return TRUE;
    if (!g_error_matches(error, VAULT_ERROR, (int)code))
        fail_msg("%s", error->message);
    return FALSE;
}

static int with_an_empty_disk(void **state)
{
    set_free_bytes(PLENTY);
    return 0;
}

/* ---- disk_reserve --------------------------------------------------------------------------- */

static void mail_is_refused_below_the_reserve_and_all_else_works(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *large = g_strnfill(VAULT_BODY_WHOLE_MAX + 100, 'x');
    VaultKeepStatus status;
    MailboxId mailbox;

    keep_fixture_close(fixture);
    fixture->options.disk_reserve = 1000000;
    keep_fixture_open(fixture);
    set_free_bytes(PLENTY);
    assert_true(try_deliver(fixture, "one", VAULT_ERROR_NO_SPACE));
    set_free_bytes(1000100);
    assert_false(try_deliver(fixture, "two", VAULT_ERROR_NO_SPACE));
    assert_false(try_deliver(fixture, large, VAULT_ERROR_NO_SPACE));
    set_free_bytes(0);
    assert_false(try_deliver(fixture, "two", VAULT_ERROR_NO_SPACE));
    mailbox = keep_fixture_mailbox(fixture, BERT);
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    assert_int_equal(status.free_bytes, 0);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    assert_true(vault_keep_find_mailbox(fixture->keep, BERT, &mailbox, NULL));
    set_free_bytes(PLENTY);
    assert_true(try_deliver(fixture, "two", VAULT_ERROR_NO_SPACE));
    assert_true(try_deliver(fixture, large, VAULT_ERROR_NO_SPACE));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 3);
}

/* ---- the reserve file ----------------------------------------------------------------------- */

static gboolean has_reserve(const KeepFixture *fixture)
{
    g_autofree char *path = keep_damage_path(fixture, "reserve");

    return g_access(path, F_OK) == 0;
}

/* Fails so often as a full disk would, then writes. */
typedef struct {
    guint failures, runs;
    VaultErrorCode code;
} Job;

static gboolean run_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    Job *job = user;
    RowId row_id = {{1, 2, 3}};
    g_autoptr(GByteArray) value = g_byte_array_new();

    job->runs++;
    g_byte_array_append(value, (const guint8 *)"x", 1);
    if (!vault_keyring_put(keyring, VAULT_KEYRING_CASES, &row_id, value, error))
        return FALSE;
    if (job->runs > job->failures)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, (int)job->code, "as the test wants it");
    return FALSE;
}

static gboolean has_row(const KeepFixture *fixture)
{
    RowId row_id = {{1, 2, 3}};
    gboolean has;

    assert_true(
        vault_keyring_has(fixture->keep->keyring, VAULT_KEYRING_CASES, &row_id, &has, NULL));
    return has;
}

static void keyring_without_space_gets_the_reserve_and_it_is_made_again(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    Job job = {.failures = 1, .code = VAULT_ERROR_NO_SPACE};

    set_free_bytes(PLENTY);
    assert_true(has_reserve(fixture));
    set_free_bytes(0);
    assert_true(vault_keyring_batch_run(fixture->keep->batch, run_job, &job, NULL));
    assert_int_equal(job.runs, 2);
    assert_false(has_reserve(fixture));
    assert_false(try_deliver(fixture, "one", VAULT_ERROR_NO_SPACE));
    assert_false(has_reserve(fixture));
    set_free_bytes(PLENTY);
    assert_true(try_deliver(fixture, "two", VAULT_ERROR_NO_SPACE));
    assert_true(has_reserve(fixture));
}

static void keyring_fails_where_there_is_no_reserve_left(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    Job job = {.failures = 100, .code = VAULT_ERROR_NO_SPACE};
    g_autoptr(GError) error = NULL;

    set_free_bytes(0);
    assert_false(vault_keyring_batch_run(fixture->keep->batch, run_job, &job, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE));
    assert_int_equal(job.runs, 2);
    g_clear_error(&error);
    assert_false(vault_keyring_batch_run(fixture->keep->batch, run_job, &job, &error));
    assert_int_equal(job.runs, 3);
    assert_false(has_row(fixture));
}

/* ---- a keyring that fails ------------------------------------------------------------------- */

#define THREADS 5

typedef struct {
    VaultKeyringBatch *batch;
    GMutex lock;
    gint waiting;
    Job jobs[THREADS];
} Batch;

typedef struct {
    Batch *batch;
    Job *job;
} Runner;

/* The first holds the keyring until all the others wait. */
static gboolean hold(VaultKeyring *keyring, gpointer user, GError **error)
{
    Batch *batch = user;

    while (g_atomic_int_get(&batch->waiting) < THREADS)
        g_usleep(1000);
    g_usleep(100000);
    return TRUE;
}

static gpointer run_one(gpointer user)
{
    Runner *runner = user;

    g_atomic_int_inc(&runner->batch->waiting);
    return GINT_TO_POINTER(
        vault_keyring_batch_run(runner->batch->batch, run_job, runner->job, NULL));
}

static gpointer run_hold(gpointer user)
{
    Batch *batch = user;

    assert_true(vault_keyring_batch_run(batch->batch, hold, batch, NULL));
    return NULL;
}

static void jobs_of_one_batch_succeed_or_fail_together(void **state)
{
    for (guint failing = 0; failing <= 1; failing++) {
        g_autoptr(KeepFixture) fixture = keep_fixture_new();
        Batch batch = {.batch = fixture->keep->batch};
        GThread *first = g_thread_new("hold", run_hold, &batch), *threads[THREADS];
        Runner runners[THREADS];
        guint done = 0;

        batch.jobs[THREADS / 2] = (Job){.failures = failing, .code = VAULT_ERROR_IO};
        g_usleep(20000);
        for (guint i = 0; i < THREADS; i++) {
            runners[i] = (Runner){&batch, &batch.jobs[i]};
            threads[i] = g_thread_new("job", run_one, &runners[i]);
        }
        for (guint i = 0; i < THREADS; i++)
            done += GPOINTER_TO_INT(g_thread_join(threads[i])) != FALSE;
        g_thread_join(first);
        assert_int_equal(done, failing ? 0 : THREADS);
        assert_int_equal(has_row(fixture), !failing);
    }
}

static void mail_of_a_new_mailbox_waits_for_a_keyring_that_works(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    keep_damage_sql(fixture, "keyring.sqlite", "ALTER TABLE months RENAME TO elsewhere");
    assert_false(try_deliver(fixture, "one", VAULT_ERROR_IO));
    keep_damage_sql(fixture, "keyring.sqlite", "ALTER TABLE elsewhere RENAME TO months");
    assert_true(try_deliver(fixture, "one", VAULT_ERROR_IO));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
    assert_int_equal(keep_fixture_verify(fixture->keep, VAULT_VERIFY_CATALOG).finding_count, 0);
}

/* ---- a catalog that cannot follow ----------------------------------------------------------- */

static void push_rows(VaultCatalogFeed *feed, guint count)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < count; i++) {
        VaultRecord *record = g_new0(VaultRecord, 1);

        record->kind = VAULT_RECORD_EVENT;
        vault_random(record->record_id.bytes, VAULT_ID_LEN);
        record->place.offset = i;
        g_ptr_array_add(records, record);
    }
    vault_catalog_feed_push(feed, records);
}

static void commits_wait_while_the_catalog_is_too_far_behind(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    VaultCatalogFeed *feed = fixture->keep->feed;

    keep_fixture_deliver(fixture, "one", ANNA);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    /* The feed cannot write meanwhile. */
    assert_true(vault_catalog_begin(fixture->keep->writing, NULL));
    push_rows(feed, VAULT_FEED_WAITING_MAX - 1);
    assert_true(vault_catalog_feed_check(feed, NULL));
    push_rows(feed, 1);
    assert_false(try_deliver(fixture, "two", VAULT_ERROR_BUSY));
    vault_catalog_abandon(fixture->keep->writing);
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    assert_int_equal(vault_catalog_feed_waiting(feed), 0);
    assert_true(try_deliver(fixture, "two", VAULT_ERROR_BUSY));
}

static void failed_catalog_keeps_what_waits_and_goes_on(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autoptr(GError) error = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_damage_sql(fixture, "catalog.sqlite", "ALTER TABLE copies RENAME TO elsewhere");
    assert_false(vault_keep_flush_catalog(fixture->keep, &error));
    assert_non_null(error);
    assert_int_equal(vault_catalog_feed_waiting(fixture->keep->feed), 3);
    keep_damage_sql(fixture, "catalog.sqlite", "ALTER TABLE elsewhere RENAME TO copies");
    assert_true(vault_keep_flush_catalog(fixture->keep, NULL));
    assert_int_equal(keep_fixture_copy_count(fixture->keep), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mail_is_refused_below_the_reserve_and_all_else_works,
                               with_an_empty_disk),
        cmocka_unit_test_setup(keyring_without_space_gets_the_reserve_and_it_is_made_again,
                               with_an_empty_disk),
        cmocka_unit_test_setup(keyring_fails_where_there_is_no_reserve_left, with_an_empty_disk),
        cmocka_unit_test_setup(jobs_of_one_batch_succeed_or_fail_together, with_an_empty_disk),
        cmocka_unit_test_setup(mail_of_a_new_mailbox_waits_for_a_keyring_that_works,
                               with_an_empty_disk),
        cmocka_unit_test_setup(commits_wait_while_the_catalog_is_too_far_behind,
                               with_an_empty_disk),
        cmocka_unit_test_setup(failed_catalog_keeps_what_waits_and_goes_on, with_an_empty_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
