#include "vault/store/keyring_schema.h"

#include "vault/store/keyring_rows.h"

/* PRAGMA application_id "MNKR" and the version of the schema. */
#define APPLICATION_ID 0x4d4e4b52
#define SCHEMA_VERSION 3
/* Version 1 ended before these tables. */
#define FIRST_TABLE_OF_VERSION_2 VAULT_KEYRING_HOLDERS
#define LAST_TABLE_OF_VERSION_2 VAULT_KEYRING_RETENTION

/* Beside an index of the whole of each id this one saves room; the id itself decides. */
#define ID_START "substr(row_id, 1, 6)"
#define MONTH_HAS_ID ID_START " = substr(?1, 1, 6) AND row_id = ?1"
#define NUMBER_OF(parameter) "(SELECT number FROM mailboxes WHERE row_id = " parameter ")"

static void build_row_texts(char **texts, guint table)
{
    const char *name = vault_keyring_table_name(table);
    gboolean is_numbered = table == TABLE_MONTHS || table == TABLE_MAILBOXES;
    const char *number = is_numbered ? "number" : "rowid";
    const char *has_id = table == TABLE_MONTHS ? MONTH_HAS_ID : "row_id = ?1";
    char **of_table = texts + table * ROW_OP_COUNT;

    of_table[ROW_GET] =
        g_strdup_printf("SELECT row_id, row_version, sealed FROM %s WHERE %s", name, has_id);
    /* Months have a column more: they are added by a statement of their own, and then replaced. */
    of_table[ROW_PUT] =
        table == TABLE_MONTHS
            ? g_strdup("UPDATE months SET row_version = ?2, sealed = ?3 WHERE " MONTH_HAS_ID)
            : g_strdup_printf("INSERT INTO %s (row_id, row_version, sealed) VALUES (?1, ?2, ?3) "
                              "ON CONFLICT (row_id) DO UPDATE SET "
                              "row_version = excluded.row_version, sealed = excluded.sealed",
                              name);
    of_table[ROW_REMOVE] = g_strdup_printf("DELETE FROM %s WHERE %s", name, has_id);
    of_table[ROW_EACH] =
        g_strdup_printf("SELECT row_id, row_version, sealed FROM %s ORDER BY %s", name, number);
    of_table[ROW_NEXT] = g_strdup_printf("SELECT row_id, row_version, sealed, %s FROM %s "
                                         "WHERE %s > ?1 ORDER BY %s LIMIT 1",
                                         number, name, number, number);
    of_table[ROW_REPLACE] =
        g_strdup_printf("UPDATE %s SET row_version = ?2, sealed = ?3 WHERE %s = ?1", name, number);
}

void vault_keyring_build_texts(VaultKeyring *keyring)
{
    char **texts = g_new0(char *, STATEMENT_COUNT + 1);

    for (guint table = 0; table < TABLE_COUNT; table++)
        build_row_texts(texts, table);
    texts[STATEMENT_BEGIN] = g_strdup("BEGIN IMMEDIATE");
    texts[STATEMENT_COMMIT] = g_strdup("COMMIT");
    texts[STATEMENT_ROLLBACK] = g_strdup("ROLLBACK");
    texts[STATEMENT_ADD_MONTH] = g_strdup(
        "INSERT INTO months (row_id, row_version, sealed, mailbox) "
        "SELECT ?1, ?4, ?2, " NUMBER_OF("?3") " WHERE NOT EXISTS "
                                             "(SELECT 1 FROM months WHERE " MONTH_HAS_ID ")");
    texts[STATEMENT_MONTH_MAILBOX] =
        g_strdup("SELECT (SELECT row_id FROM mailboxes WHERE number = months.mailbox) "
                 "FROM months WHERE " MONTH_HAS_ID);
    texts[STATEMENT_MONTHS_OF] =
        g_strdup("SELECT row_id, row_version, sealed FROM months WHERE mailbox = " NUMBER_OF(
            "?1") " ORDER BY number");
    texts[STATEMENT_MONTHS_OF_NEWEST_FIRST] =
        g_strdup("SELECT row_id, row_version, sealed FROM months WHERE mailbox = " NUMBER_OF(
            "?1") " ORDER BY number DESC");
    texts[STATEMENT_MONTHS] =
        g_strdup("SELECT row_id, row_version, sealed, "
                 "(SELECT row_id FROM mailboxes WHERE number = months.mailbox) "
                 "FROM months ORDER BY number");
    texts[STATEMENT_NEXT_MONTH_OF] =
        g_strdup("SELECT row_id, row_version, sealed, number FROM months "
                 "WHERE mailbox = " NUMBER_OF("?2") " AND number > ?1 ORDER BY number LIMIT 1");
    texts[STATEMENT_NEXT_MONTH] =
        g_strdup("SELECT row_id, row_version, sealed, number, "
                 "(SELECT row_id FROM mailboxes WHERE number = months.mailbox) FROM months "
                 "WHERE number > ?1 ORDER BY number LIMIT 1");
    keyring->statement_texts = texts;
}

/* ---- tables --------------------------------------------------------------------------------- */

/* Numbers do not change, whatever SQLite does with rows that have none of their own. */
#define NUMBERED_TABLES(mailboxes, months)                                                         \
    "CREATE TABLE " mailboxes " (number INTEGER PRIMARY KEY, row_id BLOB NOT NULL UNIQUE, "        \
    "row_version INTEGER NOT NULL, sealed BLOB NOT NULL);"                                         \
    "CREATE TABLE " months " (number INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, "              \
    "row_id BLOB NOT NULL, row_version INTEGER NOT NULL, sealed BLOB NOT NULL);"
#define MONTHS_INDEXES                                                                             \
    "CREATE INDEX months_id ON months (" ID_START ");"                                             \
    "CREATE INDEX months_mailbox ON months (mailbox);"

static void append_table(GString *script, guint table, const char *kind)
{
    g_string_append_printf(script,
                           "CREATE %s %s (row_id BLOB NOT NULL PRIMARY KEY, "
                           "row_version INTEGER NOT NULL, sealed BLOB NOT NULL);",
                           kind, vault_keyring_table_name(table));
}

gboolean vault_keyring_create_schema(VaultKeyring *keyring, GError **error)
{
    g_autoptr(GString) script = g_string_new(NULL);

    g_string_append_printf(script, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                           APPLICATION_ID, SCHEMA_VERSION);
    for (guint table = 0; table < TABLE_MAILBOXES; table++)
        append_table(script, table, "TABLE");
    g_string_append(script, NUMBERED_TABLES("mailboxes", "months") MONTHS_INDEXES);
    return vault_sql_exec(keyring->sql, script->str, error);
}

/* ---- earlier versions ----------------------------------------------------------------------- */

static void append_lacking(GString *script, const char *kind)
{
    for (guint table = FIRST_TABLE_OF_VERSION_2; table <= LAST_TABLE_OF_VERSION_2; table++)
        append_table(script, table, kind);
}

/* Nothing is changed: what is lacking is empty, and what looks otherwise now is shown so. */
static gboolean show_as_new(VaultKeyring *keyring, gint64 version, GError **error)
{
    g_autoptr(GString) script = g_string_new(
        "CREATE TEMP VIEW mailboxes AS SELECT rowid AS number, row_id, row_version, sealed "
        "FROM main.mailboxes;"
        "CREATE TEMP VIEW months AS SELECT m.rowid AS number, b.rowid AS mailbox, "
        "m.row_id AS row_id, m.row_version AS row_version, m.sealed AS sealed "
        "FROM main.months m LEFT JOIN main.mailboxes b ON b.row_id = m.mailbox_id;");

    if (version < 2)
        append_lacking(script, "TEMP TABLE");
    return vault_sql_exec(keyring->sql, script->str, error);
}

/* A month whose mailbox is not there has the number 0, which is no one's. */
static gboolean upgrade_schema(VaultKeyring *keyring, gint64 version, GError **error)
{
    g_autoptr(GString) script = g_string_new("BEGIN IMMEDIATE;");
    g_autoptr(GError) failure = NULL;

    if (version < 2)
        append_lacking(script, "TABLE");
    g_string_append_printf(
        script,
        NUMBERED_TABLES(
            "new_mailboxes",
            "new_months") "INSERT INTO new_mailboxes (row_id, row_version, sealed) "
                          "SELECT row_id, row_version, sealed FROM mailboxes ORDER BY rowid;"
                          "INSERT INTO new_months (mailbox, row_id, row_version, sealed) "
                          "SELECT ifnull((SELECT number FROM new_mailboxes b WHERE b.row_id = "
                          "m.mailbox_id), 0), "
                          "m.row_id, m.row_version, m.sealed FROM months m ORDER BY m.rowid;"
                          "DROP TABLE months; DROP TABLE mailboxes;"
                          "ALTER TABLE new_mailboxes RENAME TO mailboxes;"
                          "ALTER TABLE new_months RENAME TO months;" MONTHS_INDEXES
                          "PRAGMA user_version=%d; COMMIT;",
        SCHEMA_VERSION);
    if (vault_sql_exec(keyring->sql, script->str, &failure))
        return TRUE;
    vault_sql_exec(keyring->sql, "ROLLBACK", NULL);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean vault_keyring_check_schema(VaultKeyring *keyring, VaultKeyringMode mode, GError **error)
{
    gint64 application_id = 0, version = 0;

    if (!vault_sql_exec_int(keyring->sql, "PRAGMA application_id", &application_id, error) ||
        !vault_sql_exec_int(keyring->sql, "PRAGMA user_version", &version, error))
        return FALSE;
    if (application_id != APPLICATION_ID) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is not a keyring", keyring->path);
        return FALSE;
    }
    if (version >= 1 && version < SCHEMA_VERSION)
        return mode == VAULT_KEYRING_READ ? show_as_new(keyring, version, error)
                                          : upgrade_schema(keyring, version, error);
    if (version != SCHEMA_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "%s has schema version %" G_GINT64_FORMAT ", this program knows %d",
                    keyring->path, version, SCHEMA_VERSION);
        return FALSE;
    }
    return TRUE;
}
