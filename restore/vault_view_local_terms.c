/* Terms in the view of a vault on this host. */
#include "restore/vault_view_local.h"

/* A terms copy as the ledger knows one: by its own id, and the message whose words it holds. */
static void add_listed(LocalView *view, const VaultTermsEntry *entry)
{
    VaultCopyEntry listed = {.record_id = entry->terms_id, .body_id = entry->body_id};

    if (!vault_id_is_zero(entry->terms_id.bytes))
        vault_view_ledger_add_listed(view->terms, &listed);
}

typedef struct {
    const VaultViewFilter *filter;
    VaultTermsPosition begin, *position;
    gsize start, max;
    GArray *page;
    gboolean *ret_is_more;
} TermsPage;

static gboolean list_page(LocalView *view, gpointer asked, GError **error)
{
    TermsPage *wanted = asked;
    g_auto(LocalScope) scope = {.months = NULL};

    *wanted->position = wanted->begin;
    *wanted->ret_is_more = FALSE;
    g_array_set_size(wanted->page, (guint)wanted->start);
    return local_view_scope(view, wanted->filter, VAULT_GRANT_INDEX, &scope, error) &&
           (scope.is_empty ||
            vault_keep_terms(view->keys, &scope.filter, wanted->position, wanted->max,
                             wanted->page, wanted->ret_is_more, error));
}

gboolean local_terms_list(gpointer self, const VaultViewFilter *filter,
                          VaultTermsPosition *position, gsize max, GArray *page,
                          gboolean *ret_is_more, GError **error)
{
    LocalView *view = self;
    TermsPage wanted = {.filter = filter,
                        .begin = *position,
                        .position = position,
                        .start = page->len,
                        .max = max,
                        .page = page,
                        .ret_is_more = ret_is_more};

    if (!local_view_judge_again(view, error) || !local_view_ask(view, list_page, &wanted, error))
        return FALSE;
    for (guint i = (guint)wanted.start; i < page->len; i++)
        add_listed(view, &g_array_index(page, VaultTermsEntry, i));
    return TRUE;
}

GBytes *local_terms_release(gpointer self, const RecordId *terms_copies, gsize count,
                            GError **error)
{
    LocalView *view = self;
    g_autofree VaultCopyEntry *entries = g_new0(VaultCopyEntry, MAX(count, 1));
    GBytes *sealed;

    if (!local_view_check_grant(view, error))
        return NULL;
    for (gsize i = 0; i < count; i++) {
        if (!vault_view_ledger_find(view->terms, &terms_copies[i], &entries[i], error))
            return NULL;
    }
    sealed =
        restore_releaser_ask(view->releaser, ARCHIVED_RELEASE_TERMS, terms_copies, count, error);
    for (gsize i = 0; sealed != NULL && i < count; i++)
        vault_view_ledger_add_released(view->terms, &entries[i]);
    return sealed;
}

gboolean local_terms_read(gpointer self, const RecordId *terms_copies, gsize count,
                          GBytes **ret_records, GError **error)
{
    LocalView *view = self;

    for (gsize i = 0; i < count; i++) {
        if (vault_view_ledger_has_released(view->terms, &terms_copies[i]))
            continue;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "record %s was not released",
                    VAULT_ID_TEXT(terms_copies[i]));
        return FALSE;
    }
    return vault_keep_terms_records(view->keep, terms_copies, count, VAULT_VIEW_TERMS_LEN_MAX,
                                    ret_records, error);
}

GBytes *local_case_key(gpointer self, GError **error)
{
    LocalView *view = self;

    return local_view_check_grant(view, error)
               ? restore_releaser_ask(view->releaser, ARCHIVED_RELEASE_CASE_KEY, NULL, 0, error)
               : NULL;
}
