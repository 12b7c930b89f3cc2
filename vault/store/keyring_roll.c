#include "vault/store/keyring_roll.h"

#include "vault/store/keyring_rows.h"

/* What a value lies under: one of the two. */
typedef struct {
    const RowKey *row;
    const VaultKey *vault;
} SealingKey;

/* One row on its way from one key to another. */
typedef struct {
    guint64 rowid;
    guint64 version;
    VaultValuePlace place;
} Row;

/* Undone by vault_keyring_change_free(), forgotten by vault_keyring_commit(). */
static void remember_keys(VaultKeyring *keyring)
{
    g_assert(keyring->change_depth == 1);
    if (keyring->vault_key_before != NULL)
        return;
    keyring->vault_key_before = vault_secret_new(sizeof *keyring->vault_key_before);
    keyring->vault_row_key_before = vault_secret_new(sizeof *keyring->vault_row_key_before);
    *keyring->vault_key_before = *keyring->vault_key;
    *keyring->vault_row_key_before = *keyring->vault_row_key;
}

/* ---- rows, one by one ----------------------------------------------------------------------- */

static GByteArray *open_sealed(VaultKeyring *keyring, VaultStatement *statement, const Row *row,
                               const SealingKey *key, GError **error)
{
    gsize len;
    const void *sealed = vault_sql_column_blob(statement, 2, &len);
    GByteArray *value =
        key->row == NULL
            ? vault_value_open_under_vault_key(key->vault, &row->place, sealed, len, NULL)
            : vault_value_open(key->row, &row->place, sealed, len, NULL);

    if (value == NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "%s: row %s of table %s does not open under its key: it was damaged, moved or "
                    "rolled back; nothing was changed",
                    keyring->path, VAULT_ID_TEXT(row->place.row_id), row->place.table);
    return value;
}

/* The next row after `row`, of `mailbox_id` where that is given; a rowid of 0 is the end. */
static VaultStatement *next_row(VaultKeyring *keyring, gsize statement, const MailboxId *mailbox_id,
                                Row *row, GError **error)
{
    g_autoptr(VaultStatement) next = vault_sql_use(keyring->sql, statement, error);
    gboolean has_row;

    if (next == NULL)
        return NULL;
    vault_sql_bind_u64(next, 1, row->rowid);
    if (mailbox_id != NULL)
        vault_sql_bind_id(next, 2, mailbox_id->bytes);
    if (!vault_sql_step(keyring->sql, next, &has_row, error))
        return NULL;
    row->rowid = has_row ? vault_sql_column_u64(next, 3) : 0;
    if (!has_row)
        return g_steal_pointer(&next);
    row->version = row->place.row_version = vault_sql_column_u64(next, 1);
    if (!vault_sql_column_id(keyring->sql, next, 0, row->place.row_id.bytes, error))
        return NULL;
    return g_steal_pointer(&next);
}

/* The same with its value; the statement is done with on return, so that the row can be replaced
 * while the walk goes on. */
static gboolean next_value(VaultKeyring *keyring, gsize statement, const MailboxId *mailbox_id,
                           const SealingKey *key, Row *row, GByteArray **ret_value, GError **error)
{
    g_autoptr(VaultStatement) next = next_row(keyring, statement, mailbox_id, row, error);

    *ret_value = NULL;
    if (next == NULL || row->rowid == 0)
        return next != NULL;
    *ret_value = open_sealed(keyring, next, row, key, error);
    return *ret_value != NULL;
}

static gboolean replace_row(VaultKeyring *keyring, guint table, const Row *row,
                            const SealingKey *key, const GByteArray *value, GError **error)
{
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultStatement) replace =
        vault_sql_use(keyring->sql, table * ROW_OP_COUNT + ROW_REPLACE, error);
    VaultValuePlace place = row->place;

    if (replace == NULL)
        return FALSE;
    place.row_version = row->version + 1;
    sealed = key->row == NULL
                 ? vault_value_seal_under_vault_key(key->vault, &place, value->data, value->len)
                 : vault_value_seal(key->row, &place, value->data, value->len);
    vault_sql_bind_u64(replace, 1, row->rowid);
    vault_sql_bind_u64(replace, 2, place.row_version);
    vault_sql_bind_blob(replace, 3, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    return vault_sql_run(keyring->sql, replace, error);
}

/* Seals all rows of a table, or of one mailbox in it, anew. */
static gboolean reseal(VaultKeyring *keyring, guint table, const MailboxId *mailbox_id,
                       const SealingKey *from, const SealingKey *to, GError **error)
{
    gsize statement =
        mailbox_id == NULL ? table * ROW_OP_COUNT + ROW_NEXT : STATEMENT_NEXT_MONTH_OF;
    Row row = {.place = {.vault_id = keyring->vault_id, .table = vault_keyring_table_name(table)}};
    GByteArray *value = NULL;

    while (next_value(keyring, statement, mailbox_id, from, &row, &value, error)) {
        gboolean is_replaced;

        if (row.rowid == 0)
            return TRUE;
        is_replaced = replace_row(keyring, table, &row, to, value, error);
        vault_value_free(value);
        if (!is_replaced)
            return FALSE;
    }
    return FALSE;
}

/* ---- the generation row --------------------------------------------------------------------- */

static gboolean read_generation(VaultKeyring *keyring, const SealingKey *key, Row *row,
                                VaultGenerationValue *ret_generation, GError **error)
{
    GByteArray *value = NULL;
    gboolean is_valid;

    *row = (Row){.place = {.vault_id = keyring->vault_id,
                           .table = vault_keyring_table_name(TABLE_GENERATION)}};
    if (!next_value(keyring, TABLE_GENERATION * ROW_OP_COUNT + ROW_NEXT, NULL, key, row, &value,
                    error))
        return FALSE;
    if (value == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s has no generation row",
                    keyring->path);
        return FALSE;
    }
    is_valid = vault_generation_value_parse(value->data, value->len, ret_generation, error);
    vault_value_free(value);
    return is_valid;
}

static gboolean write_generation(VaultKeyring *keyring, const SealingKey *key, const Row *row,
                                 const VaultGenerationValue *generation, GError **error)
{
    GByteArray *value = vault_generation_value_format(generation);
    gboolean is_written = replace_row(keyring, TABLE_GENERATION, row, key, value, error);

    vault_value_free(value);
    return is_written;
}

/* ---- roll ----------------------------------------------------------------------------------- */

gboolean vault_keyring_roll(VaultKeyring *keyring, const VaultKey *next, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    const SealingKey from = {.vault = keyring->vault_key}, to = {.vault = next};
    VaultGenerationValue generation;
    Row row;

    g_assert(keyring->change_depth == 1);
    if (next->generation != keyring->vault_key->generation + 1) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "%s is under vault key %u: only number %u may follow, not %u", keyring->path,
                    keyring->vault_key->generation, keyring->vault_key->generation + 1,
                    next->generation);
        return FALSE;
    }
    if (!read_generation(keyring, &from, &row, &generation, error))
        return FALSE;
    generation.generation = next->generation;
    if (!write_generation(keyring, &to, &row, &generation, error) ||
        !reseal(keyring, TABLE_ROW_KEYS, NULL, &from, &to, error))
        return FALSE;
    remember_keys(keyring);
    *keyring->vault_key = *next;
    return TRUE;
}

/* ---- renew ---------------------------------------------------------------------------------- */

static gboolean reseal_mailbox(VaultKeyring *keyring, const MailboxId *mailbox_id,
                               const RowKey *before, const RowKey *after, GError **error)
{
    const SealingKey from = {.row = before}, to = {.row = after};
    GByteArray *value =
        vault_keyring_row_get(keyring, TABLE_MAILBOXES, mailbox_id->bytes, before, error);
    gboolean is_put =
        value != NULL &&
        vault_keyring_row_put(keyring, TABLE_MAILBOXES, mailbox_id->bytes, after, value, error);

    vault_value_free(value);
    return is_put && reseal(keyring, TABLE_MONTHS, mailbox_id, &from, &to, error);
}

gboolean vault_keyring_renew_mailbox(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                     GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_auto(RowKey) before = {{0}};
    g_auto(RowKey) after = {{0}};

    g_assert(keyring->change_depth == 1);
    vault_random(after.bytes, VAULT_KEY_LEN);
    return vault_keyring_row_key(keyring, mailbox_id->bytes, &before, error) &&
           vault_keyring_put_row_key(keyring, mailbox_id->bytes, &after, error) &&
           reseal_mailbox(keyring, mailbox_id, &before, &after, error);
}

gboolean vault_keyring_renew_vault_row_key(VaultKeyring *keyring, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    const SealingKey under_vault_key = {.vault = keyring->vault_key};
    g_auto(RowKey) after = {{0}};
    const SealingKey from = {.row = keyring->vault_row_key}, to = {.row = &after};
    VaultGenerationValue generation;
    Row row;

    g_assert(keyring->change_depth == 1);
    vault_random(after.bytes, VAULT_KEY_LEN);
    if (!read_generation(keyring, &under_vault_key, &row, &generation, error) ||
        !vault_keyring_put_row_key(keyring, generation.vault_row_key_id.bytes, &after, error))
        return FALSE;
    for (guint table = 0; table < VAULT_KEYRING_TABLE_COUNT; table++)
        if (!reseal(keyring, table, NULL, &from, &to, error))
            return FALSE;
    remember_keys(keyring);
    *keyring->vault_row_key = after;
    return TRUE;
}

/* ---- renew all ------------------------------------------------------------------------------ */

typedef struct {
    MailboxId mailbox_id;
    RowKey before, after;
} Renewal;

static void renewal_free(gpointer item)
{
    vault_wipe(item, sizeof(Renewal));
    g_free(item);
}

static gboolean note_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    Renewal *renewal = g_new0(Renewal, 1);

    renewal->mailbox_id = mailbox->mailbox_id;
    g_hash_table_insert(user, &renewal->mailbox_id, renewal);
    return TRUE;
}

static gboolean renew_row_keys(VaultKeyring *keyring, GHashTable *renewals, GError **error)
{
    GHashTableIter iter;
    gpointer item;

    g_hash_table_iter_init(&iter, renewals);
    while (g_hash_table_iter_next(&iter, NULL, &item)) {
        Renewal *renewal = item;
        GByteArray *value = NULL;
        gboolean is_put = FALSE;

        vault_random(renewal->after.bytes, VAULT_KEY_LEN);
        if (vault_keyring_row_key(keyring, renewal->mailbox_id.bytes, &renewal->before, error))
            value = vault_keyring_row_get(keyring, TABLE_MAILBOXES, renewal->mailbox_id.bytes,
                                          &renewal->before, error);
        if (value != NULL)
            is_put = vault_keyring_put_row_key(keyring, renewal->mailbox_id.bytes, &renewal->after,
                                               error) &&
                     vault_keyring_row_put(keyring, TABLE_MAILBOXES, renewal->mailbox_id.bytes,
                                           &renewal->after, value, error);
        vault_value_free(value);
        if (!is_put)
            return FALSE;
    }
    return TRUE;
}

static gboolean next_month(VaultKeyring *keyring, GHashTable *renewals, Row *row,
                           const Renewal **ret_renewal, GByteArray **ret_value, GError **error)
{
    g_autoptr(VaultStatement) next = next_row(keyring, STATEMENT_NEXT_MONTH, NULL, row, error);
    MailboxId mailbox_id;

    if (next == NULL || row->rowid == 0)
        return next != NULL;
    if (!vault_sql_column_id(keyring->sql, next, 4, mailbox_id.bytes, error))
        return FALSE;
    *ret_renewal = g_hash_table_lookup(renewals, &mailbox_id);
    if (*ret_renewal == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "%s: month %s is of a mailbox that is not there", keyring->path,
                    VAULT_ID_TEXT(row->place.row_id));
        return FALSE;
    }
    *ret_value =
        open_sealed(keyring, next, row, &(SealingKey){.row = &(*ret_renewal)->before}, error);
    return *ret_value != NULL;
}

/* In the order in which they lie: mailbox by mailbox each page would be written many times. */
static gboolean reseal_months(VaultKeyring *keyring, GHashTable *renewals, GError **error)
{
    Row row = {
        .place = {.vault_id = keyring->vault_id, .table = vault_keyring_table_name(TABLE_MONTHS)}};

    for (;;) {
        const Renewal *renewal = NULL;
        GByteArray *value = NULL;
        gboolean is_replaced;

        if (!next_month(keyring, renewals, &row, &renewal, &value, error))
            return FALSE;
        if (row.rowid == 0)
            return TRUE;
        is_replaced = replace_row(keyring, TABLE_MONTHS, &row,
                                  &(SealingKey){.row = &renewal->after}, value, error);
        vault_value_free(value);
        if (!is_replaced)
            return FALSE;
    }
}

gboolean vault_keyring_renew_all(VaultKeyring *keyring, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(GHashTable) renewals =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL, renewal_free);

    g_assert(keyring->change_depth == 1);
    return vault_keyring_each_mailbox(keyring, note_mailbox, renewals, error) &&
           renew_row_keys(keyring, renewals, error) && reseal_months(keyring, renewals, error) &&
           vault_keyring_renew_vault_row_key(keyring, error);
}

/* ---- drop, settle --------------------------------------------------------------------------- */

gboolean vault_keyring_drop_month(VaultKeyring *keyring, const MonthKeyId *month_key_id,
                                  const VaultTombstoneValue *tombstone, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(GByteArray) value = vault_tombstone_value_format(tombstone);
    g_autoptr(VaultStatement) drop = NULL;
    RowId row_id;

    g_assert(keyring->change_depth == 1);
    memcpy(row_id.bytes, month_key_id->bytes, VAULT_ID_LEN);
    drop = vault_sql_use(keyring->sql, TABLE_MONTHS * ROW_OP_COUNT + ROW_REMOVE, error);
    if (drop == NULL)
        return FALSE;
    vault_sql_bind_id(drop, 1, month_key_id->bytes);
    if (!vault_sql_run(keyring->sql, drop, error))
        return FALSE;
    if (vault_sql_changes(keyring->sql) > 0)
        return vault_keyring_put(keyring, VAULT_KEYRING_TOMBSTONES, &row_id, value, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "%s has no month key %s", keyring->path,
                VAULT_ID_TEXT(*month_key_id));
    return FALSE;
}

gboolean vault_keyring_settle(VaultKeyring *keyring, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    gint64 is_busy = 0;

    g_assert(keyring->change_depth == 0);
    if (!vault_sql_exec_int(keyring->sql, "PRAGMA wal_checkpoint(TRUNCATE)", &is_busy, error))
        return FALSE;
    if (is_busy == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s is being read: its log keeps old, sealed pages until the next try",
                keyring->path);
    return FALSE;
}
