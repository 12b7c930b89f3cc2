/* The keyring: every key and fact that the archive's host has to keep, as sealed values in SQLite.
 *
 * No column is clear but random ids and row versions. A value opens only in its vault, table, row
 * and version: moved or rolled back alone, it is CORRUPT. Row keys lie under the vault key; a
 * mailbox and its months under the mailbox's row key, everything else under the vault row key.
 * What a change wrote is on stable storage when vault_keyring_commit() returns TRUE, all of it or
 * nothing; a put or remove outside a change is a change of its own.
 *
 * Threads: all functions are safe; a change keeps others out until it is committed or freed.
 * Errors: NOT_FOUND (no such row, no keyring), NO_KEY (the vault key opens no generation row),
 * CORRUPT, UNSUPPORTED (later version), NO_SPACE, BUSY (another process writes, or replaced the
 * vault key), REFUSED (opened for reading; an id that is
 * there already), IO.
 * Source: docs/formats/keyring.md.
 */
#pragma once

#include "vault/store/keyring_values.h"
#include "vault/store/mailbox_value.h"
#include "vault/store/month_value.h"

typedef struct VaultKeyring VaultKeyring;
typedef enum { VAULT_KEYRING_READ, VAULT_KEYRING_WRITE } VaultKeyringMode;

/* A new keyring at generation `key->generation`; the file must not exist (BUSY). Durable on return,
 * and not there after a failure. */
gboolean vault_keyring_create(const char *path, const VaultId *vault_id, const VaultKey *key,
                              guint64 now_s, GError **error);
/* `keys`: those of the vault-key file; the one that opens the generation row counts. */
VaultKeyring *vault_keyring_open(const char *path, VaultKeyringMode mode, const VaultId *vault_id,
                                 const VaultKey *keys, gsize key_count, GError **error);
void vault_keyring_close(VaultKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultKeyring, vault_keyring_close)
guint32 vault_keyring_generation(VaultKeyring *keyring);

/* A change: begin -> put, remove, ... -> commit; freed before commit, nothing of it is there. */
typedef struct VaultKeyringChange VaultKeyringChange;
VaultKeyringChange *vault_keyring_begin(VaultKeyring *keyring, GError **error);
/* Takes the change over in either case. */
gboolean vault_keyring_commit(VaultKeyringChange *change, GError **error);
void vault_keyring_change_free(VaultKeyringChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultKeyringChange, vault_keyring_change_free)

/* ---- rows under the vault row key ----------------------------------------------------------- */

typedef enum {
    VAULT_KEYRING_MASTERS,
    VAULT_KEYRING_LOCATOR_KEY,
    VAULT_KEYRING_DAY_KEYS,
    VAULT_KEYRING_LOG_KEYS,
    VAULT_KEYRING_POLICY,
    VAULT_KEYRING_GRANTS,
    VAULT_KEYRING_HOLDS,
    VAULT_KEYRING_EVENTS,
    VAULT_KEYRING_CASES,
    VAULT_KEYRING_TOMBSTONES, /* row id = month key id */
    VAULT_KEYRING_READERS,
    VAULT_KEYRING_IMPORT_KEYS, /* row id = id of the import; dropped after nine days */
    VAULT_KEYRING_HOLDERS,     /* of vault keys */
    VAULT_KEYRING_COPIES,      /* of the keyring */
    VAULT_KEYRING_DECLARATIONS,
    VAULT_KEYRING_ERASURES,
    VAULT_KEYRING_RETENTION,
    VAULT_KEYRING_TABLE_COUNT
} VaultKeyringTable;

/* Adds the row or replaces its value by the next version. */
gboolean vault_keyring_put(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                           const GByteArray *value, GError **error);
/* The value is freed with vault_value_free(). */
GByteArray *vault_keyring_get(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                              GError **error);
/* Whether there is such a row, without opening it. */
gboolean vault_keyring_has(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                           gboolean *ret_has, GError **error);
gboolean vault_keyring_remove(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                              GError **error);
/* Each row, oldest first. The visitor must not change the table. FALSE ends the walk: it is then
 * the result, with the error that the visitor set. */
typedef gboolean (*VaultKeyringVisit)(const RowId *row_id, const GByteArray *value, gpointer user,
                                      GError **error);
gboolean vault_keyring_each(VaultKeyring *keyring, VaultKeyringTable table, VaultKeyringVisit visit,
                            gpointer user, GError **error);

/* ---- mailboxes and their months ------------------------------------------------------------- */

/* A new mailbox with a new row key. */
gboolean vault_keyring_add_mailbox(VaultKeyring *keyring, const VaultMailboxValue *mailbox,
                                   GError **error);
gboolean vault_keyring_update_mailbox(VaultKeyring *keyring, const VaultMailboxValue *mailbox,
                                      GError **error);
VaultMailboxValue *vault_keyring_get_mailbox(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                             GError **error);
typedef gboolean (*VaultMailboxVisit)(const VaultMailboxValue *mailbox, gpointer user,
                                      GError **error);
gboolean vault_keyring_each_mailbox(VaultKeyring *keyring, VaultMailboxVisit visit, gpointer user,
                                    GError **error);

/* A new month of a mailbox that is there. */
gboolean vault_keyring_add_month(VaultKeyring *keyring, const VaultMonthValue *month,
                                 GError **error);
/* Of a month that is there: NOT_FOUND for one that was dropped. */
gboolean vault_keyring_update_month(VaultKeyring *keyring, const VaultMonthValue *month,
                                    GError **error);
VaultMonthValue *vault_keyring_get_month(VaultKeyring *keyring, const MonthKeyId *month_key_id,
                                         GError **error);
/* Whose month it is, without opening it. NOT_FOUND. */
gboolean vault_keyring_month_mailbox(VaultKeyring *keyring, const MonthKeyId *month_key_id,
                                     MailboxId *ret_mailbox, GError **error);
/* The mailbox's newest key of that month. NOT_FOUND. */
VaultMonthValue *vault_keyring_find_month(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                          VaultMonth month, GError **error);
typedef gboolean (*VaultMonthVisit)(const VaultMonthValue *month, gpointer user, GError **error);
/* `mailbox_id` NULL: of all mailboxes. In order of creation. */
gboolean vault_keyring_each_month(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                  VaultMonthVisit visit, gpointer user, GError **error);
gboolean vault_keyring_count(VaultKeyring *keyring, guint64 *ret_mailboxes, guint64 *ret_months,
                             GError **error);
/* The live keyring as of one moment in a new file, durable on return; what a failure leaves is
 * removed. Nobody waits for it: a connection of its own reads. BUSY: `path` is there. */
gboolean vault_keyring_snapshot(VaultKeyring *keyring, const char *path, GError **error);
/* The vault key that the keyring is sealed under. */
void vault_keyring_vault_key(VaultKeyring *keyring, VaultKey *ret_key);
/* A read of SQLite's own consistency check; CORRUPT says what it found first. */
gboolean vault_keyring_check(VaultKeyring *keyring, GError **error);
