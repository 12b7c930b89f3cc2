#include "ingest/extract/helper/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* What the C library, GLib and the parsers need once all is loaded. */
static const int allowed[] = {
    SCMP_SYS(brk),          SCMP_SYS(munmap),          SCMP_SYS(mremap),       SCMP_SYS(madvise),
    SCMP_SYS(futex),        SCMP_SYS(clock_gettime),   SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),  SCMP_SYS(setitimer),    SCMP_SYS(exit),
    SCMP_SYS(exit_group),   SCMP_SYS(restart_syscall),
};

/* Asked for by libraries that do without: an errno that they take for "not there". */
static const int missing[] = {SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(stat),
                              SCMP_SYS(newfstatat), SCMP_SYS(access), SCMP_SYS(readlink)};

static gboolean set_limits(void)
{
    static const struct {
        int resource;
        rlim_t max;
    } limits[] = {{RLIMIT_AS, EXTRACT_MEMORY_MAX},
                  {RLIMIT_CPU, EXTRACT_CPU_S_MAX},
                  {RLIMIT_FSIZE, 0},
                  {RLIMIT_CORE, 0},
                  {RLIMIT_NPROC, 0},
                  {RLIMIT_NOFILE, 3},
                  {RLIMIT_MSGQUEUE, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(limits); i++) {
        const struct rlimit limit = {limits[i].max, limits[i].max};

        if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) != 0)
            return FALSE;
    }
    return TRUE;
}

/* A page that may not be locked would be memory that cannot be had, so it is all or nothing. */
static void lock_memory(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= EXTRACT_MEMORY_MAX)
        mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* Reading and writing on `fd` alone; memory that is not executable. */
static gboolean allow_with_arguments(scmp_filter_ctx filter, int fd)
{
    const struct scmp_arg_cmp own = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)fd, .datum_b = 0};
    const struct scmp_arg_cmp no_exec = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};

    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, own) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, own) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec) == 0;
}

static gboolean load_filter(scmp_filter_ctx filter, int fd)
{
    for (gsize i = 0; i < G_N_ELEMENTS(allowed); i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
            return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(missing); i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), missing[i], 0) != 0)
            return FALSE;
    }
    return allow_with_arguments(filter, fd) && seccomp_load(filter) == 0;
}

gboolean extract_sandbox_enter(int fd)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    gboolean is_good = filter != NULL && set_limits() &&
                       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                       prctl(PR_SET_DUMPABLE, 0) == 0;

    lock_memory();
    is_good = is_good && load_filter(filter, fd);
    seccomp_release(filter);
    return is_good;
}
