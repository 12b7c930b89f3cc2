/* The recorder's calls on names: renaming, linking, removing, folders. */
#include "recorder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- names ----------------------------------------------------------------------------------- */

static int rename_recorded(int from, const char *old, int to, const char *new, unsigned flags)
{
    char old_storage[PATH_MAX], new_storage[PATH_MAX], both[2 * PATH_MAX];
    const char *old_path = recorder_below_root(from, old, old_storage);
    const char *new_path = recorder_below_root(to, new, new_storage);
    pthread_mutex_lock(&recorder_lock);
    uint64_t start = recorder_now_ns();
    int result = (int)syscall(SYS_renameat2, from, old, to, new, flags);
    if (result == 0 && old_path != NULL && new_path != NULL) {
        size_t len = strlen(old_path);
        memcpy(both, old_path, len + 1);
        memcpy(both + len + 1, new_path, strlen(new_path));
        recorder_write(OP_RENAME, 0, 0, both, len + 1 + strlen(new_path), start);
    } else if (result == 0 && (old_path != NULL) != (new_path != NULL)) {
        recorder_unsupported("rename over the border of the folder");
    }
    pthread_mutex_unlock(&recorder_lock);
    return result;
}

PRELOAD int rename(const char *old, const char *new)
{
    return rename_recorded(AT_FDCWD, old, AT_FDCWD, new, 0);
}

PRELOAD int renameat(int from, const char *old, int to, const char *new)
{
    return rename_recorded(from, old, to, new, 0);
}

PRELOAD int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return rename_recorded(from, old, to, new, flags);
}

static int link_recorded(int from, const char *old, int to, const char *new, int flags)
{
    char storage[PATH_MAX];
    const char *path = recorder_below_root(to, new, storage);
    pthread_mutex_lock(&recorder_lock);
    uint64_t start = recorder_now_ns();
    int result = (int)syscall(SYS_linkat, from, old, to, new, flags);
    struct stat status;
    if (result == 0 && path != NULL && fstatat(to, new, &status, 0) == 0) {
        if (recorder_file(&status) == 0)
            recorder_unsupported("link to a file that was never opened");
        recorder_write(OP_LINK, recorder_file(&status), 0, path, strlen(path), start);
    }
    pthread_mutex_unlock(&recorder_lock);
    return result;
}

PRELOAD int link(const char *old, const char *new)
{
    return link_recorded(AT_FDCWD, old, AT_FDCWD, new, 0);
}

PRELOAD int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return link_recorded(from, old, to, new, flags);
}

static int name_recorded(enum operation operation, int at, const char *name, int argument)
{
    char storage[PATH_MAX];
    const char *path = recorder_below_root(at, name, storage);
    long call = operation == OP_MKDIR ? SYS_mkdirat : SYS_unlinkat;
    pthread_mutex_lock(&recorder_lock);
    uint64_t start = recorder_now_ns();
    int result = (int)syscall(call, at, name, argument);
    if (result == 0 && path != NULL)
        recorder_path(operation, 0, path, start);
    pthread_mutex_unlock(&recorder_lock);
    return result;
}

PRELOAD int unlink(const char *path)
{
    return name_recorded(OP_UNLINK, AT_FDCWD, path, 0);
}

PRELOAD int unlinkat(int at, const char *path, int flags)
{
    return name_recorded(flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK, at, path, flags);
}

PRELOAD int rmdir(const char *path)
{
    return name_recorded(OP_RMDIR, AT_FDCWD, path, AT_REMOVEDIR);
}

PRELOAD int remove(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return rmdir(path);
    return unlink(path);
}

PRELOAD int mkdir(const char *path, mode_t mode)
{
    return name_recorded(OP_MKDIR, AT_FDCWD, path, (int)mode);
}

PRELOAD int mkdirat(int at, const char *path, mode_t mode)
{
    return name_recorded(OP_MKDIR, at, path, (int)mode);
}
