#include "vault/store/keyring_rows.h"

#include "vault/base/bytes.h"

#define ROW_KEY_VERSION 1

static const char *const names[TABLE_COUNT] = {
    [VAULT_KEYRING_MASTERS] = "masters",
    [VAULT_KEYRING_LOCATOR_KEY] = "locator_key",
    [VAULT_KEYRING_DAY_KEYS] = "day_keys",
    [VAULT_KEYRING_LOG_KEYS] = "log_keys",
    [VAULT_KEYRING_POLICY] = "policy",
    [VAULT_KEYRING_GRANTS] = "grants",
    [VAULT_KEYRING_HOLDS] = "holds",
    [VAULT_KEYRING_EVENTS] = "events",
    [VAULT_KEYRING_CASES] = "cases",
    [VAULT_KEYRING_TOMBSTONES] = "tombstones",
    [VAULT_KEYRING_READERS] = "readers",
    [VAULT_KEYRING_IMPORT_KEYS] = "import_keys",
    [VAULT_KEYRING_HOLDERS] = "holders",
    [VAULT_KEYRING_COPIES] = "copies",
    [VAULT_KEYRING_DECLARATIONS] = "declarations",
    [VAULT_KEYRING_ERASURES] = "erasures",
    [VAULT_KEYRING_RETENTION] = "retention",
    [TABLE_GENERATION] = "generation",
    [TABLE_ROW_KEYS] = "row_keys",
    [TABLE_MAILBOXES] = "mailboxes",
    [TABLE_MONTHS] = "months",
};

const char *vault_keyring_table_name(guint table)
{
    g_assert(table < TABLE_COUNT);
    return names[table];
}

static VaultValuePlace place_of(const VaultKeyring *keyring, guint table,
                                const guint8 row_id[VAULT_ID_LEN], guint64 version)
{
    VaultValuePlace place = {
        .vault_id = keyring->vault_id, .table = names[table], .row_version = version};

    memcpy(place.row_id.bytes, row_id, VAULT_ID_LEN);
    return place;
}

GBytes *vault_keyring_row_seal(VaultKeyring *keyring, guint table,
                               const guint8 row_id[VAULT_ID_LEN], guint64 version,
                               const RowKey *key, const GByteArray *value)
{
    VaultValuePlace place = place_of(keyring, table, row_id, version);

    if (key == NULL)
        return vault_value_seal_under_vault_key(keyring->vault_key, &place, value->data,
                                                value->len);
    return vault_value_seal(key, &place, value->data, value->len);
}

/* Whether the file went over to another vault key since it was opened: then a row that does not
 * open says nothing about the row. */
static gboolean is_rolled(VaultKeyring *keyring)
{
    VaultValuePlace place = {.vault_id = keyring->vault_id, .table = names[TABLE_GENERATION]};
    g_autoptr(VaultStatement) next =
        vault_sql_use(keyring->sql, TABLE_GENERATION * ROW_OP_COUNT + ROW_NEXT, NULL);
    gboolean has_row = FALSE;
    const void *sealed;
    GByteArray *value;
    gsize len;

    if (next == NULL)
        return FALSE;
    vault_sql_bind_u64(next, 1, 0);
    if (!vault_sql_step(keyring->sql, next, &has_row, NULL) || !has_row ||
        !vault_sql_column_id(keyring->sql, next, 0, place.row_id.bytes, NULL))
        return FALSE;
    sealed = vault_sql_column_blob(next, 2, &len);
    place.row_version = vault_sql_column_u64(next, 1);
    value = vault_value_open_under_vault_key(keyring->vault_key, &place, sealed, len, NULL);
    vault_value_free(value);
    return value == NULL;
}

static void set_does_not_open(VaultKeyring *keyring, guint table, const guint8 row_id[VAULT_ID_LEN],
                              GError **error)
{
    if (table != TABLE_GENERATION && is_rolled(keyring))
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s was sealed under another vault key meanwhile: try again", keyring->path);
    else
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "%s: row %s of table %s does not open under its key: it was damaged, moved or "
                    "rolled back",
                    keyring->path, vault_id_hex(row_id).text, names[table]);
}

static GByteArray *value_open(VaultKeyring *keyring, guint table, const guint8 row_id[VAULT_ID_LEN],
                              guint64 version, const RowKey *key, const void *sealed, gsize len,
                              GError **error)
{
    VaultValuePlace place = place_of(keyring, table, row_id, version);
    GByteArray *value = key == NULL ? vault_value_open_under_vault_key(keyring->vault_key, &place,
                                                                       sealed, len, NULL)
                                    : vault_value_open(key, &place, sealed, len, NULL);

    if (value == NULL)
        set_does_not_open(keyring, table, row_id, error);
    return value;
}

/* The current version of a row, 0 when there is none. */
gboolean vault_keyring_row_version(VaultKeyring *keyring, guint table,
                                   const guint8 row_id[VAULT_ID_LEN], guint64 *ret_version,
                                   GError **error)
{
    g_autoptr(VaultStatement) get =
        vault_sql_use(keyring->sql, table * ROW_OP_COUNT + ROW_GET, error);
    gboolean has_row;

    if (get == NULL)
        return FALSE;
    vault_sql_bind_id(get, 1, row_id);
    if (!vault_sql_step(keyring->sql, get, &has_row, error))
        return FALSE;
    *ret_version = has_row ? vault_sql_column_u64(get, 1) : 0;
    return TRUE;
}

static gboolean set_not_found(const VaultKeyring *keyring, guint table,
                              const guint8 row_id[VAULT_ID_LEN], GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "%s has no row %s in table %s",
                keyring->path, vault_id_hex(row_id).text, names[table]);
    return FALSE;
}

gboolean vault_keyring_row_put(VaultKeyring *keyring, guint table,
                               const guint8 row_id[VAULT_ID_LEN], const RowKey *key,
                               const GByteArray *value, GError **error)
{
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultStatement) put = NULL;
    guint64 version;

    if (!vault_keyring_row_version(keyring, table, row_id, &version, error))
        return FALSE;
    put = vault_sql_use(keyring->sql, table * ROW_OP_COUNT + ROW_PUT, error);
    if (put == NULL)
        return FALSE;
    sealed = vault_keyring_row_seal(keyring, table, row_id, version + 1, key, value);
    vault_sql_bind_id(put, 1, row_id);
    vault_sql_bind_u64(put, 2, version + 1);
    vault_sql_bind_blob(put, 3, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    if (!vault_sql_run(keyring->sql, put, error))
        return FALSE;
    /* Months are replaced, never added here: one that was dropped meanwhile stays dropped. */
    return vault_sql_changes(keyring->sql) > 0 || set_not_found(keyring, table, row_id, error);
}

GByteArray *vault_keyring_row_open(VaultKeyring *keyring, guint table, VaultStatement *statement,
                                   const RowKey *key, guint8 ret_row_id[VAULT_ID_LEN],
                                   GError **error)
{
    gsize len;
    const void *sealed = vault_sql_column_blob(statement, 2, &len);

    if (!vault_sql_column_id(keyring->sql, statement, 0, ret_row_id, error))
        return NULL;
    return value_open(keyring, table, ret_row_id, vault_sql_column_u64(statement, 1), key, sealed,
                      len, error);
}

GByteArray *vault_keyring_row_get(VaultKeyring *keyring, guint table,
                                  const guint8 row_id[VAULT_ID_LEN], const RowKey *key,
                                  GError **error)
{
    g_autoptr(VaultStatement) get =
        vault_sql_use(keyring->sql, table * ROW_OP_COUNT + ROW_GET, error);
    guint8 stored_id[VAULT_ID_LEN];
    gboolean has_row;

    if (get == NULL)
        return NULL;
    vault_sql_bind_id(get, 1, row_id);
    if (!vault_sql_step(keyring->sql, get, &has_row, error))
        return NULL;
    if (!has_row) {
        set_not_found(keyring, table, row_id, error);
        return NULL;
    }
    return vault_keyring_row_open(keyring, table, get, key, stored_id, error);
}

gboolean vault_keyring_row_key(VaultKeyring *keyring, const guint8 row_id[VAULT_ID_LEN],
                               RowKey *ret_key, GError **error)
{
    GByteArray *value = vault_keyring_row_get(keyring, TABLE_ROW_KEYS, row_id, NULL, error);
    gboolean is_valid;

    if (value == NULL)
        return FALSE;
    is_valid = value->len == 1 + VAULT_KEY_LEN && value->data[0] == ROW_KEY_VERSION;
    if (is_valid)
        memcpy(ret_key->bytes, value->data + 1, VAULT_KEY_LEN);
    else
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s: row key %s has no known form",
                    keyring->path, vault_id_hex(row_id).text);
    vault_value_free(value);
    return is_valid;
}

gboolean vault_keyring_put_row_key(VaultKeyring *keyring, const guint8 row_id[VAULT_ID_LEN],
                                   const RowKey *key, GError **error)
{
    GByteArray *value = g_byte_array_sized_new(64);
    gboolean is_put;

    vault_bytes_append_u8(value, ROW_KEY_VERSION);
    g_byte_array_append(value, key->bytes, VAULT_KEY_LEN);
    is_put = vault_keyring_row_put(keyring, TABLE_ROW_KEYS, row_id, NULL, value, error);
    vault_value_free(value);
    return is_put;
}

gboolean vault_keyring_add_row_key(VaultKeyring *keyring, const guint8 row_id[VAULT_ID_LEN],
                                   RowKey *ret_key, GError **error)
{
    guint64 version;

    if (!vault_keyring_row_version(keyring, TABLE_ROW_KEYS, row_id, &version, error))
        return FALSE;
    /* A row key replaced would take all that lies under it along. */
    if (version > 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "%s has a row key %s already",
                    keyring->path, vault_id_hex(row_id).text);
        return FALSE;
    }
    vault_random(ret_key->bytes, VAULT_KEY_LEN);
    return vault_keyring_put_row_key(keyring, row_id, ret_key, error);
}
