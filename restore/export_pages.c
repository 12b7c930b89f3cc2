#include "restore/export_pages.h"

struct ExportPages {
    VaultView *view;
    const VaultViewFilter *filter;
    gboolean (*is_wanted)(const VaultCopyEntry *entry, gpointer user);
    gpointer user;
    GArray *page; /* VaultCopyEntry */
    guint at;
    VaultViewPosition position;
    gboolean has_ended;
};

ExportPages *export_pages_new(VaultView *view, const VaultViewFilter *filter,
                              gboolean (*is_wanted)(const VaultCopyEntry *entry, gpointer user),
                              gpointer user)
{
    ExportPages *pages = g_new0(ExportPages, 1);

    pages->view = view;
    pages->filter = filter;
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

static void drop_unwanted(ExportPages *pages)
{
    guint kept = 0;

    for (guint i = 0; pages->is_wanted != NULL && i < pages->page->len; i++) {
        VaultCopyEntry *entry = &g_array_index(pages->page, VaultCopyEntry, i);

        if (pages->is_wanted(entry, pages->user))
            g_array_index(pages->page, VaultCopyEntry, kept++) = *entry;
    }
    if (pages->is_wanted != NULL)
        g_array_set_size(pages->page, kept);
}

/* Pages with nothing wanted on them are passed over. */
static gboolean read_page(ExportPages *pages, GError **error)
{
    do {
        g_array_set_size(pages->page, 0);
        pages->at = 0;
        if (!vault_view_list(pages->view, pages->filter, &pages->position,
                             VAULT_VIEW_PAGE_COUNT_MAX, pages->page, error))
            return FALSE;
        pages->has_ended = pages->page->len < VAULT_VIEW_PAGE_COUNT_MAX;
        drop_unwanted(pages);
    } while (pages->page->len == 0 && !pages->has_ended);
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
