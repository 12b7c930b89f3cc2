#include "restore/vault_view.h"

#include "restore/remote_address.h"
#include "restore/vault_access.h"
#include "restore/vault_view_backend.h"

#include <string.h>

struct VaultView {
    const VaultViewBackend *backend;
    gpointer self;
};

VaultView *vault_view_new(const VaultViewBackend *backend, gpointer self)
{
    VaultView *view = g_new0(VaultView, 1);

    view->backend = backend;
    view->self = self;
    return view;
}

VaultView *vault_view_open(const char *vault, const VaultViewOptions *options, char **ret_warning,
                           GError **error)
{
    VaultKeep *keep;

    if (remote_address_is(vault))
        return remote_view_open(vault, options, ret_warning, error);
    keep = vault_access_open(vault, VAULT_ACCESS_UP_TO_DATE, ret_warning, error);
    return keep == NULL ? NULL : vault_view_of_keep(keep);
}

void vault_view_free(VaultView *view)
{
    if (view == NULL)
        return;
    view->backend->free(view->self);
    g_free(view);
}

const VaultId *vault_view_id(const VaultView *view)
{
    return view->backend->id(view->self);
}

GArray *vault_view_masters(VaultView *view, GError **error)
{
    return view->backend->masters(view->self, error);
}

gboolean vault_view_present(VaultView *view, GBytes *grant, GError **error)
{
    return view->backend->present(view->self, grant, error);
}

static gboolean check_filter(const VaultViewFilter *filter, gsize max, GError **error)
{
    g_assert(max >= 1 && max <= VAULT_VIEW_PAGE_COUNT_MAX);
    if (filter->mailbox_count <= VAULT_VIEW_FILTER_COUNT_MAX &&
        filter->message_count <= VAULT_VIEW_FILTER_COUNT_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "at most %d mailboxes and %d messages can be asked for at once",
                VAULT_VIEW_FILTER_COUNT_MAX, VAULT_VIEW_FILTER_COUNT_MAX);
    return FALSE;
}

gboolean vault_view_list(VaultView *view, const VaultViewFilter *filter,
                         VaultViewPosition *position, gsize max, GArray *page, GError **error)
{
    return check_filter(filter, max, error) &&
           view->backend->list(view->self, filter, position, max, page, error);
}

gboolean vault_view_list_terms(VaultView *view, const VaultViewFilter *filter,
                               VaultTermsPosition *position, gsize max, GArray *page,
                               gboolean *ret_is_more, GError **error)
{
    return check_filter(filter, max, error) &&
           view->backend->list_terms(view->self, filter, position, max, page, ret_is_more, error);
}

gboolean vault_view_months_page(VaultView *view, VaultReaderPosition *position, gsize max,
                                GPtrArray *page, GError **error)
{
    g_assert(max >= 1 && max <= VAULT_VIEW_MONTHS_COUNT_MAX);
    return view->backend->months(view->self, position, max, page, error);
}

GPtrArray *vault_view_months(VaultView *view, GError **error)
{
    g_autoptr(GPtrArray) months =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    VaultReaderPosition position = {.is_set = FALSE};
    guint before;

    do {
        before = months->len;
        if (!vault_view_months_page(view, &position, VAULT_VIEW_MONTHS_COUNT_MAX, months, error))
            return NULL;
        if (months->len > VAULT_VIEW_MONTHS_ALL_MAX) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                        "the vault tells of over %d months", VAULT_VIEW_MONTHS_ALL_MAX);
            return NULL;
        }
    } while (months->len - before == VAULT_VIEW_MONTHS_COUNT_MAX);
    return g_steal_pointer(&months);
}

gboolean vault_view_find_mailbox(VaultView *view, const char *name, MailboxId *ret_id,
                                 GError **error)
{
    return view->backend->find_mailbox(view->self, name, ret_id, error);
}

VaultViewAnswer vault_view_has_message(VaultView *view, const RecordId *archive_id)
{
    return view->backend->has_message(view->self, archive_id);
}

VaultRecordSource vault_view_records(VaultView *view)
{
    VaultRecordSource records = view->backend->records;

    records.user = view->self;
    return records;
}

GBytes *vault_view_release(VaultView *view, const RecordId *copies, gsize count, GError **error)
{
    g_assert(count <= VAULT_VIEW_RELEASE_COUNT_MAX);
    return view->backend->release(view->self, copies, count, error);
}

GBytes *vault_view_release_terms(VaultView *view, const RecordId *terms_copies, gsize count,
                                 GError **error)
{
    g_assert(count <= VAULT_VIEW_RELEASE_COUNT_MAX);
    return view->backend->release_terms(view->self, terms_copies, count, error);
}

gboolean vault_view_read_terms(VaultView *view, const RecordId *terms_copies, gsize count,
                               GBytes **ret_records, GError **error)
{
    g_assert(count <= VAULT_VIEW_READ_COUNT_MAX);
    memset(ret_records, 0, count * sizeof *ret_records);
    return view->backend->read_terms(view->self, terms_copies, count, ret_records, error);
}

GBytes *vault_view_case_key(VaultView *view, GError **error)
{
    return view->backend->case_key(view->self, error);
}

gboolean vault_view_add_terms(VaultView *view, const void *batch, gsize len,
                              VaultTermsAdded *ret_added, GError **error)
{
    if (view->backend->add_terms != NULL)
        return view->backend->add_terms(view->self, batch, len, ret_added, error);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                        "words of messages are sent to no other host: write them where the vault "
                        "lies");
    return FALSE;
}

static GBytes *ask_view(gpointer user, const RecordId *copies, gsize count, GError **error)
{
    return vault_view_release(user, copies, count, error);
}

SourcesReleases vault_view_releases(VaultView *view, const VaultIdentity *identity,
                                    const VaultHash *grant_hash)
{
    return (SourcesReleases){.ask = ask_view,
                             .user = view,
                             .identity = identity,
                             .vault_id = *vault_view_id(view),
                             .grant_hash = *grant_hash};
}

gboolean vault_view_log(VaultView *view, VaultLoggedAct act, const char *text, GError **error)
{
    return view->backend->log(view->self, act, text, error);
}

gboolean vault_view_proofs(VaultView *view, ProofSource *ret_proofs, GError **error)
{
    return view->backend->proofs(view->self, ret_proofs, error);
}

gboolean vault_view_close(VaultView *view, GError **error)
{
    return view->backend->close(view->self, error);
}
