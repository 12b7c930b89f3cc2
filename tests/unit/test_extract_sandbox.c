/* The sandbox is closed or the helper does not run: each step of closing it fails once. That it
 * holds is shown by test_extract_pool.c. */
#include "ingest/extract/helper/sandbox.h"

#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

typedef struct {
    guint call_count, failing; /* the nth call fails; 0: none */
    gboolean is_loaded;
} Steps;

static Steps steps;

static gboolean fails(void)
{
    return ++steps.call_count == steps.failing;
}

/* This process keeps its limits: nothing of it is done in earnest. */
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    return fails() ? -1 : 0;
}

int __wrap_prctl(int option, unsigned long argument);
int __wrap_prctl(int option, unsigned long argument)
{
    return fails() ? -1 : 0;
}

int __wrap_mlockall(int flags);
int __wrap_mlockall(int flags)
{
    return -1; /* which is no reason not to run */
}

scmp_filter_ctx __real_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action)
{
    return fails() ? NULL : __real_seccomp_init(action);
}

int __wrap_seccomp_rule_add(scmp_filter_ctx filter, uint32_t action, int call, unsigned int count,
                            ...);
int __wrap_seccomp_rule_add(scmp_filter_ctx filter, uint32_t action, int call, unsigned int count,
                            ...)
{
    return fails() ? -1 : 0;
}

int __wrap_seccomp_load(scmp_filter_ctx filter);
int __wrap_seccomp_load(scmp_filter_ctx filter)
{
    steps.is_loaded = TRUE;
    return fails() ? -1 : 0;
}

static gboolean enter(guint failing)
{
    steps = (Steps){.failing = failing};
    return extract_sandbox_enter(0);
}

static void every_step_that_fails_keeps_the_helper_from_running(void **state)
{
    guint call_count;

    assert_true(enter(0));
    assert_true(steps.is_loaded);
    call_count = steps.call_count;
    assert_true(call_count > 20);
    for (guint failing = 1; failing <= call_count; failing++) {
        assert_false(enter(failing));
        assert_true(steps.is_loaded == (failing == call_count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_that_fails_keeps_the_helper_from_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
