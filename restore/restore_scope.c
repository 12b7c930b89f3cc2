#include "restore/restore_scope.h"

#include "restore/dates.h"
#include "restore/message_id.h"
#include "vault/base/file.h"

void restore_scope_clear(RestoreScope *scope)
{
    state_folder_choice_clear(&scope->used);
    g_clear_pointer(&scope->reader, vault_reader_free);
    g_clear_pointer(&scope->grant, vault_grant_file_free);
    vault_identity_wipe(&scope->identity);
    g_clear_pointer(&scope->months, g_ptr_array_unref);
    g_clear_pointer(&scope->mailboxes, g_array_unref);
    g_clear_pointer(&scope->messages, g_array_unref);
    g_clear_pointer(&scope->names, g_hash_table_unref);
}

/* ---- grant and identity ---------------------------------------------------------------------- */

static gboolean read_identity(const char *path, VaultIdentity *ret_identity, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
    gboolean ok;

    if (text == NULL)
        return FALSE;
    ok = vault_identity_parse(g_bytes_get_data(text, NULL), ret_identity, error);
    if (!ok)
        g_prefix_error(error, "%s: ", path);
    return ok;
}

/* Found good by the vault, whose word comes first: it knows most. */
static gboolean present_grant(VaultView *view, const char *path, RestoreScope *scope,
                              GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_GRANT_LEN_MAX, error);
    const char *bytes;
    gsize len;

    if (text == NULL)
        return FALSE;
    bytes = g_bytes_get_data(text, &len);
    vault_hash(bytes, len, &scope->grant_hash);
    scope->grant = vault_grant_file_parse(bytes, len, error);
    if (scope->grant != NULL && vault_view_present(view, text, error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}

static gboolean choose_files(VaultView *view, const RestoreScopeOptions *options,
                             StateFolderChoice *ret_used, GError **error)
{
    StateFolderWanted wanted = {.grant_path = options->grant_path,
                                .identity_path = options->identity_path,
                                .vault_id = vault_view_id(view),
                                .mailboxes = options->mailboxes,
                                .messages = options->messages,
                                .half = options->purpose == RESTORE_SCOPE_SEARCH
                                            ? VAULT_GRANT_INDEX
                                            : VAULT_GRANT_CONTENT,
                                .now_s = options->now_s};
    g_autofree char *folder = state_folder_path();

    if (options->grant_path == NULL || options->identity_path == NULL)
        return state_folder_choose(folder, &wanted, ret_used, error);
    ret_used->grant_path = g_strdup(options->grant_path);
    ret_used->identity_path = g_strdup(options->identity_path);
    return TRUE;
}

static gboolean open_grant(VaultView *view, const RestoreScopeOptions *options, RestoreScope *scope,
                           GError **error)
{
    g_autoptr(GArray) masters = vault_view_masters(view, error);

    if (masters == NULL || !choose_files(view, options, &scope->used, error) ||
        !read_identity(scope->used.identity_path, &scope->identity, error) ||
        !present_grant(view, scope->used.grant_path, scope, error))
        return FALSE;
    if (!vault_grant_file_verify(scope->grant, vault_view_id(view),
                                 (const MasterPublic *)(gpointer)masters->data, masters->len,
                                 error) ||
        !vault_grant_is_for(scope->grant, &scope->identity, options->now_s, error)) {
        g_prefix_error(error, "%s: ", scope->used.grant_path);
        return FALSE;
    }
    if (!vault_grant_file_is_standing(scope->grant))
        return TRUE;
    scope->months = vault_view_months(view, error);
    return scope->months != NULL;
}

static gboolean is_asked_for(const RestoreScope *scope, const VaultMonthKeys *month)
{
    gboolean is_named = scope->mailboxes->len == 0;

    for (guint i = 0; !is_named && i < scope->mailboxes->len; i++)
        is_named = VAULT_ID_EQUAL(g_array_index(scope->mailboxes, MailboxId, i), month->mailbox_id);
    return is_named && vault_month_overlaps(month->month, scope->filter.from_s, scope->filter.to_s);
}

static VaultReader *standing_reader(const RestoreScope *scope, guint64 now_s, GError **error)
{
    g_autoptr(GArray) asked = g_array_new(FALSE, FALSE, sizeof(VaultStandingMonth));

    for (guint i = 0; i < scope->months->len; i++) {
        const VaultMonthKeys *month = g_ptr_array_index(scope->months, i);
        VaultStandingMonth standing = {.mailbox_id = month->mailbox_id,
                                       .address = month->address,
                                       .month = month->month,
                                       .keys = month->keys,
                                       .wrap = g_array_index(month->wraps, VaultWrap, 0)};

        if (is_asked_for(scope, month))
            g_array_append_val(asked, standing);
    }
    return vault_grant_standing_reader(scope->grant, &scope->identity,
                                       (const VaultStandingMonth *)(gconstpointer)asked->data,
                                       asked->len, now_s, error);
}

static gboolean make_reader(RestoreScope *scope, guint64 now_s, GError **error)
{
    scope->reader = scope->months != NULL
                        ? standing_reader(scope, now_s, error)
                        : vault_grant_reader(scope->grant, &scope->identity, now_s, error);
    return scope->reader != NULL;
}

/* ---- what the options ask for ---------------------------------------------------------------- */

static void add_name(RestoreScope *scope, const MailboxId *id, const char *address)
{
    g_hash_table_insert(scope->names, g_memdup2(id, sizeof *id),
                        g_strdup(*address == '\0' ? "unassigned" : address));
}

/* Of a standing reader's: each mailbox is called as its newest month is. */
static void take_names_of_months(RestoreScope *scope)
{
    g_autoptr(GHashTable) newest = g_hash_table_new(vault_id_hash, vault_id_equal);

    for (guint i = 0; i < scope->months->len; i++) {
        VaultMonthKeys *month = g_ptr_array_index(scope->months, i);
        const VaultMonthKeys *known = g_hash_table_lookup(newest, &month->mailbox_id);

        if (known != NULL && known->month > month->month)
            continue;
        g_hash_table_replace(newest, &month->mailbox_id, month);
        add_name(scope, &month->mailbox_id, month->address);
    }
}

static void take_names(RestoreScope *scope)
{
    const GPtrArray *mailboxes = scope->grant->request->mailboxes;

    scope->names = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        add_name(scope, &mailbox->id, vault_request_mailbox_address(mailbox));
    }
    if (scope->months != NULL)
        take_names_of_months(scope);
}

const char *restore_scope_mailbox_name(RestoreScope *scope, const MailboxId *mailbox)
{
    char *name = g_hash_table_lookup(scope->names, mailbox);

    if (name != NULL)
        return name;
    /* A list is a hint and may name any mailbox: its id is a name too. */
    name = g_strdup(VAULT_ID_TEXT(*mailbox));
    g_hash_table_insert(scope->names, g_memdup2(mailbox, sizeof *mailbox), name);
    return name;
}

/* The grant of a standing reader need not name mailboxes: his months do. */
static gboolean find_in_months(const RestoreScope *scope, const char *name, MailboxId *ret_id)
{
    g_autofree char *wanted = g_utf8_strdown(name, -1);

    for (guint i = 0; scope->months != NULL && i < scope->months->len; i++) {
        const VaultMonthKeys *month = g_ptr_array_index(scope->months, i);

        if (g_str_equal(wanted, VAULT_ID_TEXT(month->mailbox_id)) ||
            g_str_equal(wanted, *month->address == '\0' ? "unassigned" : month->address)) {
            *ret_id = month->mailbox_id;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean take_mailboxes(VaultView *view, const RestoreScopeOptions *options,
                               RestoreScope *scope, GError **error)
{
    scope->mailboxes = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    for (char **name = options->mailboxes; name != NULL && *name != NULL; name++) {
        MailboxId id;

        if (!find_in_months(scope, *name, &id) &&
            !vault_view_find_mailbox(view, *name, &id, error)) {
            scope->has_no_such_mailbox =
                error != NULL && g_error_matches(*error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
            g_prefix_error(error, "--mailbox %s: ", *name);
            return FALSE;
        }
        if (!vault_grant_file_has_mailbox(scope->grant, &id)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the grant does not cover mailbox %s: ask for it with \"muniment request\"",
                        *name);
            return FALSE;
        }
        g_array_append_val(scope->mailboxes, id);
    }
    return TRUE;
}

gboolean restore_scope_has_content(const RestoreScope *scope)
{
    return (vault_grant_halves(scope->grant->request->act) & VAULT_GRANT_CONTENT) != 0;
}

/* Whoever may read a message may search it. */
static gboolean check_act(const RestoreScope *scope, RestoreScopePurpose purpose, GError **error)
{
    if (purpose == RESTORE_SCOPE_SEARCH || restore_scope_has_content(scope))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the grant is for searching only: it opens no message");
    return FALSE;
}

static gboolean take_period(const RestoreScopeOptions *options, RestoreScope *scope, GError **error)
{
    guint64 from_s, to_s;

    if (!restore_period_parse(options->from, options->to, &from_s, &to_s, error))
        return FALSE;
    scope->filter.from_s = MAX(from_s, scope->grant->request->from_s);
    scope->filter.to_s = MIN(to_s, scope->grant->request->to_s);
    if (scope->filter.from_s < scope->filter.to_s)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the grant does not cover that period");
    return FALSE;
}

static gboolean covers_message(const VaultGrantFile *grant, const RecordId *id)
{
    for (guint i = 0; i < grant->request->messages->len; i++) {
        if (VAULT_ID_EQUAL(g_array_index(grant->request->messages, RecordId, i), *id))
            return TRUE;
    }
    return grant->request->messages->len == 0;
}

static gboolean take_messages(const RestoreScopeOptions *options, RestoreScope *scope,
                              GError **error)
{
    const GArray *granted = scope->grant->request->messages;

    scope->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    if (options->messages == NULL && granted->len > 0)
        g_array_append_vals(scope->messages, granted->data, granted->len);
    for (char **text = options->messages; text != NULL && *text != NULL; text++) {
        RecordId id;

        if (!restore_message_id_parse(*text, &id, error))
            return FALSE;
        if (!covers_message(scope->grant, &id)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the grant does not cover message %s", *text);
            return FALSE;
        }
        g_array_append_val(scope->messages, id);
    }
    return TRUE;
}

gboolean restore_scope_open(VaultView *view, const RestoreScopeOptions *options,
                            RestoreScope *ret_scope, GError **error)
{
    if (!open_grant(view, options, ret_scope, error))
        return FALSE;
    take_names(ret_scope);
    if (!take_mailboxes(view, options, ret_scope, error) || !check_act(ret_scope, options->purpose, error) ||
        !take_period(options, ret_scope, error) || !take_messages(options, ret_scope, error) ||
        !make_reader(ret_scope, options->now_s, error))
        return FALSE;
    ret_scope->filter.mailboxes = (const MailboxId *)(gpointer)ret_scope->mailboxes->data;
    ret_scope->filter.mailbox_count = ret_scope->mailboxes->len;
    /* What the grant names is the view's own limit: only what narrows it is passed on. */
    if (options->messages != NULL) {
        ret_scope->filter.messages = (const RecordId *)(gpointer)ret_scope->messages->data;
        ret_scope->filter.message_count = ret_scope->messages->len;
    }
    return TRUE;
}
