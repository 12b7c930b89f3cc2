/* A keyring in a folder of its own, with one mailbox and months that are really wrapped to a
 * master, and a way to change the file behind its back. */
#pragma once

#include "tests/unit/crypto_world.h"
#include "tests/unit/values_world.h"

#include "vault/base/file.h"
#include "vault/crypto/key_files.h"
#include "vault/store/keyring.h"
#include "vault/store/sql.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *folder, *path;
    VaultId vault_id;
    VaultKey key;
    VaultMaster master;
} KeyringWorld;

static inline KeyringWorld *keyring_world_new(void)
{
    KeyringWorld *world = g_new0(KeyringWorld, 1);

    world->folder = g_dir_make_tmp("keyring-XXXXXX", NULL);
    world->path = g_build_filename(world->folder, "keyring.sqlite", NULL);
    vault_random(&world->vault_id, sizeof world->vault_id);
    world->key.generation = 3;
    vault_random(world->key.bytes, VAULT_KEY_LEN);
    vault_master_create(&world->master);
    assert_true(vault_keyring_create(world->path, &world->vault_id, &world->key, SAMPLE_S, NULL));
    return world;
}

static inline void keyring_world_free(KeyringWorld *world)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    if (world == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(world->path, suffixes[i], NULL);

        unlink(file);
    }
    assert_int_equal(rmdir(world->folder), 0);
    g_free(world->path);
    g_free(world->folder);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyringWorld, keyring_world_free)

static inline VaultKeyring *world_open(KeyringWorld *world, VaultKeyringMode mode)
{
    g_autoptr(GError) error = NULL;
    VaultKeyring *keyring =
        vault_keyring_open(world->path, mode, &world->vault_id, &world->key, 1, &error);

    if (keyring == NULL)
        fail_msg("%s", error->message);
    return keyring;
}

/* Runs SQL on the file as somebody would who has the disk and no key. */
static inline void world_tamper(KeyringWorld *world, const char *script)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultSql) sql = vault_sql_open(world->path, VAULT_SQL_WRITE, NULL, 0, &error);

    if (sql == NULL || !vault_sql_exec(sql, script, &error))
        fail_msg("%s", error->message);
}

/* As a file of schema version 2 is: mailboxes without numbers, months with their ids. */
#define WORLD_VERSION_2                                                                            \
    "CREATE TABLE old_months (row_id BLOB NOT NULL PRIMARY KEY, row_version INTEGER NOT NULL, "    \
    "sealed BLOB NOT NULL, mailbox_id BLOB NOT NULL);"                                             \
    "INSERT INTO old_months SELECT m.row_id, m.row_version, m.sealed, b.row_id FROM months m "     \
    "JOIN mailboxes b ON b.number = m.mailbox ORDER BY m.number;"                                  \
    "CREATE TABLE old_mailboxes (row_id BLOB NOT NULL PRIMARY KEY, "                               \
    "row_version INTEGER NOT NULL, sealed BLOB NOT NULL);"                                         \
    "INSERT INTO old_mailboxes SELECT row_id, row_version, sealed FROM mailboxes ORDER BY number;" \
    "DROP TABLE months; DROP TABLE mailboxes; ALTER TABLE old_months RENAME TO months;"            \
    "ALTER TABLE old_mailboxes RENAME TO mailboxes;"                                               \
    "CREATE INDEX months_mailbox ON months (mailbox_id); PRAGMA user_version=2;"

static inline gint64 world_count(KeyringWorld *world, const char *query)
{
    g_autoptr(VaultSql) sql = vault_sql_open(world->path, VAULT_SQL_READ, NULL, 0, NULL);
    gint64 count = -1;

    assert_non_null(sql);
    assert_true(vault_sql_exec_int(sql, query, &count, NULL));
    return count;
}

static inline VaultMailboxValue *world_add_mailbox(VaultKeyring *keyring, const char *address)
{
    VaultMailboxValue *mailbox = vault_mailbox_value_new(address, SAMPLE_S);

    assert_true(vault_keyring_add_mailbox(keyring, mailbox, NULL));
    return mailbox;
}

static inline VaultMonthValue *world_make_month(const KeyringWorld *world,
                                                const MailboxId *mailbox_id, VaultMonth month)
{
    VaultMonthIdentity identity = {.vault_id = world->vault_id,
                                   .mailbox_id = *mailbox_id,
                                   .address = "a@example.org",
                                   .month = month};
    VaultWrapRecipient recipient = {.kind = VAULT_WRAP_MASTER,
                                    .key_id = vault_master_key_id(&world->master.public)};
    VaultMonthValue *value;

    memcpy(recipient.public_key, world->master.public.public_key.bytes, VAULT_KEY_LEN);
    value = vault_month_value_new(&identity, &recipient, 1, SAMPLE_S, NULL);
    assert_non_null(value);
    return value;
}

static inline VaultMonthValue *world_add_month(const KeyringWorld *world, VaultKeyring *keyring,
                                               const MailboxId *mailbox_id, VaultMonth month)
{
    VaultMonthValue *value = world_make_month(world, mailbox_id, month);

    assert_true(vault_keyring_add_month(keyring, value, NULL));
    return value;
}

static inline void assert_same_month(const VaultMonthValue *a, const VaultMonthValue *b)
{
    GByteArray *left, *right;

    assert_non_null(a);
    assert_non_null(b);
    left = vault_month_value_format(a);
    right = vault_month_value_format(b);
    assert_int_equal(left->len, right->len);
    assert_memory_equal(left->data, right->data, left->len);
    vault_value_free(left);
    vault_value_free(right);
}

static inline GByteArray *bytes_of(const char *text)
{
    return g_byte_array_append(g_byte_array_new(), (const guint8 *)text, (guint)strlen(text));
}

/* `table` has the row with just this value. */
static inline void assert_row(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                              const char *expected)
{
    g_autoptr(GError) error = NULL;
    GByteArray *value = vault_keyring_get(keyring, table, row_id, &error);

    if (value == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(value->len, strlen(expected));
    assert_memory_equal(value->data, expected, value->len);
    vault_value_free(value);
}

static inline void put_row(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                           const char *text)
{
    g_autoptr(GByteArray) value = bytes_of(text);

    assert_true(vault_keyring_put(keyring, table, row_id, value, NULL));
}
