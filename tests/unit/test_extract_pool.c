/* The pool of helpers, with the real helper and with one that does what it must not. */
#include "ingest/extract/pool.h"
#include "tests/support/extract_talk.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHORT_MS 1500
#define LONG_MS 60000

static IngestExtractPool *pool_with(const char *program, guint time_ms, guint helper_count_max)
{
    return ingest_extract_pool_new(&(IngestExtractPoolOptions){
        .program = program, .time_ms = time_ms, .helper_count_max = helper_count_max});
}

static IngestExtractOutcome ask(IngestExtractPool *pool, const char *document, guint64 text_len_max,
                                GString *ret_text)
{
    IngestExtractor *extractor = ingest_extract_pool_extractor(pool);

    g_string_truncate(ret_text, 0);
    return extractor->extract(extractor,
                              &(IngestDocument){.bytes = document,
                                                .len = strlen(document),
                                                .content_type = "text/plain",
                                                .filename = "x.txt",
                                                .text_len_max = text_len_max},
                              extract_talk_take, ret_text);
}

static void assert_says(IngestExtractPool *pool, const char *document, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);

    assert_int_equal(ask(pool, document, 1000, text), INGEST_EXTRACT_TEXT);
    assert_string_equal(text->str, wanted);
}

static void document_becomes_text(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(EXTRACT_PROGRAM, LONG_MS, 1);
    IngestExtractStatus status;

    assert_says(pool, "hello", "hello\f");
    assert_says(pool, "", "");
    assert_says(pool, "hello again", "hello again\f");
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.document_count, 3);
    assert_int_equal(status.helper_count, 1);
    assert_null(status.problem);
}

static void text_is_cut_at_the_limit(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(EXTRACT_PROGRAM, LONG_MS, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    IngestExtractStatus status;

    assert_int_equal(ask(pool, "hello", 5, text), INGEST_EXTRACT_TEXT);
    assert_int_equal(ask(pool, "hello", 4, text), INGEST_EXTRACT_CUT);
    assert_string_equal(text->str, "hell\f");
    assert_int_equal(ask(pool, "hello", 0, text), INGEST_EXTRACT_CUT);
    assert_string_equal(text->str, "");
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.cut_count, 2);
}

static void pictures_and_long_documents_need_no_helper(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with("/nonexistent", 0, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    IngestExtractor *extractor = ingest_extract_pool_extractor(pool);
    IngestDocument document = {.bytes = "", .len = (64u << 20) + 1, .text_len_max = 10};
    IngestExtractStatus status;

    assert_int_equal(ask(pool, "GIF89a", 10, text), INGEST_EXTRACT_UNKNOWN);
    document.bytes = g_malloc0(document.len);
    assert_int_equal(extractor->extract(extractor, &document, extract_talk_take, text),
                     INGEST_EXTRACT_CUT);
    g_free((gpointer)document.bytes);
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.unknown_count, 1);
    assert_int_equal(status.cut_count, 1);
    assert_int_equal(status.helper_count, 0);
}

static void helper_is_replaced_after_its_documents(void **state)
{
    g_autoptr(IngestExtractPool) pool = ingest_extract_pool_new(&(IngestExtractPoolOptions){
        .program = EXTRACT_PROGRAM, .helper_count_max = 1, .documents_per_helper = 2});
    IngestExtractStatus status;

    for (guint i = 0; i < 5; i++)
        assert_says(pool, "hello", "hello\f");
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.helper_count, 3);
}

static pid_t only_child(void)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid());
    g_autofree char *children = NULL;

    assert_true(g_file_get_contents(path, &children, NULL, NULL));
    return atoi(children);
}

/* systemd sends SIGTERM to all of a service at once. */
static void helper_outlives_the_signals_that_stop_a_service(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    g_autoptr(IngestExtractPool) pool = pool_with(EXTRACT_PROGRAM, LONG_MS, 1);
    IngestExtractStatus status;

    assert_says(pool, "hello", "hello\f");
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
        assert_true(only_child() > 0 && kill(only_child(), signals[i]) == 0);
        assert_says(pool, "hello", "hello\f");
    }
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.helper_count, 1);
}

/* ---- the sandbox ----------------------------------------------------------------------------- */

static void sandbox_refuses_all_but_its_work(void **state)
{
    static const char *const attempts[] = {"open",   "create",    "write",  "writev",
                                           "socket", "fork",      "exec",   "kill",
                                           "ptrace", "mmap-exec", "memory", "limits"};
    g_autoptr(IngestExtractPool) pool = pool_with(MISBEHAVING_PROGRAM, LONG_MS, 1);
    IngestExtractStatus status;

    for (gsize i = 0; i < G_N_ELEMENTS(attempts); i++)
        assert_says(pool, attempts[i], "refused");
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.helper_count, 1);
}

static void assert_fails(const char *wish, guint64 late_count)
{
    g_autoptr(IngestExtractPool) pool =
        pool_with(MISBEHAVING_PROGRAM, late_count > 0 ? SHORT_MS : LONG_MS, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    IngestExtractStatus status;

    assert_int_equal(ask(pool, wish, 1000, text), INGEST_EXTRACT_FAILED);
    assert_says(pool, "open", "refused");
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.failed_count, 1 - late_count);
    assert_int_equal(status.timed_out_count, late_count);
    assert_int_equal(status.helper_count, 2);
    assert_null(status.problem);
}

static void pool_goes_on_after_a_helper_that_broke(void **state)
{
    static const char *const wishes[] = {"crash",   "eat",    "bad-utf8", "much",
                                         "garbage", "failed", "ready"};

    for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++)
        assert_fails(wishes[i], 0);
}

static void pool_goes_on_after_a_helper_that_took_too_long(void **state)
{
    static const char *const wishes[] = {"loop", "sleep", "talk"};

    for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++)
        assert_fails(wishes[i], 1);
}

static void what_came_before_a_crash_counts(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(MISBEHAVING_PROGRAM, LONG_MS, 1);
    g_autoptr(GString) text = g_string_new(NULL);

    assert_int_equal(ask(pool, "partly", 1000000, text), INGEST_EXTRACT_FAILED);
    assert_true(text->len > 64 << 10 && g_str_has_prefix(text->str, "what came before what"));
}

static void answer_that_was_not_asked_for_is_never_taken(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(MISBEHAVING_PROGRAM, LONG_MS, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    IngestExtractStatus status;

    assert_int_equal(ask(pool, "twice", 1000, text), INGEST_EXTRACT_UNKNOWN);
    assert_says(pool, "open", "refused");
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.helper_count, 2);
}

/* ---- helpers that do not start --------------------------------------------------------------- */

static char *renamed_copy(const char *folder, const char *name)
{
    g_autoptr(GFile) from = g_file_new_for_path(MISBEHAVING_PROGRAM);
    char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GFile) to = g_file_new_for_path(path);

    assert_true(g_file_copy(from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
    return path;
}

static void assert_never_starts(const char *program, const char *problem)
{
    g_autoptr(IngestExtractPool) pool = pool_with(program, SHORT_MS, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    IngestExtractStatus status;

    assert_int_equal(ask(pool, "open", 1000, text), INGEST_EXTRACT_FAILED);
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.helper_count, 0);
    assert_non_null(strstr(status.problem, problem));
    /* The next does not wait for another try. */
    assert_int_equal(ask(pool, "open", 1000, text), INGEST_EXTRACT_FAILED);
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.failed_count + status.timed_out_count, 2);
}

static void helper_that_does_not_start_is_a_problem_that_status_names(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("muniment-extract-XXXXXX", NULL);
    g_autofree char *no_sandbox = renamed_copy(folder, "x-no-sandbox");
    g_autofree char *silent = renamed_copy(folder, "x-silent");

    assert_never_starts("/nonexistent/muniment-extract", "cannot be started");
    assert_never_starts("/bin/true", "cannot be started");
    assert_never_starts(silent, "cannot be started");
    assert_never_starts(no_sandbox, "seccomp");
    g_unlink(no_sandbox);
    g_unlink(silent);
    g_rmdir(folder);
}

static void program_is_missing_beside_a_test(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(NULL, SHORT_MS, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    IngestExtractStatus status;

    assert_int_equal(ask(pool, "hello", 1000, text), INGEST_EXTRACT_FAILED);
    ingest_extract_pool_status(pool, &status);
    assert_non_null(strstr(status.problem, "not there"));
}

/* ---- many at once ---------------------------------------------------------------------------- */

static gpointer ask_often(gpointer pool)
{
    for (guint i = 0; i < 20; i++)
        assert_says(pool, "hello", "hello\f");
    return NULL;
}

static void many_threads_share_few_helpers(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(EXTRACT_PROGRAM, LONG_MS, 2);
    GThread *threads[8];
    IngestExtractStatus status;

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("ask", ask_often, pool);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.document_count, 160);
    assert_true(status.helper_count <= 3);
}

static gpointer ask_for_sleep(gpointer pool)
{
    g_autoptr(GString) text = g_string_new(NULL);

    assert_int_equal(ask(pool, "sleep", 1000, text), INGEST_EXTRACT_FAILED);
    return NULL;
}

/* Two that each need the only helper for all their time: both are given up, neither waits on. */
static void waiting_for_a_helper_counts(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(MISBEHAVING_PROGRAM, SHORT_MS, 1);
    GThread *other = g_thread_new("sleep", ask_for_sleep, pool);
    IngestExtractStatus status;

    ask_for_sleep(pool);
    g_thread_join(other);
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.timed_out_count, 2);
}

static void documents_of_a_message_share_its_time(void **state)
{
    g_autoptr(IngestExtractPool) pool = pool_with(EXTRACT_PROGRAM, LONG_MS, 1);
    IngestExtractor *extractor = ingest_extract_pool_extractor(pool);
    g_autoptr(GString) text = g_string_new(NULL);
    guint64 taken_us = 0;
    IngestExtractStatus status;
    const IngestDocument document = {
        .bytes = "hello", .len = 5, .text_len_max = 1000, .taken_us = &taken_us};

    assert_int_equal(extractor->extract(extractor, &document, extract_talk_take, text),
                     INGEST_EXTRACT_TEXT);
    assert_true(taken_us > 0);
    taken_us = INGEST_EXTRACT_MESSAGE_TIMES * (guint64)LONG_MS * 1000;
    assert_int_equal(extractor->extract(extractor, &document, extract_talk_take, text),
                     INGEST_EXTRACT_FAILED);
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.timed_out_count, 1);
    /* The helper was not bothered with it. */
    assert_says(pool, "hello", "hello\f");
    ingest_extract_pool_status(pool, &status);
    assert_int_equal(status.helper_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_becomes_text),
        cmocka_unit_test(text_is_cut_at_the_limit),
        cmocka_unit_test(pictures_and_long_documents_need_no_helper),
        cmocka_unit_test(helper_is_replaced_after_its_documents),
        cmocka_unit_test(helper_outlives_the_signals_that_stop_a_service),
        cmocka_unit_test(sandbox_refuses_all_but_its_work),
        cmocka_unit_test(pool_goes_on_after_a_helper_that_broke),
        cmocka_unit_test(pool_goes_on_after_a_helper_that_took_too_long),
        cmocka_unit_test(what_came_before_a_crash_counts),
        cmocka_unit_test(answer_that_was_not_asked_for_is_never_taken),
        cmocka_unit_test(helper_that_does_not_start_is_a_problem_that_status_names),
        cmocka_unit_test(program_is_missing_beside_a_test),
        cmocka_unit_test(many_threads_share_few_helpers),
        cmocka_unit_test(waiting_for_a_helper_counts),
        cmocka_unit_test(documents_of_a_message_share_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
