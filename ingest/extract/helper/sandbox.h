/* What a helper gives up before it reads the first byte of a document, for good.
 *
 * Order: limits, no new privileges, not dumpable, memory locked where that is allowed, and at last
 * a seccomp filter. After it the process can read and write its one socket, use the memory that it
 * has and get more up to the limit, look at the clock, and end. Opening files, sockets, processes,
 * signals to others, executable memory: refused with EACCES or EPERM. Source: seccomp(2).
 */
#pragma once

#include <glib.h>

#define EXTRACT_MEMORY_MAX (512ull << 20) /* address space */
#define EXTRACT_CPU_S_MAX 1800            /* of a helper's whole life */

/* FALSE: the kernel does not do it; the caller must end. `fd` is the only descriptor that stays
 * usable. Call it once, when all that the libraries load was loaded. */
gboolean extract_sandbox_enter(int fd);
