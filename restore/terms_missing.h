/* Lists the copies in scope that have no terms: those that a search finds only by opening them.
 *
 * Walks the whole list, page by page; a copy that gets terms meanwhile may show. Errors: those of
 * vault_view_list_terms(). Threads: the view's main thread.
 */
#pragma once

#include "restore/vault_view.h"

typedef void (*TermsMissingVisit)(const VaultTermsEntry *entry, gpointer user);
gboolean terms_missing_list(VaultView *view, const VaultViewFilter *filter, TermsMissingVisit visit,
                            gpointer user, GError **error);
