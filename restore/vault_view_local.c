/* The view of a vault on this host; also what stands behind `muniment serve`. */
#include "restore/vault_view_local.h"

#include "restore/vault_access.h"

#include <string.h>

static void local_free(gpointer self)
{
    LocalView *view = self;

    restore_releaser_free(view->releaser);
    vault_grant_file_free(view->grant);
    vault_view_ledger_free(view->ledger);
    vault_view_ledger_free(view->terms);
    g_clear_pointer(&view->months, g_array_unref);
    proof_logs_free(view->proofs);
    if (view->keys != view->keep)
        vault_keep_free(view->keys);
    vault_keep_free(view->keep);
    g_free(view);
}

static const VaultId *local_id(gpointer self)
{
    return vault_keep_id(((LocalView *)self)->keep);
}

/* ---- the keyring ----------------------------------------------------------------------------- */

/* Once the vault key is rolled a keyring that is open is BUSY for good: what failed with that is
 * tried again on one that is opened under the new key. */
static gboolean renew(LocalView *view, GError **failure)
{
    VaultKeep *keys;

    if (!g_error_matches(*failure, VAULT_ERROR, VAULT_ERROR_BUSY))
        return FALSE;
    keys = vault_access_open(vault_keep_path(view->keep), VAULT_ACCESS_AS_IT_IS, NULL, NULL);
    if (keys == NULL)
        return FALSE;
    if (view->keys != view->keep)
        vault_keep_free(view->keys);
    view->keys = keys;
    g_clear_error(failure);
    return TRUE;
}

gboolean local_view_ask(LocalView *view, LocalQuestion question, gpointer asked, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (question(view, asked, &failure) ||
        (renew(view, &failure) && question(view, asked, &failure)))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean read_masters(LocalView *view, gpointer asked, GError **error)
{
    GArray **masters = asked;

    *masters = vault_keep_masters(view->keys, error);
    return *masters != NULL;
}

static GArray *local_masters(gpointer self, GError **error)
{
    GArray *masters = NULL;

    return local_view_ask(self, read_masters, &masters, error) ? masters : NULL;
}

/* ---- the grant ------------------------------------------------------------------------------- */

static guint64 now_s(void)
{
    return (guint64)(g_get_real_time() / G_USEC_PER_SEC);
}

static gboolean local_present(gpointer self, GBytes *text, GError **error)
{
    LocalView *view = self;
    g_autoptr(VaultGrantFile) grant = NULL;
    gsize len;
    const char *bytes = g_bytes_get_data(text, &len);

    if (view->grant != NULL) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "a grant was presented already");
        return FALSE;
    }
    grant = vault_grant_file_parse(bytes, len, error);
    if (grant == NULL)
        return FALSE;
    view->releaser = restore_releaser_open(vault_keep_path(view->keep), bytes, len, error);
    if (view->releaser == NULL)
        return FALSE;
    view->grant = g_steal_pointer(&grant);
    return TRUE;
}

/* Not after the grant's end. */
gboolean local_view_check_grant(const LocalView *view, GError **error)
{
    const char *why = view->grant == NULL                          ? "present a grant first"
                      : now_s() >= view->grant->request->expires_s ? "the grant has expired"
                                                                   : NULL;

    if (why == NULL)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, why);
    return FALSE;
}

/* Lists show no content, but who got mail when: no more of it to whoever was revoked or removed
 * meanwhile. */
gboolean local_view_judge_again(const LocalView *view, GError **error)
{
    g_autoptr(GBytes) nothing = NULL;

    if (!local_view_check_grant(view, error))
        return FALSE;
    nothing = restore_releaser_ask(view->releaser, ARCHIVED_RELEASE_COPIES, NULL, 0, error);
    return nothing != NULL;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static GArray *months_of_keys(const GArray *keys)
{
    GArray *months = g_array_new(FALSE, FALSE, sizeof(GrantedMonth));

    for (guint i = 0; i < keys->len; i++) {
        const VaultGrantKey *key = &g_array_index(keys, VaultGrantKey, i);
        GrantedMonth month = {key->mailbox_id, key->month_key_id, key->halves};

        g_array_append_val(months, month);
    }
    return months;
}

typedef struct {
    VaultReaderPosition *position;
    gsize max;
    GPtrArray *page;
} MonthsPage;

static gboolean read_months(LocalView *view, gpointer asked, GError **error)
{
    const MonthsPage *wanted = asked;

    return vault_keep_reader_months(view->keys, view->grant, wanted->position, wanted->max,
                                    wanted->page, error);
}

static GArray *months_of_standing(LocalView *view, GError **error)
{
    g_autoptr(GArray) months = g_array_new(FALSE, FALSE, sizeof(GrantedMonth));
    g_autoptr(GPtrArray) page =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    VaultReaderPosition position = {.is_set = FALSE};
    MonthsPage wanted = {.position = &position, .max = VAULT_VIEW_MONTHS_COUNT_MAX, .page = page};

    do {
        g_ptr_array_set_size(page, 0);
        if (!local_view_ask(view, read_months, &wanted, error))
            return NULL;
        for (guint i = 0; i < page->len; i++) {
            const VaultMonthKeys *keys = g_ptr_array_index(page, i);
            GrantedMonth month = {keys->mailbox_id, keys->month_key_id, VAULT_GRANT_BOTH};

            g_array_append_val(months, month);
        }
    } while (page->len == VAULT_VIEW_MONTHS_COUNT_MAX);
    return g_steal_pointer(&months);
}

/* Once for all lists: a standing reader's are read from the whole keyring. */
static gboolean find_months(LocalView *view, GError **error)
{
    if (view->months == NULL)
        view->months = vault_grant_file_is_standing(view->grant)
                           ? months_of_standing(view, error)
                           : months_of_keys(view->grant->keys);
    return view->months != NULL;
}

/* Month key ids of the grant that have the half, of these mailboxes. */
static GArray *months_of(const LocalView *view, const VaultViewFilter *filter,
                         VaultGrantHalves half)
{
    g_autoptr(GHashTable) wanted = g_hash_table_new(vault_id_hash, vault_id_equal);
    GArray *months = g_array_new(FALSE, FALSE, sizeof(MonthKeyId));

    for (gsize i = 0; i < filter->mailbox_count; i++)
        g_hash_table_add(wanted, (gpointer)&filter->mailboxes[i]);
    for (guint i = 0; i < view->months->len; i++) {
        const GrantedMonth *month = &g_array_index(view->months, GrantedMonth, i);

        if ((month->halves & half) != 0 &&
            (filter->mailbox_count == 0 || g_hash_table_contains(wanted, &month->mailbox_id)))
            g_array_append_val(months, month->month_key_id);
    }
    return months;
}

static gboolean local_months(gpointer self, VaultReaderPosition *position, gsize max,
                             GPtrArray *page, GError **error)
{
    LocalView *view = self;
    MonthsPage wanted = {.position = position, .max = max, .page = page};

    if (!local_view_judge_again(view, error))
        return FALSE;
    if (!vault_grant_file_is_standing(view->grant)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "only a standing grant has keys in the vault");
        return FALSE;
    }
    return local_view_ask(view, read_months, &wanted, error);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

/* Messages asked for that the grant names too; all of either when the other says nothing. */
static GArray *messages_of(const LocalView *view, const VaultViewFilter *filter)
{
    const GArray *granted = view->grant->request->messages;
    GArray *messages = g_array_new(FALSE, FALSE, sizeof(RecordId));

    if (filter->message_count == 0 && granted->len > 0)
        g_array_append_vals(messages, granted->data, granted->len);
    for (gsize i = 0; i < filter->message_count; i++) {
        if (granted->len == 0 || bsearch(&filter->messages[i], granted->data, granted->len,
                                         sizeof(RecordId), compare_ids) != NULL)
            g_array_append_val(messages, filter->messages[i]);
    }
    return messages;
}

void local_scope_clear(LocalScope *scope)
{
    g_clear_pointer(&scope->months, g_array_unref);
    g_clear_pointer(&scope->messages, g_array_unref);
}

gboolean local_view_scope(LocalView *view, const VaultViewFilter *filter, VaultGrantHalves half,
                          LocalScope *ret_scope, GError **error)
{
    const VaultRequestFile *request = view->grant->request;

    if (!find_months(view, error))
        return FALSE;
    ret_scope->months = months_of(view, filter, half);
    ret_scope->messages = messages_of(view, filter);
    ret_scope->filter =
        (VaultCopyFilter){.months = (const MonthKeyId *)(gpointer)ret_scope->months->data,
                          .month_count = ret_scope->months->len,
                          .messages = (const RecordId *)(gpointer)ret_scope->messages->data,
                          .message_count = ret_scope->messages->len,
                          .from_s = MAX(filter->from_s, request->from_s),
                          .to_s = MIN(filter->to_s, request->to_s)};
    /* To the keeper "none named" is "no limit"; here it is that nothing is left of the grant. */
    ret_scope->is_empty = ret_scope->months->len == 0 ||
                          (filter->message_count > 0 && ret_scope->messages->len == 0) ||
                          ret_scope->filter.from_s >= ret_scope->filter.to_s;
    return TRUE;
}

typedef struct {
    const VaultViewFilter *filter;
    VaultViewPosition *position;
    gsize max;
    GArray *page;
    VaultViewLedger *ledger;
} Listing;

/* The list begins at the second of the position: entries of that second come again. */
static gboolean is_seen(const VaultViewPosition *position, const VaultCopyEntry *entry)
{
    return position->is_set && entry->received_s == position->received_s &&
           memcmp(&entry->record_id, &position->record_id, sizeof entry->record_id) <= 0;
}

static gboolean visit(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    Listing *listing = user;

    if (is_seen(listing->position, entry))
        return TRUE;
    if (listing->page->len == listing->max)
        return FALSE;
    vault_view_ledger_add_listed(listing->ledger, entry);
    g_array_append_vals(listing->page, entry, 1);
    *listing->position = (VaultViewPosition){
        .is_set = TRUE, .received_s = entry->received_s, .record_id = entry->record_id};
    return TRUE;
}

/* Goes on behind what is on the page: it may be tried again. */
static gboolean list_page(LocalView *view, gpointer asked, GError **error)
{
    Listing *listing = asked;
    g_auto(LocalScope) scope = {.months = NULL};

    if (!local_view_scope(view, listing->filter, VAULT_GRANT_CONTENT, &scope, error))
        return FALSE;
    if (listing->position->is_set)
        scope.filter.from_s = MAX(scope.filter.from_s, listing->position->received_s);
    return scope.is_empty || scope.filter.from_s >= scope.filter.to_s ||
           vault_keep_copies(view->keys, &scope.filter, visit, listing, error);
}

static gboolean local_list(gpointer self, const VaultViewFilter *filter,
                           VaultViewPosition *position, gsize max, GArray *page, GError **error)
{
    LocalView *view = self;
    Listing listing = {.filter = filter,
                       .position = position,
                       .max = page->len + max,
                       .page = page,
                       .ledger = view->ledger};

    return local_view_judge_again(view, error) && local_view_ask(view, list_page, &listing, error);
}

typedef struct {
    const char *name;
    MailboxId *ret_id;
} MailboxQuestion;

static gboolean find_mailbox(LocalView *view, gpointer asked, GError **error)
{
    const MailboxQuestion *question = asked;

    return vault_keep_find_mailbox(view->keys, question->name, question->ret_id, error);
}

/* An address as typed is tried in lower case too: that is how most vaults keep them. */
static gboolean local_find_mailbox(gpointer self, const char *name, MailboxId *ret_id,
                                   GError **error)
{
    g_autofree char *lower = g_utf8_strdown(name, -1);

    return local_view_ask(self, find_mailbox, &(MailboxQuestion){name, ret_id}, NULL) ||
           local_view_ask(self, find_mailbox, &(MailboxQuestion){lower, ret_id}, error);
}

static gboolean read_message(LocalView *view, gpointer asked, GError **error)
{
    g_autoptr(GArray) parts = vault_keep_message(view->keys, asked, error);

    return parts != NULL;
}

static VaultViewAnswer local_has_message(gpointer self, const RecordId *archive_id)
{
    RecordId id = *archive_id;

    return local_view_ask(self, read_message, &id, NULL) ? VAULT_VIEW_IS_THERE : VAULT_VIEW_IS_NOT_THERE;
}

/* ---- records and releases -------------------------------------------------------------------- */

/* What was released: copies and their bodies, terms copies and the terms bodies of their messages.
 */
static gboolean check_read(LocalView *view, const RecordId *record_id, GError **error)
{
    RecordId body_id;

    if (vault_view_ledger_has_released(view->terms, record_id) ||
        (vault_keep_terms_body(view->keep, record_id, &body_id, NULL) &&
         vault_view_ledger_has_body(view->terms, &body_id)))
        return TRUE;
    return vault_view_ledger_check_read(view->ledger, record_id, error);
}

static GBytes *local_fetch(gpointer user, const RecordId *record_id, gsize len_max, GError **error)
{
    LocalView *view = user;

    return check_read(view, record_id, error)
               ? vault_keep_record(view->keep, record_id, len_max, error)
               : NULL;
}

static gboolean local_length(gpointer user, const RecordId *record_id, guint64 *ret_len,
                             GError **error)
{
    LocalView *view = user;
    VaultPlace place;

    if (!check_read(view, record_id, error) ||
        !vault_keep_record_place(view->keep, record_id, &place, error))
        return FALSE;
    *ret_len = place.len;
    return TRUE;
}

static gboolean local_read(gpointer user, const RecordId *record_id, guint64 offset, gsize len,
                           guint8 *ret_bytes, GError **error)
{
    LocalView *view = user;

    return check_read(view, record_id, error) &&
           vault_keep_record_read(view->keep, record_id, offset, len, ret_bytes, error);
}

static GBytes *local_release(gpointer self, const RecordId *copies, gsize count, GError **error)
{
    LocalView *view = self;
    g_autofree VaultCopyEntry *entries = g_new0(VaultCopyEntry, MAX(count, 1));
    GBytes *sealed;

    if (!local_view_check_grant(view, error))
        return NULL;
    for (gsize i = 0; i < count; i++) {
        if (!vault_view_ledger_find(view->ledger, &copies[i], &entries[i], error))
            return NULL;
    }
    sealed = restore_releaser_ask(view->releaser, ARCHIVED_RELEASE_COPIES, copies, count, error);
    for (gsize i = 0; sealed != NULL && i < count; i++)
        vault_view_ledger_add_released(view->ledger, &entries[i]);
    return sealed;
}

static gboolean local_log(gpointer self, VaultLoggedAct act, const char *text, GError **error)
{
    LocalView *view = self;

    return local_view_check_grant(view, error) &&
           restore_releaser_log(view->releaser, act, text, error);
}

static gboolean open_proofs(LocalView *view, gpointer asked, GError **error)
{
    view->proofs = proof_logs_open(view->keys, error);
    return view->proofs != NULL;
}

static gboolean local_proofs(gpointer self, ProofSource *ret_proofs, GError **error)
{
    LocalView *view = self;

    if (view->proofs == NULL && !local_view_ask(view, open_proofs, NULL, error))
        return FALSE;
    *ret_proofs = proof_logs_source(view->proofs);
    return TRUE;
}

static gboolean local_close(gpointer self, GError **error)
{
    LocalView *view = self;

    return view->releaser == NULL || restore_releaser_close(view->releaser, error);
}

static const VaultViewBackend backend = {
    .present = local_present,
    .list = local_list,
    .months = local_months,
    .find_mailbox = local_find_mailbox,
    .has_message = local_has_message,
    .id = local_id,
    .masters = local_masters,
    .free = local_free,
    .records = {.fetch = local_fetch, .length = local_length, .read = local_read},
    .release = local_release,
    .log = local_log,
    .proofs = local_proofs,
    .close = local_close,
    .list_terms = local_terms_list,
    .release_terms = local_terms_release,
    .read_terms = local_terms_read,
    .case_key = local_case_key,
};

VaultView *vault_view_of_keep(VaultKeep *keep)
{
    LocalView *view = g_new0(LocalView, 1);

    view->keep = view->keys = keep;
    view->ledger = vault_view_ledger_new();
    view->terms = vault_view_ledger_new();
    return vault_view_new(&backend, view);
}
