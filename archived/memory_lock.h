/* Keeping plaintext and keys out of core dumps and swap. */
#pragma once

#include "archived/config.h"

typedef struct {
    gboolean is_locked;
    const char *why_not; /* for status, when not */
} ArchivedMemoryLock;

/* No core dumps, and no other process of this user may read our memory. IO when refused. */
gboolean archived_memory_forbid_dumps(GError **error);

/* Before the first thread: allocator arenas and thresholds that give memory back. */
void archived_memory_tune(void);

/* mlockall() of all memory there is and will be, but only where RLIMIT_MEMLOCK covers what the
 * configuration may map: under a smaller limit an allocation would fail later and end the daemon.
 * Key memory is locked by itself in any case (libsodium). */
ArchivedMemoryLock archived_memory_lock_all(const ArchivedConfig *config);
