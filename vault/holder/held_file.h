/* Inside vault/holder: replacing and removing a file that held keys.
 *
 * The new content is durable under its name before the old one is overwritten and its blocks are
 * given back; a crash leaves the old file, or the new one. A draft that a crash left is overwritten
 * and removed first. On disks that write elsewhere (flash, copy-on-write file systems, snapshots)
 * overwriting reaches nothing: hence best effort. A link is followed: its target is what counts.
 * Errors: NOT_FOUND, BUSY (HELD_FILE_NEW: it is there), IO, NO_SPACE.
 */
#pragma once

#include "vault/base/error.h"

typedef enum { HELD_FILE_NEW, HELD_FILE_REPLACE } HeldFileExisting;

gboolean held_file_write(const char *path, const char *text, HeldFileExisting existing,
                         GError **error);
/* What a crash left beside it goes. */
gboolean held_file_remove_draft(const char *path, GError **error);
gboolean held_file_remove(const char *path, GError **error);
