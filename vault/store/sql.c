#include "vault/store/sql.h"

#include <errno.h>

/* Another process holds a lock only for the moment of a commit or checkpoint. */
#define BUSY_TIMEOUT_MS 5000

struct VaultSql {
    sqlite3 *connection;
    char *path;
    const char *const *texts;
    sqlite3_stmt **statements;
    gsize statement_count;
};

static VaultErrorCode error_code(sqlite3 *connection, int status)
{
    switch (status & 0xff) {
    case SQLITE_FULL:
        return VAULT_ERROR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return VAULT_ERROR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return VAULT_ERROR_CORRUPT;
    case SQLITE_CANTOPEN:
        return VAULT_ERROR_NOT_FOUND;
    case SQLITE_READONLY:
    case SQLITE_CONSTRAINT: /* an id that is there already */
        return VAULT_ERROR_REFUSED;
    default:
        break;
    }
    /* Writes of the log and the index of the log fail with IOERR also when the disk is full. */
    if (connection != NULL && (status & 0xff) == SQLITE_IOERR &&
        (sqlite3_system_errno(connection) == ENOSPC || sqlite3_system_errno(connection) == EDQUOT))
        return VAULT_ERROR_NO_SPACE;
    return VAULT_ERROR_IO;
}

static gboolean set_error(VaultSql *sql, int status, GError **error)
{
    g_set_error(error, VAULT_ERROR, (int)error_code(sql->connection, status), "%s: %s", sql->path,
                sql->connection == NULL ? sqlite3_errstr(status) : sqlite3_errmsg(sql->connection));
    return FALSE;
}

void vault_sql_close(VaultSql *sql)
{
    if (sql == NULL)
        return;
    for (gsize i = 0; i < sql->statement_count; i++)
        sqlite3_finalize(sql->statements[i]);
    sqlite3_close_v2(sql->connection);
    g_free(sql->statements);
    g_free(sql->path);
    g_free(sql);
}

VaultSql *vault_sql_open(const char *path, VaultSqlMode mode, const char *const *texts,
                         gsize text_count, GError **error)
{
    static const int flags[] = {
        [VAULT_SQL_READ] = SQLITE_OPEN_READONLY,
        [VAULT_SQL_WRITE] = SQLITE_OPEN_READWRITE,
        [VAULT_SQL_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    g_autoptr(VaultSql) sql = g_new0(VaultSql, 1);
    int status;

    sql->path = g_strdup(path);
    sql->texts = texts;
    sql->statement_count = text_count;
    sql->statements = g_new0(sqlite3_stmt *, text_count);
    status = sqlite3_open_v2(path, &sql->connection, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL);
    if (status != SQLITE_OK) {
        set_error(sql, status, error);
        return NULL;
    }
    sqlite3_extended_result_codes(sql->connection, 1);
    sqlite3_busy_timeout(sql->connection, BUSY_TIMEOUT_MS);
    /* Sorts and statement journals stay in memory: no temporary file outside the vault. */
    if (!vault_sql_exec(sql, "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;", error))
        return NULL;
    return g_steal_pointer(&sql);
}

gboolean vault_sql_exec(VaultSql *sql, const char *script, GError **error)
{
    int status = sqlite3_exec(sql->connection, script, NULL, NULL, NULL);

    return status == SQLITE_OK || set_error(sql, status, error);
}

gboolean vault_sql_exec_int(VaultSql *sql, const char *text, gint64 *ret_value, GError **error)
{
    sqlite3_stmt *statement = vault_sql_prepare(sql, text, error);
    gboolean has_row = FALSE;
    gboolean is_done = statement != NULL && vault_sql_step(sql, statement, &has_row, error);

    if (is_done)
        *ret_value = has_row ? sqlite3_column_int64(statement, 0) : 0;
    vault_statement_free(statement);
    return is_done;
}

gboolean vault_sql_copy_into(VaultSql *sql, const char *path, GError **error)
{
    char *text = sqlite3_mprintf("VACUUM INTO %Q", path);
    gboolean is_done = vault_sql_exec(sql, text, error);

    sqlite3_free(text);
    return is_done;
}

VaultStatement *vault_sql_prepare(VaultSql *sql, const char *text, GError **error)
{
    sqlite3_stmt *statement = NULL;
    int status =
        sqlite3_prepare_v3(sql->connection, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);

    if (status != SQLITE_OK) {
        set_error(sql, status, error);
        return NULL;
    }
    return statement;
}

VaultStatement *vault_sql_use(VaultSql *sql, gsize statement, GError **error)
{
    g_assert(statement < sql->statement_count);
    if (sql->statements[statement] == NULL)
        sql->statements[statement] = vault_sql_prepare(sql, sql->texts[statement], error);
    return sql->statements[statement];
}

void vault_statement_reset(VaultStatement *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

void vault_statement_free(VaultStatement *statement)
{
    sqlite3_finalize(statement);
}

void vault_sql_bind_blob(VaultStatement *statement, int parameter, const void *bytes, gsize len)
{
    int status = sqlite3_bind_blob64(statement, parameter, bytes, len, SQLITE_STATIC);

    g_assert(status == SQLITE_OK);
}

void vault_sql_bind_id(VaultStatement *statement, int parameter, const guint8 bytes[VAULT_ID_LEN])
{
    vault_sql_bind_blob(statement, parameter, bytes, VAULT_ID_LEN);
}

void vault_sql_bind_u64(VaultStatement *statement, int parameter, guint64 value)
{
    int status = sqlite3_bind_int64(statement, parameter, (gint64)MIN(value, (guint64)G_MAXINT64));

    g_assert(status == SQLITE_OK);
}

gboolean vault_sql_step(VaultSql *sql, VaultStatement *statement, gboolean *ret_has_row,
                        GError **error)
{
    int status = sqlite3_step(statement);

    *ret_has_row = status == SQLITE_ROW;
    return status == SQLITE_ROW || status == SQLITE_DONE || set_error(sql, status, error);
}

gboolean vault_sql_run(VaultSql *sql, VaultStatement *statement, GError **error)
{
    gboolean has_row;

    return vault_sql_step(sql, statement, &has_row, error);
}

guint vault_sql_changes(VaultSql *sql)
{
    return (guint)sqlite3_changes(sql->connection);
}

guint64 vault_sql_column_u64(VaultStatement *statement, int column)
{
    return (guint64)sqlite3_column_int64(statement, column);
}

const void *vault_sql_column_blob(VaultStatement *statement, int column, gsize *ret_len)
{
    const void *bytes = sqlite3_column_blob(statement, column);

    *ret_len = (gsize)sqlite3_column_bytes(statement, column);
    return bytes;
}

gboolean vault_sql_column_id(VaultSql *sql, VaultStatement *statement, int column,
                             guint8 ret_bytes[VAULT_ID_LEN], GError **error)
{
    gsize len;
    const void *bytes = vault_sql_column_blob(statement, column, &len);

    if (len != VAULT_ID_LEN) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "%s holds an id that is not %d bytes long", sql->path, VAULT_ID_LEN);
        return FALSE;
    }
    memcpy(ret_bytes, bytes, VAULT_ID_LEN);
    return TRUE;
}
