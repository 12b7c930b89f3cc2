/* Inside vault/store only: one sealed row of any keyring table, shared by keyring.c,
 * keyring_mailboxes.c and keyring_roll.c. Every function expects the keyring's lock to be held by
 * the caller.
 */
#pragma once

#include "vault/crypto/value.h"
#include "vault/store/keyring.h"
#include "vault/store/sql.h"

/* Tables beyond those of VaultKeyringTable. */
enum {
    TABLE_GENERATION = VAULT_KEYRING_TABLE_COUNT,
    TABLE_ROW_KEYS,
    TABLE_MAILBOXES,
    TABLE_MONTHS,
    TABLE_COUNT
};

/* ROW_NEXT and ROW_REPLACE go by rowid: for walks that replace what they pass. */
typedef enum { ROW_GET, ROW_PUT, ROW_REMOVE, ROW_EACH, ROW_NEXT, ROW_REPLACE, ROW_OP_COUNT } RowOp;

enum {
    STATEMENT_BEGIN = TABLE_COUNT * ROW_OP_COUNT,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_ADD_MONTH,
    STATEMENT_MONTH_MAILBOX,
    STATEMENT_MONTHS_OF,
    STATEMENT_MONTHS_OF_NEWEST_FIRST,
    STATEMENT_MONTHS,
    STATEMENT_NEXT_MONTH_OF,
    STATEMENT_NEXT_MONTH,
    STATEMENT_COUNT
};

struct VaultKeyring {
    GRecMutex lock;
    VaultSql *sql;
    char **statement_texts;
    char *path;
    VaultId vault_id;
    VaultKey *vault_key; /* guarded memory, as is the next */
    RowKey *vault_row_key;
    gint change_depth;
    /* Guarded memory: what the two were before the change that replaced one; NULL otherwise. */
    VaultKey *vault_key_before;
    RowKey *vault_row_key_before;
};

/* Before any statement among the declarations: what is declared later is cleaned up first, so that
 * the statement is reset before another thread may have it. */
#define VAULT_KEYRING_LOCK(keyring)                                                                \
    G_GNUC_UNUSED g_autoptr(GRecMutexLocker) locker = g_rec_mutex_locker_new(&(keyring)->lock)

/* Either a row key, or NULL for the vault key itself. */
gboolean vault_keyring_row_put(VaultKeyring *keyring, guint table,
                               const guint8 row_id[VAULT_ID_LEN], const RowKey *key,
                               const GByteArray *value, GError **error);
/* NOT_FOUND, CORRUPT. */
GByteArray *vault_keyring_row_get(VaultKeyring *keyring, guint table,
                                  const guint8 row_id[VAULT_ID_LEN], const RowKey *key,
                                  GError **error);
/* Opens the columns row_id, row_version, sealed of a statement's current row. */
GByteArray *vault_keyring_row_open(VaultKeyring *keyring, guint table, VaultStatement *statement,
                                   const RowKey *key, guint8 ret_row_id[VAULT_ID_LEN],
                                   GError **error);
gboolean vault_keyring_row_version(VaultKeyring *keyring, guint table,
                                   const guint8 row_id[VAULT_ID_LEN], guint64 *ret_version,
                                   GError **error);
GBytes *vault_keyring_row_seal(VaultKeyring *keyring, guint table,
                               const guint8 row_id[VAULT_ID_LEN], guint64 version,
                               const RowKey *key, const GByteArray *value);
gboolean vault_keyring_row_key(VaultKeyring *keyring, const guint8 row_id[VAULT_ID_LEN],
                               RowKey *ret_key, GError **error);
gboolean vault_keyring_add_row_key(VaultKeyring *keyring, const guint8 row_id[VAULT_ID_LEN],
                                   RowKey *ret_key, GError **error);
/* In place of the one that is there: whoever calls it seals anew what lies under that. */
gboolean vault_keyring_put_row_key(VaultKeyring *keyring, const guint8 row_id[VAULT_ID_LEN],
                                   const RowKey *key, GError **error);
const char *vault_keyring_table_name(guint table);
