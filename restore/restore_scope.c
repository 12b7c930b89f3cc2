#include "restore/restore_scope.h"

#include "restore/dates.h"
#include "restore/message_id.h"
#include "vault/base/file.h"

void restore_scope_clear(RestoreScope *scope)
{
    g_clear_pointer(&scope->reader, vault_reader_free);
    g_clear_pointer(&scope->grant, vault_grant_file_free);
    g_clear_pointer(&scope->grant_text, g_bytes_unref);
    vault_identity_wipe(&scope->identity);
    g_clear_pointer(&scope->months, g_array_unref);
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

static gboolean read_grant(const char *path, RestoreScope *scope, GError **error)
{
    scope->grant_text = vault_file_read(path, VAULT_GRANT_LEN_MAX, error);
    if (scope->grant_text == NULL)
        return FALSE;
    scope->grant = vault_grant_file_parse(g_bytes_get_data(scope->grant_text, NULL),
                                          g_bytes_get_size(scope->grant_text), error);
    if (scope->grant == NULL)
        g_prefix_error(error, "%s: ", path);
    return scope->grant != NULL;
}

static gboolean open_reader(VaultKeep *keep, const RestoreScopeOptions *options,
                            RestoreScope *scope, GError **error)
{
    g_autoptr(GArray) masters = vault_keep_masters(keep, error);

    if (masters == NULL)
        return FALSE;
    if (!read_grant(options->grant_path, scope, error) ||
        !read_identity(options->identity_path, &scope->identity, error))
        return FALSE;
    if (!vault_grant_file_verify(scope->grant, vault_keep_id(keep),
                                 (const MasterPublic *)(gpointer)masters->data, masters->len,
                                 error) ||
        !vault_grant_is_for(scope->grant, &scope->identity, options->now_s, error)) {
        g_prefix_error(error, "%s: ", options->grant_path);
        return FALSE;
    }
    scope->reader = vault_grant_reader(scope->grant, &scope->identity, options->now_s, error);
    return scope->reader != NULL;
}

/* ---- what the options ask for ---------------------------------------------------------------- */

static gboolean take_names(VaultKeep *keep, RestoreScope *scope, GError **error)
{
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, error);

    if (mailboxes == NULL)
        return FALSE;
    scope->names = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = mailboxes->pdata[i];

        g_hash_table_insert(scope->names, g_memdup2(&mailbox->id, sizeof mailbox->id),
                            g_strdup(mailbox->address == NULL ? "unassigned" : mailbox->address));
    }
    return TRUE;
}

const char *restore_scope_mailbox_name(RestoreScope *scope, const MailboxId *mailbox)
{
    char *name = g_hash_table_lookup(scope->names, mailbox);

    if (name != NULL)
        return name;
    /* Made after the names were read, or known to the catalog alone: its id is a name too. */
    name = g_strdup(VAULT_ID_TEXT(*mailbox));
    g_hash_table_insert(scope->names, g_memdup2(mailbox, sizeof *mailbox), name);
    return name;
}

/* An address as typed is tried in lower case too: that is how most vaults keep them. */
static gboolean find_mailbox(VaultKeep *keep, const char *name, MailboxId *ret_id, GError **error)
{
    g_autofree char *lower = g_utf8_strdown(name, -1);

    return vault_keep_find_mailbox(keep, name, ret_id, NULL) ||
           vault_keep_find_mailbox(keep, lower, ret_id, error);
}

/* NULL: all of the grant. */
static gboolean find_mailboxes(VaultKeep *keep, const RestoreScopeOptions *options,
                               RestoreScope *scope, GHashTable **ret_wanted, GError **error)
{
    g_autoptr(GHashTable) wanted =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);

    *ret_wanted = NULL;
    if (options->mailboxes == NULL)
        return TRUE;
    for (char **name = options->mailboxes; *name != NULL; name++) {
        MailboxId id;

        if (!find_mailbox(keep, *name, &id, error)) {
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
        g_hash_table_add(wanted, g_memdup2(&id, sizeof id));
    }
    *ret_wanted = g_steal_pointer(&wanted);
    return TRUE;
}

static gboolean take_months(RestoreScope *scope, GHashTable *wanted, GError **error)
{
    const GArray *keys = scope->grant->keys;

    scope->months = g_array_new(FALSE, FALSE, sizeof(MonthKeyId));
    for (guint i = 0; i < keys->len; i++) {
        const VaultGrantKey *key = &g_array_index(keys, VaultGrantKey, i);

        if ((key->halves & VAULT_GRANT_CONTENT) != 0 &&
            (wanted == NULL || g_hash_table_contains(wanted, &key->mailbox_id)))
            g_array_append_val(scope->months, key->month_key_id);
    }
    if (keys->len > 0 &&
        (g_array_index(keys, VaultGrantKey, 0).halves & VAULT_GRANT_CONTENT) == 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the grant is for searching only: it opens no message");
        return FALSE;
    }
    return TRUE;
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

gboolean restore_scope_open(VaultKeep *keep, const RestoreScopeOptions *options,
                            RestoreScope *ret_scope, GError **error)
{
    g_autoptr(GHashTable) wanted = NULL;

    if (!open_reader(keep, options, ret_scope, error) || !take_names(keep, ret_scope, error) ||
        !find_mailboxes(keep, options, ret_scope, &wanted, error) ||
        !take_months(ret_scope, wanted, error) || !take_period(options, ret_scope, error) ||
        !take_messages(options, ret_scope, error))
        return FALSE;
    ret_scope->filter.months = (const MonthKeyId *)(gpointer)ret_scope->months->data;
    ret_scope->filter.month_count = ret_scope->months->len;
    ret_scope->filter.messages = (const RecordId *)(gpointer)ret_scope->messages->data;
    ret_scope->filter.message_count = ret_scope->messages->len;
    return TRUE;
}
