/* A preloaded library that makes chosen system calls below one folder fail.
 *
 *   MUNIMENT_FAULTS_ROOT   the folder
 *   MUNIMENT_FAULTS_FILE   mapped by test and program: int32 call, from, count, errno, seen, failed
 *
 * `call` 0 = none, 1 write, 2 sync, 3 rename, 4 open. When it is set, the calls number `from`
 * (from 1) to `from + count - 1` fail with `errno`; count -1 means all later ones. `seen` counts
 * the calls, `failed` those that were made to fail. A failed write of more than one byte writes
 * half of it first when `from` is even: a torn write. An `errno` below 0 kills the program instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PRELOAD __attribute__((visibility("default"), used))

enum call { CALL_WRITE = 1, CALL_SYNC = 2, CALL_RENAME = 3, CALL_OPEN = 4 };

/* `seen` and `failed` are the library's own and are read by the test. */
struct plan {
    _Atomic int32_t call, from, count, error, seen, failed;
};

static struct plan *plan;
static char root[PATH_MAX];
static size_t root_len;

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("MUNIMENT_FAULTS_ROOT");
    const char *file = getenv("MUNIMENT_FAULTS_FILE");
    if (folder == NULL || file == NULL)
        return;
    root_len = (size_t)snprintf(root, sizeof root, "%s", folder);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || mapped == MAP_FAILED)
        abort();
    plan = mapped;
}

/* TRUE when this call is to fail; errno is then set. */
static int fails(enum call call)
{
    if (plan == NULL || atomic_load(&plan->call) != (int32_t)call)
        return 0;
    int32_t number = atomic_fetch_add(&plan->seen, 1) + 1;
    int32_t from = atomic_load(&plan->from), count = atomic_load(&plan->count);
    if (number < from || (count >= 0 && number >= from + count))
        return 0;
    atomic_fetch_add(&plan->failed, 1);
    if (atomic_load(&plan->error) < 0)
        syscall(SYS_kill, getpid(), SIGKILL);
    errno = atomic_load(&plan->error);
    return 1;
}

static int is_below(const char *path)
{
    return plan != NULL && path != NULL && strncmp(path, root, root_len) == 0;
}

static int is_fd_below(int fd)
{
    char link[64], path[PATH_MAX];
    if (plan == NULL || atomic_load(&plan->call) == 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0)
        return 0;
    path[len] = '\0';
    return is_below(path);
}

/* ---- open ------------------------------------------------------------------------------------ */

static int open_checked(const char *path, int flags, mode_t mode)
{
    if (is_below(path) && fails(CALL_OPEN))
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define DEFINE_OPEN(name)                                                                          \
    PRELOAD int name(const char *path, int flags, ...)                                             \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;        \
        va_end(arguments);                                                                         \
        return open_checked(path, flags, mode);                                                    \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

PRELOAD int __open_2(const char *path, int flags)
{
    return open_checked(path, flags, 0);
}

PRELOAD int __open64_2(const char *path, int flags)
{
    return open_checked(path, flags, 0);
}

/* ---- write ----------------------------------------------------------------------------------- */

static ssize_t write_checked(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (is_fd_below(fd) && fails(CALL_WRITE)) {
        int saved_errno = errno;
        size_t half = atomic_load(&plan->from) % 2 == 0 && count > 0 ? parts[0].iov_len / 2 : 0;
        if (half > 0 && offset >= 0)
            syscall(SYS_pwrite64, fd, parts[0].iov_base, half, offset);
        errno = saved_errno;
        return -1;
    }
    return offset >= 0 ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                       : syscall(SYS_writev, fd, parts, count);
}

PRELOAD ssize_t write(int fd, const void *bytes, size_t len)
{
    struct iovec part = {(void *)bytes, len};
    return write_checked(fd, &part, 1, -1);
}

PRELOAD ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return write_checked(fd, parts, count, -1);
}

#define DEFINE_PWRITE(name, type)                                                                  \
    PRELOAD ssize_t name(int fd, const void *bytes, size_t len, type offset)                       \
    {                                                                                              \
        struct iovec part = {(void *)bytes, len};                                                  \
        return write_checked(fd, &part, 1, offset);                                                \
    }
DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

#define DEFINE_PWRITEV(name, type)                                                                 \
    PRELOAD ssize_t name(int fd, const struct iovec *parts, int count, type offset)                \
    {                                                                                              \
        return write_checked(fd, parts, count, offset);                                            \
    }
DEFINE_PWRITEV(pwritev, off_t)
DEFINE_PWRITEV(pwritev64, off64_t)

/* ---- sync, rename ---------------------------------------------------------------------------- */

PRELOAD int fsync(int fd)
{
    return is_fd_below(fd) && fails(CALL_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

PRELOAD int fdatasync(int fd)
{
    return is_fd_below(fd) && fails(CALL_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

PRELOAD int rename(const char *old, const char *new)
{
    return is_below(new) && fails(CALL_RENAME)
               ? -1
               : (int)syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
}
