/* Entries of the catalog, a page at a time: nothing is locked while they are worked on, and memory
 * does not grow with the archive. Order: received, then record id. Threads: one user. */
#pragma once

#include "vault/keep.h"

#define EXPORT_PAGE_COUNT 4096

typedef struct ExportPages ExportPages;
/* Both are borrowed. `is_wanted` may be NULL. */
ExportPages *export_pages_new(VaultKeep *keep, const VaultCopyFilter *filter,
                              gboolean (*is_wanted)(const VaultCopyEntry *entry, gpointer user),
                              gpointer user);
void export_pages_free(ExportPages *pages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportPages, export_pages_free)

/* At most `count` next entries, borrowed until the next call; *ret_count 0 at the end. */
gboolean export_pages_next(ExportPages *pages, gsize count, const VaultCopyEntry **ret_entries,
                           gsize *ret_count, GError **error);
