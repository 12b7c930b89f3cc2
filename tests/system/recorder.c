/* A preloaded library that records every change a program makes below one folder, with its bytes
 * and in one total order, so that power cuts can be replayed (powercut.py).
 *
 *   MUNIMENT_RECORDER_ROOT   the folder, an absolute real path
 *   MUNIMENT_RECORDER_LOG    where the records go; outside the folder
 *
 * A record is u8 operation, u32 process, u32 file, u64 offset, u64 length, u64 start
 * (CLOCK_MONOTONIC, ns), then `length` bytes: the data written, or a path relative to the folder
 * ("old\0new" for renames); all native-endian. Each process numbers files when it first opens them
 * and knows them by inode from then on, so that duplicated descriptors need no care. One lock is
 * held over each call and its record: the order of the records is the order in which things
 * happened, and a sync covers what stands before it. What the recorder cannot follow (shared
 * writable mappings, stdio, O_SYNC) is recorded as UNSUPPORTED, which fails the test instead of
 * making it blind.
 */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 65536

static struct {
    dev_t device;
    ino_t inode;
} files[FILES_MAX];
static uint32_t file_count;

pthread_mutex_t recorder_lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_len;
static int log_fd = -1;
static uint32_t process;

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("MUNIMENT_RECORDER_ROOT");
    const char *log = getenv("MUNIMENT_RECORDER_LOG");
    if (folder == NULL || log == NULL)
        return;
    root_len = (size_t)snprintf(root, sizeof root, "%s", folder);
    log_fd =
        (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        abort();
    process = (uint32_t)getpid();
}

uint64_t recorder_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* One writev per record: a killed program leaves at most one half record, at the end. */
void recorder_write(enum operation operation, uint32_t file, uint64_t offset, const void *bytes,
                    size_t len, uint64_t start)
{
    struct __attribute__((packed)) {
        uint8_t operation;
        uint32_t process, file;
        uint64_t offset, len, start;
    } head = {(uint8_t)operation, process, file, offset, len, start};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, len}};
    ssize_t written = syscall(SYS_writev, log_fd, parts, len > 0 ? 2 : 1);
    if (written != (ssize_t)(sizeof head + len))
        abort();
}

void recorder_path(enum operation operation, uint32_t file, const char *path, uint64_t start)
{
    recorder_write(operation, file, 0, path, strlen(path), start);
}

int recorder_is_on(void)
{
    return log_fd >= 0;
}

void recorder_unsupported(const char *what)
{
    recorder_write(OP_UNSUPPORTED, 0, 0, what, strlen(what), recorder_now_ns());
}

const char *recorder_below_root(int at, const char *name, char storage[PATH_MAX])
{
    if (log_fd < 0 || name == NULL)
        return NULL;
    char base[PATH_MAX] = "";
    if (name[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        ssize_t len = readlink(link, base, sizeof base - 1);
        if (len < 0)
            return NULL;
        base[len] = '\0';
    }
    int len = snprintf(storage, PATH_MAX, "%s%s%s", base, base[0] != '\0' ? "/" : "", name);
    if (len <= 0 || len >= PATH_MAX || strncmp(storage, root, root_len) != 0)
        return NULL;
    const char *path = storage + root_len;
    while (*path == '/')
        path++;
    return storage[root_len] == '/' || storage[root_len] == '\0' ? path : NULL;
}

/* Numbers start at 1; the latest use of an inode counts. */
uint32_t recorder_file(const struct stat *status)
{
    for (uint32_t i = file_count; i > 0; i--)
        if (files[i].inode == status->st_ino && files[i].device == status->st_dev)
            return i;
    return 0;
}

uint32_t recorder_file_of_fd(int fd)
{
    struct stat status;
    int saved_errno = errno;
    uint32_t file = 0;
    if (log_fd >= 0 && fd != log_fd && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        file = recorder_file(&status);
    errno = saved_errno;
    return file;
}

uint32_t recorder_follow(const struct stat *status)
{
    if (file_count + 1 >= FILES_MAX)
        abort();
    file_count++;
    files[file_count].device = status->st_dev;
    files[file_count].inode = status->st_ino;
    return file_count;
}
