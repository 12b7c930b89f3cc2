/* The files of one log's folder. Inside vault/log only.
 *
 * A file is written under the name of a draft, synced and renamed: it is whole or not there. Many
 * files share the syncs of their folders: log_files_sync_names() comes before anything that relies
 * on them. After a failure nothing is known of what was put since the last successful sync, and
 * what is needed of it is put again, as new files.
 * Errors: IO, NO_SPACE, REFUSED, NOT_FOUND (from errno), TOO_LARGE. Threads: one at a time.
 */
#pragma once

#include "vault/base/error.h"
#include "vault/log/tile.h"

typedef struct LogFiles LogFiles;

LogFiles *log_files_new(const char *directory);
void log_files_free(LogFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogFiles, log_files_free)

/* `name` is relative to the folder; folders on the way are made. An existing file is replaced. */
gboolean log_files_put(LogFiles *files, const char *name, const void *bytes, gsize len,
                       GError **error);
gboolean log_files_sync_names(LogFiles *files, GError **error);
/* Put and names synced. */
gboolean log_files_put_durably(LogFiles *files, const char *name, const void *bytes, gsize len,
                               GError **error);

GBytes *log_files_read(const LogFiles *files, const char *name, gsize len_max, GError **error);
gboolean log_files_has(const LogFiles *files, const char *name);

gboolean log_files_put_tile(LogFiles *files, const VaultTile *tile, const void *bytes, gsize len,
                            GError **error);
/* A file of that tile which begins with its `tile->width` hashes or entries: it may have more, when
 * the log has grown since; `ret_width`, may be NULL, is how many. CORRUPT when there is none, or a
 * tile has not the length that its name says. */
GBytes *log_files_read_tile(const LogFiles *files, const VaultTile *tile, guint *ret_width,
                            GError **error);
/* Removes partial files of that tile but the one of this width; all when it is full. What cannot
 * be removed stays: it does no harm. */
void log_files_tidy_tile(const LogFiles *files, const VaultTile *tile);
