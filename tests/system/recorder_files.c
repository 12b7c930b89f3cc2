/* The recorder's calls on files: opening, writing, cutting, syncing, mapping. */
#include "recorder.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- opening --------------------------------------------------------------------------------- */

static void opened(int fd, const char *path, int flags, int existed, uint64_t start)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return;
    if ((flags & (O_SYNC | O_DSYNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE)
        recorder_unsupported("open flags");
    uint32_t file = existed ? recorder_file(&status) : 0;
    if (file == 0) {
        file = recorder_follow(&status);
        recorder_write(existed ? OP_FOUND : OP_CREATE, file, 0, path, strlen(path), start);
    }
    if (existed && (flags & O_TRUNC) != 0)
        recorder_write(OP_TRUNCATE, file, 0, NULL, 0, start);
}

static int open_recorded(int at, const char *name, int flags, mode_t mode)
{
    char storage[PATH_MAX];
    const char *path = recorder_below_root(at, name, storage);
    if (path == NULL)
        return (int)syscall(SYS_openat, at, name, flags, mode);
    pthread_mutex_lock(&recorder_lock);
    uint64_t start = recorder_now_ns();
    int existed = faccessat(at, name, F_OK, 0) == 0;
    errno = 0;
    int fd = (int)syscall(SYS_openat, at, name, flags, mode);
    int saved_errno = errno;
    if (fd >= 0)
        opened(fd, path, flags, existed, start);
    pthread_mutex_unlock(&recorder_lock);
    errno = saved_errno;
    return fd;
}

static mode_t mode_argument(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                                                          \
    PRELOAD int name(const char *path, int flags, ...)                                             \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_argument(flags, arguments);                                             \
        va_end(arguments);                                                                         \
        return open_recorded(AT_FDCWD, path, flags, mode);                                         \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

/* What -D_FORTIFY_SOURCE makes of open() without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

PRELOAD int __open_2(const char *path, int flags)
{
    return open_recorded(AT_FDCWD, path, flags, 0);
}

PRELOAD int __open64_2(const char *path, int flags)
{
    return open_recorded(AT_FDCWD, path, flags, 0);
}

#define DEFINE_OPENAT(name)                                                                        \
    PRELOAD int name(int at, const char *path, int flags, ...)                                     \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_argument(flags, arguments);                                             \
        va_end(arguments);                                                                         \
        return open_recorded(at, path, flags, mode);                                               \
    }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

PRELOAD int creat(const char *path, mode_t mode)
{
    return open_recorded(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* ---- writing --------------------------------------------------------------------------------- */

static ssize_t written_at(int fd, uint32_t file, const struct iovec *parts, int count, off_t offset)
{
    uint64_t start = recorder_now_ns();
    off_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
    if (offset < 0 && (fcntl(fd, F_GETFL) & O_APPEND) != 0)
        at = lseek(fd, 0, SEEK_END);
    ssize_t written = offset >= 0 ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                                  : syscall(SYS_writev, fd, parts, count);
    int saved_errno = errno;
    ssize_t left = written;
    for (int i = 0; i < count && left > 0; i++) {
        size_t len = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
        recorder_write(OP_WRITE, file, (uint64_t)at, parts[i].iov_base, len, start);
        at += (off_t)len;
        left -= (ssize_t)len;
    }
    errno = saved_errno;
    return written;
}

/* offset -1: where the descriptor stands. */
static ssize_t write_recorded(int fd, const struct iovec *parts, int count, off_t offset)
{
    pthread_mutex_lock(&recorder_lock);
    uint32_t file = recorder_file_of_fd(fd);
    if (file != 0) {
        ssize_t written = written_at(fd, file, parts, count, offset);
        pthread_mutex_unlock(&recorder_lock);
        return written;
    }
    /* Sockets and other files: not under the lock, they may block. */
    pthread_mutex_unlock(&recorder_lock);
    return offset >= 0 ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                       : syscall(SYS_writev, fd, parts, count);
}

PRELOAD ssize_t write(int fd, const void *bytes, size_t len)
{
    struct iovec part = {(void *)bytes, len};
    return write_recorded(fd, &part, 1, -1);
}

PRELOAD ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return write_recorded(fd, parts, count, -1);
}

#define DEFINE_PWRITE(name, type)                                                                  \
    PRELOAD ssize_t name(int fd, const void *bytes, size_t len, type offset)                       \
    {                                                                                              \
        struct iovec part = {(void *)bytes, len};                                                  \
        return write_recorded(fd, &part, 1, offset);                                               \
    }
DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

#define DEFINE_PWRITEV(name, type)                                                                 \
    PRELOAD ssize_t name(int fd, const struct iovec *parts, int count, type offset)                \
    {                                                                                              \
        return write_recorded(fd, parts, count, offset);                                           \
    }
DEFINE_PWRITEV(pwritev, off_t)
DEFINE_PWRITEV(pwritev64, off64_t)

static int truncate_recorded(int fd, off_t size)
{
    pthread_mutex_lock(&recorder_lock);
    uint64_t start = recorder_now_ns();
    uint32_t file = recorder_file_of_fd(fd);
    int result = (int)syscall(SYS_ftruncate, fd, size);
    if (file != 0 && result == 0)
        recorder_write(OP_TRUNCATE, file, (uint64_t)size, NULL, 0, start);
    pthread_mutex_unlock(&recorder_lock);
    return result;
}

PRELOAD int ftruncate(int fd, off_t size)
{
    return truncate_recorded(fd, size);
}

PRELOAD int ftruncate64(int fd, off64_t size)
{
    return truncate_recorded(fd, size);
}

/* Space only, unless it makes the file longer. */
static int allocate_recorded(int fd, int mode, off_t offset, off_t len)
{
    pthread_mutex_lock(&recorder_lock);
    uint64_t start = recorder_now_ns();
    uint32_t file = recorder_file_of_fd(fd);
    int result = (int)syscall(SYS_fallocate, fd, mode, offset, len);
    struct stat status;
    if (file != 0 && result == 0 && fstat(fd, &status) == 0)
        recorder_write(OP_TRUNCATE, file, (uint64_t)status.st_size, NULL, 0, start);
    if (file != 0 && mode > FALLOC_FL_KEEP_SIZE)
        recorder_unsupported("fallocate mode");
    pthread_mutex_unlock(&recorder_lock);
    return result;
}

#define DEFINE_FALLOCATE(suffix, type)                                                             \
    PRELOAD int fallocate##suffix(int fd, int mode, type offset, type len)                         \
    {                                                                                              \
        return allocate_recorded(fd, mode, offset, len);                                           \
    }                                                                                              \
    PRELOAD int posix_fallocate##suffix(int fd, type offset, type len)                             \
    {                                                                                              \
        return allocate_recorded(fd, 0, offset, len) == 0 ? 0 : errno;                             \
    }
DEFINE_FALLOCATE(, off_t)
DEFINE_FALLOCATE(64, off64_t)

/* ---- syncing --------------------------------------------------------------------------------- */

static void synced(int fd, uint64_t start)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return;
    if (!S_ISDIR(status.st_mode)) {
        uint32_t file = recorder_file(&status);
        if (file != 0)
            recorder_write(OP_SYNC, file, 0, NULL, 0, start);
        return;
    }
    char storage[PATH_MAX];
    const char *path = recorder_below_root(fd, ".", storage);
    if (path != NULL)
        recorder_write(OP_SYNC_DIRECTORY, 0, 0, path, strlen(path) - 1, start);
}

static int sync_recorded(long call, int fd)
{
    pthread_mutex_lock(&recorder_lock);
    uint64_t start = recorder_now_ns();
    int result = (int)syscall(call, fd);
    int saved_errno = errno;
    if (recorder_is_on() && result == 0)
        synced(fd, start);
    pthread_mutex_unlock(&recorder_lock);
    errno = saved_errno;
    return result;
}

PRELOAD int fsync(int fd)
{
    return sync_recorded(SYS_fsync, fd);
}

PRELOAD int fdatasync(int fd)
{
    return sync_recorded(SYS_fdatasync, fd);
}

PRELOAD int syncfs(int fd)
{
    pthread_mutex_lock(&recorder_lock);
    int result = (int)syscall(SYS_syncfs, fd);
    if (recorder_is_on() && result == 0)
        recorder_write(OP_SYNC_ALL, 0, 0, NULL, 0, recorder_now_ns());
    pthread_mutex_unlock(&recorder_lock);
    return result;
}

/* ---- what cannot be followed ----------------------------------------------------------------- */

/* SQLite's WAL index is mapped writable and made anew after a crash: it may be. */
static int is_wal_index(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    return len > 4 && memcmp(path + len - 4, "-shm", 4) == 0;
}

static void check_mapping(int protection, int flags, int fd)
{
    if (fd < 0 || !recorder_is_on() || (protection & PROT_WRITE) == 0 ||
        (flags & MAP_SHARED) == 0 || is_wal_index(fd))
        return;
    pthread_mutex_lock(&recorder_lock);
    if (recorder_file_of_fd(fd) != 0)
        recorder_unsupported("shared writable mapping");
    pthread_mutex_unlock(&recorder_lock);
}

#define DEFINE_MMAP(name, type)                                                                    \
    PRELOAD void *name(void *at, size_t len, int protection, int flags, int fd, type offset)       \
    {                                                                                              \
        check_mapping(protection, flags, fd);                                                      \
        return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);                  \
    }
DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)

#define DEFINE_FOPEN(name)                                                                         \
    PRELOAD FILE *name(const char *path, const char *mode)                                         \
    {                                                                                              \
        FILE *(*next)(const char *, const char *) = NULL;                                          \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                 \
        char storage[PATH_MAX];                                                                    \
        if (strpbrk(mode, "wa+") != NULL && recorder_below_root(AT_FDCWD, path, storage) != NULL)  \
            recorder_unsupported("stdio");                                                         \
        return next(path, mode);                                                                   \
    }
DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)
