#include "archived/memory_lock.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "archived/connections.h"

#define ARENAS_MAX 2
#define ARENA_MAPPED (128u << 20) /* glibc maps twice its 64 MiB to align a new arena's heap */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED TRUE /* shadow memory is terabytes */
#else
#define IS_SANITIZED FALSE
#endif

gboolean archived_memory_forbid_dumps(GError **error)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return vault_error_set_errno(error, errno, "cannot forbid", "core dumps");
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        return vault_error_set_errno(error, errno, "cannot make undumpable", "this process");
    return TRUE;
}

void archived_memory_tune(void)
{
    mallopt(M_ARENA_MAX, ARENAS_MAX);
    /* Fixed thresholds: the adaptive ones keep the largest message ever seen in the heap. */
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

static guint64 mapped_bytes(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");

    if (statm == NULL)
        return G_MAXUINT64;
    if (fscanf(statm, "%lu", &pages) != 1)
        pages = 0;
    fclose(statm);
    return pages == 0 ? G_MAXUINT64 : (guint64)pages * 4096;
}

/* The limit counts what is mapped, not what is touched. */
static guint64 needed_bytes(const ArchivedConfig *config)
{
    guint64 mapped = mapped_bytes();
    guint64 more = config->memory + config->max_connections * ARCHIVED_THREAD_STACK_LEN +
                   (guint64)ARENAS_MAX * ARENA_MAPPED;

    return mapped > G_MAXUINT64 - more ? G_MAXUINT64 : mapped + more;
}

ArchivedMemoryLock archived_memory_lock_all(const ArchivedConfig *config)
{
    struct rlimit limit;

    if (IS_SANITIZED)
        return (ArchivedMemoryLock){.why_not = "this is a test build with sanitizers"};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
        (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed_bytes(config)))
        return (ArchivedMemoryLock){
            .why_not = "RLIMIT_MEMLOCK is too low: set LimitMEMLOCK=infinity, or use encrypted "
                       "swap or none"};
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        return (ArchivedMemoryLock){.why_not = "the system refused mlockall"};
    return (ArchivedMemoryLock){.is_locked = TRUE};
}
