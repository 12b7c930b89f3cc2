#include "vault/store/keyring_rows.h"

/* SQLite stores 0 and 1 without a byte: a month that began with 1 would be longer once all are sealed
 * anew, and the pages, which are full, would split. */
#define FIRST_MONTH_VERSION 2

/* ---- mailboxes ------------------------------------------------------------------------------ */

gboolean vault_keyring_add_mailbox(VaultKeyring *keyring, const VaultMailboxValue *mailbox,
                                   GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(GByteArray) value = vault_mailbox_value_format(mailbox);
    g_autoptr(VaultKeyringChange) own = NULL;
    g_auto(RowKey) key = {{0}};

    /* Two rows: without a change of the caller's they need one that holds both. */
    if (keyring->change_depth == 0 && (own = vault_keyring_begin(keyring, error)) == NULL)
        return FALSE;
    return vault_keyring_add_row_key(keyring, mailbox->mailbox_id.bytes, &key, error) &&
           vault_keyring_row_put(keyring, TABLE_MAILBOXES, mailbox->mailbox_id.bytes, &key, value,
                                 error) &&
           (own == NULL || vault_keyring_commit(g_steal_pointer(&own), error));
}

gboolean vault_keyring_update_mailbox(VaultKeyring *keyring, const VaultMailboxValue *mailbox,
                                      GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(GByteArray) value = vault_mailbox_value_format(mailbox);
    g_auto(RowKey) key;

    return vault_keyring_row_key(keyring, mailbox->mailbox_id.bytes, &key, error) &&
           vault_keyring_row_put(keyring, TABLE_MAILBOXES, mailbox->mailbox_id.bytes, &key, value,
                                 error);
}

VaultMailboxValue *vault_keyring_get_mailbox(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                             GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_auto(RowKey) key;
    VaultMailboxValue *mailbox;
    GByteArray *value;

    if (!vault_keyring_row_key(keyring, mailbox_id->bytes, &key, error))
        return NULL;
    value = vault_keyring_row_get(keyring, TABLE_MAILBOXES, mailbox_id->bytes, &key, error);
    if (value == NULL)
        return NULL;
    mailbox = vault_mailbox_value_parse(mailbox_id, value->data, value->len, error);
    vault_value_free(value);
    return mailbox;
}

static VaultMailboxValue *mailbox_of_row(VaultKeyring *keyring, VaultStatement *row, GError **error)
{
    g_auto(RowKey) key;
    MailboxId mailbox_id;
    VaultMailboxValue *mailbox;
    GByteArray *value;

    if (!vault_sql_column_id(keyring->sql, row, 0, mailbox_id.bytes, error) ||
        !vault_keyring_row_key(keyring, mailbox_id.bytes, &key, error))
        return NULL;
    value = vault_keyring_row_open(keyring, TABLE_MAILBOXES, row, &key, mailbox_id.bytes, error);
    if (value == NULL)
        return NULL;
    mailbox = vault_mailbox_value_parse(&mailbox_id, value->data, value->len, error);
    vault_value_free(value);
    return mailbox;
}

gboolean vault_keyring_each_mailbox(VaultKeyring *keyring, VaultMailboxVisit visit, gpointer user,
                                    GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(VaultStatement) each = NULL;
    gboolean has_row = TRUE;

    each = vault_sql_use(keyring->sql, TABLE_MAILBOXES * ROW_OP_COUNT + ROW_EACH, error);
    if (each == NULL)
        return FALSE;
    while (vault_sql_step(keyring->sql, each, &has_row, error)) {
        g_autoptr(VaultMailboxValue) mailbox = NULL;

        if (!has_row)
            return TRUE;
        mailbox = mailbox_of_row(keyring, each, error);
        if (mailbox == NULL || !visit(mailbox, user, error))
            return FALSE;
    }
    return FALSE;
}

/* ---- months --------------------------------------------------------------------------------- */

gboolean vault_keyring_add_month(VaultKeyring *keyring, const VaultMonthValue *month,
                                 GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    GByteArray *value;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultStatement) add = NULL;
    g_auto(RowKey) key;

    if (!vault_keyring_row_key(keyring, month->mailbox_id.bytes, &key, error))
        return FALSE;
    add = vault_sql_use(keyring->sql, STATEMENT_ADD_MONTH, error);
    if (add == NULL)
        return FALSE;
    value = vault_month_value_format(month);
    sealed =
        vault_keyring_row_seal(keyring, TABLE_MONTHS, month->month_key_id.bytes, FIRST_MONTH_VERSION,
                               &key, value);
    vault_value_free(value);
    vault_sql_bind_id(add, 1, month->month_key_id.bytes);
    vault_sql_bind_blob(add, 2, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    vault_sql_bind_id(add, 3, month->mailbox_id.bytes);
    vault_sql_bind_u64(add, 4, FIRST_MONTH_VERSION);
    if (!vault_sql_run(keyring->sql, add, error))
        return FALSE;
    if (vault_sql_changes(keyring->sql) > 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "%s has a month %s already", keyring->path,
                VAULT_ID_TEXT(month->month_key_id));
    return FALSE;
}

gboolean vault_keyring_update_month(VaultKeyring *keyring, const VaultMonthValue *month,
                                    GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    GByteArray *value;
    gboolean is_put;
    g_auto(RowKey) key;

    if (!vault_keyring_row_key(keyring, month->mailbox_id.bytes, &key, error))
        return FALSE;
    value = vault_month_value_format(month);
    is_put =
        vault_keyring_row_put(keyring, TABLE_MONTHS, month->month_key_id.bytes, &key, value, error);
    vault_value_free(value);
    return is_put;
}

gboolean vault_keyring_month_mailbox(VaultKeyring *keyring, const MonthKeyId *month_key_id,
                                     MailboxId *ret_mailbox, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(VaultStatement) get = NULL;
    gboolean has_row;

    get = vault_sql_use(keyring->sql, STATEMENT_MONTH_MAILBOX, error);
    if (get == NULL)
        return FALSE;
    vault_sql_bind_id(get, 1, month_key_id->bytes);
    if (!vault_sql_step(keyring->sql, get, &has_row, error))
        return FALSE;
    if (has_row)
        return vault_sql_column_id(keyring->sql, get, 0, ret_mailbox->bytes, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "%s has no month key %s", keyring->path,
                VAULT_ID_TEXT(*month_key_id));
    return FALSE;
}

/* Row id and mailbox are clear columns: the one must be that of the sealed key, and the value lies
 * under the row key of the other. */
static VaultMonthValue *month_of_row(VaultKeyring *keyring, VaultStatement *row,
                                     const MailboxId *mailbox_id, const RowKey *key, GError **error)
{
    g_autoptr(VaultMonthValue) month = NULL;
    MonthKeyId row_id;
    GByteArray *value =
        vault_keyring_row_open(keyring, TABLE_MONTHS, row, key, row_id.bytes, error);

    if (value == NULL)
        return NULL;
    month = vault_month_value_parse(mailbox_id, value->data, value->len, error);
    vault_value_free(value);
    if (month == NULL || VAULT_ID_EQUAL(month->month_key_id, row_id))
        return g_steal_pointer(&month);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s: month %s holds the key of another",
                keyring->path, VAULT_ID_TEXT(row_id));
    return NULL;
}

VaultMonthValue *vault_keyring_get_month(VaultKeyring *keyring, const MonthKeyId *month_key_id,
                                         GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(VaultStatement) get = NULL;
    g_auto(RowKey) key;
    MailboxId mailbox_id;
    gboolean has_row;

    if (!vault_keyring_month_mailbox(keyring, month_key_id, &mailbox_id, error) ||
        !vault_keyring_row_key(keyring, mailbox_id.bytes, &key, error))
        return NULL;
    get = vault_sql_use(keyring->sql, TABLE_MONTHS * ROW_OP_COUNT + ROW_GET, error);
    if (get == NULL)
        return NULL;
    vault_sql_bind_id(get, 1, month_key_id->bytes);
    if (!vault_sql_step(keyring->sql, get, &has_row, error))
        return NULL;
    g_assert(has_row);
    return month_of_row(keyring, get, &mailbox_id, &key, error);
}

VaultMonthValue *vault_keyring_find_month(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                          VaultMonth month, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(VaultStatement) months = NULL;
    g_auto(RowKey) key;
    gboolean has_row;

    if (!vault_keyring_row_key(keyring, mailbox_id->bytes, &key, error))
        return NULL;
    months = vault_sql_use(keyring->sql, STATEMENT_MONTHS_OF_NEWEST_FIRST, error);
    if (months == NULL)
        return NULL;
    vault_sql_bind_id(months, 1, mailbox_id->bytes);
    while (vault_sql_step(keyring->sql, months, &has_row, error)) {
        g_autoptr(VaultMonthValue) found = NULL;

        if (!has_row) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "mailbox %s has no key for month %u", VAULT_ID_TEXT(*mailbox_id), month);
            return NULL;
        }
        found = month_of_row(keyring, months, mailbox_id, &key, error);
        if (found == NULL || found->month == month)
            return g_steal_pointer(&found);
    }
    return NULL;
}

static gboolean visit_month(VaultKeyring *keyring, VaultStatement *row, const MailboxId *mailbox_id,
                            VaultMonthVisit visit, gpointer user, GError **error)
{
    g_autoptr(VaultMonthValue) month = NULL;
    g_auto(RowKey) key;

    if (!vault_keyring_row_key(keyring, mailbox_id->bytes, &key, error))
        return FALSE;
    month = month_of_row(keyring, row, mailbox_id, &key, error);
    return month != NULL && visit(month, user, error);
}

gboolean vault_keyring_each_month(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                  VaultMonthVisit visit, gpointer user, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    gsize statement = mailbox_id == NULL ? STATEMENT_MONTHS : STATEMENT_MONTHS_OF;
    g_autoptr(VaultStatement) months = NULL;
    gboolean has_row = TRUE;

    months = vault_sql_use(keyring->sql, statement, error);
    if (months == NULL)
        return FALSE;
    if (mailbox_id != NULL)
        vault_sql_bind_id(months, 1, mailbox_id->bytes);
    while (vault_sql_step(keyring->sql, months, &has_row, error)) {
        MailboxId owner;

        if (!has_row)
            return TRUE;
        if (mailbox_id != NULL)
            owner = *mailbox_id;
        else if (!vault_sql_column_id(keyring->sql, months, 3, owner.bytes, error))
            return FALSE;
        if (!visit_month(keyring, months, &owner, visit, user, error))
            return FALSE;
    }
    return FALSE;
}

gboolean vault_keyring_count(VaultKeyring *keyring, guint64 *ret_mailboxes, guint64 *ret_months,
                             GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    gint64 mailboxes = 0, months = 0;

    if (!vault_sql_exec_int(keyring->sql, "SELECT count(*) FROM mailboxes", &mailboxes, error) ||
        !vault_sql_exec_int(keyring->sql, "SELECT count(*) FROM months", &months, error))
        return FALSE;
    *ret_mailboxes = (guint64)mailboxes;
    *ret_months = (guint64)months;
    return TRUE;
}
