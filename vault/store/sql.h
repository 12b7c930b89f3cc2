/* A thin front of SQLite for this folder: one connection, its statements prepared once and reused.
 *
 * A statement is taken with vault_sql_use() into a g_autoptr(VaultStatement), which resets and
 * clears it when it goes; it is not taken again while in use. Threads: one user at a time, callers
 * lock. Errors: NO_SPACE, BUSY, CORRUPT, NOT_FOUND (cannot be opened), REFUSED (read-only, an id
 * that is there), IO; the message names the file and SQLite's reason, never a value.
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"

#include <sqlite3.h>

typedef struct VaultSql VaultSql;
typedef sqlite3_stmt VaultStatement;

typedef enum {
    VAULT_SQL_READ,  /* the file must be there; nothing is changed */
    VAULT_SQL_WRITE, /* the file must be there */
    VAULT_SQL_CREATE /* made when it is not there */
} VaultSqlMode;

/* `texts`: the statements, by index; borrowed until close. */
VaultSql *vault_sql_open(const char *path, VaultSqlMode mode, const char *const *texts,
                         gsize text_count, GError **error);
void vault_sql_close(VaultSql *sql);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultSql, vault_sql_close)

gboolean vault_sql_exec(VaultSql *sql, const char *script, GError **error);
/* A first column of a one-row pragma or select, as an integer. */
gboolean vault_sql_exec_int(VaultSql *sql, const char *text, gint64 *ret_value, GError **error);

/* All of the database as of one moment, in a new file (BUSY: it is there); not synced. Reads beside
 * whoever writes, and holds nobody up. */
gboolean vault_sql_copy_into(VaultSql *sql, const char *path, GError **error);

VaultStatement *vault_sql_use(VaultSql *sql, gsize statement, GError **error);
/* A statement of its own for cursors, freed by vault_statement_free(). */
VaultStatement *vault_sql_prepare(VaultSql *sql, const char *text, GError **error);
void vault_statement_reset(VaultStatement *statement);
void vault_statement_free(VaultStatement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultStatement, vault_statement_reset)

/* Parameters count from 1. Blobs are borrowed until the statement is reset. */
void vault_sql_bind_blob(VaultStatement *statement, int parameter, const void *bytes, gsize len);
void vault_sql_bind_id(VaultStatement *statement, int parameter, const guint8 bytes[VAULT_ID_LEN]);
/* Values above 2^63 - 1 are stored as that. */
void vault_sql_bind_u64(VaultStatement *statement, int parameter, guint64 value);

/* FALSE with an error; else ret_has_row says whether there is a row. */
gboolean vault_sql_step(VaultSql *sql, VaultStatement *statement, gboolean *ret_has_row,
                        GError **error);
/* For statements that give no rows. */
gboolean vault_sql_run(VaultSql *sql, VaultStatement *statement, GError **error);
guint vault_sql_changes(VaultSql *sql);

guint64 vault_sql_column_u64(VaultStatement *statement, int column);
/* CORRUPT unless the column is a blob of VAULT_ID_LEN bytes. */
gboolean vault_sql_column_id(VaultSql *sql, VaultStatement *statement, int column,
                             guint8 ret_bytes[VAULT_ID_LEN], GError **error);
const void *vault_sql_column_blob(VaultStatement *statement, int column, gsize *ret_len);
