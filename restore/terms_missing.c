#include "restore/terms_missing.h"

gboolean terms_missing_list(VaultView *view, const VaultViewFilter *filter, TermsMissingVisit visit,
                            gpointer user, GError **error)
{
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    VaultTermsPosition position = {.catalog_mark = 0};
    gboolean is_more = TRUE;

    while (is_more) {
        g_array_set_size(page, 0);
        if (!vault_view_list_terms(view, filter, &position, VAULT_VIEW_PAGE_COUNT_MAX, page,
                                   &is_more, error))
            return FALSE;
        for (guint i = 0; i < page->len; i++) {
            const VaultTermsEntry *entry = &g_array_index(page, VaultTermsEntry, i);

            if (vault_id_is_zero(entry->terms_id.bytes))
                visit(entry, user);
        }
    }
    return TRUE;
}
