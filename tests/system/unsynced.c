/* A preloaded library by which the kernel calls no clock synchronised: on a host with time service,
 * a clock that a test sets forward would be believed. */
#include <errno.h>
#include <sys/timex.h>

#define PRELOAD __attribute__((visibility("default"), used))

PRELOAD int adjtimex(struct timex *status)
{
    if (status->modes != 0) {
        errno = EPERM;
        return -1;
    }
    *status = (struct timex){.status = STA_UNSYNC};
    return TIME_ERROR;
}
