#include "vault/store/keyring.h"

#include "vault/base/file.h"
#include "vault/store/keyring_rows.h"
#include "vault/store/keyring_schema.h"

#include <fcntl.h>
#include <unistd.h>

struct VaultKeyringChange {
    VaultKeyring *keyring;
};

static VaultKeyring *keyring_new(const char *path, const VaultId *vault_id)
{
    VaultKeyring *keyring = g_new0(VaultKeyring, 1);

    g_rec_mutex_init(&keyring->lock);
    keyring->path = g_strdup(path);
    keyring->vault_id = *vault_id;
    keyring->vault_key = vault_secret_new(sizeof *keyring->vault_key);
    keyring->vault_row_key = vault_secret_new(sizeof *keyring->vault_row_key);
    vault_keyring_build_texts(keyring);
    return keyring;
}

void vault_keyring_close(VaultKeyring *keyring)
{
    if (keyring == NULL)
        return;
    vault_sql_close(keyring->sql);
    g_strfreev(keyring->statement_texts);
    vault_secret_free(keyring->vault_key);
    vault_secret_free(keyring->vault_row_key);
    g_rec_mutex_clear(&keyring->lock);
    g_free(keyring->path);
    g_free(keyring);
}

guint32 vault_keyring_generation(VaultKeyring *keyring)
{
    VAULT_KEYRING_LOCK(keyring);

    return keyring->vault_key->generation;
}

static gboolean connect_file(VaultKeyring *keyring, VaultSqlMode mode, GError **error)
{
    keyring->sql = vault_sql_open(
        keyring->path, mode, (const char *const *)keyring->statement_texts, STATEMENT_COUNT, error);
    if (keyring->sql == NULL)
        return FALSE;
    /* Pages of that size waste less, as a month is long; those of a file that is there stay.
     * FULL: a commit returns after its sync. secure_delete: freed pages are overwritten, which
     * asks nothing of the disk but is no reason to leave them. */
    return vault_sql_exec(
        keyring->sql,
        mode == VAULT_SQL_READ
            ? "PRAGMA temp_store=MEMORY;"
            : "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
              "PRAGMA secure_delete=ON; PRAGMA foreign_keys=OFF;",
        error);
}

/* ---- create --------------------------------------------------------------------------------- */

static gboolean create_generation(VaultKeyring *keyring, guint64 now_s, GError **error)
{
    VaultGenerationValue generation = {.vault_id = keyring->vault_id,
                                       .generation = keyring->vault_key->generation,
                                       .created_s = now_s};
    g_autoptr(GByteArray) value = NULL;
    RowId row_id;

    vault_random(row_id.bytes, VAULT_ID_LEN);
    vault_random(generation.vault_row_key_id.bytes, VAULT_ID_LEN);
    value = vault_generation_value_format(&generation);
    return vault_keyring_add_row_key(keyring, generation.vault_row_key_id.bytes,
                                     keyring->vault_row_key, error) &&
           vault_keyring_row_put(keyring, TABLE_GENERATION, row_id.bytes, NULL, value, error);
}

/* SQLite's log has its name by now. SQLite syncs the directory once itself and takes no notice when
 * that fails: then a power cut would take the log with everything committed in it. */
static gboolean sync_names(const VaultKeyring *keyring, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(keyring->path);

    return vault_file_sync_directory(directory, error);
}

static gboolean fill_new(VaultKeyring *keyring, guint64 now_s, GError **error)
{
    g_autoptr(VaultKeyringChange) change = NULL;

    if (!connect_file(keyring, VAULT_SQL_WRITE, error))
        return FALSE;
    change = vault_keyring_begin(keyring, error);
    return change != NULL && vault_keyring_create_schema(keyring, error) &&
           create_generation(keyring, now_s, error) &&
           vault_keyring_commit(g_steal_pointer(&change), error) && sync_names(keyring, error);
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};

    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(path, suffixes[i], NULL);

        unlink(file);
    }
}

gboolean vault_keyring_create(const char *path, const VaultId *vault_id, const VaultKey *key,
                              guint64 now_s, GError **error)
{
    VaultKeyring *keyring;
    gboolean is_created;
    g_auto(VaultFd) fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot create", path);
    keyring = keyring_new(path, vault_id);
    *keyring->vault_key = *key;
    is_created = fill_new(keyring, now_s, error);
    vault_keyring_close(keyring);
    if (!is_created)
        remove_files(path);
    return is_created;
}

/* ---- open ----------------------------------------------------------------------------------- */

/* Whether `key` opens the generation row; sets the vault key and finds the vault row key's row. */
static gboolean try_vault_key(VaultKeyring *keyring, const VaultKey *key,
                              VaultGenerationValue *ret_generation, GError **error)
{
    g_autoptr(VaultStatement) each =
        vault_sql_use(keyring->sql, TABLE_GENERATION * ROW_OP_COUNT + ROW_EACH, error);
    guint8 row_id[VAULT_ID_LEN];
    GByteArray *value;
    gboolean has_row, is_valid;

    if (each == NULL || !vault_sql_step(keyring->sql, each, &has_row, error))
        return FALSE;
    if (!has_row) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s has no generation row",
                    keyring->path);
        return FALSE;
    }
    *keyring->vault_key = *key;
    value = vault_keyring_row_open(keyring, TABLE_GENERATION, each, NULL, row_id, NULL);
    if (value == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "the vault key does not open %s: it is of another vault or another generation",
                    keyring->path);
        return FALSE;
    }
    is_valid = vault_generation_value_parse(value->data, value->len, ret_generation, error);
    vault_value_free(value);
    return is_valid;
}

static gboolean unlock(VaultKeyring *keyring, const VaultKey *keys, gsize key_count, GError **error)
{
    VaultGenerationValue generation = {.generation = 0};
    g_autoptr(GError) last = NULL;

    for (gsize i = 0; i < key_count; i++) {
        g_clear_error(&last);
        if (try_vault_key(keyring, &keys[i], &generation, &last))
            break;
        if (!g_error_matches(last, VAULT_ERROR, VAULT_ERROR_NO_KEY))
            break;
    }
    if (last != NULL) {
        g_propagate_error(error, g_steal_pointer(&last));
        return FALSE;
    }
    if (key_count == 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, "no vault key for %s", keyring->path);
        return FALSE;
    }
    if (generation.generation != keyring->vault_key->generation ||
        !VAULT_ID_EQUAL(generation.vault_id, keyring->vault_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "%s: the generation row names another vault or generation than the vault key",
                    keyring->path);
        return FALSE;
    }
    if (vault_keyring_row_key(keyring, generation.vault_row_key_id.bytes, keyring->vault_row_key,
                              &last))
        return TRUE;
    /* To the caller a row that must be there is not merely not found. */
    if (g_error_matches(last, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        last->code = VAULT_ERROR_CORRUPT;
    g_propagate_error(error, g_steal_pointer(&last));
    return FALSE;
}

VaultKeyring *vault_keyring_open(const char *path, VaultKeyringMode mode, const VaultId *vault_id,
                                 const VaultKey *keys, gsize key_count, GError **error)
{
    g_autoptr(VaultKeyring) keyring = keyring_new(path, vault_id);
    VaultSqlMode sql_mode = mode == VAULT_KEYRING_READ ? VAULT_SQL_READ : VAULT_SQL_WRITE;

    if (!connect_file(keyring, sql_mode, error) ||
        !vault_keyring_check_schema(keyring, mode, error) ||
        !unlock(keyring, keys, key_count, error))
        return NULL;
    if (mode == VAULT_KEYRING_WRITE && !sync_names(keyring, error))
        return NULL;
    return g_steal_pointer(&keyring);
}

/* ---- changes -------------------------------------------------------------------------------- */

static gboolean run_statement(VaultKeyring *keyring, gsize statement, GError **error)
{
    g_autoptr(VaultStatement) run = vault_sql_use(keyring->sql, statement, error);

    return run != NULL && vault_sql_run(keyring->sql, run, error);
}

VaultKeyringChange *vault_keyring_begin(VaultKeyring *keyring, GError **error)
{
    VaultKeyringChange *change;

    g_rec_mutex_lock(&keyring->lock);
    g_assert(keyring->change_depth == 0);
    if (!run_statement(keyring, STATEMENT_BEGIN, error)) {
        g_rec_mutex_unlock(&keyring->lock);
        return NULL;
    }
    keyring->change_depth = 1;
    change = g_new0(VaultKeyringChange, 1);
    change->keyring = keyring;
    return change;
}

static void forget_keys_before(VaultKeyring *keyring)
{
    g_clear_pointer(&keyring->vault_key_before, vault_secret_free);
    g_clear_pointer(&keyring->vault_row_key_before, vault_secret_free);
}

/* With what was sealed under them the keys go back, too. */
static void undo_keys(VaultKeyring *keyring)
{
    if (keyring->vault_key_before == NULL)
        return;
    *keyring->vault_key = *keyring->vault_key_before;
    *keyring->vault_row_key = *keyring->vault_row_key_before;
    forget_keys_before(keyring);
}

gboolean vault_keyring_commit(VaultKeyringChange *change, GError **error)
{
    g_autoptr(VaultKeyringChange) owned = change;

    if (!run_statement(change->keyring, STATEMENT_COMMIT, error))
        return FALSE;
    change->keyring->change_depth = 0;
    forget_keys_before(change->keyring);
    return TRUE;
}

void vault_keyring_change_free(VaultKeyringChange *change)
{
    if (change == NULL)
        return;
    /* A failed commit may have rolled back by itself: then there is nothing to undo. */
    if (change->keyring->change_depth > 0)
        run_statement(change->keyring, STATEMENT_ROLLBACK, NULL);
    change->keyring->change_depth = 0;
    undo_keys(change->keyring);
    g_rec_mutex_unlock(&change->keyring->lock);
    g_free(change);
}

/* ---- rows under the vault row key ----------------------------------------------------------- */

gboolean vault_keyring_put(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                           const GByteArray *value, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);

    g_assert(table < VAULT_KEYRING_TABLE_COUNT);
    return vault_keyring_row_put(keyring, table, row_id->bytes, keyring->vault_row_key, value,
                                 error);
}

GByteArray *vault_keyring_get(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                              GError **error)
{
    VAULT_KEYRING_LOCK(keyring);

    g_assert(table < VAULT_KEYRING_TABLE_COUNT);
    return vault_keyring_row_get(keyring, table, row_id->bytes, keyring->vault_row_key, error);
}

gboolean vault_keyring_has(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                           gboolean *ret_has, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    guint64 version;

    if (!vault_keyring_row_version(keyring, table, row_id->bytes, &version, error))
        return FALSE;
    *ret_has = version > 0;
    return TRUE;
}

gboolean vault_keyring_remove(VaultKeyring *keyring, VaultKeyringTable table, const RowId *row_id,
                              GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(VaultStatement) remove = NULL;

    g_assert(table < VAULT_KEYRING_TABLE_COUNT);
    remove = vault_sql_use(keyring->sql, table * ROW_OP_COUNT + ROW_REMOVE, error);
    if (remove == NULL)
        return FALSE;
    vault_sql_bind_id(remove, 1, row_id->bytes);
    if (!vault_sql_run(keyring->sql, remove, error))
        return FALSE;
    if (vault_sql_changes(keyring->sql) > 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "%s has no row %s in table %s",
                keyring->path, VAULT_ID_TEXT(*row_id), vault_keyring_table_name(table));
    return FALSE;
}

gboolean vault_keyring_each(VaultKeyring *keyring, VaultKeyringTable table, VaultKeyringVisit visit,
                            gpointer user, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    g_autoptr(VaultStatement) each = NULL;
    gboolean has_row = TRUE;

    g_assert(table < VAULT_KEYRING_TABLE_COUNT);
    each = vault_sql_use(keyring->sql, table * ROW_OP_COUNT + ROW_EACH, error);
    if (each == NULL)
        return FALSE;
    while (vault_sql_step(keyring->sql, each, &has_row, error)) {
        RowId row_id;
        GByteArray *value;
        gboolean is_continued;

        if (!has_row)
            return TRUE;
        value = vault_keyring_row_open(keyring, table, each, keyring->vault_row_key, row_id.bytes,
                                       error);
        if (value == NULL)
            return FALSE;
        is_continued = visit(&row_id, value, user, error);
        vault_value_free(value);
        if (!is_continued)
            return FALSE;
    }
    return FALSE;
}

gboolean vault_keyring_check(VaultKeyring *keyring, GError **error)
{
    VAULT_KEYRING_LOCK(keyring);
    gint64 count = 0;

    if (!vault_sql_exec_int(keyring->sql,
                            "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'",
                            &count, error))
        return FALSE;
    if (count == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s: SQLite finds %" G_GINT64_FORMAT " faults in the file", keyring->path, count);
    return FALSE;
}
