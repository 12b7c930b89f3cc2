/* The view of a vault behind ssh: restore/vault_view.h over restore/remote_link.h. */
#include "restore/remote_address.h"
#include "restore/remote_ahead.h"
#include "restore/remote_blocks.h"
#include "restore/remote_proofs.h"
#include "restore/remote_terms.h"
#include "restore/vault_view_backend.h"
#include "restore/vault_view_ledger.h"
#include "vault/act/grant_file.h"

#include <string.h>

typedef struct {
    RemoteLink *link;
    RemoteAhead *ahead;
    RemoteBlocks *blocks;
    RemoteProofs *proofs;
    VaultViewLedger *listed; /* how long what is released is */
    ServeHello hello;        /* of the host */
    VaultGrantFile *grant;
} RemoteView;

static void remote_free(gpointer self)
{
    RemoteView *view = self;

    remote_link_free(view->link);
    remote_ahead_free(view->ahead);
    remote_blocks_free(view->blocks);
    remote_proofs_free(view->proofs);
    vault_view_ledger_free(view->listed);
    serve_hello_clear(&view->hello);
    vault_grant_file_free(view->grant);
    g_free(view);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RemoteView, remote_free)

static const VaultId *remote_id(gpointer self)
{
    return &((RemoteView *)self)->hello.vault_id;
}

static GArray *remote_masters(gpointer self, GError **error)
{
    return g_array_ref(((RemoteView *)self)->hello.masters);
}

/* ---- the grant ------------------------------------------------------------------------------- */

/* Parts go out one behind the other; the last answer is the verdict. */
static gboolean send_grant(RemoteView *view, const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    for (gsize at = 0;;) {
        gsize part_len = MIN(len - at, SERVE_GRANT_PART_LEN_MAX);
        ServeGrantPart part = at + part_len == len ? SERVE_GRANT_LAST : SERVE_GRANT_MORE;
        g_autoptr(GBytes) answer = NULL;

        g_byte_array_set_size(payload, 0);
        serve_grant_append(payload, part, bytes + at, part_len);
        answer = remote_link_call(view->link, SERVE_GRANT, payload, error);
        if (answer == NULL)
            return FALSE;
        if (part == SERVE_GRANT_LAST)
            return TRUE;
        at += part_len;
    }
}

static gboolean remote_present(gpointer self, GBytes *text, GError **error)
{
    RemoteView *view = self;
    gsize len;
    const guint8 *bytes = g_bytes_get_data(text, &len);
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse((const char *)bytes, len, error);

    if (grant == NULL || !send_grant(view, bytes, len, error))
        return FALSE;
    vault_grant_file_free(view->grant);
    view->grant = g_steal_pointer(&grant);
    return TRUE;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static gboolean remote_list(gpointer self, const VaultViewFilter *filter,
                            VaultViewPosition *position, gsize max, GArray *page, GError **error)
{
    RemoteView *view = self;
    ServeList list = {.filter = *filter, .position = *position, .max = (guint16)max};
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GBytes) answer = NULL;
    guint start = page->len;

    serve_list_append(payload, &list);
    answer = remote_link_call(view->link, SERVE_LIST, payload, error);
    if (answer == NULL ||
        !serve_list_answer_parse(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), position,
                                 max, page, error))
        return FALSE;
    for (guint i = start; i < page->len; i++) {
        const VaultCopyEntry *entry = &g_array_index(page, VaultCopyEntry, i);

        vault_view_ledger_add_listed(view->listed, entry);
        *position = (VaultViewPosition){
            .is_set = TRUE, .received_s = entry->received_s, .record_id = entry->record_id};
    }
    return TRUE;
}

static gboolean remote_months(gpointer self, VaultReaderPosition *position, gsize max,
                              GPtrArray *page, GError **error)
{
    RemoteView *view = self;
    ServeMonths months = {.position = *position, .max = (guint16)max};
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GBytes) answer = NULL;
    guint before = page->len;

    serve_months_append(payload, &months);
    answer = remote_link_call(view->link, SERVE_MONTHS, payload, error);
    if (answer == NULL ||
        !serve_months_answer_parse(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer),
                                   position, max, page, error))
        return FALSE;
    if (page->len > before) {
        const VaultMonthKeys *last = g_ptr_array_index(page, page->len - 1);

        *position = (VaultReaderPosition){TRUE, last->mailbox_id, last->month_key_id};
    }
    return TRUE;
}

static gboolean is_named(const VaultRequestMailbox *mailbox, const char *name)
{
    const char *address = vault_request_mailbox_address(mailbox);
    g_autofree char *wanted = g_utf8_strdown(name, -1);
    g_autofree char *given = g_utf8_strdown(*address == '\0' ? "unassigned" : address, -1);

    return g_str_equal(wanted, given) || g_str_equal(wanted, VAULT_ID_TEXT(mailbox->id));
}

static gboolean remote_find_mailbox(gpointer self, const char *name, MailboxId *ret_id,
                                    GError **error)
{
    RemoteView *view = self;
    const GPtrArray *mailboxes = view->grant == NULL ? NULL : view->grant->request->mailboxes;

    for (guint i = 0; mailboxes != NULL && i < mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        if (is_named(mailbox, name)) {
            *ret_id = mailbox->id;
            return TRUE;
        }
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "the grant names no such mailbox");
    return FALSE;
}

static VaultViewAnswer remote_has_message(gpointer self, const RecordId *archive_id)
{
    return VAULT_VIEW_IS_NOT_TOLD;
}

/* ---- records --------------------------------------------------------------------------------- */

static gboolean set_too_large(const RecordId *record_id, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "record %s is too long",
                VAULT_ID_TEXT(*record_id));
    return FALSE;
}

/* The record that came ahead; NULL without an error when it did not, or not as a whole. */
static GBytes *take_ahead(RemoteView *view, const RecordId *record_id, GError **error)
{
    g_autoptr(GBytes) payload = remote_ahead_take(view->ahead, record_id, error);
    ServeRead read = {.record_id = *record_id, .len = SERVE_READ_LEN_MAX};
    guint64 record_len;
    gsize len;

    if (payload == NULL)
        return NULL;
    len = g_bytes_get_size(payload);
    if (!serve_read_answer_parse(g_bytes_get_data(payload, NULL), len, &read, &record_len, NULL))
        return NULL;
    return g_bytes_new_from_bytes(payload, SERVE_READ_ANSWER_PREFIX_LEN,
                                  len - SERVE_READ_ANSWER_PREFIX_LEN);
}

static GBytes *remote_fetch(gpointer self, const RecordId *record_id, gsize len_max, GError **error)
{
    RemoteView *view = self;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) record = take_ahead(view, record_id, &failure);
    g_autofree guint8 *bytes = NULL;
    guint64 len;

    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (record != NULL) {
        len = g_bytes_get_size(record);
        return len <= len_max || set_too_large(record_id, error) ? g_steal_pointer(&record) : NULL;
    }
    if (!remote_blocks_length(view->blocks, record_id, &len, error))
        return NULL;
    if (len > len_max) {
        set_too_large(record_id, error);
        return NULL;
    }
    bytes = g_malloc(len + 1);
    return remote_blocks_read(view->blocks, record_id, 0, len, bytes, error)
               ? g_bytes_new_take(g_steal_pointer(&bytes), len)
               : NULL;
}

static gboolean remote_length(gpointer self, const RecordId *record_id, guint64 *ret_len,
                              GError **error)
{
    return remote_blocks_length(((RemoteView *)self)->blocks, record_id, ret_len, error);
}

static gboolean remote_read(gpointer self, const RecordId *record_id, guint64 offset, gsize len,
                            guint8 *ret_bytes, GError **error)
{
    return remote_blocks_read(((RemoteView *)self)->blocks, record_id, offset, len, ret_bytes,
                              error);
}

/* ---- releases -------------------------------------------------------------------------------- */

/* What was released is read next: copy, then body, message by message. */
static void plan_reading(RemoteView *view, const RecordId *copies, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        VaultCopyEntry entry;

        if (!vault_view_ledger_find(view->listed, &copies[i], &entry, NULL))
            continue;
        remote_ahead_plan(view->ahead, &entry.record_id, entry.copy_len);
        remote_ahead_plan(view->ahead, &entry.body_id, entry.body_len);
    }
    remote_ahead_start(view->ahead);
}

static GBytes *remote_release(gpointer self, const RecordId *copies, gsize count, GError **error)
{
    RemoteView *view = self;
    g_autoptr(GByteArray) payload = g_byte_array_new();
    GBytes *sealed;

    serve_release_append(payload, copies, count);
    sealed = remote_link_call(view->link, SERVE_RELEASE, payload, error);
    if (sealed != NULL)
        plan_reading(view, copies, count);
    return sealed;
}

static gboolean remote_log(gpointer self, VaultLoggedAct act, const char *text, GError **error)
{
    RemoteView *view = self;
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GBytes) answer = NULL;

    serve_log_append(payload, act, text);
    answer = remote_link_call(view->link, SERVE_LOG, payload, error);
    return answer != NULL;
}

static gboolean remote_proofs(gpointer self, ProofSource *ret_proofs, GError **error)
{
    return remote_proofs_open(((RemoteView *)self)->proofs, ret_proofs, error);
}

/* The host completes what was begun when the connection ends. */
static gboolean remote_close(gpointer self, GError **error)
{
    return TRUE;
}

/* ---- terms ----------------------------------------------------------------------------------- */

static gboolean remote_list_terms(gpointer self, const VaultViewFilter *filter,
                                  VaultTermsPosition *position, gsize max, GArray *page,
                                  gboolean *ret_is_more, GError **error)
{
    RemoteView *view = self;
    ServeListTerms list = {.filter = *filter, .position = *position, .max = (guint16)max};

    return remote_terms_list(view->link, view->hello.version, &list, position, page, ret_is_more,
                             error);
}

static GBytes *remote_release_terms(gpointer self, const RecordId *terms_copies, gsize count,
                                    GError **error)
{
    RemoteView *view = self;

    return remote_terms_release(view->link, view->hello.version, terms_copies, count, error);
}

static gboolean remote_read_terms(gpointer self, const RecordId *terms_copies, gsize count,
                                  GBytes **ret_records, GError **error)
{
    RemoteView *view = self;

    return remote_terms_read(view->link, view->hello.version, terms_copies, count, ret_records,
                             error);
}

static GBytes *remote_get_case_key(gpointer self, GError **error)
{
    RemoteView *view = self;

    return remote_case_key(view->link, view->hello.version, error);
}

/* ---- opening --------------------------------------------------------------------------------- */

static const VaultViewBackend backend = {
    .present = remote_present,
    .list = remote_list,
    .months = remote_months,
    .find_mailbox = remote_find_mailbox,
    .has_message = remote_has_message,
    .id = remote_id,
    .masters = remote_masters,
    .free = remote_free,
    .records = {.fetch = remote_fetch, .length = remote_length, .read = remote_read},
    .release = remote_release,
    .log = remote_log,
    .proofs = remote_proofs,
    .close = remote_close,
    .list_terms = remote_list_terms,
    .release_terms = remote_release_terms,
    .read_terms = remote_read_terms,
    .case_key = remote_get_case_key,
};

static gboolean greet(RemoteView *view, char **ret_warning, GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GBytes) answer = NULL;

    serve_hello_append(payload, SERVE_VERSION);
    answer = remote_link_call(view->link, SERVE_HELLO, payload, error);
    if (answer == NULL || !serve_hello_answer_parse(g_bytes_get_data(answer, NULL),
                                                    g_bytes_get_size(answer), &view->hello, error))
        return FALSE;
    if (ret_warning != NULL && *view->hello.warning != '\0')
        *ret_warning = g_steal_pointer(&view->hello.warning);
    return TRUE;
}

VaultView *remote_view_of_link(RemoteLink *link, char **ret_warning, GError **error)
{
    g_autoptr(RemoteView) view = g_new0(RemoteView, 1);

    view->link = link;
    view->ahead = remote_ahead_new(link);
    view->blocks = remote_blocks_new(link);
    view->proofs = remote_proofs_new(link);
    view->listed = vault_view_ledger_new();
    if (!greet(view, ret_warning, error))
        return NULL;
    return vault_view_new(&backend, g_steal_pointer(&view));
}

VaultView *remote_view_open(const char *address, const VaultViewOptions *options,
                            char **ret_warning, GError **error)
{
    g_auto(GStrv) command = remote_address_command(address, options->ssh_command, error);
    RemoteLink *link = command == NULL ? NULL : remote_link_spawn(command, error);

    return link == NULL ? NULL : remote_view_of_link(link, ret_warning, error);
}
