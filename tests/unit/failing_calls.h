/* Calls of the operating system that fail when their turn comes. Included by one file of a program:
 * it stands in front of the functions of the C library. Only calls of the thread under test count:
 * the catalog's own thread goes its way.
 *
 *   arm(nth, EIO) -> what is tested -> disarm()       has_failed: the nth call came
 */
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <unistd.h>

static __thread gboolean is_counted;
static int calls_left = -1; /* -1: none fails */
static int error_number;
static gboolean has_failed;
static gboolean fails_syncs_only;

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

/* Calls that are no sync are not counted while only syncs are to fail. */
static gboolean must_fail_too(void)
{
    return !fails_syncs_only && must_fail();
}

int fdatasync(int fd)
{
    return must_fail() ? -1 : ((int (*)(int))real("fdatasync"))(fd);
}

int fsync(int fd)
{
    return must_fail_too() ? -1 : ((int (*)(int))real("fsync"))(fd);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (must_fail_too())
        return -1;
    return ((ssize_t(*)(int, const void *, size_t))real("write"))(fd, bytes, len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    if (must_fail_too())
        return -1;
    return ((ssize_t(*)(int, const void *, size_t, off64_t))real("pwrite64"))(fd, bytes, len,
                                                                              offset);
}

int rename(const char *from, const char *to)
{
    return must_fail_too() ? -1 : ((int (*)(const char *, const char *))real("rename"))(from, to);
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
    fails_syncs_only = FALSE;
    calls_left = -1;
}
