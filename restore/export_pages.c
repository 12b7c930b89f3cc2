#include "restore/export_pages.h"

#include <string.h>

struct ExportPages {
    VaultKeep *keep;
    VaultCopyFilter filter;
    gboolean (*is_wanted)(const VaultCopyEntry *entry, gpointer user);
    gpointer user;
    GArray *page; /* VaultCopyEntry */
    guint at;
    gboolean has_last;
    VaultCopyEntry last; /* the last one seen, wanted or not */
    gboolean is_page_full;
    gboolean has_ended;
};

ExportPages *export_pages_new(VaultKeep *keep, const VaultCopyFilter *filter,
                              gboolean (*is_wanted)(const VaultCopyEntry *entry, gpointer user),
                              gpointer user)
{
    ExportPages *pages = g_new0(ExportPages, 1);

    pages->keep = keep;
    pages->filter = *filter;
    pages->is_wanted = is_wanted;
    pages->user = user;
    pages->page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    return pages;
}

void export_pages_free(ExportPages *pages)
{
    if (pages == NULL)
        return;
    g_array_unref(pages->page);
    g_free(pages);
}

/* Entries of the last page's last second come again: those up to the last one are passed over. */
static gboolean is_seen(const ExportPages *pages, const VaultCopyEntry *entry)
{
    return pages->has_last && entry->received_s == pages->last.received_s &&
           memcmp(&entry->record_id, &pages->last.record_id, sizeof entry->record_id) <= 0;
}

static gboolean visit(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    ExportPages *pages = user;

    if (is_seen(pages, entry))
        return TRUE;
    if (pages->page->len == EXPORT_PAGE_COUNT) {
        pages->is_page_full = TRUE;
        return FALSE;
    }
    pages->last = *entry;
    pages->has_last = TRUE;
    if (pages->is_wanted == NULL || pages->is_wanted(entry, pages->user))
        g_array_append_val(pages->page, *entry);
    return TRUE;
}

static gboolean read_page(ExportPages *pages, GError **error)
{
    VaultCopyFilter filter = pages->filter;

    g_array_set_size(pages->page, 0);
    pages->at = 0;
    if (pages->has_last)
        filter.from_s = MAX(filter.from_s, pages->last.received_s);
    pages->is_page_full = FALSE;
    if (!vault_keep_copies(pages->keep, &filter, visit, pages, error))
        return FALSE;
    pages->has_ended = !pages->is_page_full;
    return TRUE;
}

gboolean export_pages_next(ExportPages *pages, gsize count, const VaultCopyEntry **ret_entries,
                           gsize *ret_count, GError **error)
{
    if (pages->at == pages->page->len && !pages->has_ended && !read_page(pages, error))
        return FALSE;
    *ret_entries = &g_array_index(pages->page, VaultCopyEntry, pages->at);
    *ret_count = MIN(count, pages->page->len - pages->at);
    pages->at += (guint)*ret_count;
    return TRUE;
}
