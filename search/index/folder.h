/* The files of an index: `<n>.segment`, those that a merge replaced, drafts, the writer's lock.
 *
 * A segment names its predecessor and the numbers that it stands for, so a file that is missing,
 * or renamed, is found (CORRUPT); one that was replaced and is still there is passed over. Of the
 * last segments any number may be missing: then what they held counts as not indexed yet.
 * Errors: those of blocks.h; BUSY: another writer. Source: docs/formats/case-index.md, "Files".
 */
#pragma once

#include "search/index/segment.h"

#include "vault/base/file.h"

/* SearchSegment, oldest first, with their bases. No folder: none. */
GPtrArray *search_folder_open(const char *folder, const SearchIndexKey *key, GError **error);
/* Makes the folder, takes its lock (-1 on error), removes drafts. */
VaultFd search_folder_lock(const char *folder, GError **error);
/* A draft without a name yet, or, of a NULL folder, in memory. -1 on error. */
VaultFd search_folder_draft(const char *folder, char **ret_path, GError **error);
/* The draft, synced, becomes segment `number`, durably. */
gboolean search_folder_name(const char *folder, const char *draft, guint64 number, GError **error);
/* Removes the segments from `from` to before `number`. */
gboolean search_folder_remove(const char *folder, guint64 from, guint64 number, GError **error);
