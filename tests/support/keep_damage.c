#include "tests/support/keep_damage.h"

#include "vault/crypto/value.h"
#include "vault/keep/internal.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

/* ---- files ---------------------------------------------------------------------------------- */

char *keep_damage_path(const KeepFixture *fixture, const char *name)
{
    return g_build_filename(fixture->path, name, NULL);
}

GByteArray *keep_damage_read(const char *path)
{
    char *bytes;
    gsize len;

    if (!g_file_get_contents(path, &bytes, &len, NULL))
        return NULL;
    return g_byte_array_new_take((guint8 *)bytes, len);
}

/* In place, as a write to the file would: other descriptors of it see the change. */
void keep_damage_write(const char *path, const void *bytes, gsize len)
{
    FILE *file = g_fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void keep_damage_flip(const char *path, gsize offset)
{
    g_autoptr(GByteArray) bytes = keep_damage_read(path);

    assert_non_null(bytes);
    assert_true(offset < bytes->len);
    bytes->data[offset] ^= 0xff;
    keep_damage_write(path, bytes->data, bytes->len);
}

void keep_damage_remove(const KeepFixture *fixture, const char *name)
{
    g_autofree char *path = keep_damage_path(fixture, name);

    assert_int_equal(g_unlink(path), 0);
}

/* ---- databases ------------------------------------------------------------------------------ */

KeepDatabase keep_damage_save_database(const KeepFixture *fixture, const char *name)
{
    g_autofree char *path = keep_damage_path(fixture, name);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);

    return (KeepDatabase){.file = keep_damage_read(path), .log = keep_damage_read(log)};
}

static void put_back(const char *path, const GByteArray *bytes)
{
    if (bytes == NULL)
        g_unlink(path);
    else
        keep_damage_write(path, bytes->data, bytes->len);
}

void keep_damage_restore_database(const KeepFixture *fixture, const char *name,
                                  const KeepDatabase *database)
{
    g_autofree char *path = keep_damage_path(fixture, name);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    g_autofree char *shared = g_strconcat(path, "-shm", NULL);

    assert_null(fixture->keep);
    g_unlink(shared);
    put_back(path, database->file);
    put_back(log, database->log);
}

void keep_database_clear(KeepDatabase *database)
{
    g_clear_pointer(&database->file, g_byte_array_unref);
    g_clear_pointer(&database->log, g_byte_array_unref);
}

static sqlite3 *open_database(const KeepFixture *fixture, const char *name)
{
    g_autofree char *path = keep_damage_path(fixture, name);
    sqlite3 *database;

    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    return database;
}

void keep_damage_sql(const KeepFixture *fixture, const char *name, const char *script)
{
    sqlite3 *database = open_database(fixture, name);

    if (sqlite3_exec(database, script, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", script, sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void append_column(GString *rows, sqlite3_stmt *row, int column)
{
    const guint8 *bytes = sqlite3_column_blob(row, column);

    if (sqlite3_column_type(row, column) != SQLITE_BLOB) {
        const char *text = (const char *)sqlite3_column_text(row, column);

        g_string_append_printf(rows, " %s", text == NULL ? "-" : text);
        return;
    }
    g_string_append_c(rows, ' ');
    for (int i = 0; i < sqlite3_column_bytes(row, column); i++)
        g_string_append_printf(rows, "%02x", bytes[i]);
}

char *keep_damage_rows(const KeepFixture *fixture, const char *name, const char *query)
{
    sqlite3 *database = open_database(fixture, name);
    GString *rows = g_string_new(NULL);
    sqlite3_stmt *row;
    int result;

    if (sqlite3_prepare_v2(database, query, -1, &row, NULL) != SQLITE_OK)
        fail_msg("%s: %s", query, sqlite3_errmsg(database));
    while ((result = sqlite3_step(row)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(row); i++)
            append_column(rows, row, i);
        g_string_append_c(rows, '\n');
    }
    assert_int_equal(result, SQLITE_DONE);
    sqlite3_finalize(row);
    sqlite3_close(database);
    return g_string_free(rows, FALSE);
}

char *keep_damage_catalog(const KeepFixture *fixture)
{
    static const char *const queries[] = {
        "SELECT vault_id, message_count, copy_count, other_count, last_archived_s FROM totals",
        "SELECT pack_id, end, state FROM packs ORDER BY 1",
        "SELECT body_id, pack_id, offset, len, received_s, archived_s, flags, repeats FROM bodies "
        "JOIN packs USING (pack_no) ORDER BY 1",
        "SELECT received_s, record_id, body_id, month_key_id, leaf, flags, pack_id, offset, len, "
        "terms_id "
        "FROM copies JOIN packs USING (pack_no) ORDER BY 2",
        "SELECT record_id, kind, body_id, month_key_id, leaf, pack_id, offset, len FROM others "
        "JOIN packs USING (pack_no) ORDER BY 1",
        "SELECT repeat_tag, body_id, retry_tag, archived_s FROM tags ORDER BY 1, 2",
        "SELECT month_key_id, end FROM leaves ORDER BY 1",
    };
    GString *all = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_autofree char *rows = keep_damage_rows(fixture, "catalog.sqlite", queries[i]);

        g_string_append_printf(all, "[%zu]\n%s", i, rows);
    }
    return g_string_free(all, FALSE);
}

/* ---- months --------------------------------------------------------------------------------- */

void keep_damage_puncture(KeepFixture *fixture, const MonthKeyId *month_key_id, guint32 leaf)
{
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(fixture->keep->keyring, month_key_id, NULL);

    assert_non_null(month);
    assert_true(vault_erasure_tree_puncture(month->tree, leaf, NULL));
    assert_true(vault_keyring_update_month(fixture->keep->keyring, month, NULL));
}

void keep_damage_forget_month(KeepFixture *fixture, const MonthKeyId *month_key_id)
{
    g_autofree char *script =
        g_strdup_printf("DELETE FROM months WHERE row_id = x'%s'", VAULT_ID_TEXT(*month_key_id));

    keep_damage_sql(fixture, "keyring.sqlite", script);
}

void keep_damage_drop_month(KeepFixture *fixture, const MonthKeyId *month_key_id)
{
    VaultKeyring *keyring = fixture->keep->keyring;
    VaultTombstoneValue tombstone = {.dropped_s = keep_fixture_now()};
    g_autoptr(VaultMonthValue) month = vault_keyring_get_month(keyring, month_key_id, NULL);
    GByteArray *value;
    RowId row_id;

    assert_non_null(month);
    tombstone.mailbox_id = month->mailbox_id;
    tombstone.month = month->month;
    memcpy(row_id.bytes, month_key_id->bytes, VAULT_ID_LEN);
    value = vault_tombstone_value_format(&tombstone);
    assert_true(vault_keyring_put(keyring, VAULT_KEYRING_TOMBSTONES, &row_id, value, NULL));
    vault_value_free(value);
    keep_damage_forget_month(fixture, month_key_id);
}
